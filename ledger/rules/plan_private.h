// What the planners of the command kinds share. For rules/*.c only.
//
// Steps return whether planning goes on. A step that stops it has said why: a refusal in
// work->refusal, a failure in work->error, or (a tier that does not change, a member of whom
// nothing has expired) neither.
#ifndef JF_RULES_PLAN_PRIVATE_H
#define JF_RULES_PLAN_PRIVATE_H

#include "rules/lots.h"
#include "rules/plan.h"
#include "rules/programme_private.h"

struct jf_plan_work {
    const struct jf_plan_input *input;
    const struct jf_command *command;
    struct jf_entry *entry; // zeroed but for what jf_plan filled in
    struct jf_refusal *refusal;
    enum jf_error error;
    struct jf_posting *postings;
    uint32_t posting_count;
    uint32_t posting_capacity;
    struct jf_trace_step *trace;
    uint32_t trace_count;
    uint32_t trace_capacity;
    const struct jf_member *stored; // the member as it is; input->member: as the planner sees it
    int64_t at_ms;                  // judges holds: the command's own instant, or the ledger's
    struct jf_plan_input seen;      // what `input` points to where overdue holds are given back
    uint64_t *overdue;              // their positions, ascending
    uint32_t overdue_count;
};

// Sets the code, all facts zero. Returns: false.
bool jf_plan_refuse(struct jf_plan_work *work, enum jf_refusal_code code);
// A limit of the ledger, with a word on which. Returns: false.
bool jf_plan_refuse_limit(struct jf_plan_work *work, int64_t limit, const char *what);
// Returns: false.
bool jf_plan_fail(struct jf_plan_work *work, enum jf_error error);

// Returns: zeroed memory of the arena; NULL with work->error set.
void *jf_plan_alloc(struct jf_plan_work *work, size_t count, size_t size);

// Makes the lists of postings and steps with room for that many; jf_plan_finish has room for its
// own step.
bool jf_plan_lists(struct jf_plan_work *work, uint32_t posting_capacity, uint32_t trace_capacity);
// Holds past their deadline at work->at_ms count as void for a command that spends, holds or moves
// points: from here on input->member is the member with those points back in their lots, and the
// entry says so in its first postings and steps. In: business_date and at_ms are known, and
// jf_plan_lists, which makes room for it, comes later.
bool jf_plan_void_overdue(struct jf_plan_work *work);
// Posts the voids, for jf_plan_lists.
void jf_plan_post_overdue(struct jf_plan_work *work);
// How many postings that will be.
uint32_t jf_plan_overdue_postings(const struct jf_plan_work *work);
// Adds a posting that moves points; none where points is 0. ISSUED needs a reason, the others 0.
void jf_plan_post(struct jf_plan_work *work, enum jf_account account, struct jf_lot_key key,
                  uint32_t reason, int64_t points);
// The same for the second member of an entry about two.
void jf_plan_post_second(struct jf_plan_work *work, enum jf_account account, struct jf_lot_key key,
                         int64_t points);
void jf_plan_trace(struct jf_plan_work *work, struct jf_trace_step step);

// The member's cards as texts, copied, because the entry may live longer than the record.
bool jf_plan_cards_copy(struct jf_plan_work *work, const struct jf_member *member,
                        const struct jf_text **out_cards);

// A copy of the member as it was before the entry, with room for the postings made so far. Returns:
// memory of the arena; NULL with work->error set.
struct jf_member *jf_plan_member_copy(struct jf_plan_work *work);

// The level that an answer shows: under the version that decided the entry, or else under the one
// in force when it is planned.
uint32_t jf_plan_tier_shown(const struct jf_plan_work *work, const struct jf_member *member);

// The last step: limits and sums are checked, the entry is applied to a copy of the member, and the
// balance on the entry's business date is read off the copy. In: entry->balance.tier is the tier
// after the entry. With a programme the tier rises at once where the counters after the entry reach
// a higher level.
bool jf_plan_finish(struct jf_plan_work *work, const struct jf_programme *tier_programme);

// The member a command names: UNKNOWN_CARD, UNKNOWN_MEMBER, MEMBER_MERGED.
bool jf_plan_member_known(struct jf_plan_work *work, const struct jf_member_ref *ref);
// The second member it names, likewise.
bool jf_plan_other_known(struct jf_plan_work *work, const struct jf_member_ref *ref);
// INVALID_FIELD, naming the field, where both are one member.
bool jf_plan_are_two(struct jf_plan_work *work, const char *field);
// Where no store says what day it is: NO_PROGRAMME, IN_FUTURE. Fills business_date (by UTC),
// is_late and programme_version of the entry, and work->at_ms.
bool jf_plan_dated(struct jf_plan_work *work, int64_t at_ms,
                   const struct jf_programme_version **out_version);
// Member and store that a sale or redemption names: as above, then UNKNOWN_STORE.
bool jf_plan_known(struct jf_plan_work *work, const struct jf_member_ref *ref,
                   struct jf_store_id store, const struct jf_store **out_store);
