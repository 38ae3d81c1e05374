// PostgreSQL of Debian: a cluster of its own in the scratch directory, reached through a Unix
// socket (its fastest way in), a stored function driven by pgbench with prepared statements, every
// commit flushed. Fails: not installed; a step that fails, with what it said.
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/histogram.h"
#include "bench/peers.h"
#include "bench/tool.h"

#define INITDB       "/usr/lib/postgresql/15/bin/initdb"
#define POSTGRES     "/usr/lib/postgresql/15/bin/postgres"
#define PSQL         "/usr/lib/postgresql/15/bin/psql"
#define PGBENCH      "/usr/lib/postgresql/15/bin/pgbench"
#define READY_TRIES  300u
#define SHORT_S      60u
#define FILL_S       3600u
#define STOP_S       60u
#define LOG_SAMPLING "--sampling-rate=0.05" // of pgbench

extern const unsigned char jf_bench_schema_sql[];
extern const uint32_t jf_bench_schema_sql_size;
extern const unsigned char jf_bench_sale_pgbench[];
extern const uint32_t jf_bench_sale_pgbench_size;

// What is said beside the figures, and given to the server.
static const char *const settings[] = {
    "shared_buffers=2GB", "max_wal_size=8GB",      "checkpoint_timeout=15min",
    "fsync=on",           "synchronous_commit=on", "full_page_writes=on",
    "wal_buffers=64MB",   "max_connections=100",   "listen_addresses=",
    "autovacuum=on",
};

#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

struct postgres {
    const struct jf_peers_options *options;
    char directory[JF_PATH_SIZE]; // of everything, the socket too
    uid_t user;                   // it does not run as root
    gid_t group;
    pid_t pid;
    char text[JF_TOOL_OUTPUT_SIZE];
};

static enum jf_error tool(struct postgres *postgres, const char *const *arguments,
                          uint32_t timeout_s, struct jf_diagnosis *diagnosis)
{
    const struct jf_tool_command command = {.arguments = arguments,
                                            .directory = postgres->directory,
                                            .user = postgres->user,
                                            .group = postgres->group};
    return jf_tool_run(&command, timeout_s, postgres->text, diagnosis);
}

static enum jf_error user_choose(struct postgres *postgres, struct jf_diagnosis *diagnosis)
{
    if (geteuid() != 0) {
        return JF_OK;
    }
    const struct passwd *user = getpwnam("postgres");
    if (user == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND,
                           "there is no user postgres, as whom PostgreSQL runs: install what "
                           "jifen-bench compares with: tools/setup --bench");
    }
    postgres->user = user->pw_uid;
    postgres->group = user->pw_gid;
    return chmod(postgres->options->scratch, 0755) == 0 &&
                   chown(postgres->directory, postgres->user, postgres->group) == 0
               ? JF_OK
               : jf_diagnose(diagnosis, JF_ERROR_IO, "%s cannot be given to the user postgres",
                             postgres->directory);
}

static enum jf_error file_put(const struct postgres *postgres, const char *name, const void *bytes,
                              uint32_t size, struct jf_diagnosis *diagnosis)
{
    char path[JF_PATH_SIZE + 32];
    (void)snprintf(path, sizeof path, "%s/%s", postgres->directory, name);
    FILE *file = fopen(path, "we");
    bool is_put = file != NULL && fwrite(bytes, 1, size, file) == size;
    if (file != NULL && fclose(file) != 0) {
        is_put = false;
    }
    return is_put && chmod(path, 0644) == 0
               ? JF_OK
               : jf_diagnose(diagnosis, JF_ERROR_IO, "%s cannot be written", path);
}

static enum jf_error cluster_make(struct postgres *postgres, struct jf_diagnosis *diagnosis)
{
    const char *const arguments[] = {
        INITDB,       "-D", "data", "-U", "bench", "--auth=trust", "--encoding=UTF8",
        "--locale=C", "-N", NULL};
    return tool(postgres, arguments, SHORT_S, diagnosis);
}

static enum jf_error sql(struct postgres *postgres, const char *const *last, uint32_t timeout_s,
                         struct jf_diagnosis *diagnosis)
{
    const char *const arguments[] = {PSQL,       "-h", postgres->directory, "-U",    "bench",
                                     "-qAt",     "-v", "ON_ERROR_STOP=1",   last[0], last[1],
                                     "postgres", NULL};
    return tool(postgres, arguments, timeout_s, diagnosis);
}

