// The store's loop: write the generations handed over, go on with saving the filter, begin a flush
// when the target is stored, notice when it is done. A flush runs in RocksDB's own thread while
// generations are written on.
//
// Fails: the first failure is final. It is kept for jf_store_check, the owner is woken, and nothing
// more is written: what the database holds stays a state as of one position.
#include "state/store_private.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"

#define FLUSH_POLL_MS 2   // between looks at a running flush
#define GATHER_MS     250 // without a further generation, those that wait are written
#define RUN_WANTED    64u // generations that are written without waiting for more

static void wake_owner(struct jf_store *store)
{
    void (*wake)(void *context) = atomic_load_explicit(&store->wake, memory_order_acquire);
    if (wake != NULL) {
        wake(store->wake_context);
    }
}

// ---- Work -----------------------------------------------------------------------------

static void failure_set(struct jf_store *store, enum jf_error error,
                        const struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(!atomic_load(&store->has_failed));
    store->failure = *diagnosis;
    store->failure.error = error;
    atomic_store_explicit(&store->has_failed, true, memory_order_release);
}

// All that was handed over, up to the longest run.
static struct jf_store_run run_take(const struct jf_store *store)
{
    struct jf_store_run run = {.count = 0};
    uint64_t handed = atomic_load_explicit(&store->handed, memory_order_acquire);
    while (store->taken + run.count < handed && run.count < JF_STORE_RUN_MAX) {
        run.generations[run.count] = store->ring[(store->taken + run.count) % store->ring_size];
        run.count += 1;
    }
    return run;
}

// A thread lets generations gather: a longer run is cheaper. It does not wait when the owner does
// (a flush, the end), or when the first of them has waited long enough.
static bool run_is_due(struct jf_store *store)
{
    uint64_t handed = atomic_load_explicit(&store->handed, memory_order_acquire);
    uint64_t waiting = handed - store->taken;
    if (waiting == 0) {
        return false;
    }
    uint64_t target = atomic_load_explicit(&store->flush_target, memory_order_acquire);
    return !store->is_running || waiting >= RUN_WANTED || store->has_waited ||
           target > atomic_load(&store->stored) ||
           atomic_load_explicit(&store->must_stop, memory_order_acquire);
}

