// The parts of jifen-bench rpc in an open loop: sales arrive whatever the server does.
// Fails as its parts do (rpc.c).
#include <inttypes.h>
#include <stdio.h>

#include "bench/rpc_private.h"

#define SEARCH_FROM  1000u // sales a second
#define SEARCH_STEPS 6u    // of halving: to 1/64 of the last doubling

static void open_figures_add(struct jf_rpc_run *run, const struct jf_rpc_part *part)
{
    const struct jf_load_result *result = &run->result;
    jf_rpc_figures_add(run, part);
    jf_rpc_figure_add(run, part, "unsent", (double)result->arrivals_unsent, "sales");
    if (result->latency_ns.count > 0) {
        uint64_t p9999_ns = jf_histogram_quantile(&result->latency_ns, 999900);
        jf_rpc_figure_add(run, part, "p9999_us", (double)p9999_ns / 1000.0, "us");
    } else {
        (void)fprintf(stderr,
                      "open: %" PRIu64 "/s is far beyond what the server keeps up with here: "
                      "nothing that arrived in the measured time was sent; it has no latency\n",
                      run->rate);
    }
}

enum jf_bench_exit jf_rpc_open_measure(struct jf_rpc_run *run, const struct jf_rpc_part *part)
{
    char prefix[JF_FIGURE_NAME_SIZE];
    struct jf_rpc_part named = *part;
    bool is_thousands = run->rate % 1000 == 0;
    (void)snprintf(prefix, sizeof prefix, "rpc.open_%" PRIu64 "%s",
                   is_thousands ? run->rate / 1000 : run->rate, is_thousands ? "k" : "");
    named.prefix = prefix;
    run->arrivals_per_s = run->rate;
    enum jf_bench_exit code = jf_rpc_part_measure(run, &named);
    if (code == JF_BENCH_OK) {
        open_figures_add(run, &named);
    }
    return code;
}

// Out: whether the rate was kept up with, and p99 below the bound.
static enum jf_bench_exit rate_try(struct jf_rpc_run *run, const struct jf_rpc_part *part,
                                   uint64_t rate, bool *out_holds)
{
    run->arrivals_per_s = rate;
    enum jf_bench_exit code = jf_rpc_part_measure(run, part);
    uint64_t p99_ns = jf_histogram_quantile(&run->result.latency_ns, 990000);
    *out_holds =
        code == JF_BENCH_OK && run->result.arrivals_unsent == 0 && p99_ns < run->p99_ms * 1000000;
    if (code == JF_BENCH_OK) {
        jf_report_add_point(&run->report, "rpc.saturation.p50", "sales/s", "latency, us",
                            (double)rate,
                            (double)jf_histogram_quantile(&run->result.latency_ns, 500000) / 1e3);
        jf_report_add_point(&run->report, "rpc.saturation.p99", "sales/s", "latency, us",
                            (double)rate, (double)p99_ns / 1e3);
        (void)fprintf(stderr, "saturation: %" PRIu64 "/s: p99 %.2f ms%s\n", rate,
                      (double)p99_ns / 1e6, *out_holds ? "" : ": too much");
    }
    return code;
}

// Doubles the rate until it is too much, then halves the step.
enum jf_bench_exit jf_rpc_saturation_search(struct jf_rpc_run *run, const struct jf_rpc_part *part)
{
    uint64_t holds = 0;
    uint64_t step = SEARCH_FROM;
    uint32_t halvings = 0;
    enum jf_bench_exit code = JF_BENCH_OK;
    while (code == JF_BENCH_OK && halvings < SEARCH_STEPS && !jf_interrupt_seen()) {
        bool is_held = false;
        code = rate_try(run, part, holds + step, &is_held);
        holds += is_held ? step : 0;
        if (halvings > 0 || !is_held) {
            halvings += 1;
            step = step / 2 > 0 ? step / 2 : 1;
        } else {
            step = holds;
        }
    }
    if (code == JF_BENCH_OK) {
        jf_rpc_figure_add(run, part, "rate", (double)holds, "/s");
        jf_rpc_figure_add(run, part, "p99_bound_us", (double)run->p99_ms * 1000, "us");
    }
    return code;
}
