// A progress line, rewritten in place. Nothing here fails.
#include "tools/jifen/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/jifen/decimal.h"

#define JF_PROGRESS_PERIOD_NS 100000000u
#define JF_PROGRESS_BAR_CELLS 24u

uint64_t jf_progress_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void jf_progress_begin(struct jf_progress *progress, const char *what, uint64_t total,
                       bool is_forced)
{
    *progress = (struct jf_progress){.is_shown = is_forced || isatty(STDERR_FILENO) == 1,
                                     .what = what,
                                     .total = total,
                                     .start_ns = jf_progress_now_ns()};
}

static void bar_format(const struct jf_progress *progress, uint64_t done,
                       char out_bar[JF_PROGRESS_BAR_CELLS + 8])
{
    if (progress->total == 0) {
        out_bar[0] = '\0';
        return;
    }
    uint64_t seen = done < progress->total ? done : progress->total;
    uint32_t cells = (uint32_t)(seen * JF_PROGRESS_BAR_CELLS / progress->total);
    out_bar[0] = '[';
    memset(out_bar + 1, '.', JF_PROGRESS_BAR_CELLS);
    memset(out_bar + 1, '#', cells);
    memcpy(out_bar + 1 + JF_PROGRESS_BAR_CELLS, "] ", 3);
}

void jf_progress_format(const struct jf_progress *progress, uint64_t done, uint64_t elapsed_ns,
                        char out_line[JF_PROGRESS_LINE_SIZE])
{
    char bar[JF_PROGRESS_BAR_CELLS + 8];
    char count[JF_DECIMAL_TEXT_SIZE];
    char rate_text[JF_DECIMAL_TEXT_SIZE];
    char speed[JF_DECIMAL_TEXT_SIZE + 8] = ""; // nothing until there is one
    char left[48] = "";
    uint64_t elapsed_ms = elapsed_ns / 1000000u;
    uint64_t rate = elapsed_ms == 0 ? 0 : done * 1000u / elapsed_ms;
    bar_format(progress, done, bar);
    jf_decimal_format((int64_t)done, 0, true, count);
    jf_decimal_format((int64_t)rate, 0, true, rate_text);
    if (rate > 0) {
        (void)snprintf(speed, sizeof(speed), "  %s/s", rate_text);
    }
    if (progress->total > done && rate > 0) {
        uint64_t seconds = (progress->total - done) / rate;
        (void)snprintf(left, sizeof(left), "  %u:%02u left", (unsigned)(seconds / 60),
                       (unsigned)(seconds % 60));
    }
    (void)snprintf(out_line, JF_PROGRESS_LINE_SIZE, "%-9s %s%s%s%s", progress->what, bar, count,
                   speed, left);
}

static void line_write(const struct jf_progress *progress, uint64_t done, uint64_t now_ns,
                       const char *ending)
{
    char line[JF_PROGRESS_LINE_SIZE];
    jf_progress_format(progress, done, now_ns - progress->start_ns, line);
    (void)fprintf(stderr, "\r%-90s%s", line, ending);
    (void)fflush(stderr);
}

void jf_progress_show(struct jf_progress *progress, uint64_t done)
{
    if (!progress->is_shown) {
        return;
    }
    uint64_t now_ns = jf_progress_now_ns();
    if (now_ns - progress->shown_ns >= JF_PROGRESS_PERIOD_NS) {
        progress->shown_ns = now_ns;
        line_write(progress, done, now_ns, "");
    }
}

void jf_progress_end(struct jf_progress *progress, uint64_t done)
{
    if (progress->is_shown) {
        line_write(progress, done, jf_progress_now_ns(), "\n");
    }
}
