// Small stored records: a member, the control totals, a chunk of entries, the unfinished chunk, the
// superblock and a backup's manifest. What decodes encodes to the same bytes, because records are
// canonical.
//
// Input: a byte that chooses the record and whether its checksum is put right, so that the fuzzer
// need not guess checksums; then the record. A superblock is four copies of its fields.
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "engine/backup_manifest.h"
#include "journal/superblock.h"
#include "rules/member.h"
#include "state/chunk.h"
#include "state/control_codec.h"
#include "state/member_codec.h"
#include "tests/fuzz/fuzz.h"

#define KINDS          6u
#define CHECKSUM_BYTES 4u

// The record with its last four bytes made the checksum of the others. The caller frees it.
static char *record_copy(struct jf_text *record, bool is_put_right)
{
    char *copy = fuzz_copy(*record);
    record->data = copy;
    if (is_put_right && record->size >= CHECKSUM_BYTES) {
        uint32_t size = record->size - CHECKSUM_BYTES;
        jf_store_u32((unsigned char *)copy + size, (uint32_t)jf_hash64(copy, size));
    }
    return copy;
}

static void member_encode_check(const struct jf_member *member, struct jf_text record)
{
    unsigned char *bytes = malloc(jf_member_record_size_max(member));
    JF_ASSERT(bytes != NULL);
    size_t size = jf_member_record_encode(member, bytes);
    JF_ASSERT(size == record.size);
    JF_ASSERT(memcmp(bytes, record.data, size) == 0);
    free(bytes);
}

static void member_check(struct jf_text record)
{
    struct jf_member_capacity capacity;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    enum jf_error error = jf_member_record_measure(record, &capacity, &diagnosis);
    if (error != JF_OK) {
        JF_ASSERT(error == JF_ERROR_CORRUPT || error == JF_ERROR_VERSION);
        JF_ASSERT(diagnosis.text[0] != '\0');
        return;
    }
    void *block = malloc(jf_member_block_size(capacity));
    JF_ASSERT(block != NULL);
    struct jf_member *member = jf_member_block_init(block, capacity);
    error = jf_member_record_decode(record, member, &diagnosis);
    if (error == JF_OK) {
        (void)jf_member_balance(member);
        (void)jf_member_balance_on(member, 20000);
        member_encode_check(member, record);
    } else {
        JF_ASSERT(error == JF_ERROR_CORRUPT);
        JF_ASSERT(diagnosis.text[0] != '\0');
    }
    free(block);
}

static void control_check(struct jf_text record)
{
    struct jf_control *control = NULL;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    enum jf_error error = jf_control_create(&control);
    JF_ASSERT(error == JF_OK);
    error = jf_control_record_load(record, control, &diagnosis);
    if (error == JF_OK) {
        unsigned char *bytes = malloc(jf_control_record_size_max(control));
        JF_ASSERT(bytes != NULL);
        size_t size = jf_control_record_encode(control, bytes);
        JF_ASSERT(size == record.size);
        JF_ASSERT(memcmp(bytes, record.data, size) == 0);
        free(bytes);
    } else {
        JF_ASSERT(error == JF_ERROR_CORRUPT || error == JF_ERROR_VERSION);
    }
    jf_control_destroy(control);
}

static void chunk_check(struct jf_text value)
{
    struct jf_chunk chunk = {.number = 0};
    struct jf_text bytes = {NULL, 0};
    enum jf_error error = jf_chunk_decode(value, &chunk, &bytes);
    uint64_t entries_bytes = 0;
    for (uint32_t slot = 0; slot < JF_CHUNK_ENTRIES; slot++) {
        struct jf_text entry = {NULL, 0};
        if (jf_chunk_entry(value, slot, &entry) == JF_OK) {
            JF_ASSERT(error == JF_OK);
            JF_ASSERT(entry.data >= value.data);
            JF_ASSERT(entry.data + entry.size <= value.data + value.size);
            entries_bytes += entry.size;
        }
    }
    if (error != JF_OK) {
        JF_ASSERT(error == JF_ERROR_CORRUPT);
        return;
    }
    unsigned char head[1 + 4 * JF_CHUNK_ENTRIES];
    size_t size = jf_chunk_head_bytes(chunk.count);
    JF_ASSERT(size <= sizeof head);
    jf_chunk_head_encode(&chunk, head);
    JF_ASSERT(memcmp(head, value.data, size) == 0);
    JF_ASSERT(entries_bytes <= bytes.size);
}

static void tail_check(struct jf_text value)
{
    struct jf_text chunk = {NULL, 0};
    uint64_t number =
        value.size >= JF_TAIL_HEAD_BYTES ? jf_load_u64((const unsigned char *)value.data) : 0;
    if (jf_tail_decode(value, number, &chunk) == JF_OK) {
        JF_ASSERT(chunk.data + chunk.size <= value.data + value.size);
        chunk_check(chunk);
    }
    enum jf_error error = jf_tail_decode(value, number + 1, &chunk);
    JF_ASSERT(error == JF_ERROR_NOT_FOUND || error == JF_ERROR_CORRUPT);
}

