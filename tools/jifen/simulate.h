// What the ledger's own sales would have earned under another programme, against what they did.
//
// One thread. simulate.c reads the feed; simulate_earn.c plans one sale and its returns;
// simulate_limits.c counts under caps and budgets; simulate_show.c prints. Each sale is planned
// with the facts that its entry records (level, tags, class, birthday, first purchase): nobody
// rises or falls by the new rules. Caps and budgets begin empty on the first day.
#ifndef JF_TOOLS_SIMULATE_H
#define JF_TOOLS_SIMULATE_H

#include "base/arena.h"
#include "base/date.h"
#include "rules/apply.h"
#include "rules/entry.h"
#include "rules/programme.h"
#include "tools/jifen/cli.h"
#include "tools/jifen/number_map.h"

#define JF_SIMULATE_DAYS_MAX 3660u   // ten years
#define JF_MONEY_FINE        1000000 // money is added up in millionths of a minor unit

// What was granted, and what the new rules grant.
struct jf_simulate_sum {
    int64_t points[2];     // JF_GRANTED, JF_SIMULATED
    jf_wide money_fine[2]; // by the redemption rate of the programme that granted them
};

enum {
    JF_GRANTED = 0,
    JF_SIMULATED = 1
};

struct jf_simulate_day {
    uint32_t sales;
    uint32_t returns;
    struct jf_simulate_sum sum;
};

// A published version, as far as it is needed here.
struct jf_simulate_version {
    struct jf_programme *programme;         // NULL: not readable by this program
    uint32_t class_map[JF_CLASSES_MAX + 1]; // its activity classes, by number; 0: not judged yet
    uint32_t tier_map[JF_TIERS_MAX];        // its levels in the new programme
};

// What is kept in mind of a sale that something came back of.
struct jf_simulate_sale {
    unsigned char *bytes; // its entry; NULL: not sold in the days asked for
    uint32_t size;
    struct jf_granted *granted[2]; // now
    uint32_t granted_count[2];
    struct jf_room *rooms; // under caps, when it was sold
    uint32_t room_count;
};

struct jf_simulation {
    jf_date from;
    jf_date to;
    struct jf_programme *programme;       // the new one
    struct jf_simulate_version *versions; // by version - 1
    uint32_t version_count;
    // Rules by name: the base, the new programme's, and all that ever were. Texts are borrowed of
    // `name_text`.
    char (*names)[JF_NAME_BYTES_MAX + 1];
    uint32_t name_count;
    uint32_t *name_of_reason; // by ground number of the ledger
    uint32_t reason_count;
    uint32_t name_of_rule[JF_RULES_MAX + 1]; // by ground number of the new programme
    struct jf_simulate_day *days;            // by date - from
    struct jf_simulate_sum *cells;           // [day × name_count + name]
    struct jf_number_map returned;           // positions of sales that something came back of
    struct jf_simulate_sale *sales;          // by index in `returned`
    // What counts under the new programme's caps and budgets: empty when the days begin.
    struct jf_number_map member_numbers;
    struct jf_member **members; // by index in `member_numbers`; their counters only
    uint32_t member_capacity;
    struct jf_control *control;
    uint64_t counted;      // times that the control was counted up
    struct jf_arena arena; // one entry's
    uint64_t unplanned;    // sales that the new rules refuse
};

// Adds a sale or return. In: its entry. Errors: JF_ERROR_CORRUPT, JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_simulate_add(struct jf_simulation *simulation,
                                          const struct jf_entry *entry, struct jf_text bytes);

// simulate_limits.c

// The member's record: counters only. Returns: JF_OK; JF_ERROR_NO_MEMORY, JF_ERROR_LIMIT.
JF_MUST_USE enum jf_error jf_simulate_member(struct jf_simulation *simulation, uint64_t number,
                                             struct jf_member **out_member);

// Counts what is granted now more than before, for the member and for the whole chain.
struct jf_simulate_count {
    uint64_t member;
    jf_date date; // of the sale
    const struct jf_granted *before;
    uint32_t before_count;
    const struct jf_granted *now;
    uint32_t now_count;
};
JF_MUST_USE enum jf_error jf_simulate_count(struct jf_simulation *simulation,
                                            const struct jf_simulate_count *count);
void jf_simulate_limits_free(struct jf_simulation *simulation);

struct jf_simulate_output {
    const char *file_name;
    bool is_json;
    bool is_csv;
};
// Returns: the exit code.
enum jf_exit jf_simulate_show(const struct jf_simulation *simulation,
                              const struct jf_simulate_output *output);

struct jf_simulate_input {
    jf_date from; // JF_DATE_NONE: not given
    jf_date to;
    bool is_csv;
    bool is_progress_forced;
};
// jifen programme simulate FILE. In: cli->arguments[1] is the file. Returns: the exit code.
enum jf_exit jf_simulate_run(struct jf_cli *cli, const struct jf_simulate_input *input);

#endif
