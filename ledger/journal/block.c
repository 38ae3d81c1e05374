// The happy path: entries are appended to a draft's payload; sealing writes header, checksums and
// padding around them; reading checks header, place, body and entries, in this order.
// Failures: appending past the capacity is JF_ERROR_LIMIT; everything that can be wrong with stored
// bytes is a finding.
#include "journal/block.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/bug.h"

static const char *const finding_texts[JF_BLOCK_FINDING_COUNT] = {
    [JF_BLOCK_VALID] = "the block is valid",
    [JF_BLOCK_ABSENT] = "there are zeros where a block should begin",
    [JF_BLOCK_UNREADABLE] = "the disk cannot read it (EIO)",
    [JF_BLOCK_HEADER_DAMAGED] = "the header's checksum is wrong",
    [JF_BLOCK_VERSION_UNKNOWN] = "its format version is newer than this program",
    [JF_BLOCK_FOREIGN] = "it belongs to another ledger",
    [JF_BLOCK_MISPLACED] = "it was written for another segment or offset",
    [JF_BLOCK_NOT_SUCCESSOR] = "it does not continue the block before",
    [JF_BLOCK_STALE] = "it is a leftover from before an earlier recovery",
    [JF_BLOCK_BODY_DAMAGED] = "the body's checksum is wrong",
    [JF_BLOCK_MALFORMED] = "its checksums are right but its contents are impossible",
};

const char *jf_block_finding_text(enum jf_block_finding finding)
{
    JF_ASSERT((unsigned)finding < JF_BLOCK_FINDING_COUNT);
    return finding_texts[finding];
}

