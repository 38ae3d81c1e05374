// jifen.v1.Programmes: publishing and reading programmes, stores, and tier recalculation
// and expiry
// (job_call.c). Failures: as the rules refuse.
#include "service/answer.h"
#include "service/core.h"
#include "service/message.h"
#include "service/status.h"
#include "service/wire.h"

// The version that a publication's outcome names.
static uint32_t outcome_version(struct jf_text outcome, struct jf_arena *arena)
{
    ProtobufCMessage *message;
    enum jf_error error =
        jf_message_unpack(&jifen__v1__outcome__descriptor, outcome, arena, &message);
    return error == JF_OK ? ((const Jifen__V1__Outcome *)message)->programme_version : 0;
}

// The outcome and `replayed` as for every write, and field 3: the version.
static void publish_answer(struct jf_service *service, struct jf_ticket *ticket)
{
    const struct jf_write *write = &ticket->request.writes[0];
    bool is_replayed = write->status == JF_WRITE_REPLAYED;
    if (write->status != JF_WRITE_POSTED && !is_replayed) {
        jf_ticket_write_answer(service, ticket); // ends it with what stands in the way
        return;
    }
    struct jf_answer answer = {
        .outcome = write->outcome, .refusal = {NULL, 0}, .is_replayed = is_replayed};
    uint32_t version = outcome_version(write->outcome, ticket->request.arena);
    uint64_t size = jf_answer_size(&answer) + 1 + jf_wire_varint_size(version);
    unsigned char *to = jf_call_send(ticket->call, (uint32_t)size);
    if (to == NULL) {
        jf_status_finish(ticket->call, JF_STATUS_RESOURCE_EXHAUSTED,
                         "There is no memory for the answer; the same request again gets it.");
        return;
    }
    jf_wire_put_varint(jf_answer_put(to, &answer), 3, version);
    jf_ticket_finish_ok(ticket->call);
}

static bool reasons_message(const struct jf_programme_answer *answer, struct jf_arena *arena,
                            Jifen__V1__GetProgrammeResponse *response)
{
    Jifen__V1__Reason *reasons = jf_arena_calloc(arena, answer->reason_count, sizeof *reasons);
    response->reasons = jf_arena_calloc(arena, answer->reason_count, sizeof *response->reasons);
    if (reasons == NULL || response->reasons == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < answer->reason_count; i++) {
        jifen__v1__reason__init(&reasons[i]);
        reasons[i].number = answer->reasons[i].number;
        reasons[i].name = jf_answer_text(answer->reasons[i].name, arena);
        if (reasons[i].name == NULL) {
            return false;
        }
        response->reasons[i] = &reasons[i];
    }
    response->n_reasons = answer->reason_count;
    return true;
}

static bool tier_names_message(const struct jf_programme_answer *answer, struct jf_arena *arena,
                               Jifen__V1__GetProgrammeResponse *response)
{
    response->tier_names = jf_arena_calloc(arena, answer->tier_count, sizeof *response->tier_names);
    if (response->tier_names == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < answer->tier_count; i++) {
        response->tier_names[i] = jf_answer_text(answer->tier_names[i], arena);
        if (response->tier_names[i] == NULL) {
            return false;
        }
    }
    response->n_tier_names = answer->tier_count;
    return true;
}

static bool class_names_message(const struct jf_programme_answer *answer, struct jf_arena *arena,
                                Jifen__V1__GetProgrammeResponse *response)
{
    response->class_names =
        jf_arena_calloc(arena, answer->class_count, sizeof *response->class_names);
    bool is_made = response->class_names != NULL;
    for (uint32_t i = 0; is_made && i < answer->class_count; i++) {
        response->class_names[i] = jf_answer_text(answer->class_names[i], arena);
        is_made = response->class_names[i] != NULL;
    }
    response->n_class_names = answer->class_count;
    return is_made;
}

static void get_answer(struct jf_service *service, struct jf_ticket *ticket)
{
    (void)service;
    if (jf_ticket_finish_refused(ticket)) {
        return;
    }
    struct jf_arena *arena = ticket->request.arena;
    const struct jf_programme_answer *answer = ticket->request.answer.programme;
    Jifen__V1__GetProgrammeResponse response = JIFEN__V1__GET_PROGRAMME_RESPONSE__INIT;
    if (answer == NULL || !reasons_message(answer, arena, &response) ||
        !tier_names_message(answer, arena, &response) ||
        !class_names_message(answer, arena, &response)) {
        jf_status_finish_code(ticket->call, JF_REFUSAL_OVERLOADED);
        return;
    }
    response.version = answer->version;
    response.versions = answer->version_count;
    response.effective_from_ms = answer->effective_from_ms;
    response.position = answer->position;
    response.yaml = jf_answer_text(answer->yaml, arena);
    if (response.yaml == NULL) {
        jf_status_finish_code(ticket->call, JF_REFUSAL_OVERLOADED);
        return;
    }
    jf_answer_finish(ticket->call, &response.base);
}

static void get_message(struct jf_service *service, struct jf_call *call, struct jf_text bytes)
{
    const ProtobufCMessage *message = jf_ticket_unpack(service, call, bytes);
    if (message == NULL) {
        return;
    }
    struct jf_ticket *ticket = jf_ticket_create(call, JF_REQUEST_GET_PROGRAMME, 0, get_answer);
    if (ticket != NULL) {
        ticket->request.query.version = ((const Jifen__V1__GetProgrammeRequest *)message)->version;
        jf_ticket_submit(service, ticket);
    }
}

static const struct jf_method methods[] = {
    {.path = "/jifen.v1.Programmes/Publish",
     .on_message = jf_ticket_write_message,
     .request = &jifen__v1__publish_request__descriptor,
     .decode = jf_decode_publish,
     .answer = publish_answer},
    {.path = "/jifen.v1.Programmes/Get",
     .on_message = get_message,
     .request = &jifen__v1__get_programme_request__descriptor},
    {.path = "/jifen.v1.Programmes/PutStore",
     .on_message = jf_ticket_write_message,
     .request = &jifen__v1__put_store_request__descriptor,
     .decode = jf_decode_put_store},
    {.path = "/jifen.v1.Programmes/RecalculateTiers",
     .on_message = jf_job_call_tiers,
     .request = &jifen__v1__recalculate_tiers_request__descriptor,
     .on_gone = jf_job_call_gone,
     .is_server_stream = true},
    {.path = "/jifen.v1.Programmes/Expire",
     .on_message = jf_job_call_expire,
     .request = &jifen__v1__expire_request__descriptor,
     .on_gone = jf_job_call_gone,
     .is_server_stream = true},
};

const struct jf_method_group jf_programmes_methods = {
    .service_name = "jifen.v1.Programmes",
    .methods = methods,
    .count = sizeof methods / sizeof methods[0],
};
