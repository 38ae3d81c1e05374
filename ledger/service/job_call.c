// Calls that run a job: RecalculateTiers, Expire, Verify and Backup. The job has a thread of its
// own; once a turn, and at most ten times a second, what it has found is sent, as fast as the
// client reads. Failures: a job of the kind that already runs (RESOURCE_EXHAUSTED); a client that
// goes away cancels its job, and so does a shutdown (UNAVAILABLE; the same run_id sent again goes
// on); a job's own failure ends the call.
#include "base/assert.h"
#include "engine/entry_codec.h"
#include "engine/jobs.h"
#include "jifen/v1/operations.pb-c.h"
#include "rules/utf8.h"
#include "service/answer.h"
#include "service/core.h"
#include "service/status.h"

#define PROGRESS_US      100000u
#define HEARTBEAT_US     1000000u // progress comes at least so often
#define CHANGES_PER_SEND 1000u
#define UNSENT_BYTES_MAX (1u << 20)

struct jf_job_call {
    struct jf_call *call;
    struct jf_job_call *previous;
    struct jf_job_call *next;
    struct jf_job *job;
    // Sends a message about the progress. Returns: whether there was room; *out_is_all: nothing of
    // it is left.
    bool (*send)(struct jf_job_call *job_call, bool *out_is_all);
    struct jf_job_progress progress;
    uint32_t changes_sent; // of progress.changes
    bool has_progress;     // taken and not wholly sent
    uint64_t sent_us;
};

static Jifen__V1__TierChange change_message(const struct jf_tier_change_row *row)
{
    Jifen__V1__TierChange message = JIFEN__V1__TIER_CHANGE__INIT;
    message.member = row->member.value;
    message.from = row->from;
    message.to = row->to;
    message.spend = row->spend;
    message.visits = row->visits;
    message.points = row->points;
    message.class_from = row->class_from;
    message.class_to = row->class_to;
    message.why = (Jifen__V1__TierWhy)row->why;
    return message;
}

struct tier_counts {
    Jifen__V1__TierCount messages[JF_TIERS_MAX * JF_TIERS_MAX];
    Jifen__V1__TierCount *pointers[JF_TIERS_MAX * JF_TIERS_MAX];
    size_t count;
    Jifen__V1__ClassCount class_messages[JF_JOB_CLASSES * JF_JOB_CLASSES];
    Jifen__V1__ClassCount *class_pointers[JF_JOB_CLASSES * JF_JOB_CLASSES];
    size_t class_count;
};

static void counts_gather(const struct jf_job_progress *progress, struct tier_counts *counts)
{
    counts->count = 0;
    for (uint32_t i = 0; i < JF_TIERS_MAX * JF_TIERS_MAX; i++) {
        if (progress->counts[i] == 0) {
            continue;
        }
        Jifen__V1__TierCount *message = &counts->messages[counts->count];
        jifen__v1__tier_count__init(message);
        message->from = i / JF_TIERS_MAX;
        message->to = i % JF_TIERS_MAX;
        message->members = progress->counts[i];
        counts->pointers[counts->count++] = message;
    }
    counts->class_count = 0;
    for (uint32_t i = 0; i < JF_JOB_CLASSES * JF_JOB_CLASSES; i++) {
        if (progress->class_counts[i] == 0) {
            continue;
        }
        Jifen__V1__ClassCount *message = &counts->class_messages[counts->class_count];
        jifen__v1__class_count__init(message);
        message->from = i / JF_JOB_CLASSES;
        message->to = i % JF_JOB_CLASSES;
        message->members = progress->class_counts[i];
        counts->class_pointers[counts->class_count++] = message;
    }
}

