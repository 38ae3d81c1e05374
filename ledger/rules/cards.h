// The cards that stand in a member's record. For rules/*.c only; pure; threads: any.
#ifndef JF_RULES_CARDS_H
#define JF_RULES_CARDS_H

#include "base/text.h"
#include "rules/member.h"

// Adds a card behind the others. In: room for it; 1..JF_CARD_BYTES_MAX bytes.
void jf_cards_add(struct jf_member *member, struct jf_text card);

// Takes a card out; the others keep their order. Nothing happens where it is not there.
void jf_cards_remove(struct jf_member *member, struct jf_text card);

#endif
