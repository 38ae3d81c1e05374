// jifen-bench all: every part, one after the other, each in a process of its own, and their figures
// put together. Fails: usage; the first part that fails, with its exit code.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "bench/document.h"
#include "bench/options.h"
#include "bench/page.h"
#include "bench/process.h"

#define ARGUMENTS_MAX 24u
#define PARTS_MAX     16u

static const struct jf_bench_help help = {
    .usage = "jifen-bench all --quick | --full [options]",
    .about =
        "Runs the parts of the suite one after the other and puts their figures together, each\n"
        "beside the limits of the machine in the same run. --quick takes less than a minute\n"
        "and is for a look; --full takes about an hour, 40 GiB of disk, and PostgreSQL, Redis\n"
        "and gnuplot (tools/setup --bench).\n",
    .example = "  jifen-bench all --quick --dir /var/tmp --report report\n"
               "  jifen-bench all --full --dir /var/tmp --json full.json --report report\n",
};

// A part's command line behind the subcommand; NULL ends it.
struct part {
    const char *arguments[ARGUMENTS_MAX];
};

static const struct part quick_parts[] = {
    {{"limits", "--seconds", "0.3"}},
    {{"plan", "--seconds", "1"}},
    {{"engine", "--members", "20000", "--sales", "300000", "--window", "50000"}},
    {{"rpc", "--spawn", "--members", "20000", "--seconds", "1.2", "--warm-up", "0.3", "--batches",
      "8", "--verify"}},
    {{"day", "--members", "10000", "--stores", "50", "--calls", "20000", "--seconds", "3",
      "--offline", "20", "--member-day", "150", "--job", "checkpoint"}},
    {{"jobs", "--members", "10000", "--seconds", "1"}},
    {{"restart", "--entries", "200000", "--tail", "50000", "--members", "10000"}},
};

static const struct part full_parts[] = {
    {{"limits", "--repeat", "3"}},
    {{"plan", "--repeat", "3"}},
    {{"engine", "--members", "1000000", "--sales", "20000000"}},
    {{"rpc", "--spawn", "--members", "1000000", "--repeat", "3", "--batches", "8", "--verify",
      "--parts", "empty,single,unary,connections_64,hot,stream,batch,open,saturation"}},
    {{"day", "--members", "1000000", "--stores", "1000", "--calls", "3000000", "--seconds", "300",
      "--member-day", "150", "--job", "tiers"}},
    {{"jobs", "--members", "1000000", "--seconds", "10"}},
    {{"memory", "--members", "1000000", "--cache-mib", "256"}},
    {{"restart", "--entries", "10000000", "--tail", "1000000"}},
    {{"peers", "--entries", "10000000"}},
};

_Static_assert(sizeof(quick_parts) / sizeof(quick_parts[0]) <= PARTS_MAX, "each has a document");
_Static_assert(sizeof(full_parts) / sizeof(full_parts[0]) <= PARTS_MAX, "each has a document");

struct all {
    bool is_quick;
    bool is_full;
    const char *directory;
    const char *json_path;
    const char *page_directory;
    char program[JF_PATH_SIZE];
    struct jf_scratch scratch;
    struct jf_document documents[PARTS_MAX];
    uint32_t document_count;
    struct jf_report report;
};

static char *borrowed(const char *text)
{
    return (char *)(uintptr_t)text;
}

// Runs one part in a process of its own, which tells its figures as it goes. Returns: its exit
// code.
static enum jf_bench_exit child_run(const struct all *all, const struct part *part,
                                    const char *json_path)
{
    char *arguments[ARGUMENTS_MAX + 6] = {borrowed("jifen-bench")};
    uint32_t count = 1;
    int status = 0;
    JF_ASSERT(part->arguments[0] != NULL);
    for (uint32_t at = 0; part->arguments[at] != NULL; at++) {
        arguments[count++] = borrowed(part->arguments[at]);
    }
    if (strcmp(part->arguments[0], "plan") != 0) {
        arguments[count++] = borrowed("--dir");
        arguments[count++] = borrowed(all->directory);
    }
    arguments[count++] = borrowed("--json");
    arguments[count++] = borrowed(json_path);
    pid_t parent = getpid();
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() == parent) {
            (void)execv(all->program, arguments);
        }
        _exit((int)JF_BENCH_UNAVAILABLE);
    }
    while (pid > 0 && waitpid(pid, &status, 0) != pid) {
        // Ctrl-C reaches the part too, which stops in order.
    }
    return pid > 0 && WIFEXITED(status) ? (enum jf_bench_exit)WEXITSTATUS(status)
                                        : JF_BENCH_UNAVAILABLE;
}

