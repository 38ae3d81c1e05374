// Texts in the order of adding, and a hash index over them. Fails only for want of memory, and then
// leaves the table as it was.
#include "rules/text_table.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"

#define CAPACITY_FIRST 16u
#define COUNT_MAX      (1u << 24)

void jf_text_table_deinit(struct jf_text_table *table)
{
    free(table->texts);
    free(table->slots);
    *table = (struct jf_text_table){0};
}

// Returns: the slot where the text is, or the empty one where it would go.
static uint32_t slot_of(const struct jf_text_table *table, struct jf_text text)
{
    JF_ASSERT(table->slot_count > table->count);
    uint32_t mask = table->slot_count - 1;
    uint32_t slot = (uint32_t)jf_hash64(text.data, text.size) & mask;
    while (table->slots[slot] != 0 && !jf_text_equal(table->texts[table->slots[slot] - 1], text)) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

uint32_t jf_text_table_find(const struct jf_text_table *table, struct jf_text text)
{
    if (table->count == 0) {
        return JF_TEXT_TABLE_NONE;
    }
    return table->slots[slot_of(table, text)] - 1; // 0 - 1 is JF_TEXT_TABLE_NONE
}

struct jf_text jf_text_table_text(const struct jf_text_table *table, uint32_t number)
{
    JF_ASSERT(number < table->count);
    return table->texts[number];
}

enum jf_error jf_text_table_reserve(struct jf_text_table *table, uint32_t count)
{
    JF_ASSERT(count <= COUNT_MAX);
    uint32_t capacity = table->capacity == 0 ? CAPACITY_FIRST : table->capacity;
    while (capacity < table->count + count) {
        capacity *= 2;
    }
    if (capacity == table->capacity) {
        return JF_OK;
    }
    struct jf_text *texts = realloc(table->texts, capacity * sizeof *texts);
    if (texts == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    table->texts = texts;
    uint32_t *slots = calloc((size_t)capacity * 2, sizeof *slots);
    if (slots == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    free(table->slots);
    table->slots = slots;
    table->slot_count = capacity * 2;
    table->capacity = capacity;
    for (uint32_t i = 0; i < table->count; i++) {
        table->slots[slot_of(table, table->texts[i])] = i + 1;
    }
    return JF_OK;
}

uint32_t jf_text_table_add(struct jf_text_table *table, struct jf_text text)
{
    JF_ASSERT(table->count < table->capacity);
    uint32_t slot = slot_of(table, text);
    JF_ASSERT(table->slots[slot] == 0);
    table->texts[table->count] = text;
    table->slots[slot] = table->count + 1;
    table->count++;
    return table->count - 1;
}
