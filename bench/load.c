// A unary slot asks, is answered, asks again; a stream slot keeps a window of messages in flight
// and a ring of their starting times, since answers come in order. In an open loop a slot that is
// answered waits for the next arrival, and an arrival for the next free slot. The run has three
// phases, moved
// by the loop: warm-up, measured, ending; in the last one nothing new is asked. Fails: no
// connection; nothing answered for 30 s; what single calls end with is counted instead.
#include "bench/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "bench/arrivals.h"
#include "bench/options.h"
#include "tools/jifen/progress.h"

#define TURN_US            10000u
#define STALL_NS           30000000000u
#define INTERRUPT_STALL_NS 2000000000u
#define CLOSE_TURNS_MAX    500u

enum phase {
    PHASE_WARM_UP,
    PHASE_MEASURED,
    PHASE_ENDING,
};

struct load;

struct slot {
    struct load *load;
    struct jf_client *client;
    struct jf_client_call *call; // NULL: none
    uint64_t *starts;            // ring of `calls` times; unary slots use the first only
    uint32_t first;              // oldest in the ring
    uint32_t in_flight;          // requests
    bool is_read;                // unary: the answer was read and was right
};

struct load {
    const struct jf_load_config *config;
    struct jf_clients *clients;
    struct jf_load_result *result;
    struct jf_client **connections;
    struct slot *slots;
    uint64_t *starts;
    uint32_t slot_count;
    uint32_t window; // requests in flight a slot
    uint32_t open_calls;
    struct jf_arrivals arrivals; // of an open loop, with the slots that are free
    struct slot **free_slots;
    uint32_t free_count;
    enum phase phase;
    uint64_t begun_ns;
    uint64_t measured_from_ns;
    uint64_t moved_ns; // last answer
};

static void failure_note(struct load *load, const char *what, struct jf_text why)
{
    if (load->result->failures == 0) {
        (void)snprintf(load->result->failure, sizeof(load->result->failure), "%s%.*s", what,
                       (int)why.size, why.size == 0 ? "" : why.data);
    }
    load->result->failures += 1;
}

static void answer_take(struct slot *slot, uint64_t started_ns)
{
    struct load *load = slot->load;
    uint64_t now_ns = jf_bench_now_ns();
    load->moved_ns = now_ns;
    if (load->phase != PHASE_WARM_UP && started_ns >= load->measured_from_ns) {
        jf_histogram_record(&load->result->latency_ns, now_ns - started_ns);
    }
}

// Returns: whether it is an answer with as many results as were asked for.
static bool answer_read(struct load *load, const unsigned char *bytes, uint32_t size)
{
    struct jf_answers *answers = &load->result->answers;
    const struct jf_load_source *source = load->config->source;
    uint64_t accepted = answers->accepted;
    uint64_t before = answers->accepted + answers->refused;
    if (!source->read((struct jf_text){(const char *)bytes, size}, answers)) {
        failure_note(load, "an answer is malformed or has no position", (struct jf_text){0});
        return false;
    }
    uint64_t count = answers->accepted + answers->refused - before;
    if (source->answers_per_request != 0 && count != source->answers_per_request) {
        failure_note(load, "an answer has more or fewer results than were asked for",
                     (struct jf_text){0});
        return false;
    }
    if (load->phase == PHASE_MEASURED) {
        load->result->measured_accepted += answers->accepted - accepted;
    }
    return true;
}

static bool is_open_loop(const struct load *load)
{
    return load->config->arrivals_per_s > 0;
}

// Makes, stamps and sends the next request on the slot's call. Returns: false when there is none.
static bool request_send(struct slot *slot, uint32_t size)
{
    struct load *load = slot->load;
    uint64_t started_ns =
        is_open_loop(load) ? jf_arrivals_next_ns(&load->arrivals) : jf_bench_now_ns();
    unsigned char *room = jf_client_call_send(slot->call, size);
    if (room == NULL) {
        load->phase = PHASE_ENDING;
        failure_note(load, "out of memory for a request", (struct jf_text){0});
        jf_client_call_cancel(slot->call);
        return false;
    }
    load->config->source->write(load->config->source->context, room);
    slot->starts[(slot->first + slot->in_flight) % load->window] = started_ns;
    slot->in_flight += 1;
    return true;
}

static uint32_t request_next(struct load *load)
{
    if (load->phase == PHASE_ENDING) {
        return UINT32_MAX;
    }
    uint32_t size = load->config->source->next(load->config->source->context);
    if (size == UINT32_MAX) {
        load->phase = PHASE_ENDING;
    }
    return size;
}

