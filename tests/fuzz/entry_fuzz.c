// Entries: any bytes as an entry of the journal. What decodes can be encoded, and encoding what
// that decodes to gives the same bytes again; the finders that do not decode agree.
#include <string.h>

#include "base/assert.h"
#include "engine/entry_codec.h"
#include "service/entry_view.h"
#include "tests/fuzz/fuzz.h"

#define ARENA_CHUNK ((size_t)256 << 10)
#define ARENA_MAX   ((size_t)64 << 20)

static void finders_check(struct jf_text bytes, const struct jf_entry *entry)
{
    uint32_t kind = 0;
    struct jf_member_id member = {0};
    struct jf_text outcome = {NULL, 0};
    enum jf_error error = jf_entry_find_kind(bytes, &kind);
    JF_ASSERT(error == JF_OK);
    JF_ASSERT(kind == (uint32_t)entry->kind);
    error = jf_entry_find_member(bytes, &member);
    JF_ASSERT(error == JF_OK);
    JF_ASSERT(member.value == entry->member.value);
    error = jf_entry_find_outcome(bytes, &outcome);
    JF_ASSERT(error == JF_OK);
    JF_ASSERT(outcome.size <= bytes.size);
}

static void encode_check(const struct jf_entry *entry, struct jf_arena *arena)
{
    struct jf_text first = {NULL, 0};
    struct jf_text second = {NULL, 0};
    struct jf_text outcome = {NULL, 0};
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    struct jf_entry again;
    enum jf_error error = jf_entry_encode(entry, arena, &first, &outcome);
    if (error == JF_ERROR_NO_MEMORY || error == JF_ERROR_LIMIT) {
        return;
    }
    JF_ASSERT(error == JF_OK);
    finders_check(first, entry);
    error = jf_entry_decode(first, arena, &again, &diagnosis);
    if (error == JF_ERROR_NO_MEMORY) {
        return;
    }
    JF_ASSERT(error == JF_OK);
    error = jf_entry_encode(&again, arena, &second, &outcome);
    if (error == JF_ERROR_NO_MEMORY) {
        return;
    }
    JF_ASSERT(error == JF_OK);
    JF_ASSERT(jf_text_equal(first, second));
    error = jf_entry_decode_outcome(outcome, arena, &again, &diagnosis);
    JF_ASSERT(error == JF_OK || error == JF_ERROR_NO_MEMORY);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct jf_arena arena;
    struct jf_entry entry;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    struct jf_text text = {(const char *)bytes, (uint32_t)size};
    jf_arena_init(&arena, ARENA_CHUNK, ARENA_MAX);
    enum jf_error error = jf_entry_decode(text, &arena, &entry, &diagnosis);
    if (error == JF_OK) {
        enum jf_error balanced = jf_entry_check_postings(&entry);
        JF_ASSERT(balanced == JF_OK);
        (void)jf_entry_growth(&entry);
        (void)jf_entry_second(&entry);
        (void)jf_entry_card_move(&entry);
        encode_check(&entry, &arena);
    } else {
        JF_ASSERT(error == JF_ERROR_CORRUPT || error == JF_ERROR_NO_MEMORY ||
                  error == JF_ERROR_VERSION); // of a kind that is not known yet
    }
    // What History shows of it, decodable or not.
    Jifen__V1__EntryView *view = NULL;
    enum jf_error viewed = jf_entry_view(text, &arena, &view);
    JF_ASSERT(viewed == JF_OK || viewed == JF_ERROR_CORRUPT || viewed == JF_ERROR_NO_MEMORY ||
              viewed == JF_ERROR_VERSION);
    jf_arena_deinit(&arena);
    return 0;
}
