// The scrubber's thread: a slice, a pause, a slice, until everything was read; then it waits until
// the period is over. The pace is that of everything at rest over three quarters of the period, the
// rest is for growth and for stops, and never below 4 MiB/s, so that what is small is soon done.
// Fails never: damage is told, want of memory is waited out.
#include "engine/scrub.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "engine/clock.h"
#include "engine/scrub_private.h"

#define PACE_BYTES_MIN ((uint64_t)4 << 20) // a second
#define SAVE_US        UINT64_C(60000000)  // between notes of where it is
#define RETRY_US       UINT64_C(1000000)   // after want of memory
#define SECOND_US      UINT64_C(1000000)
#define IO_IDLE        (3 << 13) // ioprio_set: only when nobody else reads
#define IO_OF_THREAD   1

struct jf_scrub {
    struct jf_scrub_config config;
    char *journal_directory;
    char *state_directory;
    pthread_t thread;
    pthread_mutex_t mutex; // is_stopping, status
    pthread_cond_t condition;
    bool is_stopping;
    struct jf_scrub_status status;
    // The thread's own:
    struct jf_scrub_memory memory;
    struct jf_scrub_reading reading;
    uint64_t saved_us;
};

// Waits so long, or until it is to stop. Returns: whether to go on.
static bool pause_for(struct jf_scrub *scrub, uint64_t us)
{
    uint64_t until_us = jf_clock_monotonic_us() + us;
    struct timespec until = {.tv_sec = (time_t)(until_us / SECOND_US),
                             .tv_nsec = (long)(until_us % SECOND_US * 1000)};
    int result = 0;
    pthread_mutex_lock(&scrub->mutex);
    while (!scrub->is_stopping && result == 0 && us > 0) {
        result = pthread_cond_timedwait(&scrub->condition, &scrub->mutex, &until);
    }
    bool must_stop = scrub->is_stopping;
    pthread_mutex_unlock(&scrub->mutex);
    return !must_stop;
}

static void status_publish(struct jf_scrub *scrub)
{
    pthread_mutex_lock(&scrub->mutex);
    scrub->status = scrub->memory.status;
    pthread_mutex_unlock(&scrub->mutex);
}

static void memory_save(struct jf_scrub *scrub, bool must_save)
{
    uint64_t now_us = jf_clock_monotonic_us();
    if (must_save || now_us - scrub->saved_us >= SAVE_US) {
        scrub->saved_us = now_us;
        jf_scrub_memory_save(scrub->config.data_directory, &scrub->memory);
    }
}

static void damage_found(struct jf_scrub *scrub, const struct jf_diagnosis *diagnosis)
{
    struct jf_scrub_memory *memory = &scrub->memory;
    if (!memory->has_found) {
        memory->has_found = true;
        memory->status.damage_count = 0;
        memcpy(memory->status.damage, diagnosis->text, sizeof memory->status.damage);
    }
    memory->status.damage_count += 1;
    status_publish(scrub);
    memory_save(scrub, true);
    if (scrub->config.on_damage != NULL) {
        scrub->config.on_damage(scrub->config.on_damage_context, diagnosis->text);
    }
}

static void pass_begin(struct jf_scrub *scrub)
{
    struct jf_scrub_status status = scrub->memory.status;
    scrub->memory = (struct jf_scrub_memory){.begun_us = jf_clock_unix_us(NULL), .status = status};
}

static void pass_end(struct jf_scrub *scrub)
{
    struct jf_scrub_memory *memory = &scrub->memory;
    memory->status.passed_us = jf_clock_unix_us(NULL);
    if (!memory->has_found) {
        memory->status.damage_count = 0;
        memory->status.damage[0] = '\0';
    }
    status_publish(scrub);
    memory_save(scrub, true);
}

// Microseconds until the next pass is due. A clock that was set back does not put it off.
static uint64_t pass_wait_us(const struct jf_scrub *scrub)
{
    uint64_t now_us = jf_clock_unix_us(NULL);
    uint64_t begun_us = scrub->memory.begun_us;
    if (begun_us == 0 || now_us < begun_us || now_us - begun_us >= scrub->config.period_us) {
        return 0;
    }
    return scrub->config.period_us - (now_us - begun_us);
}

