// The happy path: a segment is compressed as one zstd frame, with a label behind it in a frame that
// zstd skips, so that `zstd -d` gives the segment back as well; written beside, synced, read back,
// compared, renamed. Reading decompresses into memory and compares the checksum; what is read then
// is judged block by block as ever.
//
// Fails: a label that is damaged or of another version; contents that are not what the label says;
// a name that is taken by another content, which may be the only copy of something; no room.
#include "journal/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "base/assert.h"

#define PIECE_BYTES ((size_t)256 << 10)
#define LEVEL       3 // zstd's usual: some 200 MB/s a core; higher ones gain little on entries
#define TRAILER     (JF_ARCHIVE_FRAME_BYTES + JF_ARCHIVE_LABEL_BYTES)
#define TEMPORARY   JF_ARCHIVE_FOLDER "/segment.partial"

void jf_archive_name(uint64_t number, char out_name[JF_ARCHIVE_NAME_BYTES])
{
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(number, name);
    (void)snprintf(out_name, JF_ARCHIVE_NAME_BYTES, JF_ARCHIVE_FOLDER "/%s" JF_ARCHIVE_SUFFIX,
                   name);
}

bool jf_archive_has(int directory_fd, uint64_t number)
{
    char name[JF_ARCHIVE_NAME_BYTES];
    jf_archive_name(number, name);
    return faccessat(directory_fd, name, R_OK, 0) == 0;
}

void jf_archive_extend(int directory_fd, struct jf_directory_listing *listing)
{
    while (listing->oldest > 1 && jf_archive_has(directory_fd, listing->oldest - 1)) {
        listing->oldest -= 1;
        listing->count += 1;
    }
}

static enum jf_error fail(uint64_t number, const char *what, int code,
                          struct jf_diagnosis *diagnosis)
{
    char name[JF_ARCHIVE_NAME_BYTES];
    jf_archive_name(number, name);
    enum jf_error error = code == ENOENT                     ? JF_ERROR_NOT_FOUND
                          : code == ENOSPC || code == EDQUOT ? JF_ERROR_NO_SPACE
                          : code == ENOMEM                   ? JF_ERROR_NO_MEMORY
                                                             : JF_ERROR_IO;
    return jf_diagnose(diagnosis, error, "journal file %s cannot be %s: %s", name, what,
                       strerror(code));
}

static enum jf_error damaged(uint64_t number, const char *what, struct jf_diagnosis *diagnosis)
{
    char name[JF_ARCHIVE_NAME_BYTES];
    jf_archive_name(number, name);
    return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                       "journal file %s %s: restore it from a backup; nothing was changed", name,
                       what);
}

// ---- The label ------------------------------------------------------------------------

static struct jf_hash128 label_hash(const unsigned char *bytes)
{
    return jf_hash128(bytes + JF_ARCHIVE_AT_MAGIC, JF_ARCHIVE_LABEL_BYTES - JF_ARCHIVE_AT_MAGIC);
}

static void hash_store(unsigned char *to, struct jf_hash128 hash)
{
    jf_store_u64(to, hash.low);
    jf_store_u64(to + 8, hash.high);
}

static struct jf_hash128 hash_load(const unsigned char *from)
{
    return (struct jf_hash128){jf_load_u64(from), jf_load_u64(from + 8)};
}

static void trailer_encode(const struct jf_archive_label *label, unsigned char bytes[TRAILER])
{
    unsigned char *at = bytes + JF_ARCHIVE_FRAME_BYTES;
    memset(bytes, 0, TRAILER);
    jf_store_u32(bytes, JF_ARCHIVE_FRAME_MAGIC);
    jf_store_u32(bytes + 4, JF_ARCHIVE_LABEL_BYTES);
    jf_store_u64(at + JF_ARCHIVE_AT_MAGIC, JF_ARCHIVE_MAGIC);
    jf_store_u32(at + JF_ARCHIVE_AT_VERSION, JF_ARCHIVE_FORMAT_VERSION);
    jf_store_u32(at + JF_ARCHIVE_AT_PARTITION, label->identity.partition);
    memcpy(at + JF_ARCHIVE_AT_LEDGER_ID, label->identity.ledger_id.bytes, 16);
    jf_store_u64(at + JF_ARCHIVE_AT_GENERATION, label->generation);
    jf_store_u64(at + JF_ARCHIVE_AT_SEGMENT, label->segment);
    jf_store_u64(at + JF_ARCHIVE_AT_SIZE, label->size_bytes);
    hash_store(at + JF_ARCHIVE_AT_HASH, label->hash);
    hash_store(at + JF_ARCHIVE_AT_CHECKSUM, label_hash(at));
}

