// The digest of the state, kept up as members change: sealing replaces the hash of each changed
// record in the sum, and so does asking for the digest between two seals. The sums are stored with
// each generation, so that a restart goes on from them.
// Fails: JF_ERROR_NO_MEMORY for a record's bytes; stored sums of a wrong size are JF_ERROR_CORRUPT.
#include <stdlib.h>

#include "state/control_codec.h"
#include "state/member_codec.h"
#include "state/state_private.h"

void jf_state_sums_encode(const struct jf_state_sums *sums, unsigned char to[JF_STATE_SUMS_BYTES])
{
    jf_digest_store(to, sums->members);
    jf_digest_store(to + JF_DIGEST_BYTES, sums->reference);
    jf_store_u64(to + 2 * JF_DIGEST_BYTES, sums->newest.position);
    jf_digest_store(to + 2 * JF_DIGEST_BYTES + sizeof(uint64_t), sums->newest.digest);
}

struct sums_load {
    struct jf_state_sums *sums;
    bool is_found;
};

static enum jf_error sums_found(void *context, uint32_t index, struct jf_text value)
{
    struct sums_load *load = context;
    (void)index;
    if (value.size != JF_STATE_SUMS_BYTES) {
        return JF_ERROR_CORRUPT;
    }
    const unsigned char *from = (const unsigned char *)value.data;
    load->sums->members = jf_digest_load(from);
    load->sums->reference = jf_digest_load(from + JF_DIGEST_BYTES);
    load->sums->newest.position = jf_load_u64(from + 2 * JF_DIGEST_BYTES);
    load->sums->newest.digest = jf_digest_load(from + 2 * JF_DIGEST_BYTES + sizeof(uint64_t));
    load->is_found = true;
    return JF_OK;
}

enum jf_error jf_state_sums_read(struct jf_kv *kv, const struct jf_kv_snapshot *snapshot,
                                 struct jf_state_sums *out_sums, bool *out_is_found,
                                 struct jf_diagnosis *diagnosis)
{
    *out_sums = (struct jf_state_sums){0};
    struct sums_load load = {out_sums, false};
    struct jf_text key = JF_TEXT(JF_META_SUMS);
    struct jf_kv_query query = {.family = JF_KV_META,
                                .snapshot = snapshot,
                                .keys = &key,
                                .count = 1,
                                .found = sums_found,
                                .context = &load};
    enum jf_error error = jf_kv_multi_get(kv, &query, diagnosis);
    *out_is_found = load.is_found;
    return error;
}

static enum jf_error member_count(struct jf_state *state, struct jf_member *member,
                                  struct jf_state_buffer *buffer)
{
    buffer->size = 0;
    unsigned char *to = jf_state_buffer_reserve(buffer, jf_member_record_size_max(member));
    if (to == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    struct jf_hash128 hash = jf_hash128(to, jf_member_record_encode(member, to));
    jf_state_sums_count(&state->sums, jf_cache_hash_replace(member, hash), hash);
    return JF_OK;
}

enum jf_error jf_state_totals_hash(const struct jf_control *control, struct jf_hash128 *out_hash)
{
    struct jf_state_buffer buffer = {0};
    unsigned char *to = jf_state_buffer_reserve(&buffer, jf_control_record_size_max(control));
    if (to == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    *out_hash = jf_hash128(to, jf_control_record_encode(control, to));
    jf_state_buffer_free(&buffer);
    return JF_OK;
}

enum jf_error jf_state_digest(struct jf_state *state, const struct jf_control *control,
                              struct jf_digest *out_digest)
{
    struct jf_state_buffer buffer = {0};
    struct jf_hash128 totals = {0, 0};
    enum jf_error error = jf_state_totals_hash(control, &totals);
    struct jf_member *member = jf_cache_touched_first(state->cache);
    while (error == JF_OK && member != NULL) {
        error = member_count(state, member, &buffer);
        member = jf_cache_touched_next(member);
    }
    jf_state_buffer_free(&buffer);
    if (error == JF_OK) {
        *out_digest = (struct jf_digest){JF_DIGEST_FORMAT, state->sums.members,
                                         state->sums.reference, totals};
    }
    return error;
}

struct jf_state_digest_entry jf_state_digest_newest(const struct jf_state *state)
{
    return state->sums.newest;
}
