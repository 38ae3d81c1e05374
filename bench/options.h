// What all subcommands of jifen-bench share: exit codes, options by table, help, messages, the
// clock. One thread.
#ifndef JF_BENCH_OPTIONS_H
#define JF_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

// Documented in `jifen-bench help`: scripts rely on them.
enum jf_bench_exit {
    JF_BENCH_OK = 0,
    JF_BENCH_FAILED = 1,        // an answer was wrong, refused or missing: the figures do not count
    JF_BENCH_USAGE = 2,         // the command line is wrong
    JF_BENCH_UNAVAILABLE = 3,   // the machine or the ledger cannot be measured
    JF_BENCH_BROKEN = 5,        // the ledger does not tie, or lost something
    JF_BENCH_INTERRUPTED = 130, // Ctrl-C; everything is cleaned up
    JF_BENCH_GO_ON = -1,        // of jf_options_parse only: run the subcommand
};

#define JF_BENCH_LIST_MAX 16u

struct jf_bench_list {
    const char *items[JF_BENCH_LIST_MAX];
    uint32_t count;
};

enum jf_bench_option_kind {
    JF_BENCH_FLAG,    // bool
    JF_BENCH_TEXT,    // const char *
    JF_BENCH_NUMBER,  // uint64_t within min..max
    JF_BENCH_SECONDS, // uint64_t, given as seconds such as 0.5, kept as milliseconds within
                      // min..max
    JF_BENCH_LIST,    // struct jf_bench_list, may be given again
};

struct jf_bench_option {
    const char *name;  // "--members"
    const char *value; // "N"; NULL for flags
    enum jf_bench_option_kind kind;
    void *out; // of the kind's type, holds the default
    uint64_t min;
    uint64_t max;
    const char *help;
};

#define JF_BENCH_OPTION_COUNT(options) ((uint32_t)(sizeof(options) / sizeof((options)[0])))

struct jf_bench_help {
    const char *usage;   // "jifen-bench limits [options]"
    const char *about;   // sentences, lines ended by \n
    const char *example; // commands that work as they stand
};

// In: argv[0] is the subcommand's name. Out: the options' variables.
// Returns: JF_BENCH_GO_ON; JF_BENCH_OK after printing help; JF_BENCH_USAGE after saying what is
// wrong.
enum jf_bench_exit jf_options_parse(const struct jf_bench_help *help,
                                    const struct jf_bench_option *options, uint32_t option_count,
                                    int argc, char **argv);

// Prints "jifen-bench: " and the text on stderr. Returns: `code`.
enum jf_bench_exit jf_bench_fail(enum jf_bench_exit code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Says what `diagnosis` says. Returns: JF_BENCH_UNAVAILABLE.
enum jf_bench_exit jf_bench_diagnosed(const struct jf_diagnosis *diagnosis);

uint64_t jf_bench_now_ns(void);      // monotonic
int64_t jf_bench_unix_time_ms(void); // for receipts

// The subcommands: argv[0] is their name; the command line as it was given is kept for the report.
#define JF_BENCH_SUBCOMMANDS(X)                                                                    \
    X(all, "every part, their figures put together, and a page with plots")                        \
    X(limits, "what disk, RocksDB, messages and empty calls can do at all")                        \
    X(plan, "planning a sale by the number of rules, in this process")                             \
    X(engine, "durable sales in this process: journal and state, no network")                      \
    X(rpc, "durable sales through gRPC: rate, latency, memory, processor time")                    \
    X(day, "a chain's day: profile, promotion, offline stores; how long queues lasted")            \
    X(jobs, "how fast jobs are, and what they cost the tills beside them")                         \
    X(abuse, "what a till waits while others abuse the server on the wire")                        \
    X(peers, "the same sale on PostgreSQL and Redis, beside ours")                                 \
    X(memory, "resident memory of jifend with many members on disk")                               \
    X(compare, "what moved between two runs")                                                      \
    X(plots, "a page with plots of a run whose figures are in a file")                             \
    X(restart, "time from a kill to the first answer, with a long journal tail")

struct jf_bench_command {
    int argc;    // of the whole command line
    char **argv; // argv[1] is the subcommand
};

#define JF_BENCH_DECLARE(name, summary)                                                            \
    enum jf_bench_exit jf_bench_##name##_run(const struct jf_bench_command *command);
JF_BENCH_SUBCOMMANDS(JF_BENCH_DECLARE)
#undef JF_BENCH_DECLARE

#endif