static enum jf_error label_decode(const unsigned char bytes[TRAILER], uint64_t number,
                                  struct jf_archive_label *out_label,
                                  struct jf_diagnosis *diagnosis)
{
    const unsigned char *at = bytes + JF_ARCHIVE_FRAME_BYTES;
    if (jf_load_u32(bytes) != JF_ARCHIVE_FRAME_MAGIC ||
        jf_load_u32(bytes + 4) != JF_ARCHIVE_LABEL_BYTES ||
        jf_load_u64(at + JF_ARCHIVE_AT_MAGIC) != JF_ARCHIVE_MAGIC ||
        !jf_hash128_equal(hash_load(at), label_hash(at))) {
        return damaged(number, "has no whole label at its end", diagnosis);
    }
    uint32_t version = jf_load_u32(at + JF_ARCHIVE_AT_VERSION);
    if (version != JF_ARCHIVE_FORMAT_VERSION) {
        return jf_diagnose(diagnosis, JF_ERROR_VERSION,
                           "archived segment %llu has format version %u, this program knows %u: "
                           "use the Jifen that wrote it, or a newer one",
                           (unsigned long long)number, version, JF_ARCHIVE_FORMAT_VERSION);
    }
    struct jf_archive_label label = {.identity.partition =
                                         jf_load_u32(at + JF_ARCHIVE_AT_PARTITION),
                                     .generation = jf_load_u64(at + JF_ARCHIVE_AT_GENERATION),
                                     .segment = jf_load_u64(at + JF_ARCHIVE_AT_SEGMENT),
                                     .size_bytes = jf_load_u64(at + JF_ARCHIVE_AT_SIZE),
                                     .hash = hash_load(at + JF_ARCHIVE_AT_HASH)};
    memcpy(label.identity.ledger_id.bytes, at + JF_ARCHIVE_AT_LEDGER_ID, 16);
    if (label.segment != number || label.size_bytes < JF_SEGMENT_BYTES_MIN ||
        label.size_bytes > JF_SEGMENT_BYTES_MAX || label.size_bytes % JF_SECTOR_BYTES != 0) {
        return damaged(number, "is labelled as another segment", diagnosis);
    }
    *out_label = label;
    return JF_OK;
}

// Opens the file. Out: the size of what is compressed.
static enum jf_error file_open(int directory_fd, uint64_t number, int *out_fd, uint64_t *out_packed,
                               struct jf_archive_label *out_label, struct jf_diagnosis *diagnosis)
{
    char name[JF_ARCHIVE_NAME_BYTES];
    unsigned char trailer[TRAILER];
    struct stat status;
    jf_archive_name(number, name);
    int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail(number, "opened", errno == ENOTDIR ? ENOENT : errno, diagnosis);
    }
    enum jf_error error = JF_OK;
    if (fstat(fd, &status) != 0 || status.st_size < (off_t)TRAILER) {
        error = damaged(number, "is cut short", diagnosis);
    }
    uint64_t packed = error == JF_OK ? (uint64_t)status.st_size - TRAILER : 0;
    if (error == JF_OK) {
        int code = jf_read_exactly(fd, trailer, TRAILER, packed);
        error = code == 0 ? label_decode(trailer, number, out_label, diagnosis)
                          : fail(number, "read", code, diagnosis);
    }
    if (error != JF_OK) {
        close(fd);
        return error;
    }
    *out_fd = fd;
    *out_packed = packed;
    return JF_OK;
}

