// The happy path: queue, post, hear each answer. Fails: a refusal ends the job with a sentence that
// names the member; what was posted before stays.
#include "engine/job_post.h"

#include <stdio.h>

#include "base/assert.h"

#define ARENA_BYTES     ((size_t)65536)
#define ARENA_BYTES_MAX ((size_t)64 << 20)

void jf_job_post_init(struct jf_job_post *post)
{
    JF_ASSERT(post->prefix != NULL);
    jf_arena_init(&post->arena, ARENA_BYTES, ARENA_BYTES_MAX);
}

void jf_job_post_deinit(struct jf_job_post *post)
{
    jf_arena_deinit(&post->arena);
}

static enum jf_error ask(struct jf_job_post *post, struct jf_write *writes, uint32_t count)
{
    jf_arena_reset(&post->arena);
    struct jf_request request = {
        .kind = JF_REQUEST_WRITE, .arena = &post->arena, .writes = writes, .write_count = count};
    return jf_job_ask(post->job, post->lane, &request);
}

enum jf_error jf_job_post_begin(struct jf_job_post *post, const struct jf_command *command,
                                struct jf_diagnosis *diagnosis)
{
    const struct jf_job *job = post->job;
    char id[JF_TRANSACTION_ID_BYTES_MAX + 1];
    int size = snprintf(id, sizeof id, "%s/%.*s", post->prefix, (int)job->run_id_size, job->run_id);
    struct jf_write write = {.command = *command};
    write.command.transaction_id = (struct jf_text){id, (uint32_t)size};
    enum jf_error error = ask(post, &write, 1);
    if (error == JF_OK && write.status == JF_WRITE_REFUSED) {
        bool is_other = write.refusal->code == JF_REFUSAL_TRANSACTION_CONFLICT;
        return jf_diagnose(diagnosis, jf_job_refused(write.refusal), "run %.*s: %s %s",
                           (int)job->run_id_size, job->run_id,
                           is_other ? "TRANSACTION_CONFLICT: it was begun as of another date; give "
                                      "another run_id"
                                    : jf_refusal_sentence(write.refusal->code),
                           write.refusal->detail);
    }
    return error;
}

enum jf_error jf_job_post_all(struct jf_job_post *post, struct jf_diagnosis *diagnosis)
{
    if (post->count == 0) {
        return JF_OK;
    }
    enum jf_error error = ask(post, post->writes, post->count);
    for (uint32_t i = 0; i < post->count && error == JF_OK; i++) {
        const struct jf_write *write = &post->writes[i];
        if (write->status == JF_WRITE_REFUSED) {
            return jf_diagnose(diagnosis, jf_job_refused(write->refusal), "member %llu: %s %s",
                               (unsigned long long)post->members[i].value,
                               jf_refusal_sentence(write->refusal->code), write->refusal->detail);
        }
        error = post->answered(post->context, i, write, diagnosis);
    }
    post->count = 0;
    return error;
}

enum jf_error jf_job_post_add(struct jf_job_post *post, const struct jf_command *command,
                              struct jf_member_id member, struct jf_diagnosis *diagnosis)
{
    const struct jf_job *job = post->job;
    JF_ASSERT(post->count < JF_JOB_WRITES_MAX);
    char *id = post->ids[post->count];
    int size = snprintf(id, sizeof post->ids[0], "%s/%.*s/%llu", post->prefix,
                        (int)job->run_id_size, job->run_id, (unsigned long long)member.value);
    JF_ASSERT(size > 0);
    JF_ASSERT((uint32_t)size <= JF_TRANSACTION_ID_BYTES_MAX);
    struct jf_write *write = &post->writes[post->count];
    memset(write, 0, sizeof *write);
    write->command = *command;
    write->command.transaction_id = (struct jf_text){id, (uint32_t)size};
    post->members[post->count] = member;
    post->count += 1;
    return post->count == JF_JOB_WRITES_MAX ? jf_job_post_all(post, diagnosis) : JF_OK;
}
