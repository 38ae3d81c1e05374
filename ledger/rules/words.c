// A hash table of borrowed texts. The happy path of a look-up is one hash, one probe and one
// comparison. Making it fails only when the arena's bound is met.
#include "rules/words.h"

#include <string.h>

#include "base/assert.h"
#include "base/hash.h"

enum jf_error jf_words_init(struct jf_words *words, struct jf_arena *arena, uint32_t count_max)
{
    JF_ASSERT(count_max < 1u << 24);
    uint32_t slots = 2;
    while (slots < count_max * 2) {
        slots *= 2;
    }
    struct jf_words made = {.mask = slots - 1};
    made.slots = jf_arena_alloc(arena, slots * sizeof *made.slots);
    made.texts = jf_arena_calloc(arena, (size_t)count_max + 1, sizeof *made.texts);
    made.is_excluded = jf_arena_calloc(arena, (size_t)count_max + 1, sizeof *made.is_excluded);
    if (made.slots == NULL || made.texts == NULL || made.is_excluded == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    memset(made.slots, 0xff, slots * sizeof *made.slots);
    *words = made;
    return JF_OK;
}

// Returns: the slot that holds the text, or the empty one where it belongs.
static uint32_t slot_find(const struct jf_words *words, struct jf_text text, uint32_t hash)
{
    uint32_t at = hash & words->mask;
    while (words->slots[at].number != JF_WORD_NONE) {
        const struct jf_word_slot *slot = &words->slots[at];
        if (slot->hash == hash && jf_text_equal(words->texts[slot->number], text)) {
            break;
        }
        at = (at + 1) & words->mask;
    }
    return at;
}

uint32_t jf_words_add(struct jf_words *words, struct jf_text text)
{
    uint32_t hash = (uint32_t)jf_hash64(text.data, text.size);
    uint32_t at = slot_find(words, text, hash);
    if (words->slots[at].number == JF_WORD_NONE) {
        JF_ASSERT(words->count * 2 <= words->mask);
        words->texts[words->count] = text;
        words->slots[at] = (struct jf_word_slot){hash, words->count};
        words->count += 1;
    }
    return words->slots[at].number;
}

uint32_t jf_words_find(const struct jf_words *words, struct jf_text text)
{
    if (words->count == 0) {
        return JF_WORD_NONE;
    }
    uint32_t hash = (uint32_t)jf_hash64(text.data, text.size);
    return words->slots[slot_find(words, text, hash)].number;
}
