// How a call that is not answered with its response ends: refusals and errors as gRPC statuses.
//
// A refusal gives grpc-message "CODE: sentence (facts)" and, in grpc-status-details-bin, a
// google.rpc.Status whose details hold the jifen.v1.Refusal and, where waiting may help, a
// google.rpc.RetryInfo. Threads: the call's.
#ifndef JF_SERVICE_STATUS_H
#define JF_SERVICE_STATUS_H

#include "base/arena.h"
#include "net/net.h"
#include "rules/refusal.h"

// Returns: the gRPC status a unary call ends with.
enum jf_status jf_status_of_refusal(enum jf_refusal_code code);

// Milliseconds after which asking again may help; 0: it will not by itself.
uint32_t jf_status_retry_ms(enum jf_refusal_code code);

// An encoded jifen.v1.Refusal in `arena`; size 0 where the arena is full.
struct jf_text jf_status_refusal_encode(const struct jf_refusal *refusal, struct jf_arena *arena);

#define JF_STATUS_TEXT_MAX 1024u
// Writes "CODE: sentence (facts)", cut at JF_STATUS_TEXT_MAX - 1 bytes.
void jf_status_refusal_text(const struct jf_refusal *refusal, char out_text[JF_STATUS_TEXT_MAX]);

// Each ends the call.
void jf_status_finish_refusal(struct jf_call *call, const struct jf_refusal *refusal);
// A refusal that holds nothing but its code.
void jf_status_finish_code(struct jf_call *call, enum jf_refusal_code code);
// INVALID_FIELD. In: field, which may die after the call; limit the largest value allowed, 0: none
// to be named.
void jf_status_finish_field(struct jf_call *call, const char *field, int64_t limit,
                            const char *detail);
void jf_status_finish(struct jf_call *call, enum jf_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
