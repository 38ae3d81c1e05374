// The happy path: the entries tell the payload's size and their count; the block before tells
// previous checksum, sequence and position; time is as stored, or searched between the neighbours'
// times; all together must give the body checksum that the block after names. Of the envelope most
// follows from the place; incarnation, durable sequence, generation and epoch are tried until the
// header's own checksum agrees.
//
// Failures are verdicts. Nothing here is believed that the chain does not prove, but for an
// envelope whose checksum is damaged too (DERIVED).
#include "journal/header_proof.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"

#define HASHED_BYTES_MAX ((uint64_t)1 << 35) // of a search for the time: some seconds
#define INCARNATIONS_MAX 64u                 // tried between the neighbours'
#define TIME_BYTES       8u

static const char *const verdict_texts[JF_HEADER_VERDICT_COUNT] = {
    [JF_HEADER_PROVED] = "the header is proved bit for bit",
    [JF_HEADER_DERIVED] = "the header follows from its neighbours",
    [JF_HEADER_PAYLOAD] = "the payload is damaged too: its entries do not end where the block does",
    [JF_HEADER_BODY] = "no header gives the body checksum that the next block names",
    [JF_HEADER_ENVELOPE] =
        "the header's checksum is damaged, and so is a field that only it proves",
};

const char *jf_header_verdict_text(enum jf_header_verdict verdict)
{
    JF_ASSERT((unsigned)verdict < JF_HEADER_VERDICT_COUNT);
    return verdict_texts[verdict];
}

// ---- Body -----------------------------------------------------------------------------

// Counts the entries; zeros end them. Out: what of the header follows. Returns: whether they end
// where the block does.
static bool payload_measure(const struct jf_header_evidence *evidence,
                            struct jf_block_header *header)
{
    uint64_t limit = evidence->length != 0 ? evidence->length : evidence->room;
    limit = limit > JF_BLOCK_BYTES_MAX ? JF_BLOCK_BYTES_MAX : limit;
    uint64_t at = JF_BLOCK_HEADER_BYTES;
    while (limit - at >= JF_ENTRY_PREFIX_BYTES) {
        uint32_t size = jf_load_u32(evidence->stored + at);
        if (size == 0) {
            break;
        }
        if (size > JF_ENTRY_BYTES_MAX || size > limit - at - JF_ENTRY_PREFIX_BYTES) {
            return false;
        }
        at += JF_ENTRY_PREFIX_BYTES + size;
        header->entry_count += 1;
    }
    header->payload_size = (uint32_t)(at - JF_BLOCK_HEADER_BYTES);
    header->length = jf_block_length(header->payload_size);
    return header->length <= limit &&
           (evidence->length == 0 || header->length == evidence->length) &&
           jf_bytes_are_zero(evidence->stored + at, header->length - at);
}

struct time_search {
    unsigned char *block;
    uint32_t payload_size;
    uint64_t from; // the neighbours' times
    uint64_t to;
    struct jf_hash128 wanted;
};

static bool time_fits(const struct time_search *search, uint64_t time_us)
{
    if (time_us < search->from || time_us > search->to) {
        return false;
    }
    jf_store_u64(search->block + JF_BLOCK_AT_TIME_US, time_us);
    return jf_hash128_equal(jf_block_body_checksum(search->block, search->payload_size),
                            search->wanted);
}

// As stored; with one byte another; any between the neighbours' times, if that is not too many.
static bool time_find(const struct time_search *search, uint64_t stored, uint64_t *out_time_us)
{
    *out_time_us = stored;
    if (time_fits(search, stored)) {
        return true;
    }
    for (uint32_t shift = 0; shift < 8 * TIME_BYTES; shift += 8) {
        for (uint64_t byte = 1; byte < 256; byte++) {
            *out_time_us = stored ^ (byte << shift);
            if (time_fits(search, *out_time_us)) {
                return true;
            }
        }
    }
    uint64_t bytes_each = JF_BLOCK_HEADER_BYTES + search->payload_size;
    if (search->to - search->from > HASHED_BYTES_MAX / bytes_each) {
        return false;
    }
    for (*out_time_us = search->from; *out_time_us <= search->to; *out_time_us += 1) {
        if (time_fits(search, *out_time_us)) {
            return true;
        }
    }
    return false;
}

