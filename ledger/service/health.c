// grpc.health.v1.Health: SERVING until the service drains, which the server asks for when the
// engine has failed or a shutdown has begun. Failures: Check of a service that is not served here
// is NOT_FOUND; Watch of one says SERVICE_UNKNOWN and goes on, as the interface demands.
#include "grpc/health/v1/health.pb-c.h"
#include "service/answer.h"
#include "service/core.h"
#include "service/status.h"

// A Watch that is open.
struct jf_watch {
    struct jf_call *call;
    struct jf_watch *previous;
    struct jf_watch *next;
};

static int state_of(const struct jf_service *service, const ProtobufCMessage *message)
{
    const char *name = ((const Grpc__Health__V1__HealthCheckRequest *)message)->service;
    if (name[0] != '\0' && !jf_method_serves(jf_text_from(name))) {
        return GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
    }
    return service->is_draining
               ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
               : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
}

static Grpc__Health__V1__HealthCheckResponse response_of(int state)
{
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    response.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)state;
    return response;
}

static void check_message(struct jf_service *service, struct jf_call *call, struct jf_text bytes)
{
    const ProtobufCMessage *message = jf_ticket_unpack(service, call, bytes);
    if (message == NULL) {
        return;
    }
    int state = state_of(service, message);
    if (state == GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN) {
        jf_status_finish(call, JF_STATUS_NOT_FOUND, "There is no such service here.");
        return;
    }
    Grpc__Health__V1__HealthCheckResponse response = response_of(state);
    jf_answer_finish(call, &response.base);
}

static void watch_finish(struct jf_service *service, struct jf_watch *watch, enum jf_status status,
                         const char *text)
{
    if (watch->previous != NULL) {
        watch->previous->next = watch->next;
    } else {
        service->watches = watch->next;
    }
    if (watch->next != NULL) {
        watch->next->previous = watch->previous;
    }
    jf_status_finish(watch->call, status, "%s", text);
}

static void watch_message(struct jf_service *service, struct jf_call *call, struct jf_text bytes)
{
    const ProtobufCMessage *message = jf_ticket_unpack(service, call, bytes);
    if (message == NULL) {
        return;
    }
    Grpc__Health__V1__HealthCheckResponse response = response_of(state_of(service, message));
    struct jf_watch *watch = jf_arena_calloc(jf_call_arena(call), 1, sizeof *watch);
    if (watch == NULL || !jf_answer_send(call, &response.base)) {
        jf_status_finish(call, JF_STATUS_RESOURCE_EXHAUSTED, "There is no memory for this call.");
        return;
    }
    watch->call = call;
    watch->next = service->watches;
    if (watch->next != NULL) {
        watch->next->previous = watch;
    }
    service->watches = watch;
    jf_call_set_context(call, watch);
    if (service->is_draining) {
        watch_finish(service, watch, JF_STATUS_UNAVAILABLE, "The server is shutting down.");
    }
}

static void watch_gone(struct jf_service *service, struct jf_call *call)
{
    watch_finish(service, jf_call_context(call), JF_STATUS_CANCELLED, "");
}

void jf_health_drain(struct jf_service *service)
{
    Grpc__Health__V1__HealthCheckResponse response =
        response_of(GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING);
    while (service->watches != NULL) {
        struct jf_watch *watch = service->watches;
        // Without memory for it the end of the watch says the same.
        bool is_sent = jf_answer_send(watch->call, &response.base);
        watch_finish(service, watch, JF_STATUS_UNAVAILABLE,
                     is_sent ? "The server is shutting down." : "The server is not serving.");
    }
}

static const struct jf_method methods[] = {
    {.path = "/grpc.health.v1.Health/Check",
     .on_message = check_message,
     .request = &grpc__health__v1__health_check_request__descriptor},
    {.path = "/grpc.health.v1.Health/Watch",
     .on_message = watch_message,
     .request = &grpc__health__v1__health_check_request__descriptor,
     .on_gone = watch_gone,
     .is_server_stream = true},
};

const struct jf_method_group jf_health_methods = {
    .service_name = "grpc.health.v1.Health",
    .methods = methods,
    .count = sizeof methods / sizeof methods[0],
};
