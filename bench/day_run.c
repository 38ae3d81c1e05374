// Each customer who has come is a call: it waits in the store's line until one of its tills is
// free, is sent, is answered; a sale may then be sent once more, as by a till that has not heard
// the answer. Latency runs from the instant of coming. A store's drain is one batch, which goes
// beside its tills and is sent again where the ledger has no room for it. Fails: no memory, no
// connection, nothing answered for 30 s; what single calls end with is counted.
#include "bench/day_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "bench/options.h"
#include "bench/process.h"
#include "bench/random.h"
#include "bench/wire.h"
#include "jifen/v1/common.pb-c.h"
#include "tools/jifen/rpc_details.h"

#define TURN_US              5000u
#define STALL_S              30.0
#define TICK_S               0.1
#define CALLS_PER_CONNECTION 800u // below what the server allows
#define CONNECTIONS_MIN      4u
#define CLOSE_TURNS_MAX      500u

struct day;

struct store {
    struct jf_client *client;
    uint32_t tills_busy;
    struct jf_day_queue queue;
    struct customer *first; // in the line
    struct customer *last;
};

struct customer {
    struct customer *next;
    struct day *day;
    struct store *store;
    double came_s;
    struct jf_day_ask ask;
    const unsigned char *bytes; // what is sent: the ask's, or a replayed sale's
    bool is_retry;
    bool is_replayed;
    bool is_right; // an answer was read and was none of nonsense
};

struct drain {
    struct day *day;
    struct store *store;
    unsigned char *bytes;
    uint32_t size;
    bool is_waiting; // to be sent at
    double at_s;
    struct jf_answers answers;
    bool is_right;
};

struct day {
    const struct jf_day_config *config;
    struct jf_clients *clients;
    struct jf_day_asks *asks;
    struct jf_day_result *result;
    struct jf_client **connections;
    uint32_t connection_count;
    struct store *stores;
    struct drain *drains;
    uint32_t drains_left;
    uint64_t open_calls;
    uint64_t customers; // who are not answered yet
    uint64_t random;
    uint64_t begun_ns;
    double next_s; // of the next customer
    uint64_t replayed_at;
    double moved_s;
    double ticked_s;
    bool has_drained; // the drain has begun
    bool is_broken;   // a connection has failed, or memory is out
};

static double now_s(const struct day *day)
{
    return (double)(jf_bench_now_ns() - day->begun_ns) / 1e9;
}

static void failure_note(struct day *day, const char *what, struct jf_text why)
{
    struct jf_day_result *result = day->result;
    if (result->failures++ == 0) {
        (void)snprintf(result->failure, sizeof result->failure, "%s%.*s", what, (int)why.size,
                       why.size == 0 ? "" : why.data);
    }
}

// ---- Tills ----------------------------------------------------------------------------

static void refusal_note(struct day *day, const struct jf_client_result *result)
{
    struct jf_text bytes = {NULL, 0};
    Jifen__V1__Refusal *refusal = NULL;
    if (jf_rpc_details_find_refusal(result->details, &bytes)) {
        refusal = jifen__v1__refusal__unpack(NULL, bytes.size, (const uint8_t *)bytes.data);
    }
    if (refusal != NULL) {
        jf_day_tally_refuse(&day->result->tally, jf_text_from(refusal->code));
        jifen__v1__refusal__free_unpacked(refusal, NULL);
    } else {
        failure_note(day, "a call failed: ", result->message);
    }
}

static void on_message(void *context, struct jf_client_call *call, const unsigned char *bytes,
                       uint32_t size)
{
    struct customer *customer = context;
    enum jf_day_kind kind = customer->ask.kind;
    struct jf_answers answers = {0};
    (void)call;
    if (kind == JF_DAY_QUOTE || kind == JF_DAY_GET) {
        customer->is_right = size > 0;
        return;
    }
    customer->is_right = jf_answer_write((struct jf_text){(const char *)bytes, size}, &answers) &&
                         answers.accepted == 1;
    customer->is_replayed = answers.replayed == 1;
}

static void customer_send(struct customer *customer);

static void store_next(struct day *day, struct store *store)
{
    struct customer *customer = store->first;
    if (customer == NULL || store->tills_busy == day->config->tills) {
        return;
    }
    store->first = customer->next;
    store->last = store->first == NULL ? NULL : store->last;
    jf_day_queue_leave(&day->result->tally, &store->queue, now_s(day));
    customer_send(customer);
}

static void customer_end(struct customer *customer)
{
    struct day *day = customer->day;
    struct store *store = customer->store;
    store->tills_busy -= 1;
    day->customers -= 1;
    free(customer);
    store_next(day, store);
}

