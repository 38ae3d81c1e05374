// Step (1) of every refusal order: a command's fields, in the order of their numbers in
// proto/jifen/v1, against base/limits.h. The first that is out of its range is refused with
// INVALID_FIELD: the field, which element of a list, the bound that it passed, and what is allowed.
#include "rules/command.h"

#include "base/limits.h"
#include "rules/command_field.h"
#include "rules/utf8.h"

#define DAY_START_MINUTE_MAX 719
#define HOLD_DAYS_MAX        ((int64_t)30) // a payment in progress ends long before

static bool line_check(const struct jf_line *line, uint32_t index, struct jf_refusal *out)
{
    return text_check(FIELD("receipt.lines[%u].sku", index), line->sku, 1, JF_SKU_BYTES_MAX) &&
           text_check(FIELD("receipt.lines[%u].category", index), line->category, 0,
                      JF_CATEGORY_BYTES_MAX) &&
           number_check(FIELD("receipt.lines[%u].quantity_milli", index), line->quantity_milli, 0,
                        JF_QUANTITY_MILLI_MAX) &&
           number_check(FIELD("receipt.lines[%u].amount", index), line->amount, 0, JF_AMOUNT_MAX);
}

static bool tender_check(const struct jf_tender *tender, uint32_t index, struct jf_refusal *out)
{
    return text_check(FIELD("receipt.tenders[%u].type", index), tender->type, 1,
                      JF_TENDER_TYPE_BYTES_MAX) &&
           number_check(FIELD("receipt.tenders[%u].amount", index), tender->amount, 0,
                        JF_AMOUNT_MAX);
}

static bool receipt_check(const struct jf_receipt *receipt, struct jf_refusal *out)
{
    if (!number_check(FIELD("receipt.store", 0), receipt->store.value, 1, UINT32_MAX) ||
        !text_check(FIELD("receipt.number", 0), receipt->number, 1, JF_RECEIPT_NUMBER_BYTES_MAX) ||
        !instant_check(FIELD("receipt.sold_at_ms", 0), receipt->sold_at_ms) ||
        !number_check(FIELD("receipt.lines", 0), receipt->line_count, 1,
                      JF_LINES_PER_RECEIPT_MAX)) {
        return false;
    }
    for (uint32_t i = 0; i < receipt->line_count; i++) {
        if (!line_check(&receipt->lines[i], i, out)) {
            return false;
        }
    }
    if (!number_check(FIELD("receipt.tenders", 0), receipt->tender_count, 0,
                      JF_TENDERS_PER_RECEIPT_MAX)) {
        return false;
    }
    for (uint32_t i = 0; i < receipt->tender_count; i++) {
        if (!tender_check(&receipt->tenders[i], i, out)) {
            return false;
        }
    }
    return true;
}

static bool sale_check(const struct jf_sale_command *sale, struct jf_refusal *out)
{
    return member_ref_check(&sale->member, out) && receipt_check(&sale->receipt, out) &&
           number_check(FIELD("redeem_points", 0), sale->redeem_points, 0, JF_POINTS_MAX);
}

static bool return_line_check(const struct jf_return_line *line, uint32_t index,
                              struct jf_refusal *out)
{
    // Above the receipt's lines is UNKNOWN_LINE, which planning answers: it knows the receipt.
    if (!number_check(FIELD("lines[%u].line_number", index), line->line_number, 1, UINT32_MAX)) {
        return false;
    }
    if (line->is_whole && line->quantity_milli != 0) {
        return refuse(out, "lines[%u].quantity_milli", index, 0,
                      "a quantity is left out where the whole line comes back");
    }
    return line->is_whole || number_check(FIELD("lines[%u].quantity_milli", index),
                                          line->quantity_milli, 1, JF_QUANTITY_MILLI_MAX);
}

