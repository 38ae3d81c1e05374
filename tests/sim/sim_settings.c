// The command line. What cannot be understood is said, with exit code 2.
#include "sim_settings.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_bug.h"

static const char help[] =
    "Usage: jifen-sim --seeds FROM..TO [--bug NAME] [--json FILE] [--verbose]\n"
    "       jifen-sim --forever [--seeds FROM..] [--json FILE]\n"
    "\n"
    "Runs the whole ledger, but for its network, over a simulated disk, database and clock, with\n"
    "clients that retry, duplicate and reorder. The power goes at any moment; writes are torn, "
    "late,\n"
    "lost; after each crash everything that was acknowledged must be there exactly once. Each seed "
    "is\n"
    "one ledger's life and draws its own mix of faults and load. Exit code 0: nothing failed; 1: "
    "a\n"
    "seed failed, and is named; 2: the command line is wrong.\n"
    "\n"
    "  --seeds FROM..TO  the seeds to run, both included\n"
    "  --forever         from FROM (or 1) on without an end, with progress\n"
    "  --json FILE       the counts of the last line, for programs\n"
    "  --bug NAME        with a bug put in on purpose: a seed should fail\n"
    "  --bugs            the names of these bugs\n"
    "  --demand-rows     fail unless every row of the recovery table was reached\n"
    "  --verbose         what happens, one line each\n"
    "  --help            this text\n"
    "\n"
    "Example: jifen-sim --seeds 1..200\n";

static bool number_read(const char *text, uint64_t *out_number, const char **out_rest)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (end == text || errno != 0 || text[0] == '-') {
        return false;
    }
    *out_number = number;
    *out_rest = end;
    return true;
}

// "7..9", "7.." or "7".
static bool seeds_read(const char *text, struct sim_settings *settings)
{
    const char *rest = NULL;
    if (!number_read(text, &settings->from, &rest)) {
        return false;
    }
    settings->to = settings->from;
    if (rest[0] == '\0') {
        return true;
    }
    if (strncmp(rest, "..", 2) != 0) {
        return false;
    }
    if (rest[2] == '\0') {
        settings->to = UINT64_MAX - 1;
        return true;
    }
    return number_read(rest + 2, &settings->to, &rest) && rest[0] == '\0' &&
           settings->to >= settings->from;
}

static bool wrong(const char *what, const char *text, int *out_code)
{
    fprintf(stderr, "jifen-sim: %s%s (see --help)\n", what, text);
    *out_code = 2;
    return false;
}

bool sim_settings_read(int argc, char **argv, struct sim_settings *out_settings, int *out_code)
{
    static const struct option options[] = {{"seeds", required_argument, NULL, 's'},
                                            {"json", required_argument, NULL, 'j'},
                                            {"bug", required_argument, NULL, 'b'},
                                            {"bugs", no_argument, NULL, 'l'},
                                            {"demand-rows", no_argument, NULL, 'r'},
                                            {"forever", no_argument, NULL, 'f'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct sim_settings settings = {.from = 1, .to = 100};
    for (int option = getopt_long(argc, argv, "", options, NULL); option != -1;
         option = getopt_long(argc, argv, "", options, NULL)) {
        if (option == 's' && !seeds_read(optarg, &settings)) {
            return wrong("seeds are written as 1..100, not ", optarg, out_code);
        }
        if (option == 'h' || option == 'l') {
            if (option == 'h') {
                fputs(help, stdout);
            } else {
                sim_bug_list();
            }
            *out_code = 0;
            return false;
        }
        if (option == '?') {
            *out_code = 2;
            return false;
        }
        settings.json = option == 'j' ? optarg : settings.json;
        settings.bug = option == 'b' ? optarg : settings.bug;
        settings.demands_rows = settings.demands_rows || option == 'r';
        settings.is_forever = settings.is_forever || option == 'f';
        settings.is_verbose = settings.is_verbose || option == 'v';
    }
    if (optind < argc) {
        return wrong("not understood: ", argv[optind], out_code);
    }
    *out_settings = settings;
    return true;
}
