// The local journal: what was written is read, in order, over restarts and segments; and each
// refusal.
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct world world;

static void begin(void)
{
    world_begin(&world);
}

static void end(void)
{
    world_end(&world);
}

TestSuite(local, .init = begin, .fini = end);

static const struct jf_journal_operations *operations(void)
{
    return world.journal->operations;
}

Test(local, refuses_a_directory_that_is_not_there)
{
    struct jf_journal_config config = world.config;
    config.directory = "/tmp/jf-journal-no-such-directory";
    enum jf_error error = jf_journal_local_open(&config, &world.ring, &world.journal,
                                                &world.opening, &world.diagnosis);
    cr_assert_eq(error, JF_ERROR_NOT_FOUND);
    cr_assert_not_null(strstr(world.diagnosis.text, "no-such-directory"));
}

Test(local, refuses_an_empty_directory_when_a_journal_must_exist)
{
    world.config.must_exist = true;
    expect_refused(&world, JF_ERROR_NOT_FOUND, "holds no journal");
    cr_assert_not(file_exists(&world, JF_LOCK_NAME), "not even a lock is left behind");
}

Test(local, refuses_a_directory_with_other_files)
{
    file_write(&world, "holiday.jpg", 0, "x", 1);
    expect_refused(&world, JF_ERROR_FOREIGN, "not empty");
}

Test(local, refuses_segments_without_a_superblock)
{
    world_must_open(&world);
    put(&world, 1, 10);
    world_close(&world);
    char path[128];
    snprintf(path, sizeof path, "%s/%s", world.directory, JF_SUPERBLOCK_NAME);
    cr_assert_eq(unlink(path), 0);
    expect_refused(&world, JF_ERROR_CORRUPT, "no SUPERBLOCK");
}

Test(local, refuses_to_create_without_space)
{
    world.config.reserve_bytes = UINT64_MAX / 2;
    expect_refused(&world, JF_ERROR_NO_SPACE, "lower the reserve");
    cr_assert_not(file_exists(&world, JF_SUPERBLOCK_NAME));
}

// /proc is a file system without O_DIRECT.
Test(local, no_direct_is_told_apart)
{
    int fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    int file = -1;
    enum jf_error error = jf_direct_open(fd, "status", O_RDONLY, &file, &world.diagnosis);
    cr_assert_eq(error, JF_ERROR_NO_DIRECT);
    cr_assert_not_null(strstr(world.diagnosis.text, "ext4 or XFS"));
    close(fd);
}

Test(local, a_second_opener_is_told_who_holds_it)
{
    world_must_open(&world);
    struct jf_journal *second = NULL;
    struct jf_journal_opening opening;
    enum jf_error error =
        jf_journal_local_open(&world.config, &world.ring, &second, &opening, &world.diagnosis);
    cr_assert_eq(error, JF_ERROR_LOCKED);
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    cr_assert_not_null(strstr(world.diagnosis.text, pid), "%s", world.diagnosis.text);
    cr_assert_not_null(strstr(world.diagnosis.text, world.directory));
    world_reopen(&world);
}

Test(local, a_new_journal_is_empty_and_has_the_id_given)
{
    world_must_open(&world);
    cr_assert(world.opening.was_created);
    cr_assert_eq(world.opening.first_position, 1);
    cr_assert_eq(world.opening.last_position, 0);
    cr_assert_eq(operations()->durable(world.journal), 0);
    cr_assert_eq(read_all(&world, 1), 0);
    cr_assert_arr_eq(world.journal->ledger_id.bytes, world.config.create_id.bytes, 16);
    world.config.create_id.bytes[0] ^= 0xff;
    world_reopen(&world);
    cr_assert_not(world.opening.was_created);
    cr_assert_eq(world.journal->ledger_id.bytes[0], 1, "the id is the journal's own");
}