static bool tiers_send(struct jf_job_call *job_call, bool *out_is_all)
{
    const struct jf_job_progress *progress = &job_call->progress;
    Jifen__V1__TierChange changes[CHANGES_PER_SEND];
    Jifen__V1__TierChange *pointers[CHANGES_PER_SEND];
    uint32_t left = progress->change_count - job_call->changes_sent;
    uint32_t count = left < CHANGES_PER_SEND ? left : CHANGES_PER_SEND;
    for (uint32_t i = 0; i < count; i++) {
        changes[i] = change_message(&progress->changes[job_call->changes_sent + i]);
        pointers[i] = &changes[i];
    }
    Jifen__V1__RecalculateTiersProgress message = JIFEN__V1__RECALCULATE_TIERS_PROGRESS__INIT;
    message.members_done = progress->done_count;
    message.members_total = progress->total_count;
    message.seconds_left = progress->seconds_left;
    message.changes = pointers;
    message.n_changes = count;
    struct tier_counts counts = {.count = 0};
    if (progress->is_done && count == left) {
        counts_gather(progress, &counts);
        message.counts = counts.pointers;
        message.n_counts = counts.count;
        message.class_counts = counts.class_pointers;
        message.n_class_counts = counts.class_count;
        message.programme_version = progress->programme_version;
        message.done = true;
    }
    job_call->changes_sent += count;
    *out_is_all = count == left;
    return jf_answer_send(job_call->call, &message.base);
}

static bool expire_send(struct jf_job_call *job_call, bool *out_is_all)
{
    const struct jf_job_progress *progress = &job_call->progress;
    Jifen__V1__ExpireProgress message = JIFEN__V1__EXPIRE_PROGRESS__INIT;
    message.members_done = progress->done_count;
    message.members_total = progress->total_count;
    message.points_expired = (uint64_t)progress->points_expired;
    message.seconds_left = progress->seconds_left;
    message.done = progress->is_done;
    *out_is_all = true;
    return jf_answer_send(job_call->call, &message.base);
}

static bool verify_send(struct jf_job_call *job_call, bool *out_is_all)
{
    struct jf_job_progress *progress = &job_call->progress;
    Jifen__V1__VerifyProgress message = JIFEN__V1__VERIFY_PROGRESS__INIT;
    char digest[33];
    char replay_digest[33];
    message.stage = (char *)(uintptr_t)(progress->is_done ? "done" : progress->stage);
    message.done_count = progress->done_count;
    message.total_count = progress->total_count;
    message.seconds_left = progress->seconds_left;
    if (progress->is_done) {
        jf_answer_hexadecimal(progress->digest, sizeof progress->digest, digest);
        jf_answer_hexadecimal(progress->replay_digest, sizeof progress->replay_digest,
                              replay_digest);
        message.done = true;
        message.ties = progress->ties;
        message.difference = progress->difference;
        message.position = progress->position;
        message.entries = progress->entries;
        message.members = progress->members;
        message.balance_sum = progress->balance_sum;
        message.elapsed_us = progress->elapsed_us;
        message.rows = progress->rows;
        message.digest = digest;
        message.replay_digest = replay_digest;
    }
    *out_is_all = true;
    return jf_answer_send(job_call->call, &message.base);
}

static bool backup_send(struct jf_job_call *job_call, bool *out_is_all)
{
    const struct jf_job_progress *progress = &job_call->progress;
    Jifen__V1__BackupProgress message = JIFEN__V1__BACKUP_PROGRESS__INIT;
    if (progress->directory != NULL) {
        message.directory = (char *)(uintptr_t)progress->directory;
        message.position = progress->position;
    }
    *out_is_all = true;
    return jf_answer_send(job_call->call, &message.base);
}

static void wake(void *context)
{
    struct jf_service *service = context;
    atomic_store_explicit(&service->job_news, 1, memory_order_release);
    jf_ring_wake(service->ring);
}

static struct jf_job_call *job_call_create(struct jf_service *service, struct jf_call *call)
{
    if (service->is_draining) {
        jf_status_finish_code(call, JF_REFUSAL_SHUTTING_DOWN);
        return NULL;
    }
    struct jf_job_call *job_call = jf_arena_calloc(jf_call_arena(call), 1, sizeof *job_call);
    if (job_call == NULL) {
        jf_status_finish(call, JF_STATUS_RESOURCE_EXHAUSTED, "There is no memory for this call.");
        return NULL;
    }
    job_call->call = call;
    return job_call;
}

static void started(struct jf_service *service, struct jf_job_call *job_call, enum jf_error error,
                    const struct jf_diagnosis *diagnosis)
{
    if (error == JF_ERROR_BUSY) {
        jf_status_finish(job_call->call, JF_STATUS_RESOURCE_EXHAUSTED,
                         "A job of this kind is running; ask again when it is done.");
        return;
    }
    if (error == JF_ERROR_INVALID) { // of what is asked only the clock could still find fault
        jf_status_finish_field(job_call->call, "as_of", 0, diagnosis->text);
        return;
    }
    if (error != JF_OK) {
        jf_status_finish(job_call->call, JF_STATUS_INTERNAL, "The job cannot be started: %s",
                         diagnosis->text[0] != '\0' ? diagnosis->text : jf_error_text(error));
        return;
    }
    jf_call_set_context(job_call->call, job_call);
    job_call->sent_us = service->clock_us();
    job_call->next = service->jobs;
    if (job_call->next != NULL) {
        job_call->next->previous = job_call;
    }
    service->jobs = job_call;
}

