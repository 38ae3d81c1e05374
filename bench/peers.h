// The others that the same sale is posted to: each set up in a scratch directory, measured there
// and stopped. One thread.
#ifndef JF_BENCH_PEERS_H
#define JF_BENCH_PEERS_H

#include "bench/process.h"
#include "bench/report.h"

struct jf_peers_options {
    const char *scratch; // a directory of our own
    uint64_t member_count;
    uint64_t entry_count; // in the ledger before measuring: PostgreSQL only
    uint32_t run_s;       // each number of clients
};

// At 1, 16 and 64 clients: `peers.postgres.clients_N.rate`, `.p50_us`, `.p99_us`; the last rate
// also as `peers.postgres.rate`. Prints the settings. Errors, diagnosed: as jf_tool_run.
JF_MUST_USE enum jf_error jf_peer_postgres_measure(const struct jf_peers_options *options,
                                                   struct jf_report *report,
                                                   struct jf_diagnosis *diagnosis);

// At 1, 16 and 64 clients without and with a pipeline of 16: `peers.redis.clients_N.*`,
// `peers.redis.pipeline_16.*`; the rate at 64 clients without one also as `peers.redis.rate`.
JF_MUST_USE enum jf_error jf_peer_redis_measure(const struct jf_peers_options *options,
                                                struct jf_report *report,
                                                struct jf_diagnosis *diagnosis);

#endif