Test(local, an_interrupted_creation_is_finished)
{
    struct jf_superblock superblock = {.sequence = 1, .generation = 1, .oldest_segment = 1};
    int fd = open(world.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(jf_superblock_create(fd, &superblock, &world.diagnosis), JF_OK);
    close(fd);
    world_must_open(&world);
    put(&world, 1, 100);
    cr_assert_eq(read_all(&world, 1), 1);
}

Test(local, reopening_continues_positions_sequence_and_chain)
{
    world_must_open(&world);
    put(&world, 3, 100);
    put(&world, 2, 5000);
    world_reopen(&world);
    cr_assert_eq(world.opening.last_position, 5);
    cr_assert_eq(world.opening.last_sequence, 2);
    cr_assert_eq(world.opening.last_time_us, world.time_us);
    put(&world, 4, 60);
    cr_assert_eq(operations()->last(world.journal), 9);
    cr_assert_eq(read_all(&world, 1), 9);
    cr_assert_eq(read_all(&world, 4), 6);
    cr_assert_eq(read_all(&world, 10), 0);
    world_reopen(&world);
    cr_assert_eq(world.opening.last_sequence, 3);
    cr_assert_eq(read_all(&world, 9), 1);
}

Test(local, an_abandoned_draft_leaves_no_trace)
{
    world_must_open(&world);
    struct jf_block_draft *draft = NULL;
    cr_assert_eq(operations()->draft(world.journal, &draft), JF_OK);
    cr_assert_eq(jf_block_append(draft, "12345678", 8), JF_OK);
    operations()->abandon(world.journal, draft);
    put(&world, 1, 100);
    cr_assert_eq(operations()->last(world.journal), 1);
    world_reopen(&world);
    cr_assert_eq(read_all(&world, 1), 1);
}

Test(local, drafts_are_busy_when_all_slots_are_in_flight)
{
    world.config.segment_bytes = 64u << 20;
    world_must_open(&world);
    for (uint32_t i = 0; i < JF_BLOCKS_IN_FLIGHT_MAX; i++) {
        put_in_flight(&world, 1, 100);
    }
    cr_assert_eq(operations()->durable(world.journal), 0, "nothing is durable before a turn");
    struct jf_block_draft *draft = NULL;
    cr_assert_eq(operations()->draft(world.journal, &draft), JF_ERROR_BUSY);
    wait_durable(&world, JF_BLOCKS_IN_FLIGHT_MAX);
    cr_assert_eq(operations()->draft(world.journal, &draft), JF_OK);
    operations()->abandon(world.journal, draft);
}

// Large blocks before small ones: the small complete first, but become durable in order.
Test(local, blocks_in_flight_become_durable_in_order)
{
    world.config.segment_bytes = 64u << 20;
    world_must_open(&world);
    uint64_t before = 0;
    for (uint32_t i = 0; i < 200; i++) {
        put_in_flight(&world, 1, i % 3 == 0 ? 1000000 : 50);
        jf_ring_turn(&world.ring);
        uint64_t durable = operations()->durable(world.journal);
        cr_assert_geq(durable, before);
        cr_assert_leq(durable, operations()->last(world.journal));
        before = durable;
    }
    wait_durable(&world, 200);
    world_reopen(&world);
    cr_assert_eq(read_all(&world, 1), 200);
}

Test(local, segments_change_under_load_and_none_is_lost)
{
    world_must_open(&world);
    for (uint32_t i = 0; i < 60; i++) {
        put_in_flight(&world, 3, 200000 + i * 1000);
    }
    wait_durable(&world, 180);
    cr_assert(file_exists(&world, "segment-0000000000000008.jfl"));
    cr_assert_eq(read_all(&world, 1), 180);
    cr_assert_eq(read_all(&world, 100), 81);
    world.config.replay_from = 150;
    world_reopen(&world);
    cr_assert_eq(world.opening.last_position, 180);
    cr_assert_eq(world.opening.first_position, 1);
    put(&world, 1, 100);
    cr_assert_eq(read_all(&world, 1), 181);
}

Test(local, the_largest_entry_fits_and_a_larger_one_is_refused)
{
    world_must_open(&world);
    struct jf_block_draft *draft = NULL;
    cr_assert_eq(operations()->draft(world.journal, &draft), JF_OK);
    cr_assert_null(jf_block_reserve(draft, JF_ENTRY_BYTES_MAX + 1));
    operations()->abandon(world.journal, draft);
    put(&world, 1, JF_ENTRY_BYTES_MAX);
    cr_assert_eq(read_all(&world, 1), 1);
}

Test(local, a_cursor_at_the_end_goes_on_when_there_is_more)
{
    world_must_open(&world);
    put(&world, 2, 100);
    struct jf_journal_cursor *cursor = NULL;
    struct jf_journal_entry entry;
    cr_assert_eq(operations()->read_open(world.journal, 3, &cursor, &world.diagnosis), JF_OK);
    cr_assert_eq(operations()->read_next(cursor, &entry, &world.diagnosis), JF_ERROR_NOT_FOUND);
    for (uint64_t position = 3; position < 12; position++) {
        put_in_flight(&world, 1, 1u << 20); // over several segments
        cr_assert_eq(operations()->read_next(cursor, &entry, &world.diagnosis), JF_ERROR_NOT_FOUND,
                     "what is not durable is not read");
        wait_durable(&world, position);
        cr_assert_eq(operations()->read_next(cursor, &entry, &world.diagnosis), JF_OK, "%s",
                     world.diagnosis.text);
        check_entry(&entry, position);
        cr_assert(entry.is_last_in_block);
        cr_assert_eq(entry.block_time_us, world.time_us);
        cr_assert_eq(operations()->read_next(cursor, &entry, &world.diagnosis), JF_ERROR_NOT_FOUND);
    }
    operations()->read_close(cursor);
    operations()->read_close(NULL);
}

Test(local, a_cursor_refuses_positions_that_are_not_there)
{
    world_must_open(&world);
    put(&world, 2, 100);
    struct jf_journal_cursor *cursor = NULL;
    cr_assert_eq(operations()->read_open(world.journal, 0, &cursor, &world.diagnosis),
                 JF_ERROR_INVALID);
    cr_assert_eq(operations()->read_open(world.journal, 4, &cursor, &world.diagnosis),
                 JF_ERROR_INVALID);
}

Test(local, a_cursor_names_damage_below_the_durable_end)
{
    world_must_open(&world);
    put(&world, 1, 100);
    put(&world, 1, 100);
    file_flip(&world, segment_1, JF_SECTOR_BYTES + 300);
    struct jf_journal_cursor *cursor = NULL;
    struct jf_journal_entry entry;
    cr_assert_eq(operations()->read_open(world.journal, 1, &cursor, &world.diagnosis), JF_OK);
    cr_assert_eq(operations()->read_next(cursor, &entry, &world.diagnosis), JF_OK);
    cr_assert_eq(operations()->read_next(cursor, &entry, &world.diagnosis), JF_ERROR_CORRUPT);
    cr_assert_not_null(strstr(world.diagnosis.text, "offset 4096, block 2"));
    operations()->read_close(cursor);
}

#define THREAD_ENTRIES   3000u
#define READER_WAIT_US   50u
#define READER_WAITS_MAX 2000000u // however slow the disk is

static void *read_while_writing(void *context)
{
    struct world *shared = context;
    const struct jf_journal_operations *table = shared->journal->operations;
    struct jf_journal_cursor *cursor = NULL;
    struct jf_diagnosis diagnosis;
    uint64_t wanted = 1;
    if (table->read_open(shared->journal, 1, &cursor, &diagnosis) != JF_OK) {
        return NULL;
    }
    for (uint32_t waits = 0; wanted <= THREAD_ENTRIES && waits < READER_WAITS_MAX;) {
        struct jf_journal_entry entry;
        enum jf_error error = table->read_next(cursor, &entry, &diagnosis);
        if (error == JF_OK && (entry.position != wanted || jf_load_u64(entry.bytes) != wanted)) {
            break;
        }
        if (error != JF_OK && error != JF_ERROR_NOT_FOUND) {
            fprintf(stderr, "%s\n", diagnosis.text);
            break;
        }
        if (error == JF_OK) {
            wanted++;
        } else {
            usleep(READER_WAIT_US);
            waits++;
        }
    }
    table->read_close(cursor);
    return (void *)(uintptr_t)(wanted - 1);
}

Test(local, another_thread_reads_while_blocks_are_written)
{
    world_must_open(&world);
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, read_while_writing, &world), 0);
    for (uint32_t i = 0; i < THREAD_ENTRIES / 10; i++) {
        put_in_flight(&world, 10, 50 + i * 41 % 9000);
        jf_ring_turn(&world.ring);
    }
    wait_durable(&world, THREAD_ENTRIES);
    void *count = NULL;
    cr_assert_eq(pthread_join(thread, &count), 0);
    cr_assert_eq((uintptr_t)count, THREAD_ENTRIES);
}

