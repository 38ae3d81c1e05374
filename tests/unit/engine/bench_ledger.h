// A small ledger in a temporary directory for the engine's tests: one store, one programme,
// requests that wait for their answer. One thread.
#ifndef JF_TESTS_BENCH_LEDGER_H
#define JF_TESTS_BENCH_LEDGER_H

#include <pthread.h>

#include "engine/engine.h"

struct ledger {
    char directory[64];
    struct jf_engine_config config;
    struct jf_engine *engine;
    struct jf_engine_opening opening;
    struct jf_lane *lane;
    struct jf_arena arena;
    struct jf_write write; // of the last question
    pthread_mutex_t mutex;
    pthread_cond_t answered;
    uint64_t clock_us; // what the ledger believes; advanced by tests
};

// 2026-06-15 12:00:00 UTC.
#define LEDGER_NOW_MS INT64_C(1781524800000)

void ledger_make(struct ledger *ledger);   // directory and configuration, nothing opened
void ledger_open(struct ledger *ledger);   // engine and lane; fails the test on error
void ledger_close(struct ledger *ledger);  // clean
void ledger_remove(struct ledger *ledger); // the directory
void ledger_begin(struct ledger *ledger);  // opens, publishes the programme, makes store 1
void ledger_start(struct ledger *ledger);  // make and begin

struct jf_write *ledger_write(struct ledger *ledger, const struct jf_command *command);
void ledger_ask(struct ledger *ledger, struct jf_request *request);

struct jf_command command_enrol(const char *id, uint64_t number, const struct jf_text *card);
// One line of `amount` minor units of category "DRUG" at store 1, terminal 1, receipt number = id.
struct jf_command command_sale(const char *id, uint64_t member, const struct jf_line *line);
struct jf_command command_redeem(const char *id, uint64_t member, int64_t points);
// Until a minute after LEDGER_NOW_MS.
struct jf_command command_hold(const char *id, uint64_t member, int64_t points);
struct jf_command command_capture(const char *id, const char *hold_id, int64_t points);
struct jf_command command_void(const char *id, const char *hold_id);
struct jf_command command_return_all(const char *id, const char *sale_id);

#define LEDGER_PROGRAMME                                                                           \
    "name: test\n"                                                                                 \
    "effective_from: 2020-01-01T00:00:00Z\n"                                                       \
    "earn: {points: 1, per_amount: \"1.00\"}\n"                                                    \
    "expiry: {policy: month_end, months: 12}\n"                                                    \
    "redemption: {points: 100, amount: \"1.00\", minimum: 100, step: 100}\n"                       \
    "tiers:\n"                                                                                     \
    "  window_months: 12\n"                                                                        \
    "  levels:\n"                                                                                  \
    "    - {name: basic}\n"                                                                        \
    "    - {name: silver, spend: \"1000.00\"}\n"

#endif
