// The engine's side of service/ without its threads: a lane answers in the order of submission, a
// job has run when it was started, a follower reads what is there. Commands are checked where
// jf_lane_submit checks them.
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "engine/follow.h"
#include "engine/jobs.h"
#include "tests/fuzz/message.h"

#define ANSWERS_MAX 256u

struct jf_lane {
    struct jf_request *answered[ANSWERS_MAX];
    uint32_t first;
    uint32_t count;
};

static struct jf_lane lane;
static enum jf_error next_error;

void message_lane_fail(enum jf_error error)
{
    next_error = error;
}

enum jf_error jf_engine_lane_open(struct jf_engine *engine, void (*wake)(void *context),
                                  void *context, struct jf_lane **out_lane)
{
    (void)engine;
    (void)context;
    JF_ASSERT(wake != NULL);
    lane = (struct jf_lane){.count = 0};
    *out_lane = &lane;
    return JF_OK;
}

void jf_engine_lane_close(struct jf_lane *closed)
{
    JF_ASSERT(closed->count == 0);
}

bool jf_engine_has_failed(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    (void)engine;
    (void)diagnosis;
    return false;
}

static void write_run(struct jf_request *request, struct jf_write *write)
{
    struct jf_refusal refusal = {.code = JF_REFUSAL_NONE};
    write->status = JF_WRITE_PENDING;
    write->refusal = NULL;
    if (jf_command_check(&write->command, request->kind == JF_REQUEST_WRITE, &refusal)) {
        message_ledger_write(request, write);
        return;
    }
    struct jf_refusal *copy = jf_arena_alloc(request->arena, sizeof *copy);
    JF_ASSERT(refusal.code == JF_REFUSAL_INVALID_FIELD);
    JF_ASSERT(refusal.field != NULL);
    JF_ASSERT(copy != NULL);
    *copy = refusal;
    write->status = JF_WRITE_REFUSED;
    write->refusal = copy;
}

enum jf_error jf_lane_submit(struct jf_lane *to, struct jf_request *request)
{
    enum jf_error error = next_error;
    next_error = JF_OK;
    JF_ASSERT(request->arena != NULL);
    if (error != JF_OK || to->count == ANSWERS_MAX) {
        return error != JF_OK ? error : JF_ERROR_BUSY;
    }
    for (uint32_t i = 0; i < request->write_count; i++) {
        write_run(request, &request->writes[i]);
    }
    if (request->kind != JF_REQUEST_WRITE && request->kind != JF_REQUEST_QUOTE) {
        message_ledger_read(request);
    }
    to->answered[(to->first + to->count) % ANSWERS_MAX] = request;
    to->count += 1;
    return JF_OK;
}

void jf_lane_flush(struct jf_lane *to)
{
    (void)to;
}

struct jf_request *jf_lane_collect(struct jf_lane *from)
{
    if (from->count == 0) {
        return NULL;
    }
    struct jf_request *request = from->answered[from->first];
    from->first = (from->first + 1) % ANSWERS_MAX;
    from->count -= 1;
    return request;
}

bool jf_lane_has_answers(const struct jf_lane *from)
{
    return from->count > 0;
}

uint32_t jf_lane_outstanding(const struct jf_lane *from)
{
    return from->count;
}

void jf_lane_count_overload(struct jf_lane *of)
{
    (void)of;
}

void jf_ring_wake(struct jf_ring *ring)
{
    (void)ring;
}

// Jobs: one of a kind, as the engine has them; what they post goes the way of a till's requests.
enum job_kind {
    JOB_TIERS,
    JOB_EXPIRE,
    JOB_VERIFY,
    JOB_BACKUP,
    JOB_KINDS
};

struct jf_job {
    bool is_running;
    bool is_taken;
};

static struct jf_job jobs[JOB_KINDS];

static enum jf_error job_start(enum job_kind kind, struct jf_job **out_job,
                               struct jf_diagnosis *diagnosis)
{
    if (jobs[kind].is_running) {
        return jf_diagnose(diagnosis, JF_ERROR_BUSY, "one runs already");
    }
    jobs[kind] = (struct jf_job){.is_running = true};
    *out_job = &jobs[kind];
    return JF_OK;
}

// Posts a job's command for the run's begin (index 0) and each member. Returns: JF_ERROR_INVALID
// where the begin is refused.
static enum jf_error job_post(enum jf_command_kind kind, const struct jf_run_input *run,
                              struct jf_diagnosis *diagnosis)
{
    struct jf_member_id member = {0};
    for (uint32_t i = 0; i == 0 || member.value != 0; i++) {
        char id[JF_TRANSACTION_ID_BYTES_MAX];
        int size = snprintf(id, sizeof id, "%u-%.*s-%llu", (unsigned)kind,
                            (int)(run->run_id.size < 20 ? run->run_id.size : 20), run->run_id.data,
                            (unsigned long long)member.value);
        struct jf_arena arena;
        jf_arena_init(&arena, 65536, (size_t)16 << 20);
        struct jf_write write = {.command = {.kind = kind, .transaction_id = {id, (uint32_t)size}}};
        struct jf_request request = {
            .kind = JF_REQUEST_WRITE, .arena = &arena, .writes = &write, .write_count = 1};
        if (kind == JF_COMMAND_EXPIRE) {
            write.command.as.expire = (struct jf_expire_command){run->run_id, member, run->as_of};
        } else {
            write.command.as.tier_change =
                (struct jf_tier_change_command){run->run_id, member, run->as_of};
        }
        write_run(&request, &write);
        bool is_refused = write.status == JF_WRITE_REFUSED;
        jf_arena_deinit(&arena);
        if (is_refused && i == 0) {
            return jf_diagnose(diagnosis, JF_ERROR_INVALID, "the run is refused");
        }
        member = message_ledger_member(i);
    }
    return JF_OK;
}