// A sale that was answered may be sent again, by the same till.
static bool retry_send(struct customer *customer)
{
    struct day *day = customer->day;
    if (customer->is_retry || customer->ask.kind != JF_DAY_SALE ||
        jf_random_next(&day->random) % 100 >= day->config->retries_percent) {
        return false;
    }
    customer->is_retry = true;
    customer->came_s = now_s(day);
    customer->store->tills_busy -= 1;
    customer_send(customer);
    return true;
}

static void answered(struct customer *customer)
{
    struct day *day = customer->day;
    struct jf_day_result *result = day->result;
    enum jf_day_kind kind = customer->is_retry ? JF_DAY_RETRY : customer->ask.kind;
    jf_day_tally_answer(&result->tally, &day->config->plan, kind, customer->came_s, now_s(day));
    result->tally.accepted[kind] += 1;
    if (!customer->is_right || customer->is_retry != customer->is_replayed) {
        failure_note(day, "an answer is malformed, or not the first one again",
                     (struct jf_text){NULL, 0});
    }
    if (kind == JF_DAY_SALE) {
        result->sales += 1;
    }
    result->replayed += kind == JF_DAY_RETRY ? 1 : 0;
}

static void on_done(void *context, struct jf_client_call *call,
                    const struct jf_client_result *result)
{
    struct customer *customer = context;
    struct day *day = customer->day;
    (void)call;
    day->open_calls -= 1;
    day->moved_s = now_s(day);
    if (result->status == JF_STATUS_OK) {
        answered(customer);
        if (retry_send(customer)) {
            return;
        }
        if (customer->ask.kind == JF_DAY_SALE && day->config->replayed == NULL) {
            jf_day_ask_sold(day->asks, customer->ask.sale_id);
        }
    } else if (result->status == JF_STATUS_RESOURCE_EXHAUSTED) {
        day->result->overloads += 1;
    } else {
        refusal_note(day, result);
    }
    customer_end(customer);
}

static const struct jf_client_events events = {on_message, on_done};

static void customer_send(struct customer *customer)
{
    struct day *day = customer->day;
    struct jf_client_call *call = jf_client_call_start(
        customer->store->client, jf_day_ask_path(customer->ask.kind), &events, customer, 0);
    customer->store->tills_busy += 1;
    customer->is_right = false;
    customer->is_replayed = false;
    if (call == NULL) {
        day->is_broken = true; // the day ends: nobody is served there any more
        failure_note(day, "a call cannot be started", (struct jf_text){NULL, 0});
        free(customer);
        return;
    }
    day->open_calls += 1;
    unsigned char *room = jf_client_call_send(call, customer->ask.size);
    if (room == NULL) {
        failure_note(day, "out of memory for a request", (struct jf_text){NULL, 0});
        jf_client_call_cancel(call); // on_done ends it
        return;
    }
    memcpy(room, customer->bytes, customer->ask.size);
    jf_client_call_half_close(call);
}

// In: replayed: NULL for a customer of the plan.
static void customer_ask(struct customer *customer, const struct jf_day_replayed *replayed)
{
    struct day *day = customer->day;
    if (replayed == NULL) {
        jf_day_ask_make(day->asks,
                        jf_day_kind_draw(&day->config->plan, jf_random_next(&day->random)),
                        &customer->ask);
        customer->bytes = customer->ask.bytes;
        return;
    }
    customer->ask.kind = JF_DAY_SALE;
    customer->ask.size = replayed->size;
    customer->bytes = replayed->bytes;
}

static void customer_come(struct day *day, double came_s, const struct jf_day_replayed *replayed)
{
    uint64_t line =
        replayed == NULL ? jf_random_next(&day->random) % day->config->stores : replayed->store;
    JF_ASSERT(line < day->config->stores);
    struct store *store = &day->stores[line];
    struct customer *customer = calloc(1, sizeof *customer);
    jf_day_tally_arrive(&day->result->tally, &day->config->plan, came_s);
    if (customer == NULL) {
        failure_note(day, "out of memory for a customer", (struct jf_text){NULL, 0});
        return;
    }
    *customer = (struct customer){.day = day, .store = store, .came_s = came_s};
    customer_ask(customer, replayed);
    day->customers += 1;
    if (store->tills_busy < day->config->tills) {
        customer_send(customer);
        return;
    }
    jf_day_queue_join(&day->result->tally, &day->config->plan, &store->queue, came_s);
    if (store->last == NULL) {
        store->first = customer;
    } else {
        store->last->next = customer;
    }
    store->last = customer;
}

// ---- The drain ------------------------------------------------------------------------

static void drain_send(struct drain *drain);

