// The fingerprint of a command's content: what tells a retry from another request under the same
// id.
//
// Canonical form: the kind, then every field of the command in the order of struct jf_command but
// the transaction id; every number as eight bytes, little-endian; every text as its size and its
// bytes; every list as its count and its elements. Hashed in pieces of PIECE_BYTES, each but the
// first beginning with the hash of the piece before: nearly every command is one piece, whose
// XXH3-64 it simply is.
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "rules/command.h"

#define PIECE_BYTES 4096u

struct writer {
    uint32_t used;
    unsigned char piece[PIECE_BYTES];
};

static void flush(struct writer *writer)
{
    jf_store_u64(writer->piece, jf_hash64(writer->piece, writer->used));
    writer->used = 8;
}

static void put(struct writer *writer, uint64_t value)
{
    if (PIECE_BYTES - writer->used < 8) {
        flush(writer);
    }
    jf_store_u64(writer->piece + writer->used, value);
    writer->used += 8;
}

static void put_signed(struct writer *writer, int64_t value)
{
    put(writer, (uint64_t)value);
}

static void put_text(struct writer *writer, struct jf_text text)
{
    put(writer, text.size);
    uint32_t at = 0;
    while (at < text.size) {
        if (writer->used == PIECE_BYTES) {
            flush(writer);
        }
        uint32_t room = PIECE_BYTES - writer->used;
        uint32_t size = text.size - at < room ? text.size - at : room;
        memcpy(writer->piece + writer->used, text.data + at, size);
        writer->used += size;
        at += size;
    }
}

static void put_member(struct writer *writer, const struct jf_member_ref *member)
{
    put(writer, member->number.value);
    put_text(writer, member->card);
}

static void put_receipt(struct writer *writer, const struct jf_receipt *receipt)
{
    put(writer, receipt->store.value);
    put(writer, receipt->terminal);
    put_text(writer, receipt->number);
    put_signed(writer, receipt->sold_at_ms);
    put(writer, receipt->line_count);
    for (uint32_t i = 0; i < receipt->line_count; i++) {
        put_text(writer, receipt->lines[i].sku);
        put_text(writer, receipt->lines[i].category);
        put_signed(writer, receipt->lines[i].quantity_milli);
        put_signed(writer, receipt->lines[i].amount);
    }
    put(writer, receipt->tender_count);
    for (uint32_t i = 0; i < receipt->tender_count; i++) {
        put_text(writer, receipt->tenders[i].type);
        put_signed(writer, receipt->tenders[i].amount);
    }
}

static void put_sale(struct writer *writer, const struct jf_sale_command *sale)
{
    put_member(writer, &sale->member);
    put_receipt(writer, &sale->receipt);
    put_signed(writer, sale->redeem_points);
    put(writer, sale->is_offline);
}

static void put_return(struct writer *writer, const struct jf_return_command *command)
{
    put_text(writer, command->sale_transaction_id);
    put(writer, command->store.value);
    put(writer, command->terminal);
    put_signed(writer, command->returned_at_ms);
    put(writer, command->line_count);
    for (uint32_t i = 0; i < command->line_count; i++) {
        put(writer, command->lines[i].line_number);
        put_signed(writer, command->lines[i].quantity_milli);
        put(writer, command->lines[i].is_whole);
    }
    put(writer, command->is_all);
}

static void put_redeem(struct writer *writer, const struct jf_redeem_command *command)
{
    put_member(writer, &command->member);
    put(writer, command->store.value);
    put(writer, command->terminal);
    put_signed(writer, command->redeemed_at_ms);
    put_signed(writer, command->points);
    put_text(writer, command->reward);
}

static void put_hold(struct writer *writer, const struct jf_hold_command *command)
{
    put_member(writer, &command->member);
    put(writer, command->store.value);
    put(writer, command->terminal);
    put_signed(writer, command->held_at_ms);
    put_signed(writer, command->points);
    put_signed(writer, command->deadline_ms);
    put_text(writer, command->reward);
}

static void put_enrol(struct writer *writer, const struct jf_enrol_command *command)
{
    put(writer, command->number.value);
    put(writer, command->card_count);
    for (uint32_t i = 0; i < command->card_count; i++) {
        put_text(writer, command->cards[i]);
    }
    put_signed(writer, command->enrolled_on);
    put(writer, command->birth_month);
    put(writer, command->birth_day);
    put(writer, command->home_store);
    put(writer, command->tags);
}

static void put_store(struct writer *writer, const struct jf_put_store_command *command)
{
    put(writer, command->store.value);
    put(writer, command->entity.value);
    put_text(writer, command->region);
    put_text(writer, command->zone);
    put(writer, command->day_start_minute);
}

// A job's command.
static void put_run(struct writer *writer, struct jf_text run_id, struct jf_member_id member,
                    jf_date as_of)
{
    put_text(writer, run_id);
    put(writer, member.value);
    put_signed(writer, as_of);
}

