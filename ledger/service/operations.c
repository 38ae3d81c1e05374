// jifen.v1.Operations: what operators ask. Verify runs as a job (job_call.c), Follow has
// a thread for each client (follow_call.c).
// Failures: as the engine refuses.
#include "jifen/v1/operations.pb-c.h"
#include "service/answer.h"
#include "service/core.h"
#include "service/status.h"

static bool totals_message(const struct jf_status_answer *answer, struct jf_arena *arena,
                           Jifen__V1__StatusResponse *response)
{
    Jifen__V1__ControlTotal *totals = jf_arena_calloc(arena, answer->row_count, sizeof *totals);
    response->totals = jf_arena_calloc(arena, answer->row_count, sizeof *response->totals);
    if (totals == NULL || response->totals == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < answer->row_count; i++) {
        const struct jf_control_row *row = &answer->rows[i];
        jifen__v1__control_total__init(&totals[i]);
        totals[i].account = (Jifen__V1__Account)row->account;
        totals[i].entity = row->entity.value;
        totals[i].reason = row->reason;
        totals[i].points = row->points;
        if (row->account == JF_ACCOUNT_ISSUED && row->reason < answer->reason_count) {
            totals[i].reason_name = jf_answer_text(answer->reasons[row->reason].name, arena);
        }
        if (totals[i].reason_name == NULL) {
            return false;
        }
        response->totals[i] = &totals[i];
    }
    response->n_totals = answer->row_count;
    return true;
}

static bool tiers_message(const struct jf_status_answer *answer, struct jf_arena *arena,
                          Jifen__V1__StatusResponse *response)
{
    Jifen__V1__TierMembers *tiers = jf_arena_calloc(arena, JF_TIERS_MAX, sizeof *tiers);
    response->tiers = jf_arena_calloc(arena, JF_TIERS_MAX, sizeof *response->tiers);
    if (tiers == NULL || response->tiers == NULL) {
        return false;
    }
    for (uint32_t tier = 0; tier < JF_TIERS_MAX; tier++) {
        bool has_name = tier < answer->tier_count;
        if (!has_name && answer->members_by_tier[tier] == 0) {
            continue;
        }
        Jifen__V1__TierMembers *row = &tiers[tier];
        jifen__v1__tier_members__init(row);
        row->tier = tier;
        row->members = answer->members_by_tier[tier];
        if (has_name) {
            row->name = jf_answer_text(answer->tier_names[tier], arena);
        }
        if (row->name == NULL) {
            return false;
        }
        response->tiers[response->n_tiers++] = row;
    }
    return true;
}

static void status_counts(const struct jf_status_answer *answer,
                          Jifen__V1__StatusResponse *response)
{
    response->position_last = answer->position_last;
    response->position_durable = answer->position_durable;
    response->position_stored = answer->position_stored;
    response->position_flushed = answer->position_flushed;
    response->members = answer->counts.members;
    response->members_cached = answer->members_cached;
    response->cache_bytes = answer->cache_bytes;
    response->sales = answer->counts.sales;
    response->returns = answer->counts.returns;
    response->redemptions = answer->counts.redemptions;
    response->lines = answer->counts.lines;
    response->replayed_answers = answer->replayed_answers;
    response->refusals = answer->refusals;
    response->overloads = answer->overloads;
    response->uptime_us = answer->uptime_us;
    response->programme_version = answer->programme_version;
    response->stores = answer->store_count;
    response->generation = answer->generation;
    response->read_only = answer->read_only_reason.size > 0;
    response->recovered_entries = answer->recovered_entries;
    response->recovery_us = answer->recovery_us;
    response->digest_position = answer->digest.position;
    response->scrubbed_us = answer->scrub.passed_us;
    response->damages = answer->scrub.damage_count;
}

static void status_net(const struct jf_service *service, Jifen__V1__StatusResponse *response)
{
    if (service->net != NULL) {
        struct jf_net_counters counters;
        jf_net_counters_read(service->net, &counters);
        response->connections = counters.connections_open;
        response->calls = counters.calls_started;
    }
}

