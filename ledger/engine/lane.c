// Lanes: bounded rings between one client thread and the ledger thread, one for single requests and
// one for those of several writes. A lane never has more
// requests outstanding than its capacity, so that an answer always finds room. Checking a command's
// form and taking its fingerprint happen here, in the client's thread, because they need nothing
// but the command.
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/race.h"
#include "engine/engine_private.h"

// A ring's own fences order the two threads. ThreadSanitizer is told of the order, and not of the
// look at the slot, which comes between the fences.
static void ring_put(ck_ring_t *ring, ck_ring_buffer_t *buffer, struct jf_request *request)
{
    JF_RACE_RELEASE(ring);
    bool queued = ck_ring_enqueue_spsc(ring, buffer, request);
    JF_ASSERT(queued);
}

// Returns: NULL when the ring is empty.
static struct jf_request *ring_take(ck_ring_t *ring, ck_ring_buffer_t *buffer)
{
    struct jf_request *request = NULL;
    JF_RACE_READS_HIDE();
    bool is_taken = ck_ring_dequeue_spsc(ring, buffer, &request);
    JF_RACE_READS_SHOW();
    if (!is_taken) {
        return NULL;
    }
    JF_RACE_ACQUIRE(ring);
    return request;
}

static void lane_free(struct jf_lane *lane)
{
    for (uint32_t i = 0; i < JF_LANE_SIZES; i++) {
        free(lane->submitted_buffers[i]);
    }
    free(lane->answered_buffer);
    free(lane);
}

// Either ring may hold all that the lane has outstanding. Returns: false when out of memory.
static bool rings_make(struct jf_lane *lane, uint32_t size)
{
    bool is_made = true;
    for (uint32_t i = 0; i < JF_LANE_SIZES; i++) {
        lane->submitted_buffers[i] = calloc(size, sizeof(ck_ring_buffer_t));
        is_made = is_made && lane->submitted_buffers[i] != NULL;
        ck_ring_init(&lane->submitted[i], size);
    }
    lane->answered_buffer = calloc(size, sizeof *lane->answered_buffer);
    ck_ring_init(&lane->answered, size);
    return is_made && lane->answered_buffer != NULL;
}

static enum jf_error lane_register(struct jf_engine *engine, struct jf_lane *lane)
{
    enum jf_error error = JF_ERROR_LIMIT;
    pthread_mutex_lock(&engine->lanes_mutex);
    for (uint32_t i = 0; i < JF_LANES_MAX && error != JF_OK; i++) {
        if (atomic_load(&engine->lanes[i]) == NULL) {
            atomic_store(&engine->lanes[i], lane);
            error = JF_OK;
        }
    }
    pthread_mutex_unlock(&engine->lanes_mutex);
    return error;
}

enum jf_error jf_engine_lane_open(struct jf_engine *engine, void (*wake)(void *context),
                                  void *context, struct jf_lane **out_lane)
{
    JF_ASSERT(wake != NULL);
    uint32_t size = engine->config.lane_queue_length;
    JF_ASSERT((size & (size - 1)) == 0);
    struct jf_lane *lane = calloc(1, sizeof *lane);
    if (lane == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    lane->engine = engine;
    lane->wake = wake;
    lane->context = context;
    lane->capacity = size - 1;
    enum jf_error error = rings_make(lane, size) ? lane_register(engine, lane) : JF_ERROR_NO_MEMORY;
    if (error != JF_OK) {
        lane_free(lane);
        return error;
    }
    *out_lane = lane;
    return JF_OK;
}

void jf_engine_lane_close(struct jf_lane *lane)
{
    if (lane == NULL) {
        return;
    }
    JF_ASSERT(lane->outstanding == 0);
    atomic_store(&lane->is_closing, true);
    if (lane->engine->config.is_inline) {
        jf_lanes_detach(lane->engine);
    }
    while (!atomic_load(&lane->is_detached)) {
        jf_ring_wake(&lane->engine->ring);
        sched_yield();
    }
    lane_free(lane);
}

static void write_prepare(struct jf_request *request, struct jf_write *write)
{
    struct jf_refusal refusal = {.code = JF_REFUSAL_NONE};
    write->status = JF_WRITE_PENDING;
    write->refusal = NULL;
    if (!jf_command_check(&write->command, request->kind == JF_REQUEST_WRITE, &refusal)) {
        jf_write_refuse(request, write, &refusal);
        return;
    }
    struct jf_text id = write->command.transaction_id;
    write->fingerprint = jf_command_fingerprint(&write->command);
    write->id_hash = jf_hash128(id.data, id.size);
}

// Large requests must not make small ones wait long, nor hold memory without end: they are told to
// come again, while single ones are taken as long as there is a place. One alone is always taken.
static bool is_full(const struct jf_lane *lane, const struct jf_request *request)
{
    if (lane->outstanding == 0) {
        return false;
    }
    if (lane->outstanding >= lane->capacity) {
        return true;
    }
    uint64_t writes = (uint64_t)lane->outstanding_writes + request->write_count;
    uint64_t bytes = lane->outstanding_bytes + request->arena->held_bytes;
    return (request->write_count > 1 && writes > JF_LANE_WRITES_MAX) ||
           (request->arena->held_bytes > JF_LANE_SMALL_BYTES && bytes > JF_LANE_BYTES_MAX);
}

enum jf_error jf_lane_submit(struct jf_lane *lane, struct jf_request *request)
{
    struct jf_engine *engine = lane->engine;
    JF_ASSERT(request->arena != NULL);
    if (atomic_load_explicit(&engine->is_stopping, memory_order_relaxed) ||
        atomic_load_explicit(&engine->has_failed, memory_order_relaxed)) {
        return JF_ERROR_CLOSED;
    }
    if (is_full(lane, request)) {
        return JF_ERROR_BUSY;
    }
    request->lane = lane;
    request->arena_bytes = request->arena->held_bytes;
    request->written = 0;
    request->next = NULL;
    for (uint32_t i = 0; i < request->write_count; i++) {
        write_prepare(request, &request->writes[i]);
    }
    enum jf_lane_size size = request->write_count > 1 ? JF_LANE_LARGE : JF_LANE_SMALL;
    ring_put(&lane->submitted[size], lane->submitted_buffers[size], request);
    lane->outstanding += 1;
    lane->outstanding_writes += request->write_count;
    lane->outstanding_bytes += request->arena_bytes;
    return JF_OK;
}

void jf_lane_flush(struct jf_lane *lane)
{
    jf_ring_wake(&lane->engine->ring);
}

struct jf_request *jf_lane_collect(struct jf_lane *lane)
{
    struct jf_request *request = ring_take(&lane->answered, lane->answered_buffer);
    if (request == NULL) {
        return NULL;
    }
    JF_ASSERT(lane->outstanding > 0);
    JF_ASSERT(lane->outstanding_writes >= request->write_count);
    JF_ASSERT(lane->outstanding_bytes >= request->arena_bytes);
    lane->outstanding -= 1;
    lane->outstanding_writes -= request->write_count;
    lane->outstanding_bytes -= request->arena_bytes;
    return request;
}

bool jf_lane_has_answers(const struct jf_lane *lane)
{
    return ck_ring_size(&lane->answered) > 0;
}

uint32_t jf_lane_outstanding(const struct jf_lane *lane)
{
    return lane->outstanding;
}

void jf_lane_count_overload(struct jf_lane *lane)
{
    atomic_fetch_add_explicit(&lane->overloads, 1, memory_order_relaxed);
}

uint32_t jf_lanes_waiting(struct jf_engine *engine)
{
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < JF_LANES_MAX; i++) {
        struct jf_lane *lane = atomic_load_explicit(&engine->lanes[i], memory_order_acquire);
        if (lane != NULL) {
            waiting += ck_ring_size(&lane->submitted[JF_LANE_SMALL]);
            waiting += ck_ring_size(&lane->submitted[JF_LANE_LARGE]);
        }
    }
    return waiting;
}

