// A manifest is text: a line with the format's version, lines of numbers in a fixed order, a line a
// file, and a last line with the number of files and the checksum of everything before it. What a
// reader meets is read word by word against that order. Fails on anything else: a manifest that is
// damaged or cut off is no manifest.
#include "engine/backup_manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define HEAD_BYTES_MAX    1024u
#define LINE_BYTES_MAX    (JF_BACKUP_PATH_MAX + JF_BACKUP_HASH_TEXT_MAX + 32u)
#define HASH_DIGITS       32u
#define FILES_MAX         (4u << 20) // far above any ledger: a bound on what a damaged text can ask
#define SIZE_BYTES_MAX    ((uint64_t)1 << 50)
#define CAPACITY_AT_FIRST 64u

void jf_backup_manifest_deinit(struct jf_backup_manifest *manifest)
{
    free(manifest->files);
    *manifest = (struct jf_backup_manifest){.files = NULL};
}

enum jf_error jf_backup_manifest_add(struct jf_backup_manifest *manifest,
                                     const struct jf_backup_file *file)
{
    JF_ASSERT(jf_backup_path_is_valid(file->path));
    if (manifest->count == manifest->capacity) {
        uint32_t capacity = manifest->capacity == 0 ? CAPACITY_AT_FIRST : manifest->capacity * 2;
        struct jf_backup_file *grown = realloc(manifest->files, capacity * sizeof *grown);
        if (grown == NULL || capacity > FILES_MAX) {
            manifest->files = grown == NULL ? manifest->files : grown;
            return JF_ERROR_NO_MEMORY;
        }
        manifest->files = grown;
        manifest->capacity = capacity;
    }
    manifest->files[manifest->count++] = *file;
    return JF_OK;
}

static int path_compare(const void *a, const void *b)
{
    const struct jf_backup_file *first = a;
    const struct jf_backup_file *second = b;
    return strcmp(first->path, second->path);
}

void jf_backup_manifest_sort(struct jf_backup_manifest *manifest)
{
    if (manifest->count > 1) {
        qsort(manifest->files, manifest->count, sizeof *manifest->files, path_compare);
    }
}