static void on_drain_message(void *context, struct jf_client_call *call, const unsigned char *bytes,
                             uint32_t size)
{
    struct drain *drain = context;
    (void)call;
    drain->is_right = jf_answer_batch((struct jf_text){(const char *)bytes, size}, &drain->answers);
}

static void on_drain_done(void *context, struct jf_client_call *call,
                          const struct jf_client_result *result)
{
    struct drain *drain = context;
    struct day *day = drain->day;
    (void)call;
    day->open_calls -= 1;
    day->moved_s = now_s(day);
    if (result->status == JF_STATUS_RESOURCE_EXHAUSTED) {
        day->result->overloads += 1;
        drain->is_waiting = true;
        drain->at_s = now_s(day) + (double)(result->retry_after_ms + 1) / 1000;
        return;
    }
    if (result->status != JF_STATUS_OK || !drain->is_right ||
        drain->answers.accepted != day->config->offline) {
        failure_note(day, "a store's batch was not posted whole: ", result->message);
    }
    day->result->drained += drain->answers.accepted;
    day->drains_left -= 1;
    if (day->drains_left == 0) {
        day->result->drain_s =
            now_s(day) - jf_day_second(&day->config->plan, day->config->plan.drain_hour);
    }
}

static const struct jf_client_events drain_events = {on_drain_message, on_drain_done};

static void drain_send(struct drain *drain)
{
    struct day *day = drain->day;
    struct jf_client_call *call = jf_client_call_start(
        drain->store->client, JF_TEXT("/jifen.v1.Ledger/PostBatch"), &drain_events, drain, 0);
    unsigned char *room = call == NULL ? NULL : jf_client_call_send(call, drain->size);
    drain->is_waiting = false;
    drain->answers = (struct jf_answers){0};
    day->open_calls += call == NULL ? 0 : 1;
    if (room != NULL) {
        memcpy(room, drain->bytes, drain->size);
        jf_client_call_half_close(call);
        return;
    }
    failure_note(day, "a store's batch cannot be sent", (struct jf_text){NULL, 0});
    day->drains_left -= call == NULL ? 1 : 0;
    if (call != NULL) {
        jf_client_call_cancel(call);
    }
}

// What the stores sold while they were off line, made before anything is measured.
static enum jf_error drains_make(struct day *day, struct jf_diagnosis *diagnosis)
{
    uint32_t count = day->config->offline;
    if (count == 0) {
        return JF_OK;
    }
    day->drains = calloc(day->config->stores, sizeof *day->drains);
    if (day->drains == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for the stores' sales");
    }
    jf_sales_set_instant(&day->asks->sales, jf_bench_unix_time_ms());
    for (uint32_t i = 0; i < day->config->stores; i++) {
        struct drain *drain = &day->drains[i];
        drain->day = day;
        drain->store = &day->stores[i];
        drain->size = jf_sales_batch_size(&day->asks->sales, count);
        drain->bytes = malloc(drain->size);
        if (drain->bytes == NULL) {
            return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for the stores' sales");
        }
        jf_sales_write_batch(&day->asks->sales, count, drain->bytes);
    }
    day->drains_left = day->config->stores;
    return JF_OK;
}

static void drains_turn(struct day *day, double now)
{
    const struct jf_day_plan *plan = &day->config->plan;
    bool is_due = day->drains != NULL && now >= jf_day_second(plan, plan->drain_hour);
    for (uint32_t i = 0; is_due && i < day->config->stores; i++) {
        struct drain *drain = &day->drains[i];
        if (!day->has_drained || (drain->is_waiting && now >= drain->at_s)) {
            drain_send(drain);
        }
    }
    day->has_drained = day->has_drained || is_due;
}

// ---- The day --------------------------------------------------------------------------

static double replayed_next(const struct day *day)
{
    return day->replayed_at < day->config->replayed_count
               ? day->config->replayed[day->replayed_at].at_s
               : INFINITY;
}

static void customers_come(struct day *day, double now)
{
    while (day->config->replayed != NULL && day->next_s <= now) {
        const struct jf_day_replayed *replayed = &day->config->replayed[day->replayed_at++];
        customer_come(day, replayed->at_s, replayed);
        day->next_s = replayed_next(day);
    }
    while (day->config->replayed == NULL && day->next_s <= now &&
           day->next_s < day->config->plan.seconds) {
        customer_come(day, day->next_s, NULL);
        day->next_s =
            jf_day_next(&day->config->plan, day->next_s, jf_random_exponential(&day->random));
    }
}

static uint64_t turn_us(const struct day *day, double now)
{
    double wait_us = (day->next_s - now) * 1e6;
    return wait_us <= 0 ? 0 : wait_us < TURN_US ? (uint64_t)wait_us : TURN_US;
}

