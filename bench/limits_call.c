// A jifend on an empty ledger, asked for nothing but its health. Fails: it does not start or
// answer.
#include <stdlib.h>

#include "bench/limits_parts.h"
#include "bench/load.h"
#include "bench/options.h"
#include "bench/posting.h"

#define CONNECTIONS 4u
#define CALLS       16u
#define WARM_UP_US  200000u

static enum jf_error calls_run(struct jf_target *target, uint64_t run_us,
                               struct jf_load_result *out_result, struct jf_diagnosis *diagnosis)
{
    struct jf_posting posting = {.sales = NULL, .batch_size = 1, .sales_left = UINT64_MAX};
    const struct jf_load_source source = jf_posting_source(&posting, JF_POSTING_EMPTY);
    const struct jf_load_config config = {.server = &target->server,
                                          .source = &source,
                                          .connections = CONNECTIONS,
                                          .calls = CALLS,
                                          .warm_up_us = WARM_UP_US,
                                          .run_us = run_us,
                                          .server_pid = target->process.pid};
    enum jf_error error = jf_load_run(&config, target->clients, out_result, diagnosis);
    bool is_good = error == JF_OK && (jf_load_is_good(&config, out_result) || jf_interrupt_seen());
    return error != JF_OK || is_good ? error
                                     : jf_diagnose(diagnosis, JF_ERROR_INVALID,
                                                   "an empty call failed: %s", out_result->failure);
}

enum jf_error jf_limits_call(struct jf_report *report, const struct jf_target_options *options,
                             uint64_t run_us, struct jf_diagnosis *diagnosis)
{
    struct jf_target *target = calloc(1, sizeof *target);
    struct jf_load_result *result = calloc(1, sizeof *result);
    enum jf_error error = target == NULL || result == NULL
                              ? jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for a load")
                              : jf_target_open(target, options, diagnosis);
    if (error == JF_OK) {
        error = jf_target_start(target, diagnosis);
    }
    if (error == JF_OK) {
        error = calls_run(target, run_us, result, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_target_stop(target, diagnosis);
    }
    if (target != NULL && result != NULL) {
        jf_target_close(target);
    }
    if (error == JF_OK && !jf_interrupt_seen()) {
        double seconds = (double)result->measured_ns / 1e9;
        jf_report_add(report, "http2.empty_unary.rate", (double)result->measured_accepted / seconds,
                      "/s", NULL);
        jf_report_add_latency(report, "http2.empty_unary", &result->latency_ns, NULL);
    }
    free(result);
    free(target);
    return error;
}
