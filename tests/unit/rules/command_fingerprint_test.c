// Claims about fingerprints: any change of content changes it, the transaction id does not, and it
// is the same on every machine.
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "rules/command.h"

static struct jf_line lines[2];
static struct jf_tender tenders[1];

static struct jf_command sale(void)
{
    lines[0] = (struct jf_line){JF_TEXT("s1"), JF_TEXT("c1"), 1000, 100};
    lines[1] = (struct jf_line){JF_TEXT("s2"), JF_TEXT("c2"), 2000, 200};
    tenders[0] = (struct jf_tender){JF_TEXT("cash"), 300};
    struct jf_command command = {.kind = JF_COMMAND_SALE, .transaction_id = JF_TEXT("t")};
    command.as.sale = (struct jf_sale_command){.member = {.number = {7}},
                                               .receipt = {.store = {1},
                                                           .terminal = 2,
                                                           .number = JF_TEXT("n"),
                                                           .sold_at_ms = 1767225600000,
                                                           .lines = lines,
                                                           .tenders = tenders,
                                                           .line_count = 2,
                                                           .tender_count = 1}};
    return command;
}

Test(command_fingerprint, every_field_of_a_sale_counts)
{
    struct jf_command command = sale();
    uint64_t first = jf_command_fingerprint(&command);
    uint64_t others[16];
    uint32_t count = 0;
#define CHANGED(statement)                                                                         \
    command = sale();                                                                              \
    statement;                                                                                     \
    others[count++] = jf_command_fingerprint(&command)
    CHANGED(command.as.sale.member.number.value = 8);
    CHANGED(command.as.sale.member.card = JF_TEXT("7"));
    CHANGED(command.as.sale.receipt.store.value = 2);
    CHANGED(command.as.sale.receipt.terminal = 3);
    CHANGED(command.as.sale.receipt.number = JF_TEXT("m"));
    CHANGED(command.as.sale.receipt.sold_at_ms++);
    CHANGED(command.as.sale.receipt.line_count = 1);
    CHANGED(command.as.sale.receipt.tender_count = 0);
    CHANGED(lines[1].sku = JF_TEXT("s3"));
    CHANGED(lines[1].quantity_milli++);
    CHANGED(lines[1].amount++);
    CHANGED(tenders[0].amount++);
    CHANGED(command.as.sale.redeem_points = 10);
    CHANGED(command.as.sale.is_offline = true);
    CHANGED(lines[0].sku = JF_TEXT("s1c"); lines[0].category = JF_TEXT("1"));
#undef CHANGED
    for (uint32_t i = 0; i < count; i++) {
        cr_expect_neq(others[i], first, "change %u", i);
        for (uint32_t j = 0; j < i; j++) {
            cr_expect_neq(others[i], others[j], "changes %u and %u", i, j);
        }
    }
}

Test(command_fingerprint, the_transaction_id_does_not_count)
{
    struct jf_command command = sale();
    uint64_t first = jf_command_fingerprint(&command);
    command.transaction_id = JF_TEXT("another");
    cr_expect_eq(jf_command_fingerprint(&command), first);
}

Test(command_fingerprint, kinds_with_like_fields_differ)
{
    struct jf_command a = {.kind = JF_COMMAND_TIER_CHANGE};
    struct jf_command b = {.kind = JF_COMMAND_PUBLISH};
    struct jf_command c = {.kind = JF_COMMAND_ENROL};
    struct jf_command d = {.kind = JF_COMMAND_PUT_STORE};
    cr_expect_neq(jf_command_fingerprint(&a), jf_command_fingerprint(&b));
    cr_expect_neq(jf_command_fingerprint(&c), jf_command_fingerprint(&d));
    cr_expect_neq(jf_command_fingerprint(&a), 0);
    struct jf_command e = {.kind = JF_COMMAND_EXPIRE};
    cr_expect_neq(jf_command_fingerprint(&a), jf_command_fingerprint(&e));
}

Test(command_fingerprint, every_field_of_a_hold_and_of_its_end_counts)
{
    struct jf_command hold = {.kind = JF_COMMAND_HOLD};
    struct jf_command capture = {.kind = JF_COMMAND_CAPTURE};
    struct jf_command nothing = {.kind = JF_COMMAND_VOID};
    struct jf_command command;
    uint64_t prints[16];
    uint32_t count = 0;
#define CHANGED(from, statement)                                                                   \
    command = from;                                                                                \
    statement;                                                                                     \
    prints[count++] = jf_command_fingerprint(&command)
    CHANGED(hold, (void)0);
    CHANGED(hold, command.as.hold.member.number.value = 1);
    CHANGED(hold, command.as.hold.store.value = 1);
    CHANGED(hold, command.as.hold.terminal = 1);
    CHANGED(hold, command.as.hold.held_at_ms = 1);
    CHANGED(hold, command.as.hold.points = 1);
    CHANGED(hold, command.as.hold.deadline_ms = 1);
    CHANGED(hold, command.as.hold.reward = JF_TEXT("mug"));
    CHANGED(capture, (void)0);
    CHANGED(capture, command.as.capture.hold_transaction_id = JF_TEXT("h"));
    CHANGED(capture, command.as.capture.captured_at_ms = 1);
    CHANGED(capture, command.as.capture.points = 1);
    CHANGED(nothing, (void)0);
    CHANGED(nothing, command.as.void_hold.hold_transaction_id = JF_TEXT("h"));
    CHANGED(nothing, command.as.void_hold.voided_at_ms = 1);
#undef CHANGED
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            cr_expect_neq(prints[i], prints[j], "changes %u and %u", i, j);
        }
    }
}

Test(command_fingerprint, long_texts_count_to_the_last_byte)
{
    const uint32_t size = 100000;
    char *yaml = malloc(size);
    cr_assert_not_null(yaml);
    memset(yaml, 'y', size);
    struct jf_command command = {.kind = JF_COMMAND_PUBLISH};
    command.as.publish.yaml = (struct jf_text){yaml, size};
    uint64_t first = jf_command_fingerprint(&command);
    for (uint32_t at = 0; at < size; at += 1021) {
        yaml[at] = 'n';
        cr_assert_neq(jf_command_fingerprint(&command), first, "byte %u", at);
        yaml[at] = 'y';
    }
    yaml[size - 1] = 'n';
    cr_expect_neq(jf_command_fingerprint(&command), first);
    free(yaml);
}

// Stored in journals: this value may never change.
Test(command_fingerprint, the_canonical_form_stays)
{
    struct jf_command command = sale();
    cr_expect_eq(jf_command_fingerprint(&command), UINT64_C(0x995fe72875269627), "0x%llx",
                 (unsigned long long)jf_command_fingerprint(&command));
}
