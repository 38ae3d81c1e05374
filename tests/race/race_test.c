// All threads of a ledger at once, in one process, for ThreadSanitizer: two network threads with a
// service each, two tills on loopback that ask everything beside each other, the ledger and store
// threads, followers, and the threads of jobs with their snapshots. A bounded number of calls; then
// the ledger is closed and opened again.
// Fails: ThreadSanitizer says so by its exit code; a call that ends otherwise than with an answer
// or a refusal, and a ledger that is not what was answered, fail here.
//
// Built with JF_RACE_ON_PURPOSE it reads a number of the ledger thread's without asking: proof that
// a race is seen.
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "directory.h"
#include "engine/clock.h"
#include "engine/engine_private.h"
#include "message.h"
#include "net/client.h"
#include "service/service.h"

#define TILLS            2u
#define MEMBERS          40u // of both tills together
#define CALLS_PER_TILL   900u
#define CALLS_AT_ONCE    24u
#define BATCH_WRITES     3u
#define RING_ENTRIES     256u
#define CALL_TIMEOUT_US  60000000u
#define TURN_US          20000u
#define JOB_AS_OF        20260101
#define CHECKPOINT_AFTER 300u

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "race_test: " __VA_ARGS__);                                      \
            (void)fputc('\n', stderr);                                                             \
            exit(EXIT_FAILURE);                                                                    \
        }                                                                                          \
    } while (0)

// A network thread.
struct counter {
    pthread_t thread;
    struct jf_engine *engine;
    struct jf_ring ring;
    _Atomic uint32_t port; // 0: not yet
    _Atomic bool is_stopping;
};

struct till {
    pthread_t thread;
    uint32_t number;
    uint32_t port;
    struct jf_ring ring;
    struct jf_clients *clients;
    struct jf_client *client;
    struct jf_client_call *following;
    uint32_t calls_open;
    uint32_t calls_begun;
    uint64_t entries_followed;
    uint64_t writes_answered; // entries that must be there
    uint64_t refusals;
};

struct question {
    struct till *till;
    uint32_t writes; // entries that the answer stands for
};

// --- The network threads.
// -------------------------------------------------------------------------

static void *counter_run(void *context)
{
    struct counter *counter = context;
    struct jf_service *service = NULL;
    struct jf_net *net = NULL;
    struct jf_diagnosis diagnosis = {.text = ""};
    struct jf_net_config config = {.address = "127.0.0.1",
                                   .connections_max = 16,
                                   .streams_per_connection_max = 64,
                                   .handshake_timeout_us = CALL_TIMEOUT_US};
    enum jf_error error = jf_ring_init(&counter->ring, RING_ENTRIES, &diagnosis);
    CHECK(error == JF_OK, "%s", diagnosis.text);
    error = jf_service_create(counter->engine, &counter->ring, jf_clock_monotonic_us, &service);
    CHECK(error == JF_OK, "%s", jf_error_text(error));
    error = jf_net_create(&config, jf_service_handler(service), &counter->ring, &net, &diagnosis);
    CHECK(error == JF_OK, "%s", diagnosis.text);
    jf_service_set_net(service, net);
    atomic_store(&counter->port, jf_net_port(net));
    while (!atomic_load(&counter->is_stopping)) {
        jf_net_turn(net, TURN_US);
    }
    jf_service_drain(service);
    jf_net_drain(net);
    while (!jf_net_is_idle(net) || !jf_service_is_idle(service)) {
        jf_net_turn(net, TURN_US);
    }
    jf_net_destroy(net);
    jf_service_destroy(service);
    jf_ring_deinit(&counter->ring);
    return NULL;
}

static void counter_start(struct counter *counter, struct jf_engine *engine)
{
    counter->engine = engine;
    CHECK(pthread_create(&counter->thread, NULL, counter_run, counter) == 0, "no thread");
    while (atomic_load(&counter->port) == 0) {
        sched_yield();
    }
}

// --- The tills.
// -----------------------------------------------------------------------------------

static void on_done(void *context, struct jf_client_call *call,
                    const struct jf_client_result *result)
{
    struct question *question = context;
    struct till *till = question->till;
    bool is_refusal = result->status == JF_STATUS_FAILED_PRECONDITION ||
                      result->status == JF_STATUS_NOT_FOUND ||
                      result->status == JF_STATUS_RESOURCE_EXHAUSTED ||
                      result->status == JF_STATUS_ALREADY_EXISTS;
    bool is_stopped = call == till->following && result->status == JF_STATUS_CANCELLED;
    CHECK(result->status == JF_STATUS_OK || is_refusal || is_stopped,
          "till %u: a call ended with status %d: %.*s", till->number, (int)result->status,
          (int)result->message.size, result->message.size == 0 ? "" : result->message.data);
    till->writes_answered += result->status == JF_STATUS_OK ? question->writes : 0;
    till->refusals += is_refusal ? 1 : 0;
    till->calls_open -= 1;
    free(question);
}

