// Rows of meta in a list, under a mutex, since the store thread writes them while others look. What
// is put is there at once: nothing survives the process, so commit and flush have nothing to do.
// Fails: no memory for a row, told by the next commit.
#include "bench/null_store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct meta_row {
    struct meta_row *next;
    uint32_t key_size;
    uint32_t value_size;
    char *bytes; // key, then value
};

struct null_store {
    struct jf_kv kv; // first
    pthread_mutex_t mutex;
    struct meta_row *rows;
    bool is_out_of_memory;
};

static struct null_store *store_of(struct jf_kv *kv)
{
    return (struct null_store *)kv;
}

static struct meta_row **row_find(struct null_store *store, struct jf_text key)
{
    struct meta_row **link = &store->rows;
    while (*link != NULL &&
           ((*link)->key_size != key.size || memcmp((*link)->bytes, key.data, key.size) != 0)) {
        link = &(*link)->next;
    }
    return link;
}

static enum jf_error null_multi_get(struct jf_kv *kv, const struct jf_kv_query *query,
                                    struct jf_diagnosis *diagnosis)
{
    struct null_store *store = store_of(kv);
    enum jf_error error = JF_OK;
    (void)diagnosis;
    if (query->family != JF_KV_META) {
        return JF_OK;
    }
    pthread_mutex_lock(&store->mutex);
    for (uint32_t i = 0; i < query->count && error == JF_OK; i++) {
        const struct meta_row *row = *row_find(store, query->keys[i]);
        if (row != NULL) {
            struct jf_text value = {row->bytes + row->key_size, row->value_size};
            error = query->found(query->context, i, value);
        }
    }
    pthread_mutex_unlock(&store->mutex);
    return error;
}

static void row_free(struct meta_row *row)
{
    free(row->bytes);
    free(row);
}

static void row_remove(struct null_store *store, struct jf_text key)
{
    struct meta_row **link = row_find(store, key);
    struct meta_row *row = *link;
    if (row != NULL) {
        *link = row->next;
        row_free(row);
    }
}

static void null_put(struct jf_kv *kv, enum jf_kv_family family, struct jf_text key,
                     struct jf_text value)
{
    struct null_store *store = store_of(kv);
    if (family != JF_KV_META) {
        return;
    }
    struct meta_row *row = malloc(sizeof *row);
    char *bytes = malloc((size_t)key.size + value.size + 1);
    pthread_mutex_lock(&store->mutex);
    if (row == NULL || bytes == NULL) {
        free(row);
        free(bytes);
        store->is_out_of_memory = true;
    } else {
        memcpy(bytes, key.data, key.size);
        if (value.size > 0) {
            memcpy(bytes + key.size, value.data, value.size);
        }
        row_remove(store, key);
        *row = (struct meta_row){store->rows, key.size, value.size, bytes};
        store->rows = row;
    }
    pthread_mutex_unlock(&store->mutex);
}

static void null_remove(struct jf_kv *kv, enum jf_kv_family family, struct jf_text key)
{
    struct null_store *store = store_of(kv);
    if (family == JF_KV_META) {
        pthread_mutex_lock(&store->mutex);
        row_remove(store, key);
        pthread_mutex_unlock(&store->mutex);
    }
}

static enum jf_error null_commit(struct jf_kv *kv, struct jf_diagnosis *diagnosis)
{
    return store_of(kv)->is_out_of_memory
               ? jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for a row of meta")
               : JF_OK;
}

static enum jf_error null_flush(struct jf_kv *kv, bool is_waiting, struct jf_diagnosis *diagnosis)
{
    (void)is_waiting;
    return null_commit(kv, diagnosis);
}

static struct jf_kv_snapshot *null_snapshot_open(struct jf_kv *kv)
{
    return (struct jf_kv_snapshot *)kv;
}

static void null_snapshot_close(struct jf_kv *kv, struct jf_kv_snapshot *snapshot)
{
    (void)kv;
    (void)snapshot;
}

static struct jf_kv_iterator *null_iterator_open(struct jf_kv *kv, enum jf_kv_family family,
                                                 const struct jf_kv_snapshot *snapshot,
                                                 struct jf_text from)
{
    (void)family;
    (void)snapshot;
    (void)from;
    return (struct jf_kv_iterator *)kv;
}

static enum jf_error null_iterator_next(struct jf_kv_iterator *iterator, struct jf_text *out_key,
                                        struct jf_text *out_value, struct jf_diagnosis *diagnosis)
{
    (void)iterator;
    (void)out_key;
    (void)out_value;
    (void)diagnosis;
    return JF_ERROR_NOT_FOUND;
}

static void null_iterator_close(struct jf_kv_iterator *iterator)
{
    (void)iterator;
}

static uint64_t null_estimate(struct jf_kv *kv, enum jf_kv_family family)
{
    (void)kv;
    (void)family;
    return 0;
}

static void null_close(struct jf_kv *kv)
{
    struct null_store *store = store_of(kv);
    while (store->rows != NULL) {
        struct meta_row *row = store->rows;
        store->rows = row->next;
        row_free(row);
    }
    pthread_mutex_destroy(&store->mutex);
    free(store);
}

static const struct jf_kv_functions null_functions = {
    .multi_get = null_multi_get,
    .flushed_get = null_multi_get,
    .put = null_put,
    .remove = null_remove,
    .commit = null_commit,
    .flush = null_flush,
    .health = null_commit,
    .snapshot_open = null_snapshot_open,
    .snapshot_close = null_snapshot_close,
    .iterator_open = null_iterator_open,
    .iterator_next = null_iterator_next,
    .iterator_close = null_iterator_close,
    .estimate = null_estimate,
    .close = null_close,
};

enum jf_error jf_null_store_open(const struct jf_kv_config *config, struct jf_kv **out_kv,
                                 struct jf_diagnosis *diagnosis)
{
    if (config->is_meta_only) {
        return JF_ERROR_NOT_FOUND;
    }
    struct null_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for a store");
    }
    store->kv.functions = &null_functions;
    pthread_mutex_init(&store->mutex, NULL);
    *out_kv = &store->kv;
    return JF_OK;
}
