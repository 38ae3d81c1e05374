// Claims about the cards that stand in a member's record.
#include <criterion/criterion.h>

#include <stdlib.h>

#include "rules/cards.h"

Test(cards, the_others_keep_their_order_when_one_goes)
{
    struct jf_member_capacity room = {.cards = 3};
    void *block = malloc(jf_member_block_size(room));
    struct jf_member *member = jf_member_block_init(block, room);
    jf_cards_add(member, JF_TEXT("a"));
    jf_cards_add(member, JF_TEXT("ab"));
    jf_cards_add(member, JF_TEXT("abc"));
    jf_cards_remove(member, JF_TEXT("b")); // not there
    cr_expect_eq(member->card_count, 3);
    jf_cards_remove(member, JF_TEXT("ab"));
    cr_expect_eq(member->card_count, 2);
    cr_expect_eq(member->cards[0].size, 1);
    cr_expect_eq(member->cards[1].size, 3);
    jf_cards_remove(member, JF_TEXT("abc"));
    jf_cards_remove(member, JF_TEXT("a"));
    cr_expect_eq(member->card_count, 0);
    free(block);
}
