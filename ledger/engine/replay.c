// A chunk of entries read, decoded, and applied through effects.c. Fails at the first entry that is
// not what the journal promises, naming its position.
#include "engine/replay.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/number.h"
#include "engine/entry_codec.h"

#define CHUNK_ARENA_BYTES ((size_t)1 << 20)
#define CHUNK_ARENA_MAX   ((size_t)4 << 30) // a chunk of the largest entries, decoded
#define CHUNK_BYTES       ((size_t)8 << 20) // a chunk ends early at so many bytes

enum jf_error jf_replay_init(struct jf_replay *replay)
{
    memset(replay, 0, sizeof *replay);
    jf_arena_init(&replay->arena, CHUNK_ARENA_BYTES, CHUNK_ARENA_MAX);
    replay->entries = calloc(JF_REPLAY_CHUNK, sizeof *replay->entries);
    replay->bytes = calloc(JF_REPLAY_CHUNK, sizeof *replay->bytes);
    replay->members = calloc((size_t)2 * JF_REPLAY_CHUNK, sizeof *replay->members);
    if (replay->entries == NULL || replay->bytes == NULL || replay->members == NULL) {
        jf_replay_deinit(replay);
        return JF_ERROR_NO_MEMORY;
    }
    return JF_OK;
}

void jf_replay_deinit(struct jf_replay *replay)
{
    free(replay->entries);
    free(replay->bytes);
    free(replay->members);
    jf_arena_deinit(&replay->arena);
    memset(replay, 0, sizeof *replay);
}

static enum jf_error entry_add(struct jf_replay *replay, const struct jf_journal_entry *raw,
                               struct jf_diagnosis *diagnosis)
{
    bool copied = false;
    struct jf_text text = {(const char *)raw->bytes, raw->size};
    struct jf_text bytes = jf_arena_copy_text(&replay->arena, text, &copied);
    if (!copied) {
        return JF_ERROR_NO_MEMORY;
    }
    struct jf_entry *entry = &replay->entries[replay->count];
    struct jf_diagnosis reason = {.error = JF_OK};
    enum jf_error error = jf_entry_decode(bytes, &replay->arena, entry, &reason);
    if (error == JF_OK && entry->position != raw->position) {
        error = jf_diagnose(&reason, JF_ERROR_CORRUPT, "it says that its position is %llu",
                            (unsigned long long)entry->position);
    }
    if (error == JF_OK && entry->recorded_at_us <= replay->last_stamp_us) {
        error = jf_diagnose(&reason, JF_ERROR_CORRUPT, "its stamp does not increase");
    }
    if (error != JF_OK) {
        return jf_diagnose(diagnosis, error, "journal entry %llu (block %llu): %s",
                           (unsigned long long)raw->position,
                           (unsigned long long)raw->block_sequence, reason.text);
    }
    replay->bytes[replay->count] = bytes;
    replay->members[replay->member_count++] = entry->member;
    replay->members[replay->member_count++] = jf_entry_second(entry).member;
    replay->count += 1;
    replay->last_position = entry->position;
    replay->last_stamp_us = entry->recorded_at_us;
    return JF_OK;
}

enum jf_error jf_replay_gather(struct jf_replay *replay, const struct jf_replay_source *source,
                               uint64_t until, bool *out_is_end, struct jf_diagnosis *diagnosis)
{
    jf_arena_reset(&replay->arena);
    replay->count = 0;
    replay->member_count = 0;
    size_t gathered_bytes = 0;
    *out_is_end = false;
    while (replay->count < JF_REPLAY_CHUNK && gathered_bytes < CHUNK_BYTES) {
        struct jf_journal_entry raw;
        enum jf_error error = source->next(source->context, &raw, diagnosis);
        if (error == JF_ERROR_NOT_FOUND || (error == JF_OK && raw.position > until)) {
            *out_is_end = true;
            return JF_OK;
        }
        if (error == JF_OK) {
            error = entry_add(replay, &raw, diagnosis);
        }
        if (error != JF_OK) {
            return error;
        }
        gathered_bytes += raw.size;
        if (raw.position == until) {
            *out_is_end = true;
            return JF_OK;
        }
    }
    return JF_OK;
}

