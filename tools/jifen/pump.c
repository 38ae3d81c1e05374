// Slots go round: filled by the source, sent, answered, filled again.
// Fails: the connection breaks or the ledger cannot go on (everything stops, and what was in flight
// is not known to be posted: the same run again finds out); too busy for JF_PUMP_ATTEMPTS_MAX
// attempts.
#include "tools/jifen/pump.h"

#include <stdlib.h>

#include "base/assert.h"

#define JF_PUMP_ATTEMPTS_MAX  100u
#define JF_PUMP_RETRY_MS      20u   // without a hint
#define JF_PUMP_RETRY_MS_MAX  5000u // whatever the hint
#define JF_PUMP_TURN_US       50000u
#define JF_PUMP_RETRY_TURN_US 1000u

struct jf_pump {
    struct jf_session *session;
    const struct jf_pump_source *source;
    struct jf_pump_result *result;
    struct jf_pump_slot *slots;
    uint32_t slot_count;
    uint32_t *idle; // indexes of slots
    uint32_t idle_count;
    uint32_t waiting_count; // slots to be sent again
    bool has_ended;
    enum jf_exit code;
    uint64_t done;
    struct jf_progress progress;
};

void jf_pump_advance(struct jf_pump *pump, uint64_t count)
{
    pump->done += count;
}

unsigned char *jf_pump_room(struct jf_pump_slot *slot, uint32_t size)
{
    if (size > slot->capacity || slot->bytes == NULL) {
        unsigned char *grown = realloc(slot->bytes, (size_t)size + 1);
        if (grown == NULL) {
            return NULL;
        }
        slot->bytes = grown;
        slot->capacity = size;
    }
    slot->size = size;
    return slot->bytes;
}

bool jf_pump_pack(struct jf_pump_slot *slot, const ProtobufCMessage *message)
{
    unsigned char *room = jf_pump_room(slot, (uint32_t)protobuf_c_message_get_packed_size(message));
    if (room == NULL) {
        return false;
    }
    (void)protobuf_c_message_pack(message, room);
    return true;
}

static void stop(struct jf_pump *pump, enum jf_exit code)
{
    pump->code = pump->code == JF_EXIT_OK ? code : pump->code;
}

static void slot_release(struct jf_pump_slot *slot)
{
    slot->is_busy = false;
    slot->pump->idle[slot->pump->idle_count++] = slot->index;
}

static void slot_wait(struct jf_pump_slot *slot, uint32_t retry_after_ms)
{
    uint32_t wait_ms = retry_after_ms == 0 ? JF_PUMP_RETRY_MS : retry_after_ms;
    wait_ms = wait_ms < JF_PUMP_RETRY_MS_MAX ? wait_ms : JF_PUMP_RETRY_MS_MAX;
    slot->due_ns = jf_progress_now_ns() + (uint64_t)wait_ms * 1000000u;
    slot->is_waiting = true;
    slot->pump->waiting_count++;
    slot->pump->result->retries++;
}

static void slot_done(void *context, const struct jf_reply *reply)
{
    struct jf_pump_slot *slot = context;
    struct jf_pump *pump = slot->pump;
    enum jf_exit code = jf_session_exit_of(reply->status);
    if (pump->code != JF_EXIT_OK) {
        return;
    }
    if (reply->status == JF_STATUS_RESOURCE_EXHAUSTED && slot->attempts < JF_PUMP_ATTEMPTS_MAX) {
        slot_wait(slot, reply->retry_after_ms);
        return;
    }
    if (code != JF_EXIT_OK && code != JF_EXIT_REFUSED) {
        stop(pump, jf_session_explain(pump->session, reply));
        return;
    }
    if (code == JF_EXIT_OK) {
        jf_histogram_record(&pump->result->latency_ns, jf_progress_now_ns() - slot->start_ns);
    }
    enum jf_exit source_code = pump->source->reply(pump->source->context, slot, reply);
    if (source_code != JF_EXIT_OK) {
        stop(pump, source_code);
    }
    slot_release(slot);
}

