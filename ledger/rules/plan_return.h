// The working sheet of a return, shared by plan_return.c (what is kept and what it is worth) and
// plan_take_back.c (where the points that are no longer granted come from).
#ifndef JF_RULES_PLAN_RETURN_H
#define JF_RULES_PLAN_RETURN_H

#include "rules/earn.h"
#include "rules/plan_private.h"

// Points taken back, cumulative over all returns of the sale. Their sum is what the sale granted
// less what the kept is worth; below 0 when the kept is worth more than the sale was (rounding can
// do that).
struct jf_taken {
    int64_t from_lot;
    int64_t as_debt; // never below 0
};

struct jf_return_plan {
    struct jf_plan_work *work;
    const struct jf_return_command *command;
    const struct jf_store *store; // where it is returned
    const struct jf_entry *entry; // of the sale
    const struct jf_sale_entry *sale;
    const struct jf_return_entry *last;         // NULL: none yet
    const struct jf_programme_version *version; // that decided the sale
    // What is kept after this return.
    struct jf_kept_line *kept; // one a line of the sale
    struct jf_line *lines;     // those that are not gone
    uint32_t kept_count;       // of `lines`
    struct jf_tender *tenders;
    int64_t sale_basket;
    int64_t basket;
    int64_t basket_before;
    int64_t redeemed; // points
    int64_t value;    // money that they pay
    struct jf_earn_result earned;
    // What was before it.
    const struct jf_granted *granted_before;
    uint32_t granted_before_count;
    int64_t spend_before;
    bool was_visit;
    struct jf_taken taken_before;
    // What it does.
    struct jf_return_line *returned;
    uint32_t returned_count;
    int64_t given;                  // points given back, cumulative
    int64_t given_before;           // by earlier returns
    struct jf_lot_part *given_back; // cumulative, last spent first
    uint32_t given_back_count;
    struct jf_taken taken;
};

// Posts the difference by reason, and takes it from the sale's lot or makes it debt; sets
// plan->taken. In: what is given back is posted already. At most granted_before_count +
// granted_count + the sale's postings + 3 postings.
void jf_return_take_back(struct jf_return_plan *plan);

#endif
