// Loading what lives in memory beside the database. A new database gets its identity, flushed
// before anything else.
//
// Fails: an identity that is another's or missing beside data is JF_ERROR_FOREIGN, a later format
// JF_ERROR_VERSION, values of a wrong shape JF_ERROR_CORRUPT. A filter that does not fit the
// configuration is not a failure: it is built anew from the keys.
#include "state/state_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bug.h"

#define LEDGER_MAGIC       "JFSTATE1"
#define LEDGER_MAGIC_BYTES ((size_t)8)
#define LEDGER_ID_BYTES    ((size_t)16)
#define LEDGER_VALUE_BYTES (LEDGER_MAGIC_BYTES + sizeof(uint32_t) + LEDGER_ID_BYTES)

static enum jf_error value_found(void *context, uint32_t index, struct jf_text value)
{
    struct jf_state_value *into = context;
    (void)index;
    if (value.size > into->size_max) {
        return JF_ERROR_CORRUPT;
    }
    memcpy(into->bytes, value.data, value.size);
    into->size = value.size;
    into->is_found = true;
    return JF_OK;
}

enum jf_error jf_state_meta_get(struct jf_kv *kv, const char *key, struct jf_state_value *value,
                                struct jf_diagnosis *diagnosis)
{
    struct jf_text text = jf_text_from(key);
    struct jf_kv_query query = {
        .family = JF_KV_META, .keys = &text, .count = 1, .found = value_found, .context = value};
    value->is_found = false;
    enum jf_error error = jf_kv_multi_get(kv, &query, diagnosis);
    if (error == JF_ERROR_CORRUPT && diagnosis != NULL && diagnosis->error != error) {
        (void)jf_diagnose(diagnosis, error, "the state's value '%s' has a wrong size", key);
    }
    return error;
}

static enum jf_error corrupt(const struct jf_state *state, struct jf_diagnosis *diagnosis,
                             const char *what)
{
    return jf_diagnose(
        diagnosis, JF_ERROR_CORRUPT,
        "state database %.200s: %s; stop the ledger and make the state anew from its "
        "journal: jifen rebuild --data DIR",
        state->config.directory, what);
}

// ---- Identity -------------------------------------------------------------------------

static enum jf_error family_is_empty(struct jf_kv *kv, enum jf_kv_family family, bool *out_empty,
                                     struct jf_diagnosis *diagnosis)
{
    struct jf_text nothing = {NULL, 0};
    struct jf_kv_iterator *iterator = kv->functions->iterator_open(kv, family, NULL, nothing);
    if (iterator == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory opening the state");
    }
    struct jf_text key = {NULL, 0};
    struct jf_text value = {NULL, 0};
    enum jf_error error = kv->functions->iterator_next(iterator, &key, &value, diagnosis);
    kv->functions->iterator_close(iterator);
    if (error == JF_ERROR_NOT_FOUND || error == JF_OK) {
        *out_empty = error == JF_ERROR_NOT_FOUND;
        return JF_OK;
    }
    return error;
}

static enum jf_error strangers_refuse(const struct jf_state *state, struct jf_diagnosis *diagnosis)
{
    return jf_diagnose(diagnosis, JF_ERROR_FOREIGN,
                       "database %.300s is not a Jifen state: name another directory",
                       state->config.directory);
}

static enum jf_error identity_write(struct jf_state *state, struct jf_diagnosis *diagnosis)
{
    for (uint32_t family = 0; family < JF_KV_FAMILY_COUNT; family++) {
        bool is_empty = false;
        enum jf_error error =
            family_is_empty(state->kv, (enum jf_kv_family)family, &is_empty, diagnosis);
        if (error != JF_OK) {
            return error;
        }
        if (!is_empty) {
            return strangers_refuse(state, diagnosis);
        }
    }
    if (state->config.is_read_only || state->config.must_exist) {
        return jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND,
                           "the state in %.300s is empty; check the directory's name",
                           state->config.directory);
    }
    unsigned char value[LEDGER_VALUE_BYTES];
    memcpy(value, LEDGER_MAGIC, LEDGER_MAGIC_BYTES);
    jf_store_u32(value + LEDGER_MAGIC_BYTES, JF_STATE_FORMAT_VERSION);
    memcpy(value + LEDGER_MAGIC_BYTES + sizeof(uint32_t), state->config.ledger_id, LEDGER_ID_BYTES);
    unsigned char filter[sizeof(uint64_t)];
    jf_store_u64(filter, state->config.filter_bytes);
    struct jf_kv *kv = state->kv;
    kv->functions->put(kv, JF_KV_META, JF_TEXT(JF_META_LEDGER), jf_text_of(value, sizeof value));
    kv->functions->put(kv, JF_KV_META, JF_TEXT(JF_META_FILTER), jf_text_of(filter, sizeof filter));
    enum jf_error error = kv->functions->commit(kv, diagnosis);
    return error == JF_OK ? kv->functions->flush(kv, true, diagnosis) : error;
}

