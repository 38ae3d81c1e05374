// An entry decoded: what happened, as facts. Built by planning in the batch arena, or decoded from
// the journal; applied by rules/apply.h; encoded by engine/entry_codec.h
// (proto/jifen/v1/entry.proto says what each field means). Arrays and texts are borrowed from the
// arena it was made in.
#ifndef JF_RULES_ENTRY_H
#define JF_RULES_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/date.h"
#include "base/ids.h"
#include "base/text.h"
#include "rules/command.h"
#include "rules/digest.h"
#include "rules/member.h"

// Numbers of jifen.v1.Account.
enum jf_account {
    JF_ACCOUNT_AVAILABLE = 1,
    JF_ACCOUNT_PENDING = 2,
    JF_ACCOUNT_HELD = 3,
    JF_ACCOUNT_DEBT = 4,
    JF_ACCOUNT_ISSUED = 5,
    JF_ACCOUNT_REDEEMED = 6,
    JF_ACCOUNT_EXPIRED = 7,
    JF_ACCOUNT_ADJUSTED = 8,
    JF_ACCOUNT_WRITTEN_OFF = 9,
    JF_ACCOUNT_COUNT = 10
};

// Whether an account's postings name a lot by its key: where points lie (AVAILABLE, PENDING, HELD),
// which lot a grant went to or was taken back from (ISSUED), and which lot's points expired
// (EXPIRED). The others have both dates 0.
static inline bool jf_account_has_lot(enum jf_account account)
{
    return account == JF_ACCOUNT_AVAILABLE || account == JF_ACCOUNT_PENDING ||
           account == JF_ACCOUNT_HELD || account == JF_ACCOUNT_ISSUED ||
           account == JF_ACCOUNT_EXPIRED;
}

struct jf_posting {
    enum jf_account account;
    struct jf_entity_id entity;
    uint32_t reason;
    jf_date available_on; // lot key; 0: from the start
    jf_date expires_on;   // lot key; JF_DATE_EVER: never
    int64_t points;
    struct jf_member_id member; // value 0: the entry's member
};

// Numbers of jifen.v1.TraceStep.Kind.
enum jf_trace_kind {
    JF_TRACE_ELIGIBLE = 1,
    JF_TRACE_BASE = 2,
    JF_TRACE_MULTIPLIER = 3,
    JF_TRACE_BONUS = 4,
    JF_TRACE_OUTDONE = 5,
    JF_TRACE_ROUNDED = 6,
    JF_TRACE_CAP = 7,
    JF_TRACE_REDEEMED = 8,
    JF_TRACE_DEBT_PAID = 9,
    JF_TRACE_TAKEN_BACK = 10,
    JF_TRACE_DEBT = 11,
    JF_TRACE_GIVEN_BACK = 12,
    JF_TRACE_TIER_UP = 13,
    JF_TRACE_TIER_DOWN = 14,
    JF_TRACE_KEPT = 15,
    JF_TRACE_SHORTFALL = 16,
    JF_TRACE_DEDUCTED = 17,
    JF_TRACE_OFFLINE_DEBT = 18,
    JF_TRACE_HELD = 19,
    JF_TRACE_CAPTURED = 20,
    JF_TRACE_VOIDED = 21,
    JF_TRACE_EXPIRED = 22,
    JF_TRACE_CLASS = 27,
    JF_TRACE_TAKEN_FROM_OTHER = 28,
    JF_TRACE_ADJUSTED = 23,
    JF_TRACE_TRANSFERRED = 24,
    JF_TRACE_MERGED = 25,
    JF_TRACE_FORFEITED = 26,
};

struct jf_trace_step {
    enum jf_trace_kind kind;
    uint32_t reason;
    int64_t points;
    int64_t amount;
    int64_t exact;
};