// Returns: false after ending the call with the field at fault.
static bool run_read(struct jf_call *call, const char *run_id, int32_t as_of,
                     struct jf_run_input *out_input)
{
    out_input->run_id = jf_text_from(run_id);
    if (out_input->run_id.size == 0 || out_input->run_id.size > JF_RUN_ID_BYTES_MAX ||
        !jf_utf8_is_plain(out_input->run_id)) {
        jf_status_finish_field(call, "run_id", JF_RUN_ID_BYTES_MAX,
                               "1 to 32 bytes of UTF-8 without control characters");
        return false;
    }
    if (!jf_decode_date(as_of, &out_input->as_of) || out_input->as_of == JF_DATE_NONE) {
        jf_status_finish_field(call, "as_of", 0, "a date as year x 10000 + month x 100 + day");
        return false;
    }
    return true;
}

void jf_job_call_tiers(struct jf_service *service, struct jf_call *call, struct jf_text bytes)
{
    const ProtobufCMessage *message = jf_ticket_unpack(service, call, bytes);
    if (message == NULL) {
        return;
    }
    const Jifen__V1__RecalculateTiersRequest *request =
        (const Jifen__V1__RecalculateTiersRequest *)message;
    struct jf_tiers_job_input input = {.is_preview = request->preview, .is_listed = request->list};
    if (!run_read(call, request->run_id, request->as_of, &input.run)) {
        return;
    }
    struct jf_job_call *job_call = job_call_create(service, call);
    if (job_call == NULL) {
        return;
    }
    job_call->send = tiers_send;
    struct jf_diagnosis diagnosis = {.text = ""};
    enum jf_error error =
        jf_job_start_tiers(service->engine, &input, wake, service, &job_call->job, &diagnosis);
    started(service, job_call, error, &diagnosis);
}

void jf_job_call_expire(struct jf_service *service, struct jf_call *call, struct jf_text bytes)
{
    const ProtobufCMessage *message = jf_ticket_unpack(service, call, bytes);
    if (message == NULL) {
        return;
    }
    const Jifen__V1__ExpireRequest *request = (const Jifen__V1__ExpireRequest *)message;
    struct jf_run_input input;
    if (!run_read(call, request->run_id, request->as_of, &input)) {
        return;
    }
    struct jf_job_call *job_call = job_call_create(service, call);
    if (job_call == NULL) {
        return;
    }
    job_call->send = expire_send;
    struct jf_diagnosis diagnosis = {.text = ""};
    enum jf_error error =
        jf_job_start_expire(service->engine, &input, wake, service, &job_call->job, &diagnosis);
    started(service, job_call, error, &diagnosis);
}

void jf_job_call_verify(struct jf_service *service, struct jf_call *call, struct jf_text bytes)
{
    if (jf_ticket_unpack(service, call, bytes) == NULL) {
        return;
    }
    struct jf_job_call *job_call = job_call_create(service, call);
    if (job_call == NULL) {
        return;
    }
    job_call->send = verify_send;
    struct jf_diagnosis diagnosis = {.text = ""};
    enum jf_error error =
        jf_job_start_verify(service->engine, wake, service, &job_call->job, &diagnosis);
    started(service, job_call, error, &diagnosis);
}

void jf_job_call_backup(struct jf_service *service, struct jf_call *call, struct jf_text bytes)
{
    if (jf_ticket_unpack(service, call, bytes) == NULL) {
        return;
    }
    struct jf_job_call *job_call = job_call_create(service, call);
    if (job_call == NULL) {
        return;
    }
    job_call->send = backup_send;
    struct jf_diagnosis diagnosis = {.text = ""};
    enum jf_error error =
        jf_job_start_backup(service->engine, wake, service, &job_call->job, &diagnosis);
    started(service, job_call, error, &diagnosis);
}

