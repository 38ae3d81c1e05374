// Jifen, posted to as its peers are: the same numbers of clients, and batches.
#ifndef JF_BENCH_PEER_JIFEN_H
#define JF_BENCH_PEER_JIFEN_H

#include "bench/peers.h"
#include "bench/target.h"

// `peers.jifen.clients_N.*` and `peers.jifen.batch.*`; the rate at 64 clients also as
// `peers.jifen.rate`. Errors, diagnosed: of jf_target_start, jf_population_make and jf_load_run;
// JF_ERROR_INVALID when a sale was refused.
JF_MUST_USE enum jf_error jf_peer_jifen_measure(const struct jf_target_options *target_options,
                                                const struct jf_peers_options *options,
                                                struct jf_report *report,
                                                struct jf_diagnosis *diagnosis);

#endif
