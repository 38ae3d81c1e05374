// jifen-bench: one program, one subcommand a file. Finds the subcommand and hands over.
// Fails: no or an unknown subcommand (exit 2).
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "bench/options.h"
#include "bench/process.h"

struct subcommand {
    const char *name;
    const char *summary;
    enum jf_bench_exit (*run)(const struct jf_bench_command *command);
};

static const struct subcommand subcommands[] = {
#define JF_BENCH_ROW(name, summary) {#name, summary, jf_bench_##name##_run},
    JF_BENCH_SUBCOMMANDS(JF_BENCH_ROW)
#undef JF_BENCH_ROW
};

#define SUBCOMMAND_COUNT (sizeof(subcommands) / sizeof(subcommands[0]))

static const char help_text[] =
    "  help         this text, or the help of a subcommand\n"
    "  version      the program's version\n"
    "\n"
    "Options that most subcommands share:\n"
    "  --json FILE                the figures for programs: name, value, unit, ratio, of\n"
    "  --repeat N                 measure N times and report medians\n"
    "  --dir DIR                  where files are made: its disk is what is measured\n"
    "  --help                     the subcommand's options and an example\n"
    "\n"
    "Exit codes:\n"
    "  0    measured\n"
    "  1    an answer was wrong, refused or missing: the figures do not count\n"
    "  2    wrong usage\n"
    "  3    the machine or the ledger cannot be measured: the reason is on stderr\n"
    "  5    the ledger does not tie, or lost something\n"
    "  130  interrupted; what was started is stopped and what was made is removed\n"
    "\n"
    "Example:\n"
    "  jifen-bench limits --dir /var/tmp\n"
    "  jifen-bench rpc --spawn --dir /var/tmp --json rpc.json\n";

static int help_print(enum jf_bench_exit code)
{
    (void)puts("jifen-bench: what this machine can do, and what Jifen does on it\n\n"
               "Usage: jifen-bench SUBCOMMAND [options]\n\nSubcommands:");
    for (size_t at = 0; at < SUBCOMMAND_COUNT; at++) {
        (void)printf("  %-12s %s\n", subcommands[at].name, subcommands[at].summary);
    }
    (void)fputs(help_text, stdout);
    return (int)code;
}

static bool is_word(const char *argument, const char *word)
{
    return strcmp(argument, word) == 0 ||
           (strncmp(argument, "--", 2) == 0 && strcmp(argument + 2, word) == 0);
}

static int dispatch(const struct jf_bench_command *command)
{
    for (size_t at = 0; at < SUBCOMMAND_COUNT; at++) {
        if (strcmp(subcommands[at].name, command->argv[1]) == 0) {
            return (int)subcommands[at].run(command);
        }
    }
    return (int)jf_bench_fail(
        JF_BENCH_USAGE, "there is no subcommand \"%s\"; see: jifen-bench help", command->argv[1]);
}

int main(int argc, char **argv)
{
    static char help_option[] = "--help";
    (void)signal(SIGPIPE, SIG_IGN);
    jf_interrupt_watch();
    if (argc < 2) {
        return help_print(JF_BENCH_USAGE);
    }
    if (is_word(argv[1], "version")) {
        (void)printf("jifen-bench %s\n", JF_VERSION);
        return (int)JF_BENCH_OK;
    }
    if (is_word(argv[1], "help")) {
        if (argc < 3) {
            return help_print(JF_BENCH_OK);
        }
        char *asked[] = {argv[0], argv[2], help_option, NULL};
        return dispatch(&(struct jf_bench_command){3, asked});
    }
    return dispatch(&(struct jf_bench_command){argc, argv});
}
