// The parts of the target message_fuzz.c. Requests go through service/ as it is; what stands on
// either side of it is replaced, by definitions of the same names that the linker finds first:
// net's calls by message_calls.c, the engine's lanes, jobs and followers by message_lane.c. Behind
// those stands a small ledger in memory, message_ledger.c, that plans and applies with rules/ and
// checks what must hold after each entry. One thread; static memory, emptied between inputs.
#ifndef JF_TESTS_FUZZ_MESSAGE_H
#define JF_TESTS_FUZZ_MESSAGE_H

#include <protobuf-c/protobuf-c.h>

#include "engine/request.h"
#include "net/net.h"
#include "rules/reference.h"
#include "tests/fuzz/fuzz.h"

// message_calls.c: a client's calls.
#define MESSAGE_CALLS_MAX 8u

struct jf_call *message_call_open(uint32_t tag); // NULL: as many are open already
void message_call_leave(struct jf_call *call);   // its client has gone
bool message_call_is_open(const struct jf_call *call);
struct jf_call *message_call_at(uint32_t index); // in: below MESSAGE_CALLS_MAX
void message_calls_end(void);                    // none may be open; frees what they hold

// message_lane.c: the next request is answered with that error (BUSY, CLOSED) instead.
void message_lane_fail(enum jf_error error);

// message_ledger.c
#define MESSAGE_ENTRIES_MAX 512u

void message_ledger_reset(void); // as it was prepared
// Plans the command, whose form has been checked, and posts the entry if there is one.
void message_ledger_write(struct jf_request *request, struct jf_write *write);
void message_ledger_read(struct jf_request *request);
void message_ledger_wait(uint64_t us); // time passes
uint64_t message_ledger_clock_us(void);
uint64_t message_ledger_position(void);
struct jf_text message_ledger_entry(uint64_t position);    // 1..message_ledger_position()
struct jf_member_id message_ledger_member(uint32_t index); // number 0: there are no more

// message_base.c: what every input finds. Posts each command through `post`, which says whether it
// was accepted.
void message_base_post(bool (*post)(struct jf_command *command));
#define MESSAGE_BASE_NOW_MS INT64_C(1798718400000) // 2026-12-31, noon UTC

// message_grow.c: a request of that type out of the input's decisions, with ids, stores, dates and
// numbers that are known mostly, or else at the edges. Returns: its bytes, until the next call.
struct jf_text message_grow(const ProtobufCMessageDescriptor *descriptor, struct fuzz_input *input);

#endif
