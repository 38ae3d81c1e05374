// Hashes of fixed-width numbers and of the hashes of texts, so that nothing is allocated and no
// encoding of a message decides. Nothing here fails.
#include "rules/digest.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "rules/entry.h"

#define NUMBERS_MAX 12u

void jf_digest_store(unsigned char to[JF_DIGEST_BYTES], struct jf_hash128 hash)
{
    jf_store_u64(to, hash.low);
    jf_store_u64(to + 8, hash.high);
}

struct jf_hash128 jf_digest_load(const unsigned char from[JF_DIGEST_BYTES])
{
    return (struct jf_hash128){jf_load_u64(from), jf_load_u64(from + 8)};
}

void jf_digest_text(struct jf_hash128 hash, char out_text[JF_DIGEST_TEXT_SIZE])
{
    unsigned char bytes[JF_DIGEST_BYTES];
    jf_digest_store(bytes, hash);
    for (uint32_t i = 0; i < JF_DIGEST_BYTES; i++) {
        (void)snprintf(out_text + (size_t)2 * i, 3, "%02x", bytes[i]);
    }
}

struct jf_hash128 jf_digest_whole(const struct jf_digest *digest)
{
    unsigned char parts[3 * JF_DIGEST_BYTES];
    jf_digest_store(parts, digest->members);
    jf_digest_store(parts + JF_DIGEST_BYTES, digest->reference);
    jf_digest_store(parts + 2 * JF_DIGEST_BYTES, digest->totals);
    return jf_hash128(parts, sizeof parts);
}

const char *jf_digest_difference(const struct jf_digest *a, const struct jf_digest *b)
{
    if (!jf_hash128_equal(a->members, b->members)) {
        return "members";
    }
    if (!jf_hash128_equal(a->reference, b->reference)) {
        return "stores and programmes";
    }
    return jf_hash128_equal(a->totals, b->totals) ? NULL : "control totals";
}

// Numbers of 64 bits behind each other.
struct numbers {
    unsigned char bytes[NUMBERS_MAX * sizeof(uint64_t)];
    size_t size;
};

static void number_add(struct numbers *numbers, uint64_t number)
{
    JF_ASSERT(numbers->size + sizeof number <= sizeof numbers->bytes);
    jf_store_u64(numbers->bytes + numbers->size, number);
    numbers->size += sizeof number;
}

static void hash_add(struct numbers *numbers, struct jf_hash128 hash)
{
    number_add(numbers, hash.low);
    number_add(numbers, hash.high);
}

static void text_add(struct numbers *numbers, struct jf_text text)
{
    hash_add(numbers, jf_hash128(text.data, text.size));
}

static void store_add(struct numbers *numbers, const struct jf_put_store_command *store)
{
    number_add(numbers, store->store.value);
    number_add(numbers, store->entity.value);
    number_add(numbers, store->day_start_minute);
    text_add(numbers, store->region);
    text_add(numbers, store->zone);
}

// Each name of a ground is hashed with what came before it.
static struct jf_hash128 reasons_hash(const struct jf_publication_entry *publication)
{
    struct jf_hash128 hash = {0, 0};
    for (uint32_t i = 0; i < publication->reason_count; i++) {
        struct numbers numbers = {.size = 0};
        hash_add(&numbers, hash);
        number_add(&numbers, publication->reasons[i].number);
        text_add(&numbers, publication->reasons[i].name);
        hash = jf_hash128(numbers.bytes, numbers.size);
    }
    return hash;
}

static void publication_add(struct numbers *numbers, const struct jf_publication_entry *publication)
{
    number_add(numbers, publication->version);
    number_add(numbers, (uint64_t)publication->effective_from_ms);
    text_add(numbers, publication->file_name);
    text_add(numbers, publication->yaml);
    hash_add(numbers, reasons_hash(publication));
}

struct jf_hash128 jf_digest_reference(const struct jf_entry *entry)
{
    JF_ASSERT(entry->kind == JF_ENTRY_STORE || entry->kind == JF_ENTRY_PUBLICATION);
    struct numbers numbers = {.size = 0};
    number_add(&numbers, (uint64_t)entry->kind);
    number_add(&numbers, entry->position);
    if (entry->kind == JF_ENTRY_STORE) {
        store_add(&numbers, &entry->as.store);
    } else {
        publication_add(&numbers, &entry->as.publication);
    }
    return jf_hash128(numbers.bytes, numbers.size);
}