static bool return_lines_check(const struct jf_return_command *command, struct jf_refusal *out)
{
    uint64_t seen[JF_LINES_PER_RECEIPT_MAX / 64 + 1] = {0};
    for (uint32_t i = 0; i < command->line_count; i++) {
        const struct jf_return_line *line = &command->lines[i];
        if (!return_line_check(line, i, out)) {
            return false;
        }
        if (line->line_number > JF_LINES_PER_RECEIPT_MAX) {
            continue; // no receipt has it
        }
        uint64_t bit = (uint64_t)1 << (line->line_number % 64);
        if ((seen[line->line_number / 64] & bit) != 0) {
            return refuse(out, "lines[%u].line_number", i, 0,
                          "line %u is named twice: add the quantities", line->line_number);
        }
        seen[line->line_number / 64] |= bit;
    }
    return true;
}

static bool return_check(const struct jf_return_command *command, struct jf_refusal *out)
{
    if (!text_check(FIELD("sale_transaction_id", 0), command->sale_transaction_id, 1,
                    JF_TRANSACTION_ID_BYTES_MAX) ||
        !number_check(FIELD("store", 0), command->store.value, 1, UINT32_MAX) ||
        !instant_check(FIELD("returned_at_ms", 0), command->returned_at_ms)) {
        return false;
    }
    if (command->is_all) {
        return command->line_count == 0 ||
               refuse(out, "lines", 0, 0, "no lines are named where everything comes back");
    }
    return number_check(FIELD("lines", 0), command->line_count, 1, JF_LINES_PER_RECEIPT_MAX) &&
           return_lines_check(command, out);
}

static bool redeem_check(const struct jf_redeem_command *command, struct jf_refusal *out)
{
    return member_ref_check(&command->member, out) &&
           number_check(FIELD("store", 0), command->store.value, 1, UINT32_MAX) &&
           instant_check(FIELD("redeemed_at_ms", 0), command->redeemed_at_ms) &&
           number_check(FIELD("points", 0), command->points, 1, JF_POINTS_MAX) &&
           text_check(FIELD("reward", 0), command->reward, 0, JF_REWARD_BYTES_MAX);
}

static bool deadline_check(const struct jf_hold_command *command, struct jf_refusal *out)
{
    int64_t latest_ms = command->held_at_ms + HOLD_DAYS_MAX * DAY_MS;
    if (command->deadline_ms > command->held_at_ms && command->deadline_ms <= latest_ms) {
        return true;
    }
    bool is_early = command->deadline_ms <= command->held_at_ms;
    return refuse(out, "deadline_ms", 0, is_early ? command->held_at_ms + 1 : latest_ms,
                  "an instant after held_at_ms is needed, by at most %lld days",
                  (long long)HOLD_DAYS_MAX);
}

static bool hold_check(const struct jf_hold_command *command, struct jf_refusal *out)
{
    return member_ref_check(&command->member, out) &&
           number_check(FIELD("store", 0), command->store.value, 1, UINT32_MAX) &&
           instant_check(FIELD("held_at_ms", 0), command->held_at_ms) &&
           number_check(FIELD("points", 0), command->points, 1, JF_POINTS_MAX) &&
           deadline_check(command, out) &&
           text_check(FIELD("reward", 0), command->reward, 0, JF_REWARD_BYTES_MAX);
}

static bool capture_check(const struct jf_capture_command *command, struct jf_refusal *out)
{
    return text_check(FIELD("hold_transaction_id", 0), command->hold_transaction_id, 1,
                      JF_TRANSACTION_ID_BYTES_MAX) &&
           instant_check(FIELD("captured_at_ms", 0), command->captured_at_ms) &&
           number_check(FIELD("points", 0), command->points, 0, JF_POINTS_MAX);
}

static bool void_check(const struct jf_void_command *command, struct jf_refusal *out)
{
    return text_check(FIELD("hold_transaction_id", 0), command->hold_transaction_id, 1,
                      JF_TRANSACTION_ID_BYTES_MAX) &&
           instant_check(FIELD("voided_at_ms", 0), command->voided_at_ms);
}