enum jf_error jf_job_start_tiers(struct jf_engine *engine, const struct jf_tiers_job_input *input,
                                 void (*wake)(void *context), void *context,
                                 struct jf_job **out_job, struct jf_diagnosis *diagnosis)
{
    (void)engine;
    wake(context);
    enum jf_error error =
        input->is_preview ? JF_OK : job_post(JF_COMMAND_TIER_CHANGE, &input->run, diagnosis);
    return error == JF_OK ? job_start(JOB_TIERS, out_job, diagnosis) : error;
}

enum jf_error jf_job_start_expire(struct jf_engine *engine, const struct jf_run_input *input,
                                  void (*wake)(void *context), void *context,
                                  struct jf_job **out_job, struct jf_diagnosis *diagnosis)
{
    (void)engine;
    wake(context);
    enum jf_error error = job_post(JF_COMMAND_EXPIRE, input, diagnosis);
    return error == JF_OK ? job_start(JOB_EXPIRE, out_job, diagnosis) : error;
}

enum jf_error jf_job_start_verify(struct jf_engine *engine, void (*wake)(void *context),
                                  void *context, struct jf_job **out_job,
                                  struct jf_diagnosis *diagnosis)
{
    (void)engine;
    wake(context);
    return job_start(JOB_VERIFY, out_job, diagnosis);
}

enum jf_error jf_job_start_backup(struct jf_engine *engine, void (*wake)(void *context),
                                  void *context, struct jf_job **out_job,
                                  struct jf_diagnosis *diagnosis)
{
    (void)engine;
    wake(context);
    return job_start(JOB_BACKUP, out_job, diagnosis);
}

bool jf_job_take(struct jf_job *job, struct jf_job_progress *out_progress)
{
    bool is_new = !job->is_taken;
    job->is_taken = true;
    *out_progress = (struct jf_job_progress){.stage = "done",
                                             .done_count = 1,
                                             .total_count = 1,
                                             .is_done = true,
                                             .ties = true,
                                             .position = message_ledger_position()};
    out_progress->counts[1] = 1;
    out_progress->class_counts[2] = 1;
    return is_new;
}

void jf_job_cancel(struct jf_job *job)
{
    JF_ASSERT(job->is_running);
}

void jf_job_release(struct jf_job *job)
{
    if (job != NULL) {
        JF_ASSERT(job->is_running);
        job->is_running = false;
    }
}

struct jf_follower {
    struct jf_follow_input input;
    struct jf_arena arena;
    uint64_t position; // looked at
    bool is_stopped;
};

enum jf_error jf_follower_start(struct jf_engine *engine, const struct jf_follow_input *input,
                                struct jf_follower **out_follower, struct jf_diagnosis *diagnosis)
{
    (void)engine;
    (void)diagnosis;
    struct jf_follower *follower = calloc(1, sizeof *follower);
    JF_ASSERT(follower != NULL);
    follower->input = *input;
    follower->position = input->from_position == 0 ? 0 : input->from_position - 1;
    jf_arena_init(&follower->arena, 65536, (size_t)16 << 20);
    input->wake(input->wake_context);
    *out_follower = follower;
    return JF_OK;
}

bool jf_follower_take(struct jf_follower *follower, struct jf_follow_item *out_item)
{
    while (!follower->is_stopped && follower->position < message_ledger_position()) {
        struct jf_text entry = message_ledger_entry(++follower->position);
        struct jf_text message = {NULL, 0};
        jf_arena_reset(&follower->arena);
        enum jf_error error = follower->input.render(follower->input.render_context, entry,
                                                     &follower->arena, &message);
        JF_ASSERT(error == JF_OK);
        *out_item = (struct jf_follow_item){follower->position, message};
        return true;
    }
    return false;
}

void jf_follower_state(struct jf_follower *follower, struct jf_follow_state *out_state)
{
    *out_state = (struct jf_follow_state){.looked_position = follower->position,
                                          .is_ended = follower->is_stopped,
                                          .error = follower->is_stopped ? JF_ERROR_CLOSED : JF_OK};
}

void jf_follower_stop(struct jf_follower *follower)
{
    follower->is_stopped = true;
    follower->input.wake(follower->input.wake_context);
}

void jf_follower_release(struct jf_follower *follower)
{
    if (follower != NULL) {
        jf_arena_deinit(&follower->arena);
        free(follower);
    }
}
