// Claims about malformed commands: each field's bound is refused on both sides, by name, and what
// lies within is accepted. Each case changes one thing of a well-formed command.
#include <criterion/criterion.h>

#include <string.h>

#include "base/limits.h"
#include "rules/command.h"

#define AT_MS ((int64_t)1767225600000) // 2026-01-01

static char long_text[512];
static struct jf_line lines[JF_LINES_PER_RECEIPT_MAX + 1];
static struct jf_tender tenders[JF_TENDERS_PER_RECEIPT_MAX + 1];
static struct jf_return_line returned[JF_LINES_PER_RECEIPT_MAX + 1];
static struct jf_text cards[JF_CARDS_PER_ENROL_MAX + 1];
static struct jf_command command;
static struct jf_refusal refusal;

static struct jf_text text_of(uint32_t size)
{
    memset(long_text, 'a', sizeof long_text);
    return (struct jf_text){long_text, size};
}

static void expect_refused(const char *field, uint32_t index)
{
    cr_expect_not(jf_command_check(&command, true, &refusal), "%s was accepted", field);
    cr_expect_eq(refusal.code, JF_REFUSAL_INVALID_FIELD);
    cr_expect_not_null(refusal.field);
    cr_expect_str_eq(refusal.field == NULL ? "" : refusal.field, field);
    cr_expect_eq(refusal.index, index, "%s: index %u", field, refusal.index);
    cr_expect_gt(strlen(refusal.detail), 5);
}

static void expect_accepted(void)
{
    bool is_accepted = jf_command_check(&command, true, &refusal);
    cr_expect(is_accepted, "%s: %s", refusal.field, refusal.detail);
    cr_expect_eq(refusal.code, is_accepted ? JF_REFUSAL_NONE : refusal.code);
}

static struct jf_receipt *sale_make(void)
{
    for (uint32_t i = 0; i <= JF_LINES_PER_RECEIPT_MAX; i++) {
        lines[i] = (struct jf_line){JF_TEXT("sku"), JF_TEXT(""), 1000, 100};
    }
    for (uint32_t i = 0; i <= JF_TENDERS_PER_RECEIPT_MAX; i++) {
        tenders[i] = (struct jf_tender){JF_TEXT("cash"), 100};
    }
    command = (struct jf_command){.kind = JF_COMMAND_SALE, .transaction_id = JF_TEXT("t-1")};
    command.as.sale.member.number.value = 1;
    command.as.sale.receipt = (struct jf_receipt){.store = {1},
                                                  .number = JF_TEXT("n"),
                                                  .sold_at_ms = AT_MS,
                                                  .lines = lines,
                                                  .line_count = 2,
                                                  .tenders = tenders,
                                                  .tender_count = 2};
    return &command.as.sale.receipt;
}

static struct jf_return_command *return_make(void)
{
    for (uint32_t i = 0; i <= JF_LINES_PER_RECEIPT_MAX; i++) {
        returned[i] = (struct jf_return_line){.line_number = i + 1, .quantity_milli = 1};
    }
    command = (struct jf_command){.kind = JF_COMMAND_RETURN, .transaction_id = JF_TEXT("t-1")};
    command.as.sale_return = (struct jf_return_command){.sale_transaction_id = JF_TEXT("s"),
                                                        .store = {1},
                                                        .returned_at_ms = AT_MS,
                                                        .lines = returned,
                                                        .line_count = 2};
    return &command.as.sale_return;
}

static struct jf_redeem_command *redeem_make(void)
{
    command = (struct jf_command){.kind = JF_COMMAND_REDEEM, .transaction_id = JF_TEXT("t-1")};
    command.as.redeem = (struct jf_redeem_command){
        .member = {.card = JF_TEXT("c")}, .store = {1}, .redeemed_at_ms = AT_MS, .points = 1};
    return &command.as.redeem;
}