static bool is_over(const struct day *day, double now)
{
    bool is_all_here = day->replayed_at == day->config->replayed_count;
    return now >= day->config->plan.seconds && is_all_here && day->customers == 0 &&
           day->drains_left == 0 && day->open_calls == 0;
}

static enum jf_error turns_run(struct day *day, struct jf_diagnosis *diagnosis)
{
    double now = 0;
    day->next_s = day->config->replayed != NULL
                      ? replayed_next(day)
                      : jf_day_next(&day->config->plan, 0, jf_random_exponential(&day->random));
    while (!is_over(day, now) && !day->is_broken && !jf_interrupt_seen()) {
        customers_come(day, now);
        drains_turn(day, now);
        jf_clients_turn(day->clients, turn_us(day, now));
        now = now_s(day);
        if (day->open_calls == 0) {
            day->moved_s = now;
        }
        if (now - day->moved_s > STALL_S) {
            return jf_diagnose(diagnosis, JF_ERROR_IO, "%s:%u answered nothing for 30 s",
                               day->config->server->address, day->config->server->port);
        }
        if (day->config->on_second != NULL && now - day->ticked_s >= TICK_S) {
            day->ticked_s = now;
            day->config->on_second(day->config->context, now);
        }
    }
    day->result->was_cut = jf_interrupt_seen();
    return JF_OK;
}

static enum jf_error stores_make(struct day *day, struct jf_diagnosis *diagnosis)
{
    const struct jf_day_config *config = day->config;
    uint32_t calls = config->stores * (config->tills + 1);
    uint32_t wanted = calls / CALLS_PER_CONNECTION + 1;
    day->connection_count = wanted < CONNECTIONS_MIN ? CONNECTIONS_MIN : wanted;
    day->connections = calloc(day->connection_count, sizeof(struct jf_client *));
    day->stores = calloc(config->stores, sizeof *day->stores);
    if (day->connections == NULL || day->stores == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for the stores");
    }
    enum jf_error error = JF_OK;
    for (uint32_t i = 0; i < day->connection_count && error == JF_OK; i++) {
        error = jf_client_open(day->clients, config->server, &day->connections[i], diagnosis);
    }
    for (uint32_t i = 0; i < config->stores; i++) {
        day->stores[i].client = day->connections[i % day->connection_count];
    }
    return error;
}

// Calls that are still open end with UNAVAILABLE in the turns that follow; those who wait for a
// till go home.
static void day_free(struct day *day)
{
    for (uint32_t i = 0; day->stores != NULL && i < day->config->stores; i++) {
        struct store *store = &day->stores[i];
        for (struct customer *customer = store->first; customer != NULL;) {
            struct customer *next = customer->next;
            free(customer);
            customer = next;
        }
        store->first = NULL;
        store->last = NULL;
    }
    for (uint32_t i = 0; day->connections != NULL && i < day->connection_count; i++) {
        jf_client_close(day->connections[i]);
    }
    for (uint32_t i = 0; i < CLOSE_TURNS_MAX && day->open_calls > 0; i++) {
        jf_clients_turn(day->clients, TURN_US);
    }
    jf_clients_turn(day->clients, 0);
    if (day->open_calls > 0) {
        return; // what they point to must stay
    }
    for (uint32_t i = 0; day->drains != NULL && i < day->config->stores; i++) {
        free(day->drains[i].bytes);
    }
    free(day->drains);
    free(day->connections);
    free(day->stores);
    free(day);
}

enum jf_error jf_day_run(const struct jf_day_config *config, struct jf_clients *clients,
                         struct jf_day_asks *asks, struct jf_day_result *out_result,
                         struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(config->stores >= 1 && config->tills >= 1 && config->tills <= JF_DAY_TILLS_MAX);
    JF_ASSERT(config->offline <= JF_DAY_OFFLINE_MAX);
    memset(out_result, 0, sizeof *out_result);
    struct day *day = calloc(1, sizeof *day);
    if (day == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory");
    }
    *day = (struct day){
        .config = config, .clients = clients, .asks = asks, .result = out_result, .random = 1};
    enum jf_error error = stores_make(day, diagnosis);
    if (error == JF_OK) {
        error = drains_make(day, diagnosis);
    }
    day->begun_ns = jf_bench_now_ns();
    if (error == JF_OK) {
        error = turns_run(day, diagnosis);
    }
    // Closing ends calls, which is no failure of theirs.
    uint64_t failures = out_result->failures;
    uint64_t refused = out_result->tally.refused;
    day_free(day);
    out_result->failures = failures;
    out_result->tally.refused = refused;
    return error;
}