static void on_followed(void *context, struct jf_client_call *call, const unsigned char *bytes,
                        uint32_t size)
{
    const struct question *question = context;
    (void)call;
    (void)bytes;
    question->till->entries_followed += size > 0 ? 1 : 0;
}

static const struct jf_client_events events = {.on_done = on_done};
static const struct jf_client_events feed = {.on_message = on_followed, .on_done = on_done};

static struct jf_client_call *ask(struct till *till, const struct rig_message *message,
                                  uint32_t writes, const struct jf_client_events *heard_by)
{
    struct question *question = calloc(1, sizeof *question);
    CHECK(question != NULL, "no memory");
    *question = (struct question){till, writes};
    struct jf_client_call *call =
        jf_client_call_start(till->client, jf_text_from(message->path), heard_by, question,
                             heard_by == &feed ? 0 : CALL_TIMEOUT_US);
    CHECK(call != NULL, "till %u: %s", till->number, jf_client_failure(till->client));
    unsigned char *room = jf_client_call_send(call, message->size);
    CHECK(room != NULL, "no memory");
    memcpy(room, message->bytes, message->size);
    jf_client_call_half_close(call);
    till->calls_open += 1;
    return call;
}

// The slow questions, at some places of each till's day.
static bool slow_make(const struct till *till, uint32_t at, struct rig_message *out)
{
    char id[32];
    (void)snprintf(id, sizeof id, "run-%u-%u", till->number, at);
    switch (at) {
    case CALLS_PER_TILL / 6:
    case CALLS_PER_TILL * 3 / 4:
        rig_verify(out);
        return true;
    case CALLS_PER_TILL / 4:
        rig_tiers(out, id, JOB_AS_OF);
        return true;
    case CALLS_PER_TILL / 3:
        rig_expire(out, id, JOB_AS_OF);
        return true;
    case CALLS_PER_TILL / 2:
        rig_checkpoint(out);
        return true;
    default:
        return false;
    }
}

// Returns: how many entries the answer stands for.
static uint32_t question_make(const struct till *till, uint32_t at, struct rig_message *out)
{
    char id[32];
    char earlier[32];
    int64_t now_ms = (int64_t)(jf_clock_unix_us(NULL) / 1000) - 1000;
    uint64_t member = 1 + (at * 7 + till->number) % MEMBERS;
    (void)snprintf(id, sizeof id, "t%u-%u", till->number, at);
    (void)snprintf(earlier, sizeof earlier, "t%u-%u", till->number, at - at % 16);
    if (slow_make(till, at, out)) {
        return 0;
    }
    switch (at % 16) {
    case 5:
        rig_return_all(out, id, earlier, now_ms);
        return 1;
    case 6:
        rig_redeem(out, id, member, now_ms);
        return 1;
    case 7:
        rig_hold(out, id, member, now_ms);
        return 1;
    case 8:
        rig_get_member(out, member);
        return 0;
    case 9:
        rig_history(out, member);
        return 0;
    case 10:
        rig_quote(out, member, now_ms);
        return 0;
    case 11:
        rig_status(out);
        return 0;
    case 12:
        rig_get_transaction(out, earlier);
        return 0;
    case 13:
        rig_batch(out, id, member, BATCH_WRITES, now_ms);
        return BATCH_WRITES;
    default:
        rig_sale(out, id, member, now_ms);
        return 1;
    }
}

static void till_open(struct till *till)
{
    struct jf_diagnosis diagnosis = {.text = ""};
    struct jf_client_config config = {.address = "127.0.0.1", .port = (uint16_t)till->port};
    enum jf_error error = jf_ring_init(&till->ring, RING_ENTRIES, &diagnosis);
    CHECK(error == JF_OK, "%s", diagnosis.text);
    error = jf_clients_create(&till->ring, &till->clients, &diagnosis);
    CHECK(error == JF_OK, "%s", diagnosis.text);
    error = jf_client_open(till->clients, &config, &till->client, &diagnosis);
    CHECK(error == JF_OK, "%s", diagnosis.text);
}

static void till_close(struct till *till)
{
    jf_client_close(till->client);
    jf_clients_destroy(till->clients);
    jf_ring_deinit(&till->ring);
}

