// See sim_ring.h. The happy path: an operation is queued, submitted by a turn, given a moment at
// which it completes, and carried out then. On the way it may be late, fail, be short, vanish, or
// go astray, as the seed draws. Without power everything completes with EIO.
#include "sim_ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "io/ring.h"
#include "journal/block.h"
#include "sim_disk.h"

#define OPERATIONS_MAX 64u
#define LATE_FACTOR    200u

struct operation {
    struct io_uring_sqe sqe;
    struct jf_completion *completion; // NULL: free
    bool is_submitted;
    uint64_t due_us;
};

// A write answered as durable that is not there, and where else it landed.
struct lost {
    bool is_there;
    bool is_astray;
    bool is_made_good;
    bool is_settled;         // at a start
    struct sim_write write;  // bytes: a copy
    struct sim_write astray; // what it overwrote: bytes a copy
    uint64_t sequence;       // of the block
};

static struct operation operations[OPERATIONS_MAX];
static struct lost lost; // one at a time

// ---- What an operation does -----------------------------------------------------------

static struct sim_write write_of(const struct io_uring_sqe *sqe)
{
    return (struct sim_write){sim_disk_file(sqe->fd), (const unsigned char *)(uintptr_t)sqe->addr,
                              sqe->len, sqe->off};
}

static unsigned char *bytes_copy(const unsigned char *bytes, uint32_t size)
{
    unsigned char *copy = malloc(size);
    SIM_REQUIRE(copy != NULL);
    if (bytes != NULL) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

static void lost_note(const struct sim_write *write)
{
    struct jf_block_header header;
    SIM_REQUIRE(jf_block_decode_header(write->bytes, &header) == JF_BLOCK_VALID);
    lost = (struct lost){.is_there = true, .write = *write, .sequence = header.sequence};
    lost.write.bytes = bytes_copy(write->bytes, write->size);
    sim_say("block %llu (entries %llu and %u more) is lost", (unsigned long long)header.sequence,
            (unsigned long long)header.first_position, header.entry_count);
}

// A block that lands elsewhere in its file, where that has room.
static bool write_goes_astray(const struct sim_write *write)
{
    struct sim_write astray = *write;
    astray.offset += (uint64_t)SIM_SECTOR * (1 + sim_draw(64));
    if (astray.offset + astray.size > sim_file_size(write->file)) {
        return false;
    }
    sim_count(SIM_FAULT_ASTRAY);
    lost_note(write);
    unsigned char *before = bytes_copy(NULL, write->size);
    (void)sim_file_read(write->file, before, write->size, astray.offset);
    sim_file_persist(&astray);
    lost.is_astray = true;
    lost.astray = astray;
    lost.astray.bytes = before;
    return true;
}

// A block that vanishes or lands elsewhere, answered as durable.
static bool write_is_lost(const struct sim_write *write)
{
    if (lost.is_there) {
        return false;
    }
    if (sim_happens(sim.options.lost)) {
        sim_count(SIM_FAULT_LOST);
        lost_note(write);
        return true;
    }
    return sim_happens(sim.options.astray) && write_goes_astray(write);
}

static int32_t durable_write(const struct io_uring_sqe *sqe)
{
    struct sim_write write = write_of(sqe);
    if (sim_happens(sim.options.short_write)) {
        sim_count(SIM_FAULT_SHORT);
        write.size = sim_draw(write.size / SIM_SECTOR) * SIM_SECTOR;
    }
    bool is_block = strstr(sim_disk_path(sqe->fd), "/segment-") != NULL;
    bool is_whole = write.size == sqe->len;
    if (!is_block || !is_whole || !write_is_lost(&write)) {
        sim_file_persist(&write);
    }
    return (int32_t)write.size;
}

static int32_t cached_write(const struct io_uring_sqe *sqe)
{
    struct sim_write write = write_of(sqe);
    if (sim_disk_free() == 0) {
        return -ENOSPC;
    }
    sim_file_write(&write);
    return (int32_t)write.size;
}

static void path_make(int fd, uint64_t name, char path[2 * SIM_PATH_BYTES])
{
    snprintf(path, 2 * SIM_PATH_BYTES, "%s/%s", sim_disk_path(fd), (const char *)(uintptr_t)name);
}

static int32_t rename_run(const struct io_uring_sqe *sqe)
{
    char from[2 * SIM_PATH_BYTES];
    char into[2 * SIM_PATH_BYTES];
    path_make(sqe->fd, sqe->addr, from);
    path_make((int)sqe->len, sqe->addr2, into);
    return sim_disk_rename(from, into);
}

static int32_t open_run(const struct io_uring_sqe *sqe)
{
    char path[2 * SIM_PATH_BYTES];
    path_make(sqe->fd, sqe->addr, path);
    return sim_disk_open(path, (int)sqe->open_flags);
}

static int32_t allocate_run(const struct io_uring_sqe *sqe)
{
    uint64_t size = sqe->off + sqe->addr;
    if (sim_disk_free() < size) {
        return -ENOSPC;
    }
    sim_file_extend(sim_disk_file(sqe->fd), size);
    return 0;
}

static int32_t operation_run(const struct io_uring_sqe *sqe)
{
    if (sim_happens(sim.options.write_error)) {
        sim_count(SIM_FAULT_EIO);
        return -EIO;
    }
    switch (sqe->opcode) {
    case IORING_OP_WRITE:
        return (sqe->rw_flags & RWF_DSYNC) != 0 ? durable_write(sqe) : cached_write(sqe);
    case IORING_OP_FSYNC:
        sim_file_sync(sim_disk_file(sqe->fd));
        return 0;
    case IORING_OP_OPENAT:
        return open_run(sqe);
    case IORING_OP_FALLOCATE:
        return allocate_run(sqe);
    case IORING_OP_RENAMEAT:
        return rename_run(sqe);
    default:
        sim_fail("the ring was given an operation that is not simulated: %u", sqe->opcode);
    }
}

// ---- Power ----------------------------------------------------------------------------

static bool is_durable_write(const struct io_uring_sqe *sqe)
{
    return sqe->opcode == IORING_OP_WRITE && (sqe->rw_flags & RWF_DSYNC) != 0;
}

void sim_ring_power_off(void)
{
    for (uint32_t i = 0; i < OPERATIONS_MAX; i++) {
        struct operation *operation = &operations[i];
        bool is_under_way = operation->completion != NULL && operation->is_submitted;
        if (is_under_way && is_durable_write(&operation->sqe) && sim_draw(4) > 0) {
            struct sim_write write = write_of(&operation->sqe);
            sim_file_tear(&write);
        }
    }
}

void sim_ring_kill(void)
{
    for (uint32_t i = 0; i < OPERATIONS_MAX; i++) {
        struct operation *operation = &operations[i];
        bool is_under_way = operation->completion != NULL && operation->is_submitted;
        if (is_under_way && is_durable_write(&operation->sqe)) {
            struct sim_write write = write_of(&operation->sqe);
            sim_file_persist(&write);
        }
    }
}

// Whether a later block of the file says that the lost one was durable: then the ledger must
// notice.
static bool lost_is_told(void)
{
    unsigned char sector[SIM_SECTOR];
    uint64_t size = sim_file_size(lost.write.file);
    for (uint64_t at = lost.write.offset + lost.write.size; at < size; at += SIM_SECTOR) {
        struct jf_block_header header;
        if (sim_file_sector_is_zero(lost.write.file, at)) {
            continue;
        }
        sim_file_sector_load(lost.write.file, at, sector);
        if (jf_block_decode_header(sector, &header) == JF_BLOCK_VALID && header.offset == at &&
            header.durable_sequence >= lost.sequence) {
            return true;
        }
    }
    return false;
}

enum sim_lost sim_ring_settle_lost(void)
{
    if (!lost.is_there) {
        return SIM_LOST_NOTHING;
    }
    lost.is_settled = true;
    if (!lost.is_made_good && lost_is_told()) {
        return SIM_LOST_TOLD;
    }
    if (!lost.is_made_good) {
        sim_file_persist(&lost.write);
        lost.is_made_good = true;
    }
    return lost.is_astray ? SIM_LOST_ASTRAY : SIM_LOST_NOTHING;
}

// Where the astray block still stands, what it had overwritten comes back.
static void astray_undo(void)
{
    unsigned char sector[SIM_SECTOR];
    for (uint32_t at = 0; at < lost.astray.size; at += SIM_SECTOR) {
        sim_file_sector_load(lost.astray.file, lost.astray.offset + at, sector);
        if (memcmp(sector, lost.write.bytes + at, SIM_SECTOR) == 0) {
            sim_file_sector_store(lost.astray.file, lost.astray.offset + at,
                                  lost.astray.bytes + at);
        }
    }
}

void sim_ring_repair_lost(void)
{
    if (!lost.is_there) {
        return;
    }
    if (lost.is_astray) {
        astray_undo();
    }
    sim_file_persist(&lost.write);
    lost.is_settled = true;
    sim_ring_forget_lost();
}

void sim_ring_forget_lost(void)
{
    if (lost.is_there && lost.is_settled) {
        free((void *)(uintptr_t)lost.write.bytes);
        free((void *)(uintptr_t)lost.astray.bytes);
        lost = (struct lost){.is_there = false};
    }
}

// ---- The ring's functions -------------------------------------------------------------

enum jf_error jf_ring_init(struct jf_ring *ring, uint32_t entries, struct jf_diagnosis *diagnosis)
{
    (void)entries;
    (void)diagnosis;
    memset(ring, 0, sizeof *ring);
    memset(operations, 0, sizeof operations);
    ring->is_open = true;
    return JF_OK;
}

void jf_ring_deinit(struct jf_ring *ring)
{
    ring->is_open = false;
}

struct io_uring_sqe *jf_ring_sqe(struct jf_ring *ring, struct jf_completion *completion)
{
    JF_ASSERT(ring->is_open);
    uint32_t at = 0;
    while (at < OPERATIONS_MAX && operations[at].completion != NULL) {
        at++;
    }
    SIM_REQUIRE(at < OPERATIONS_MAX);
    memset(&operations[at], 0, sizeof operations[at]);
    operations[at].completion = completion;
    ring->in_flight += 1;
    return &operations[at].sqe;
}

void jf_ring_write(struct jf_ring *ring, struct jf_completion *completion, int fd,
                   const void *bytes, uint32_t size, uint64_t offset)
{
    struct io_uring_sqe *sqe = jf_ring_sqe(ring, completion);
    io_uring_prep_write(sqe, fd, bytes, size, offset);
    sqe->rw_flags = RWF_DSYNC;
}

static void submit(void)
{
    for (uint32_t i = 0; i < OPERATIONS_MAX; i++) {
        struct operation *operation = &operations[i];
        if (operation->completion == NULL || operation->is_submitted) {
            continue;
        }
        (void)sim_disk_operation();
        operation->is_submitted = true;
        uint64_t takes_us = 1 + sim_draw(sim.options.latency_us);
        if (sim_happens(sim.options.late)) {
            sim_count(SIM_FAULT_LATE);
            takes_us *= LATE_FACTOR;
        }
        operation->due_us = sim.now_us + takes_us;
    }
}

static struct operation *due_find(void)
{
    struct operation *due[OPERATIONS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < OPERATIONS_MAX; i++) {
        struct operation *operation = &operations[i];
        bool is_due = operation->completion != NULL && operation->is_submitted &&
                      (operation->due_us <= sim.now_us || !sim_disk_is_on());
        if (is_due) {
            due[count++] = operation;
        }
    }
    return count == 0 ? NULL : due[sim_draw(count)];
}

// Completions of one moment, in any order.
static uint32_t reap(struct jf_ring *ring)
{
    uint32_t reaped = 0;
    for (struct operation *operation = due_find(); operation != NULL; operation = due_find()) {
        int32_t result = sim_disk_operation() ? operation_run(&operation->sqe) : -EIO;
        struct jf_completion *completion = operation->completion;
        operation->completion = NULL;
        ring->in_flight -= 1;
        // The power may go between what is done and the answer to it.
        if (!sim_disk_operation() && operation->sqe.opcode != IORING_OP_OPENAT) {
            result = -EIO;
        }
        completion->callback(completion, result, -1, false);
        reaped += 1;
    }
    return reaped;
}

uint32_t jf_ring_turn(struct jf_ring *ring)
{
    submit();
    return reap(ring);
}

static uint64_t next_due_us(void)
{
    uint64_t next_us = UINT64_MAX;
    for (uint32_t i = 0; i < OPERATIONS_MAX; i++) {
        if (operations[i].completion != NULL && operations[i].due_us < next_us) {
            next_us = operations[i].due_us;
        }
    }
    return next_us;
}

uint32_t jf_ring_wait(struct jf_ring *ring, uint64_t timeout_us, bool (*has_work)(void *context),
                      void *context)
{
    submit();
    if (timeout_us > 0 && (has_work == NULL || !has_work(context))) {
        uint64_t next_us = next_due_us();
        uint64_t until_us = sim.now_us + timeout_us;
        until_us = next_us < until_us ? next_us : until_us;
        sim.now_us = until_us > sim.now_us ? until_us : sim.now_us;
    }
    return reap(ring);
}

void jf_ring_wake(struct jf_ring *ring)
{
    (void)ring;
}
