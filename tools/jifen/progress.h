// One line of progress on stderr: what, how much, how fast, how long still. One thread.
// Shown when stderr is a terminal, or when asked for; then the line is rewritten at most ten times
// a second.
#ifndef JF_TOOLS_PROGRESS_H
#define JF_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#define JF_PROGRESS_LINE_SIZE 192u

// Caller's memory.
struct jf_progress {
    bool is_shown;
    const char *what; // "receipts"
    uint64_t total;   // 0: not known
    uint64_t start_ns;
    uint64_t shown_ns;
};

// In: is_forced: also without a terminal.
void jf_progress_begin(struct jf_progress *progress, const char *what, uint64_t total,
                       bool is_forced);
void jf_progress_show(struct jf_progress *progress, uint64_t done);
// Shows the end and goes to the next line.
void jf_progress_end(struct jf_progress *progress, uint64_t done);

// The text of the line, pure. In: elapsed_ns since the beginning.
void jf_progress_format(const struct jf_progress *progress, uint64_t done, uint64_t elapsed_ns,
                        char out_line[JF_PROGRESS_LINE_SIZE]);

uint64_t jf_progress_now_ns(void); // monotonic

#endif