enum jf_error jf_archive_label_read(int directory_fd, uint64_t number,
                                    struct jf_archive_label *out_label,
                                    struct jf_diagnosis *diagnosis)
{
    int fd = -1;
    uint64_t packed = 0;
    enum jf_error error = file_open(directory_fd, number, &fd, &packed, out_label, diagnosis);
    if (error == JF_OK) {
        close(fd);
    }
    return error;
}

// ---- Reading --------------------------------------------------------------------------

// Where decompressed bytes go, in order. Returns: 0 or errno.
typedef int (*unpack_sink)(void *context, const unsigned char *bytes, size_t size, uint64_t offset);

struct unpack {
    int fd;
    uint64_t packed_bytes;
    uint64_t wanted_bytes; // end after so many; more than that is damage
    unsigned char *in;     // PIECE_BYTES each
    unsigned char *out;
    ZSTD_DCtx *context;
    unpack_sink sink;
    void *sink_context;
    uint64_t done_bytes;
    uint64_t damage_offset; // in the file, where it is noticed
    bool is_damaged;
};

static int piece_unpack(struct unpack *unpack, ZSTD_inBuffer *in)
{
    while (in->pos < in->size && unpack->done_bytes < unpack->wanted_bytes) {
        ZSTD_outBuffer out = {unpack->out, PIECE_BYTES, 0};
        size_t left = ZSTD_decompressStream(unpack->context, &out, in);
        uint64_t room = unpack->wanted_bytes - unpack->done_bytes;
        unpack->is_damaged = ZSTD_isError(left) != 0;
        if (unpack->is_damaged) {
            return 0;
        }
        size_t size = out.pos < room ? out.pos : (size_t)room;
        int code = unpack->sink(unpack->sink_context, unpack->out, size, unpack->done_bytes);
        if (code != 0) {
            return code;
        }
        unpack->done_bytes += size;
    }
    return 0;
}

static int pieces_unpack(struct unpack *unpack)
{
    for (uint64_t at = 0; at < unpack->packed_bytes && !unpack->is_damaged &&
                          unpack->done_bytes < unpack->wanted_bytes;
         at += PIECE_BYTES) {
        uint64_t left = unpack->packed_bytes - at;
        size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        int code = jf_read_exactly(unpack->fd, unpack->in, size, at);
        ZSTD_inBuffer in = {unpack->in, size, 0};
        code = code == 0 ? piece_unpack(unpack, &in) : code;
        unpack->damage_offset = at + in.pos;
        if (code != 0) {
            return code;
        }
    }
    return 0;
}

static int unpack_run(struct unpack *unpack)
{
    unpack->in = jf_aligned_allocate(2 * PIECE_BYTES);
    unpack->context = ZSTD_createDCtx();
    int code = ENOMEM;
    if (unpack->in != NULL && unpack->context != NULL) {
        unpack->out = unpack->in + PIECE_BYTES;
        code = pieces_unpack(unpack);
    }
    (void)ZSTD_freeDCtx(unpack->context);
    jf_aligned_free(unpack->in, 2 * PIECE_BYTES);
    return code;
}

struct file_sink {
    int fd;
    struct jf_hash_stream stream;
};

static int file_put(void *context, const unsigned char *bytes, size_t size, uint64_t offset)
{
    struct file_sink *sink = context;
    jf_hash_stream_add(&sink->stream, bytes, size);
    // What stays unwritten is a hole: a sparse tail costs no memory.
    if (sink->fd < 0 || jf_bytes_are_zero(bytes, size)) {
        return 0;
    }
    ssize_t put = pwrite(sink->fd, bytes, size, (off_t)offset);
    return put < 0 ? errno : put == (ssize_t)size ? 0 : ENOSPC;
}