Test(local, an_idle_journal_is_sealed_once)
{
    world.config.seal_idle_us = 5000;
    world_must_open(&world);
    cr_assert_eq(operations()->tick_after_us(world.journal, world.time_us), UINT64_MAX);
    put(&world, 1, 100);
    cr_assert_eq(operations()->tick_after_us(world.journal, world.time_us + 1000), 4000);
    cr_assert_eq(operations()->tick(world.journal, world.time_us + 4999), JF_OK);
    cr_assert_eq(operations()->tick_after_us(world.journal, world.time_us + 4999), 1, "not yet");
    cr_assert_eq(operations()->tick(world.journal, world.time_us + 5000), JF_OK);
    put(&world, 1, 100); // durable only after the seal before it
    struct jf_block_header seal = block_at(&world, JF_SECTOR_BYTES);
    cr_assert_eq(seal.entry_count, 0);
    cr_assert_eq(seal.durable_sequence, 1);
    cr_assert_eq(seal.first_position, 2);
    cr_assert_eq(block_at(&world, 2 * JF_SECTOR_BYTES).sequence, 3);
    cr_assert_eq(read_all(&world, 1), 2);
    world_reopen(&world); // closing sealed again
    cr_assert_eq(world.opening.last_sequence, 4);
    cr_assert_eq(operations()->tick_after_us(world.journal, world.time_us), UINT64_MAX);
}

