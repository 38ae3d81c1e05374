// Saving the filter's pages, a little at a time so that no generation waits long. See store.h for
// why the order is what keeps every stored id known: pages first, then, in one batch, the recent
// rows that they cover go.
//
// Fails: the commit's failure.
#include "state/store_private.h"

#include "base/assert.h"
#include "base/bug.h"

#define PAGES_PER_STEP 16u // a MiB

static bool save_is_due(const struct jf_store *store)
{
    if (store->config.filter == NULL) {
        return false;
    }
    uint64_t filter_bytes = (uint64_t)jf_filter_page_count(store->config.filter) *
                            jf_filter_page_bytes(store->config.filter);
    // Writing the filter once per so many bytes of hashes keeps its share of all writes, and what
    // an opening has to merge, in proportion.
    return store->config.is_filter_stale || store->recent_bytes >= filter_bytes / 2;
}

static void pages_put(struct jf_store *store)
{
    const struct jf_filter *filter = store->config.filter;
    uint32_t count = jf_filter_page_count(filter);
    for (uint32_t i = 0; i < PAGES_PER_STEP && store->save_page < count; i++) {
        unsigned char key[1 + sizeof(uint32_t)] = {JF_FILTER_KEY_PAGE};
        jf_store_u32_ordered(key + 1, store->save_page);
        jf_filter_page_copy(filter, store->save_page, store->page);
        store->kv->functions->put(store->kv, JF_KV_FILTER, jf_text_of(key, sizeof key),
                                  jf_text_of(store->page, jf_filter_page_bytes(filter)));
        store->save_page += 1;
    }
}

// What a finished save makes superfluous: recent rows up to its beginning, pages of a larger filter
// of before.
static bool is_superfluous(const struct jf_store *store, struct jf_text key)
{
    const unsigned char *bytes = (const unsigned char *)key.data;
    if (key.size == 1 + sizeof(uint64_t) && bytes[0] == JF_FILTER_KEY_RECENT) {
        return jf_load_u64_ordered(bytes + 1) <= store->save_until;
    }
    if (key.size == 1 + sizeof(uint32_t) && bytes[0] == JF_FILTER_KEY_PAGE) {
        return jf_load_u32_ordered(bytes + 1) >= jf_filter_page_count(store->config.filter);
    }
    return false;
}

static enum jf_error superfluous_remove(struct jf_store *store, struct jf_diagnosis *diagnosis)
{
    unsigned char from[1 + sizeof(uint32_t)] = {JF_FILTER_KEY_PAGE};
    jf_store_u32_ordered(from + 1, jf_filter_page_count(store->config.filter));
    struct jf_kv_iterator *iterator = store->kv->functions->iterator_open(
        store->kv, JF_KV_FILTER, NULL, jf_text_of(from, sizeof from));
    if (iterator == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory saving the filter");
    }
    enum jf_error error = JF_OK;
    while (error == JF_OK) {
        struct jf_text key = {NULL, 0};
        struct jf_text value = {NULL, 0};
        error = store->kv->functions->iterator_next(iterator, &key, &value, diagnosis);
        if (error == JF_OK && is_superfluous(store, key)) {
            store->kv->functions->remove(store->kv, JF_KV_FILTER, key);
        }
    }
    store->kv->functions->iterator_close(iterator);
    return error == JF_ERROR_NOT_FOUND ? JF_OK : error;
}

static enum jf_error save_end(struct jf_store *store, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = superfluous_remove(store, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    unsigned char size[sizeof(uint64_t)];
    jf_store_u64(size, (uint64_t)jf_filter_page_count(store->config.filter) *
                           jf_filter_page_bytes(store->config.filter));
    store->kv->functions->put(store->kv, JF_KV_META, JF_TEXT(JF_META_FILTER),
                              jf_text_of(size, sizeof size));
    error = store->kv->functions->commit(store->kv, diagnosis);
    if (error == JF_OK) {
        JF_ASSERT(store->recent_bytes >= store->recent_bytes_begin);
        store->recent_bytes -= store->recent_bytes_begin;
        store->is_saving = false;
        store->config.is_filter_stale = false;
    }
    return error;
}

enum jf_error jf_store_save_step(struct jf_store *store, bool *out_more,
                                 struct jf_diagnosis *diagnosis)
{
    if (!store->is_saving) {
        if (!save_is_due(store)) {
            *out_more = false;
            return JF_OK;
        }
        store->is_saving = true;
        store->save_page = 0;
        store->save_until = atomic_load(&store->stored);
        store->recent_bytes_begin = store->recent_bytes;
    }
    enum jf_error error = JF_OK;
    if (JF_BUG(CLEANUP_SWAPPED) && store->save_page == 0) {
        error = superfluous_remove(store, diagnosis);
        if (error == JF_OK) {
            error = store->kv->functions->commit(store->kv, diagnosis);
        }
    }
    if (error != JF_OK) {
        return error;
    }
    if (store->save_page < jf_filter_page_count(store->config.filter)) {
        pages_put(store);
        error = store->kv->functions->commit(store->kv, diagnosis);
    } else {
        error = save_end(store, diagnosis);
    }
    if (error == JF_OK) {
        *out_more = store->is_saving;
    }
    return error;
}
