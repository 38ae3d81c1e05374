// Blocks and segments: a journal directory of one or two segments, read, verified and looked at for
// its end and for headers that can be made again. What was written right is read as it was written,
// up to the first block that was not; nothing else is ever read as an entry.
//
// Input: a byte: bit 0: a second segment; bit 1: the bytes behind are segment 1 as they are; bit 2:
// the end and headers that can be made again are looked for too. Else blocks follow, each a byte
// that says how it goes wrong, its payload's size in two bytes, what it is patched with, and the
// payload. Where nothing is said to go wrong, a block continues the one before and its checksums
// are right.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "journal/reader.h"
#include "journal/repair.h"
#include "journal/superblock.h"
#include "tests/fuzz/fuzz.h"

#define SEGMENT_BYTES JF_SEGMENT_BYTES_MIN
#define BLOCKS_MAX    32u
#define PATCHES_MAX   4u

enum wrong {
    WRONG_HEADER_CHECKSUM = 1,
    WRONG_BODY_CHECKSUM = 2,
    NEXT_SEGMENT = 4, // not wrong by itself
    WRONG_GAP = 8,    // a sector of zeros before it
    WRONG_PATCH = 16,
    WRONG_ENTRIES = 32, // the payload as it comes, not as one entry
    WRONG_FLIP = 64,
    WRONG_REPEAT = 128, // it continues what the block before continued
};

static char folder[] = "/dev/shm/jifen-fuzz-XXXXXX";
static int segments[2];
static int superblock_fd;
static struct jf_ring ring;

struct writer {
    struct jf_block_header before; // the last block
    uint32_t segment;              // 0 or 1
    uint64_t offset;
    uint64_t clean_entries; // of blocks before the first that is wrong
    bool is_clean;
    struct jf_text entries[BLOCKS_MAX]; // those clean ones
};