// Out: whether there was anything.
static enum jf_error run_work(struct jf_store *store, bool *out_any, struct jf_diagnosis *diagnosis)
{
    *out_any = run_is_due(store);
    if (!*out_any) {
        return JF_OK;
    }
    struct jf_store_run run = run_take(store);
    JF_ASSERT(run.count > 0);
    store->has_waited = false;
    const struct jf_generation *last = run.generations[run.count - 1];
    uint64_t number = last->number;
    uint64_t position = jf_generation_position(last);
    enum jf_error error = jf_store_write_run(store, &run, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    store->taken += run.count;
    atomic_store_explicit(&store->stored, position, memory_order_release);
    // From here on the generations are the owner's again.
    atomic_store_explicit(&store->generations, number, memory_order_release);
    wake_owner(store);
    return JF_OK;
}

static enum jf_error applied_found(void *context, uint32_t index, struct jf_text value)
{
    (void)index;
    if (value.size != sizeof(uint64_t)) {
        return JF_ERROR_CORRUPT;
    }
    *(uint64_t *)context = jf_load_u64((const unsigned char *)value.data);
    return JF_OK;
}

static void flush_finish(struct jf_store *store, uint64_t position)
{
    atomic_store_explicit(&store->flushed, position, memory_order_release);
    if (position < store->flush_begun) {
        return;
    }
    atomic_fetch_add(&store->flush_count, 1);
    wake_owner(store);
}

static enum jf_error flush_poll(struct jf_store *store, struct jf_diagnosis *diagnosis)
{
    uint64_t position = 0;
    struct jf_text key = JF_TEXT(JF_META_APPLIED);
    struct jf_kv_query query = {.family = JF_KV_META,
                                .keys = &key,
                                .count = 1,
                                .found = applied_found,
                                .context = &position};
    enum jf_error error = store->kv->functions->flushed_get(store->kv, &query, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (position > atomic_load(&store->flushed)) {
        flush_finish(store, position);
    }
    return store->kv->functions->health(store->kv, diagnosis);
}

static bool flush_is_running(const struct jf_store *store)
{
    return store->flush_begun > atomic_load(&store->flushed);
}

// A target that comes while a flush is running waits for it to end.
static bool flush_is_due(const struct jf_store *store)
{
    uint64_t target = atomic_load_explicit(&store->flush_target, memory_order_acquire);
    return target > atomic_load(&store->flushed) && target > store->flush_begun &&
           target <= atomic_load(&store->stored) && !flush_is_running(store);
}

static enum jf_error flush_work(struct jf_store *store, struct jf_diagnosis *diagnosis)
{
    if (flush_is_due(store)) {
        bool is_waiting = !store->config.is_threaded && !store->config.is_flush_begun;
        uint64_t position = atomic_load(&store->stored);
        enum jf_error error = store->kv->functions->flush(store->kv, is_waiting, diagnosis);
        if (error != JF_OK) {
            return error;
        }
        store->flush_begun = position;
    }
    return flush_is_running(store) ? flush_poll(store, diagnosis) : JF_OK;
}

// One round. Returns: whether another should follow at once.
static bool work(struct jf_store *store)
{
    if (atomic_load(&store->has_failed)) {
        return false;
    }
    struct jf_diagnosis diagnosis = {0};
    bool is_any = false;
    bool is_more = false;
    enum jf_error error = run_work(store, &is_any, &diagnosis);
    if (error == JF_OK) {
        error = jf_store_save_step(store, &is_more, &diagnosis);
    }
    if (error == JF_OK) {
        error = flush_work(store, &diagnosis);
    }
    if (error != JF_OK) {
        failure_set(store, error, &diagnosis);
        wake_owner(store);
        return false;
    }
    return is_any || is_more || flush_is_due(store);
}

static void wait_for_work(struct jf_store *store)
{
    // A running flush says nothing when it ends: look again soon.
    bool is_polling = !atomic_load(&store->has_failed) && flush_is_running(store);
    bool is_gathering = store->taken != atomic_load(&store->handed);
    int timeout_ms = is_gathering ? GATHER_MS : -1;
    struct pollfd work = {.fd = store->work_fd, .events = POLLIN};
    int ready = poll(&work, 1, is_polling ? FLUSH_POLL_MS : timeout_ms);
    store->has_waited = is_gathering && ready == 0 && !is_polling;
    if (ready > 0) {
        uint64_t count = 0;
        ssize_t size = read(store->work_fd, &count, sizeof count);
        JF_ASSERT(size == sizeof count || errno == EAGAIN || errno == EINTR);
    }
}

static void *thread_main(void *context)
{
    struct jf_store *store = context;
    (void)pthread_setname_np(pthread_self(), "jifen-store");
    // The first hand-over, or the end, comes after the owner has set everything up.
    wait_for_work(store);
    while (true) {
        // Read before the last round, so that what was handed over before stopping is written.
        bool must_stop = atomic_load_explicit(&store->must_stop, memory_order_acquire);
        bool is_more = work(store);
        if (is_more) {
            continue;
        }
        if (must_stop) {
            return NULL;
        }
        wait_for_work(store);
    }
}

static void work_signal(struct jf_store *store)
{
    if (store->is_running) {
        uint64_t one = 1;
        ssize_t size = write(store->work_fd, &one, sizeof one);
        JF_ASSERT(size == sizeof one);
    }
}

// ---- The owner's side -----------------------------------------------------------------

static enum jf_error buffers_make(struct jf_store *store)
{
    store->ring_size = store->config.generations;
    store->ring = calloc(store->ring_size, sizeof(struct jf_generation *));
    uint32_t page_bytes = store->config.filter == NULL ? JF_FILTER_PAGE_BYTES
                                                       : jf_filter_page_bytes(store->config.filter);
    store->page = malloc(page_bytes);
    return store->ring == NULL || store->page == NULL ? JF_ERROR_NO_MEMORY : JF_OK;
}

static enum jf_error thread_start(struct jf_store *store, struct jf_diagnosis *diagnosis)
{
    if (!store->config.is_threaded) {
        return JF_OK;
    }
    store->work_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (store->work_fd < 0) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY,
                           "the store thread's eventfd cannot be made: %s", strerror(errno));
    }
    int result = pthread_create(&store->thread, NULL, thread_main, store);
    if (result != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "the store thread cannot be started: %s",
                           strerror(result));
    }
    store->is_running = true;
    return JF_OK;
}

