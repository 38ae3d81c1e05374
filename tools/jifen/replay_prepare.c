// The first reading of a file of receipts, and what must stand before its sales: stores and
// members. Fails: the file or the zone cannot be read; refusals of stores; members that are there
// already are no failure.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "jifen/v1/members.pb-c.h"
#include "jifen/v1/programmes.pb-c.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/replay.h"
#include "tools/jifen/rpc_details.h"

enum jf_exit jf_cli_replay_setup(struct jf_cli_replay *replay, struct jf_session *session,
                                 const struct jf_cli_replay_config *config)
{
    struct jf_diagnosis diagnosis = {0};
    replay->config = *config;
    replay->session = session;
    replay->first_on = JF_DATE_NONE;
    if (jf_zone_load(NULL, jf_text_from(config->zone_name), &replay->zone, &diagnosis) != JF_OK) {
        return jf_cli_fail(JF_EXIT_USAGE, "--zone %s: %s", config->zone_name, diagnosis.text);
    }
    return JF_EXIT_OK;
}

void jf_cli_replay_deinit(struct jf_cli_replay *replay)
{
    jf_zone_destroy(replay->zone);
    jf_number_map_deinit(&replay->stores);
    jf_number_map_deinit(&replay->members);
    free(replay->member_states);
    replay->zone = NULL;
    replay->member_states = NULL;
}

static uint64_t bad_shown;

static void bad_show(void *context, uint64_t line, const char *reason)
{
    const struct jf_cli_replay *replay = context;
    if (bad_shown++ < JF_CLI_REPLAY_SHOWN_MAX) {
        (void)fprintf(stderr, "%s:%" PRIu64 ": %s\n", replay->config.path, line, reason);
    }
}

static enum jf_error receipt_note(struct jf_cli_replay *replay, const struct jf_receipt *receipt,
                                  uint64_t index)
{
    uint32_t unused = 0;
    enum jf_error error = jf_number_map_add(&replay->stores, receipt->store, &unused);
    if (error == JF_OK) {
        error = jf_number_map_add(&replay->members, receipt->member, &unused);
    }
    if (replay->first_on == JF_DATE_NONE || receipt->sold_on < replay->first_on) {
        replay->first_on = receipt->sold_on;
    }
    if (receipt->sold_at_ms >= replay->last_sold_at_ms) {
        replay->last_sold_at_ms = receipt->sold_at_ms;
        replay->last_store = receipt->store;
    }
    if (replay->config.on_receipt != NULL) {
        replay->config.on_receipt(replay->config.context, index, receipt);
    }
    return error;
}

static enum jf_error receipts_note(struct jf_cli_replay *replay, struct jf_receipts *receipts,
                                   struct jf_diagnosis *diagnosis)
{
    struct jf_progress progress;
    const struct jf_receipt *receipt = NULL;
    uint64_t index = 0;
    jf_progress_begin(&progress, "reading", 0, replay->config.is_progress_forced);
    enum jf_error error = jf_receipts_next(receipts, &receipt, diagnosis);
    while (error == JF_OK) {
        error = receipt_note(replay, receipt, index++);
        if (error != JF_OK) {
            return jf_diagnose(diagnosis, error, "%s: %s", replay->config.path,
                               jf_error_text(error));
        }
        jf_progress_show(&progress, index);
        error = jf_receipts_next(receipts, &receipt, diagnosis);
    }
    jf_progress_end(&progress, index);
    replay->counts = *jf_receipts_counts(receipts);
    return error == JF_ERROR_NOT_FOUND ? JF_OK : error;
}

enum jf_exit jf_cli_replay_survey(struct jf_cli_replay *replay)
{
    struct jf_diagnosis diagnosis = {0};
    struct jf_receipts *receipts = NULL;
    struct jf_receipts_config config = {replay->config.path, replay->zone, bad_show, replay};
    bad_shown = 0;
    enum jf_error error = jf_receipts_open(&config, &receipts, &diagnosis);
    if (error == JF_OK) {
        error = receipts_note(replay, receipts, &diagnosis);
    }
    jf_receipts_close(receipts);
    if (bad_shown > JF_CLI_REPLAY_SHOWN_MAX) {
        (void)fprintf(stderr, "... and %" PRIu64 " more bad lines\n",
                      bad_shown - JF_CLI_REPLAY_SHOWN_MAX);
    }
    if (replay->counts.cut_line > 0) { // more than a bad line: nobody knows what is missing
        (void)fprintf(stderr, "%s ends early, at line %" PRIu64 ": what stood behind is missing\n",
                      replay->config.path, replay->counts.cut_line);
    }
    if (error != JF_OK) {
        return jf_cli_diagnosed(&diagnosis);
    }
    replay->member_states =
        calloc((size_t)replay->members.count + 1, sizeof(*replay->member_states));
    if (replay->member_states == NULL) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    return JF_EXIT_OK;
}

struct list_source {
    struct jf_cli_replay *replay;
    uint32_t at;
};

