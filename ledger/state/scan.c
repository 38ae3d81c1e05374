// A scan: a snapshot of the database and iterators over its members and its expiries. Nothing of
// the owner's is touched, so it runs in any thread beside the tills. Fails: records that do not
// decode are JF_ERROR_CORRUPT, naming the member.
#include "state/state_private.h"

#include <stdlib.h>

#include "base/assert.h"
#include "state/member_codec.h"

static enum jf_error applied_found(void *context, uint32_t index, struct jf_text value)
{
    (void)index;
    if (value.size != sizeof(uint64_t)) {
        return JF_ERROR_CORRUPT;
    }
    *(uint64_t *)context = jf_load_u64((const unsigned char *)value.data);
    return JF_OK;
}

enum jf_error jf_state_scan_open(struct jf_state *state, struct jf_member_id from,
                                 struct jf_state_scan **out_scan, uint64_t *out_position)
{
    struct jf_state_scan *scan = calloc(1, sizeof *scan);
    if (scan == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    scan->kv = state->kv;
    scan->snapshot = scan->kv->functions->snapshot_open(scan->kv);
    uint64_t position = 0;
    struct jf_text key = JF_TEXT(JF_META_APPLIED);
    struct jf_kv_query query = {.family = JF_KV_META,
                                .snapshot = scan->snapshot,
                                .keys = &key,
                                .count = 1,
                                .found = applied_found,
                                .context = &position};
    enum jf_error error = jf_kv_multi_get(scan->kv, &query, NULL);
    unsigned char first[JF_KEY_MEMBER_BYTES];
    jf_store_u64_ordered(first, from.value);
    if (error == JF_OK) {
        scan->iterator = scan->kv->functions->iterator_open(scan->kv, JF_KV_MEMBERS, scan->snapshot,
                                                            jf_text_of(first, sizeof first));
        error = scan->iterator == NULL ? JF_ERROR_NO_MEMORY : JF_OK;
    }
    if (error != JF_OK) {
        jf_state_scan_close(scan);
        return error;
    }
    *out_scan = scan;
    *out_position = position;
    return JF_OK;
}

enum jf_error jf_state_copy(const struct jf_state *state, const char *directory,
                            struct jf_diagnosis *diagnosis)
{
    if (state->kv->functions->checkpoint == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_UNSUPPORTED, "this state cannot be copied");
    }
    return state->kv->functions->checkpoint(state->kv, directory, diagnosis);
}

static struct jf_member *block_take(struct jf_state_scan *scan, struct jf_member_capacity capacity)
{
    size_t size = (jf_member_block_size(capacity) + 15) / 16 * 16;
    if (size > scan->block_size) {
        void *block = aligned_alloc(16, size * 2);
        if (block == NULL) {
            return NULL;
        }
        free(scan->block);
        scan->block = block;
        scan->block_size = size * 2;
    }
    return jf_member_block_init(scan->block, capacity);
}

static enum jf_error member_take(struct jf_state_scan *scan, uint64_t number, struct jf_text record,
                                 const struct jf_member **out_member,
                                 struct jf_diagnosis *diagnosis)
{
    struct jf_member_capacity capacity = {0};
    enum jf_error error = jf_member_record_measure(record, &capacity, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    struct jf_member *member = block_take(scan, capacity);
    if (member == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory scanning members");
    }
    error = jf_member_record_decode(record, member, diagnosis);
    if (error == JF_OK && member->number.value != number) {
        error = jf_diagnose(diagnosis, JF_ERROR_CORRUPT, "its record is member %llu's",
                            (unsigned long long)member->number.value);
    }
    if (error == JF_OK) {
        *out_member = member;
    }
    return error;
}

enum jf_error jf_state_scan_next(struct jf_state_scan *scan, const struct jf_member **out_member,
                                 struct jf_text *out_bytes, struct jf_diagnosis *diagnosis)
{
    struct jf_text key = {NULL, 0};
    struct jf_text record = {NULL, 0};
    enum jf_error error =
        scan->kv->functions->iterator_next(scan->iterator, &key, &record, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (key.size != JF_KEY_MEMBER_BYTES) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT, "a member's key has %u bytes", key.size);
    }
    uint64_t number = jf_load_u64_ordered((const unsigned char *)key.data);
    struct jf_diagnosis inner = {0};
    error = member_take(scan, number, record, out_member, &inner);
    if (error != JF_OK) {
        return jf_diagnose(diagnosis, error, "member %llu in the state: %.400s",
                           (unsigned long long)number, inner.text);
    }
    *out_bytes = record;
    return JF_OK;
}

