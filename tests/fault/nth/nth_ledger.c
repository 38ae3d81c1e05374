// The engine, asked by one lane. What the fingerprint holds: all control rows and counts, and every
// member's balance and record of the day; not the stamps, which a retry moves.
#include "nth_ledger.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "directory.h"
#include "nth_day.h"

#define ARENA_BYTES     ((size_t)65536)
#define ARENA_BYTES_MAX ((size_t)64 << 20)
#define TEXT_BYTES      16384u

static uint64_t clock_read(void *context)
{
    struct nth_ledger *ledger = context;
    return atomic_fetch_add(&ledger->clock_us, 1000) + 1000;
}

void nth_ledger_init(struct nth_ledger *ledger, const char *path)
{
    memset(ledger, 0, sizeof *ledger);
    ledger->config = rig_config(path);
    ledger->config.clock_us = clock_read;
    ledger->config.clock_context = ledger;
    atomic_init(&ledger->clock_us, (uint64_t)NTH_NOW_MS * 1000);
    jf_arena_init(&ledger->arena, ARENA_BYTES, ARENA_BYTES_MAX);
    pthread_mutex_init(&ledger->mutex, NULL);
    pthread_cond_init(&ledger->answered, NULL);
}

void nth_ledger_deinit(struct nth_ledger *ledger)
{
    cr_assert_null(ledger->engine);
    jf_arena_deinit(&ledger->arena);
    pthread_mutex_destroy(&ledger->mutex);
    pthread_cond_destroy(&ledger->answered);
}

static void wake(void *context)
{
    struct nth_ledger *ledger = context;
    pthread_mutex_lock(&ledger->mutex);
    pthread_cond_signal(&ledger->answered);
    pthread_mutex_unlock(&ledger->mutex);
}

enum jf_error nth_ledger_open(struct nth_ledger *ledger)
{
    ledger->diagnosis = (struct jf_diagnosis){.error = JF_OK};
    enum jf_error error =
        jf_engine_open(&ledger->config, &ledger->engine, &ledger->opening, &ledger->diagnosis);
    if (error != JF_OK) {
        ledger->engine = NULL;
        return error;
    }
    error = jf_engine_lane_open(ledger->engine, wake, ledger, &ledger->lane);
    if (error != JF_OK) {
        (void)jf_diagnose(&ledger->diagnosis, error, "no lane: %s", jf_error_text(error));
        ledger->lane = NULL;
        (void)nth_ledger_close(ledger);
    }
    return error;
}

enum jf_error nth_ledger_close(struct nth_ledger *ledger)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    jf_engine_lane_close(ledger->lane);
    enum jf_error error = jf_engine_close(ledger->engine, &diagnosis);
    ledger->lane = NULL;
    ledger->engine = NULL;
    if (error != JF_OK) {
        ledger->diagnosis = diagnosis;
    }
    return error;
}

enum jf_error nth_ledger_ask(struct nth_ledger *ledger, struct jf_request *request)
{
    request->arena = &ledger->arena;
    enum jf_error error = jf_lane_submit(ledger->lane, request);
    if (error != JF_OK) {
        return error;
    }
    jf_lane_flush(ledger->lane);
    pthread_mutex_lock(&ledger->mutex);
    while (!jf_lane_has_answers(ledger->lane)) {
        pthread_cond_wait(&ledger->answered, &ledger->mutex);
    }
    pthread_mutex_unlock(&ledger->mutex);
    cr_assert_eq(jf_lane_collect(ledger->lane), request);
    return JF_OK;
}

static void add(char *text, uint32_t *size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add(char *text, uint32_t *size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(text + *size, TEXT_BYTES - *size, format, arguments);
    va_end(arguments);
    cr_assert(written >= 0 && *size + (uint32_t)written < TEXT_BYTES);
    *size += (uint32_t)written;
}

static void member_add(struct nth_ledger *ledger, uint64_t number, char *text, uint32_t *size)
{
    struct jf_request request = {.kind = JF_REQUEST_GET_MEMBER};
    request.query.member.number.value = number;
    request.query.as_of = JF_DATE_NONE;
    cr_assert_eq(nth_ledger_ask(ledger, &request), JF_OK);
    cr_assert_null(request.answer.refusal, "member %llu", (unsigned long long)number);
    const struct jf_member *member = request.answer.member;
    add(text, size, "m%llu %d %lld %u %u %u %u;", (unsigned long long)number, (int)member->status,
        (long long)jf_member_balance(member), member->lot_count, member->card_count,
        member->hold_count, member->tier);
}

uint64_t nth_ledger_fingerprint(struct nth_ledger *ledger)
{
    char *text = malloc(TEXT_BYTES);
    uint32_t size = 0;
    struct jf_request request = {.kind = JF_REQUEST_STATUS};
    cr_assert_not_null(text);
    jf_arena_reset(&ledger->arena);
    cr_assert_eq(nth_ledger_ask(ledger, &request), JF_OK);
    cr_assert_null(request.answer.refusal);
    const struct jf_status_answer *status = request.answer.status;
    add(text, &size, "p%llu v%u s%u;", (unsigned long long)status->position_last,
        status->programme_version, status->store_count);
    for (uint32_t i = 0; i < status->row_count; i++) {
        const struct jf_control_row *row = &status->rows[i];
        add(text, &size, "%d/%u/%u %lld;", (int)row->account, row->entity.value, row->reason,
            (long long)row->points);
    }
    for (uint64_t number = 1; number <= NTH_MEMBERS; number++) {
        member_add(ledger, number, text, &size);
    }
    uint64_t hash = jf_hash64(text, size);
    free(text);
    return hash;
}