void jf_job_call_gone(struct jf_service *service, struct jf_call *call)
{
    (void)service;
    struct jf_job_call *job_call = jf_call_context(call);
    JF_ASSERT(job_call != NULL);
    jf_job_cancel(job_call->job); // finished when it has ended
}

static void finish_failed(struct jf_service *service, struct jf_job_call *job_call)
{
    const struct jf_job_progress *progress = &job_call->progress;
    enum jf_status status = JF_STATUS_INTERNAL;
    switch (progress->error) {
    case JF_ERROR_CLOSED:
        if (service->is_draining) {
            jf_status_finish_code(job_call->call, JF_REFUSAL_SHUTTING_DOWN);
        } else {
            jf_status_finish(job_call->call, JF_STATUS_CANCELLED, "The job was cancelled.");
        }
        return;
    case JF_ERROR_CORRUPT:
    case JF_ERROR_GAP:
        status = JF_STATUS_DATA_LOSS;
        break;
    case JF_ERROR_INVALID:
        status = JF_STATUS_INVALID_ARGUMENT;
        break;
    case JF_ERROR_NOT_FOUND:
        status = JF_STATUS_FAILED_PRECONDITION;
        break;
    case JF_ERROR_NO_MEMORY:
    case JF_ERROR_NO_SPACE:
    case JF_ERROR_BUSY:
        status = JF_STATUS_RESOURCE_EXHAUSTED;
        break;
    default:
        break;
    }
    const char *text = progress->diagnosis.text;
    jf_status_finish(job_call->call, status, "%s",
                     text[0] != '\0' ? text : jf_error_text(progress->error));
}

static void job_call_finish(struct jf_service *service, struct jf_job_call *job_call)
{
    if (job_call->previous != NULL) {
        job_call->previous->next = job_call->next;
    } else {
        service->jobs = job_call->next;
    }
    if (job_call->next != NULL) {
        job_call->next->previous = job_call->previous;
    }
    jf_job_release(job_call->job);
    if (job_call->progress.error != JF_OK) {
        finish_failed(service, job_call);
    } else {
        jf_ticket_finish_ok(job_call->call);
    }
}

// Returns: whether there is something to send.
static bool progress_take(struct jf_job_call *job_call, uint64_t now_us)
{
    if (job_call->has_progress) {
        return true;
    }
    bool is_due = now_us - job_call->sent_us >= PROGRESS_US;
    if (!is_due && !jf_call_is_gone(job_call->call)) {
        return false;
    }
    bool is_new = jf_job_take(job_call->job, &job_call->progress);
    if (!is_new && now_us - job_call->sent_us < HEARTBEAT_US) {
        return false;
    }
    job_call->changes_sent = is_new ? 0 : job_call->progress.change_count;
    job_call->has_progress = true;
    return true;
}

static void job_call_turn(struct jf_service *service, struct jf_job_call *job_call, uint64_t now_us)
{
    bool is_gone = jf_call_is_gone(job_call->call);
    while (progress_take(job_call, now_us)) {
        bool is_failed = job_call->progress.is_done && job_call->progress.error != JF_OK;
        if (!is_gone && !is_failed) {
            if (jf_call_unsent_bytes(job_call->call) > UNSENT_BYTES_MAX) {
                return;
            }
            bool is_all;
            if (!job_call->send(job_call, &is_all)) {
                jf_job_cancel(job_call->job);
                is_all = true;
            }
            job_call->sent_us = now_us;
            if (!is_all) {
                continue;
            }
        }
        job_call->has_progress = false;
        if (job_call->progress.is_done) {
            job_call_finish(service, job_call);
            return;
        }
        if (is_gone) {
            return;
        }
    }
}

void jf_job_call_turn(struct jf_service *service)
{
    if (service->jobs == NULL) {
        return;
    }
    atomic_store_explicit(&service->job_news, 0, memory_order_release);
    uint64_t now_us = service->clock_us();
    struct jf_job_call *next;
    for (struct jf_job_call *job_call = service->jobs; job_call != NULL; job_call = next) {
        next = job_call->next;
        job_call_turn(service, job_call, now_us);
    }
}

void jf_job_call_drain(struct jf_service *service)
{
    for (struct jf_job_call *job_call = service->jobs; job_call != NULL;
         job_call = job_call->next) {
        jf_job_cancel(job_call->job);
    }
}