static struct jf_enrol_command *enrol_make(void)
{
    static char names[JF_CARDS_PER_ENROL_MAX + 1];
    for (uint32_t i = 0; i <= JF_CARDS_PER_ENROL_MAX; i++) {
        names[i] = (char)('a' + i);
        cards[i] = (struct jf_text){&names[i], 1};
    }
    command = (struct jf_command){.kind = JF_COMMAND_ENROL, .transaction_id = JF_TEXT("t-1")};
    command.as.enrol = (struct jf_enrol_command){
        .number = {1}, .cards = cards, .card_count = 2, .enrolled_on = 20000};
    return &command.as.enrol;
}

static struct jf_put_store_command *store_make(void)
{
    command = (struct jf_command){.kind = JF_COMMAND_PUT_STORE, .transaction_id = JF_TEXT("t-1")};
    command.as.put_store =
        (struct jf_put_store_command){.store = {1}, .entity = {1}, .zone = JF_TEXT("UTC")};
    return &command.as.put_store;
}

static struct jf_tier_change_command *tier_make(void)
{
    command = (struct jf_command){.kind = JF_COMMAND_TIER_CHANGE, .transaction_id = JF_TEXT("t-1")};
    command.as.tier_change =
        (struct jf_tier_change_command){.run_id = JF_TEXT("r"), .member = {1}, .as_of = 20000};
    return &command.as.tier_change;
}

Test(command, a_command_of_no_kind_is_refused)
{
    command = (struct jf_command){.transaction_id = JF_TEXT("t")};
    expect_refused("write", 0);
}

Test(command, transaction_ids_are_1_to_64_bytes_of_text)
{
    sale_make();
    command.transaction_id = text_of(0);
    expect_refused("transaction_id", 0);
    cr_expect(jf_command_check(&command, false, &refusal), "a quote needs none");
    command.transaction_id = text_of(65);
    expect_refused("transaction_id", 0);
    cr_expect_eq(refusal.limit, 64);
    command.transaction_id = JF_TEXT("a\xFF");
    expect_refused("transaction_id", 0);
    command.transaction_id = JF_TEXT("a\nb");
    expect_refused("transaction_id", 0);
    command.transaction_id = JF_TEXT("a\0b");
    expect_refused("transaction_id", 0);
    command.transaction_id = text_of(64);
    expect_accepted();
}

Test(command, a_text_with_a_nul_byte_is_refused_by_name_before_any_other_field)
{
    sale_make();
    command.nul_field = "receipt.number";
    expect_refused("receipt.number", 0);
    command.transaction_id = text_of(0);
    expect_refused("receipt.number", 0);
}

Test(command, a_member_is_meant_by_number_or_card_and_not_both)
{
    sale_make();
    command.as.sale.member = (struct jf_member_ref){0};
    expect_refused("member", 0);
    command.as.sale.member = (struct jf_member_ref){.number = {1}, .card = JF_TEXT("c")};
    expect_refused("member", 0);
    command.as.sale.member = (struct jf_member_ref){.card = text_of(65)};
    expect_refused("member.card", 0);
    command.as.sale.member = (struct jf_member_ref){.card = text_of(64)};
    expect_accepted();
}

Test(command, receipts_are_checked_field_by_field)
{
    struct jf_receipt *receipt = sale_make();
    expect_accepted();
    receipt->store.value = 0;
    expect_refused("receipt.store", 0);
    sale_make()->number = text_of(0);
    expect_refused("receipt.number", 0);
    sale_make()->number = text_of(33);
    expect_refused("receipt.number", 0);
    sale_make()->sold_at_ms = 0;
    expect_refused("receipt.sold_at_ms", 0);
    sale_make()->sold_at_ms = -1;
    expect_refused("receipt.sold_at_ms", 0);
    sale_make()->sold_at_ms = INT64_MAX;
    expect_refused("receipt.sold_at_ms", 0);
    sale_make()->sold_at_ms = ((int64_t)JF_DATE_MAX + 1) * 86400000;
    expect_refused("receipt.sold_at_ms", 0);
    sale_make()->line_count = 0;
    expect_refused("receipt.lines", 0);
    sale_make()->line_count = JF_LINES_PER_RECEIPT_MAX + 1;
    expect_refused("receipt.lines", 0);
    cr_expect_eq(refusal.limit, 500);
    sale_make()->line_count = JF_LINES_PER_RECEIPT_MAX;
    expect_accepted();
    sale_make()->tender_count = JF_TENDERS_PER_RECEIPT_MAX + 1;
    expect_refused("receipt.tenders", 0);
    sale_make()->tender_count = JF_TENDERS_PER_RECEIPT_MAX;
    expect_accepted();
}