static void slot_send(struct jf_pump_slot *slot)
{
    struct jf_pump *pump = slot->pump;
    struct jf_text request = {(const char *)slot->bytes, slot->size};
    slot->attempts++;
    slot->is_waiting = false;
    if (!jf_session_start(pump->session, slot->index, pump->source->path, request, slot_done,
                          slot)) {
        struct jf_reply reply = {.status = JF_STATUS_UNAVAILABLE,
                                 .message = JF_TEXT("the connection is broken")};
        stop(pump, jf_session_explain(pump->session, &reply));
    }
}

static void slots_fill(struct jf_pump *pump)
{
    while (pump->idle_count > 0 && !pump->has_ended && pump->code == JF_EXIT_OK) {
        struct jf_pump_slot *slot = &pump->slots[pump->idle[pump->idle_count - 1]];
        enum jf_exit code = JF_EXIT_UNAVAILABLE;
        enum jf_pump_next next = pump->source->next(pump->source->context, slot, &code);
        if (next == JF_PUMP_WAIT) {
            JF_ASSERT(pump->idle_count < pump->slot_count); // else nothing would ever come
            return;
        }
        pump->has_ended = next == JF_PUMP_END;
        if (next == JF_PUMP_FAIL) {
            stop(pump, code);
        }
        if (next == JF_PUMP_ITEM) {
            pump->idle_count--;
            slot->is_busy = true;
            slot->attempts = 0;
            slot->start_ns = jf_progress_now_ns();
            slot_send(slot);
        }
    }
}

static void slots_send_again(struct jf_pump *pump)
{
    uint64_t now_ns = jf_progress_now_ns();
    for (uint32_t at = 0; pump->waiting_count > 0 && at < pump->slot_count; at++) {
        struct jf_pump_slot *slot = &pump->slots[at];
        if (slot->is_waiting && slot->due_ns <= now_ns) {
            pump->waiting_count--;
            slot_send(slot);
        }
    }
}

static bool slots_create(struct jf_pump *pump, uint32_t count)
{
    pump->slots = calloc(count, sizeof(*pump->slots));
    pump->idle = calloc(count, sizeof(*pump->idle));
    if (pump->slots == NULL || pump->idle == NULL) {
        return false;
    }
    pump->slot_count = count;
    for (uint32_t at = 0; at < count; at++) {
        pump->slots[at].pump = pump;
        pump->slots[at].index = at;
        pump->idle[pump->idle_count++] = count - 1 - at; // the first slot goes first
    }
    return true;
}

static void slots_destroy(struct jf_pump *pump)
{
    for (uint32_t at = 0; at < pump->slot_count; at++) {
        if (pump->slots[at].is_busy && pump->source->abandon != NULL) {
            pump->source->abandon(pump->source->context, &pump->slots[at]);
        }
        free(pump->slots[at].bytes);
    }
    free(pump->slots);
    free(pump->idle);
}

enum jf_exit jf_pump_run(struct jf_session *session, const struct jf_pump_source *source,
                         const struct jf_pump_config *config, struct jf_pump_result *out_result)
{
    JF_ASSERT(config->concurrency >= 1);
    JF_ASSERT(config->concurrency <= JF_PUMP_CALLS_MAX);
    static struct jf_pump_result unused;
    struct jf_pump pump = {.session = session,
                           .source = source,
                           .result = out_result == NULL ? &unused : out_result,
                           .code = JF_EXIT_OK};
    memset(pump.result, 0, sizeof(*pump.result));
    if (!slots_create(&pump, config->concurrency)) {
        slots_destroy(&pump);
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    uint64_t start_ns = jf_progress_now_ns();
    jf_progress_begin(&pump.progress, config->what, config->total, config->is_progress_forced);
    slots_fill(&pump);
    while (pump.code == JF_EXIT_OK && pump.idle_count < pump.slot_count) {
        uint64_t wait_us = pump.waiting_count > 0 ? JF_PUMP_RETRY_TURN_US : JF_PUMP_TURN_US;
        jf_session_turn(session, wait_us);
        slots_send_again(&pump);
        slots_fill(&pump);
        jf_progress_show(&pump.progress, pump.done);
    }
    jf_progress_end(&pump.progress, pump.done);
    pump.result->elapsed_ns = jf_progress_now_ns() - start_ns;
    slots_destroy(&pump);
    return pump.code;
}
