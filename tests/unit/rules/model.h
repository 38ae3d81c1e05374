// A naive ledger for one programme: no lots, only a list of every movement of points; no deltas,
// only sums over all sales; returns undo what earlier returns of the sale took and take anew.
// Written apart from rules/, slow and plain, to be compared with it.
//
// The programme: 1 point for 1.00 (floor), twice on the 8th, 18th and 28th, 20 more from a basket
// of 50.00 with anything eligible; tobacco and insurance earn nothing; month-end expiry 2 months
// on; 10 points are 1.00, at least 20, whole tens, up to half the receipt; tier 1 from 200.00 or 5
// visits, tier 2 from 600.00, in 2 months.
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/date.h"
#include "rules/refusal.h"

#define MODEL_PROGRAMME                                                                            \
    "name: model\n"                                                                                \
    "effective_from: 2026-01-01T00:00:00Z\n"                                                       \
    "earn: {points: 1, per_amount: 1.00}\n"                                                        \
    "exclusions: {categories: [tobacco], tenders: [insurance]}\n"                                  \
    "expiry: {policy: month_end, months: 2}\n"                                                     \
    "redemption: {points: 10, amount: 1.00, minimum: 20, step: 10, share_max: 50%}\n"              \
    "rules:\n"                                                                                     \
    "  - {name: member-day, kind: multiplier, factor: 2, when: {days_of_month: [8, 18, 28]}}\n"    \
    "  - {name: big-basket, kind: bonus, points: 20, when: {basket_min: 50.00}}\n"                 \
    "tiers:\n"                                                                                     \
    "  window_months: 2\n"                                                                         \
    "  levels:\n"                                                                                  \
    "    - name: t0\n"                                                                             \
    "    - {name: t1, spend: 200.00, visits: 5, require: any}\n"                                   \
    "    - {name: t2, spend: 600.00}\n"

#define MODEL_LINES_MAX    4
#define MODEL_SALES_MAX    256
#define MODEL_MOVES_MAX    8192
#define MODEL_PARTS_MAX    64
#define MODEL_ENTITIES_MAX 3 // numbers 1 and 2

struct model_move {
    jf_date expires_on;
    int entity;
    int64_t points;
};

struct model_line {
    int64_t quantity;
    int64_t amount;
    int64_t kept; // quantity
    bool is_tobacco;
    bool is_gone;
};

struct model_sale {
    jf_date date;
    int entity;
    int line_count;
    struct model_line lines[MODEL_LINES_MAX];
    int64_t insurance;
    int64_t redeemed;
    int part_count;
    struct model_move parts[MODEL_PARTS_MAX]; // spent, in order; points positive
    int64_t given_back[MODEL_PARTS_MAX];
    int64_t granted;
    int64_t paid[MODEL_ENTITIES_MAX]; // of the grant, to debts
    int64_t taken;                    // from the lot
    int64_t owed;                     // as debt
    int64_t spend;                    // kept
};

struct model_member {
    bool is_enrolled;
    int tier;
    jf_date tier_since;
    int64_t debts[MODEL_ENTITIES_MAX];
    int64_t redeemed_outside; // sales
    int move_count;
    struct model_move moves[MODEL_MOVES_MAX];
    int sale_count;
    struct model_sale sales[MODEL_SALES_MAX];
};

// Each answers with the refusal that must come, or JF_REFUSAL_NONE after doing it.
enum jf_refusal_code model_sell(struct model_member *member, const struct model_sale *sale);
enum jf_refusal_code model_redeem(struct model_member *member, jf_date date, int64_t points);
// In: back[i] the quantity of line i that comes back, -1 for all that is kept, 0 for nothing.
enum jf_refusal_code model_return(struct model_member *member, int sale, jf_date date,
                                  const int64_t back[MODEL_LINES_MAX]);
// By hand: a credit of points of an entity, or a debit.
enum jf_refusal_code model_adjust(struct model_member *member, jf_date date, int entity,
                                  int64_t points);
enum jf_refusal_code model_transfer(struct model_member *from, struct model_member *into,
                                    jf_date date, int64_t points);
void model_recalculate(struct model_member *member, jf_date as_of);
// Points set aside as a redemption would take them; out: what was taken, and how many parts.
enum jf_refusal_code model_set_aside(struct model_member *member, jf_date date, int64_t points,
                                     struct model_move parts[MODEL_PARTS_MAX], int *out_count);
void model_give(struct model_member *member, struct model_move part); // back to where it was
// What could be spent from that day on is gone, and what is owed.
void model_close(struct model_member *member, jf_date today);
// All that `from` has becomes `into`'s; its sales come behind those of `into`.
void model_merge(struct model_member *from, struct model_member *into);

int64_t model_balance(const struct model_member *member);
int64_t model_debt(const struct model_member *member);
int64_t model_spendable(const struct model_member *member, jf_date date);
int64_t model_visits(const struct model_member *member);

#endif