Test(command, lines_and_tenders_are_named_by_index)
{
    sale_make();
    lines[1].sku = text_of(0);
    expect_refused("receipt.lines[%u].sku", 1);
    lines[1].sku = text_of(33);
    expect_refused("receipt.lines[%u].sku", 1);
    lines[1].sku = text_of(32);
    lines[1].category = text_of(65);
    expect_refused("receipt.lines[%u].category", 1);
    lines[1].category = text_of(64);
    expect_accepted();
    lines[1].quantity_milli = -1;
    expect_refused("receipt.lines[%u].quantity_milli", 1);
    lines[1].quantity_milli = JF_QUANTITY_MILLI_MAX + 1;
    expect_refused("receipt.lines[%u].quantity_milli", 1);
    lines[1].quantity_milli = 0;
    lines[1].amount = -1;
    expect_refused("receipt.lines[%u].amount", 1);
    cr_expect_eq(refusal.limit, 0);
    lines[1].amount = JF_AMOUNT_MAX + 1;
    expect_refused("receipt.lines[%u].amount", 1);
    lines[1].amount = JF_AMOUNT_MAX;
    expect_accepted();
    tenders[1].type = text_of(0);
    expect_refused("receipt.tenders[%u].type", 1);
    tenders[1].type = text_of(33);
    expect_refused("receipt.tenders[%u].type", 1);
    tenders[1].type = text_of(32);
    tenders[1].amount = -1;
    expect_refused("receipt.tenders[%u].amount", 1);
    tenders[1].amount = JF_AMOUNT_MAX + 1;
    expect_refused("receipt.tenders[%u].amount", 1);
    tenders[1].amount = 0;
    expect_accepted();
}

Test(command, redeemed_points_are_not_negative_nor_above_the_bound)
{
    sale_make();
    command.as.sale.redeem_points = -1;
    expect_refused("redeem_points", 0);
    command.as.sale.redeem_points = JF_POINTS_MAX + 1;
    expect_refused("redeem_points", 0);
    command.as.sale.redeem_points = JF_POINTS_MAX;
    expect_accepted();
    redeem_make()->points = 0;
    expect_refused("points", 0);
    redeem_make()->points = JF_POINTS_MAX + 1;
    expect_refused("points", 0);
    redeem_make()->reward = text_of(65);
    expect_refused("reward", 0);
    redeem_make()->store.value = 0;
    expect_refused("store", 0);
    redeem_make()->redeemed_at_ms = 0;
    expect_refused("redeemed_at_ms", 0);
    redeem_make()->member.card = text_of(0);
    expect_refused("member", 0);
    redeem_make();
    expect_accepted();
}

static struct jf_hold_command *hold_make(void)
{
    command = (struct jf_command){.kind = JF_COMMAND_HOLD, .transaction_id = JF_TEXT("t-1")};
    command.as.hold = (struct jf_hold_command){.member = {.number = {1}},
                                               .store = {1},
                                               .held_at_ms = AT_MS,
                                               .points = 1,
                                               .deadline_ms = AT_MS + 1};
    return &command.as.hold;
}

static struct jf_capture_command *capture_make(void)
{
    command = (struct jf_command){.kind = JF_COMMAND_CAPTURE, .transaction_id = JF_TEXT("t-1")};
    command.as.capture =
        (struct jf_capture_command){.hold_transaction_id = JF_TEXT("h"), .captured_at_ms = AT_MS};
    return &command.as.capture;
}

