// The ring: completions reach their owner with the system call's result, waits end, wakers wake.
#include "io/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct jf_ring ring;
static struct jf_diagnosis diagnosis;

static void begin(void)
{
    cr_assert_eq(jf_ring_init(&ring, 8, &diagnosis), JF_OK, "%s", diagnosis.text);
}

static void end(void)
{
    jf_ring_deinit(&ring);
    jf_ring_deinit(&ring);
}

TestSuite(ring, .init = begin, .fini = end);

struct outcome {
    struct jf_completion completion;
    int32_t result;
    uint32_t calls;
};

static void take(struct jf_completion *completion, int32_t result, int32_t buffer_id, bool more)
{
    struct outcome *outcome = completion->context;
    cr_assert_eq(buffer_id, -1);
    cr_assert_not(more);
    outcome->result = result;
    outcome->calls += 1;
}

static void prepare(struct outcome *outcome)
{
    *outcome = (struct outcome){.completion = {take, outcome}};
}

static void wait_for(const struct outcome *outcome)
{
    for (uint32_t i = 0; i < 1000 && outcome->calls == 0; i++) {
        jf_ring_wait(&ring, 10000, NULL, NULL);
    }
    cr_assert_eq(outcome->calls, 1);
}

Test(ring, deinit_accepts_a_zeroed_ring)
{
    struct jf_ring zeroed;
    memset(&zeroed, 0, sizeof zeroed);
    jf_ring_deinit(&zeroed);
    cr_assert_not(zeroed.is_open);
}

Test(ring, a_write_completes_with_its_size)
{
    char path[] = "/tmp/jf-ring-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    struct outcome outcome;
    prepare(&outcome);
    jf_ring_write(&ring, &outcome.completion, fd, "points", 6, 3);
    cr_assert_eq(outcome.calls, 0, "nothing happens before a turn");
    wait_for(&outcome);
    cr_assert_eq(outcome.result, 6);
    char bytes[6];
    cr_assert_eq(pread(fd, bytes, 6, 3), 6);
    cr_assert_arr_eq(bytes, "points", 6);
    close(fd);
}

Test(ring, a_failed_write_completes_with_its_errno)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    struct outcome outcome;
    prepare(&outcome);
    jf_ring_write(&ring, &outcome.completion, fd, "x", 1, 0);
    wait_for(&outcome);
    cr_assert_eq(outcome.result, -ENOSPC);
    close(fd);
}

Test(ring, more_operations_than_entries_are_all_completed)
{
    static struct outcome outcomes[100];
    for (uint32_t i = 0; i < 100; i++) {
        prepare(&outcomes[i]);
        struct io_uring_sqe *sqe = jf_ring_sqe(&ring, &outcomes[i].completion);
        io_uring_prep_nop(sqe);
        io_uring_sqe_set_data(sqe, &outcomes[i].completion);
    }
    uint32_t done = 0;
    for (uint32_t turn = 0; turn < 1000 && done < 100; turn++) {
        jf_ring_turn(&ring);
        done = 0;
        for (uint32_t i = 0; i < 100; i++) {
            cr_assert_leq(outcomes[i].calls, 1);
            done += outcomes[i].calls;
        }
    }
    cr_assert_eq(done, 100);
    cr_assert_eq(ring.in_flight, 1, "the waker's read");
}

struct chain {
    struct jf_completion completion;
    uint32_t left;
};

static void again(struct jf_completion *completion, int32_t result, int32_t buffer_id, bool more)
{
    (void)result;
    (void)buffer_id;
    (void)more;
    struct chain *chain = completion->context;
    if (chain->left > 0) {
        chain->left -= 1;
        struct io_uring_sqe *sqe = jf_ring_sqe(&ring, completion);
        io_uring_prep_nop(sqe);
        io_uring_sqe_set_data(sqe, completion);
    }
}

Test(ring, a_callback_may_queue_the_next_operation)
{
    struct chain chain = {{again, &chain}, 500};
    again(&chain.completion, 0, -1, false);
    for (uint32_t i = 0; i < 2000 && (chain.left > 0 || ring.in_flight > 1); i++) {
        jf_ring_wait(&ring, 10000, NULL, NULL);
    }
    cr_assert_eq(chain.left, 0);
    cr_assert_eq(ring.in_flight, 1);
}

Test(ring, a_wait_without_time_does_not_wait)
{
    cr_assert_eq(jf_ring_wait(&ring, 0, NULL, NULL), 0);
}

Test(ring, a_wait_ends_at_its_time)
{
    cr_assert_eq(jf_ring_wait(&ring, 1000, NULL, NULL), 0);
    cr_assert_eq(atomic_load(&ring.is_sleeping), 0);
}

static bool has_work(void *context)
{
    *(bool *)context = true;
    return true;
}

Test(ring, work_found_before_sleeping_cancels_the_wait, .timeout = 30)
{
    bool was_asked = false;
    cr_assert_eq(jf_ring_wait(&ring, 600000000, has_work, &was_asked), 0);
    cr_assert(was_asked);
    cr_assert_eq(atomic_load(&ring.is_sleeping), 0);
}

static void *wake_when_asleep(void *context)
{
    struct jf_ring *sleeper = context;
    while (atomic_load(&sleeper->is_sleeping) == 0) {
        usleep(100);
    }
    jf_ring_wake(sleeper);
    return NULL;
}

Test(ring, another_thread_wakes_a_sleeper_again_and_again, .timeout = 60)
{
    for (uint32_t i = 0; i < 50; i++) {
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, wake_when_asleep, &ring), 0);
        cr_assert_eq(jf_ring_wait(&ring, 600000000, NULL, NULL), 1, "the waker's completion");
        cr_assert_eq(pthread_join(thread, NULL), 0);
    }
}

Test(ring, waking_one_that_does_not_sleep_costs_nothing)
{
    jf_ring_wake(&ring);
    cr_assert_eq(jf_ring_turn(&ring), 0);
}