// The journal's own loop over four empty MiB is most of an input's time under the sanitizers; what
// memcmp says is the same.
bool jf_bytes_are_zero(const unsigned char *bytes, uint64_t size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static void path_of(const char *name, char path[96])
{
    (void)snprintf(path, 96, "%s/%s", folder, name);
}

static void folder_remove(void)
{
    static const char *const names[] = {"SUPERBLOCK", "LOCK", "segment-0000000000000001.jfl",
                                        "segment-0000000000000002.jfl"};
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[96];
        path_of(names[i], path);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

static int file_open(const char *name)
{
    char path[96];
    path_of(name, path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    JF_ASSERT(fd >= 0);
    return fd;
}

static void folder_make(void)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    if (segments[0] > 0) {
        return;
    }
    char *made = mkdtemp(folder);
    JF_ASSERT(made != NULL);
    (void)atexit(folder_remove);
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(1, name);
    segments[0] = file_open(name);
    superblock_fd = file_open(JF_SUPERBLOCK_NAME);
    unsigned char bytes[JF_SUPERBLOCK_BYTES];
    const struct jf_superblock superblock = {.identity.ledger_id.bytes = {7},
                                             .sequence = 1,
                                             .generation = 1,
                                             .incarnation = 9,
                                             .oldest_segment = 1};
    jf_superblock_encode(&superblock, bytes);
    ssize_t put = pwrite(superblock_fd, bytes, sizeof bytes, 0);
    JF_ASSERT(put == (ssize_t)sizeof bytes);
    enum jf_error error = jf_ring_init(&ring, 8, &diagnosis);
    JF_ASSERT(error == JF_OK);
}

// Empty segments of full size: the first, and a second one if it is asked for.
static void segments_clear(bool has_second)
{
    char name[JF_SEGMENT_NAME_BYTES];
    char path[96];
    jf_segment_name(2, name);
    path_of(name, path);
    if (has_second && segments[1] == 0) {
        segments[1] = file_open(name);
    } else if (!has_second && segments[1] != 0) {
        close(segments[1]);
        segments[1] = 0;
        (void)unlink(path);
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (segments[i] > 0) {
            bool is_cleared =
                ftruncate(segments[i], 0) == 0 && ftruncate(segments[i], SEGMENT_BYTES) == 0;
            JF_ASSERT(is_cleared);
        }
    }
}

static void checksums_put(unsigned char *block, uint32_t payload_size, uint8_t wrong)
{
    if ((wrong & WRONG_BODY_CHECKSUM) == 0) {
        struct jf_hash128 hash =
            jf_hash128(block + JF_BLOCK_AT_PREVIOUS_CHECKSUM,
                       JF_BLOCK_HEADER_BYTES - JF_BLOCK_AT_PREVIOUS_CHECKSUM + payload_size);
        jf_store_u64(block + JF_BLOCK_AT_BODY_CHECKSUM, hash.low);
        jf_store_u64(block + JF_BLOCK_AT_BODY_CHECKSUM + 8, hash.high);
    }
    if ((wrong & WRONG_HEADER_CHECKSUM) == 0) {
        struct jf_hash128 hash =
            jf_hash128(block + JF_BLOCK_AT_MAGIC, JF_BLOCK_HEADER_BYTES - JF_BLOCK_AT_MAGIC);
        jf_store_u64(block, hash.low);
        jf_store_u64(block + 8, hash.high);
    } else {
        block[0] ^= 1;
    }
}

// Patches come before the payload in the input, and are made when the header is there.
struct patches {
    uint32_t count;
    uint32_t at[PATCHES_MAX];
    uint64_t value[PATCHES_MAX];
};

static struct patches patches_take(struct fuzz_input *input, uint8_t wrong)
{
    struct patches patches = {.count = 0};
    uint32_t count = (wrong & WRONG_PATCH) != 0 ? 1 + fuzz_u8(input) % PATCHES_MAX : 0;
    for (; patches.count < count; patches.count++) {
        patches.at[patches.count] =
            JF_BLOCK_AT_MAGIC + fuzz_u8(input) % (JF_BLOCK_HEADER_BYTES - 24);
        patches.value[patches.count] = fuzz_u64(input);
    }
    return patches;
}

static void block_spoil(unsigned char *block, const struct patches *patches, uint8_t wrong)
{
    for (uint32_t i = 0; i < patches->count; i++) {
        jf_store_u64(block + patches->at[i], patches->value[i]);
    }
    if ((wrong & WRONG_BODY_CHECKSUM) != 0) {
        block[JF_BLOCK_AT_BODY_CHECKSUM] ^= 1;
    }
}

static struct jf_block_header header_next(const struct writer *writer, uint8_t wrong,
                                          uint32_t payload_size)
{
    const struct jf_block_header *before = &writer->before;
    bool is_repeat = (wrong & WRONG_REPEAT) != 0 && before->sequence > 0;
    uint64_t sequence = is_repeat ? before->sequence : before->sequence + 1;
    return (struct jf_block_header){
        .identity.ledger_id.bytes = {7},
        .generation = 1,
        .incarnation = 9,
        .segment = writer->segment + 1u,
        .offset = writer->offset,
        .durable_sequence = sequence - 1,
        .previous_checksum = is_repeat ? before->previous_checksum : before->body_checksum,
        .sequence = sequence,
        .first_position = is_repeat               ? before->first_position
                          : before->sequence == 0 ? 1
                                                  : before->first_position + before->entry_count,
        .time_us = 1000 + sequence,
        .entry_count = payload_size > 0 ? 1 : 0,
        .payload_size = payload_size,
    };
}

// The payload, as one entry or as it comes. Returns: its size.
static uint32_t payload_put(unsigned char *payload, struct jf_text bytes, uint8_t wrong)
{
    uint32_t prefix = (wrong & WRONG_ENTRIES) != 0 ? 0 : JF_ENTRY_PREFIX_BYTES;
    if (bytes.size == 0) {
        return 0;
    }
    memcpy(payload + prefix, bytes.data, bytes.size);
    if (prefix > 0) {
        jf_store_u32(payload, bytes.size);
    }
    return bytes.size + prefix;
}

// Where the next block goes. A right journal goes on in the next segment only where the rest is too
// short for the largest block.
static void place_move(struct writer *writer, uint8_t wrong)
{
    if ((wrong & NEXT_SEGMENT) != 0 && writer->segment == 0 && segments[1] != 0) {
        writer->is_clean = false;
        writer->segment = 1;
        writer->offset = 0;
    }
    writer->offset += (wrong & WRONG_GAP) != 0 ? JF_SECTOR_BYTES : 0;
}

// Puts one block of at most one entry. Returns: false when the segments are full.
static bool block_put(struct writer *writer, struct fuzz_input *input)
{
    static unsigned char block[JF_BLOCK_HEADER_BYTES + UINT16_MAX + 8 + JF_SECTOR_BYTES];
    uint8_t wrong = fuzz_u8(input);
    uint32_t wanted = fuzz_u16(input);
    struct patches patches = patches_take(input, wrong);
    struct jf_text bytes = fuzz_bytes(input, wanted);
    memset(block, 0, sizeof block);
    place_move(writer, wrong);
    uint32_t size = payload_put(block + JF_BLOCK_AT_PAYLOAD, bytes, wrong);
    uint32_t length = jf_block_length(size);
    struct jf_block_header header = header_next(writer, wrong, size);
    if (writer->offset + length > SEGMENT_BYTES) {
        return false;
    }
    jf_block_seal(block, &header);
    block_spoil(block, &patches, wrong);
    checksums_put(block, size, wrong);
    if ((wrong & WRONG_FLIP) != 0) {
        block[fuzz_u16(input) % length] ^= (unsigned char)(1 + fuzz_u8(input) % 255);
    }
    ssize_t put = pwrite(segments[writer->segment], block, length, (off_t)writer->offset);
    JF_ASSERT(put == (ssize_t)length);
    writer->is_clean = writer->is_clean && (wrong & ~NEXT_SEGMENT) == 0;
    if (writer->is_clean && size > 0) {
        writer->entries[writer->clean_entries++] = bytes;
    }
    writer->before = header;
    writer->offset += length;
    return true;
}

static void entry_check(const struct writer *writer, const struct jf_journal_entry *entry)
{
    if (entry->position <= writer->clean_entries) {
        struct jf_text written = writer->entries[entry->position - 1];
        struct jf_text read = {(const char *)entry->bytes, entry->size};
        JF_ASSERT(jf_text_equal(read, written));
    }
    JF_ASSERT(entry->size >= 1);
    JF_ASSERT(entry->size <= JF_ENTRY_BYTES_MAX);
}

// Reads from a position to the end. Out: how many entries. Returns: how it ended.
static enum jf_error read_from(const struct writer *writer, uint64_t position, uint64_t *out_count)
{
    struct jf_journal_reader *reader = NULL;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    struct jf_journal_entry entry;
    *out_count = 0;
    enum jf_error error = jf_journal_reader_open(folder, position, &reader, &diagnosis);
    if (error != JF_OK) {
        return error;
    }
    while ((error = jf_journal_reader_next(reader, &entry, &diagnosis)) == JF_OK) {
        JF_ASSERT(entry.position == position + *out_count);
        entry_check(writer, &entry);
        *out_count += 1;
    }
    JF_ASSERT(error == JF_ERROR_NOT_FOUND || diagnosis.text[0] != '\0');
    jf_journal_reader_close(reader);
    return error;
}

static void journal_check(const struct writer *writer)
{
    struct jf_journal_verification verification;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    uint64_t count = 0;
    enum jf_error verified = jf_journal_verify(folder, NULL, NULL, &verification, &diagnosis);
    JF_ASSERT(verified == JF_OK || diagnosis.text[0] != '\0');
    JF_ASSERT(!writer->is_clean || verified == JF_OK);
    enum jf_error read = read_from(writer, 1, &count);
    JF_ASSERT(count >= writer->clean_entries);
    if (verified == JF_OK) {
        JF_ASSERT(read == JF_ERROR_NOT_FOUND);
        JF_ASSERT(count == verification.entries);
        JF_ASSERT(count == 0 || verification.last_position == count);
        JF_ASSERT(!writer->is_clean || verification.torn_bytes == 0);
    } else {
        // A first block that says it is a later one is damage to who knows that it is the first; to
        // who asks for what lies before it, a gap.
        JF_ASSERT(read == verified || (read == JF_ERROR_GAP && count == 0));
    }
    if (count > 1 && verified == JF_OK) {
        uint64_t rest = 0;
        read = read_from(writer, count, &rest);
        JF_ASSERT(read == JF_ERROR_NOT_FOUND);
        JF_ASSERT(rest == 1);
    }
}

static void tools_check(void)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    const struct jf_repair_config config = {.directory = folder};
    uint32_t repairs = 0;
    enum jf_error error = jf_journal_repair(&config, &ring, &repairs, &diagnosis);
    JF_ASSERT(error == JF_OK || diagnosis.text[0] != '\0');
    const struct jf_journal_end_search search = {.until_position = UINT64_MAX};
    struct jf_journal_end end;
    error = jf_journal_find_end(folder, &search, &end, &diagnosis);
    JF_ASSERT(error == JF_OK || diagnosis.text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input input = {bytes, size};
    static struct writer writer;
    uint8_t how = fuzz_u8(&input);
    folder_make();
    segments_clear((how & 1) != 0);
    writer = (struct writer){.is_clean = true};
    if ((how & 2) != 0) {
        struct jf_text raw = fuzz_bytes(&input, SEGMENT_BYTES);
        ssize_t put = raw.size == 0 ? 0 : pwrite(segments[0], raw.data, raw.size, 0);
        JF_ASSERT(put == (ssize_t)raw.size);
        writer.is_clean = raw.size == 0;
    }
    for (uint32_t i = 0; (how & 2) == 0 && i < BLOCKS_MAX && input.left > 0; i++) {
        if (!block_put(&writer, &input)) {
            break;
        }
    }
    journal_check(&writer);
    if ((how & 4) != 0) {
        tools_check();
    }
    return 0;
}
