// The happy path: a temporary directory, a ring, a journal, entries that are a pattern of their
// position. Any failure here fails the test that asked.
#include "support.h"

#include "journal/archive.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define WAITS_MAX 100000u

const char *const segment_1 = "segment-0000000000000001.jfl";
const char *const segment_2 = "segment-0000000000000002.jfl";

void world_begin(struct world *world)
{
    memset(world, 0, sizeof *world);
    const char *base = getenv("JF_TEST_DIRECTORY");
    snprintf(world->directory, sizeof world->directory, "%s/jf-journal-XXXXXX",
             base != NULL && strlen(base) < 40 ? base : "/tmp");
    cr_assert_not_null(mkdtemp(world->directory));
    cr_assert_eq(jf_ring_init(&world->ring, 64, &world->diagnosis), JF_OK, "%s",
                 world->diagnosis.text);
    world->config = (struct jf_journal_config){
        .directory = world->directory,
        .segment_bytes = JF_SEGMENT_BYTES_MIN,
        .replay_from = 1,
        .create_id.bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    };
    world->time_us = 1700000000000000;
}

void world_end(struct world *world)
{
    world_close(world);
    jf_ring_deinit(&world->ring);
    DIR *stream = opendir(world->directory);
    cr_assert_not_null(stream);
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        unlinkat(dirfd(stream), entry->d_name, 0);
    }
    closedir(stream);
    rmdir(world->directory);
}

enum jf_error world_open(struct world *world)
{
    cr_assert_null(world->journal);
    world->diagnosis.text[0] = '\0';
    return jf_journal_local_open(&world->config, &world->ring, &world->journal, &world->opening,
                                 &world->diagnosis);
}

void world_must_open(struct world *world)
{
    enum jf_error error = world_open(world);
    cr_assert_eq(error, JF_OK, "%s: %s", jf_error_name(error), world->diagnosis.text);
}

void world_close(struct world *world)
{
    if (world->journal != NULL) {
        world->journal->operations->close(world->journal);
        world->journal = NULL;
    }
}

void world_reopen(struct world *world)
{
    world_close(world);
    world_must_open(world);
}

static void fill_entry(unsigned char *bytes, uint64_t position, uint32_t size)
{
    jf_store_u64(bytes, position);
    for (uint32_t i = 8; i < size; i++) {
        bytes[i] = (unsigned char)(position * 31 + i * 7);
    }
}

void check_entry(const struct jf_journal_entry *entry, uint64_t position)
{
    cr_assert_eq(entry->position, position);
    cr_assert_geq(entry->size, 8u);
    cr_assert_eq(jf_load_u64(entry->bytes), position);
    for (uint32_t i = 8; i < entry->size; i++) {
        cr_assert_eq(entry->bytes[i], (unsigned char)(position * 31 + i * 7));
    }
}

void put_in_flight(struct world *world, uint32_t entries, uint32_t size)
{
    const struct jf_journal_operations *operations = world->journal->operations;
    struct jf_block_draft *draft = NULL;
    enum jf_error error = operations->draft(world->journal, &draft);
    for (uint32_t i = 0; error == JF_ERROR_BUSY && i < WAITS_MAX; i++) {
        jf_ring_wait(&world->ring, 100000, NULL, NULL);
        error = operations->draft(world->journal, &draft);
    }
    cr_assert_eq(error, JF_OK, "%s %s", jf_error_name(error), world->journal->failure.text);
    for (uint32_t i = 0; i < entries; i++) {
        unsigned char *room = jf_block_reserve(draft, size);
        cr_assert_not_null(room);
        fill_entry(room, draft->first_position + i, size);
        jf_block_commit(draft, size);
    }
    world->time_us += 10;
    cr_assert_eq(operations->submit(world->journal, draft, world->time_us), JF_OK);
}

void wait_durable(struct world *world, uint64_t position)
{
    const struct jf_journal_operations *operations = world->journal->operations;
    for (uint32_t i = 0; i < WAITS_MAX && operations->durable(world->journal) < position; i++) {
        jf_ring_wait(&world->ring, 100000, NULL, NULL);
        cr_assert_eq(world->journal->failure.error, JF_OK, "%s", world->journal->failure.text);
    }
    cr_assert_geq(operations->durable(world->journal), position);
}

void put(struct world *world, uint32_t entries, uint32_t size)
{
    put_in_flight(world, entries, size);
    wait_durable(world, world->journal->operations->last(world->journal));
}