// ---- Envelope -------------------------------------------------------------------------

static bool header_checksum_is(unsigned char *block, struct jf_block_header *header,
                               const unsigned char *checksum)
{
    jf_block_seal(block, header);
    return memcmp(block + JF_BLOCK_AT_HEADER_CHECKSUM, checksum, sizeof(struct jf_hash128)) == 0;
}

static uint64_t durable_lowest(const struct jf_block_header *header)
{
    return header->sequence > JF_BLOCKS_IN_FLIGHT_MAX ? header->sequence - JF_BLOCKS_IN_FLIGHT_MAX
                                                      : 0;
}

// Tries what the sequence known durable may have been. In: the other fields are set.
static bool durable_find(unsigned char *block, struct jf_block_header *header,
                         const unsigned char *checksum)
{
    for (uint64_t durable = durable_lowest(header); durable < header->sequence; durable++) {
        header->durable_sequence = durable;
        if (header_checksum_is(block, header, checksum)) {
            return true;
        }
    }
    return false;
}

static bool incarnation_find(const struct jf_header_evidence *evidence, unsigned char *block,
                             struct jf_block_header *header, const unsigned char *checksum)
{
    uint64_t last = evidence->after->incarnation;
    for (uint32_t i = 0; i < INCARNATIONS_MAX && evidence->before->incarnation + i <= last; i++) {
        header->incarnation = evidence->before->incarnation + i;
        if (durable_find(block, header, checksum)) {
            return true;
        }
    }
    return false;
}

// Generation and epoch as stored, or as the next block has them.
static bool envelope_find(const struct jf_header_evidence *evidence, unsigned char *block,
                          struct jf_block_header *header)
{
    const unsigned char *stored = evidence->stored;
    const unsigned char *checksum = stored + JF_BLOCK_AT_HEADER_CHECKSUM;
    const uint64_t generations[] = {evidence->after->generation,
                                    jf_load_u64(stored + JF_BLOCK_AT_GENERATION)};
    const uint64_t epochs[] = {evidence->after->epoch, jf_load_u64(stored + JF_BLOCK_AT_EPOCH)};
    for (uint32_t i = 0; i < 4; i++) {
        header->generation = generations[i & 1];
        header->epoch = epochs[i >> 1];
        if (incarnation_find(evidence, block, header, checksum)) {
            return true;
        }
    }
    return false;
}

// Without a checksum to agree: what is stored, where it is possible, else what the neighbours leave
// no choice about. The lowest sequence known durable claims least. Returns: whether all is told.
static bool envelope_derive(const struct jf_header_evidence *evidence,
                            struct jf_block_header *header)
{
    const unsigned char *stored = evidence->stored;
    const struct jf_block_header *after = evidence->after;
    header->generation = jf_load_u64(stored + JF_BLOCK_AT_GENERATION);
    header->epoch = jf_load_u64(stored + JF_BLOCK_AT_EPOCH);
    header->incarnation = jf_load_u64(stored + JF_BLOCK_AT_INCARNATION);
    header->durable_sequence = jf_load_u64(stored + JF_BLOCK_AT_DURABLE_SEQUENCE);
    if (evidence->before->incarnation == after->incarnation) {
        header->incarnation = after->incarnation;
    }
    if (header->durable_sequence < durable_lowest(header) ||
        header->durable_sequence >= header->sequence) {
        header->durable_sequence = durable_lowest(header);
    }
    return header->generation == after->generation && header->epoch == after->epoch &&
           header->incarnation >= evidence->before->incarnation &&
           header->incarnation <= after->incarnation;
}

