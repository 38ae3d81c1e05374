// The words a programme names (categories, SKUs, tender types, regions), numbered from 0 in the
// order of naming, so that rules compare numbers instead of texts. Built once, then immutable: any
// thread may read. Memory is the arena's that it was made in.
#ifndef JF_RULES_WORDS_H
#define JF_RULES_WORDS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#define JF_WORD_NONE UINT32_MAX

struct jf_word_slot {
    uint32_t hash;   // low half of the text's XXH3
    uint32_t number; // JF_WORD_NONE: empty
};

struct jf_words {
    struct jf_word_slot *slots; // open addressing, linear probing, at most half full
    uint32_t mask;              // slots - 1
    uint32_t count;
    struct jf_text *texts; // by number
    bool *is_excluded;     // by number: earns nothing
};

// In: count_max the most words that will be added, below 2^24.
// Returns: JF_OK or JF_ERROR_NO_MEMORY. An empty set needs no later clean-up.
JF_MUST_USE enum jf_error jf_words_init(struct jf_words *words, struct jf_arena *arena,
                                        uint32_t count_max);

// Adds a word or finds it. In: text lives as long as the words. Returns: its number.
uint32_t jf_words_add(struct jf_words *words, struct jf_text text);

// Returns: the word's number, or JF_WORD_NONE for words that the programme does not name.
uint32_t jf_words_find(const struct jf_words *words, struct jf_text text);

#endif
