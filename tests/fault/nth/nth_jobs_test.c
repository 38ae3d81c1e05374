// Claims about jobs and feeds where memory runs out: whichever allocation of a recalculation of
// tiers, of an expiry, of a verification or of a follower fails, in whatever thread, it ends, says
// so, and changes nothing that it did not post; started again it comes to its end.
#include <criterion/criterion.h>

#include <pthread.h>
#include <string.h>

#include "directory.h"
#include "engine/follow.h"
#include "engine/jobs.h"
#include "nth.h"
#include "nth_drive.h"

#define AS_OF    20600 // 2026-05-27
#define FOLLOWED 20u   // entries
// A run takes longer under AddressSanitizer, which looks for what is left behind.
#if defined(__SANITIZE_ADDRESS__)
#define STRIDE 2u
#else
#define STRIDE 1u
#endif

struct news {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool has_news;
};

static struct news news = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};

static void wake(void *context)
{
    (void)context;
    pthread_mutex_lock(&news.mutex);
    news.has_news = true;
    pthread_cond_signal(&news.changed);
    pthread_mutex_unlock(&news.mutex);
}

static void news_wait(void)
{
    pthread_mutex_lock(&news.mutex);
    while (!news.has_news) {
        pthread_cond_wait(&news.changed, &news.mutex);
    }
    news.has_news = false;
    pthread_mutex_unlock(&news.mutex);
}

static bool is_excused(enum jf_error error)
{
    return error == JF_ERROR_NO_MEMORY;
}

// Each begins what it is named for and sees it to its end.
typedef enum jf_error (*task)(struct jf_engine *engine, struct jf_diagnosis *diagnosis);

static enum jf_error job_end(struct jf_job *job, struct jf_job_progress *out_progress)
{
    do {
        news_wait();
        (void)jf_job_take(job, out_progress);
    } while (!out_progress->is_done);
    jf_job_release(job);
    return out_progress->error;
}

static enum jf_error tiers(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    static struct jf_job_progress progress;
    struct jf_tiers_job_input input = {.run = {JF_TEXT("tiers"), AS_OF}, .is_listed = true};
    struct jf_job *job = NULL;
    progress.is_done = false;
    enum jf_error error = jf_job_start_tiers(engine, &input, wake, NULL, &job, diagnosis);
    if (error == JF_OK) {
        error = job_end(job, &progress);
        *diagnosis = progress.diagnosis;
    }
    return error;
}

static enum jf_error expire(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    static struct jf_job_progress progress;
    struct jf_run_input input = {JF_TEXT("expire"), AS_OF};
    struct jf_job *job = NULL;
    progress.is_done = false;
    enum jf_error error = jf_job_start_expire(engine, &input, wake, NULL, &job, diagnosis);
    if (error == JF_OK) {
        error = job_end(job, &progress);
        *diagnosis = progress.diagnosis;
    }
    return error;
}

static enum jf_error verify(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    static struct jf_job_progress progress;
    struct jf_job *job = NULL;
    progress.is_done = false;
    enum jf_error error = jf_job_start_verify(engine, wake, NULL, &job, diagnosis);
    if (error == JF_OK) {
        error = job_end(job, &progress);
        *diagnosis = progress.diagnosis;
        cr_assert(error != JF_OK || progress.ties, "%s: %s", nth_what(), progress.difference);
    }
    return error;
}

static enum jf_error whole_render(void *context, struct jf_text entry, struct jf_arena *arena,
                                  struct jf_text *out_message)
{
    (void)context;
    char *copy = jf_arena_alloc(arena, entry.size);
    if (copy == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    memcpy(copy, entry.data, entry.size);
    *out_message = (struct jf_text){copy, entry.size};
    return JF_OK;
}

static enum jf_error follow(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    struct jf_follow_input input = {.from_position = 1, .render = whole_render, .wake = wake};
    struct jf_follower *follower = NULL;
    struct jf_follow_state state = {.error = JF_OK};
    struct jf_follow_item item;
    uint32_t taken = 0;
    enum jf_error error = jf_follower_start(engine, &input, &follower, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    while (taken < FOLLOWED && !state.is_ended) {
        if (jf_follower_take(follower, &item)) {
            taken += 1;
            cr_assert_eq(item.position, taken);
            continue;
        }
        jf_follower_state(follower, &state);
        if (!state.is_ended) {
            news_wait();
        }
    }
    jf_follower_release(follower);
    *diagnosis = state.diagnosis;
    return state.is_ended ? state.error : JF_OK;
}

static void every_allocation_fails(const char *name, task run)
{
    char path[RIG_PATH_BYTES];
    struct nth_ledger ledger;
    uint32_t progress = 0;
    struct nth_plan plan = {.kinds = NTH_MEMORY, .first = 1};
    rig_directory_make(path);
    nth_ledger_init(&ledger, path);
    nth_drive_open(&ledger, is_excused);
    nth_drive_day(&ledger, is_excused, &progress, nth_day_steps(), nth_day_step);
    for (bool was_reached = true; was_reached; plan.first += STRIDE) {
        struct jf_diagnosis diagnosis = {.text = ""};
        news.has_news = false;
        nth_begin(&plan);
        enum jf_error error = run(ledger.engine, &diagnosis);
        was_reached = nth_end();
        bool has_failed = jf_engine_has_failed(ledger.engine, NULL);
        bool is_failure_excused = is_excused(error) || (has_failed && error == JF_ERROR_CLOSED);
        cr_assert(error == JF_OK || (was_reached && is_failure_excused), "%s: %s: %s: %s", name,
                  nth_what(), jf_error_text(error), diagnosis.text);
        if (has_failed) {
            nth_drive_close(&ledger, is_excused);
            nth_drive_open(&ledger, is_excused);
        }
    }
    cr_log_info("%s: %llu allocations", name, (unsigned long long)plan.first - 1 - STRIDE);
    struct jf_diagnosis diagnosis = {.text = ""};
    cr_assert_eq(verify(ledger.engine, &diagnosis), JF_OK, "%s", diagnosis.text);
    cr_assert_eq(nth_ledger_close(&ledger), JF_OK, "%s", ledger.diagnosis.text);
    nth_ledger_deinit(&ledger);
    rig_directory_remove(path);
}

Test(nth_jobs, recalculation_ends_whichever_allocation_fails)
{
    every_allocation_fails("tiers", tiers);
}

Test(nth_jobs, expiry_ends_whichever_allocation_fails)
{
    every_allocation_fails("expire", expire);
}

Test(nth_jobs, verification_ends_whichever_allocation_fails)
{
    every_allocation_fails("verify", verify);
}

Test(nth_jobs, follower_ends_whichever_allocation_fails)
{
    every_allocation_fails("follow", follow);
}
