// jifen-sim: runs seeds and says what came of them. A seed that fails is printed with what
// differed, and the program ends there with exit code 1; the same seed replays exactly.
#include <inttypes.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "sim.h"
#include "sim_bug.h"
#include "sim_life.h"
#include "sim_report.h"
#include "sim_settings.h"

#define PROGRESS_SEEDS 100u
#define KEPT_BYTES     (32 << 20) // of memory that is freed; a seed takes and gives back the same again
#define LINE_REST      "\033[K" // clears it

static jmp_buf failed;
static char failure[1024];
static struct sim_counts counts;
static bool has_line; // of progress

void sim_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(failure, sizeof failure, format, arguments);
    va_end(arguments);
    longjmp(failed, 1);
}

void sim_say(const char *format, ...)
{
    if (!sim.is_verbose) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    printf("%10" PRIu64 " us  ", sim.now_us % UINT64_C(10000000000));
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

// In the place of the ledger's own: a failed assertion fails the seed.
void jf_assert_fail(const char *condition, const char *file, int line)
{
    sim_fail("assertion failed: %s (%s:%d)", condition, file, line);
}

// Returns: the exit code.
static int finish(const struct sim_settings *settings, const char *what, uint64_t seed)
{
    if (has_line) {
        fprintf(stderr, "\r" LINE_REST);
    }
    if (what != NULL) {
        printf("seed %" PRIu64 " FAILED: %s\n", seed, what);
        printf("to see it again: jifen-sim --seeds %" PRIu64 "..%" PRIu64 "%s%s --verbose\n", seed,
               seed, settings->bug == NULL ? "" : " --bug ",
               settings->bug == NULL ? "" : settings->bug);
    }
    sim_report_print(&counts);
    if (settings->json != NULL && !sim_report_json(&counts, settings->json, what, seed)) {
        fprintf(stderr, "jifen-sim: %s cannot be written\n", settings->json);
        return 2;
    }
    return what == NULL ? 0 : 1;
}

// One line, written over, on a terminal only.
static void left_show(const struct sim_settings *settings, uint64_t seed, time_t begun)
{
    static time_t shown;
    time_t now = time(NULL);
    uint64_t done = seed - settings->from + 1;
    uint64_t left = settings->to - seed;
    if (now == shown || now == begun) {
        return;
    }
    shown = now;
    has_line = true;
    fprintf(stderr, "\r%" PRIu64 " seeds done, %" PRIu64 " to go: %" PRIu64 " s left" LINE_REST,
            done, left, (uint64_t)(now - begun) * left / done);
}

static int run(const struct sim_settings *settings)
{
    volatile uint64_t seed = settings->from;
    const time_t begun = time(NULL);
    const bool shows_left =
        !settings->is_forever && !settings->is_verbose && isatty(STDERR_FILENO) == 1;
    sim.counts = &counts;
    sim.is_verbose = settings->is_verbose;
    if (setjmp(failed) != 0) {
        int code = finish(settings, failure, seed);
        // What the seed held is not given back: nothing but the end comes now.
        fflush(NULL);
        _Exit(code);
    }
    for (; settings->is_forever || seed <= settings->to; seed = seed + 1) {
        sim_seed_run(seed);
        if (settings->is_forever && counts.seeds % PROGRESS_SEEDS == 0) {
            sim_report_progress(&counts, seed);
        }
        if (shows_left) {
            left_show(settings, seed, begun);
        }
    }
    if (settings->demands_rows && !sim_report_has_rows(&counts)) {
        return finish(settings, "a row of the recovery table was never reached", settings->to);
    }
    return finish(settings, NULL, 0);
}

int main(int argc, char **argv)
{
    struct sim_settings settings;
    int code = 0;
    if (!sim_settings_read(argc, argv, &settings, &code)) {
        return code;
    }
    if (settings.bug != NULL && !sim_bug_set(settings.bug, argv)) {
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    // A page that comes anew from the kernel for each life costs more than the life.
    (void)mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, 8 * KEPT_BYTES);
    (void)mallopt(M_TOP_PAD, KEPT_BYTES);
    return run(&settings);
}
