// The ledger under test: a jifend of our own in a scratch directory, or one that runs already; and
// the plain questions put to it. One thread.
#ifndef JF_BENCH_TARGET_H
#define JF_BENCH_TARGET_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "bench/options.h"
#include "bench/process.h"
#include "net/client.h"

struct jf_target_options {
    const char *address;   // HOST:PORT of a running one; NULL: start our own
    const char *directory; // where the scratch directory is made; NULL: "."
    const char *jifend;    // program; NULL: the one beside ours
    struct jf_bench_list jifend_options;
};

// Rows of an option table, for subcommands that start a jifend.
#define JF_TARGET_OPTION_ROWS(target)                                                              \
    {"--dir",                                                                                      \
     "DIR",                                                                                        \
     JF_BENCH_TEXT,                                                                                \
     &(target).directory,                                                                          \
     0,                                                                                            \
     0,                                                                                            \
     "where the ledger is made; its disk is measured; default ."},                                 \
        {"--jifend",                                                                               \
         "PATH",                                                                                   \
         JF_BENCH_TEXT,                                                                            \
         &(target).jifend,                                                                         \
         0,                                                                                        \
         0,                                                                                        \
         "the server; default the jifend beside this program"},                                    \
    {                                                                                              \
        "--jifend-option", "OPT", JF_BENCH_LIST, &(target).jifend_options, 0, 0,                   \
            "a further option of it, such as --cache-mib=512; may be given again"                  \
    }

#define JF_TARGET_EXTRA_MAX 8u

// Caller's memory, from zeroes.
struct jf_target {
    const struct jf_target_options *options;
    struct jf_ring ring;
    struct jf_clients *clients;
    struct jf_client *control; // NULL: not connected
    struct jf_client_config server;
    char host[64];
    char program[JF_PATH_SIZE];
    struct jf_scratch scratch;
    struct jf_process process;
    const char *extra[JF_TARGET_EXTRA_MAX]; // options given at start, after the user's
    uint32_t extra_count;
};

// Makes ring, clients and, for a jifend of our own, the scratch directory; starts nothing yet.
// Close it in any case. Errors, diagnosed: JF_ERROR_INVALID (address), JF_ERROR_NOT_FOUND,
// JF_ERROR_IO, JF_ERROR_NO_URING, JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_target_open(struct jf_target *target,
                                         const struct jf_target_options *options,
                                         struct jf_diagnosis *diagnosis);
// Kills what still runs and removes the scratch directory.
void jf_target_close(struct jf_target *target);

// Starts our own jifend (where there is no address) and connects; waits for recovery.
// Errors, diagnosed: as jf_process_start and jf_client_open.
JF_MUST_USE enum jf_error jf_target_start(struct jf_target *target, struct jf_diagnosis *diagnosis);
// SIGTERM, and waits. Errors: as jf_process_stop. JF_OK for a ledger that is not ours.
JF_MUST_USE enum jf_error jf_target_stop(struct jf_target *target, struct jf_diagnosis *diagnosis);
void jf_target_kill(struct jf_target *target); // SIGKILL

// One question, answered within two minutes. Out: free with protobuf_c_message_free_unpacked.
// Errors, diagnosed: JF_ERROR_IO (refused, not connected, malformed), JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_target_ask(struct jf_target *target, const char *path,
                                        const ProtobufCMessage *request,
                                        const ProtobufCMessageDescriptor *response,
                                        ProtobufCMessage **out_response,
                                        struct jf_diagnosis *diagnosis);
// The same where the answer does not matter.
JF_MUST_USE enum jf_error jf_target_tell(struct jf_target *target, const char *path,
                                         const ProtobufCMessage *request,
                                         const ProtobufCMessageDescriptor *response,
                                         struct jf_diagnosis *diagnosis);

// Of Operations.Status, what a benchmark looks at.
struct jf_target_status {
    uint64_t position_last;
    uint64_t position_flushed;
    uint64_t members;
    uint64_t members_cached;
    uint64_t cache_bytes;
    uint64_t sales;
    uint64_t overloads;
    uint64_t recovered_entries;
    uint64_t recovery_us;
};
JF_MUST_USE enum jf_error jf_target_status(struct jf_target *target,
                                           struct jf_target_status *out_status,
                                           struct jf_diagnosis *diagnosis);
JF_MUST_USE enum jf_error jf_target_checkpoint(struct jf_target *target,
                                               struct jf_diagnosis *diagnosis);
// Operations.Verify to its end. Errors: JF_ERROR_CORRUPT when the ledger does not tie; JF_ERROR_IO.
JF_MUST_USE enum jf_error jf_target_verify(struct jf_target *target,
                                           struct jf_diagnosis *diagnosis);

#endif