static enum jf_pump_next packed(bool is_packed, enum jf_exit *out_code)
{
    if (!is_packed) {
        *out_code = jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    return is_packed ? JF_PUMP_ITEM : JF_PUMP_FAIL;
}

// The id says what is put, so that the same replay again changes nothing, and another zone is
// another put.
static enum jf_pump_next store_next(void *context, struct jf_pump_slot *slot,
                                    enum jf_exit *out_code)
{
    struct list_source *source = context;
    const struct jf_cli_replay *replay = source->replay;
    char id[64];
    if (source->at == replay->stores.count) {
        return JF_PUMP_END;
    }
    uint64_t store = replay->stores.numbers[source->at++];
    Jifen__V1__PutStoreRequest request = JIFEN__V1__PUT_STORE_REQUEST__INIT;
    (void)snprintf(id, sizeof(id), "store-%" PRIu64 "-%" PRIu32 "-%016" PRIx64, store,
                   replay->config.entity,
                   jf_hash64(replay->config.zone_name, strlen(replay->config.zone_name)));
    request.transaction_id = id;
    request.store = (uint32_t)store;
    request.entity = replay->config.entity;
    request.zone = (char *)(uintptr_t)replay->config.zone_name;
    jf_pump_advance(slot->pump, 1);
    return packed(jf_pump_pack(slot, &request.base), out_code);
}

static enum jf_exit store_reply(void *context, struct jf_pump_slot *slot,
                                const struct jf_reply *reply)
{
    struct list_source *source = context;
    (void)slot;
    if (reply->status == JF_STATUS_OK) {
        return JF_EXIT_OK;
    }
    return jf_session_explain(source->replay->session, reply);
}

static enum jf_pump_next member_next(void *context, struct jf_pump_slot *slot,
                                     enum jf_exit *out_code)
{
    struct list_source *source = context;
    const struct jf_cli_replay *replay = source->replay;
    char id[64];
    if (source->at == replay->members.count) {
        return JF_PUMP_END;
    }
    Jifen__V1__EnrolRequest request = JIFEN__V1__ENROL_REQUEST__INIT;
    jf_date enrolled_on = replay->config.enrolled_on;
    request.number = replay->members.numbers[source->at++];
    (void)snprintf(id, sizeof(id), "enrol-%" PRIu64, request.number);
    request.transaction_id = id;
    request.enrolled_on =
        jf_wire_date_from(enrolled_on == JF_DATE_NONE ? replay->first_on : enrolled_on);
    jf_pump_advance(slot->pump, 1);
    return packed(jf_pump_pack(slot, &request.base), out_code);
}

// A member who is there already, from an earlier run or from the CRM, is what is wanted.
static bool is_there_already(struct jf_session *session, const struct jf_reply *reply)
{
    struct jf_text bytes;
    if (!jf_rpc_details_find_refusal(reply->details, &bytes)) {
        return false;
    }
    const Jifen__V1__Refusal *refusal = (const Jifen__V1__Refusal *)jf_session_decode(
        session, &jifen__v1__refusal__descriptor, bytes);
    bool is_there = refusal != NULL && (strcmp(refusal->code, "MEMBER_EXISTS") == 0 ||
                                        strcmp(refusal->code, "TRANSACTION_CONFLICT") == 0);
    jf_session_forget(session);
    return is_there;
}

static enum jf_exit member_reply(void *context, struct jf_pump_slot *slot,
                                 const struct jf_reply *reply)
{
    struct list_source *source = context;
    struct jf_cli_replay *replay = source->replay;
    (void)slot;
    if (reply->status == JF_STATUS_OK) {
        const Jifen__V1__EnrolResponse *response =
            (const Jifen__V1__EnrolResponse *)jf_session_decode(
                replay->session, &jifen__v1__enrol_response__descriptor, reply->bytes);
        replay->enrolled += response != NULL && !response->replayed;
        jf_session_forget(replay->session);
        return JF_EXIT_OK;
    }
    return is_there_already(replay->session, reply) ? JF_EXIT_OK
                                                    : jf_session_explain(replay->session, reply);
}

static enum jf_exit list_run(struct jf_cli_replay *replay, struct jf_pump_source *calls,
                             const char *what, uint32_t total)
{
    struct list_source source = {.replay = replay};
    struct jf_pump_config config = {.concurrency = replay->config.concurrency,
                                    .what = what,
                                    .total = total,
                                    .is_progress_forced = replay->config.is_progress_forced};
    calls->context = &source;
    return jf_pump_run(replay->session, calls, &config, NULL);
}

enum jf_exit jf_cli_replay_prepare(struct jf_cli_replay *replay)
{
    struct jf_pump_source stores = {"/jifen.v1.Programmes/PutStore", NULL, store_next, store_reply,
                                    NULL};
    struct jf_pump_source members = {"/jifen.v1.Members/Enrol", NULL, member_next, member_reply,
                                     NULL};
    enum jf_exit code = JF_EXIT_OK;
    if (!replay->config.is_without_stores) {
        code = list_run(replay, &stores, "stores", replay->stores.count);
    }
    if (code == JF_EXIT_OK && !replay->config.is_without_enrolment) {
        code = list_run(replay, &members, "members", replay->members.count);
    }
    return code;
}