static void status_answer(struct jf_service *service, struct jf_ticket *ticket)
{
    if (jf_ticket_finish_refused(ticket)) {
        return;
    }
    struct jf_arena *arena = ticket->request.arena;
    const struct jf_status_answer *answer = ticket->request.answer.status;
    Jifen__V1__StatusResponse response = JIFEN__V1__STATUS_RESPONSE__INIT;
    if (answer == NULL || !totals_message(answer, arena, &response) ||
        !tiers_message(answer, arena, &response)) {
        jf_status_finish_code(ticket->call, JF_REFUSAL_OVERLOADED);
        return;
    }
    char version[] = JF_VERSION;
    char ledger_id[33];
    jf_answer_hexadecimal(answer->ledger_id, sizeof answer->ledger_id, ledger_id);
    response.version = version;
    response.ledger_id = ledger_id;
    char digest[JF_DIGEST_TEXT_SIZE];
    jf_digest_text(answer->digest.digest, digest);
    if (answer->digest.position > 0) {
        response.digest = digest;
    }
    response.read_only_reason = jf_answer_text(answer->read_only_reason, arena);
    response.damage = jf_answer_text(jf_text_from(answer->scrub.damage), arena);
    if (response.read_only_reason == NULL || response.damage == NULL) {
        jf_status_finish_code(ticket->call, JF_REFUSAL_OVERLOADED);
        return;
    }
    status_counts(answer, &response);
    status_net(service, &response);
    jf_answer_finish(ticket->call, &response.base);
}

static void checkpoint_answer(struct jf_service *service, struct jf_ticket *ticket)
{
    (void)service;
    if (jf_ticket_finish_refused(ticket)) {
        return;
    }
    Jifen__V1__CheckpointResponse response = JIFEN__V1__CHECKPOINT_RESPONSE__INIT;
    response.position_flushed = ticket->request.answer.position_flushed;
    jf_answer_finish(ticket->call, &response.base);
}

static void plain_message(struct jf_service *service, struct jf_call *call, struct jf_text bytes,
                          enum jf_request_kind kind, jf_method_answer answer)
{
    if (jf_ticket_unpack(service, call, bytes) == NULL) {
        return;
    }
    struct jf_ticket *ticket = jf_ticket_create(call, kind, 0, answer);
    if (ticket != NULL) {
        jf_ticket_submit(service, ticket);
    }
}

static void status_message(struct jf_service *service, struct jf_call *call, struct jf_text bytes)
{
    plain_message(service, call, bytes, JF_REQUEST_STATUS, status_answer);
}

static void checkpoint_message(struct jf_service *service, struct jf_call *call,
                               struct jf_text bytes)
{
    plain_message(service, call, bytes, JF_REQUEST_CHECKPOINT, checkpoint_answer);
}

static const struct jf_method methods[] = {
    {.path = "/jifen.v1.Operations/Status",
     .on_message = status_message,
     .request = &jifen__v1__status_request__descriptor},
    {.path = "/jifen.v1.Operations/Verify",
     .on_message = jf_job_call_verify,
     .request = &jifen__v1__verify_request__descriptor,
     .on_gone = jf_job_call_gone,
     .is_server_stream = true},
    {.path = "/jifen.v1.Operations/Backup",
     .on_message = jf_job_call_backup,
     .request = &jifen__v1__backup_request__descriptor,
     .on_gone = jf_job_call_gone,
     .is_server_stream = true},
    {.path = "/jifen.v1.Operations/Checkpoint",
     .on_message = checkpoint_message,
     .request = &jifen__v1__checkpoint_request__descriptor},
    {.path = "/jifen.v1.Operations/Follow",
     .on_message = jf_follow_call_message,
     .request = &jifen__v1__follow_request__descriptor,
     .on_gone = jf_follow_call_gone,
     .is_server_stream = true},
};

const struct jf_method_group jf_operations_methods = {
    .service_name = "jifen.v1.Operations",
    .methods = methods,
    .count = sizeof methods / sizeof methods[0],
};
