// The service's own structures, shared by the files of this room only. One network thread owns all
// of it.
#ifndef JF_SERVICE_CORE_H
#define JF_SERVICE_CORE_H

#include <stdatomic.h>

#include "service/descriptors.h"
#include "service/methods.h"

struct jf_asker;
struct jf_follow_call;
struct jf_job_call;
struct jf_slot;
struct jf_stream;
struct jf_watch;

// A request at the engine and whose it is. The engine's `origin` points back to it.
struct jf_ticket {
    struct jf_request request;
    struct jf_call *call;
    void (*answer)(struct jf_service *service, struct jf_ticket *ticket); // when collected
};

struct jf_service {
    struct jf_engine *engine;
    struct jf_lane *lane;
    struct jf_ring *ring;
    const struct jf_net *net; // NULL until it is made
    uint64_t (*clock_us)(void);
    struct jf_net_handler handler;
    struct jf_net_method net_methods[JF_METHODS_MAX];
    const struct jf_method *methods[JF_METHODS_MAX];
    struct jf_descriptors descriptors;
    uint32_t submitted; // since the last flush
    bool is_draining;
    struct jf_stream *streams;
    uint32_t stream_count;
    struct jf_slot *free_slots;
    struct jf_slot *parked_first; // decoded, and the lane was full
    struct jf_slot *parked_last;
    struct jf_watch *watches;
    struct jf_asker *askers; // of reflection
    struct jf_job_call *jobs;
    _Atomic uint32_t job_news; // a job's thread has something to take
    struct jf_follow_call *follows;
    _Atomic uint32_t follow_news; // a follower's thread has something to take
};

// service.c: a request was handed to the lane; the ledger thread is woken now and then.
void jf_service_submitted(struct jf_service *service);

// ticket.c

// A ticket with `write_count` zeroed writes in the call's arena, request.kind set.
// Returns: NULL after the call was finished with RESOURCE_EXHAUSTED.
struct jf_ticket *jf_ticket_create(struct jf_call *call, enum jf_request_kind kind,
                                   uint32_t write_count,
                                   void (*answer)(struct jf_service *, struct jf_ticket *));

// Unpacks a unary request as its method's message. Returns: NULL after the call was finished
// because the bytes are malformed, too large to take apart, or came after their deadline, or
// because a text in them holds a NUL byte.
const ProtobufCMessage *jf_ticket_unpack(struct jf_service *service, struct jf_call *call,
                                         struct jf_text bytes);
// The same for a batch: a NUL byte is not looked for, as it refuses one write and not the call.
const ProtobufCMessage *jf_ticket_unpack_unchecked(struct jf_service *service, struct jf_call *call,
                                                   struct jf_text bytes);

// What a failed jf_message_unpack means to a client. Out: text of at most JF_STATUS_TEXT_MAX bytes.
enum jf_status jf_ticket_unpack_failure(enum jf_error error, const char *message_name,
                                        char *out_text);

// Ends a call whose request does not fit into its arena. What was made in the arena dies.
void jf_ticket_finish_too_large(struct jf_call *call);

// Hands the request to the engine, or finishes the call: OVERLOADED, SHUTTING_DOWN, FAILED.
void jf_ticket_submit(struct jf_service *service, struct jf_ticket *ticket);

// Why the engine takes nothing more: SHUTTING_DOWN or FAILED.
enum jf_refusal_code jf_ticket_closed_code(struct jf_service *service);

// Finishes the call with the refusal of a read. Returns: false where there is none.
bool jf_ticket_finish_refused(struct jf_ticket *ticket);

// on_message of unary writes: unpacks and decodes as the method's row says, and submits.
void jf_ticket_write_message(struct jf_service *service, struct jf_call *call,
                             struct jf_text bytes);
// answer of unary writes: the response is an outcome and `replayed`.
void jf_ticket_write_answer(struct jf_service *service, struct jf_ticket *ticket);

void jf_ticket_finish_ok(struct jf_call *call);

// stream.c
void jf_stream_message(struct jf_service *service, struct jf_call *call, struct jf_text bytes);
void jf_stream_half_close(struct jf_service *service, struct jf_call *call);
void jf_stream_gone(struct jf_service *service, struct jf_call *call);
void jf_stream_turn(struct jf_service *service);
void jf_stream_drain(struct jf_service *service);
void jf_stream_deinit(struct jf_service *service); // the free slots

// batch.c
void jf_batch_message(struct jf_service *service, struct jf_call *call, struct jf_text bytes);

// job_call.c: calls that run a job and stream its progress.
void jf_job_call_tiers(struct jf_service *service, struct jf_call *call, struct jf_text bytes);
void jf_job_call_expire(struct jf_service *service, struct jf_call *call, struct jf_text bytes);
void jf_job_call_verify(struct jf_service *service, struct jf_call *call, struct jf_text bytes);
void jf_job_call_backup(struct jf_service *service, struct jf_call *call, struct jf_text bytes);
void jf_job_call_gone(struct jf_service *service, struct jf_call *call);
void jf_job_call_turn(struct jf_service *service);
void jf_job_call_drain(struct jf_service *service);

// follow_call.c
void jf_follow_call_message(struct jf_service *service, struct jf_call *call, struct jf_text bytes);
void jf_follow_call_gone(struct jf_service *service, struct jf_call *call);
void jf_follow_call_turn(struct jf_service *service);
void jf_follow_call_drain(struct jf_service *service);

// health.c
void jf_health_drain(struct jf_service *service);

// reflection.c
void jf_reflection_drain(struct jf_service *service);

#endif
