// A growing set of texts with a number each, for the reference: zones, regions, grounds. Texts are
// borrowed: they must live as long as the table. One owner thread.
#ifndef JF_RULES_TEXT_TABLE_H
#define JF_RULES_TEXT_TABLE_H

#include "base/error.h"
#include "base/text.h"

// Caller's memory; zeroed is empty. Fields private.
struct jf_text_table {
    struct jf_text *texts; // by number, each its own allocation
    uint32_t *slots;       // open addressing, linear probing: number + 1; 0: empty
    uint32_t slot_count;   // power of two, at least twice capacity; 0 at first
    uint32_t count;
    uint32_t capacity;
};

#define JF_TEXT_TABLE_NONE UINT32_MAX

void jf_text_table_deinit(struct jf_text_table *table); // safe on a zeroed table and twice

// Returns: the text's number (0, 1, 2 … in the order of adding), or JF_TEXT_TABLE_NONE.
uint32_t jf_text_table_find(const struct jf_text_table *table, struct jf_text text);
struct jf_text jf_text_table_text(const struct jf_text_table *table, uint32_t number);

// Makes room for `count` more texts. Returns: JF_OK or JF_ERROR_NO_MEMORY (the table holds what it
// held).
JF_MUST_USE enum jf_error jf_text_table_reserve(struct jf_text_table *table, uint32_t count);

// In: a text that is not in the table, with room reserved. Returns: its number.
uint32_t jf_text_table_add(struct jf_text_table *table, struct jf_text text);

#endif
