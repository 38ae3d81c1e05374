// The happy path: four copies are read, the newest that is valid counts.
// Failures: no copy valid, copies of different ledgers, a newer format: all refused, nothing
// changed.
#include "journal/superblock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/assert.h"

_Static_assert(JF_SUPERBLOCK_AT_END <= JF_SECTOR_BYTES, "one copy fits a sector");

static struct jf_hash128 copy_hash(const unsigned char *copy)
{
    return jf_hash128(copy + JF_SUPERBLOCK_AT_MAGIC, JF_SECTOR_BYTES - JF_SUPERBLOCK_AT_MAGIC);
}

void jf_superblock_encode(const struct jf_superblock *superblock, unsigned char *bytes)
{
    JF_ASSERT(superblock->sequence >= 1);
    JF_ASSERT(superblock->oldest_segment >= 1);
    memset(bytes, 0, JF_SUPERBLOCK_BYTES);
    jf_store_u64(bytes + JF_SUPERBLOCK_AT_MAGIC, JF_SUPERBLOCK_MAGIC);
    jf_store_u32(bytes + JF_SUPERBLOCK_AT_VERSION, JF_SUPERBLOCK_FORMAT_VERSION);
    jf_store_u32(bytes + JF_SUPERBLOCK_AT_PARTITION, superblock->identity.partition);
    memcpy(bytes + JF_SUPERBLOCK_AT_LEDGER_ID, superblock->identity.ledger_id.bytes, 16);
    jf_store_u64(bytes + JF_SUPERBLOCK_AT_SEQUENCE, superblock->sequence);
    jf_store_u64(bytes + JF_SUPERBLOCK_AT_GENERATION, superblock->generation);
    jf_store_u64(bytes + JF_SUPERBLOCK_AT_INCARNATION, superblock->incarnation);
    jf_store_u64(bytes + JF_SUPERBLOCK_AT_OLDEST, superblock->oldest_segment);
    jf_store_u64(bytes + JF_SUPERBLOCK_AT_FLUSHED, superblock->flushed_position);
    struct jf_hash128 hash = copy_hash(bytes);
    jf_store_u64(bytes + JF_SUPERBLOCK_AT_CHECKSUM, hash.low);
    jf_store_u64(bytes + JF_SUPERBLOCK_AT_CHECKSUM + 8, hash.high);
    for (uint32_t i = 1; i < JF_SUPERBLOCK_COPIES; i++) {
        memcpy(bytes + (size_t)i * JF_SECTOR_BYTES, bytes, JF_SECTOR_BYTES);
    }
}

static bool copy_is_valid(const unsigned char *copy)
{
    struct jf_hash128 stored = {jf_load_u64(copy), jf_load_u64(copy + 8)};
    return jf_load_u64(copy + JF_SUPERBLOCK_AT_MAGIC) == JF_SUPERBLOCK_MAGIC &&
           jf_hash128_equal(stored, copy_hash(copy));
}

static void load_copy(const unsigned char *copy, struct jf_superblock *superblock)
{
    superblock->identity.partition = jf_load_u32(copy + JF_SUPERBLOCK_AT_PARTITION);
    memcpy(superblock->identity.ledger_id.bytes, copy + JF_SUPERBLOCK_AT_LEDGER_ID, 16);
    superblock->sequence = jf_load_u64(copy + JF_SUPERBLOCK_AT_SEQUENCE);
    superblock->generation = jf_load_u64(copy + JF_SUPERBLOCK_AT_GENERATION);
    superblock->incarnation = jf_load_u64(copy + JF_SUPERBLOCK_AT_INCARNATION);
    superblock->oldest_segment = jf_load_u64(copy + JF_SUPERBLOCK_AT_OLDEST);
    superblock->flushed_position = jf_load_u64(copy + JF_SUPERBLOCK_AT_FLUSHED);
}

