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