const struct jf_backup_file *jf_backup_manifest_find(const struct jf_backup_manifest *manifest,
                                                     const char *path)
{
    uint32_t low = 0;
    uint32_t high = manifest->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(manifest->files[middle].path, path);
        if (order == 0) {
            return &manifest->files[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

static bool is_name_character(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '-' || character == '_' ||
           character == '.';
}

bool jf_backup_path_is_valid(const char *path)
{
    static const char *const folders[] = {"journal/archive/", "journal/", "state/"};
    const char *name = NULL;
    for (uint32_t i = 0; i < sizeof folders / sizeof folders[0] && name == NULL; i++) {
        size_t size = strlen(folders[i]);
        name = strncmp(path, folders[i], size) == 0 ? path + size : NULL;
    }
    if (name == NULL || name[0] == '\0' || name[0] == '.' || strlen(path) >= JF_BACKUP_PATH_MAX) {
        return false;
    }
    for (const char *at = name; *at != '\0'; at++) {
        if (!is_name_character(*at)) {
            return false;
        }
    }
    return true;
}

void jf_backup_hash_format(struct jf_hash128 hash, char out_text[JF_BACKUP_HASH_TEXT_MAX])
{
    (void)snprintf(out_text, JF_BACKUP_HASH_TEXT_MAX, "%016" PRIx64 "%016" PRIx64, hash.high,
                   hash.low);
}

void jf_backup_object_name(const struct jf_backup_file *file, char out_name[JF_BACKUP_OBJECT_MAX])
{
    char hash[JF_BACKUP_HASH_TEXT_MAX];
    jf_backup_hash_format(file->hash, hash);
    int size = snprintf(out_name, JF_BACKUP_OBJECT_MAX, "%s.%s", file->path, hash);
    JF_ASSERT(size > 0 && (uint32_t)size < JF_BACKUP_OBJECT_MAX);
}

// ---- Writing --------------------------------------------------------------------------

static uint32_t head_format(const struct jf_backup_manifest *manifest, char *to)
{
    char id[JF_BACKUP_HASH_TEXT_MAX];
    char block[JF_BACKUP_HASH_TEXT_MAX];
    for (uint32_t i = 0; i < sizeof manifest->ledger_id.bytes; i++) {
        (void)snprintf(id + (size_t)2 * i, 3, "%02x", manifest->ledger_id.bytes[i]);
    }
    jf_backup_hash_format(manifest->last_block, block);
    int size =
        snprintf(to, HEAD_BYTES_MAX,
                 "jifen-backup %u\nledger %s\ngeneration %" PRIu64 "\nincarnation %" PRIu64
                 "\ntaken_us %" PRIu64 "\nstate_position %" PRIu64 "\nfirst_position %" PRIu64
                 "\nlast_position %" PRIu64 "\nlast_sequence %" PRIu64
                 "\nlast_block %s\noldest_segment %" PRIu64 "\nnewest_segment %" PRIu64 "\n",
                 JF_BACKUP_FORMAT_VERSION, id, manifest->generation, manifest->incarnation,
                 manifest->taken_us, manifest->state_position, manifest->first_position,
                 manifest->last_position, manifest->last_sequence, block, manifest->oldest_segment,
                 manifest->newest_segment);
    JF_ASSERT(size > 0 && (uint32_t)size < HEAD_BYTES_MAX);
    return (uint32_t)size;
}

enum jf_error jf_backup_manifest_encode(const struct jf_backup_manifest *manifest, char **out_text,
                                        uint32_t *out_size)
{
    size_t capacity = HEAD_BYTES_MAX + (size_t)(manifest->count + 1) * LINE_BYTES_MAX;
    char *text = capacity > UINT32_MAX ? NULL : malloc(capacity);
    if (text == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    uint32_t size = head_format(manifest, text);
    char hash[JF_BACKUP_HASH_TEXT_MAX];
    for (uint32_t i = 0; i < manifest->count; i++) {
        const struct jf_backup_file *file = &manifest->files[i];
        jf_backup_hash_format(file->hash, hash);
        size += (uint32_t)snprintf(text + size, capacity - size, "file %" PRIu64 " %s %s\n",
                                   file->size_bytes, hash, file->path);
    }
    jf_backup_hash_format(jf_hash128(text, size), hash);
    size += (uint32_t)snprintf(text + size, capacity - size, "end %u %s\n", manifest->count, hash);
    JF_ASSERT(size < capacity);
    *out_text = text;
    *out_size = size;
    return JF_OK;
}

// ---- Reading --------------------------------------------------------------------------

struct reader {
    const char *at;
    const char *end;
    bool has_failed; // once true, everything read is 0
};

static void word_expect(struct reader *reader, const char *word)
{
    size_t size = strlen(word);
    if (reader->has_failed || (size_t)(reader->end - reader->at) < size ||
        memcmp(reader->at, word, size) != 0) {
        reader->has_failed = true;
        return;
    }
    reader->at += size;
}

static uint64_t number_read(struct reader *reader, uint64_t largest)
{
    uint64_t value = 0;
    const char *begin = reader->at;
    while (!reader->has_failed && reader->at < reader->end && *reader->at >= '0' &&
           *reader->at <= '9') {
        uint64_t digit = (uint64_t)(*reader->at - '0');
        if (value > (largest - digit) / 10) {
            reader->has_failed = true;
        }
        value = value * 10 + digit;
        reader->at += 1;
    }
    // One way to write a number: not empty, no zero in front.
    bool is_padded = reader->at - begin > 1 && *begin == '0';
    reader->has_failed = reader->has_failed || reader->at == begin || is_padded;
    return reader->has_failed ? 0 : value;
}

static uint64_t number_line(struct reader *reader, const char *word)
{
    word_expect(reader, word);
    word_expect(reader, " ");
    uint64_t value = number_read(reader, UINT64_MAX / 2);
    word_expect(reader, "\n");
    return value;
}

static uint64_t half_read(struct reader *reader)
{
    uint64_t value = 0;
    if (reader->has_failed || reader->end - reader->at < (ptrdiff_t)HASH_DIGITS / 2) {
        reader->has_failed = true;
        return 0;
    }
    for (uint32_t i = 0; i < HASH_DIGITS / 2; i++) {
        char digit = *reader->at++;
        bool is_digit = digit >= '0' && digit <= '9';
        bool is_letter = digit >= 'a' && digit <= 'f';
        reader->has_failed = reader->has_failed || (!is_digit && !is_letter);
        value = value << 4 | (uint64_t)(is_digit ? digit - '0' : digit - 'a' + 10);
    }
    return reader->has_failed ? 0 : value;
}

static struct jf_hash128 hash_read(struct reader *reader)
{
    uint64_t high = half_read(reader);
    uint64_t low = half_read(reader);
    return (struct jf_hash128){.low = low, .high = high};
}

static void head_read(struct reader *reader, struct jf_backup_manifest *manifest)
{
    word_expect(reader, "ledger ");
    for (uint32_t half = 0; half < 2; half++) {
        uint64_t bytes = __builtin_bswap64(half_read(reader));
        memcpy(manifest->ledger_id.bytes + (size_t)8 * half, &bytes, sizeof bytes);
    }
    word_expect(reader, "\n");
    manifest->generation = number_line(reader, "generation");
    manifest->incarnation = number_line(reader, "incarnation");
    manifest->taken_us = number_line(reader, "taken_us");
    manifest->state_position = number_line(reader, "state_position");
    manifest->first_position = number_line(reader, "first_position");
    manifest->last_position = number_line(reader, "last_position");
    manifest->last_sequence = number_line(reader, "last_sequence");
    word_expect(reader, "last_block ");
    manifest->last_block = hash_read(reader);
    word_expect(reader, "\n");
    manifest->oldest_segment = number_line(reader, "oldest_segment");
    manifest->newest_segment = number_line(reader, "newest_segment");
}

static void path_read(struct reader *reader, char out_path[JF_BACKUP_PATH_MAX])
{
    const char *end =
        reader->has_failed ? NULL : memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    if (end == NULL || end - reader->at >= (ptrdiff_t)JF_BACKUP_PATH_MAX) {
        reader->has_failed = true;
        return;
    }
    memcpy(out_path, reader->at, (size_t)(end - reader->at));
    out_path[end - reader->at] = '\0';
    bool is_whole = strlen(out_path) == (size_t)(end - reader->at); // no NUL ends it early
    reader->at = end + 1;
    reader->has_failed = !is_whole || !jf_backup_path_is_valid(out_path);
}

// Files come in ascending order, so that none comes twice.
static enum jf_error files_read(struct reader *reader, struct jf_backup_manifest *manifest)
{
    enum jf_error error = JF_OK;
    while (error == JF_OK && !reader->has_failed && reader->at < reader->end &&
           *reader->at == 'f') {
        struct jf_backup_file file = {.path = ""};
        word_expect(reader, "file ");
        file.size_bytes = number_read(reader, SIZE_BYTES_MAX);
        word_expect(reader, " ");
        file.hash = hash_read(reader);
        word_expect(reader, " ");
        path_read(reader, file.path);
        uint32_t count = manifest->count;
        if (!reader->has_failed && count > 0) {
            reader->has_failed = strcmp(manifest->files[count - 1].path, file.path) >= 0;
        }
        if (!reader->has_failed) {
            error = jf_backup_manifest_add(manifest, &file);
        }
    }
    return error;
}

static enum jf_error damaged(struct jf_diagnosis *diagnosis)
{
    return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                       "backup file " JF_BACKUP_MANIFEST_NAME " is damaged or cut short");
}

enum jf_error jf_backup_manifest_decode(struct jf_text text,
                                        struct jf_backup_manifest *out_manifest,
                                        struct jf_diagnosis *diagnosis)
{
    struct reader reader = {text.data, text.data + text.size, text.size == 0};
    word_expect(&reader, "jifen-backup ");
    uint64_t version = number_read(&reader, UINT32_MAX);
    word_expect(&reader, "\n");
    if (!reader.has_failed && version != JF_BACKUP_FORMAT_VERSION) {
        return jf_diagnose(diagnosis, JF_ERROR_VERSION,
                           "backup file " JF_BACKUP_MANIFEST_NAME " has format version %" PRIu64
                           ", this program knows %u: use the Jifen "
                           "that wrote it, or a newer one",
                           version, JF_BACKUP_FORMAT_VERSION);
    }
    struct jf_backup_manifest manifest = {.files = NULL};
    head_read(&reader, &manifest);
    enum jf_error error = files_read(&reader, &manifest);
    if (error != JF_OK) {
        jf_backup_manifest_deinit(&manifest);
        return jf_diagnose(diagnosis, error, "no memory for the backup's list of files");
    }
    uint32_t covered = reader.has_failed ? 0 : (uint32_t)(reader.at - text.data);
    word_expect(&reader, "end ");
    uint64_t count = number_read(&reader, FILES_MAX);
    word_expect(&reader, " ");
    struct jf_hash128 hash = hash_read(&reader);
    word_expect(&reader, "\n");
    if (reader.has_failed || reader.at != reader.end || count != manifest.count ||
        !jf_hash128_equal(hash, jf_hash128(text.data, covered))) {
        jf_backup_manifest_deinit(&manifest);
        return damaged(diagnosis);
    }
    *out_manifest = manifest;
    return JF_OK;
}
