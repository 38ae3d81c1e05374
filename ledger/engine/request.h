// What a lane hands to the ledger thread and gets back: requests. One request is one place in the
// order; a write request may carry many commands, each planned and answered by itself.
//
// Ownership passes with the pointer: the lane's thread builds it in its arena, submits, and does
// not touch it or the arena until it is collected. The ledger thread allocates results in the same
// arena.
#ifndef JF_ENGINE_REQUEST_H
#define JF_ENGINE_REQUEST_H

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "rules/apply.h"
#include "rules/command.h"
#include "rules/member.h"
#include "engine/scrub.h"
#include "state/state.h"

enum jf_request_kind {
    JF_REQUEST_WRITE = 1, // commands in order; answered when all is durable
    JF_REQUEST_QUOTE = 2, // one SALE command planned and not written
    JF_REQUEST_GET_MEMBER = 3,
    JF_REQUEST_HISTORY = 4,
    JF_REQUEST_GET_TRANSACTION = 5,
    JF_REQUEST_GET_PROGRAMME = 6,
    JF_REQUEST_STATUS = 7,
    JF_REQUEST_CHECKPOINT = 8,
};

enum jf_write_status {
    JF_WRITE_PENDING = 0,
    JF_WRITE_POSTED = 1,
    JF_WRITE_REPLAYED = 2, // the first answer again
    JF_WRITE_REFUSED = 3,
    JF_WRITE_UNCHANGED = 4, // TIER_CHANGE, EXPIRE that change nothing: nothing written
};

struct jf_write {
    struct jf_command command; // in
    // out:
    enum jf_write_status status;
    uint64_t position;
    struct jf_text outcome;           // POSTED, REPLAYED, quotes: an encoded jifen.v1.Outcome
    const struct jf_refusal *refusal; // REFUSED
    // private, filled by jf_lane_submit in the lane's thread:
    uint64_t fingerprint;
    struct jf_hash128 id_hash;
};

struct jf_read_query {             // in
    struct jf_member_ref member;   // GET_MEMBER, HISTORY
    jf_date as_of;                 // GET_MEMBER; JF_DATE_NONE: today by the ledger's clock, UTC
    uint64_t before_position;      // HISTORY: 0 from the newest
    uint32_t limit;                // HISTORY: 1..JF_HISTORY_PAGE_MAX
    struct jf_text transaction_id; // GET_TRANSACTION; size 0: by position
    uint64_t position;             // GET_TRANSACTION
    uint32_t version;              // GET_PROGRAMME; 0: newest
};

struct jf_reason_row {
    uint32_t number;
    struct jf_text name;
};

struct jf_status_answer {
    struct jf_control_counts counts;
    const struct jf_control_row *rows;
    uint32_t row_count;
    const struct jf_reason_row *reasons; // every number from 0
    uint32_t reason_count;
    const struct jf_text *tier_names; // of the newest programme
    uint32_t tier_count;
    uint64_t members_by_tier[JF_TIERS_MAX]; // by levels of the newest programme
    uint64_t position_last;
    uint64_t position_durable;
    uint64_t position_stored;
    uint64_t position_flushed;
    uint64_t members_cached;
    uint64_t cache_bytes;
    uint64_t replayed_answers;
    uint64_t refusals;
    uint64_t overloads;
    uint64_t uptime_us;
    uint64_t recovered_entries;
    uint64_t recovery_us;
    struct jf_state_digest_entry digest; // newest; position 0: none
    struct jf_scrub_status scrub;        // zeros without a scrubber
    uint32_t programme_version;
    uint32_t store_count;
    unsigned char ledger_id[16];
    uint64_t generation;
    struct jf_text read_only_reason; // size 0: writable
};

struct jf_programme_answer {
    uint32_t version;
    uint32_t version_count;
    struct jf_text yaml;
    int64_t effective_from_ms;
    uint64_t position;
    const struct jf_reason_row *reasons;
    uint32_t reason_count;
    const struct jf_text *tier_names;
    uint32_t tier_count;
    const struct jf_text *class_names;
    uint32_t class_count;
};

struct jf_read_answer {               // out, by kind; all in the request's arena
    const struct jf_refusal *refusal; // NULL: answered
    const struct jf_member *member;   // GET_MEMBER: a copy
    jf_date as_of;                    // GET_MEMBER: the date used
    int64_t at_ms;                    // GET_MEMBER: the ledger's clock, which judges holds
    struct jf_text tier_name;         // GET_MEMBER
    struct jf_text class_name;        // GET_MEMBER; size 0: not judged yet
    const struct jf_text *entries; // HISTORY, GET_TRANSACTION: encoded jifen.v1.Entry, newest first
    uint32_t entry_count;
    uint64_t next_before_position; // HISTORY; 0: no more
    const struct jf_status_answer *status;
    const struct jf_programme_answer *programme;
    uint64_t position_flushed; // CHECKPOINT
};

struct jf_request {
    enum jf_request_kind kind;
    struct jf_arena *arena;
    void *origin; // the lane's own
    struct jf_write *writes;
    uint32_t write_count; // 1..JF_BATCH_COUNT_MAX
    uint32_t written;     // private: commands already planned
    struct jf_read_query query;
    struct jf_read_answer answer;
    // private to the engine:
    struct jf_lane *lane;
    uint64_t arena_bytes;      // held when it was submitted
    uint64_t visible_position; // answered when this is durable
    uint64_t walk_position;    // HISTORY: next entry to read
    uint64_t walk_member;
    uint64_t walk_bytes; // gathered so far
    struct jf_request *next;
};

#endif