static bool call_open(struct slot *slot, const struct jf_client_events *events)
{
    struct load *load = slot->load;
    slot->is_read = false;
    slot->call = jf_client_call_start(slot->client, load->config->source->path, events, slot, 0);
    if (slot->call == NULL) {
        const char *failure = jf_client_failure(slot->client);
        load->phase = PHASE_ENDING;
        failure_note(load, failure == NULL ? "out of memory for a call" : failure,
                     (struct jf_text){0});
        return false;
    }
    load->open_calls += 1;
    return true;
}

static void done_note(struct load *load, const struct jf_client_result *result)
{
    bool may_be_refused = load->config->run_us > 0;
    if (result->status == JF_STATUS_RESOURCE_EXHAUSTED && may_be_refused) {
        load->result->overloads += 1;
        return;
    }
    char what[64];
    (void)snprintf(what, sizeof(what), "a call ended with status %d: ", (int)result->status);
    failure_note(load, what, result->message);
    load->phase = PHASE_ENDING; // calls that fail at once would be asked anew without end
}

static void unary_start(struct slot *slot);

static void on_unary_message(void *context, struct jf_client_call *call, const unsigned char *bytes,
                             uint32_t size)
{
    (void)call;
    struct slot *slot = context;
    slot->is_read = answer_read(slot->load, bytes, size);
}

static void on_unary_done(void *context, struct jf_client_call *call,
                          const struct jf_client_result *result)
{
    (void)call;
    struct slot *slot = context;
    slot->call = NULL;
    slot->in_flight = 0;
    slot->load->open_calls -= 1;
    if (result->status == JF_STATUS_OK && slot->is_read) {
        answer_take(slot, slot->starts[0]);
    } else if (result->status != JF_STATUS_OK) {
        done_note(slot->load, result);
    }
    if (is_open_loop(slot->load)) {
        slot->load->free_slots[slot->load->free_count++] = slot;
    } else {
        unary_start(slot);
    }
}

static const struct jf_client_events unary_events = {on_unary_message, on_unary_done};

static void unary_start(struct slot *slot)
{
    uint32_t size = request_next(slot->load);
    if (size == UINT32_MAX || !call_open(slot, &unary_events)) {
        return;
    }
    if (request_send(slot, size)) {
        jf_client_call_half_close(slot->call);
    }
}

static void stream_fill(struct slot *slot)
{
    while (slot->in_flight < slot->load->window) {
        uint32_t size = request_next(slot->load);
        if (size == UINT32_MAX || !request_send(slot, size)) {
            return;
        }
    }
}

static void on_stream_message(void *context, struct jf_client_call *call,
                              const unsigned char *bytes, uint32_t size)
{
    (void)call;
    struct slot *slot = context;
    struct load *load = slot->load;
    if (slot->in_flight == 0) {
        failure_note(load, "a stream answered what was not asked", (struct jf_text){0});
        return;
    }
    uint64_t started_ns = slot->starts[slot->first];
    slot->first = (slot->first + 1) % load->window;
    slot->in_flight -= 1;
    if (answer_read(load, bytes, size)) {
        answer_take(slot, started_ns);
    }
    stream_fill(slot);
}

static void on_stream_done(void *context, struct jf_client_call *call,
                           const struct jf_client_result *result)
{
    (void)call;
    struct slot *slot = context;
    slot->call = NULL;
    slot->load->open_calls -= 1;
    if (result->status != JF_STATUS_OK) {
        done_note(slot->load, result);
    } else if (slot->in_flight > 0) {
        failure_note(slot->load, "a stream ended before all was answered", (struct jf_text){0});
    }
    slot->in_flight = 0;
    slot->load->phase = PHASE_ENDING;
}

static const struct jf_client_events stream_events = {on_stream_message, on_stream_done};

// Sends what has arrived, as far as there are free slots: the oldest first.
static void arrivals_send(struct load *load)
{
    uint64_t now_ns = jf_bench_now_ns();
    while (load->free_count > 0 && load->phase != PHASE_ENDING &&
           jf_arrivals_next_ns(&load->arrivals) <= now_ns) {
        unary_start(load->free_slots[--load->free_count]);
        jf_arrivals_take(&load->arrivals);
    }
}