// Points that the entry posts to a member: to where points of members lie.
static int64_t posted_to(const struct jf_entry *entry, struct jf_member_id member)
{
    jf_wide sum = 0;
    for (uint32_t i = 0; i < entry->posting_count; i++) {
        const struct jf_posting *posting = &entry->postings[i];
        struct jf_member_id owner = posting->member.value != 0 ? posting->member : entry->member;
        if (posting->account <= JF_ACCOUNT_DEBT && owner.value == member.value) {
            sum += posting->points;
        }
    }
    return sum > INT64_MAX || sum < INT64_MIN ? INT64_MAX : (int64_t)sum;
}

// The two members that an entry may be about, as they are before it is applied.
struct before {
    struct jf_member_id ids[2];
    uint64_t previous[2]; // that the entry names
    int64_t balances[2];
};

static enum jf_error before_take(const struct jf_replay *replay, const struct jf_entry *entry,
                                 const struct jf_effects *effects, struct before *before,
                                 struct jf_diagnosis *diagnosis)
{
    struct jf_second second = jf_entry_second(entry);
    *before = (struct before){.ids = {entry->member, second.member},
                              .previous = {entry->previous_position, second.previous_position}};
    for (uint32_t i = 0; i < 2; i++) {
        const struct jf_member *member =
            before->ids[i].value == 0 ? NULL : jf_state_member(effects->state, before->ids[i]);
        uint64_t last = member == NULL ? 0 : member->last_position;
        if (replay->is_checked && member != NULL) {
            before->balances[i] = jf_member_balance(member);
        }
        if (before->previous[i] != last) {
            return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                               "journal entry %llu names entry %llu as the one before it of member "
                               "%llu, which is entry %llu",
                               (unsigned long long)entry->position,
                               (unsigned long long)before->previous[i],
                               (unsigned long long)before->ids[i].value, (unsigned long long)last);
        }
    }
    return JF_OK;
}

static enum jf_error balances_check(const struct jf_effects *effects, const struct jf_entry *entry,
                                    const struct before *before, struct jf_diagnosis *diagnosis)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (before->ids[i].value == 0) {
            continue;
        }
        const struct jf_member *member = jf_state_member(effects->state, before->ids[i]);
        JF_ASSERT(member != NULL);
        int64_t posted = posted_to(entry, before->ids[i]);
        int64_t expected = 0;
        if (jf_number_add(before->balances[i], posted, &expected) != JF_OK ||
            expected != jf_member_balance(member)) {
            return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                               "journal entry %llu posts %lld points to member %llu, whose balance "
                               "goes from %lld to %lld",
                               (unsigned long long)entry->position, (long long)posted,
                               (unsigned long long)before->ids[i].value,
                               (long long)before->balances[i],
                               (long long)jf_member_balance(member));
        }
    }
    return JF_OK;
}

static enum jf_error entry_apply(const struct jf_replay *replay, uint32_t index,
                                 const struct jf_effects *effects, struct jf_diagnosis *diagnosis)
{
    const struct jf_entry *entry = &replay->entries[index];
    struct before before;
    enum jf_error error = before_take(replay, entry, effects, &before, diagnosis);
    if (error == JF_OK) {
        error = jf_effects_reserve(effects, entry, replay->bytes[index], diagnosis);
    }
    if (error != JF_OK) {
        return error;
    }
    jf_effects_apply(effects, entry, replay->bytes[index]);
    return replay->is_checked ? balances_check(effects, entry, &before, diagnosis) : JF_OK;
}

enum jf_error jf_replay_apply(struct jf_replay *replay, const struct jf_effects *effects,
                              struct jf_diagnosis *diagnosis)
{
    enum jf_error error =
        jf_state_members_fetch(effects->state, replay->members, replay->member_count);
    if (error != JF_OK) {
        jf_diagnose(diagnosis, error, "members cannot be read from the state: %s",
                    jf_error_text(error));
    }
    for (uint32_t i = 0; i < replay->count && error == JF_OK; i++) {
        error = entry_apply(replay, i, effects, diagnosis);
    }
    jf_state_batch_end(effects->state);
    return error;
}