enum jf_error jf_state_scan_control(struct jf_state_scan *scan, struct jf_control *control,
                                    struct jf_diagnosis *diagnosis)
{
    return jf_state_control_read(scan->kv, scan->snapshot, control, diagnosis);
}

static enum jf_error totals_found(void *context, uint32_t index, struct jf_text value)
{
    (void)index;
    *(struct jf_hash128 *)context = jf_hash128(value.data, value.size);
    return JF_OK;
}

static enum jf_error empty_totals_hash(struct jf_hash128 *out_hash)
{
    struct jf_control *control = NULL;
    enum jf_error error = jf_control_create(&control);
    if (error == JF_OK) {
        error = jf_state_totals_hash(control, out_hash);
    }
    jf_control_destroy(control);
    return error;
}

enum jf_error jf_state_scan_digest(struct jf_state_scan *scan, struct jf_digest *out_digest,
                                   struct jf_diagnosis *diagnosis)
{
    struct jf_state_sums sums = {0};
    struct jf_digest digest = {.format = JF_DIGEST_FORMAT};
    bool is_found = false;
    struct jf_text key = JF_TEXT(JF_META_CONTROL);
    struct jf_kv_query query = {.family = JF_KV_META,
                                .snapshot = scan->snapshot,
                                .keys = &key,
                                .count = 1,
                                .found = totals_found,
                                .context = &digest.totals};
    enum jf_error error = jf_state_sums_read(scan->kv, scan->snapshot, &sums, &is_found, diagnosis);
    if (error == JF_OK) {
        error = jf_kv_multi_get(scan->kv, &query, diagnosis);
    }
    // Nothing was written yet: the totals are those of no entry.
    if (error == JF_OK && !is_found) {
        error = empty_totals_hash(&digest.totals);
    }
    if (error == JF_OK) {
        digest.members = sums.members;
        digest.reference = sums.reference;
        *out_digest = digest;
    }
    return error;
}

enum jf_error jf_state_scan_expiry(struct jf_state_scan *scan, jf_date before,
                                   jf_date *out_expires_on, struct jf_member_id *out_member,
                                   struct jf_diagnosis *diagnosis)
{
    const struct jf_kv_functions *functions = scan->kv->functions;
    struct jf_text key = {NULL, 0};
    struct jf_text value = {NULL, 0};
    if (scan->expiries == NULL) {
        scan->expiries = functions->iterator_open(scan->kv, JF_KV_EXPIRIES, scan->snapshot, key);
    }
    if (scan->expiries == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory scanning expiries");
    }
    enum jf_error error = functions->iterator_next(scan->expiries, &key, &value, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (key.size != JF_KEY_EXPIRY_BYTES) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT, "an expiry's key has %u bytes", key.size);
    }
    const unsigned char *bytes = (const unsigned char *)key.data;
    jf_date expires_on = jf_load_date_ordered(bytes);
    if (expires_on >= before) {
        return JF_ERROR_NOT_FOUND;
    }
    *out_expires_on = expires_on;
    out_member->value = jf_load_u64_ordered(bytes + 4);
    return JF_OK;
}

void jf_state_scan_expiry_rewind(struct jf_state_scan *scan)
{
    scan->kv->functions->iterator_close(scan->expiries);
    scan->expiries = NULL;
}

uint64_t jf_state_scan_estimate(struct jf_state_scan *scan)
{
    return scan->kv->functions->estimate(scan->kv, JF_KV_MEMBERS);
}

void jf_state_scan_close(struct jf_state_scan *scan)
{
    if (scan == NULL) {
        return;
    }
    scan->kv->functions->iterator_close(scan->expiries);
    scan->kv->functions->iterator_close(scan->iterator);
    scan->kv->functions->snapshot_close(scan->kv, scan->snapshot);
    free(scan->block);
    free(scan);
}