static enum jf_error server_start(struct postgres *postgres, struct jf_diagnosis *diagnosis)
{
    const char *arguments[8 + 2 * SETTING_COUNT] = {POSTGRES, "-D", "data", "-k",
                                                    postgres->directory};
    char log[JF_PATH_SIZE + 16];
    uint32_t count = 5;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        arguments[count++] = "-c";
        arguments[count++] = settings[i];
    }
    (void)snprintf(log, sizeof log, "%s/log", postgres->directory);
    const struct jf_tool_command command = {.arguments = arguments,
                                            .directory = postgres->directory,
                                            .user = postgres->user,
                                            .group = postgres->group};
    const char *const ask[] = {"-c", "SELECT 1"};
    enum jf_error error = jf_tool_start(&command, log, &postgres->pid, diagnosis);
    for (uint32_t i = 0; error == JF_OK && i < READY_TRIES; i++) {
        (void)usleep(100000);
        error = sql(postgres, ask, SHORT_S, diagnosis);
        if (error != JF_ERROR_IO) {
            return error;
        }
        error = i + 1 < READY_TRIES ? JF_OK : error;
    }
    return error;
}

static enum jf_error tables_fill(struct postgres *postgres, struct jf_diagnosis *diagnosis)
{
    char text[1024];
    const char *const schema[] = {"-f", "schema.sql"};
    const char *const fill[] = {"-c", text};
    (void)snprintf(
        text, sizeof text,
        "INSERT INTO balance SELECT m, 0 FROM generate_series(1, %" PRIu64 ") m; "
        "INSERT INTO entry (transaction_id, member, store, amount, points) SELECT 'p' || "
        "n, 1 + n %% %" PRIu64 ", 1 + n %% 100, 10000, 100 FROM generate_series(1, "
        "%" PRIu64 ") n; ",
        postgres->options->member_count, postgres->options->member_count,
        postgres->options->entry_count);
    enum jf_error error =
        file_put(postgres, "schema.sql", jf_bench_schema_sql, jf_bench_schema_sql_size, diagnosis);
    if (error == JF_OK) {
        error = file_put(postgres, "sale.pgbench", jf_bench_sale_pgbench,
                         jf_bench_sale_pgbench_size, diagnosis);
    }
    if (error == JF_OK) {
        error = sql(postgres, schema, SHORT_S, diagnosis);
    }
    if (error == JF_OK) {
        error = sql(postgres, fill, FILL_S, diagnosis);
    }
    const char *const vacuum[] = {"-c", "VACUUM ANALYZE"};
    const char *const checkpoint[] = {"-c", "CHECKPOINT"};
    if (error == JF_OK) {
        error = sql(postgres, vacuum, FILL_S, diagnosis);
    }
    return error == JF_OK ? sql(postgres, checkpoint, FILL_S, diagnosis) : error;
}

// The latencies of a sample of transactions, from the files that pgbench wrote; they are removed.
static void latencies_read(const struct postgres *postgres, struct jf_histogram *latency_ns)
{
    for (uint32_t thread = 0; thread < 2; thread++) {
        char path[JF_PATH_SIZE + 64];
        char line[256];
        (void)snprintf(path, sizeof path, "%s/sales.%s", postgres->directory,
                       thread == 0 ? "0" : "1");
        FILE *file = fopen(path, "re");
        while (file != NULL && fgets(line, sizeof line, file) != NULL) {
            uint64_t us = 0;
            if (sscanf(line, "%*d %*d %" SCNu64, &us) == 1) {
                jf_histogram_record(latency_ns, us * 1000);
            }
        }
        if (file != NULL) {
            (void)fclose(file);
            (void)unlink(path);
        }
    }
}

// pgbench names its logs sales.PID and sales.PID.THREAD: given fixed names.
static enum jf_error logs_rename(struct postgres *postgres, struct jf_diagnosis *diagnosis)
{
    const char *const arguments[] = {
        "/bin/sh", "-c",
        "for f in sales.*.1; do [ ! -e \"$f\" ] || mv \"$f\" sales_1; done; "
        "for f in sales.*; do [ ! -e \"$f\" ] || mv \"$f\" sales_0; done; "
        "[ ! -e sales_0 ] || mv sales_0 sales.0; [ ! -e sales_1 ] || mv sales_1 sales.1",
        NULL};
    return tool(postgres, arguments, SHORT_S, diagnosis);
}

