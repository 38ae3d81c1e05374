// A member has few cards: they are looked through. Nothing here fails.
#include "rules/cards.h"

#include <string.h>

#include "base/assert.h"

void jf_cards_add(struct jf_member *member, struct jf_text card)
{
    JF_ASSERT(member->card_count < member->card_capacity);
    JF_ASSERT(card.size >= 1);
    JF_ASSERT(card.size <= JF_CARD_BYTES_MAX);
    struct jf_card *added = &member->cards[member->card_count];
    added->size = card.size;
    memcpy(added->bytes, card.data, card.size);
    member->card_count++;
}

void jf_cards_remove(struct jf_member *member, struct jf_text card)
{
    uint32_t index = 0;
    while (index < member->card_count &&
           !jf_text_equal((struct jf_text){member->cards[index].bytes, member->cards[index].size},
                          card)) {
        index++;
    }
    if (index == member->card_count) {
        return;
    }
    uint32_t behind = member->card_count - index - 1u;
    memmove(&member->cards[index], &member->cards[index + 1], behind * sizeof *member->cards);
    member->card_count--;
}