// Numbers are those of the oneof in entry.proto.
enum jf_entry_kind {
    JF_ENTRY_SALE = 16,
    JF_ENTRY_RETURN = 17,
    JF_ENTRY_REDEMPTION = 18,
    JF_ENTRY_ENROLMENT = 19,
    JF_ENTRY_PUBLICATION = 20,
    JF_ENTRY_STORE = 21,
    JF_ENTRY_TIER_CHANGE = 22,
    JF_ENTRY_HOLD = 23,
    JF_ENTRY_CAPTURE = 24,
    JF_ENTRY_VOID = 25,
    JF_ENTRY_ADJUSTMENT = 26,
    JF_ENTRY_TRANSFER = 27,
    JF_ENTRY_MEMBER_UPDATE = 28,
    JF_ENTRY_CARD_LINK = 29,
    JF_ENTRY_CARD_UNLINK = 30,
    JF_ENTRY_MEMBER_STATUS = 31,
    JF_ENTRY_MERGE = 32,
    JF_ENTRY_EXPIRY = 33,
    JF_ENTRY_DIGEST = 34, // of no member, and of no request: its transaction id is empty
};

struct jf_granted {
    uint32_t reason;
    int64_t points;
};

// What an entry adds to a counter of its member; JF_COUNTER_REWARD_STOCK: of the whole chain.
struct jf_counter_delta {
    uint32_t kind; // enum jf_counter_kind
    uint32_t ground;
    int32_t period;
    int64_t delta; // never 0
};

// The room that a limit on points had left.
struct jf_room {
    uint32_t kind; // enum jf_counter_kind or JF_ROOM_BUDGET
    uint32_t ground;
    int32_t period;
    int64_t room; // 0 or above
};

#define JF_ROOM_BUDGET 5u // of a rule for the whole chain: what is issued on its ground counts

#define JF_BIRTHDAY_DAY   1u
#define JF_BIRTHDAY_WEEK  2u
#define JF_BIRTHDAY_MONTH 4u

struct jf_sale_facts {
    uint32_t programme_version;
    uint32_t local_second; // of the local calendar day
    jf_date local_date;
    uint32_t tier;
    uint32_t activity_class;
    uint64_t tags;
    uint32_t birthday; // JF_BIRTHDAY_*
    bool is_first_purchase;
    struct jf_entity_id entity;
    jf_date expires_on;   // of the lot granted
    jf_date available_on; // of the lot granted
    struct jf_text region;
    const struct jf_room *rooms; // one for each limit that the sale met
    uint32_t room_count;
    uint32_t member_status; // enum jf_member_status; 0: active
};

struct jf_sale_entry {
    struct jf_receipt receipt;
    struct jf_sale_facts facts;
    int64_t redeem_points;
    const struct jf_lot_part *redeemed; // in the order spent
    uint32_t redeemed_count;
    bool is_offline;
    int64_t spend;
    int64_t debt_paid;
    const struct jf_granted *granted; // by reason
    uint32_t granted_count;
};

struct jf_kept_line {
    int64_t quantity_milli;
    bool is_gone;
};

struct jf_return_entry {
    uint64_t sale_position;
    struct jf_text sale_transaction_id;
    struct jf_store_id store;
    uint32_t terminal;
    int64_t returned_at_ms;
    const struct jf_return_line *lines;
    uint32_t line_count;
    // The sale after this return:
    const struct jf_kept_line *kept;
    uint32_t kept_count;
    const struct jf_granted *granted;
    uint32_t granted_count;
    int64_t spend;
    int64_t redeemed;
    int64_t taken_from_lot;
    int64_t taken_as_debt;
    const struct jf_lot_part *taken_from_other; // in the order of lots
    uint32_t taken_from_other_count;
    int64_t written_off;    // points written off, or answered as money
    int64_t deducted_value; // that money
    bool is_visit;
    const struct jf_lot_part *given_back;
    uint32_t given_back_count;
    // What changes in the counters of the sale's month:
    int32_t sale_month_index; // year × 12 + month - 1
    int64_t spend_delta;      // usually negative
    int64_t points_delta;     // usually negative
    int32_t visit_delta;      // 0 or -1
    jf_date sale_date;        // business date of the sale
};

