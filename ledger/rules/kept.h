// What is kept of a sale after its returns, as a receipt of its own: lines and tenders in
// proportion, and what points still pay. Pure.
#ifndef JF_RULES_KEPT_H
#define JF_RULES_KEPT_H

#include "base/arena.h"
#include "rules/entry.h"
#include "rules/programme.h"

struct jf_kept_input {
    const struct jf_programme *programme; // whose excluded tenders count
    const struct jf_programme *terms;     // by which the points paid: the sale's programme
    const struct jf_sale_entry *sale;
    const struct jf_kept_line *lines; // one a line of the sale
    struct jf_arena *arena;
};

struct jf_kept {
    const struct jf_line *lines; // those that are not gone, so that no condition can still meet
                                 // the others
    uint32_t line_count;
    const struct jf_tender *tenders; // as many as the sale's
    int64_t sale_basket;             // money of the whole sale
    int64_t basket;                  // money kept
    int64_t redeemed;                // points that stay redeemed
    int64_t value;                   // money that they pay, at most the basket
};

// Returns: JF_OK with *out_kept, arrays in the arena; JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_kept_make(const struct jf_kept_input *input, struct jf_kept *out_kept);

// Money kept of a line: amount × kept quantity ÷ quantity, half-up; a line of quantity 0 is kept
// whole or gone.
int64_t jf_kept_amount(const struct jf_line *line, const struct jf_kept_line *kept);

// Money that points pay of a kept basket: half-up, and never more than is kept.
int64_t jf_kept_value(const struct jf_programme *terms, int64_t points, int64_t basket);

#endif