static void *till_run(void *context)
{
    struct till *till = context;
    struct rig_message message;
    till_open(till);
    rig_follow(&message, 1);
    till->following = ask(till, &message, 0, &feed);
    while (till->calls_begun < CALLS_PER_TILL || till->calls_open > 1) {
        while (till->calls_begun < CALLS_PER_TILL && till->calls_open <= CALLS_AT_ONCE) {
            uint32_t writes = question_make(till, till->calls_begun++, &message);
            (void)ask(till, &message, writes, &events);
        }
        jf_clients_turn(till->clients, TURN_US);
    }
    jf_client_call_cancel(till->following);
    till_close(till);
    return NULL;
}

// Programme, store, members: one till alone.
static uint64_t first_morning(uint32_t port)
{
    struct till till = {.number = 9, .port = port};
    struct rig_message message;
    till_open(&till);
    for (uint64_t step = 0; step < MEMBERS + 2; step++) {
        struct jf_client_answer answer;
        char id[32];
        (void)snprintf(id, sizeof id, "first-%" PRIu64, step);
        if (step == 0) {
            rig_publish(&message, id);
        } else if (step == 1) {
            rig_put_store(&message, id, 1);
        } else {
            rig_enrol(&message, id, step - 1);
        }
        enum jf_error error =
            jf_client_call_unary(till.client, jf_text_from(message.path),
                                 rig_message_text(&message), CALL_TIMEOUT_US, &answer);
        CHECK(error == JF_OK && answer.status == JF_STATUS_OK, "%s: %s", message.path,
              answer.message);
        jf_client_answer_deinit(&answer);
    }
    till_close(&till);
    return MEMBERS + 2;
}

static struct jf_engine *ledger_open(const char *path, struct jf_engine_opening *out_opening)
{
    struct jf_diagnosis diagnosis = {.text = ""};
    struct jf_engine_config config = rig_config(path);
    struct jf_engine *engine = NULL;
    config.checkpoint_entries = CHECKPOINT_AFTER;
    enum jf_error error = jf_engine_open(&config, &engine, out_opening, &diagnosis);
    CHECK(error == JF_OK, "%s", diagnosis.text);
    return engine;
}

static void ledger_close(struct jf_engine *engine)
{
    struct jf_diagnosis diagnosis = {.text = ""};
    enum jf_error error = jf_engine_close(engine, &diagnosis);
    CHECK(error == JF_OK, "%s", diagnosis.text);
}

static void race_put_in(const struct jf_engine *engine)
{
#ifdef JF_RACE_ON_PURPOSE
    uint64_t seen = 0;
    while (seen < MEMBERS + CALLS_PER_TILL / 2) {
        seen = *(const volatile uint64_t *)&engine->last_position;
        sched_yield();
    }
#else
    (void)engine;
#endif
}

// Returns: entries that were answered.
static uint64_t day(struct jf_engine *engine)
{
    static struct counter counters[TILLS];
    static struct till tills[TILLS];
    for (uint32_t i = 0; i < TILLS; i++) {
        counter_start(&counters[i], engine);
    }
    uint64_t answered = first_morning(atomic_load(&counters[0].port));
    for (uint32_t i = 0; i < TILLS; i++) {
        tills[i] = (struct till){.number = i, .port = atomic_load(&counters[i].port)};
        CHECK(pthread_create(&tills[i].thread, NULL, till_run, &tills[i]) == 0, "no thread");
    }
    race_put_in(engine);
    for (uint32_t i = 0; i < TILLS; i++) {
        (void)pthread_join(tills[i].thread, NULL);
        (void)printf("till %u: %u calls, %" PRIu64 " writes answered, %" PRIu64 " refused, %" PRIu64
                     " entries followed\n",
                     i, tills[i].calls_begun, tills[i].writes_answered, tills[i].refusals,
                     tills[i].entries_followed);
        CHECK(tills[i].writes_answered > 0 && tills[i].entries_followed > 0, "nothing happened");
        answered += tills[i].writes_answered;
    }
    for (uint32_t i = 0; i < TILLS; i++) {
        atomic_store(&counters[i].is_stopping, true);
        (void)pthread_join(counters[i].thread, NULL);
    }
    return answered;
}

int main(void)
{
    char path[RIG_PATH_BYTES];
    struct jf_engine_opening opening;
    rig_directory_make(path);
    struct jf_engine *engine = ledger_open(path, &opening);
    uint64_t answered = day(engine);
    ledger_close(engine);
    engine = ledger_open(path, &opening);
    CHECK(opening.last_position >= answered, "%" PRIu64 " entries were answered, %" PRIu64 " kept",
          answered, opening.last_position);
    ledger_close(engine);
    rig_directory_remove(path);
    (void)printf("race_test: %" PRIu64 " entries, %" PRIu64 " of them answered\n",
                 opening.last_position, answered);
    return EXIT_SUCCESS;
}