enum jf_header_verdict jf_header_prove(const struct jf_header_evidence *evidence,
                                       unsigned char *block, uint32_t *out_length)
{
    const struct jf_walk_tail *before = evidence->before;
    const struct jf_block_header *after = evidence->after;
    JF_ASSERT(before->is_known);
    JF_ASSERT(after->sequence == before->sequence + 2);
    struct jf_block_header header = {.identity = evidence->identity,
                                     .segment = evidence->segment,
                                     .offset = evidence->offset,
                                     .previous_checksum = before->body_checksum,
                                     .sequence = before->sequence + 1,
                                     .first_position = before->last_position + 1};
    if (!payload_measure(evidence, &header) ||
        header.first_position + header.entry_count != after->first_position) {
        return JF_HEADER_PAYLOAD;
    }
    header.durable_sequence = durable_lowest(&header);
    jf_block_seal(block, &header);
    struct time_search search = {.block = block,
                                 .payload_size = header.payload_size,
                                 .from = before->time_us,
                                 .to = after->time_us,
                                 .wanted = after->previous_checksum};
    uint64_t stored_us = jf_load_u64(evidence->stored + JF_BLOCK_AT_TIME_US);
    if (!time_find(&search, stored_us, &header.time_us)) {
        return JF_HEADER_BODY;
    }
    *out_length = header.length;
    if (envelope_find(evidence, block, &header)) {
        return JF_HEADER_PROVED;
    }
    if (!envelope_derive(evidence, &header)) {
        return JF_HEADER_ENVELOPE;
    }
    jf_block_seal(block, &header);
    return JF_HEADER_DERIVED;
}

// ---- In words -------------------------------------------------------------------------

uint32_t jf_header_fields_differ(const unsigned char *a, const unsigned char *b, char *out_names,
                                 size_t size)
{
    static const struct {
        const char *name;
        uint32_t at;
    } fields[] = {
        {"header checksum", JF_BLOCK_AT_HEADER_CHECKSUM},
        {"magic", JF_BLOCK_AT_MAGIC},
        {"format version", JF_BLOCK_AT_VERSION},
        {"partition", JF_BLOCK_AT_PARTITION},
        {"ledger id", JF_BLOCK_AT_LEDGER_ID},
        {"generation", JF_BLOCK_AT_GENERATION},
        {"epoch", JF_BLOCK_AT_EPOCH},
        {"incarnation", JF_BLOCK_AT_INCARNATION},
        {"segment", JF_BLOCK_AT_SEGMENT},
        {"offset", JF_BLOCK_AT_OFFSET},
        {"durable sequence", JF_BLOCK_AT_DURABLE_SEQUENCE},
        {"length", JF_BLOCK_AT_LENGTH},
        {"reserved bytes of the envelope", JF_BLOCK_AT_RESERVED_ENVELOPE},
        {"body checksum", JF_BLOCK_AT_BODY_CHECKSUM},
        {"previous checksum", JF_BLOCK_AT_PREVIOUS_CHECKSUM},
        {"sequence", JF_BLOCK_AT_SEQUENCE},
        {"first position", JF_BLOCK_AT_FIRST_POSITION},
        {"time", JF_BLOCK_AT_TIME_US},
        {"entry count", JF_BLOCK_AT_ENTRY_COUNT},
        {"payload size", JF_BLOCK_AT_PAYLOAD_SIZE},
        {"reserved bytes of the body", JF_BLOCK_AT_RESERVED_BODY},
        {NULL, JF_BLOCK_HEADER_BYTES},
    };
    uint32_t differing = 0;
    size_t used = 0;
    out_names[0] = '\0';
    for (uint32_t i = 0; fields[i].name != NULL; i++) {
        uint32_t before = differing;
        for (uint32_t at = fields[i].at; at < fields[i + 1].at; at++) {
            differing += a[at] != b[at] ? 1 : 0;
        }
        if (differing > before && used < size) {
            int put = snprintf(out_names + used, size - used, "%s%s", used == 0 ? "" : ", ",
                               fields[i].name);
            used += put > 0 ? (size_t)put : 0;
        }
    }
    return differing;
}
