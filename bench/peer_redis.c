// Redis of Debian: a server of its own in the scratch directory, reached through a Unix socket, a
// Lua script driven by redis-benchmark, every write flushed before it is answered. Fails: not
// installed; a step that fails, with what it said.
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/peers.h"
#include "bench/tool.h"

#define SERVER      "/usr/bin/redis-server"
#define CLI         "/usr/bin/redis-cli"
#define BENCHMARK   "/usr/bin/redis-benchmark"
#define READY_TRIES 100u
#define SHORT_S     60u
#define STOP_S      30u
#define PROBE_COUNT 2000u        // requests, to know how many take as long as asked
#define ID_RANGE    "2000000000" // the highest it takes: of millions, one in a thousand is a retry

extern const unsigned char jf_bench_sale_lua[];
extern const uint32_t jf_bench_sale_lua_size;

static const char *const settings[] = {
    "--port",
    "0",
    "--save",
    "",
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--auto-aof-rewrite-percentage",
    "0",
    "--daemonize",
    "no",
};

#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

struct redis {
    const struct jf_peers_options *options;
    char directory[JF_PATH_SIZE];
    char socket[JF_PATH_SIZE];
    char script[64]; // its SHA-1, as Redis names it
    char members[24];
    pid_t pid;
    char text[JF_TOOL_OUTPUT_SIZE];
};

// One way of asking: so many clients, so many requests in flight on each.
struct way {
    const char *name;
    uint32_t clients;
    uint32_t pipeline;
};

static enum jf_error tool(struct redis *redis, const char *const *arguments, uint32_t timeout_s,
                          struct jf_diagnosis *diagnosis)
{
    const struct jf_tool_command command = {.arguments = arguments, .directory = redis->directory};
    return jf_tool_run(&command, timeout_s, redis->text, diagnosis);
}

static enum jf_error server_start(struct redis *redis, struct jf_diagnosis *diagnosis)
{
    const char *arguments[8 + SETTING_COUNT] = {SERVER, "--unixsocket", redis->socket, "--dir",
                                                redis->directory};
    char log[JF_PATH_SIZE + 16];
    memcpy(arguments + 5, settings, sizeof settings);
    (void)snprintf(log, sizeof log, "%s/log", redis->directory);
    const struct jf_tool_command command = {.arguments = arguments, .directory = redis->directory};
    const char *const ask[] = {CLI, "-s", redis->socket, "ping", NULL};
    enum jf_error error = jf_tool_start(&command, log, &redis->pid, diagnosis);
    for (uint32_t i = 0; error == JF_OK && i < READY_TRIES; i++) {
        (void)usleep(100000);
        error = tool(redis, ask, SHORT_S, diagnosis);
        if (error != JF_ERROR_IO) {
            return error;
        }
        error = i + 1 < READY_TRIES ? JF_OK : error;
    }
    return error;
}

static enum jf_error script_load(struct redis *redis, struct jf_diagnosis *diagnosis)
{
    char *script = strndup((const char *)jf_bench_sale_lua, jf_bench_sale_lua_size);
    if (script == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory");
    }
    const char *const arguments[] = {CLI, "-s", redis->socket, "script", "load", script, NULL};
    enum jf_error error = tool(redis, arguments, SHORT_S, diagnosis);
    (void)snprintf(redis->script, sizeof redis->script, "%.40s", redis->text);
    free(script);
    return error;
}

// Out: requests a second and, of their latency, p50 and p99 in milliseconds.
static enum jf_error requests_run(struct redis *redis, const struct way *way, uint64_t count,
                                  double out_figures[3], struct jf_diagnosis *diagnosis)
{
    char clients[16];
    char pipeline[16];
    char requests[24];
    (void)snprintf(clients, sizeof clients, "%u", way->clients);
    (void)snprintf(pipeline, sizeof pipeline, "%u", way->pipeline);
    (void)snprintf(requests, sizeof requests, "%" PRIu64, count);
    const char *const arguments[] = {
        BENCHMARK, "-s",          redis->socket, "-c",           clients,        "-P",
        pipeline,  "-n",          requests,      "-r",           ID_RANGE,       "--csv",
        "evalsha", redis->script, "0",           "__rand_int__", redis->members, NULL};
    enum jf_error error = tool(redis, arguments, 20 * redis->options->run_s + SHORT_S, diagnosis);
    // "test","rps","avg","min","p50","p95","p99","max", each quoted, in the last line.
    const char *line = error == JF_OK ? strrchr(redis->text, '\n') : NULL;
    while (line != NULL && line > redis->text && (line[1] == '\0' || *line != '\n')) {
        line--;
    }
    const char *fields = line == NULL ? NULL : strstr(line, "\",\"");
    double average = 0;
    double least = 0;
    double p95 = 0;
    bool is_read =
        fields != NULL &&
        sscanf(fields, "\",\"%lf\",\"%lf\",\"%lf\",\"%lf\",\"%lf\",\"%lf\"", &out_figures[0],
               &average, &least, &out_figures[1], &p95, &out_figures[2]) == 6;
    return error != JF_OK || is_read
               ? error
               : jf_diagnose(diagnosis, JF_ERROR_IO, "redis-benchmark said no rate: %.100s",
                             redis->text);
}