// Unpacks all of it to `fd` (-1: nowhere) and compares with the label.
static enum jf_error whole_unpack(int from, uint64_t packed, const struct jf_archive_label *label,
                                  int fd, struct jf_diagnosis *diagnosis)
{
    struct file_sink sink = {.fd = fd};
    struct unpack unpack = {.fd = from,
                            .packed_bytes = packed,
                            .wanted_bytes = label->size_bytes,
                            .sink = file_put,
                            .sink_context = &sink};
    jf_hash_stream_init(&sink.stream);
    int code = unpack_run(&unpack);
    if (code != 0) {
        return fail(label->segment, "read", code, diagnosis);
    }
    if (unpack.is_damaged || unpack.done_bytes != label->size_bytes ||
        !jf_hash128_equal(jf_hash_stream_end(&sink.stream), label->hash)) {
        char what[160];
        (void)snprintf(what, sizeof what,
                       "is damaged, noticed at offset %llu, behind byte %llu of the segment: its "
                       "content is not what its label says",
                       (unsigned long long)unpack.damage_offset,
                       (unsigned long long)unpack.done_bytes);
        return damaged(label->segment, what, diagnosis);
    }
    return JF_OK;
}

enum jf_error jf_archive_open(int directory_fd, uint64_t number, int *out_fd, uint64_t *out_size,
                              struct jf_diagnosis *diagnosis)
{
    struct jf_archive_label label;
    int from = -1;
    uint64_t packed = 0;
    enum jf_error error = file_open(directory_fd, number, &from, &packed, &label, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    int fd = memfd_create("jifen-segment", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)label.size_bytes) != 0) {
        error = fail(number, "unpacked", ENOMEM, diagnosis);
    }
    if (error == JF_OK) {
        error = whole_unpack(from, packed, &label, fd, diagnosis);
    }
    close(from);
    if (error != JF_OK) {
        if (fd >= 0) {
            close(fd);
        }
        return error;
    }
    *out_fd = fd;
    *out_size = label.size_bytes;
    return JF_OK;
}

static int sector_put(void *context, const unsigned char *bytes, size_t size, uint64_t offset)
{
    memcpy((unsigned char *)context + offset, bytes, size);
    return 0;
}