Test(command, holds_are_checked_field_by_field)
{
    const int64_t month_ms = (int64_t)30 * 86400000;
    hold_make()->member.number.value = 0;
    expect_refused("member", 0);
    hold_make()->store.value = 0;
    expect_refused("store", 0);
    hold_make()->held_at_ms = 0;
    expect_refused("held_at_ms", 0);
    hold_make()->points = 0;
    expect_refused("points", 0);
    hold_make()->points = JF_POINTS_MAX + 1;
    expect_refused("points", 0);
    hold_make()->deadline_ms = 0;
    expect_refused("deadline_ms", 0);
    hold_make()->deadline_ms = AT_MS;
    expect_refused("deadline_ms", 0);
    cr_expect_eq(refusal.limit, AT_MS + 1);
    hold_make()->deadline_ms = AT_MS + month_ms + 1;
    expect_refused("deadline_ms", 0);
    cr_expect_eq(refusal.limit, AT_MS + month_ms);
    hold_make()->deadline_ms = INT64_MAX;
    expect_refused("deadline_ms", 0);
    hold_make()->reward = text_of(65);
    expect_refused("reward", 0);
    hold_make()->deadline_ms = AT_MS + month_ms;
    expect_accepted();
}

Test(command, captures_and_voids_are_checked_field_by_field)
{
    capture_make()->hold_transaction_id = text_of(0);
    expect_refused("hold_transaction_id", 0);
    capture_make()->hold_transaction_id = text_of(65);
    expect_refused("hold_transaction_id", 0);
    capture_make()->captured_at_ms = 0;
    expect_refused("captured_at_ms", 0);
    capture_make()->points = -1;
    expect_refused("points", 0);
    capture_make()->points = JF_POINTS_MAX + 1;
    expect_refused("points", 0);
    capture_make();
    expect_accepted();
    command = (struct jf_command){.kind = JF_COMMAND_VOID, .transaction_id = JF_TEXT("t-1")};
    expect_refused("hold_transaction_id", 0);
    command.as.void_hold.hold_transaction_id = JF_TEXT("h");
    expect_refused("voided_at_ms", 0);
    command.as.void_hold.voided_at_ms = AT_MS;
    expect_accepted();
}

Test(command, returns_are_checked_field_by_field)
{
    return_make()->sale_transaction_id = text_of(0);
    expect_refused("sale_transaction_id", 0);
    return_make()->sale_transaction_id = text_of(65);
    expect_refused("sale_transaction_id", 0);
    return_make()->store.value = 0;
    expect_refused("store", 0);
    return_make()->returned_at_ms = 0;
    expect_refused("returned_at_ms", 0);
    return_make()->line_count = 0;
    expect_refused("lines", 0);
    return_make()->line_count = JF_LINES_PER_RECEIPT_MAX + 1;
    expect_refused("lines", 0);
    return_make()->is_all = true;
    expect_refused("lines", 0);
    struct jf_return_command *all = return_make();
    all->is_all = true;
    all->line_count = 0;
    expect_accepted();
    return_make()->line_count = JF_LINES_PER_RECEIPT_MAX;
    expect_accepted();
}

Test(command, returned_lines_are_named_once_with_a_quantity_or_whole)
{
    return_make();
    returned[1].line_number = 0;
    expect_refused("lines[%u].line_number", 1);
    returned[1].line_number = 1;
    expect_refused("lines[%u].line_number", 1);
    returned[1].line_number = UINT32_MAX; // unknown to every receipt: planning says so
    expect_accepted();
    returned[1].line_number = 500;
    returned[1].quantity_milli = 0;
    expect_refused("lines[%u].quantity_milli", 1);
    returned[1].quantity_milli = -5;
    expect_refused("lines[%u].quantity_milli", 1);
    returned[1].quantity_milli = JF_QUANTITY_MILLI_MAX + 1;
    expect_refused("lines[%u].quantity_milli", 1);
    returned[1] = (struct jf_return_line){.line_number = 2, .quantity_milli = 1, .is_whole = true};
    expect_refused("lines[%u].quantity_milli", 1);
    returned[1].quantity_milli = 0;
    expect_accepted();
}

