// What can be asked of the rules, decoded: plain data borrowed from the caller's arena.
// The service decodes messages into commands and checks nothing but what a command cannot say (a
// text with a NUL byte inside, which `nul_field` names); jf_command_check does the rest.
#ifndef JF_RULES_COMMAND_H
#define JF_RULES_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/date.h"
#include "base/ids.h"
#include "base/text.h"
#include "rules/refusal.h"

#define JF_REWARD_BYTES_MAX    64u  // what a redemption is for, as the client names it
#define JF_FILE_NAME_BYTES_MAX 256u // of a programme, for messages
#define JF_RUN_ID_BYTES_MAX    32u  // a job's; part of its entries' transaction ids

enum jf_command_kind {
    JF_COMMAND_NONE = 0,
    JF_COMMAND_SALE = 1,
    JF_COMMAND_RETURN = 2,
    JF_COMMAND_REDEEM = 3,
    JF_COMMAND_ENROL = 4,
    JF_COMMAND_PUBLISH = 5,
    JF_COMMAND_PUT_STORE = 6,
    JF_COMMAND_TIER_CHANGE = 7, // by the recalculation job only
    JF_COMMAND_HOLD = 8,
    JF_COMMAND_CAPTURE = 9,
    JF_COMMAND_VOID = 10,
    JF_COMMAND_ADJUST = 11,
    JF_COMMAND_TRANSFER = 12,
    JF_COMMAND_UPDATE_MEMBER = 13,
    JF_COMMAND_LINK_CARD = 14,
    JF_COMMAND_UNLINK_CARD = 15,
    JF_COMMAND_FREEZE = 16,
    JF_COMMAND_CLOSE = 17,
    JF_COMMAND_MERGE = 18,
    JF_COMMAND_EXPIRE = 19, // by the expiry job only
    JF_COMMAND_SET_TIER = 20,
};

struct jf_member_ref {
    struct jf_member_id number; // value 0: by card
    struct jf_text card;        // size 0: by number
};

struct jf_line {
    struct jf_text sku;
    struct jf_text category;
    int64_t quantity_milli;
    int64_t amount;
};

struct jf_tender {
    struct jf_text type;
    int64_t amount;
};

struct jf_receipt {
    struct jf_store_id store;
    uint32_t terminal;
    struct jf_text number;
    int64_t sold_at_ms;
    const struct jf_line *lines;
    const struct jf_tender *tenders;
    uint32_t line_count;
    uint32_t tender_count;
};

struct jf_sale_command {
    struct jf_member_ref member;
    struct jf_receipt receipt;
    int64_t redeem_points;
    bool is_offline;
};

struct jf_return_line {
    uint32_t line_number; // from 1
    int64_t quantity_milli;
    bool is_whole;
};

struct jf_return_command {
    struct jf_text sale_transaction_id;
    struct jf_store_id store;
    uint32_t terminal;
    int64_t returned_at_ms;
    const struct jf_return_line *lines;
    uint32_t line_count;
    bool is_all;
};

struct jf_redeem_command {
    struct jf_member_ref member;
    struct jf_store_id store;
    uint32_t terminal;
    int64_t redeemed_at_ms;
    int64_t points;
    struct jf_text reward;
};

struct jf_hold_command {
    struct jf_member_ref member;
    struct jf_store_id store;
    uint32_t terminal;
    int64_t held_at_ms;
    int64_t points;
    int64_t deadline_ms;
    struct jf_text reward;
};

struct jf_capture_command {
    struct jf_text hold_transaction_id;
    int64_t captured_at_ms;
    int64_t points; // 0: all that is held
};

struct jf_void_command {
    struct jf_text hold_transaction_id;
    int64_t voided_at_ms;
};

struct jf_enrol_command {
    struct jf_member_id number;
    const struct jf_text *cards;
    uint32_t card_count;
    jf_date enrolled_on;
    uint32_t birth_month;
    uint32_t birth_day;
    uint32_t home_store;
    uint64_t tags;
};

struct jf_publish_command {
    struct jf_text yaml;
    struct jf_text file_name;
};

