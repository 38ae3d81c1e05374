// Replays a file of receipts: stores, members, sales. For `jifen replay` and `jifen demo`.
//
// One thread. The file is read twice: once to learn its stores, members, dates and bad lines, once
// to post. Every transaction id follows from the receipt, so a replay that broke off is simply run
// again. A member's receipts are posted in the order of the file: the next one waits for the answer
// to the one before, because tiers depend on the order.
#ifndef JF_TOOLS_REPLAY_H
#define JF_TOOLS_REPLAY_H

#include "tools/jifen/number_map.h"
#include "tools/jifen/pump.h"
#include "tools/jifen/receipts.h"

#define JF_CLI_REPLAY_SHOWN_MAX 20u // bad lines and refusals that are listed; the rest is counted

struct jf_cli_replay_config {
    const char *path;
    const char *zone_name; // of the stores and of times without an offset
    uint32_t entity;
    jf_date enrolled_on; // JF_DATE_NONE: the first date of the file
    bool is_without_stores;
    bool is_without_enrolment;
    uint32_t concurrency;
    uint32_t batch; // sales a call: 1: PostSale; above: PostBatch
    bool is_progress_forced;
    // Called for every receipt of the first reading, in order; may be NULL.
    void (*on_receipt)(void *context, uint64_t index, const struct jf_receipt *receipt);
    void *context;
};

struct jf_cli_replay_item; // a receipt on its way

struct jf_cli_replay_member {
    int64_t available;                // balance after the newest answer
    uint32_t call;                    // slot that carries a receipt of this member, from 1; 0: none
    struct jf_cli_replay_item *first; // wait for that
    struct jf_cli_replay_item *last;
};

// Caller's memory: zeroed, then setup.
struct jf_cli_replay {
    struct jf_cli_replay_config config;
    struct jf_session *session;
    struct jf_zone *zone;
    struct jf_number_map stores;
    struct jf_number_map members;
    struct jf_cli_replay_member *member_states; // by index of members
    // Of the first reading:
    struct jf_receipts_counts counts;
    jf_date first_on;
    int64_t last_sold_at_ms;
    uint32_t last_store;
    uint64_t enrolled; // new ones
    // Of the posting:
    uint64_t posted;
    uint64_t replayed;
    uint64_t refused;
    int64_t points_granted; // by all receipts, posted now or before
    struct jf_pump_result pump;
};

// In: session, config: outlive it. Returns: JF_EXIT_OK; else said why. Deinit either way.
enum jf_exit jf_cli_replay_setup(struct jf_cli_replay *replay, struct jf_session *session,
                                 const struct jf_cli_replay_config *config);
void jf_cli_replay_deinit(struct jf_cli_replay *replay);

// Reads the file for the first time. Returns: as above.
enum jf_exit jf_cli_replay_survey(struct jf_cli_replay *replay);
// Puts the stores and enrols the members, unless told not to.
enum jf_exit jf_cli_replay_prepare(struct jf_cli_replay *replay);
// Posts the sales.
enum jf_exit jf_cli_replay_post(struct jf_cli_replay *replay);

// Returns: what the run amounts to: JF_EXIT_OK, JF_EXIT_REFUSED, JF_EXIT_BAD_INPUT (bad lines).
enum jf_exit jf_cli_replay_verdict(const struct jf_cli_replay *replay);

// The summary, as text on stdout or as a JSON object.
struct jf_json;
void jf_cli_replay_show(const struct jf_cli_replay *replay);
void jf_cli_replay_json(const struct jf_cli_replay *replay, struct jf_json *json, const char *key);

#endif