static void copy_make(unsigned char *copy, struct fuzz_input *input)
{
    uint8_t flags = fuzz_u8(input);
    struct jf_text fields = fuzz_bytes(input, JF_SUPERBLOCK_AT_END);
    if (fields.size > 0) {
        memcpy(copy, fields.data, fields.size);
    }
    if ((flags & 1) != 0) {
        jf_store_u64(copy + JF_SUPERBLOCK_AT_MAGIC, JF_SUPERBLOCK_MAGIC);
    }
    if ((flags & 2) != 0) {
        jf_store_u32(copy + JF_SUPERBLOCK_AT_VERSION, JF_SUPERBLOCK_FORMAT_VERSION);
    }
    if ((flags & 4) != 0) {
        copy[JF_SECTOR_BYTES - 1] = flags;
    }
    if ((flags & 8) == 0) {
        struct jf_hash128 hash = jf_hash128(copy + 16, JF_SECTOR_BYTES - 16);
        jf_store_u64(copy, hash.low);
        jf_store_u64(copy + 8, hash.high);
    }
}

static void superblock_check(struct fuzz_input *input)
{
    static unsigned char bytes[JF_SUPERBLOCK_BYTES];
    static unsigned char again[JF_SUPERBLOCK_BYTES];
    struct jf_superblock superblock;
    struct jf_superblock decoded;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    memset(bytes, 0, sizeof bytes);
    for (uint32_t i = 0; i < JF_SUPERBLOCK_COPIES; i++) {
        copy_make(bytes + (size_t)i * JF_SECTOR_BYTES, input);
    }
    enum jf_error error = jf_superblock_decode(bytes, &superblock, &diagnosis);
    if (error != JF_OK) {
        JF_ASSERT(error == JF_ERROR_CORRUPT || error == JF_ERROR_FOREIGN ||
                  error == JF_ERROR_VERSION);
        JF_ASSERT(diagnosis.text[0] != '\0');
        return;
    }
    if (superblock.sequence == 0) {
        return; // is read, and never written
    }
    jf_superblock_encode(&superblock, again);
    error = jf_superblock_decode(again, &decoded, &diagnosis);
    JF_ASSERT(error == JF_OK);
    JF_ASSERT(decoded.sequence == superblock.sequence);
    JF_ASSERT(decoded.flushed_position == superblock.flushed_position);
    JF_ASSERT(decoded.oldest_segment == superblock.oldest_segment);
}

// Makes the hash of a manifest's last line, "end COUNT HASH", that of everything before the line.
static void manifest_put_right(char *text, uint32_t size)
{
    static const char word[] = "\nend ";
    char hash[JF_BACKUP_HASH_TEXT_MAX];
    const char *end = size == 0 ? NULL : memrchr(text, 'e', size);
    while (end != NULL &&
           (end == text || (size_t)(text + size - end) < sizeof hash + sizeof word - 2 ||
            memcmp(end - 1, word, sizeof word - 1) != 0)) {
        end = memrchr(text, 'e', (size_t)(end - text));
    }
    if (end != NULL) {
        jf_backup_hash_format(jf_hash128(text, (size_t)(end - text)), hash);
        memcpy(text + size - sizeof hash, hash, sizeof hash - 1);
    }
}

static void manifest_check(char *text, uint32_t size, bool is_put_right)
{
    struct jf_backup_manifest manifest;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    if (is_put_right) {
        manifest_put_right(text, size);
    }
    enum jf_error error =
        jf_backup_manifest_decode((struct jf_text){text, size}, &manifest, &diagnosis);
    if (error != JF_OK) {
        JF_ASSERT(error == JF_ERROR_CORRUPT || error == JF_ERROR_VERSION);
        JF_ASSERT(diagnosis.text[0] != '\0');
        return;
    }
    char *again = NULL;
    uint32_t again_size = 0;
    for (uint32_t i = 0; i < manifest.count; i++) {
        JF_ASSERT(jf_backup_manifest_find(&manifest, manifest.files[i].path) == &manifest.files[i]);
    }
    error = jf_backup_manifest_encode(&manifest, &again, &again_size);
    JF_ASSERT(error == JF_OK);
    JF_ASSERT(again_size == size);
    JF_ASSERT(memcmp(again, text, size) == 0);
    free(again);
    jf_backup_manifest_deinit(&manifest);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input input = {bytes, size};
    uint8_t choice = fuzz_u8(&input);
    bool is_put_right = (choice & 0x80) == 0;
    uint32_t kind = (choice & 0x7fu) % KINDS;
    if (kind == 0) {
        superblock_check(&input);
        return 0;
    }
    struct jf_text record = fuzz_bytes(&input, input.left);
    char *copy = record_copy(&record, kind <= 2 && is_put_right);
    switch (kind) {
    case 1:
        member_check(record);
        break;
    case 2:
        control_check(record);
        break;
    case 3:
        chunk_check(record);
        break;
    case 4:
        tail_check(record);
        break;
    default:
        manifest_check(copy, record.size, is_put_right);
        break;
    }
    free(copy);
    return 0;
}