static enum jf_error way_measure(struct redis *redis, const struct way *way,
                                 struct jf_report *report, struct jf_diagnosis *diagnosis)
{
    double figures[3] = {0};
    char name[JF_FIGURE_NAME_SIZE];
    enum jf_error error = requests_run(redis, way, PROBE_COUNT, figures, diagnosis);
    uint64_t count = (uint64_t)(figures[0] * redis->options->run_s) + PROBE_COUNT;
    error = error == JF_OK ? requests_run(redis, way, count, figures, diagnosis) : error;
    if (error != JF_OK) {
        return error;
    }
    (void)snprintf(name, sizeof name, "peers.redis.%s.rate", way->name);
    jf_report_add(report, name, figures[0], "/s", NULL);
    (void)snprintf(name, sizeof name, "peers.redis.%s.p50_us", way->name);
    jf_report_add(report, name, figures[1] * 1000, "us", NULL);
    (void)snprintf(name, sizeof name, "peers.redis.%s.p99_us", way->name);
    jf_report_add(report, name, figures[2] * 1000, "us", NULL);
    if (way->clients == 64 && way->pipeline == 1) {
        jf_report_add(report, "peers.redis.rate", figures[0], "/s", NULL);
    }
    return JF_OK;
}

// What it holds is what was asked: the script ran, and its entries are there.
static enum jf_error entries_check(struct redis *redis, struct jf_diagnosis *diagnosis)
{
    const char *const arguments[] = {CLI, "-s", redis->socket, "llen", "entries", NULL};
    enum jf_error error = tool(redis, arguments, SHORT_S, diagnosis);
    if (error == JF_OK && strtoull(redis->text, NULL, 10) < PROBE_COUNT) {
        error =
            jf_diagnose(diagnosis, JF_ERROR_IO, "redis holds too few entries: %.20s", redis->text);
    }
    return error;
}

static enum jf_error all_measure(struct redis *redis, struct jf_report *report,
                                 struct jf_diagnosis *diagnosis)
{
    static const struct way ways[] = {
        {"clients_1", 1, 1}, {"clients_16", 16, 1}, {"clients_64", 64, 1}, {"pipeline_16", 64, 16}};
    enum jf_error error = server_start(redis, diagnosis);
    error = error == JF_OK ? script_load(redis, diagnosis) : error;
    for (size_t i = 0; error == JF_OK && i < sizeof(ways) / sizeof(ways[0]); i++) {
        error = way_measure(redis, &ways[i], report, diagnosis);
    }
    return error == JF_OK ? entries_check(redis, diagnosis) : error;
}

enum jf_error jf_peer_redis_measure(const struct jf_peers_options *options,
                                    struct jf_report *report, struct jf_diagnosis *diagnosis)
{
    struct redis *redis = calloc(1, sizeof *redis);
    if (redis == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory");
    }
    redis->options = options;
    (void)snprintf(redis->members, sizeof redis->members, "%" PRIu64, options->member_count);
    (void)snprintf(redis->directory, sizeof redis->directory, "%.*s/redis",
                   (int)(JF_PATH_SIZE - 16), options->scratch);
    (void)snprintf(redis->socket, sizeof redis->socket, "%.*s/s", (int)(JF_PATH_SIZE - 16),
                   redis->directory);
    (void)printf("redis     Unix socket, redis-benchmark, evalsha;");
    for (size_t i = 0; i < SETTING_COUNT; i += 2) {
        (void)printf(" %s %s", settings[i] + 2,
                     settings[i + 1][0] == '\0' ? "\"\"" : settings[i + 1]);
    }
    (void)printf("; %" PRIu64 " members\n", options->member_count);
    enum jf_error error =
        mkdir(redis->directory, 0750) == 0
            ? all_measure(redis, report, diagnosis)
            : jf_diagnose(diagnosis, JF_ERROR_IO, "%s cannot be made", redis->directory);
    jf_tool_stop(redis->pid, SIGTERM, STOP_S);
    free(redis);
    return error;
}
