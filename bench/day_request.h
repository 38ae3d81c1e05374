// What a journal's entry says was asked, as the request that asks it again. One thread.
#ifndef JF_BENCH_DAY_REQUEST_H
#define JF_BENCH_DAY_REQUEST_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "rules/entry.h"

// In: a sale. Out: bytes of a PostSaleRequest, in the arena. Errors: JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_day_request_sale(const struct jf_entry *entry, struct jf_arena *arena,
                                              struct jf_text *out_bytes);

struct jf_day_request {
    const char *path; // static
    const ProtobufCMessage *request;
    const ProtobufCMessageDescriptor *response;
};

// What sales need before they can be posted: an enrolment, a store, a programme. Out: in the arena;
// request NULL for entries of any other kind. Errors: JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_day_request_setting(const struct jf_entry *entry,
                                                 struct jf_arena *arena,
                                                 struct jf_day_request *out_request);

#endif