static void store_free(struct jf_store *store)
{
    if (store->work_fd >= 0) {
        (void)close(store->work_fd);
    }
    jf_state_buffer_free(&store->tail_bytes);
    jf_state_buffer_free(&store->chunk_bytes);
    jf_state_buffer_free(&store->rows);
    free(store->page);
    free(store->ring);
    free(store);
}

enum jf_error jf_store_create(const struct jf_store_config *config, struct jf_store **out_store,
                              struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(config->generations >= 1);
    struct jf_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory for the store");
    }
    store->config = *config;
    store->kv = config->kv;
    store->recent_bytes = config->recent_bytes;
    store->flush_begun = config->applied;
    atomic_init(&store->stored, config->applied);
    atomic_init(&store->flushed, config->applied);
    store->work_fd = -1;
    enum jf_error error = buffers_make(store);
    if (error != JF_OK) {
        (void)jf_diagnose(diagnosis, error, "out of memory for the store");
    }
    if (error == JF_OK) {
        error = jf_store_load_tail(store, diagnosis);
    }
    if (error == JF_OK) {
        error = thread_start(store, diagnosis);
    }
    if (error != JF_OK) {
        store_free(store);
        return error;
    }
    *out_store = store;
    return JF_OK;
}

enum jf_error jf_store_destroy(struct jf_store *store, bool is_clean,
                               struct jf_diagnosis *diagnosis)
{
    if (store == NULL) {
        return JF_OK;
    }
    if (store->is_running) {
        atomic_store_explicit(&store->must_stop, true, memory_order_release);
        work_signal(store);
        (void)pthread_join(store->thread, NULL);
    } else {
        jf_store_turn(store);
    }
    enum jf_error error = jf_store_check(store, diagnosis);
    if (error == JF_OK && is_clean) {
        error = store->kv->functions->flush(store->kv, true, diagnosis);
    }
    store_free(store);
    return error;
}

void jf_store_set_wake(struct jf_store *store, void (*wake)(void *context), void *context)
{
    JF_ASSERT(atomic_load(&store->wake) == NULL);
    store->wake_context = context;
    atomic_store_explicit(&store->wake, wake, memory_order_release);
}

void jf_store_hand_over(struct jf_store *store, struct jf_generation *generation)
{
    JF_ASSERT(generation->is_sealed);
    uint64_t handed = atomic_load_explicit(&store->handed, memory_order_relaxed);
    JF_ASSERT(generation->number == handed + 1);
    JF_ASSERT(handed - jf_store_generations(store) < store->ring_size);
    store->ring[handed % store->ring_size] = generation;
    atomic_store_explicit(&store->handed, handed + 1, memory_order_release);
    work_signal(store);
}

void jf_store_flush_to(struct jf_store *store, uint64_t position)
{
    JF_ASSERT(position >= atomic_load(&store->flush_target));
    atomic_store_explicit(&store->flush_target, position, memory_order_release);
    work_signal(store);
}

void jf_store_turn(struct jf_store *store)
{
    JF_ASSERT(!store->is_running);
    while (work(store)) {
    }
}

uint64_t jf_store_generations(const struct jf_store *store)
{
    return atomic_load_explicit(&store->generations, memory_order_acquire);
}

uint64_t jf_store_stored(const struct jf_store *store)
{
    return atomic_load_explicit(&store->stored, memory_order_acquire);
}

uint64_t jf_store_flushed(const struct jf_store *store)
{
    return atomic_load_explicit(&store->flushed, memory_order_acquire);
}

uint64_t jf_store_flush_count(const struct jf_store *store)
{
    return atomic_load(&store->flush_count);
}

enum jf_error jf_store_check(const struct jf_store *store, struct jf_diagnosis *diagnosis)
{
    if (!atomic_load_explicit(&store->has_failed, memory_order_acquire)) {
        return JF_OK;
    }
    if (diagnosis != NULL) {
        *diagnosis = store->failure;
    }
    return store->failure.error;
}
