// What a receipt is worth under a programme and the facts of its sale: steps 1–6 of SEMANTICS,
// Earning. Pure. A sale is worth the plan of all its lines; after returns it is worth the plan of
// what is kept, by the same function.
#ifndef JF_RULES_EARN_H
#define JF_RULES_EARN_H

#include "base/arena.h"
#include "rules/apply.h"
#include "rules/entry.h"
#include "rules/programme.h"

struct jf_earn_input {
    const struct jf_programme *programme;
    const struct jf_sale_facts *facts;
    jf_date business_date;
    struct jf_store_id store; // of the sale: rules may be for some stores only; never 0
    // Amounts as kept; lines that are gone have amount 0 and quantity 0.
    const struct jf_line *lines;
    uint32_t line_count;
    const struct jf_tender *tenders; // as they stand against the kept lines
    uint32_t tender_count;
    int64_t basket_amount;  // sum of the lines' amounts
    int64_t redeemed_value; // money that points paid, 0..basket_amount
    // The room under limits. A sale: found from the member's counters and from what is issued
    // (control NULL: nothing is). Member NULL, after returns: what the facts recorded.
    const struct jf_member *member;
    const struct jf_control *control;
    struct jf_arena *arena;
};

struct jf_earn_result {
    int64_t eligible; // money: what counts as spend towards tiers
    int64_t points;   // whole points granted; the sum of `granted`
    // By reason, base (0) first, then rules in listed order; no zero rows.
    const struct jf_granted *granted;
    uint32_t granted_count;
    const struct jf_trace_step *trace; // ELIGIBLE, BASE, MULTIPLIER…, OUTDONE…, ROUNDED, CAP…
    uint32_t trace_count;
    const int64_t *line_points;  // line_count shares of points, by largest remainder
    uint64_t denominator;        // of the trace's exact values
    const struct jf_room *rooms; // that the receipt met; a return: the facts'
    uint32_t room_count;
};

// Out: *out_result, or out_refusal->code JF_REFUSAL_OVERFLOW / INVALID_FIELD (excluded tenders
// above the basket). Returns: JF_OK or JF_ERROR_NO_MEMORY (arena bound).
JF_MUST_USE enum jf_error jf_earn(const struct jf_earn_input *input,
                                  struct jf_earn_result *out_result,
                                  struct jf_refusal *out_refusal);

// What grants count towards the caps that have counters. In: grants of one sale of that business
// date. Out: deltas of the arena, caps in listed order, then rules as granted. Returns: JF_OK or
// JF_ERROR_NO_MEMORY.
struct jf_counted {
    struct jf_counter_delta *deltas;
    uint32_t count;
};
JF_MUST_USE enum jf_error jf_earn_counted(const struct jf_programme *programme,
                                          jf_date business_date, const struct jf_granted *granted,
                                          uint32_t granted_count, struct jf_arena *arena,
                                          struct jf_counted *out_counted);

// *after becomes what it counts more than `before`; what is equal goes. In: after has room for the
// deltas of both (jf_earn_counted gives it).
void jf_earn_counted_subtract(struct jf_counted *after, const struct jf_counted *before);

#endif