struct jf_request *jf_lanes_take(struct jf_engine *engine, enum jf_lane_size size)
{
    for (uint32_t tried = 0; tried < JF_LANES_MAX; tried++) {
        uint32_t index = engine->lane_next[size] % JF_LANES_MAX;
        struct jf_lane *lane = atomic_load_explicit(&engine->lanes[index], memory_order_acquire);
        struct jf_request *request =
            lane == NULL ? NULL : ring_take(&lane->submitted[size], lane->submitted_buffers[size]);
        if (request != NULL) {
            return request;
        }
        engine->lane_next[size] = index + 1;
    }
    return NULL;
}

void jf_lane_answer(struct jf_request *request)
{
    struct jf_lane *lane = request->lane;
    ring_put(&lane->answered, lane->answered_buffer, request);
    lane->has_answers = true;
}

void jf_lanes_wake(struct jf_engine *engine)
{
    for (uint32_t i = 0; i < JF_LANES_MAX; i++) {
        struct jf_lane *lane = atomic_load_explicit(&engine->lanes[i], memory_order_acquire);
        if (lane != NULL && lane->has_answers) {
            lane->has_answers = false;
            lane->wake(lane->context);
        }
    }
}

void jf_lanes_detach(struct jf_engine *engine)
{
    for (uint32_t i = 0; i < JF_LANES_MAX; i++) {
        struct jf_lane *lane = atomic_load_explicit(&engine->lanes[i], memory_order_acquire);
        if (lane != NULL && atomic_load(&lane->is_closing)) {
            atomic_store(&engine->lanes[i], NULL);
            atomic_store(&lane->is_detached, true);
        }
    }
}

static const struct jf_refusal *refusal_copy(struct jf_arena *arena,
                                             const struct jf_refusal *refusal)
{
    static const struct jf_refusal overloaded = {.code = JF_REFUSAL_OVERLOADED};
    struct jf_refusal *copy = jf_arena_alloc(arena, sizeof *copy);
    if (copy == NULL) {
        return &overloaded; // the request's memory bound is met: said as what it is, too much at
                            // once
    }
    *copy = *refusal;
    return copy;
}

struct jf_refusal jf_refusal_make(enum jf_refusal_code code, const char *detail)
{
    struct jf_refusal refusal = {.code = code};
    snprintf(refusal.detail, sizeof refusal.detail, "%.*s", JF_REFUSAL_DETAIL_MAX - 1, detail);
    return refusal;
}

void jf_write_refuse(struct jf_request *request, struct jf_write *write,
                     const struct jf_refusal *refusal)
{
    JF_ASSERT(refusal->code != JF_REFUSAL_NONE);
    write->status = JF_WRITE_REFUSED;
    write->refusal = refusal_copy(request->arena, refusal);
}

void jf_read_refuse(struct jf_request *request, const struct jf_refusal *refusal)
{
    JF_ASSERT(refusal->code != JF_REFUSAL_NONE);
    request->answer.refusal = refusal_copy(request->arena, refusal);
}

void jf_request_refuse_all(struct jf_request *request, enum jf_refusal_code code,
                           const char *detail)
{
    struct jf_refusal refusal = jf_refusal_make(code, detail);
    for (uint32_t i = 0; i < request->write_count; i++) {
        jf_write_refuse(request, &request->writes[i], &refusal);
    }
    jf_read_refuse(request, &refusal);
}
