// A past day's sales, out of a ledger's journal, to be posted again in the order in which they were
// made: into a copy of that ledger as it was before the day. The ledger itself is only read.
#ifndef JF_BENCH_DAY_JOURNAL_H
#define JF_BENCH_DAY_JOURNAL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/date.h"
#include "bench/day_request.h"
#include "bench/target.h"

// One request of the day.
struct jf_day_sale {
    int64_t sold_at_ms;
    uint64_t position; // that it had; orders sales of one instant
    uint32_t store;
    uint32_t size;
    const unsigned char *bytes; // a PostSaleRequest
};

// Caller's memory.
struct jf_day_journal {
    jf_date date;
    bool is_newest;            // the date was not named: the newest that has sales
    uint64_t last_position;    // of the day's sales; 0: there is none
    uint64_t before_position;  // the last one before the day's first sale
    struct jf_day_sale *sales; // heap; in the order of the journal
    uint64_t sale_count;
    uint64_t sale_capacity;
    // Heap: what was enrolled, put or published between the day's first and last sale; in the order
    // of the journal. What came later must not decide the day's sales.
    struct jf_day_request *settings;
    uint64_t setting_count;
    uint64_t setting_capacity;
    struct jf_arena arena; // what both point to
};

// Reads the sales of a business date; JF_DATE_NONE: of the newest that has any. Errors, diagnosed
// with the directory: as jf_journal_reader_open and _next; JF_ERROR_NOT_FOUND where there is no
// sale of that day; JF_ERROR_IO after Ctrl-C; JF_ERROR_NO_MEMORY. Deinit in any case.
JF_MUST_USE enum jf_error jf_day_journal_read(struct jf_day_journal *journal,
                                              const char *data_directory, jf_date date,
                                              struct jf_diagnosis *diagnosis);
void jf_day_journal_deinit(struct jf_day_journal *journal); // also of zeroes

// What reading does: begin, look at every entry in the order of positions, take every entry.
void jf_day_journal_begin(struct jf_day_journal *journal, jf_date date);
void jf_day_journal_look(struct jf_day_journal *journal, const struct jf_entry *entry);
JF_MUST_USE enum jf_error jf_day_journal_take(struct jf_day_journal *journal,
                                              const struct jf_entry *entry,
                                              struct jf_diagnosis *diagnosis);

// Makes the copy where `target`, which is open and not started, will start: a backup restored to
// before_position by jifen. In: the ledger is stopped. Errors: JF_ERROR_IO, diagnosed with what
// jifen said.
JF_MUST_USE enum jf_error jf_day_journal_restore(const struct jf_day_journal *journal,
                                                 const char *data_directory, const char *jifen,
                                                 const struct jf_target *target,
                                                 struct jf_diagnosis *diagnosis);

// Sends the settings. In: the target is started. Errors: as jf_target_tell.
JF_MUST_USE enum jf_error jf_day_journal_settle(const struct jf_day_journal *journal,
                                                struct jf_target *target,
                                                struct jf_diagnosis *diagnosis);

#endif
