// Load in a closed loop: so many connections, so many calls (or messages of a stream) in flight on
// each; what is answered is asked anew at once. Or in an open loop: requests arrive at a rate,
// whatever the server does. One thread.
//
// Latency runs until the answer has been read whole: in a closed loop from just before a request's
// bytes are handed to the connection, in an open loop from the instant at which it arrived, also
// when all calls were taken and it had to wait to be sent (so a stall is felt by all that arrive
// meanwhile, and nothing is omitted). Every answer is looked at. A closed loop asks less while the
// server stalls: the longest single wait is therefore told beside the percentiles.
#ifndef JF_BENCH_LOAD_H
#define JF_BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/histogram.h"
#include "base/text.h"
#include "bench/process.h"
#include "bench/wire.h"
#include "net/client.h"

#define JF_LOAD_CONNECTIONS_MAX 1024u
#define JF_LOAD_CALLS_MAX       4096u // on one connection

// Where requests come from and how answers are read.
struct jf_load_source {
    struct jf_text path;
    bool is_stream; // one call a connection carries all messages
    void *context;
    // Makes the next request. Returns: its size; UINT32_MAX: there are no more.
    uint32_t (*next)(void *context);
    // Writes the request made last; the room is exactly its size.
    void (*write)(void *context, unsigned char *out_bytes);
    jf_answer_reader read;
    uint32_t answers_per_request; // outcomes and refusals that one answer must hold; 0: any number
};

struct jf_load_config {
    const struct jf_client_config *server;
    const struct jf_load_source *source;
    uint32_t connections;    // 1..JF_LOAD_CONNECTIONS_MAX
    uint32_t calls;          // in flight on each, 1..JF_LOAD_CALLS_MAX
    uint64_t arrivals_per_s; // open loop at that rate, no stream and run_us > 0; 0: closed loop
    uint64_t warm_up_us;
    uint64_t run_us;      // a closed loop at least until one answer; 0: until there are no more
    uint64_t answers_max; // expected with run_us 0, for the progress line
    const char *what;     // of the progress line; NULL: none
    pid_t server_pid;     // 0: not ours
    bool is_refusal_expected;
};

struct jf_load_result {
    struct jf_histogram latency_ns; // of requests started in the measured time
    struct jf_answers answers;      // all, also of warm-up and of the end
    uint64_t measured_accepted;     // answered within the measured time
    uint64_t measured_ns;
    uint64_t arrivals_unsent;     // of an open loop: still waiting for a free call at the end
    uint64_t overloads;           // calls that ended with RESOURCE_EXHAUSTED
    uint64_t failures;            // calls that ended otherwise than OK, or were answered wrongly
    uint64_t server_processor_us; // within the measured time
    uint64_t client_processor_us;
    char failure[320]; // the first one, in words
};

// Runs it to the end: warm-up, measured time, and until all that was asked is answered.
// Returns: JF_OK also with failures and refusals in the result. Errors, diagnosed: JF_ERROR_IO (no
// connection, or nothing was answered for 30 s), JF_ERROR_NO_MEMORY.
// After Ctrl-C it ends early with JF_OK.
JF_MUST_USE enum jf_error jf_load_run(const struct jf_load_config *config,
                                      struct jf_clients *clients, struct jf_load_result *out_result,
                                      struct jf_diagnosis *diagnosis);

// Whether the result counts: answers came, none failed, none was refused unless expected.
bool jf_load_is_good(const struct jf_load_config *config, const struct jf_load_result *result);

#endif
