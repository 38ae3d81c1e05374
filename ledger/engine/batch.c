// A batch: what waits in the lanes is gathered, prefetched and planned slice by slice, sealed into
// a block. Each request then waits until the block that holds what it saw is durable (ARCHITECTURE
// 7).
#include "base/assert.h"
#include "engine/engine_private.h"

// Commands that are prefetched together, and then planned: as many as the processor's caches hold
// what was brought in for.
#define TASKS_PER_SLICE 256u

static void task_add(struct jf_engine *engine, struct jf_request *request, struct jf_write *write,
                     bool is_last)
{
    JF_ASSERT(engine->task_count < JF_TASKS_PER_BATCH);
    struct jf_task *task = &engine->tasks[engine->task_count++];
    memset(task, 0, sizeof *task);
    task->request = request;
    task->write = write;
    task->is_last = is_last;
}

static bool is_read(const struct jf_request *request)
{
    return request->kind != JF_REQUEST_WRITE && request->kind != JF_REQUEST_QUOTE;
}

// Single requests, until the batch has `limit` commands or none waits.
static void small_gather(struct jf_engine *engine, uint32_t limit)
{
    struct jf_request *request = NULL;
    while (engine->task_count < limit && (request = jf_lanes_take(engine, JF_LANE_SMALL)) != NULL) {
        JF_ASSERT(is_read(request) || request->write_count == 1);
        request->written = request->write_count;
        task_add(engine, request, is_read(request) ? NULL : request->writes, true);
    }
}

// Requests of several writes, until the batch has `limit` commands or none waits. Of the last one
// as much as there is room for is taken; the rest stays `current` for the next batch.
static void large_gather(struct jf_engine *engine, uint32_t limit)
{
    while (engine->task_count < limit) {
        if (engine->current == NULL) {
            engine->current = jf_lanes_take(engine, JF_LANE_LARGE);
        }
        struct jf_request *request = engine->current;
        if (request == NULL) {
            return;
        }
        JF_ASSERT(request->written < request->write_count);
        struct jf_write *write = &request->writes[request->written++];
        bool is_last = request->written == request->write_count;
        task_add(engine, request, write, is_last);
        engine->current = is_last ? NULL : request;
    }
}

// While both wait, half of a batch is for single requests, half for the others, and what was begun
// goes first; what one half leaves the other takes.
static void gather(struct jf_engine *engine)
{
    engine->task_count = 0;
    if (engine->current != NULL) {
        large_gather(engine, JF_TASKS_PER_BATCH / 2);
    }
    small_gather(engine, engine->task_count > 0 ? JF_TASKS_PER_BATCH : JF_TASKS_PER_BATCH / 2);
    large_gather(engine, JF_TASKS_PER_BATCH);
    small_gather(engine, JF_TASKS_PER_BATCH);
}

static void wait_append(struct jf_engine *engine, struct jf_request *request)
{
    request->visible_position = engine->last_position;
    request->next = NULL;
    if (engine->waiting_last == NULL) {
        engine->waiting_first = request;
    } else {
        engine->waiting_last->next = request;
    }
    engine->waiting_last = request;
}

static void walk_append(struct jf_engine *engine, struct jf_request *request)
{
    struct jf_request **link = &engine->walk_first;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    request->visible_position = engine->last_position;
    request->next = NULL;
    *link = request;
}

static void request_planned(struct jf_engine *engine, struct jf_request *request)
{
    if (jf_read_is_walk(request)) {
        walk_append(engine, request);
    } else if (request->kind == JF_REQUEST_CHECKPOINT) {
        request->visible_position = engine->last_position;
        request->next = engine->checkpoint_first;
        engine->checkpoint_first = request;
        jf_state_checkpoint(engine->effects.state);
    } else {
        wait_append(engine, request);
    }
}

static enum jf_error task_run(struct jf_engine *engine, struct jf_task *task)
{
    if (task->write != NULL) {
        return jf_commit_write(engine, task);
    }
    if (task->is_refused) {
        return JF_OK;
    }
    struct jf_member_ref *ref = &task->request->query.member;
    ref->number = jf_task_member(engine, ref, task->member);
    return jf_read_run(engine, task->request);
}

// On failure every request of the batch is already refused or is refused by the caller's clean-up,
// because each stays reachable: planned ones wait, `failed_from` on are refused here.
static void batch_refuse(struct jf_engine *engine, uint32_t failed_from)
{
    for (uint32_t i = failed_from; i < engine->task_count; i++) {
        if (engine->tasks[i].is_last) {
            jf_request_refuse_all(engine->tasks[i].request, JF_REFUSAL_FAILED,
                                  engine->failure.text);
            wait_append(engine, engine->tasks[i].request);
        }
    }
}

static void overload_refuse(struct jf_engine *engine, uint32_t first, uint32_t end)
{
    struct jf_refusal refusal =
        jf_refusal_make(JF_REFUSAL_OVERLOADED, "too much at once for the memory bound");
    for (uint32_t i = first; i < end; i++) {
        struct jf_task *task = &engine->tasks[i];
        if (task->write == NULL) {
            task->is_refused = true;
            jf_read_refuse(task->request, &refusal);
        } else if (task->write->status == JF_WRITE_PENDING) {
            jf_write_refuse(task->request, task->write, &refusal);
        }
    }
}

// Out: tasks of the slice that were done, all of them unless it fails.
static enum jf_error slice_run(struct jf_engine *engine, uint32_t first, uint32_t end,
                               uint32_t *out_done)
{
    enum jf_error error = jf_batch_prefetch(engine, first, end);
    if (error == JF_ERROR_NO_MEMORY) {
        overload_refuse(engine, first, end); // none was planned: the clients may try again
        error = JF_OK;
    }
    uint32_t done = first;
    while (error == JF_OK && done < end) {
        struct jf_task *task = &engine->tasks[done];
        error = task_run(engine, task);
        if (error == JF_OK) {
            done += 1;
            if (task->is_last) {
                request_planned(engine, task->request);
            }
        }
    }
    *out_done = done - first;
    return error;
}

enum jf_error jf_batch_run(struct jf_engine *engine)
{
    gather(engine);
    if (engine->task_count == 0) {
        return JF_OK;
    }
    engine->has_cards_moved = false;
    uint32_t done = 0;
    enum jf_error error = JF_OK;
    while (error == JF_OK && done < engine->task_count) {
        uint32_t left = engine->task_count - done;
        uint32_t end = done + (left < TASKS_PER_SLICE ? left : TASKS_PER_SLICE);
        uint32_t run = 0;
        error = slice_run(engine, done, end, &run);
        done += run;
    }
    jf_state_batch_end(engine->effects.state);
    if (error == JF_OK) {
        error = jf_commit_seal(engine);
    }
    if (error != JF_OK) {
        jf_engine_fail(engine, error, NULL);
        batch_refuse(engine, done);
    }
    return error;
}
