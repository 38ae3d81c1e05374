// What the files of jifen-bench rpc share: rpc.c has the parts in a closed loop, rpc_open.c those
// in an open loop.
#ifndef JF_BENCH_RPC_PRIVATE_H
#define JF_BENCH_RPC_PRIVATE_H

#include "bench/load.h"
#include "bench/options.h"
#include "bench/population.h"
#include "bench/posting.h"
#include "bench/report.h"
#include "bench/sale.h"
#include "bench/target.h"

// One run of the subcommand.
struct jf_rpc_run {
    bool is_spawned;
    bool has_verify;
    bool is_refusal_expected;
    struct jf_target_options target_options;
    struct jf_population population;
    uint64_t connections;
    uint64_t calls;
    uint64_t batch_size;
    uint64_t batches;
    uint64_t run_ms;
    uint64_t warm_up_ms;
    uint64_t repeats;
    uint64_t rate; // of open
    uint64_t p99_ms;
    uint64_t arrivals_per_s; // of the load that is about to run; 0: closed loop
    const char *parts;
    const char *json_path;
    struct jf_target target;
    struct jf_report report;
    struct jf_sales sales;
    struct jf_load_result result;
};

struct jf_rpc_part {
    const char *name;
    const char *prefix;
    enum jf_posting_way way;
    bool is_hot;
    const char *rate_of;
    const char *latency_of;
};

// Runs one part's load, open loop where run->arrivals_per_s says so, and checks what was answered
// against Status. Adds no figures: run->result holds them.
enum jf_bench_exit jf_rpc_part_measure(struct jf_rpc_run *run, const struct jf_rpc_part *part);

// Adds the figures of run->result, or one more, under the part's prefix.
void jf_rpc_figures_add(struct jf_rpc_run *run, const struct jf_rpc_part *part);
void jf_rpc_figure_add(struct jf_rpc_run *run, const struct jf_rpc_part *part, const char *name,
                       double value, const char *unit);

// Part `open`: sales arrive at run->rate.
enum jf_bench_exit jf_rpc_open_measure(struct jf_rpc_run *run, const struct jf_rpc_part *part);
// Part `saturation`: the highest rate whose p99 stays below run->p99_ms.
enum jf_bench_exit jf_rpc_saturation_search(struct jf_rpc_run *run, const struct jf_rpc_part *part);

#endif