struct jf_put_store_command {
    struct jf_store_id store;
    struct jf_entity_id entity;
    struct jf_text region;
    struct jf_text zone;
    uint32_t day_start_minute;
};

struct jf_tier_change_command {
    struct jf_text run_id;
    struct jf_member_id member; // value 0: the run begins, which binds its id to as_of
    jf_date as_of;
};

struct jf_expire_command {
    struct jf_text run_id;
    struct jf_member_id member; // value 0: the run begins, which binds its id to as_of
    jf_date as_of;              // lots whose last day lies before it have expired
};

struct jf_update_member_command {
    struct jf_member_ref member;
    uint32_t birth_month;
    uint32_t birth_day;
    uint32_t home_store;
    uint64_t tags;
    bool is_erase; // cards and birthday are forgotten, whatever is given
};

struct jf_link_card_command {
    struct jf_member_ref member;
    struct jf_text card;
};

struct jf_unlink_card_command {
    struct jf_member_ref card; // by card only: it names its member
};

struct jf_freeze_command {
    struct jf_member_ref member;
    bool is_thaw;
};

struct jf_close_command {
    struct jf_member_ref member;
};

struct jf_merge_command {
    struct jf_member_ref from;
    struct jf_member_ref into;
};

struct jf_adjust_command {
    struct jf_member_ref member;
    int64_t points; // negative: a debit
    struct jf_text reason_code;
    struct jf_text operator_name;
    struct jf_text approver;
    struct jf_entity_id entity;
    int64_t adjusted_at_ms;
};

struct jf_transfer_command {
    struct jf_member_ref from;
    struct jf_member_ref to;
    int64_t points;
    struct jf_text operator_name;
    int64_t transferred_at_ms;
};

struct jf_set_tier_command {
    struct jf_member_ref member;
    struct jf_text tier; // name of a level
    jf_date until;       // last day; JF_DATE_EVER: no end
    struct jf_text operator_name;
};

// What is said of a text with a NUL byte inside.
#define JF_NUL_DETAIL "the text holds a NUL byte"

struct jf_command {
    enum jf_command_kind kind;
    struct jf_text transaction_id;
    const char *nul_field; // a text that held a NUL byte, lives as the command does; or NULL
    union {
        struct jf_sale_command sale;
        struct jf_return_command sale_return;
        struct jf_redeem_command redeem;
        struct jf_enrol_command enrol;
        struct jf_publish_command publish;
        struct jf_put_store_command put_store;
        struct jf_tier_change_command tier_change;
        struct jf_hold_command hold;
        struct jf_capture_command capture;
        struct jf_void_command void_hold;
        struct jf_expire_command expire;
        struct jf_update_member_command update_member;
        struct jf_link_card_command link_card;
        struct jf_unlink_card_command unlink_card;
        struct jf_freeze_command freeze;
        struct jf_close_command close;
        struct jf_merge_command merge;
        struct jf_adjust_command adjust;
        struct jf_transfer_command transfer;
        struct jf_set_tier_command set_tier;
    } as;
};

// Step (1) of every refusal order: a text with a NUL byte, then fields in the order of their
// numbers against base/limits.h.
// `needs_id` false (Quote): the transaction id may be empty. On refusal: INVALID_FIELD with field,
// index, limit. UTF-8 validity of texts is checked here too. Returns: whether the command is well
// formed.
bool jf_command_check(const struct jf_command *command, bool needs_id,
                      struct jf_refusal *out_refusal);

// The member a command names by number or card, whose entry it will be: of two the one that gives
// (a transfer) or goes on (a merge). Returns: NULL where the command names none, or says it
// otherwise (a return names its sale).
const struct jf_member_ref *jf_command_member(const struct jf_command *command);

// The other of two. Returns: NULL where the command names only one.
const struct jf_member_ref *jf_command_other(const struct jf_command *command);

// XXH3-64 over the content of a well-formed command in a canonical form: kind, then every field but
// the transaction id, fixed-width little-endian, texts length-prefixed. Never 0.
uint64_t jf_command_fingerprint(const struct jf_command *command);

#endif
