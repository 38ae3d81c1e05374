// Answers of the ledger as people read them, on stdout. One thread.
#ifndef JF_TOOLS_SHOW_H
#define JF_TOOLS_SHOW_H

#include "jifen/v1/ledger.pb-c.h"
#include "jifen/v1/programmes.pb-c.h"
#include "tools/jifen/cli.h"

// Names of the grounds on which points are issued. NULL: numbers are shown.
// Returns: the name, or the number as text in static memory.
const char *jf_show_reason(const Jifen__V1__GetProgrammeResponse *programme, uint32_t reason);

// What a write did: position, points, balance.
enum jf_exit jf_show_outcome(const Jifen__V1__Outcome *outcome, bool is_replayed);

// How the points came about, a step a row.
enum jf_exit jf_show_trace(const Jifen__V1__Outcome *outcome,
                           const Jifen__V1__GetProgrammeResponse *programme);

void jf_show_balance(const Jifen__V1__Balance *balance);

// Prints and destroys a table. Returns: JF_EXIT_OK, or JF_EXIT_UNAVAILABLE out of memory.
struct jf_table;
enum jf_exit jf_show_table(struct jf_table *table);

#endif