Test(local, a_seal_does_not_disturb_a_lent_draft)
{
    world.config.seal_idle_us = 5000;
    world_must_open(&world);
    put(&world, 1, 100);
    struct jf_block_draft *draft = NULL;
    cr_assert_eq(operations()->draft(world.journal, &draft), JF_OK);
    cr_assert_eq(jf_block_append(draft, "\2\0\0\0\0\0\0\0", 8), JF_OK);
    cr_assert_eq(operations()->tick(world.journal, world.time_us + 5000), JF_OK);
    cr_assert_eq(operations()->submit(world.journal, draft, world.time_us + 1), JF_OK);
    wait_durable(&world, 2);
    cr_assert_eq(read_all(&world, 1), 2);
    world_reopen(&world);
    cr_assert_eq(read_all(&world, 1), 2);
}

Test(local, time_does_not_go_back_over_a_restart)
{
    world_must_open(&world);
    put(&world, 1, 100);
    uint64_t before = world.time_us;
    world_close(&world);
    world.time_us -= 5000000;
    world_must_open(&world);
    put(&world, 1, 100);
    cr_assert_eq(block_at(&world, JF_SECTOR_BYTES).time_us, before);
}

static void raise_reserve(uint64_t keep_bytes)
{
    struct statvfs status;
    cr_assert_eq(statvfs(world.directory, &status), 0);
    world.config.reserve_bytes = (uint64_t)status.f_bavail * status.f_frsize + keep_bytes;
}

Test(local, the_reserve_refuses_drafts_but_not_reads)
{
    world_must_open(&world);
    put(&world, 1, 100);
    world_close(&world);
    char path[128];
    snprintf(path, sizeof path, "%s/%s", world.directory, segment_2);
    unlink(path); // no spare
    raise_reserve(1u << 30);
    world_must_open(&world);
    struct jf_block_draft *draft = NULL;
    enum jf_error error = operations()->draft(world.journal, &draft);
    for (uint32_t i = 0; i < 10 && error == JF_OK; i++) {
        operations()->abandon(world.journal, draft);
        put(&world, 1, 1000000);
        error = operations()->draft(world.journal, &draft);
    }
    cr_assert_eq(error, JF_ERROR_NO_SPACE);
    uint64_t last = operations()->last(world.journal);
    cr_assert_gt(last, 2);
    cr_assert_eq(read_all(&world, 1), last);
    cr_assert_eq(world.journal->failure.error, JF_OK, "a refusal is not final");
    cr_assert_lt(operations()->tick_after_us(world.journal, world.time_us), UINT64_MAX);
    cr_assert_eq(operations()->tick(world.journal, world.time_us), JF_OK);
    cr_assert_eq(operations()->tick(world.journal, world.time_us + 1000000), JF_OK);
    cr_assert_eq(operations()->draft(world.journal, &draft), JF_ERROR_NO_SPACE, "still full");
    world.config.reserve_bytes = 0;
    world_reopen(&world);
    put(&world, 1, 1000000);
    cr_assert_eq(read_all(&world, 1), last + 1);
}