static enum jf_bench_exit part_run(struct all *all, const struct part *part)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    char path[JF_PATH_SIZE + 32];
    (void)snprintf(path, sizeof path, "%s/%" PRIu32 ".json", all->scratch.path,
                   all->document_count);
    (void)printf("\n%s\n", part->arguments[0]);
    enum jf_bench_exit code = child_run(all, part, path);
    if (code != JF_BENCH_OK) {
        return code;
    }
    struct jf_document *document = &all->documents[all->document_count++];
    return jf_document_read(path, document, &all->report, &diagnosis) == JF_OK
               ? JF_BENCH_OK
               : jf_bench_diagnosed(&diagnosis);
}

static enum jf_bench_exit finish(struct all *all)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    (void)puts("\nall");
    if (jf_report_finish(&all->report, all->json_path, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    if (all->page_directory != NULL) {
        if (jf_page_write(&all->report, all->page_directory, &diagnosis) != JF_OK) {
            return jf_bench_diagnosed(&diagnosis);
        }
        (void)printf("page      %s/index.html\n", all->page_directory);
    }
    return JF_BENCH_OK;
}

static enum jf_bench_exit parts_run(struct all *all)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    const struct part *parts = all->is_quick ? quick_parts : full_parts;
    size_t count = all->is_quick ? sizeof(quick_parts) / sizeof(quick_parts[0])
                                 : sizeof(full_parts) / sizeof(full_parts[0]);
    if (jf_process_sibling("jifen-bench", all->program, &diagnosis) != JF_OK ||
        jf_scratch_create(&all->scratch, all->directory, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    enum jf_bench_exit code = JF_BENCH_OK;
    for (size_t at = 0; at < count && code == JF_BENCH_OK; at++) {
        code = jf_interrupt_seen() ? JF_BENCH_INTERRUPTED : part_run(all, &parts[at]);
    }
    code = code == JF_BENCH_OK ? finish(all) : code;
    jf_scratch_remove(&all->scratch);
    for (uint32_t at = 0; at < all->document_count; at++) {
        jf_document_close(&all->documents[at]);
    }
    return code;
}

static enum jf_bench_exit run_parsed(struct all *all, const struct jf_bench_command *command)
{
    const struct jf_bench_option options[] = {
        {"--quick", NULL, JF_BENCH_FLAG, &all->is_quick, 0, 0, "less than a minute"},
        {"--full", NULL, JF_BENCH_FLAG, &all->is_full, 0, 0, "as long as it takes"},
        {"--dir", "DIR", JF_BENCH_TEXT, &all->directory, 0, 0, "whose disk is measured; default ."},
        {"--json", "FILE", JF_BENCH_TEXT, &all->json_path, 0, 0, "write all figures there"},
        {"--report", "DIR", JF_BENCH_TEXT, &all->page_directory, 0, 0,
         "write a page with plots there; needs gnuplot"},
    };
    enum jf_bench_exit code = jf_options_parse(&help, options, JF_BENCH_OPTION_COUNT(options),
                                               command->argc - 1, command->argv + 1);
    if (code != JF_BENCH_GO_ON) {
        return code;
    }
    if (all->is_quick == all->is_full) {
        return jf_bench_fail(JF_BENCH_USAGE, "either --quick or --full is needed");
    }
    if (all->page_directory != NULL && access("/usr/bin/gnuplot", X_OK) != 0) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE,
                             "--report needs gnuplot: tools/setup --bench installs it");
    }
    jf_report_begin(&all->report, command, all->directory);
    return parts_run(all);
}

enum jf_bench_exit jf_bench_all_run(const struct jf_bench_command *command)
{
    struct all *all = calloc(1, sizeof(*all));
    if (all == NULL) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE, "out of memory");
    }
    all->directory = ".";
    enum jf_bench_exit code = run_parsed(all, command);
    free(all);
    return code;
}
