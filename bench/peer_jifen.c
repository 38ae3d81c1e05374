// Each client is a connection with one call at a time, over TCP on loopback.
// Fails: a jifend that does not start or answer; a refused sale.
#include "bench/peer_jifen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/population.h"
#include "bench/posting.h"

#define BATCH_SIZE 1000u
#define BATCHES    4u
#define WARM_UP_US 1000000u

struct shape {
    const char *name;
    enum jf_posting_way way;
    uint32_t connections;
    uint32_t calls;
};

struct jifen {
    struct jf_target target;
    struct jf_sales sales;
    struct jf_load_result result;
};

static enum jf_error shape_measure(struct jifen *jifen, const struct shape *shape, uint32_t run_s,
                                   struct jf_report *report, struct jf_diagnosis *diagnosis)
{
    char prefix[JF_FIGURE_NAME_SIZE];
    char name[2 * JF_FIGURE_NAME_SIZE];
    struct jf_posting posting = {
        .sales = &jifen->sales, .batch_size = BATCH_SIZE, .sales_left = UINT64_MAX};
    const struct jf_load_source source = jf_posting_source(&posting, shape->way);
    const struct jf_load_config config = {.server = &jifen->target.server,
                                          .source = &source,
                                          .connections = shape->connections,
                                          .calls = shape->calls,
                                          .warm_up_us = WARM_UP_US,
                                          .run_us = (uint64_t)run_s * 1000000,
                                          .server_pid = jifen->target.process.pid};
    enum jf_error error = jf_load_run(&config, jifen->target.clients, &jifen->result, diagnosis);
    if (error == JF_OK && jf_interrupt_seen()) {
        return jf_diagnose(diagnosis, JF_ERROR_CLOSED, "interrupted");
    }
    if (error != JF_OK || !jf_load_is_good(&config, &jifen->result)) {
        return error != JF_OK ? error
                              : jf_diagnose(diagnosis, JF_ERROR_INVALID, "sales failed: %s%s",
                                            jifen->result.failure, jifen->result.answers.refusal);
    }
    double rate = (double)jifen->result.measured_accepted * 1e9 / (double)jifen->result.measured_ns;
    (void)snprintf(prefix, sizeof prefix, "peers.jifen.%s", shape->name);
    (void)snprintf(name, sizeof name, "%s.rate", prefix);
    jf_report_add(report, name, rate, "/s", NULL);
    jf_report_add_latency(report, prefix, &jifen->result.latency_ns, NULL);
    if (shape->connections == 64) {
        jf_report_add(report, "peers.jifen.rate", rate, "/s", NULL);
    }
    return JF_OK;
}

static enum jf_error all_measure(struct jifen *jifen, const struct jf_peers_options *options,
                                 struct jf_report *report, struct jf_diagnosis *diagnosis)
{
    static const struct shape shapes[] = {{"clients_1", JF_POSTING_UNARY, 1, 1},
                                          {"clients_16", JF_POSTING_UNARY, 16, 1},
                                          {"clients_64", JF_POSTING_UNARY, 64, 1},
                                          {"batch", JF_POSTING_BATCH, 2, BATCHES / 2}};
    struct jf_population population = JF_POPULATION_DEFAULT;
    population.member_count = options->member_count;
    enum jf_error error = jf_target_start(&jifen->target, diagnosis);
    error = error == JF_OK ? jf_population_make(&jifen->target, &population, diagnosis) : error;
    jf_sales_init(&jifen->sales, 1, population.member_count, (uint32_t)population.store_count);
    for (size_t i = 0; error == JF_OK && i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        error = shape_measure(jifen, &shapes[i], options->run_s, report, diagnosis);
    }
    return error == JF_OK ? jf_target_stop(&jifen->target, diagnosis) : error;
}

enum jf_error jf_peer_jifen_measure(const struct jf_target_options *target_options,
                                    const struct jf_peers_options *options,
                                    struct jf_report *report, struct jf_diagnosis *diagnosis)
{
    struct jifen *jifen = calloc(1, sizeof *jifen);
    if (jifen == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory");
    }
    (void)printf("jifen     TCP on loopback, gRPC, a connection a client; %" PRIu64 " members\n",
                 options->member_count);
    enum jf_error error = jf_target_open(&jifen->target, target_options, diagnosis);
    error = error == JF_OK ? all_measure(jifen, options, report, diagnosis) : error;
    jf_target_close(&jifen->target);
    free(jifen);
    return error;
}
