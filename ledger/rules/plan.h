// Planning: a command against what is known becomes an entry, or a refusal. Pure: no I/O, no clock,
// no allocation beyond the arena, no floating point (ARCHITECTURE 2). The same inputs give the same
// entry.
#ifndef JF_RULES_PLAN_H
#define JF_RULES_PLAN_H

#include "base/arena.h"
#include "base/error.h"
#include "rules/apply.h"
#include "rules/command.h"
#include "rules/entry.h"
#include "rules/member.h"
#include "rules/reference.h"
#include "rules/tiers.h"

// What planning may read. The engine has resolved cards, looked up transaction and receipt, and
// fetched records.
struct jf_plan_input {
    struct jf_reference *reference; // only jf_reference_prepare changes it (publications, stores)
    struct jf_arena *arena;         // the entry and all it points to are made here
    uint64_t now_us;                // the command's stamp
    uint64_t fingerprint; // jf_command_fingerprint(command), where it is known; 0: not yet
    const struct jf_control *control; // what is issued so far, for budgets; NULL: nothing
    const struct jf_member *member;   // the member meant; NULL: unknown (TIER_CHANGE, SALE, REDEEM,
                                      // HOLD, ENROL; RETURN: the sale's; CAPTURE, VOID: the hold's)
    const struct jf_member *other;    // TRANSFER: who gets; MERGE: who ceases to be; NULL: unknown
    bool is_other_card_known;         // as is_card_known, of that one
    const struct jf_entry *sale;      // RETURN: the sale's entry; NULL: unknown
    const struct jf_entry *last_return; // RETURN: the sale's newest return entry; NULL: none yet
    const struct jf_entry *hold;        // CAPTURE, VOID: the entry of the id named; NULL: unknown
    uint64_t hold_end_position; // CAPTURE, VOID: of the entry that captured or voided it; 0: none
    bool is_card_known;         // SALE, REDEEM, HOLD: false when asked by a card that leads nowhere
    uint64_t card_taken_by;     // ENROL: position 0, or index+1 of a card that is taken
    uint64_t receipt_position;  // SALE: position of the sale that this receipt earned with before;
                                // 0: none
};

// Plans a command that passed jf_command_check and whose transaction id is new.
// Out: exactly one of *out_entry (kind, member, balance, postings … all filled but position,
// recorded_at_us, previous_position's chain is filled from member->last_position) and
// out_refusal->code is set; *out_entry is NULL on refusal. TIER_CHANGE and EXPIRE without
// a change give neither. The entry borrows the command's texts and arrays, and for a return those
// of the sale's entry: they must live as long. It borrows nothing of the reference or the member.
// PUBLISH and PUT_STORE leave the reference prepared for their entry: apply it (jf_reference_apply)
// before the next of them is planned. Returns: JF_OK; JF_ERROR_NO_MEMORY when the arena's bound is
// met (nothing is decided); JF_ERROR_CORRUPT when a return's stored sale and last return do not
// belong together.
JF_MUST_USE enum jf_error jf_plan(const struct jf_plan_input *input,
                                  const struct jf_command *command, struct jf_entry **out_entry,
                                  struct jf_refusal *out_refusal);

// Whether the programme takes every word of a receipt: what it names nowhere may be refused. Out,
// where not: UNKNOWN_CATEGORY or UNKNOWN_TENDER with its field.
bool jf_receipt_is_known(const struct jf_programme *programme, const struct jf_receipt *receipt,
                         struct jf_refusal *out_refusal);

// Business date of an instant at a store: local date, the day before while the local time is
// earlier than the store's day start.
jf_date jf_store_business_date(const struct jf_store *store, int64_t at_ms);

#endif