static uint64_t slice_pause_us(const struct jf_scrub *scrub, uint64_t bytes)
{
    uint64_t total = jf_scrub_bytes_total(&scrub->reading);
    uint64_t seconds = scrub->config.period_us / SECOND_US;
    uint64_t pace = seconds == 0 ? UINT64_MAX : total / seconds * 4 / 3;
    pace = pace < PACE_BYTES_MIN ? PACE_BYTES_MIN : pace;
    return pace == UINT64_MAX ? 0 : bytes * SECOND_US / pace;
}

// One slice. Returns: how long to pause after it.
static uint64_t slice_read(struct jf_scrub *scrub)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    uint64_t bytes = 0;
    enum jf_error error = jf_scrub_read(&scrub->reading, &scrub->memory, scrub->config.slice_bytes,
                                        &bytes, &diagnosis);
    bool is_waiting = error == JF_ERROR_NO_MEMORY || error == JF_ERROR_NO_SPACE;
    if (error != JF_OK && !is_waiting) {
        damage_found(scrub, &diagnosis);
    }
    if (scrub->memory.part == JF_SCRUB_DONE) {
        pass_end(scrub);
    } else {
        memory_save(scrub, false);
    }
    return is_waiting ? RETRY_US : slice_pause_us(scrub, bytes);
}

static void *thread_main(void *context)
{
    struct jf_scrub *scrub = context;
    pid_t thread = (pid_t)syscall(SYS_gettid);
    (void)pthread_setname_np(pthread_self(), "jifen-scrub");
    (void)setpriority(PRIO_PROCESS, (id_t)thread, 19);
    (void)syscall(SYS_ioprio_set, IO_OF_THREAD, thread, IO_IDLE);
    uint64_t wait_us = 0;
    while (pause_for(scrub, wait_us)) {
        bool is_between = scrub->memory.part == JF_SCRUB_DONE || scrub->memory.begun_us == 0;
        wait_us = is_between ? pass_wait_us(scrub) : 0;
        if (is_between && wait_us == 0) {
            pass_begin(scrub);
        } else if (!is_between) {
            wait_us = slice_read(scrub);
        }
    }
    memory_save(scrub, true);
    return NULL;
}

static char *path_join(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL) {
        (void)snprintf(path, size, "%s/%s", directory, name);
    }
    return path;
}

static void scrub_free(struct jf_scrub *scrub)
{
    jf_scrub_reading_close(&scrub->reading);
    pthread_cond_destroy(&scrub->condition);
    pthread_mutex_destroy(&scrub->mutex);
    free(scrub->journal_directory);
    free(scrub->state_directory);
    free(scrub);
}

static void condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

enum jf_error jf_scrub_start(const struct jf_scrub_config *config, struct jf_scrub **out_scrub,
                             struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(config->period_us > 0);
    JF_ASSERT(config->slice_bytes > 0);
    struct jf_scrub *scrub = calloc(1, sizeof *scrub);
    if (scrub == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for the scrubber");
    }
    scrub->config = *config;
    pthread_mutex_init(&scrub->mutex, NULL);
    condition_init(&scrub->condition);
    scrub->journal_directory = path_join(config->data_directory, "journal");
    scrub->state_directory = path_join(config->data_directory, "state");
    scrub->reading.journal_directory = scrub->journal_directory;
    scrub->reading.state_directory = scrub->state_directory;
    jf_scrub_memory_load(config->data_directory, &scrub->memory);
    scrub->status = scrub->memory.status;
    scrub->saved_us = jf_clock_monotonic_us();
    if (scrub->journal_directory == NULL || scrub->state_directory == NULL ||
        pthread_create(&scrub->thread, NULL, thread_main, scrub) != 0) {
        scrub_free(scrub);
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for the scrubber's thread");
    }
    *out_scrub = scrub;
    return JF_OK;
}

void jf_scrub_stop(struct jf_scrub *scrub)
{
    if (scrub == NULL) {
        return;
    }
    pthread_mutex_lock(&scrub->mutex);
    scrub->is_stopping = true;
    pthread_cond_signal(&scrub->condition);
    pthread_mutex_unlock(&scrub->mutex);
    pthread_join(scrub->thread, NULL);
    scrub_free(scrub);
}

void jf_scrub_status(struct jf_scrub *scrub, struct jf_scrub_status *out_status)
{
    pthread_mutex_lock(&scrub->mutex);
    *out_status = scrub->status;
    pthread_mutex_unlock(&scrub->mutex);
}
