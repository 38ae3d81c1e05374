// The arrays of one batch's prefetch, made once. Threads: the ledger thread.
#ifndef JF_ENGINE_PREFETCH_H
#define JF_ENGINE_PREFETCH_H

#include "engine/engine_private.h"

#define JF_PREFETCH_KEYS (2u * JF_TASKS_PER_BATCH)

struct jf_prefetch {
    uint32_t first; // of the batch's tasks, those that are looked at now
    uint32_t end;
    struct jf_transaction_key transaction_keys[JF_PREFETCH_KEYS];
    struct jf_transaction_row transaction_rows[JF_PREFETCH_KEYS];
    struct jf_receipt_key receipt_keys[JF_TASKS_PER_BATCH];
    uint64_t receipt_positions[JF_TASKS_PER_BATCH];
    struct jf_text cards[2u * JF_TASKS_PER_BATCH]; // a task names up to two members
    struct jf_member_id card_members[2u * JF_TASKS_PER_BATCH];
    struct jf_member_id members[2u * JF_TASKS_PER_BATCH];
};

JF_MUST_USE enum jf_error jf_prefetch_create(struct jf_prefetch **out_prefetch);
void jf_prefetch_destroy(struct jf_prefetch *prefetch); // NULL is accepted

#endif