enum jf_error jf_archive_first_sector(int directory_fd, uint64_t number, unsigned char *bytes,
                                      uint64_t *out_size, struct jf_diagnosis *diagnosis)
{
    struct jf_archive_label label;
    struct unpack unpack = {
        .wanted_bytes = JF_SECTOR_BYTES, .sink = sector_put, .sink_context = bytes};
    enum jf_error error =
        file_open(directory_fd, number, &unpack.fd, &unpack.packed_bytes, &label, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    int code = unpack_run(&unpack);
    close(unpack.fd);
    if (code != 0) {
        return fail(number, "read", code, diagnosis);
    }
    if (unpack.is_damaged || unpack.done_bytes != JF_SECTOR_BYTES) {
        return damaged(number, "is damaged at its beginning", diagnosis);
    }
    *out_size = label.size_bytes;
    return JF_OK;
}

// ---- Writing --------------------------------------------------------------------------

struct pack {
    int from;
    int to;
    uint64_t size_bytes;
    uint64_t packed_bytes;
    unsigned char *in; // PIECE_BYTES each
    unsigned char *out;
    ZSTD_CCtx *context;
    struct jf_hash_stream stream;
};

static int packed_write(struct pack *pack, const unsigned char *bytes, size_t size)
{
    ssize_t put = pwrite(pack->to, bytes, size, (off_t)pack->packed_bytes);
    pack->packed_bytes += size;
    return put < 0 ? errno : put == (ssize_t)size ? 0 : ENOSPC;
}

// Returns: 0 or errno.
static int piece_pack(struct pack *pack, size_t size, bool is_last)
{
    ZSTD_inBuffer in = {pack->in, size, 0};
    size_t left = 1;
    int code = 0;
    while (code == 0 && (in.pos < in.size || (is_last && left != 0))) {
        ZSTD_outBuffer out = {pack->out, PIECE_BYTES, 0};
        left =
            ZSTD_compressStream2(pack->context, &out, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
        code = ZSTD_isError(left) ? ENOMEM : packed_write(pack, pack->out, out.pos);
    }
    return code;
}

static int pieces_pack(struct pack *pack)
{
    (void)ZSTD_CCtx_setParameter(pack->context, ZSTD_c_compressionLevel, LEVEL);
    (void)ZSTD_CCtx_setParameter(pack->context, ZSTD_c_checksumFlag, 1);
    (void)ZSTD_CCtx_setPledgedSrcSize(pack->context, pack->size_bytes);
    int code = 0;
    for (uint64_t at = 0; at < pack->size_bytes && code == 0; at += PIECE_BYTES) {
        uint64_t left = pack->size_bytes - at;
        size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        code = jf_read_exactly(pack->from, pack->in, size, at);
        if (code == 0) {
            jf_hash_stream_add(&pack->stream, pack->in, size);
            code = piece_pack(pack, size, left <= PIECE_BYTES);
        }
    }
    return code;
}

// Compresses, adds the label, syncs. Out: label's size and hash. Returns: 0 or errno.
static int segment_pack(int from, int to, struct jf_archive_label *label)
{
    struct pack pack = {.from = from, .to = to, .size_bytes = label->size_bytes};
    unsigned char trailer[TRAILER];
    int code = ENOMEM;
    jf_hash_stream_init(&pack.stream);
    pack.in = jf_aligned_allocate(2 * PIECE_BYTES);
    pack.context = ZSTD_createCCtx();
    if (pack.in != NULL && pack.context != NULL) {
        pack.out = pack.in + PIECE_BYTES;
        code = pieces_pack(&pack);
    }
    (void)ZSTD_freeCCtx(pack.context);
    jf_aligned_free(pack.in, 2 * PIECE_BYTES);
    if (code == 0) {
        label->hash = jf_hash_stream_end(&pack.stream);
        trailer_encode(label, trailer);
        code = packed_write(&pack, trailer, TRAILER);
    }
    return code == 0 && fsync(to) != 0 ? errno : code;
}

static int folder_sync(int directory_fd)
{
    int fd = openat(directory_fd, JF_ARCHIVE_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = fd >= 0 && fsync(fd) == 0 ? 0 : errno;
    if (fd >= 0) {
        close(fd);
    }
    return code;
}

static enum jf_error segment_hash(int fd, uint64_t number, uint64_t size_bytes,
                                  struct jf_hash128 *out_hash, struct jf_diagnosis *diagnosis)
{
    struct jf_hash_stream stream;
    unsigned char *bytes = jf_aligned_allocate(PIECE_BYTES);
    int code = bytes == NULL ? ENOMEM : 0;
    jf_hash_stream_init(&stream);
    for (uint64_t at = 0; at < size_bytes && code == 0; at += PIECE_BYTES) {
        uint64_t left = size_bytes - at;
        size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        code = jf_read_exactly(fd, bytes, size, at);
        jf_hash_stream_add(&stream, bytes, size);
    }
    jf_aligned_free(bytes, PIECE_BYTES);
    *out_hash = jf_hash_stream_end(&stream);
    return code == 0 ? JF_OK : fail(number, "archived", code, diagnosis);
}

// One that is there already must be this one, whole.
static enum jf_error there_compare(int directory_fd, int from, struct jf_archive_label *label,
                                   struct jf_diagnosis *diagnosis)
{
    struct jf_archive_label there;
    int fd = -1;
    uint64_t packed = 0;
    enum jf_error error = file_open(directory_fd, label->segment, &fd, &packed, &there, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    error = segment_hash(from, label->segment, label->size_bytes, &label->hash, diagnosis);
    if (error == JF_OK &&
        (there.size_bytes != label->size_bytes || !jf_hash128_equal(there.hash, label->hash))) {
        error = jf_diagnose(
            diagnosis, JF_ERROR_EXISTS,
            "the archive holds another segment %llu: of ledger %02x%02x…, generation %llu; this "
            "is %02x%02x…, generation %llu. Give this ledger an archive of its own; nothing was "
            "changed",
            (unsigned long long)label->segment, there.identity.ledger_id.bytes[0],
            there.identity.ledger_id.bytes[1], (unsigned long long)there.generation,
            label->identity.ledger_id.bytes[0], label->identity.ledger_id.bytes[1],
            (unsigned long long)label->generation);
    }
    if (error == JF_OK) {
        error = whole_unpack(fd, packed, &there, -1, diagnosis);
    }
    close(fd);
    return error;
}

static enum jf_error new_put(int directory_fd, int from, struct jf_archive_label *label,
                             struct jf_diagnosis *diagnosis)
{
    char name[JF_ARCHIVE_NAME_BYTES];
    jf_archive_name(label->segment, name);
    int to = openat(directory_fd, TEMPORARY, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    int code = to < 0 ? errno : segment_pack(from, to, label);
    enum jf_error error = code == 0 ? JF_OK : fail(label->segment, "written", code, diagnosis);
    if (error == JF_OK) {
        off_t end = lseek(to, 0, SEEK_END);
        error = whole_unpack(to, (uint64_t)end - TRAILER, label, -1, diagnosis);
    }
    if (to >= 0) {
        close(to);
    }
    if (error == JF_OK) {
        code = renameat(directory_fd, TEMPORARY, directory_fd, name) == 0
                   ? folder_sync(directory_fd)
                   : errno;
        error = code == 0 ? JF_OK : fail(label->segment, "written", code, diagnosis);
    }
    if (error != JF_OK) {
        (void)unlinkat(directory_fd, TEMPORARY, 0);
    }
    return error;
}

enum jf_error jf_archive_put(int directory_fd, struct jf_archive_label *label,
                             struct jf_diagnosis *diagnosis)
{
    int from = -1;
    enum jf_error error = jf_segment_open(directory_fd, label->segment, JF_SEGMENT_READ, &from,
                                          &label->size_bytes, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    error = jf_archive_has(directory_fd, label->segment)
                ? there_compare(directory_fd, from, label, diagnosis)
                : new_put(directory_fd, from, label, diagnosis);
    close(from);
    return error;
}

static enum jf_error file_write(int directory_fd, int from, uint64_t number, uint64_t size_bytes,
                                struct jf_diagnosis *diagnosis)
{
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(number, name);
    unsigned char *bytes = jf_aligned_allocate(PIECE_BYTES);
    int fd =
        openat(directory_fd, JF_SEGMENT_TEMPORARY, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    int code = bytes == NULL ? ENOMEM : fd < 0 ? errno : 0;
    for (uint64_t at = 0; at < size_bytes && code == 0; at += PIECE_BYTES) {
        uint64_t left = size_bytes - at;
        size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        code = jf_read_exactly(from, bytes, size, at);
        ssize_t put = code == 0 ? pwrite(fd, bytes, size, (off_t)at) : 0;
        code = code != 0 ? code : put < 0 ? errno : put == (ssize_t)size ? 0 : ENOSPC;
    }
    bool is_named = code == 0 && fsync(fd) == 0 &&
                    renameat(directory_fd, JF_SEGMENT_TEMPORARY, directory_fd, name) == 0 &&
                    fsync(directory_fd) == 0;
    code = code == 0 && !is_named ? errno : code;
    if (fd >= 0) {
        close(fd);
    }
    jf_aligned_free(bytes, PIECE_BYTES);
    return code == 0 ? JF_OK : fail(number, "taken out", code, diagnosis);
}

enum jf_error jf_archive_take_out(int directory_fd, uint64_t number, struct jf_diagnosis *diagnosis)
{
    int from = -1;
    uint64_t size = 0;
    enum jf_error error = jf_archive_open(directory_fd, number, &from, &size, diagnosis);
    if (error == JF_OK) {
        error = file_write(directory_fd, from, number, size, diagnosis);
        close(from);
    }
    return error;
}