static enum jf_error identity_compare(const struct jf_state *state,
                                      const struct jf_state_value *value,
                                      struct jf_diagnosis *diagnosis)
{
    const unsigned char *bytes = value->bytes;
    if (value->size != LEDGER_VALUE_BYTES || memcmp(bytes, LEDGER_MAGIC, LEDGER_MAGIC_BYTES) != 0) {
        return strangers_refuse(state, diagnosis);
    }
    uint32_t version = jf_load_u32(bytes + LEDGER_MAGIC_BYTES);
    if (version != JF_STATE_FORMAT_VERSION) {
        bool is_newer = version > JF_STATE_FORMAT_VERSION;
        return jf_diagnose(diagnosis, JF_ERROR_VERSION,
                           "state database %.200s has format version %u, this program has %u: %s",
                           state->config.directory, version, JF_STATE_FORMAT_VERSION,
                           is_newer ? "a newer program wrote it; use that one"
                                    : "use the program that wrote it, or make the state anew from "
                                      "the journal: jifen rebuild --data DIR");
    }
    const unsigned char *id = bytes + LEDGER_MAGIC_BYTES + sizeof(uint32_t);
    if (memcmp(id, state->config.ledger_id, LEDGER_ID_BYTES) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_FOREIGN,
                           "state database %.200s belongs to another ledger than the journal: put "
                           "the right two together, or remove the state and rebuild it",
                           state->config.directory);
    }
    return JF_OK;
}

