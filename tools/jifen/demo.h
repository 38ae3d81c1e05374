// What `jifen demo` gathers on its way. One thread.
#ifndef JF_TOOLS_DEMO_H
#define JF_TOOLS_DEMO_H

#include "jifen/v1/operations.pb-c.h"
#include "tools/jifen/replay.h"
#include "tools/jifen/tiers.h"
#include "tools/jifen/verify.h"

#define JF_DEMO_RETURNS_MAX  256u
#define JF_DEMO_REDEEMERS    10u
#define JF_DEMO_MEMBERS      5u
#define JF_DEMO_RETURN_EVERY 500u // receipts
#define JF_DEMO_WHOLE_AT     250u // this receipt comes back whole, or the first of a small file

struct jf_demo_return {
    char sale[JF_RECEIPT_NUMBER_BYTES_MAX + 16]; // transaction id
    uint32_t store;
    bool is_whole;
};

struct jf_demo_member {
    uint64_t number;
    int64_t available; // after the receipts
};

struct jf_demo {
    struct jf_session *session;
    struct jf_cli_replay replay;
    int64_t step; // points are redeemed in multiples of it
    struct jf_demo_return returns[JF_DEMO_RETURNS_MAX];
    uint32_t return_count;
    struct jf_demo_member largest[JF_DEMO_REDEEMERS];
    uint32_t largest_count;
    uint32_t redemptions;
    int64_t points_redeemed;
    uint32_t returns_posted;
    int64_t points_clawed_back;
    int64_t points_given_back;
    struct jf_tiers_result preview;
    struct jf_tiers_result run;
    struct jf_verify_result verify;
};

// Prints everything. Returns: JF_EXIT_OK, or the exit code after saying why.
enum jf_exit jf_demo_report(struct jf_demo *demo, bool is_json);

#endif