// How long the next turn may wait.
static uint64_t turn_us(const struct load *load)
{
    if (!is_open_loop(load) || load->free_count == 0 || load->phase == PHASE_ENDING) {
        return TURN_US;
    }
    uint64_t now_ns = jf_bench_now_ns();
    uint64_t next_ns = jf_arrivals_next_ns(&load->arrivals);
    uint64_t wait_us = next_ns <= now_ns ? 0 : (next_ns - now_ns) / 1000;
    return wait_us < TURN_US ? wait_us : TURN_US;
}

// Those that have arrived and were never sent: their number is told, since they have no latency.
static uint64_t arrivals_left(struct load *load)
{
    uint64_t left = 0;
    uint64_t now_ns = jf_bench_now_ns();
    while (is_open_loop(load) && jf_arrivals_next_ns(&load->arrivals) <= now_ns) {
        left += 1;
        jf_arrivals_take(&load->arrivals);
    }
    return left;
}

static void slots_start(struct load *load)
{
    bool is_stream = load->config->source->is_stream;
    if (is_open_loop(load)) {
        jf_arrivals_init(&load->arrivals, load->begun_ns, load->config->arrivals_per_s);
        for (uint32_t at = 0; at < load->slot_count; at++) {
            load->free_slots[load->free_count++] = &load->slots[at];
        }
        return;
    }
    for (uint32_t at = 0; at < load->slot_count; at++) {
        struct slot *slot = &load->slots[at];
        if (!is_stream) {
            unary_start(slot);
        } else if (load->phase != PHASE_ENDING && call_open(slot, &stream_events)) {
            stream_fill(slot);
        }
    }
}

// What has been asked is still answered; then each stream ends.
static void streams_end(struct load *load)
{
    if (!load->config->source->is_stream) {
        return;
    }
    for (uint32_t at = 0; at < load->slot_count; at++) {
        if (load->slots[at].call != NULL) {
            jf_client_call_half_close(load->slots[at].call);
        }
    }
}

static void usage_mark(struct load *load, uint64_t *out_server_us, uint64_t *out_client_us)
{
    struct jf_process_usage usage;
    jf_process_usage(load->config->server_pid, &usage);
    *out_server_us = usage.processor_us;
    *out_client_us = jf_process_own_processor_us();
}

static void measure_begin(struct load *load)
{
    load->phase = load->phase == PHASE_WARM_UP ? PHASE_MEASURED : load->phase;
    usage_mark(load, &load->result->server_processor_us, &load->result->client_processor_us);
    load->measured_from_ns = jf_bench_now_ns();
}

static void measure_end(struct load *load)
{
    uint64_t server_us = 0;
    uint64_t client_us = 0;
    load->result->measured_ns = jf_bench_now_ns() - load->measured_from_ns;
    usage_mark(load, &server_us, &client_us);
    load->result->server_processor_us = server_us - load->result->server_processor_us;
    load->result->client_processor_us = client_us - load->result->client_processor_us;
}

// Returns: false when nothing has been answered for too long.
static bool turn(struct load *load)
{
    uint64_t stall_ns = jf_interrupt_seen() ? INTERRUPT_STALL_NS : STALL_NS;
    jf_clients_turn(load->clients, turn_us(load));
    if (jf_interrupt_seen()) {
        load->phase = PHASE_ENDING;
    }
    if (is_open_loop(load)) {
        arrivals_send(load);
    }
    return jf_bench_now_ns() - load->moved_ns < stall_ns;
}

// A closed loop goes on until it has measured something: a call may take longer than a short run.
static bool is_measured(const struct load *load, uint64_t end_ns)
{
    return load->config->run_us > 0 && jf_bench_now_ns() >= end_ns &&
           (is_open_loop(load) || load->result->latency_ns.count > 0);
}

// Returns: as turn.
static bool phases_run(struct load *load, struct jf_progress *progress)
{
    const struct jf_load_config *config = load->config;
    uint64_t warm_ns = load->begun_ns + config->warm_up_us * 1000u;
    bool is_moving = true;
    while (is_moving && load->phase == PHASE_WARM_UP && jf_bench_now_ns() < warm_ns) {
        is_moving = turn(load);
    }
    measure_begin(load);
    uint64_t end_ns = load->measured_from_ns + config->run_us * 1000u;
    while (is_moving && load->phase == PHASE_MEASURED && !is_measured(load, end_ns)) {
        is_moving = turn(load);
        jf_progress_show(progress, load->result->answers.accepted);
    }
    if (config->run_us > 0) {
        load->result->arrivals_unsent = arrivals_left(load);
        load->phase = PHASE_ENDING;
        measure_end(load);
    }
    streams_end(load);
    while (is_moving && load->open_calls > 0) {
        is_moving = turn(load);
    }
    if (config->run_us == 0) {
        measure_end(load);
        load->result->measured_accepted = load->result->answers.accepted;
    }
    return is_moving;
}

