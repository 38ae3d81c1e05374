// A small chain for tests of planning: a reference with one programme and a few stores, members,
// control totals, and an arena that keeps every entry for the length of the test. Posting a command
// plans it, checks what must hold for every entry, and applies it.
#ifndef WORLD_H
#define WORLD_H

#include "base/arena.h"
#include "rules/apply.h"
#include "rules/plan.h"

#define WORLD_MEMBERS_MAX 8u

struct world {
    struct jf_reference *reference;
    struct jf_control *control;
    struct jf_arena arena;
    uint64_t now_us;
    uint64_t position;
    struct jf_member *members[WORLD_MEMBERS_MAX + 1]; // by number
    struct jf_refusal refusal; // of the last command; code JF_REFUSAL_NONE: it was accepted
    // What planning is told of the next command; cleared by posting.
    const struct jf_entry *sale;
    const struct jf_entry *last_return;
    const struct jf_entry *hold;
    uint64_t hold_end_position;
    bool is_card_unknown;
    uint64_t card_taken_by;
    uint64_t receipt_position;
};

// Stores of every world: 1 (entity 1, Asia/Shanghai, day starts at 04:00), 2 (entity 1, UTC,
// midnight), 3 (entity 2, UTC, midnight), region "north" each. The clock stands at 2026-12-31.
void world_open(struct world *world, const char *programme_yaml);
void world_close(struct world *world);

// Posts. Returns: the entry, living as long as the world; NULL when refused (world->refusal) or
// nothing changes.
const struct jf_entry *world_post(struct world *world, const struct jf_command *command);

// Plans only. Returns: the error of planning.
enum jf_error world_plan(struct world *world, const struct jf_command *command,
                         struct jf_entry **out_entry);

// Enrols a member on 2026-01-01. In: number 1..WORLD_MEMBERS_MAX.
void world_enrol(struct world *world, uint64_t number);

// A member's copy with some room, for the caller to free.
struct jf_member *world_copy(const struct jf_member *member);
// Gives the member room for an entry with that many postings; the block may move.
void world_grow(struct jf_member **member, const struct jf_member_growth *growth);
void world_room(struct jf_member **member, uint32_t posting_count);

// The instant of noon UTC of a day written "2026-01-18".
int64_t noon_ms(const char *date);
jf_date date_of(const char *date);

// Commands with one transaction id for all: planning does not look at it. `at` is noon UTC of a
// day.
struct jf_command sale_of(uint64_t member, const char *at, const struct jf_line *lines,
                          uint32_t line_count);
struct jf_command redeem_of(uint64_t member, const char *at, int64_t points);
// Until a quarter of an hour later.
struct jf_command hold_of(uint64_t member, const char *at, int64_t points);
struct jf_command capture_of(const char *at, int64_t points);
struct jf_command void_of(const char *at);
struct jf_command return_all_of(const char *at);
struct jf_command return_of(const char *at, const struct jf_return_line *lines, uint32_t count);
struct jf_command enrol_of(uint64_t member, const char *on);
struct jf_command tier_change_of(uint64_t member, const char *as_of);

// One line of one piece.
struct jf_line line_of(const char *category, int64_t amount);

// A sale of one line in store 2 that must be accepted, and its whole return likewise.
const struct jf_entry *world_buys(struct world *world, uint64_t member, const char *at,
                                  int64_t amount);
const struct jf_entry *world_brings_back(struct world *world, const struct jf_entry *sale,
                                         const struct jf_entry *last_return, const char *at);

// Sum of the postings to one account.
int64_t posted(const struct jf_entry *entry, enum jf_account account);
// The step of that kind, NULL without one.
const struct jf_trace_step *traced(const struct jf_entry *entry, enum jf_trace_kind kind);

#endif