uint64_t read_all(struct world *world, uint64_t from)
{
    const struct jf_journal_operations *operations = world->journal->operations;
    struct jf_journal_cursor *cursor = NULL;
    enum jf_error error = operations->read_open(world->journal, from, &cursor, &world->diagnosis);
    cr_assert_eq(error, JF_OK, "%s", world->diagnosis.text);
    struct jf_journal_entry entry;
    uint64_t count = 0;
    error = operations->read_next(cursor, &entry, &world->diagnosis);
    while (error == JF_OK) {
        check_entry(&entry, from + count);
        count += 1;
        error = operations->read_next(cursor, &entry, &world->diagnosis);
    }
    cr_assert_eq(error, JF_ERROR_NOT_FOUND, "%s", world->diagnosis.text);
    operations->read_close(cursor);
    return count;
}

static int file_open(const struct world *world, const char *name, int flags)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", world->directory, name);
    int fd = open(path, flags | O_CLOEXEC, 0640);
    cr_assert_geq(fd, 0, "%s", path);
    return fd;
}

void file_read(const struct world *world, const char *name, uint64_t offset, void *bytes,
               uint64_t size)
{
    int fd = file_open(world, name, O_RDONLY);
    cr_assert_eq(pread(fd, bytes, size, (off_t)offset), (ssize_t)size);
    close(fd);
}

void file_write(const struct world *world, const char *name, uint64_t offset, const void *bytes,
                uint64_t size)
{
    int fd = file_open(world, name, O_RDWR | O_CREAT);
    cr_assert_eq(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
    cr_assert_eq(fsync(fd), 0);
    close(fd);
}

void file_flip(const struct world *world, const char *name, uint64_t offset)
{
    unsigned char byte = 0;
    file_read(world, name, offset, &byte, 1);
    byte ^= 0x10;
    file_write(world, name, offset, &byte, 1);
}

bool file_exists(const struct world *world, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", world->directory, name);
    return access(path, F_OK) == 0;
}

static uint64_t file_digest(const struct world *world, const char *name)
{
    int fd = file_open(world, name, O_RDONLY);
    struct stat status;
    cr_assert_eq(fstat(fd, &status), 0);
    size_t size = (size_t)status.st_size;
    unsigned char *bytes = malloc(size + 1);
    cr_assert_not_null(bytes);
    cr_assert_eq(pread(fd, bytes, size, 0), (ssize_t)size);
    uint64_t digest = jf_hash64(bytes, size) + jf_hash64(name, strlen(name));
    free(bytes);
    close(fd);
    return digest;
}

uint64_t directory_digest(const struct world *world)
{
    DIR *stream = opendir(world->directory);
    cr_assert_not_null(stream);
    uint64_t digest = 0;
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        bool is_left_out = strcmp(entry->d_name, JF_LOCK_NAME) == 0 ||
                           strcmp(entry->d_name, JF_ARCHIVE_FOLDER) == 0;
        if (entry->d_name[0] != '.' && !is_left_out) {
            digest += file_digest(world, entry->d_name);
        }
    }
    closedir(stream);
    return digest;
}

struct jf_block_header block_at(const struct world *world, uint64_t offset)
{
    unsigned char bytes[JF_BLOCK_HEADER_BYTES];
    file_read(world, segment_1, offset, bytes, sizeof bytes);
    struct jf_block_header header = {0};
    cr_assert_eq(jf_block_decode_header(bytes, &header), JF_BLOCK_VALID);
    return header;
}

struct jf_block_header successor(const struct jf_block_header *before, uint32_t payload_size)
{
    struct jf_block_header header = *before;
    header.sequence += 1;
    header.durable_sequence = before->sequence;
    header.first_position += before->entry_count;
    header.offset += before->length;
    header.previous_checksum = before->body_checksum;
    header.entry_count = 1;
    header.payload_size = payload_size;
    header.length = jf_block_length(payload_size);
    return header;
}

void craft(const struct world *world, struct jf_block_header *header)
{
    unsigned char *block = calloc(1, header->length);
    cr_assert_not_null(block);
    if (header->payload_size > 0) {
        jf_store_u32(block + JF_BLOCK_AT_PAYLOAD, header->payload_size - JF_ENTRY_PREFIX_BYTES);
        fill_entry(block + JF_BLOCK_AT_PAYLOAD + JF_ENTRY_PREFIX_BYTES, header->first_position,
                   header->payload_size - JF_ENTRY_PREFIX_BYTES);
    }
    jf_block_seal(block, header);
    file_write(world, header->segment == 2 ? segment_2 : segment_1, header->offset, block,
               header->length);
    free(block);
}

void expect_refused(struct world *world, enum jf_error error, const char *text)
{
    uint64_t before = directory_digest(world);
    enum jf_error got = world_open(world);
    cr_assert_eq(got, error, "wanted %s, got %s: %s", jf_error_name(error), jf_error_name(got),
                 world->diagnosis.text);
    cr_assert_not_null(strstr(world->diagnosis.text, text), "'%s' lacks '%s'",
                       world->diagnosis.text, text);
    cr_assert_eq(directory_digest(world), before, "a refused opening changed something");
}