struct jf_redemption_entry {
    struct jf_store_id store;
    uint32_t terminal;
    int64_t redeemed_at_ms;
    struct jf_text reward;
    const struct jf_lot_part *redeemed;
    uint32_t redeemed_count;
    struct jf_entity_id entity;
};

struct jf_hold_entry {
    struct jf_store_id store;
    uint32_t terminal;
    int64_t held_at_ms;
    int64_t deadline_ms;
    struct jf_text reward;
    const struct jf_lot_part *held; // in the order in which they will be spent
    uint32_t held_count;
    struct jf_entity_id entity; // of the store
    uint32_t reward_ground;     // of a reward out of the catalogue; 0: none
    int64_t quantity;           // of it
};

// How a hold ended: captured, or voided, which captures nothing.
struct jf_hold_end_entry {
    uint64_t hold_position;
    struct jf_text hold_transaction_id;
    jf_date hold_date; // business date of the hold
    int64_t ended_at_ms;
    struct jf_entity_id entity;         // CAPTURE: that takes the points
    const struct jf_lot_part *captured; // CAPTURE: lots spent, in the order spent
    uint32_t captured_count;
};

struct jf_reason_name {
    uint32_t number;
    struct jf_text name;
};

struct jf_publication_entry {
    uint32_t version;
    struct jf_text yaml;
    struct jf_text file_name;
    int64_t effective_from_ms;
    const struct jf_reason_name *reasons; // new in this version
    uint32_t reason_count;
};

// Numbers of jifen.v1.TierWhy.
enum jf_tier_why {
    JF_TIER_WHY_NONE = 0,
    JF_TIER_WHY_UP = 1,         // the window says a higher level
    JF_TIER_WHY_DOWN = 2,       // the window says a lower level
    JF_TIER_WHY_ONE_DOWN = 3,   // the window says a lower level; down by one
    JF_TIER_WHY_HAND_ENDED = 4, // the last day of a level given by hand is over
    JF_TIER_WHY_CLASS = 5,      // only the class changes
    JF_TIER_WHY_BY_HAND = 6,    // given by hand
};

struct jf_tier_change_entry {
    struct jf_text run_id; // size 0: by hand
    jf_date as_of;
    uint32_t from; // levels under the entry's programme version
    uint32_t to;
    int64_t spend; // over the window
    uint32_t visits;
    int64_t points;
    uint32_t class_from; // 0: not judged yet
    uint32_t class_to;
    enum jf_tier_why why; // NONE: a run's begin, or an entry of an earlier version of the ledger
    struct jf_text operator_name; // by hand
    jf_date until;                // by hand: last day; JF_DATE_EVER: no end
};

// The lots are those of the postings.
struct jf_expiry_entry {
    struct jf_text run_id;
    jf_date as_of;
};

struct jf_member_update_entry {
    uint32_t birth_month;
    uint32_t birth_day;
    uint32_t home_store;
    uint64_t tags;
    bool is_erase;
    const struct jf_text *cards; // unlinked
    uint32_t card_count;
};

struct jf_card_entry { // linked or unlinked
    struct jf_text card;
};

struct jf_status_entry {
    uint32_t status; // enum jf_member_status
};

struct jf_adjustment_entry {
    int64_t points; // negative: a debit
    struct jf_text reason_code;
    struct jf_text operator_name;
    struct jf_text approver;
    struct jf_entity_id entity;
    int64_t adjusted_at_ms;
    const struct jf_lot_part *debited; // in the order debited
    uint32_t debited_count;
    jf_date expires_on; // of the lot credited; a debit: 0
    int64_t debt_paid;
};

// The second member of an entry that is about two, whose history goes on through it too.
struct jf_second {
    struct jf_member_id member; // value 0: none
    uint64_t previous_position; // of the second member's entry before this one
};

struct jf_transfer_entry {
    struct jf_second to;
    int64_t points;
    struct jf_text operator_name;
    int64_t transferred_at_ms;
    const struct jf_lot_part *moved; // in the order moved
    uint32_t moved_count;
};

