// Reads a TZif image (RFC 8536): a header, a block with 32-bit times, and from version 2 on a
// second header, a block with 64-bit times and a footer rule. Only the last block is used; names of
// offsets and the flags of how a transition was written have no meaning here and are only stepped
// over.
//
// Failures: every count, index and length is checked against the image, so that a truncated or
// altered file is JF_ERROR_CORRUPT; versions above 4 are JF_ERROR_VERSION; files that count leap
// seconds (the "right/" ones) are JF_ERROR_UNSUPPORTED, because their seconds are not ours.
#include "base/zone_tzif.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/bytes.h"

#define HEADER_SIZE        44u
#define VERSION_OFFSET     4u
#define COUNTS_OFFSET      20u
#define TYPE_SIZE          6u
#define OFFSET_SECONDS_MAX 93600 // 26 hours; RFC 8536 asks for less
#define RULE_CHECK_SECONDS ((int64_t)1 << 40)

struct counts {
    uint32_t is_ut;
    uint32_t is_standard;
    uint32_t leap;
    uint32_t time;
    uint32_t type;
    uint32_t name_bytes;
};

// Where the parts of one block lie.
struct block {
    struct counts counts;
    uint32_t time_size; // 4 or 8 bytes
    const unsigned char *times;
    const unsigned char *indexes;
    const unsigned char *types;
    size_t end; // offset of what follows
};

static enum jf_error corrupt(struct jf_diagnosis *diagnosis, const char *what)
{
    return jf_diagnose(diagnosis, JF_ERROR_CORRUPT, "no valid TZif time zone: %s; reinstall tzdata",
                       what);
}

static enum jf_error header_check(const unsigned char *bytes, size_t size, size_t at,
                                  struct jf_diagnosis *diagnosis)
{
    if (size < HEADER_SIZE || at > size - HEADER_SIZE) {
        return corrupt(diagnosis, "the header is cut short");
    }
    if (memcmp(bytes + at, "TZif", 4) != 0) {
        return corrupt(diagnosis, "the file does not begin with TZif");
    }
    unsigned char version = bytes[at + VERSION_OFFSET];
    if (version != 0 && (version < '2' || version > '4')) {
        return jf_diagnose(diagnosis, JF_ERROR_VERSION,
                           "TZif version byte 0x%02x is not one of 1 to 4", version);
    }
    return JF_OK;
}

static struct counts counts_read(const unsigned char *header)
{
    const unsigned char *at = header + COUNTS_OFFSET;
    return (struct counts){
        .is_ut = __builtin_bswap32(jf_load_u32(at)),
        .is_standard = __builtin_bswap32(jf_load_u32(at + 4)),
        .leap = __builtin_bswap32(jf_load_u32(at + 8)),
        .time = __builtin_bswap32(jf_load_u32(at + 12)),
        .type = __builtin_bswap32(jf_load_u32(at + 16)),
        .name_bytes = __builtin_bswap32(jf_load_u32(at + 20)),
    };
}

static bool counts_are_sound(const struct counts *counts)
{
    if (counts->type == 0 || counts->type > 256 || counts->name_bytes == 0) {
        return false;
    }
    if (counts->is_ut != 0 && counts->is_ut != counts->type) {
        return false;
    }
    return counts->is_standard == 0 || counts->is_standard == counts->type;
}

