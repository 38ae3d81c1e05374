// What a job posts: commands gathered into requests, one request in flight, each answered before
// the next goes, so that a till never waits for more than one of them. The transaction id of a
// command is made of the job's kind, its run and the member: a run that is sent again posts nothing
// twice.
//
// One thread, the job's. Memory: the caller's.
#ifndef JF_ENGINE_JOB_POST_H
#define JF_ENGINE_JOB_POST_H

#include "engine/job_private.h"

#define JF_JOB_WRITES_MAX 64u // commands of one request: few, since tills wait behind them

struct jf_job_post {
    struct jf_job *job;
    struct jf_lane *lane;
    const char *prefix; // of transaction ids: "tiers"
    // Called for each command in order, once it is durable. In: its index among those queued since
    // the last call of all; status POSTED, REPLAYED or UNCHANGED.
    enum jf_error (*answered)(void *context, uint32_t index, const struct jf_write *write,
                              struct jf_diagnosis *diagnosis);
    void *context;
    struct jf_arena arena; // answers, until the next request
    struct jf_write writes[JF_JOB_WRITES_MAX];
    struct jf_member_id members[JF_JOB_WRITES_MAX];
    char ids[JF_JOB_WRITES_MAX][JF_TRANSACTION_ID_BYTES_MAX + 1];
    uint32_t count;
};

// In: job, lane, prefix, answered and context are set, the rest is zero.
void jf_job_post_init(struct jf_job_post *post);
void jf_job_post_deinit(struct jf_job_post *post);

// Binds the run's id to its date: the same run again goes on, the same id with another date is
// refused before anything is posted. In: the command with member 0 and without transaction id.
// Errors: what jf_job_refused says, diagnosed; the engine's.
JF_MUST_USE enum jf_error jf_job_post_begin(struct jf_job_post *post,
                                            const struct jf_command *command,
                                            struct jf_diagnosis *diagnosis);

// The index that the next command will be answered with.
static inline uint32_t jf_job_post_next(const struct jf_job_post *post)
{
    return post->count;
}

// Queues a command without transaction id; a full request is posted. Errors: JF_ERROR_INVALID, a
// refusal that names the member; what `answered` returned; the engine's.
JF_MUST_USE enum jf_error jf_job_post_add(struct jf_job_post *post,
                                          const struct jf_command *command,
                                          struct jf_member_id member,
                                          struct jf_diagnosis *diagnosis);
// Posts what is queued. Errors: as above.
JF_MUST_USE enum jf_error jf_job_post_all(struct jf_job_post *post, struct jf_diagnosis *diagnosis);

#endif