// What `from` brings besides what the postings move, and what the member it becomes is after.
struct jf_merge_entry {
    struct jf_second from;
    const struct jf_lot_part *granted; // every lot of `from`; points: granted
    uint32_t granted_count;
    const struct jf_month_count *months;
    uint32_t month_count;
    const struct jf_counter_delta *counters;
    uint32_t counter_count;
    const struct jf_hold *holds; // with the parts behind each other in hold_parts
    uint32_t hold_count;
    const struct jf_lot_part *hold_parts;
    uint32_t hold_part_count;
    const struct jf_text *cards;
    uint32_t card_count;
    uint32_t visits;
    // Of the member it becomes:
    uint32_t tier; // as stored: under tier_version
    uint32_t tier_version;
    jf_date tier_since;
    jf_date tier_until;
    jf_date enrolled_on;
    uint32_t birth_month;
    uint32_t birth_day;
    uint64_t tags;
};

struct jf_entry {
    enum jf_entry_kind kind;
    uint64_t position; // 0 until the engine gives it
    uint64_t recorded_at_us;
    struct jf_text transaction_id;
    uint64_t fingerprint;
    struct jf_member_id member;
    uint64_t previous_position;
    // The outcome:
    jf_date business_date; // JF_DATE_NONE for entries without one
    struct jf_balance balance;
    int64_t points_granted;
    int64_t points_redeemed;
    int64_t redeemed_value;
    int64_t deducted_value;   // money
    int64_t shortfall_points; // that a return wrote off, or answered as money
    const struct jf_posting *postings;
    uint32_t posting_count;
    const struct jf_trace_step *trace;
    uint32_t trace_count;
    uint64_t denominator;
    const int64_t *line_points;
    uint32_t line_point_count;
    bool is_late;
    uint32_t programme_version;
    const uint64_t *voided_holds; // positions of holds past their deadline, ascending
    uint32_t voided_hold_count;
    // Of the body, for the kinds that count:
    const struct jf_counter_delta *counted;
    uint32_t counted_count;
    // Rewards that voided_holds give back:
    const struct jf_counter_delta *voided_counted;
    uint32_t voided_counted_count;
    union {
        struct jf_sale_entry sale;
        struct jf_return_entry sale_return;
        struct jf_redemption_entry redemption;
        struct jf_enrol_command enrolment;
        struct jf_publication_entry publication;
        struct jf_put_store_command store;
        struct jf_tier_change_entry tier_change;
        struct jf_hold_entry hold;
        struct jf_hold_end_entry hold_end; // CAPTURE, VOID
        struct jf_expiry_entry expiry;
        struct jf_member_update_entry member_update;
        struct jf_card_entry card_link;
        struct jf_card_entry card_unlink;
        struct jf_status_entry member_status;
        struct jf_adjustment_entry adjustment;
        struct jf_transfer_entry transfer;
        struct jf_merge_entry merge;
        struct jf_digest digest; // of the state before this entry
    } as;
};

// Sum of the postings, which is zero in every valid entry (invariant 1).
// Returns: JF_OK, or JF_ERROR_CORRUPT when they do not sum to zero or overflow.
JF_MUST_USE enum jf_error jf_entry_check_postings(const struct jf_entry *entry);

// The most that applying the entry adds to any member that it touches.
struct jf_member_growth jf_entry_growth(const struct jf_entry *entry);

// The second member that the entry is about; value 0: there is none.
struct jf_second jf_entry_second(const struct jf_entry *entry);

// The cards that the entry moves, and where they lead from then on.
struct jf_card_move {
    const struct jf_text *cards; // the entry's
    uint32_t count;
    struct jf_member_id leads_to; // value 0: to nobody
};
struct jf_card_move jf_entry_card_move(const struct jf_entry *entry);

// Static name of a kind, such as "sale"; "unknown" outside the list.
const char *jf_entry_kind_name(enum jf_entry_kind kind);

// The kind of that name. Returns: 0 for a name outside the list.
#define JF_ENTRY_KIND_MAX    63u
#define JF_ENTRY_KIND_NEWEST JF_ENTRY_DIGEST
uint32_t jf_entry_kind_find(struct jf_text name);

#endif