Test(local, flushed_positions_reach_the_superblock_lazily)
{
    world_must_open(&world);
    put(&world, 3, 100);
    uint64_t now = world.time_us;
    cr_assert_eq(operations()->note_flushed(world.journal, 2), JF_OK);
    cr_assert_eq(operations()->tick_after_us(world.journal, now), 0);
    cr_assert_eq(operations()->tick(world.journal, now), JF_OK);
    cr_assert_eq(operations()->note_flushed(world.journal, 4), JF_OK);
    put(&world, 1, 100);
    for (uint32_t i = 0;
         i < 1000 && operations()->tick_after_us(world.journal, now + 1) == UINT64_MAX; i++) {
        jf_ring_wait(&world.ring, 10000, NULL, NULL); // the first rewrite is on its way
    }
    cr_assert_eq(operations()->tick_after_us(world.journal, now + 1), 999999);
    world_close(&world); // writes the last one
    struct jf_superblock superblock;
    int fd = open(world.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(jf_superblock_read(fd, &superblock, &world.diagnosis), JF_OK);
    close(fd);
    cr_assert_eq(superblock.flushed_position, 4);
    world_must_open(&world);
    cr_assert_eq(read_all(&world, 1), 4);
}

// The descriptor under the writer is closed from outside: every write fails from then on.
Test(local, a_failed_write_is_final)
{
    world_must_open(&world);
    put(&world, 1, 100);
    char path[128];
    snprintf(path, sizeof path, "%s/%s", world.directory, segment_1);
    for (int fd = 3; fd < 64; fd++) {
        char link[64];
        char target[128] = {0};
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (readlink(link, target, sizeof target - 1) > 0 && strcmp(target, path) == 0) {
            int read_only = open(path, O_RDONLY | O_CLOEXEC);
            cr_assert_eq(dup2(read_only, fd), fd);
            close(read_only);
        }
    }
    put_in_flight(&world, 1, 100);
    put_in_flight(&world, 1, 100);
    for (uint32_t i = 0; i < 1000 && world.journal->failure.error == JF_OK; i++) {
        jf_ring_wait(&world.ring, 10000, NULL, NULL);
    }
    cr_assert_eq(world.journal->failure.error, JF_ERROR_IO);
    cr_assert_not_null(strstr(world.journal->failure.text, "offset 4096, block 2"));
    struct jf_block_draft *draft = NULL;
    cr_assert_eq(operations()->draft(world.journal, &draft), JF_ERROR_IO);
    cr_assert_eq(operations()->tick(world.journal, world.time_us), JF_ERROR_IO);
    cr_assert_eq(operations()->note_flushed(world.journal, 1), JF_ERROR_IO);
    cr_assert_eq(operations()->durable(world.journal), 1);
    cr_assert_eq(read_all(&world, 1), 1, "reading goes on");
    world_reopen(&world);
    cr_assert_eq(world.opening.last_position, 1);
}

struct stale_write {
    int fd;
    atomic_bool is_landed;
};

static void *land_later(void *context)
{
    struct stale_write *stale = context;
    usleep(30000);
    atomic_store(&stale->is_landed, true);
    flock(stale->fd, LOCK_UN);
    return NULL;
}

// The kernel may still write for a process that was killed: its file description is locked until
// then.
Test(local, opening_waits_for_writes_of_a_killed_process)
{
    world_must_open(&world);
    put(&world, 1, 100);
    world_close(&world);
    const char *const names[] = {segment_1, JF_SUPERBLOCK_NAME};
    for (uint32_t i = 0; i < 2; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", world.directory, names[i]);
        struct stale_write stale = {.fd = open(path, O_RDWR | O_CLOEXEC)};
        cr_assert_eq(flock(stale.fd, LOCK_EX | LOCK_NB), 0);
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, land_later, &stale), 0);
        world_must_open(&world);
        cr_assert(atomic_load(&stale.is_landed));
        cr_assert_eq(flock(stale.fd, LOCK_EX | LOCK_NB), -1, "the writer holds it now");
        pthread_join(thread, NULL);
        world_close(&world);
        close(stale.fd);
    }
}

// A writer that is killed at any time leaves a journal that opens and ends with whole blocks.
Test(local, a_killed_writer_leaves_a_journal_that_opens, .timeout = 120)
{
    world_must_open(&world);
    world_close(&world);
    uint64_t last = 0;
    for (uint32_t round = 0; round < 8; round++) {
        pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
            struct world own = world;
            own.config.directory = own.directory;
            memset(&own.ring, 0, sizeof own.ring);
            if (jf_ring_init(&own.ring, 64, &own.diagnosis) != JF_OK || world_open(&own) != JF_OK) {
                _exit(1);
            }
            for (uint32_t i = 0; i < 100000; i++) {
                put_in_flight(&own, 1 + i % 4, 50 + i * 977 % 60000);
                jf_ring_turn(&own.ring);
            }
            _exit(0);
        }
        usleep(20000 + round * 15000);
        kill(child, SIGKILL);
        int status = 0;
        waitpid(child, &status, 0);
        world_must_open(&world);
        cr_assert_geq(world.opening.last_position, last);
        last = world.opening.last_position;
        cr_assert_eq(read_all(&world, 1), last);
        world_close(&world);
    }
    cr_assert_gt(last, 0);
}
