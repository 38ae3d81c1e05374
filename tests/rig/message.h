// Requests of jifen.v1 as bytes, for tests that speak to a ledger through net/. One question of
// each kind that the main paths take. Whatever is sold costs 150.00, which earns 150 points.
//
// Any thread; the bytes are the caller's.
#ifndef JF_TESTS_RIG_MESSAGE_H
#define JF_TESTS_RIG_MESSAGE_H

#include <stdint.h>

#include "base/text.h"

#define RIG_MESSAGE_BYTES_MAX 8192u
#define RIG_PROGRAMME                                                                              \
    "name: test\n"                                                                                 \
    "effective_from: 2020-01-01T00:00:00Z\n"                                                       \
    "earn: {points: 1, per_amount: \"1.00\"}\n"                                                    \
    "expiry: {policy: month_end, months: 12}\n"                                                    \
    "redemption: {points: 100, amount: \"1.00\", minimum: 100, step: 100}\n"                       \
    "tiers:\n"                                                                                     \
    "  window_months: 12\n"                                                                        \
    "  levels:\n"                                                                                  \
    "    - {name: basic}\n"                                                                        \
    "    - {name: silver, spend: \"1000.00\"}\n"

struct rig_message {
    const char *path; // "/jifen.v1.Ledger/PostSale"
    uint32_t size;
    unsigned char bytes[RIG_MESSAGE_BYTES_MAX];
};

struct jf_text rig_message_text(const struct rig_message *message);

// Writes. In: now_ms: the instant they happen at, Unix milliseconds.
void rig_publish(struct rig_message *out, const char *id);
void rig_put_store(struct rig_message *out, const char *id, uint32_t store);
void rig_enrol(struct rig_message *out, const char *id, uint64_t member);
void rig_sale(struct rig_message *out, const char *id, uint64_t member, int64_t now_ms);
void rig_return_all(struct rig_message *out, const char *id, const char *sale_id, int64_t now_ms);
void rig_redeem(struct rig_message *out, const char *id, uint64_t member, int64_t now_ms);
void rig_hold(struct rig_message *out, const char *id, uint64_t member, int64_t now_ms);
void rig_capture(struct rig_message *out, const char *id, const char *hold_id, int64_t now_ms);
// Sales of ids `id`0, `id`1 …; in: count 1..9.
void rig_batch(struct rig_message *out, const char *id, uint64_t member, uint32_t count,
               int64_t now_ms);
void rig_stream_sale(struct rig_message *out, const char *id, uint64_t member, int64_t now_ms);

// Reads.
void rig_quote(struct rig_message *out, uint64_t member, int64_t now_ms);
void rig_get_member(struct rig_message *out, uint64_t member);
void rig_history(struct rig_message *out, uint64_t member);
void rig_get_transaction(struct rig_message *out, const char *id);
void rig_get_programme(struct rig_message *out);
void rig_status(struct rig_message *out);
void rig_health(struct rig_message *out);

// Jobs and feeds. In: as_of: year × 10000 + month × 100 + day.
void rig_checkpoint(struct rig_message *out);
void rig_verify(struct rig_message *out);
void rig_tiers(struct rig_message *out, const char *run_id, int32_t as_of);
void rig_expire(struct rig_message *out, const char *run_id, int32_t as_of);
void rig_follow(struct rig_message *out, uint64_t from_position);

#endif