static bool cards_check(const struct jf_enrol_command *command, struct jf_refusal *out)
{
    if (!number_check(FIELD("cards", 0), command->card_count, 0, JF_CARDS_PER_ENROL_MAX)) {
        return false;
    }
    for (uint32_t i = 0; i < command->card_count; i++) {
        if (!text_check(FIELD("cards[%u]", i), command->cards[i], 1, JF_CARD_BYTES_MAX)) {
            return false;
        }
        for (uint32_t j = 0; j < i; j++) {
            if (jf_text_equal(command->cards[i], command->cards[j])) {
                return refuse(out, "cards[%u]", i, 0, "the card is named twice");
            }
        }
    }
    return true;
}

static bool enrol_check(const struct jf_enrol_command *command, struct jf_refusal *out)
{
    if (command->number.value == 0) {
        return refuse(out, "number", 0, 1, "a number of 1 or above is needed");
    }
    return cards_check(command, out) && date_check(FIELD("enrolled_on", 0), command->enrolled_on) &&
           birthday_check(command->birth_month, command->birth_day, out);
}

static bool publish_check(const struct jf_publish_command *command, struct jf_refusal *out)
{
    if (!number_check(FIELD("yaml", 0), command->yaml.size, 1, JF_PROGRAMME_BYTES_MAX)) {
        return false;
    }
    // What the bytes are is for the programme's reader to say, by line: PROGRAMME_INVALID. But they
    // are stored and sent as text.
    if (!jf_utf8_is_valid(command->yaml)) {
        return refuse(out, "yaml", 0, 0, "only UTF-8 is allowed");
    }
    return text_check(FIELD("file_name", 0), command->file_name, 0, JF_FILE_NAME_BYTES_MAX);
}

static bool put_store_check(const struct jf_put_store_command *command, struct jf_refusal *out)
{
    return number_check(FIELD("store", 0), command->store.value, 1, UINT32_MAX) &&
           number_check(FIELD("entity", 0), command->entity.value, 1, JF_ENTITIES_MAX - 1) &&
           text_check(FIELD("region", 0), command->region, 0, JF_NAME_BYTES_MAX) &&
           text_check(FIELD("zone", 0), command->zone, 1, JF_NAME_BYTES_MAX) &&
           number_check(FIELD("day_start_minute", 0), command->day_start_minute, 0,
                        DAY_START_MINUTE_MAX);
}

// A job's command. Its member is not looked at: 0 is the beginning of a run.
static bool run_check(struct jf_text run_id, jf_date as_of, struct jf_refusal *out)
{
    return text_check(FIELD("run_id", 0), run_id, 1, JF_RUN_ID_BYTES_MAX) &&
           date_check(FIELD("as_of", 0), as_of);
}

static bool set_tier_check(const struct jf_set_tier_command *command, struct jf_refusal *out)
{
    return member_ref_check(&command->member, out) &&
           text_check(FIELD("tier", 0), command->tier, 1, JF_NAME_BYTES_MAX) &&
           (command->until == JF_DATE_EVER || date_check(FIELD("until", 0), command->until)) &&
           text_check(FIELD("operator", 0), command->operator_name, 1, JF_OPERATOR_BYTES_MAX);
}