enum jf_error jf_superblock_decode(const unsigned char *bytes, struct jf_superblock *out_superblock,
                                   struct jf_diagnosis *diagnosis)
{
    const unsigned char *newest = NULL;
    uint32_t damaged_copies = 0;
    for (uint32_t i = 0; i < JF_SUPERBLOCK_COPIES; i++) {
        const unsigned char *copy = bytes + (size_t)i * JF_SECTOR_BYTES;
        if (!copy_is_valid(copy)) {
            damaged_copies += 1;
            continue;
        }
        if (newest != NULL && memcmp(copy + JF_SUPERBLOCK_AT_LEDGER_ID,
                                     newest + JF_SUPERBLOCK_AT_LEDGER_ID, 16) != 0) {
            return jf_diagnose(
                diagnosis, JF_ERROR_FOREIGN,
                "journal file SUPERBLOCK: its copies name different ledgers: restore "
                "the directory from one backup; nothing was changed");
        }
        if (newest == NULL || jf_load_u64(copy + JF_SUPERBLOCK_AT_SEQUENCE) >
                                  jf_load_u64(newest + JF_SUPERBLOCK_AT_SEQUENCE)) {
            newest = copy;
        }
    }
    if (newest == NULL) {
        return jf_diagnose(
            diagnosis, JF_ERROR_CORRUPT,
            "journal file SUPERBLOCK: none of its copies is valid: restore it from a "
            "backup; nothing was changed");
    }
    uint32_t version = jf_load_u32(newest + JF_SUPERBLOCK_AT_VERSION);
    if (version != JF_SUPERBLOCK_FORMAT_VERSION) {
        return jf_diagnose(diagnosis, JF_ERROR_VERSION,
                           "journal file SUPERBLOCK has format version %u, this program knows %u: "
                           "use the Jifen that wrote it, or a newer one",
                           version, JF_SUPERBLOCK_FORMAT_VERSION);
    }
    if (jf_load_u64(newest + JF_SUPERBLOCK_AT_OLDEST) == 0) {
        return jf_diagnose(
            diagnosis, JF_ERROR_CORRUPT,
            "journal file SUPERBLOCK names segment 0 as the oldest: restore it from a "
            "backup; nothing was changed");
    }
    load_copy(newest, out_superblock);
    out_superblock->damaged_copies = damaged_copies;
    return JF_OK;
}

// A copy that cannot be read is one that is not valid.
static void read_copies(int fd, unsigned char *bytes)
{
    for (uint32_t i = 0; i < JF_SUPERBLOCK_COPIES; i++) {
        uint64_t offset = (uint64_t)i * JF_SECTOR_BYTES;
        if (jf_read_exactly(fd, bytes + offset, JF_SECTOR_BYTES, offset) != 0) {
            memset(bytes + offset, 0, JF_SECTOR_BYTES);
        }
    }
}

enum jf_error jf_superblock_read(int directory_fd, struct jf_superblock *out_superblock,
                                 struct jf_diagnosis *diagnosis)
{
    int fd = -1;
    enum jf_error error =
        jf_direct_open(directory_fd, JF_SUPERBLOCK_NAME, O_RDONLY, &fd, diagnosis);
    if (error == JF_ERROR_NO_DIRECT) {
        fd = openat(directory_fd, JF_SUPERBLOCK_NAME, O_RDONLY | O_CLOEXEC);
        error = fd >= 0 ? JF_OK : error;
    }
    if (error != JF_OK) {
        return error;
    }
    unsigned char *bytes = jf_aligned_allocate(JF_SUPERBLOCK_BYTES);
    if (bytes == NULL) {
        close(fd);
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to read the SUPERBLOCK");
    }
    read_copies(fd, bytes);
    close(fd);
    error = jf_superblock_decode(bytes, out_superblock, diagnosis);
    jf_aligned_free(bytes, JF_SUPERBLOCK_BYTES);
    return error;
}

enum jf_error jf_superblock_write(int fd, const struct jf_superblock *superblock,
                                  struct jf_diagnosis *diagnosis)
{
    unsigned char *bytes = jf_aligned_allocate(JF_SUPERBLOCK_BYTES);
    if (bytes == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to write the SUPERBLOCK");
    }
    jf_superblock_encode(superblock, bytes);
    int code = jf_write_durably(fd, bytes, JF_SUPERBLOCK_HALF_BYTES, 0);
    if (code == 0) {
        code = jf_write_durably(fd, bytes + JF_SUPERBLOCK_HALF_BYTES, JF_SUPERBLOCK_HALF_BYTES,
                                JF_SUPERBLOCK_HALF_BYTES);
    }
    jf_aligned_free(bytes, JF_SUPERBLOCK_BYTES);
    if (code != 0) {
        return jf_diagnose(diagnosis, code == ENOSPC ? JF_ERROR_NO_SPACE : JF_ERROR_IO,
                           "journal file SUPERBLOCK cannot be written: %s", strerror(code));
    }
    return JF_OK;
}

enum jf_error jf_superblock_create(int directory_fd, const struct jf_superblock *superblock,
                                   struct jf_diagnosis *diagnosis)
{
    int fd = -1;
    enum jf_error error = jf_direct_open(directory_fd, JF_SUPERBLOCK_TEMPORARY,
                                         O_RDWR | O_CREAT | O_TRUNC, &fd, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    error = jf_superblock_write(fd, superblock, diagnosis);
    if (error == JF_OK &&
        (fsync(fd) != 0 ||
         renameat(directory_fd, JF_SUPERBLOCK_TEMPORARY, directory_fd, JF_SUPERBLOCK_NAME) != 0 ||
         fsync(directory_fd) != 0)) {
        error = jf_diagnose(diagnosis, JF_ERROR_IO, "journal file SUPERBLOCK cannot be created: %s",
                            strerror(errno));
    }
    close(fd);
    return error;
}
