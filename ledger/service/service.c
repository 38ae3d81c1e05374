// net hands messages over, each goes to its method's row; once a turn what was gathered is flushed
// to the engine, and what the engine has answered is sent. Failures: at creation only, no memory or
// no lane. What a client does wrong ends that client's call.
#include "service/service.h"

#include <stdlib.h>

#include "base/assert.h"
#include "service/core.h"
#include "service/status.h"

// Callers that were answered together ask again together, and then everything waits for the slowest
// stage in turn. So the ledger thread starts while more is being read, and answers leave in slices
// while more are being made.
#define SUBMITTED_PER_WAKE 16u
#define ANSWERS_PER_TURN   16u

static void on_message(void *context, struct jf_call *call, const unsigned char *bytes,
                       uint32_t size)
{
    struct jf_service *service = context;
    const struct jf_method *method = service->methods[jf_call_tag(call)];
    if (method->on_message == NULL) {
        jf_status_finish(call, JF_STATUS_UNIMPLEMENTED,
                         "%s is not built in this version: the README lists what is.",
                         method->path);
        return;
    }
    method->on_message(service, call, (struct jf_text){(const char *)bytes, size});
}

static void on_half_close(void *context, struct jf_call *call)
{
    struct jf_service *service = context;
    const struct jf_method *method = service->methods[jf_call_tag(call)];
    JF_ASSERT(method->on_half_close != NULL);
    method->on_half_close(service, call);
}

static void on_gone(void *context, struct jf_call *call)
{
    struct jf_service *service = context;
    const struct jf_method *method = service->methods[jf_call_tag(call)];
    if (method->on_gone != NULL) {
        method->on_gone(service, call);
    }
}

static void flush(struct jf_service *service)
{
    if (service->submitted > 0) {
        service->submitted = 0;
        jf_lane_flush(service->lane);
    }
}

void jf_service_submitted(struct jf_service *service)
{
    service->submitted += 1;
    if (service->submitted >= SUBMITTED_PER_WAKE) {
        flush(service);
    }
}

static void on_turn(void *context)
{
    struct jf_service *service = context;
    flush(service); // the ledger thread starts on it while answers are sent here
    for (uint32_t i = 0; i < ANSWERS_PER_TURN; i++) {
        struct jf_request *request = jf_lane_collect(service->lane);
        if (request == NULL) {
            break;
        }
        struct jf_ticket *ticket = request->origin;
        ticket->answer(service, ticket);
    }
    jf_stream_turn(service);
    jf_job_call_turn(service);
    jf_follow_call_turn(service);
    flush(service);
}

static bool has_work(void *context)
{
    struct jf_service *service = context;
    return jf_lane_has_answers(service->lane) ||
           atomic_load_explicit(&service->job_news, memory_order_acquire) != 0 ||
           atomic_load_explicit(&service->follow_news, memory_order_acquire) != 0;
}

static void wake(void *context)
{
    struct jf_service *service = context;
    jf_ring_wake(service->ring);
}

static void methods_number(struct jf_service *service)
{
    uint32_t count = jf_method_count();
    for (uint32_t tag = 0; tag < count; tag++) {
        const struct jf_method *method = jf_method_at(tag);
        service->methods[tag] = method;
        service->net_methods[tag] =
            (struct jf_net_method){.path = method->path,
                                   .is_client_stream = method->is_client_stream,
                                   .is_server_stream = method->is_server_stream,
                                   .tag = tag};
    }
    service->handler = (struct jf_net_handler){.context = service,
                                               .methods = service->net_methods,
                                               .method_count = count,
                                               .on_message = on_message,
                                               .on_half_close = on_half_close,
                                               .on_gone = on_gone,
                                               .on_turn = on_turn,
                                               .has_work = has_work};
}

enum jf_error jf_service_create(struct jf_engine *engine, struct jf_ring *ring,
                                uint64_t (*clock_us)(void), struct jf_service **out_service)
{
    JF_ASSERT(ring != NULL);
    JF_ASSERT(clock_us != NULL);
    struct jf_service *service = calloc(1, sizeof *service);
    if (service == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    service->engine = engine;
    service->ring = ring;
    service->clock_us = clock_us;
    service->descriptors = jf_descriptors_embedded();
    methods_number(service);
    enum jf_error error = jf_engine_lane_open(engine, wake, service, &service->lane);
    if (error != JF_OK) {
        free(service);
        return error;
    }
    *out_service = service;
    return JF_OK;
}

const struct jf_net_handler *jf_service_handler(const struct jf_service *service)
{
    return &service->handler;
}

void jf_service_set_net(struct jf_service *service, const struct jf_net *net)
{
    service->net = net;
}

void jf_service_drain(struct jf_service *service)
{
    if (service->is_draining) {
        return;
    }
    service->is_draining = true;
    jf_health_drain(service);
    jf_reflection_drain(service);
    jf_stream_drain(service);
    jf_job_call_drain(service);
    jf_follow_call_drain(service);
}

bool jf_service_is_idle(const struct jf_service *service)
{
    return jf_lane_outstanding(service->lane) == 0 && service->parked_first == NULL &&
           service->jobs == NULL && service->follows == NULL;
}

void jf_service_destroy(struct jf_service *service)
{
    if (service == NULL) {
        return;
    }
    JF_ASSERT(jf_service_is_idle(service));
    jf_engine_lane_close(service->lane);
    jf_stream_deinit(service);
    free(service);
}
