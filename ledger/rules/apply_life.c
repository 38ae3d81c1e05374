// Applying the entries of a member's life: what they say of the member, beside their postings.
// Nothing here can refuse.
#include "rules/apply_private.h"
#include "rules/cards.h"

static void update_apply(struct jf_member *member, const struct jf_member_update_entry *update)
{
    member->birth_month = (uint8_t)update->birth_month;
    member->birth_day = (uint8_t)update->birth_day;
    member->home_store = update->home_store;
    member->tags = update->tags;
    for (uint32_t i = 0; i < update->card_count; i++) {
        jf_cards_remove(member, update->cards[i]);
    }
}

void jf_apply_life(struct jf_member *member, const struct jf_entry *entry)
{
    switch (entry->kind) {
    case JF_ENTRY_MEMBER_UPDATE:
        update_apply(member, &entry->as.member_update);
        break;
    case JF_ENTRY_CARD_LINK:
        jf_cards_add(member, entry->as.card_link.card);
        break;
    case JF_ENTRY_CARD_UNLINK:
        jf_cards_remove(member, entry->as.card_unlink.card);
        break;
    case JF_ENTRY_MEMBER_STATUS:
        member->status = (uint8_t)entry->as.member_status.status;
        break;
    default:
        break;
    }
}