static enum jf_error connections_open(struct load *load, struct jf_diagnosis *diagnosis)
{
    for (uint32_t at = 0; at < load->config->connections; at++) {
        enum jf_error error =
            jf_client_open(load->clients, load->config->server, &load->connections[at], diagnosis);
        if (error != JF_OK) {
            return error;
        }
    }
    return JF_OK;
}

// Calls that are still open end with UNAVAILABLE in the turns that follow. Returns: whether all
// have; the slots may be freed only then.
static bool connections_close(struct load *load)
{
    load->phase = PHASE_ENDING;
    for (uint32_t at = 0; at < load->config->connections; at++) {
        jf_client_close(load->connections[at]);
    }
    for (uint32_t at = 0; at < CLOSE_TURNS_MAX && load->open_calls > 0; at++) {
        jf_clients_turn(load->clients, TURN_US);
    }
    jf_clients_turn(load->clients, 0);
    return load->open_calls == 0;
}

static enum jf_error slots_make(struct load *load, struct jf_diagnosis *diagnosis)
{
    const struct jf_load_config *config = load->config;
    bool is_stream = config->source->is_stream;
    load->slot_count = is_stream ? config->connections : config->connections * config->calls;
    load->window = is_stream ? config->calls : 1;
    load->connections = calloc(config->connections, sizeof(struct jf_client *));
    load->slots = calloc(load->slot_count, sizeof(load->slots[0]));
    load->starts = calloc((size_t)load->slot_count * load->window, sizeof(load->starts[0]));
    load->free_slots = calloc(load->slot_count, sizeof(struct slot *));
    if (load->connections == NULL || load->slots == NULL || load->starts == NULL ||
        load->free_slots == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for %u calls",
                           config->connections * config->calls);
    }
    enum jf_error error = connections_open(load, diagnosis);
    for (uint32_t at = 0; at < load->slot_count; at++) {
        load->slots[at] = (struct slot){.load = load,
                                        .client = load->connections[at % config->connections],
                                        .starts = load->starts + (size_t)at * load->window};
    }
    return error;
}

static enum jf_error load_run(struct load *load, struct jf_diagnosis *diagnosis)
{
    const struct jf_load_config *config = load->config;
    struct jf_progress progress = {0};
    if (config->what != NULL) {
        jf_progress_begin(&progress, config->what, config->answers_max, false);
    }
    load->begun_ns = jf_bench_now_ns();
    load->moved_ns = load->begun_ns;
    slots_start(load);
    bool is_moving = phases_run(load, &progress);
    if (config->what != NULL) {
        jf_progress_end(&progress, load->result->answers.accepted);
    }
    if (!is_moving && !jf_interrupt_seen()) {
        return jf_diagnose(diagnosis, JF_ERROR_IO,
                           "%s:%u answered nothing for 30 s: see its log and its queue",
                           config->server->address, config->server->port);
    }
    return JF_OK;
}

enum jf_error jf_load_run(const struct jf_load_config *config, struct jf_clients *clients,
                          struct jf_load_result *out_result, struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(config->connections >= 1 && config->connections <= JF_LOAD_CONNECTIONS_MAX);
    JF_ASSERT(config->calls >= 1 && config->calls <= JF_LOAD_CALLS_MAX);
    JF_ASSERT(config->arrivals_per_s == 0 || (!config->source->is_stream && config->run_us > 0));
    memset(out_result, 0, sizeof(*out_result));
    struct load *load = calloc(1, sizeof(*load));
    if (load == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory");
    }
    load->config = config;
    load->clients = clients;
    load->result = out_result;
    enum jf_error error = slots_make(load, diagnosis);
    if (error == JF_OK) {
        error = load_run(load, diagnosis);
    }
    struct jf_load_result kept = *out_result; // closing ends calls, which is no failure of theirs
    bool may_free = load->connections == NULL || connections_close(load);
    *out_result = kept;
    if (may_free) {
        free(load->connections);
        free(load->starts);
        free(load->free_slots);
        free(load->slots);
        free(load);
    }
    return error;
}

bool jf_load_is_good(const struct jf_load_config *config, const struct jf_load_result *result)
{
    bool is_refused = result->answers.refused > 0 || result->overloads > 0;
    return result->failures == 0 && result->answers.accepted > 0 &&
           (!is_refused || config->is_refusal_expected);
}