bool jf_bytes_are_zero(const unsigned char *bytes, uint64_t size)
{
    uint64_t i = 0;
    for (; i + 32 <= size; i += 32) {
        uint64_t any = jf_load_u64(bytes + i) | jf_load_u64(bytes + i + 8) |
                       jf_load_u64(bytes + i + 16) | jf_load_u64(bytes + i + 24);
        if (any != 0) {
            return false;
        }
    }
    for (; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

unsigned char *jf_block_reserve(struct jf_block_draft *draft, uint32_t size_max)
{
    JF_ASSERT(draft->payload_size <= draft->payload_capacity);
    JF_ASSERT(size_max >= 1);
    uint32_t room = draft->payload_capacity - draft->payload_size;
    if (room < JF_ENTRY_PREFIX_BYTES || size_max > room - JF_ENTRY_PREFIX_BYTES ||
        size_max > JF_ENTRY_BYTES_MAX) {
        return NULL;
    }
    return draft->payload + draft->payload_size + JF_ENTRY_PREFIX_BYTES;
}

void jf_block_commit(struct jf_block_draft *draft, uint32_t size)
{
    JF_ASSERT(size >= 1);
    JF_ASSERT(size <= JF_ENTRY_BYTES_MAX);
    JF_ASSERT(size + JF_ENTRY_PREFIX_BYTES <= draft->payload_capacity - draft->payload_size);
    jf_store_u32(draft->payload + draft->payload_size, size);
    draft->payload_size += JF_ENTRY_PREFIX_BYTES + size;
    draft->entry_count += 1;
}

enum jf_error jf_block_append(struct jf_block_draft *draft, const void *bytes, uint32_t size)
{
    JF_ASSERT(size >= 1);
    unsigned char *room = jf_block_reserve(draft, size);
    if (room == NULL) {
        return JF_ERROR_LIMIT;
    }
    memcpy(room, bytes, size);
    jf_block_commit(draft, size);
    return JF_OK;
}

uint32_t jf_block_length(uint32_t payload_size)
{
    JF_ASSERT(payload_size <= JF_BLOCK_PAYLOAD_BYTES_MAX);
    uint32_t used = JF_BLOCK_HEADER_BYTES + payload_size;
    return (used + JF_SECTOR_BYTES - 1) / JF_SECTOR_BYTES * JF_SECTOR_BYTES;
}

static void store_hash(unsigned char *to, struct jf_hash128 hash)
{
    jf_store_u64(to, hash.low);
    jf_store_u64(to + 8, hash.high);
}

static struct jf_hash128 load_hash(const unsigned char *from)
{
    return (struct jf_hash128){jf_load_u64(from), jf_load_u64(from + 8)};
}

struct jf_hash128 jf_block_body_checksum(const unsigned char *block, uint32_t payload_size)
{
    return jf_hash128(block + JF_BLOCK_AT_PREVIOUS_CHECKSUM,
                      JF_BLOCK_AT_PAYLOAD - JF_BLOCK_AT_PREVIOUS_CHECKSUM + payload_size);
}

static struct jf_hash128 header_hash(const unsigned char *block)
{
    return jf_hash128(block + JF_BLOCK_AT_MAGIC, JF_BLOCK_HEADER_BYTES - JF_BLOCK_AT_MAGIC);
}

void jf_block_seal(unsigned char *block, struct jf_block_header *header)
{
    JF_ASSERT(header->durable_sequence < header->sequence);
    header->length = jf_block_length(header->payload_size);
    uint32_t used = JF_BLOCK_HEADER_BYTES + header->payload_size;
    memset(block + used, 0, header->length - used);
    memset(block, 0, JF_BLOCK_HEADER_BYTES);
    jf_store_u64(block + JF_BLOCK_AT_MAGIC, JF_BLOCK_MAGIC);
    jf_store_u32(block + JF_BLOCK_AT_VERSION, JF_BLOCK_FORMAT_VERSION);
    jf_store_u32(block + JF_BLOCK_AT_PARTITION, header->identity.partition);
    memcpy(block + JF_BLOCK_AT_LEDGER_ID, header->identity.ledger_id.bytes, 16);
    jf_store_u64(block + JF_BLOCK_AT_GENERATION, header->generation);
    jf_store_u64(block + JF_BLOCK_AT_EPOCH, header->epoch);
    jf_store_u64(block + JF_BLOCK_AT_INCARNATION, header->incarnation);
    jf_store_u64(block + JF_BLOCK_AT_SEGMENT, header->segment);
    jf_store_u64(block + JF_BLOCK_AT_OFFSET, header->offset);
    jf_store_u64(block + JF_BLOCK_AT_DURABLE_SEQUENCE, header->durable_sequence);
    jf_store_u32(block + JF_BLOCK_AT_LENGTH, header->length);
    store_hash(block + JF_BLOCK_AT_PREVIOUS_CHECKSUM, header->previous_checksum);
    jf_store_u64(block + JF_BLOCK_AT_SEQUENCE, header->sequence);
    jf_store_u64(block + JF_BLOCK_AT_FIRST_POSITION, header->first_position);
    jf_store_u64(block + JF_BLOCK_AT_TIME_US, header->time_us);
    jf_store_u32(block + JF_BLOCK_AT_ENTRY_COUNT, header->entry_count);
    jf_store_u32(block + JF_BLOCK_AT_PAYLOAD_SIZE, header->payload_size);
    header->body_checksum = jf_block_body_checksum(block, header->payload_size);
    store_hash(block + JF_BLOCK_AT_BODY_CHECKSUM, header->body_checksum);
    store_hash(block + JF_BLOCK_AT_HEADER_CHECKSUM, header_hash(block));
}

static void load_header(const unsigned char *bytes, struct jf_block_header *header)
{
    header->identity.partition = jf_load_u32(bytes + JF_BLOCK_AT_PARTITION);
    memcpy(header->identity.ledger_id.bytes, bytes + JF_BLOCK_AT_LEDGER_ID, 16);
    header->generation = jf_load_u64(bytes + JF_BLOCK_AT_GENERATION);
    header->epoch = jf_load_u64(bytes + JF_BLOCK_AT_EPOCH);
    header->incarnation = jf_load_u64(bytes + JF_BLOCK_AT_INCARNATION);
    header->segment = jf_load_u64(bytes + JF_BLOCK_AT_SEGMENT);
    header->offset = jf_load_u64(bytes + JF_BLOCK_AT_OFFSET);
    header->durable_sequence = jf_load_u64(bytes + JF_BLOCK_AT_DURABLE_SEQUENCE);
    header->length = jf_load_u32(bytes + JF_BLOCK_AT_LENGTH);
    header->body_checksum = load_hash(bytes + JF_BLOCK_AT_BODY_CHECKSUM);
    header->previous_checksum = load_hash(bytes + JF_BLOCK_AT_PREVIOUS_CHECKSUM);
    header->sequence = jf_load_u64(bytes + JF_BLOCK_AT_SEQUENCE);
    header->first_position = jf_load_u64(bytes + JF_BLOCK_AT_FIRST_POSITION);
    header->time_us = jf_load_u64(bytes + JF_BLOCK_AT_TIME_US);
    header->entry_count = jf_load_u32(bytes + JF_BLOCK_AT_ENTRY_COUNT);
    header->payload_size = jf_load_u32(bytes + JF_BLOCK_AT_PAYLOAD_SIZE);
}

enum jf_block_finding jf_block_decode_header(const unsigned char *bytes,
                                             struct jf_block_header *out_header)
{
    if (jf_load_u64(bytes + JF_BLOCK_AT_MAGIC) != JF_BLOCK_MAGIC) {
        return jf_bytes_are_zero(bytes, JF_BLOCK_HEADER_BYTES) ? JF_BLOCK_ABSENT
                                                               : JF_BLOCK_HEADER_DAMAGED;
    }
    struct jf_hash128 stored = load_hash(bytes + JF_BLOCK_AT_HEADER_CHECKSUM);
    if (!JF_BUG(CHECKSUM_UNCHECKED) && !jf_hash128_equal(stored, header_hash(bytes))) {
        return JF_BLOCK_HEADER_DAMAGED;
    }
    if (jf_load_u32(bytes + JF_BLOCK_AT_VERSION) != JF_BLOCK_FORMAT_VERSION) {
        return JF_BLOCK_VERSION_UNKNOWN;
    }
    load_header(bytes, out_header);
    return JF_BLOCK_VALID;
}

static bool lengths_are_possible(const struct jf_block_header *header, uint64_t room)
{
    if (header->payload_size > JF_BLOCK_PAYLOAD_BYTES_MAX || header->length > room) {
        return false;
    }
    if (header->length != jf_block_length(header->payload_size)) {
        return false;
    }
    if (header->entry_count > header->payload_size / (JF_ENTRY_PREFIX_BYTES + 1)) {
        return false;
    }
    return (header->entry_count == 0) == (header->payload_size == 0);
}

enum jf_block_finding jf_block_check_place(const struct jf_block_header *header,
                                           const struct jf_block_identity *identity,
                                           uint64_t segment, uint64_t offset, uint64_t room)
{
    if (memcmp(&header->identity.ledger_id, &identity->ledger_id, sizeof identity->ledger_id) !=
            0 ||
        header->identity.partition != identity->partition) {
        return JF_BLOCK_FOREIGN;
    }
    if (header->segment != segment || header->offset != offset) {
        return JF_BLOCK_MISPLACED;
    }
    if (!lengths_are_possible(header, room)) {
        return JF_BLOCK_MALFORMED;
    }
    // A block is itself one of those in flight when it is written.
    uint64_t in_flight = header->sequence - header->durable_sequence;
    if (header->durable_sequence >= header->sequence || in_flight > JF_BLOCKS_IN_FLIGHT_MAX ||
        header->first_position == 0) {
        return JF_BLOCK_MALFORMED;
    }
    return JF_BLOCK_VALID;
}

// Do the entries, each with its size before it, fill the payload exactly?
static bool entries_fill_payload(const struct jf_block_header *header, const unsigned char *payload)
{
    uint32_t offset = 0;
    for (uint32_t i = 0; i < header->entry_count; i++) {
        if (header->payload_size - offset < JF_ENTRY_PREFIX_BYTES) {
            return false;
        }
        uint32_t size = jf_load_u32(payload + offset);
        offset += JF_ENTRY_PREFIX_BYTES;
        if (size == 0 || size > JF_ENTRY_BYTES_MAX || size > header->payload_size - offset) {
            return false;
        }
        offset += size;
    }
    return offset == header->payload_size;
}

enum jf_block_finding jf_block_check_body(const struct jf_block_header *header,
                                          const unsigned char *bytes)
{
    if (!jf_hash128_equal(jf_block_body_checksum(bytes, header->payload_size),
                          header->body_checksum)) {
        return JF_BLOCK_BODY_DAMAGED;
    }
    uint32_t used = JF_BLOCK_HEADER_BYTES + header->payload_size;
    if (!jf_bytes_are_zero(bytes + used, header->length - used)) {
        return JF_BLOCK_MALFORMED;
    }
    return entries_fill_payload(header, bytes + JF_BLOCK_AT_PAYLOAD) ? JF_BLOCK_VALID
                                                                     : JF_BLOCK_MALFORMED;
}

const unsigned char *jf_block_entry(const unsigned char *payload, uint32_t *offset,
                                    uint32_t *out_size)
{
    JF_ASSERT(*offset <= JF_BLOCK_PAYLOAD_BYTES_MAX);
    uint32_t size = jf_load_u32(payload + *offset);
    JF_ASSERT(size >= 1 && size <= JF_ENTRY_BYTES_MAX);
    const unsigned char *bytes = payload + *offset + JF_ENTRY_PREFIX_BYTES;
    *offset += JF_ENTRY_PREFIX_BYTES + size;
    *out_size = size;
    return bytes;
}
