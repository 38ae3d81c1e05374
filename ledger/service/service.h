// jifen.v1 over gRPC: request messages become commands and reads for the engine, its answers become
// response messages, refusals become statuses; and the standard health and reflection services.
//
// One network thread owns a service, its net and its ring, and calls everything here. The life of a
// call: net → on_message: decoded into the call's arena → engine (place in the order, durable)
// → on_turn: answered.
#ifndef JF_SERVICE_SERVICE_H
#define JF_SERVICE_SERVICE_H

#include "engine/engine.h"
#include "net/net.h"

struct jf_service;

// In: clock_us the monotonic clock, in microseconds, that net's deadlines are in. The engine and
// the ring outlive the service; the ring is woken when answers wait. Errors: JF_ERROR_NO_MEMORY,
// and what jf_engine_lane_open says.
JF_MUST_USE enum jf_error jf_service_create(struct jf_engine *engine, struct jf_ring *ring,
                                            uint64_t (*clock_us)(void),
                                            struct jf_service **out_service);

// For jf_net_create; lives as long as the service.
const struct jf_net_handler *jf_service_handler(const struct jf_service *service);

// Once the net is made: its counters are part of Status.
void jf_service_set_net(struct jf_service *service, const struct jf_net *net);

// Health says NOT_SERVING from now on; health watches, streams and jobs end as soon as what they
// had been given is answered. Unary calls may still come (net refuses them when it drains).
void jf_service_drain(struct jf_service *service);

// Whether nothing is with the engine and no job runs.
bool jf_service_is_idle(const struct jf_service *service);

// In: idle, and the net destroyed (or never made). NULL is accepted.
void jf_service_destroy(struct jf_service *service);

#endif