Test(command, enrolments_are_checked_field_by_field)
{
    enrol_make()->number.value = 0;
    expect_refused("number", 0);
    enrol_make()->card_count = JF_CARDS_PER_ENROL_MAX + 1;
    expect_refused("cards", 0);
    enrol_make();
    cards[1] = text_of(0);
    expect_refused("cards[%u]", 1);
    cards[1] = text_of(65);
    expect_refused("cards[%u]", 1);
    cards[1] = cards[0];
    expect_refused("cards[%u]", 1);
    enrol_make()->enrolled_on = JF_DATE_NONE;
    expect_refused("enrolled_on", 0);
    enrol_make()->enrolled_on = JF_DATE_MAX + 1;
    expect_refused("enrolled_on", 0);
    enrol_make()->card_count = JF_CARDS_PER_ENROL_MAX;
    expect_accepted();
}

Test(command, birthdays_are_days_of_a_leap_year)
{
    static const struct {
        uint32_t month;
        uint32_t day;
        const char *field; // NULL: accepted
    } cases[] = {
        {0, 0, NULL},
        {2, 29, NULL},
        {12, 31, NULL},
        {1, 1, NULL},
        {2, 30, "birth_day"},
        {4, 31, "birth_day"},
        {13, 1, "birth_month"},
        {0, 5, "birth_month"},
        {5, 0, "birth_day"},
        {UINT32_MAX, 1, "birth_month"},
        {1, UINT32_MAX, "birth_day"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct jf_enrol_command *enrol = enrol_make();
        enrol->birth_month = cases[i].month;
        enrol->birth_day = cases[i].day;
        if (cases[i].field == NULL) {
            expect_accepted();
        } else {
            expect_refused(cases[i].field, 0);
        }
    }
}

Test(command, publications_are_text_of_up_to_a_mebibyte)
{
    command = (struct jf_command){.kind = JF_COMMAND_PUBLISH, .transaction_id = JF_TEXT("t")};
    expect_refused("yaml", 0);
    command.as.publish.yaml = (struct jf_text){"x", JF_PROGRAMME_BYTES_MAX + 1};
    expect_refused("yaml", 0);
    command.as.publish.yaml = JF_TEXT("a: \xFF");
    expect_refused("yaml", 0);
    command.as.publish.yaml = JF_TEXT("a:\n\tb");
    expect_accepted();
    command.as.publish.file_name = text_of(257);
    expect_refused("file_name", 0);
    command.as.publish.file_name = text_of(256);
    expect_accepted();
}

Test(command, stores_are_checked_field_by_field)
{
    store_make()->store.value = 0;
    expect_refused("store", 0);
    store_make()->entity.value = 0;
    expect_refused("entity", 0);
    store_make()->entity.value = 256;
    expect_refused("entity", 0);
    store_make()->region = text_of(65);
    expect_refused("region", 0);
    store_make()->zone = text_of(0);
    expect_refused("zone", 0);
    store_make()->zone = text_of(65);
    expect_refused("zone", 0);
    store_make()->day_start_minute = 720;
    expect_refused("day_start_minute", 0);
    struct jf_put_store_command *store = store_make();
    store->entity.value = 255;
    store->day_start_minute = 719;
    expect_accepted();
}

Test(command, tier_changes_are_checked_field_by_field)
{
    tier_make()->run_id = text_of(0);
    expect_refused("run_id", 0);
    tier_make()->run_id = text_of(33);
    expect_refused("run_id", 0);
    tier_make()->as_of = JF_DATE_NONE;
    expect_refused("as_of", 0);
    tier_make()->member.value = 0; // the beginning of a run
    expect_accepted();
    tier_make();
    expect_accepted();
}