// Finds the parts of the block whose header is at `at`.
static enum jf_error block_find(const unsigned char *bytes, size_t size, size_t at,
                                uint32_t time_size, struct block *out_block,
                                struct jf_diagnosis *diagnosis)
{
    enum jf_error error = header_check(bytes, size, at, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    struct block block = {.counts = counts_read(bytes + at), .time_size = time_size};
    const struct counts *counts = &block.counts;
    if (!counts_are_sound(counts)) {
        return corrupt(diagnosis, "the counts in the header contradict each other");
    }
    uint64_t length = (uint64_t)counts->time * (time_size + 1) +
                      (uint64_t)counts->type * TYPE_SIZE + counts->name_bytes +
                      (uint64_t)counts->leap * (time_size + 4) + counts->is_standard +
                      counts->is_ut;
    size_t start = at + HEADER_SIZE;
    if (length > size - start) {
        return corrupt(diagnosis, "the data is cut short");
    }
    block.times = bytes + start;
    block.indexes = block.times + (size_t)counts->time * time_size;
    block.types = block.indexes + counts->time;
    block.end = start + (size_t)length;
    *out_block = block;
    return JF_OK;
}

static int64_t time_read(const struct block *block, uint32_t index)
{
    const unsigned char *at = block->times + (size_t)index * block->time_size;
    if (block->time_size == 4) {
        return (int32_t)__builtin_bswap32(jf_load_u32(at));
    }
    return (int64_t)__builtin_bswap64(jf_load_u64(at));
}

static int32_t type_offset(const struct block *block, uint32_t type)
{
    JF_ASSERT(type < block->counts.type);
    return (int32_t)__builtin_bswap32(jf_load_u32(block->types + (size_t)type * TYPE_SIZE));
}

static bool types_are_sound(const struct block *block)
{
    for (uint32_t i = 0; i < block->counts.type; i++) {
        const unsigned char *type = block->types + (size_t)i * TYPE_SIZE;
        int32_t offset = type_offset(block, i);
        if (offset < -OFFSET_SECONDS_MAX || offset > OFFSET_SECONDS_MAX) {
            return false;
        }
        if (type[4] > 1 || type[5] >= block->counts.name_bytes) {
            return false;
        }
    }
    return true;
}

struct jf_zone *jf_zone_tzif_allocate(uint32_t transition_count)
{
    size_t size =
        sizeof(struct jf_zone) + (size_t)transition_count * (sizeof(int64_t) + sizeof(int32_t));
    struct jf_zone *zone = calloc(1, size);
    if (zone == NULL) {
        return NULL;
    }
    _Static_assert(sizeof(struct jf_zone) % _Alignof(int64_t) == 0, "instants stay aligned");
    zone->instants = (int64_t *)(void *)(zone + 1);
    zone->offsets = (int32_t *)(void *)(zone->instants + transition_count);
    zone->transition_count = transition_count;
    return zone;
}

static bool transitions_fill(const struct block *block, struct jf_zone *zone)
{
    for (uint32_t i = 0; i < block->counts.time; i++) {
        zone->instants[i] = time_read(block, i);
        if (i > 0 && zone->instants[i] <= zone->instants[i - 1]) {
            return false;
        }
        uint32_t type = block->indexes[i];
        if (type >= block->counts.type) {
            return false;
        }
        zone->offsets[i] = type_offset(block, type);
    }
    zone->offset_before = type_offset(block, 0);
    return true;
}

// The footer is a newline, the rule (possibly nothing) and a newline, and ends the file.
static enum jf_error footer_fill(const unsigned char *bytes, size_t size, size_t at,
                                 struct jf_zone *zone, struct jf_diagnosis *diagnosis)
{
    if (size - at < 2 || bytes[at] != '\n' || bytes[size - 1] != '\n') {
        return corrupt(diagnosis, "the footer is cut short");
    }
    size_t length = size - at - 2;
    if (length == 0) {
        return JF_OK;
    }
    struct jf_text text = {(const char *)bytes + at + 1, (uint32_t)length};
    if (length > UINT32_MAX || !jf_zone_rule_parse(text, &zone->rule)) {
        return corrupt(diagnosis, "the rule in the footer is not understood");
    }
    zone->has_rule = true;
    return JF_OK;
}

// From the last transition on the footer's rule is used; at that transition they must agree.
static bool rule_agrees(const struct jf_zone *zone)
{
    if (!zone->has_rule || zone->transition_count == 0) {
        return true;
    }
    int64_t last = zone->instants[zone->transition_count - 1];
    if (last < -RULE_CHECK_SECONDS || last > RULE_CHECK_SECONDS) {
        return true;
    }
    return jf_zone_rule_offset(&zone->rule, last) == zone->offsets[zone->transition_count - 1];
}

static enum jf_error zone_fill(const unsigned char *bytes, size_t size, const struct block *block,
                               struct jf_zone *zone, struct jf_diagnosis *diagnosis)
{
    if (!transitions_fill(block, zone)) {
        return corrupt(diagnosis, "the transitions are out of order or name no offset");
    }
    if (block->time_size == 4) {
        return block->end == size ? JF_OK : corrupt(diagnosis, "there are bytes after its end");
    }
    enum jf_error error = footer_fill(bytes, size, block->end, zone, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (!rule_agrees(zone)) {
        return corrupt(diagnosis, "the footer contradicts the last transition");
    }
    return JF_OK;
}

enum jf_error jf_zone_parse(const unsigned char *bytes, size_t size, struct jf_zone **out_zone,
                            struct jf_diagnosis *diagnosis)
{
    struct block block = {0};
    enum jf_error error = block_find(bytes, size, 0, 4, &block, diagnosis);
    if (error == JF_OK && bytes[VERSION_OFFSET] != 0) {
        error = block_find(bytes, size, block.end, 8, &block, diagnosis);
    }
    if (error != JF_OK) {
        return error;
    }
    if (!types_are_sound(&block)) {
        return corrupt(diagnosis, "an offset from UTC is out of range");
    }
    if (block.counts.leap != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_UNSUPPORTED,
                           "the time zone counts leap seconds: name the zone without \"right/\"");
    }
    struct jf_zone *zone = jf_zone_tzif_allocate(block.counts.time);
    if (zone == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for a time zone");
    }
    error = zone_fill(bytes, size, &block, zone, diagnosis);
    if (error != JF_OK) {
        jf_zone_destroy(zone);
        return error;
    }
    *out_zone = zone;
    return JF_OK;
}