// NO_PROGRAMME, IN_FUTURE, BEFORE_ENROLMENT, MEMBER_CLOSED, in that order. Fills business_date,
// is_late and programme_version of the entry.
bool jf_plan_admitted(struct jf_plan_work *work, const struct jf_store *store, int64_t at_ms,
                      const struct jf_programme_version **out_version);
// IN_FUTURE, and whether the arrival is late. Sets work->at_ms.
bool jf_plan_in_time(struct jf_plan_work *work, const struct jf_programme *programme,
                     int64_t at_ms);

// A redemption that is asked for.
struct jf_redemption {
    const struct jf_programme *programme;
    int64_t points;
    int64_t basket;             // money that it may pay a part of; -1: outside a sale
    bool is_offline;            // in a sale made offline: it may lack the allowance
    struct jf_text reward_code; // what for; outside a sale
    struct jf_lot_part *parts;  // out: lots spent, in the order spent
    uint32_t part_count;        // out
    int64_t value;              // out: money; 0 for a reward
    int64_t debt;               // out: points lacking, which become debt
    uint32_t reward;            // out: ground of the reward out of the catalogue; 0: money off
    int64_t quantity;           // out: of the reward
};
// MEMBER_FROZEN; for a reward out of the catalogue what jf_plan_reward lists, else BELOW_MINIMUM,
// NOT_A_STEP, ABOVE_SHARE (in a sale), OVERFLOW; then INSUFFICIENT_POINTS, or for a sale made
// offline OFFLINE_ABOVE_ALLOWANCE. Voids what is overdue.
bool jf_plan_redemption(struct jf_plan_work *work, struct jf_redemption *redemption);
// Chooses the lots that pay its points on the entry's business date: INSUFFICIENT_POINTS. In:
// overdue holds are void already.
bool jf_plan_choose_parts(struct jf_plan_work *work, struct jf_redemption *redemption);
// Takes its parts out of their lots: at most 2 × part_count postings.
void jf_plan_take_parts(struct jf_plan_work *work, const struct jf_redemption *redemption);
// Its postings and trace steps; at most 2 × part_count + 2 postings and 2 steps. In: entity of the
// store that takes them, and is owed what lacks.
void jf_plan_post_redemption(struct jf_plan_work *work, const struct jf_redemption *redemption,
                             struct jf_entity_id entity);
// UNKNOWN_REWARD, REWARD_NOT_VALID, NOT_A_STEP, REWARD_LIMIT, REWARD_OUT_OF_STOCK. In: what is
// overdue has been voided.
bool jf_plan_reward(struct jf_plan_work *work, struct jf_redemption *redemption);
// The two deltas of taking (or, below 0, giving back) some of a reward.
void jf_plan_reward_deltas(uint32_t ground, int64_t quantity, struct jf_counter_delta *deltas);
// The entry counts a reward; nothing where ground or quantity is 0.
bool jf_plan_count_reward(struct jf_plan_work *work, uint32_t ground, int64_t quantity);
// New points for a member.
struct jf_grant {
    struct jf_lot_key key; // the lot they go to
    int64_t points;
    const struct jf_debt *debts; // paid first, in this order
    uint32_t debt_count;
};
// At most debt_count + 1 postings and one step. Returns: how many points paid debts.
int64_t jf_plan_grant(struct jf_plan_work *work, const struct jf_grant *grant);
// Refuses with what was needed and what was there. Returns: false.
bool jf_plan_refuse_points(struct jf_plan_work *work, enum jf_refusal_code code, int64_t needed,
                           int64_t available);

// One planner a kind. In: work->entry has kind 0 and what every entry has.
bool jf_plan_sale(struct jf_plan_work *work);
bool jf_plan_return(struct jf_plan_work *work);
bool jf_plan_redeem(struct jf_plan_work *work);
bool jf_plan_enrol(struct jf_plan_work *work);
bool jf_plan_publish(struct jf_plan_work *work);
bool jf_plan_put_store(struct jf_plan_work *work);
bool jf_plan_tier_change(struct jf_plan_work *work);
bool jf_plan_hold(struct jf_plan_work *work);
bool jf_plan_capture(struct jf_plan_work *work);
bool jf_plan_void(struct jf_plan_work *work);
bool jf_plan_expire(struct jf_plan_work *work);
bool jf_plan_update_member(struct jf_plan_work *work);
bool jf_plan_link_card(struct jf_plan_work *work);
bool jf_plan_unlink_card(struct jf_plan_work *work);
bool jf_plan_freeze(struct jf_plan_work *work);
bool jf_plan_close(struct jf_plan_work *work);
bool jf_plan_merge(struct jf_plan_work *work);
bool jf_plan_adjust(struct jf_plan_work *work);
bool jf_plan_transfer(struct jf_plan_work *work);
bool jf_plan_set_tier(struct jf_plan_work *work);

#endif