static bool content_check(const struct jf_command *command, struct jf_refusal *out)
{
    switch (command->kind) {
    case JF_COMMAND_SALE:
        return sale_check(&command->as.sale, out);
    case JF_COMMAND_RETURN:
        return return_check(&command->as.sale_return, out);
    case JF_COMMAND_REDEEM:
        return redeem_check(&command->as.redeem, out);
    case JF_COMMAND_ENROL:
        return enrol_check(&command->as.enrol, out);
    case JF_COMMAND_PUBLISH:
        return publish_check(&command->as.publish, out);
    case JF_COMMAND_PUT_STORE:
        return put_store_check(&command->as.put_store, out);
    case JF_COMMAND_TIER_CHANGE:
        return run_check(command->as.tier_change.run_id, command->as.tier_change.as_of, out);
    case JF_COMMAND_HOLD:
        return hold_check(&command->as.hold, out);
    case JF_COMMAND_CAPTURE:
        return capture_check(&command->as.capture, out);
    case JF_COMMAND_VOID:
        return void_check(&command->as.void_hold, out);
    case JF_COMMAND_EXPIRE:
        return run_check(command->as.expire.run_id, command->as.expire.as_of, out);
    case JF_COMMAND_UPDATE_MEMBER:
    case JF_COMMAND_LINK_CARD:
    case JF_COMMAND_UNLINK_CARD:
    case JF_COMMAND_FREEZE:
    case JF_COMMAND_CLOSE:
    case JF_COMMAND_MERGE:
    case JF_COMMAND_ADJUST:
    case JF_COMMAND_TRANSFER:
        return jf_command_check_life(command, out);
    case JF_COMMAND_SET_TIER:
        return set_tier_check(&command->as.set_tier, out);
    case JF_COMMAND_NONE:
        break;
    }
    return refuse(out, "write", 0, 0, "one of the requests is needed");
}

// Jobs make their ids of run and member: no client's id may stand in their way. Returns: the prefix
// that is the ledger's own, or NULL.
static const char *own_prefix(const struct jf_command *command)
{
    static const char *const prefixes[] = {"tiers/", "expire/"};
    if (command->kind == JF_COMMAND_TIER_CHANGE || command->kind == JF_COMMAND_EXPIRE) {
        return NULL;
    }
    for (uint32_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t size = strlen(prefixes[i]);
        if (command->transaction_id.size >= size &&
            memcmp(command->transaction_id.data, prefixes[i], size) == 0) {
            return prefixes[i];
        }
    }
    return NULL;
}

bool jf_command_check(const struct jf_command *command, bool needs_id,
                      struct jf_refusal *out_refusal)
{
    struct jf_refusal *out = out_refusal;
    out->code = JF_REFUSAL_NONE;
    if (command->nul_field != NULL) { // first: the texts are not what was sent
        return refuse(out, command->nul_field, 0, 0, JF_NUL_DETAIL);
    }
    if (!text_check(FIELD("transaction_id", 0), command->transaction_id, needs_id ? 1 : 0,
                    JF_TRANSACTION_ID_BYTES_MAX)) {
        return false;
    }
    const char *own = own_prefix(command);
    if (own != NULL) {
        return refuse(out, "transaction_id", 0, 0, "ids that begin with %s are the ledger's own",
                      own);
    }
    return content_check(command, out);
}

const struct jf_member_ref *jf_command_member(const struct jf_command *command)
{
    switch (command->kind) {
    case JF_COMMAND_SALE:
        return &command->as.sale.member;
    case JF_COMMAND_REDEEM:
        return &command->as.redeem.member;
    case JF_COMMAND_HOLD:
        return &command->as.hold.member;
    case JF_COMMAND_UPDATE_MEMBER:
        return &command->as.update_member.member;
    case JF_COMMAND_LINK_CARD:
        return &command->as.link_card.member;
    case JF_COMMAND_UNLINK_CARD:
        return &command->as.unlink_card.card;
    case JF_COMMAND_FREEZE:
        return &command->as.freeze.member;
    case JF_COMMAND_CLOSE:
        return &command->as.close.member;
    case JF_COMMAND_MERGE:
        return &command->as.merge.into;
    case JF_COMMAND_ADJUST:
        return &command->as.adjust.member;
    case JF_COMMAND_TRANSFER:
        return &command->as.transfer.from;
    case JF_COMMAND_SET_TIER:
        return &command->as.set_tier.member;
    default:
        return NULL;
    }
}

const struct jf_member_ref *jf_command_other(const struct jf_command *command)
{
    switch (command->kind) {
    case JF_COMMAND_MERGE:
        return &command->as.merge.from;
    case JF_COMMAND_TRANSFER:
        return &command->as.transfer.to;
    default:
        return NULL;
    }
}