static void put_update_member(struct writer *writer, const struct jf_update_member_command *command)
{
    put_member(writer, &command->member);
    put(writer, command->birth_month);
    put(writer, command->birth_day);
    put(writer, command->home_store);
    put(writer, command->tags);
    put(writer, command->is_erase);
}

static void put_set_tier(struct writer *writer, const struct jf_set_tier_command *command)
{
    put_member(writer, &command->member);
    put_text(writer, command->tier);
    put_signed(writer, command->until);
    put_text(writer, command->operator_name);
}

static void put_adjust(struct writer *writer, const struct jf_adjust_command *command)
{
    put_member(writer, &command->member);
    put_signed(writer, command->points);
    put_text(writer, command->reason_code);
    put_text(writer, command->operator_name);
    put_text(writer, command->approver);
    put(writer, command->entity.value);
    put_signed(writer, command->adjusted_at_ms);
}

static void put_transfer(struct writer *writer, const struct jf_transfer_command *command)
{
    put_member(writer, &command->from);
    put_member(writer, &command->to);
    put_signed(writer, command->points);
    put_text(writer, command->operator_name);
    put_signed(writer, command->transferred_at_ms);
}

// The commands of a member's life.
static void put_life(struct writer *writer, const struct jf_command *command)
{
    switch (command->kind) {
    case JF_COMMAND_UPDATE_MEMBER:
        put_update_member(writer, &command->as.update_member);
        break;
    case JF_COMMAND_LINK_CARD:
        put_member(writer, &command->as.link_card.member);
        put_text(writer, command->as.link_card.card);
        break;
    case JF_COMMAND_UNLINK_CARD:
        put_text(writer, command->as.unlink_card.card.card);
        break;
    case JF_COMMAND_FREEZE:
        put_member(writer, &command->as.freeze.member);
        put(writer, command->as.freeze.is_thaw);
        break;
    case JF_COMMAND_CLOSE:
        put_member(writer, &command->as.close.member);
        break;
    case JF_COMMAND_MERGE:
        put_member(writer, &command->as.merge.from);
        put_member(writer, &command->as.merge.into);
        break;
    case JF_COMMAND_ADJUST:
        put_adjust(writer, &command->as.adjust);
        break;
    case JF_COMMAND_TRANSFER:
        put_transfer(writer, &command->as.transfer);
        break;
    default:
        break;
    }
}

static void put_content(struct writer *writer, const struct jf_command *command)
{
    switch (command->kind) {
    case JF_COMMAND_SALE:
        put_sale(writer, &command->as.sale);
        break;
    case JF_COMMAND_RETURN:
        put_return(writer, &command->as.sale_return);
        break;
    case JF_COMMAND_REDEEM:
        put_redeem(writer, &command->as.redeem);
        break;
    case JF_COMMAND_ENROL:
        put_enrol(writer, &command->as.enrol);
        break;
    case JF_COMMAND_PUBLISH:
        put_text(writer, command->as.publish.yaml);
        put_text(writer, command->as.publish.file_name);
        break;
    case JF_COMMAND_PUT_STORE:
        put_store(writer, &command->as.put_store);
        break;
    case JF_COMMAND_TIER_CHANGE:
        put_run(writer, command->as.tier_change.run_id, command->as.tier_change.member,
                command->as.tier_change.as_of);
        break;
    case JF_COMMAND_EXPIRE:
        put_run(writer, command->as.expire.run_id, command->as.expire.member,
                command->as.expire.as_of);
        break;
    case JF_COMMAND_SET_TIER:
        put_set_tier(writer, &command->as.set_tier);
        break;
    case JF_COMMAND_HOLD:
        put_hold(writer, &command->as.hold);
        break;
    case JF_COMMAND_CAPTURE:
        put_text(writer, command->as.capture.hold_transaction_id);
        put_signed(writer, command->as.capture.captured_at_ms);
        put_signed(writer, command->as.capture.points);
        break;
    case JF_COMMAND_VOID:
        put_text(writer, command->as.void_hold.hold_transaction_id);
        put_signed(writer, command->as.void_hold.voided_at_ms);
        break;
    case JF_COMMAND_UPDATE_MEMBER:
    case JF_COMMAND_LINK_CARD:
    case JF_COMMAND_UNLINK_CARD:
    case JF_COMMAND_FREEZE:
    case JF_COMMAND_CLOSE:
    case JF_COMMAND_MERGE:
    case JF_COMMAND_ADJUST:
    case JF_COMMAND_TRANSFER:
        put_life(writer, command);
        break;
    case JF_COMMAND_NONE:
        JF_ASSERT(false); // jf_command_check refuses it
        break;
    }
}

uint64_t jf_command_fingerprint(const struct jf_command *command)
{
    struct writer writer;
    writer.used = 0;
    put(&writer, command->kind);
    put_content(&writer, command);
    uint64_t hash = jf_hash64(writer.piece, writer.used);
    return hash == 0 ? 1 : hash; // 0 means that there is none
}
