// Bodies of entries of a member's life as protobuf bytes, fields in descending order. Nothing here
// fails.
#include "base/limits.h"
#include "engine/entry_codec_life.h"

#define TEXT_BYTES 24u // besides the text: tag and length

uint64_t jf_entry_life_bound(const struct jf_entry *entry)
{
    struct jf_card_move move = jf_entry_card_move(entry);
    return (uint64_t)move.count * (JF_CARD_BYTES_MAX + TEXT_BYTES);
}

static void put_member_update(struct jf_wire_writer *writer,
                              const struct jf_member_update_entry *update)
{
    for (uint32_t i = update->card_count; i-- > 0;) {
        jf_wire_text(writer, 6, update->cards[i], true);
    }
    jf_wire_uint(writer, 5, update->is_erase);
    jf_wire_fixed64(writer, 4, update->tags);
    jf_wire_uint(writer, 3, update->home_store);
    jf_wire_uint(writer, 2, update->birth_day);
    jf_wire_uint(writer, 1, update->birth_month);
}

void jf_entry_life_put(struct jf_wire_writer *writer, const struct jf_entry *entry)
{
    switch (entry->kind) {
    case JF_ENTRY_MEMBER_UPDATE:
        put_member_update(writer, &entry->as.member_update);
        break;
    case JF_ENTRY_CARD_LINK:
        jf_wire_text(writer, 1, entry->as.card_link.card, false);
        break;
    case JF_ENTRY_CARD_UNLINK:
        jf_wire_text(writer, 1, entry->as.card_unlink.card, false);
        break;
    case JF_ENTRY_MEMBER_STATUS:
        jf_wire_uint(writer, 1, entry->as.member_status.status);
        break;
    default:
        break;
    }
}