static enum jf_error identity_check(struct jf_state *state, struct jf_diagnosis *diagnosis)
{
    unsigned char bytes[LEDGER_VALUE_BYTES];
    struct jf_state_value value = {bytes, sizeof bytes, 0, false};
    enum jf_error error = jf_state_meta_get(state->kv, JF_META_LEDGER, &value, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    return value.is_found ? identity_compare(state, &value, diagnosis)
                          : identity_write(state, diagnosis);
}

// ---- Lists in meta --------------------------------------------------------------------

static enum jf_error applied_load(struct jf_state *state, struct jf_diagnosis *diagnosis)
{
    unsigned char bytes[sizeof(uint64_t)];
    struct jf_state_value value = {bytes, sizeof bytes, 0, false};
    enum jf_error error = jf_state_meta_get(state->kv, JF_META_APPLIED, &value, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (!value.is_found) {
        return JF_OK;
    }
    if (value.size != sizeof bytes) {
        return corrupt(state, diagnosis, "its applied position is damaged");
    }
    state->applied = jf_load_u64(bytes);
    return JF_OK;
}

// A database without identity is one whose making was interrupted, if it is empty: there is no
// state yet.
static enum jf_error peek_load(struct jf_state *state, struct jf_diagnosis *diagnosis)
{
    unsigned char bytes[LEDGER_VALUE_BYTES];
    struct jf_state_value value = {bytes, sizeof bytes, 0, false};
    enum jf_error error = jf_state_meta_get(state->kv, JF_META_LEDGER, &value, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (value.is_found) {
        error = identity_compare(state, &value, diagnosis);
        return error == JF_OK ? applied_load(state, diagnosis) : error;
    }
    bool is_empty = false;
    error = family_is_empty(state->kv, JF_KV_META, &is_empty, diagnosis);
    return error != JF_OK || is_empty ? error : strangers_refuse(state, diagnosis);
}

enum jf_error jf_state_kv_open(const struct jf_state_config *config,
                               const struct jf_kv_config *kv_config, struct jf_kv **out_kv,
                               struct jf_diagnosis *diagnosis)
{
    jf_state_store_open *open =
        config->store_open == NULL ? jf_kv_rocksdb_open : config->store_open;
    return open(kv_config, out_kv, diagnosis);
}

enum jf_error jf_state_peek(const struct jf_state_config *config, uint64_t *out_applied,
                            struct jf_diagnosis *diagnosis)
{
    struct jf_kv_config kv_config = {
        .directory = config->directory,
        .write_buffer_bytes = config->write_buffer_bytes,
        .block_cache_bytes = config->block_cache_bytes,
        .is_meta_only = true,
    };
    struct jf_state state = {.config = *config};
    enum jf_error error = jf_state_kv_open(config, &kv_config, &state.kv, diagnosis);
    if (error == JF_ERROR_NOT_FOUND) {
        *out_applied = 0;
        return JF_OK;
    }
    if (error != JF_OK) {
        return error;
    }
    error = peek_load(&state, diagnosis);
    state.kv->functions->close(state.kv);
    if (error == JF_OK) {
        *out_applied = state.applied;
    }
    return error;
}

static enum jf_error sums_load(struct jf_state *state, struct jf_diagnosis *diagnosis)
{
    bool is_found = false;
    enum jf_error error = jf_state_sums_read(state->kv, NULL, &state->sums, &is_found, diagnosis);
    bool is_missing = error == JF_OK && !is_found && state->applied > 0;
    return error == JF_ERROR_CORRUPT || is_missing
               ? corrupt(state, diagnosis, "the sums of its digest are missing or damaged")
               : error;
}

bool jf_state_date_find(const struct jf_state *state, jf_date date, uint32_t *out_at)
{
    uint32_t low = 0;
    uint32_t high = state->date_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (state->dates[middle] < date) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_at = low;
    return low < state->date_count && state->dates[low] == date;
}

enum jf_error jf_state_dates_reserve(struct jf_state *state, uint32_t more)
{
    if (state->date_capacity - state->date_count >= more) {
        return JF_OK;
    }
    uint32_t capacity = (state->date_count + more) * 2;
    jf_date *dates = realloc(state->dates, capacity * sizeof *dates);
    if (dates == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    state->dates = dates;
    state->date_capacity = capacity;
    return JF_OK;
}

void jf_state_date_add(struct jf_state *state, jf_date date)
{
    uint32_t at = 0;
    if (jf_state_date_find(state, date, &at)) {
        return;
    }
    JF_ASSERT(state->date_count < state->date_capacity);
    memmove(state->dates + at + 1, state->dates + at,
            (state->date_count - at) * sizeof *state->dates);
    state->dates[at] = date;
    state->date_count += 1;
}

static enum jf_error meta_key_load(struct jf_state *state, struct jf_text key,
                                   struct jf_diagnosis *diagnosis)
{
    const unsigned char *bytes = (const unsigned char *)key.data;
    if (key.size == 1 + sizeof(jf_date) && bytes[0] == JF_META_DATE) {
        if (jf_state_dates_reserve(state, 1) != JF_OK) {
            return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory loading dates");
        }
        jf_state_date_add(state, jf_load_date_ordered(bytes + 1));
    } else if (key.size == 1 + sizeof(uint64_t) && bytes[0] == JF_META_REFERENCE) {
        uint64_t position = jf_load_u64_ordered(bytes + 1);
        unsigned char *to = jf_state_buffer_reserve(&state->references, sizeof position);
        if (to == NULL) {
            return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory loading references");
        }
        memcpy(to, &position, sizeof position);
        state->references.size += sizeof position;
    }
    return JF_OK;
}

typedef enum jf_error (*key_visit)(struct jf_state *state, struct jf_text key, struct jf_text value,
                                   struct jf_diagnosis *diagnosis);

static enum jf_error family_visit(struct jf_state *state, enum jf_kv_family family, key_visit visit,
                                  struct jf_diagnosis *diagnosis)
{
    struct jf_kv *kv = state->kv;
    struct jf_text nothing = {NULL, 0};
    struct jf_kv_iterator *iterator = kv->functions->iterator_open(kv, family, NULL, nothing);
    if (iterator == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory opening the state");
    }
    enum jf_error error = JF_OK;
    while (error == JF_OK) {
        struct jf_text key = {NULL, 0};
        struct jf_text value = {NULL, 0};
        error = kv->functions->iterator_next(iterator, &key, &value, diagnosis);
        if (error == JF_OK) {
            error = visit(state, key, value, diagnosis);
        }
    }
    kv->functions->iterator_close(iterator);
    return error == JF_ERROR_NOT_FOUND ? JF_OK : error;
}

static enum jf_error meta_visit(struct jf_state *state, struct jf_text key, struct jf_text value,
                                struct jf_diagnosis *diagnosis)
{
    (void)value;
    return meta_key_load(state, key, diagnosis);
}

// ---- The filter -----------------------------------------------------------------------

static bool is_recent_row(struct jf_text key)
{
    return key.size == 1 + sizeof(uint64_t) && key.data[0] == JF_FILTER_KEY_RECENT;
}

enum jf_error jf_state_filter_row_load(struct jf_filter *filter, struct jf_text key,
                                       struct jf_text value)
{
    const unsigned char *bytes = (const unsigned char *)key.data;
    const unsigned char *data = (const unsigned char *)value.data;
    if (key.size == 1 + sizeof(uint32_t) && bytes[0] == JF_FILTER_KEY_PAGE) {
        uint32_t page = jf_load_u32_ordered(bytes + 1);
        if (page >= jf_filter_page_count(filter) || value.size != jf_filter_page_bytes(filter)) {
            return JF_ERROR_CORRUPT;
        }
        jf_filter_page_merge(filter, page, data);
    } else if (is_recent_row(key)) {
        for (uint32_t at = 0; at + sizeof(uint64_t) <= value.size; at += sizeof(uint64_t)) {
            (void)jf_filter_add(filter, jf_load_u64(data + at));
        }
    }
    return JF_OK;
}

static enum jf_error filter_visit(struct jf_state *state, struct jf_text key, struct jf_text value,
                                  struct jf_diagnosis *diagnosis)
{
    if (jf_state_filter_row_load(state->filter, key, value) != JF_OK) {
        return corrupt(state, diagnosis, "a page of its filter has a wrong size");
    }
    state->recent_bytes += is_recent_row(key) ? value.size : 0;
    return JF_OK;
}

static enum jf_error recent_count_visit(struct jf_state *state, struct jf_text key,
                                        struct jf_text value, struct jf_diagnosis *diagnosis)
{
    (void)diagnosis;
    if (key.size > 0 && key.data[0] == JF_FILTER_KEY_RECENT) {
        state->recent_bytes += value.size;
    }
    return JF_OK;
}

static enum jf_error transaction_visit(struct jf_state *state, struct jf_text key,
                                       struct jf_text value, struct jf_diagnosis *diagnosis)
{
    (void)value;
    if (key.size != JF_KEY_TRANSACTION_BYTES) {
        return corrupt(state, diagnosis, "a transaction's key has a wrong size");
    }
    const unsigned char *bytes = (const unsigned char *)key.data;
    struct jf_hash128 id_hash = {.low = jf_load_u64_ordered(bytes + 12),
                                 .high = jf_load_u64_ordered(bytes + 4)};
    (void)jf_filter_add(state->filter, jf_filter_hash_transaction(id_hash));
    return JF_OK;
}

static enum jf_error receipt_visit(struct jf_state *state, struct jf_text key, struct jf_text value,
                                   struct jf_diagnosis *diagnosis)
{
    (void)value;
    if (key.size != JF_KEY_RECEIPT_BYTES) {
        return corrupt(state, diagnosis, "a receipt's key has a wrong size");
    }
    // The key's bytes are what jf_filter_hash_receipt hashes.
    (void)jf_filter_add(state->filter, jf_hash64(key.data, key.size));
    return JF_OK;
}

// The stored pages do not fit, and the mark that says they do goes first: a crash before the new
// ones are complete must come here again.
static enum jf_error filter_rebuild(struct jf_state *state, struct jf_diagnosis *diagnosis)
{
    struct jf_kv *kv = state->kv;
    kv->functions->remove(kv, JF_KV_META, JF_TEXT(JF_META_FILTER));
    enum jf_error error = kv->functions->commit(kv, diagnosis);
    if (error == JF_OK) {
        error = family_visit(state, JF_KV_FILTER, recent_count_visit, diagnosis);
    }
    if (error == JF_OK) {
        error = family_visit(state, JF_KV_TRANSACTIONS, transaction_visit, diagnosis);
    }
    if (error == JF_OK) {
        error = family_visit(state, JF_KV_RECEIPTS, receipt_visit, diagnosis);
    }
    state->is_filter_stale = true;
    return error;
}

static enum jf_error filter_load(struct jf_state *state, struct jf_diagnosis *diagnosis)
{
    if (state->config.is_read_only) {
        return JF_OK;
    }
    if (jf_filter_create(state->config.filter_bytes, &state->filter) != JF_OK) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY,
                           "out of memory for a filter of %llu bytes: configure a smaller one",
                           (unsigned long long)state->config.filter_bytes);
    }
    unsigned char bytes[sizeof(uint64_t)];
    struct jf_state_value value = {bytes, sizeof bytes, 0, false};
    enum jf_error error = jf_state_meta_get(state->kv, JF_META_FILTER, &value, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    bool is_fitting = value.is_found && value.size == sizeof bytes &&
                      jf_load_u64(bytes) == state->config.filter_bytes;
    if (JF_BUG(DEDUPE_LOST)) {
        return JF_OK;
    }
    return is_fitting ? family_visit(state, JF_KV_FILTER, filter_visit, diagnosis)
                      : filter_rebuild(state, diagnosis);
}

enum jf_error jf_state_load(struct jf_state *state, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = identity_check(state, diagnosis);
    if (error == JF_OK) {
        error = applied_load(state, diagnosis);
    }
    if (error == JF_OK) {
        error = sums_load(state, diagnosis);
    }
    if (error == JF_OK) {
        error = family_visit(state, JF_KV_META, meta_visit, diagnosis);
    }
    if (error == JF_OK) {
        error = filter_load(state, diagnosis);
    }
    return error;
}
