// Entries from the journal, a chunk at a time, decoded and applied: shared by recovery and
// verification. Threads: the owner of the state they are applied to.
#ifndef JF_ENGINE_REPLAY_H
#define JF_ENGINE_REPLAY_H

#include "base/arena.h"
#include "engine/effects.h"
#include "journal/journal.h"

#define JF_REPLAY_CHUNK 1024u

// Where entries come from: a journal's cursor, or a reader of its files. Returns as read_next does.
struct jf_replay_source {
    enum jf_error (*next)(void *context, struct jf_journal_entry *out_entry,
                          struct jf_diagnosis *diagnosis);
    void *context;
};

struct jf_replay {
    struct jf_arena arena;    // bytes and entries of the chunk
    struct jf_entry *entries; // JF_REPLAY_CHUNK, heap
    struct jf_text *bytes;
    struct jf_member_id *members; // that the entries are about; an entry may be about two
    uint32_t member_count;
    uint32_t count;
    uint64_t last_position;
    uint64_t last_stamp_us;
    // Set by the caller: each entry must change its members' balances by what it posts to them.
    bool is_checked;
};

JF_MUST_USE enum jf_error jf_replay_init(struct jf_replay *replay);
void jf_replay_deinit(struct jf_replay *replay);

// Reads the next chunk, up to and including position `until`. Out: *out_is_end at the journal's end
// or `until`. Errors: those of the cursor; JF_ERROR_CORRUPT with the entry's position for entries
// that do not decode or are out of order.
JF_MUST_USE enum jf_error jf_replay_gather(struct jf_replay *replay,
                                           const struct jf_replay_source *source, uint64_t until,
                                           bool *out_is_end, struct jf_diagnosis *diagnosis);

// Fetches the members of the gathered chunk and applies its entries in order. Errors: those of
// fetching; JF_ERROR_CORRUPT with the entry's position for an entry that does not continue its
// members' histories, or fails the check above.
JF_MUST_USE enum jf_error jf_replay_apply(struct jf_replay *replay,
                                          const struct jf_effects *effects,
                                          struct jf_diagnosis *diagnosis);

#endif
