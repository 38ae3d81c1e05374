// The working sheet of a return, shared by plan_return.c (what is kept and what it is worth),
// plan_give_back.c (where the points go that are no longer redeemed) and plan_take_back.c (where
// the points come from that are no longer granted).
#ifndef JF_RULES_PLAN_RETURN_H
#define JF_RULES_PLAN_RETURN_H

#include "rules/earn.h"
#include "rules/kept.h"
#include "rules/plan_private.h"

// Points taken back, cumulative over all returns of the sale. Their sum is what the sale granted
// less what the kept is worth; below 0 when the kept is worth more than the sale was (rounding can
// do that).
struct jf_taken {
    int64_t from_lot;    // of the sale; below 0 where it got more than it gave
    int64_t from_other;  // the sum of `others`
    int64_t as_debt;     // never below 0; what it was before points given back undid debts
    int64_t written_off; // written off, or answered as money; never below 0
    const struct jf_lot_part *others; // other lots of the member, in their order
    uint32_t other_count;
};

struct jf_return_plan {
    struct jf_plan_work *work;
    const struct jf_return_command *command;
    const struct jf_store *store; // where it is returned
    const struct jf_entry *entry; // of the sale
    const struct jf_sale_entry *sale;
    const struct jf_return_entry *last;         // NULL: none yet
    const struct jf_programme_version *version; // that decided the sale
    int64_t debt_spent; // points of the sale's redemption that no lot covered: they became debt
    int64_t debt_spent_paid; // of debt_spent, by the sale's own grant
    // What is kept after this return.
    struct jf_kept_line *kept; // one a line of the sale
    struct jf_kept receipt;    // of them
    int64_t basket_before;
    struct jf_earn_result earned;
    struct jf_counted counted; // more than before; usually less
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
    int64_t undone;                 // of `given`: they undo debt_spent
    int64_t undone_before;          // of `given_before`
    int64_t repaid;                 // of `given`: what the sale's own grant paid of debt_spent
    int64_t repaid_before;          // of `given_before`
    int64_t expired;                // given back by this return, and expired at once
    struct jf_lot_part *given_back; // to lots, cumulative, last spent first
    uint32_t given_back_count;
    struct jf_member *holder; // the member, with what is given back
    struct jf_taken taken;
    int64_t deducted;        // money answered for points written off, cumulative
    int64_t deducted_before; // by earlier returns
};

// Posts what goes back to the lots that paid, and makes plan->holder. In: the lists are made; given
// and given_before are known. At most the sale's redeemed_count + 2 postings. Returns: whether
// planning goes on.
bool jf_return_give_back(struct jf_return_plan *plan);

// Posts the difference by reason, and takes it from where it lies or makes it what the programme
// says; sets plan->taken. In: jf_return_give_back is done. At most granted_before_count +
// granted_count + the sale's postings + 4 + 2 × (the member's lots + redeemed_count +
// taken_before.other_count) postings. Returns: whether planning goes on.
bool jf_return_take_back(struct jf_return_plan *plan);

#endif