static enum jf_error clients_measure(struct postgres *postgres, uint32_t clients,
                                     struct jf_report *report, struct jf_diagnosis *diagnosis)
{
    static struct jf_histogram latency_ns; // 30 KiB: not for the stack
    char members[48];
    char client_text[16];
    char seconds[16];
    char prefix[JF_FIGURE_NAME_SIZE];
    char name[2 * JF_FIGURE_NAME_SIZE];
    (void)snprintf(members, sizeof members, "members=%" PRIu64, postgres->options->member_count);
    (void)snprintf(client_text, sizeof client_text, "%u", clients);
    (void)snprintf(seconds, sizeof seconds, "%u", postgres->options->run_s);
    const char *const arguments[] = {PGBENCH,
                                     "-h",
                                     postgres->directory,
                                     "-U",
                                     "bench",
                                     "-n",
                                     "-M",
                                     "prepared",
                                     "-f",
                                     "sale.pgbench",
                                     "-D",
                                     members,
                                     "-c",
                                     client_text,
                                     "-j",
                                     clients > 1 ? "2" : "1",
                                     "-T",
                                     seconds,
                                     "-l",
                                     "--log-prefix=sales",
                                     LOG_SAMPLING,
                                     "postgres",
                                     NULL};
    enum jf_error error = tool(postgres, arguments, postgres->options->run_s + SHORT_S, diagnosis);
    const char *tps = error == JF_OK ? strstr(postgres->text, "tps = ") : NULL;
    if (error != JF_OK || tps == NULL) {
        return error != JF_OK ? error : jf_diagnose(diagnosis, JF_ERROR_IO, "pgbench said no rate");
    }
    double rate = strtod(tps + strlen("tps = "), NULL);
    (void)snprintf(prefix, sizeof prefix, "peers.postgres.clients_%u", clients);
    (void)snprintf(name, sizeof name, "%s.rate", prefix);
    jf_report_add(report, name, rate, "/s", NULL);
    error = logs_rename(postgres, diagnosis);
    memset(&latency_ns, 0, sizeof latency_ns);
    latencies_read(postgres, &latency_ns);
    if (latency_ns.count > 0) {
        jf_report_add_latency(report, prefix, &latency_ns, NULL);
    }
    if (clients == 64) {
        jf_report_add(report, "peers.postgres.rate", rate, "/s", NULL);
    }
    return error;
}

static enum jf_error all_measure(struct postgres *postgres, struct jf_report *report,
                                 struct jf_diagnosis *diagnosis)
{
    static const uint32_t clients[] = {1, 16, 64};
    enum jf_error error = user_choose(postgres, diagnosis);
    error = error == JF_OK ? cluster_make(postgres, diagnosis) : error;
    error = error == JF_OK ? server_start(postgres, diagnosis) : error;
    error = error == JF_OK ? tables_fill(postgres, diagnosis) : error;
    for (size_t i = 0; error == JF_OK && i < sizeof(clients) / sizeof(clients[0]); i++) {
        error = clients_measure(postgres, clients[i], report, diagnosis);
    }
    return error;
}

enum jf_error jf_peer_postgres_measure(const struct jf_peers_options *options,
                                       struct jf_report *report, struct jf_diagnosis *diagnosis)
{
    struct postgres *postgres = calloc(1, sizeof *postgres);
    if (postgres == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory");
    }
    postgres->options = options;
    (void)snprintf(postgres->directory, sizeof postgres->directory, "%.*s/pg",
                   (int)(JF_PATH_SIZE - 8), options->scratch);
    (void)printf("postgres  Unix socket, pgbench -M prepared;");
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        (void)printf(" %s", settings[i]);
    }
    (void)printf("; %" PRIu64 " members, %" PRIu64 " entries before\n", options->member_count,
                 options->entry_count);
    enum jf_error error =
        mkdir(postgres->directory, 0750) == 0
            ? all_measure(postgres, report, diagnosis)
            : jf_diagnose(diagnosis, JF_ERROR_IO, "%s cannot be made", postgres->directory);
    jf_tool_stop(postgres->pid, SIGINT, STOP_S);
    free(postgres);
    return error;
}
