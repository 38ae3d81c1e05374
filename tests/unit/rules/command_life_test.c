// Claims about malformed commands of a member's life: each field is refused by name.
#include <criterion/criterion.h>

#include <string.h>

#include "base/limits.h"
#include "rules/command.h"

static char long_text[128];
static struct jf_command command;
static struct jf_refusal refusal;

static struct jf_text text_of(uint32_t size)
{
    memset(long_text, 'a', sizeof long_text);
    return (struct jf_text){long_text, size};
}

static void make(enum jf_command_kind kind)
{
    command = (struct jf_command){.kind = kind, .transaction_id = JF_TEXT("t-1")};
}

static void expect_refused(const char *field)
{
    cr_expect_not(jf_command_check(&command, true, &refusal), "%s was accepted", field);
    cr_expect_eq(refusal.code, JF_REFUSAL_INVALID_FIELD);
    cr_expect_str_eq(refusal.field == NULL ? "" : refusal.field, field);
}

static void expect_accepted(void)
{
    cr_expect(jf_command_check(&command, true, &refusal), "%s: %s", refusal.field, refusal.detail);
}

Test(command_life, who_is_meant_is_named_once)
{
    static const enum jf_command_kind kinds[] = {JF_COMMAND_UPDATE_MEMBER, JF_COMMAND_LINK_CARD,
                                                 JF_COMMAND_FREEZE, JF_COMMAND_CLOSE};
    for (uint32_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        make(kinds[i]);
        if (kinds[i] == JF_COMMAND_LINK_CARD) {
            command.as.link_card.card = JF_TEXT("new");
        }
        struct jf_member_ref *ref = (struct jf_member_ref *)(uintptr_t)jf_command_member(&command);
        expect_refused("member");
        ref->number.value = 1;
        expect_accepted();
        ref->card = JF_TEXT("c");
        expect_refused("member");
        ref->number.value = 0;
        expect_accepted();
        ref->card = text_of(JF_CARD_BYTES_MAX + 1);
        expect_refused("member.card");
    }
}

Test(command_life, a_birthday_is_a_day_of_a_leap_year_or_left_out)
{
    make(JF_COMMAND_UPDATE_MEMBER);
    command.as.update_member.member.number.value = 1;
    command.as.update_member.birth_month = 2;
    expect_refused("birth_day");
    command.as.update_member.birth_day = 29;
    expect_accepted();
    command.as.update_member.birth_day = 30;
    expect_refused("birth_day");
    command.as.update_member.birth_month = 13;
    expect_refused("birth_month");
}

Test(command_life, a_card_has_one_to_sixty_four_plain_bytes)
{
    make(JF_COMMAND_LINK_CARD);
    command.as.link_card.member.number.value = 1;
    expect_refused("card");
    command.as.link_card.card = text_of(JF_CARD_BYTES_MAX);
    expect_accepted();
    command.as.link_card.card = text_of(JF_CARD_BYTES_MAX + 1);
    expect_refused("card");
    make(JF_COMMAND_UNLINK_CARD);
    expect_refused("card");
    command.as.unlink_card.card.card = JF_TEXT("c\n");
    expect_refused("card");
    command.as.unlink_card.card.card = JF_TEXT("c");
    expect_accepted();
}

Test(command_life, every_field_counts_in_the_fingerprint)
{
    make(JF_COMMAND_UPDATE_MEMBER);
    uint64_t before = jf_command_fingerprint(&command);
    command.as.update_member.is_erase = true;
    cr_expect_neq(jf_command_fingerprint(&command), before);
    make(JF_COMMAND_FREEZE);
    before = jf_command_fingerprint(&command);
    command.as.freeze.is_thaw = true;
    cr_expect_neq(jf_command_fingerprint(&command), before);
    make(JF_COMMAND_LINK_CARD);
    before = jf_command_fingerprint(&command);
    command.as.link_card.card = JF_TEXT("c");
    cr_expect_neq(jf_command_fingerprint(&command), before);
    make(JF_COMMAND_UNLINK_CARD);
    before = jf_command_fingerprint(&command);
    command.as.unlink_card.card.card = JF_TEXT("c");
    cr_expect_neq(jf_command_fingerprint(&command), before);
    make(JF_COMMAND_CLOSE);
    before = jf_command_fingerprint(&command);
    command.as.close.member.number.value = 1;
    cr_expect_neq(jf_command_fingerprint(&command), before);
}

Test(command_life, an_adjustment_says_how_much_why_who_and_for_whom)
{
    make(JF_COMMAND_ADJUST);
    struct jf_adjust_command *adjust = &command.as.adjust;
    *adjust = (struct jf_adjust_command){.member = {.number = {1}},
                                         .points = -JF_POINTS_MAX,
                                         .reason_code = JF_TEXT("r"),
                                         .operator_name = JF_TEXT("o"),
                                         .entity = {255},
                                         .adjusted_at_ms = 1767225600000};
    expect_accepted();
    adjust->points = -JF_POINTS_MAX - 1;
    expect_refused("points");
    adjust->points = 0;
    expect_refused("points");
    adjust->points = 1;
    adjust->reason_code = text_of(65);
    expect_refused("reason_code");
    adjust->reason_code = JF_TEXT("r");
    adjust->operator_name = JF_TEXT("");
    expect_refused("operator");
    adjust->operator_name = JF_TEXT("o");
    adjust->approver = text_of(65);
    expect_refused("approver");
    adjust->approver = JF_TEXT("");
    adjust->entity.value = 256;
    expect_refused("entity");
    adjust->entity.value = 1;
    adjust->adjusted_at_ms = 0;
    expect_refused("adjusted_at_ms");
}

Test(command_life, a_transfer_and_a_merge_name_both_members)
{
    make(JF_COMMAND_TRANSFER);
    expect_refused("from");
    command.as.transfer.from.number.value = 1;
    expect_refused("to");
    command.as.transfer.to.card = text_of(65);
    expect_refused("to.card");
    command.as.transfer.to.card = JF_TEXT("c");
    expect_refused("points");
    command.as.transfer.points = JF_POINTS_MAX;
    expect_refused("operator");
    command.as.transfer.operator_name = JF_TEXT("o");
    expect_refused("transferred_at_ms");
    command.as.transfer.transferred_at_ms = 1767225600000;
    expect_accepted();
    make(JF_COMMAND_MERGE);
    expect_refused("from");
    command.as.merge.from.number.value = 1;
    expect_refused("into");
    command.as.merge.into.number.value = 1; // planning knows who is whom
    expect_accepted();
}
