// See sim_kv.h. Keys of a family are a sorted array of pointers: a seed's ledger is small.
// Failures: commits and flushes fail as drawn, for good; reads fail as drawn; without power
// everything does.
#include "sim_kv.h"

#include <stdlib.h>
#include <string.h>

#include "sim_disk.h"
#include "state/kv.h"

#define DATABASES_MAX   4u
#define FLUSH_US_MAX    20000u
#define DIRECTORY_BYTES 96u

struct value {
    uint32_t references;
    uint32_t size;
    char bytes[];
};

// NULL of each side: not there. A flush takes `committed` into `flushing`.
struct node {
    struct value *committed;
    struct value *flushing;
    struct value *flushed;
    bool is_dirty; // committed may differ from flushed, beyond what a flush has taken
    bool is_taken; // by the running flush
    bool is_damaged;
    uint32_t key_size;
    char key[];
};

struct family {
    struct node **nodes; // sorted by key
    uint32_t count;
    uint32_t capacity;
};

struct list {
    struct node **nodes;
    uint32_t count;
    uint32_t capacity;
};

struct change {
    struct node *node;
    struct value *value; // NULL: removed
};

struct database {
    char directory[DIRECTORY_BYTES]; // "": free
    struct family families[JF_KV_FAMILY_COUNT];
    struct list dirty;
    struct list taken;
    bool is_flushing;
    uint64_t flushed_at_us;
    bool is_made;    // something was flushed
    bool has_failed; // a commit or flush, until it is opened again
    struct change *changes;
    uint32_t change_count;
    uint32_t change_capacity;
};

struct handle {
    struct jf_kv kv;
    struct database *database;
};

struct jf_kv_iterator {
    struct database *database;
    enum jf_kv_family family;
    char *from; // the key last told, or where to begin
    uint32_t from_size;
    bool is_begun;
};

static struct database databases[DATABASES_MAX];
static bool has_failure_been_put_in;

// ---- Values and lists -----------------------------------------------------------------

static struct value *value_make(struct jf_text text)
{
    struct value *value = malloc(sizeof *value + text.size);
    SIM_REQUIRE(value != NULL);
    value->references = 1;
    value->size = text.size;
    if (text.size > 0) {
        memcpy(value->bytes, text.data, text.size);
    }
    return value;
}

static struct value *value_share(struct value *value)
{
    if (value != NULL) {
        value->references += 1;
    }
    return value;
}

static void value_drop(struct value *value)
{
    if (value != NULL && --value->references == 0) {
        free(value);
    }
}

static void value_set(struct value **side, struct value *value)
{
    struct value *shared = value_share(value);
    value_drop(*side);
    *side = shared;
}

static void list_add(struct list *list, struct node *node)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        list->nodes = realloc(list->nodes, list->capacity * sizeof *list->nodes);
        SIM_REQUIRE(list->nodes != NULL);
    }
    list->nodes[list->count++] = node;
}

// ---- Families -------------------------------------------------------------------------

static int key_compare(const struct node *node, struct jf_text key)
{
    uint32_t size = node->key_size < key.size ? node->key_size : key.size;
    int order = size == 0 ? 0 : memcmp(node->key, key.data, size);
    if (order != 0) {
        return order;
    }
    return node->key_size < key.size ? -1 : node->key_size > key.size;
}

// The first node whose key is at or above `key`.
static uint32_t node_at(const struct family *family, struct jf_text key)
{
    uint32_t low = 0;
    uint32_t high = family->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (key_compare(family->nodes[middle], key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct node *node_find(const struct family *family, struct jf_text key)
{
    uint32_t at = node_at(family, key);
    bool is_there = at < family->count && key_compare(family->nodes[at], key) == 0;
    return is_there ? family->nodes[at] : NULL;
}

static struct node *node_make(struct family *family, struct jf_text key)
{
    struct node *node = node_find(family, key);
    if (node != NULL) {
        return node;
    }
    if (family->count == family->capacity) {
        family->capacity = family->capacity == 0 ? 64 : family->capacity * 2;
        family->nodes = realloc(family->nodes, family->capacity * sizeof *family->nodes);
        SIM_REQUIRE(family->nodes != NULL);
    }
    node = calloc(1, sizeof *node + key.size);
    SIM_REQUIRE(node != NULL);
    node->key_size = key.size;
    memcpy(node->key, key.data, key.size);
    uint32_t at = node_at(family, key);
    memmove(family->nodes + at + 1, family->nodes + at,
            (family->count - at) * sizeof *family->nodes);
    family->nodes[at] = node;
    family->count += 1;
    return node;
}

// ---- Flushing and falling back --------------------------------------------------------

static void flush_begin(struct database *database)
{
    SIM_REQUIRE(!database->is_flushing);
    for (uint32_t i = 0; i < database->dirty.count; i++) {
        struct node *node = database->dirty.nodes[i];
        value_set(&node->flushing, node->committed);
        node->is_dirty = false;
        node->is_taken = true;
        list_add(&database->taken, node);
    }
    database->dirty.count = 0;
    database->is_flushing = true;
    database->flushed_at_us = sim.now_us + sim_draw(FLUSH_US_MAX);
}

static void flush_end(struct database *database)
{
    for (uint32_t i = 0; i < database->taken.count; i++) {
        struct node *node = database->taken.nodes[i];
        value_set(&node->flushed, node->flushing);
        value_set(&node->flushing, NULL);
        node->is_taken = false;
    }
    database->taken.count = 0;
    database->is_flushing = false;
    database->is_made = true;
}

static void flush_poll(struct database *database)
{
    if (database->is_flushing && database->flushed_at_us <= sim.now_us) {
        flush_end(database);
    }
}

static void list_fall_back(struct list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        struct node *node = list->nodes[i];
        value_set(&node->committed, node->flushed);
        value_set(&node->flushing, NULL);
        node->is_dirty = false;
        node->is_taken = false;
    }
    list->count = 0;
}

// What was not flushed is gone.
static void fall_back(struct database *database)
{
    if (database->is_flushing && sim_draw(2) == 0) {
        flush_end(database);
    }
    list_fall_back(&database->taken);
    list_fall_back(&database->dirty);
    database->is_flushing = false;
}

void sim_kv_power_off(void)
{
    for (uint32_t i = 0; i < DATABASES_MAX; i++) {
        if (databases[i].directory[0] != '\0') {
            fall_back(&databases[i]);
        }
    }
}

// ---- The functions --------------------------------------------------------------------

static struct database *database_of(struct jf_kv *kv)
{
    return ((struct handle *)kv)->database;
}

static enum jf_error broken(struct database *database, struct jf_diagnosis *diagnosis)
{
    return jf_diagnose(diagnosis, JF_ERROR_STATE, "state database %s: a simulated failure",
                       database->directory);
}

// Every use is an operation of the disk. Returns: whether it may go on.
static bool is_usable(struct database *database)
{
    flush_poll(database);
    return sim_disk_operation() && !database->has_failed;
}

static bool read_fails(void)
{
    bool fails = sim_happens(sim.options.state_error);
    if (fails) {
        sim_count(SIM_FAULT_STATE_READ);
        has_failure_been_put_in = true;
    }
    return fails;
}

static enum jf_error damaged(struct database *database, struct jf_diagnosis *diagnosis)
{
    return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                       "state database %s: a checksum is wrong (simulated)", database->directory);
}

static enum jf_error multi_get(struct jf_kv *kv, const struct jf_kv_query *query,
                               struct jf_diagnosis *diagnosis)
{
    struct database *database = database_of(kv);
    if (!is_usable(database) || read_fails()) {
        return broken(database, diagnosis);
    }
    for (uint32_t i = 0; i < query->count; i++) {
        const struct node *node = node_find(&database->families[query->family], query->keys[i]);
        if (node == NULL || node->committed == NULL) {
            continue;
        }
        if (node->is_damaged) {
            return damaged(database, diagnosis);
        }
        struct jf_text value = {node->committed->bytes, node->committed->size};
        enum jf_error error = query->found(query->context, i, value);
        if (error != JF_OK) {
            return error;
        }
    }
    return JF_OK;
}

static enum jf_error flushed_get(struct jf_kv *kv, const struct jf_kv_query *query,
                                 struct jf_diagnosis *diagnosis)
{
    struct database *database = database_of(kv);
    if (!is_usable(database)) {
        return broken(database, diagnosis);
    }
    SIM_REQUIRE(query->count == 1);
    const struct node *node = node_find(&database->families[query->family], query->keys[0]);
    if (node == NULL || node->flushed == NULL) {
        return JF_OK;
    }
    struct jf_text value = {node->flushed->bytes, node->flushed->size};
    return query->found(query->context, 0, value);
}

static void change_add(struct database *database, enum jf_kv_family family, struct jf_text key,
                       struct value *value)
{
    if (database->change_count == database->change_capacity) {
        database->change_capacity =
            database->change_capacity == 0 ? 64 : database->change_capacity * 2;
        database->changes =
            realloc(database->changes, database->change_capacity * sizeof *database->changes);
        SIM_REQUIRE(database->changes != NULL);
    }
    struct node *node = node_make(&database->families[family], key);
    database->changes[database->change_count++] = (struct change){node, value};
}

static void put(struct jf_kv *kv, enum jf_kv_family family, struct jf_text key,
                struct jf_text value)
{
    change_add(database_of(kv), family, key, value_make(value));
}

static void remove_key(struct jf_kv *kv, enum jf_kv_family family, struct jf_text key)
{
    change_add(database_of(kv), family, key, NULL);
}

static void changes_drop(struct database *database)
{
    for (uint32_t i = 0; i < database->change_count; i++) {
        value_drop(database->changes[i].value);
    }
    database->change_count = 0;
}

static bool write_fails(struct database *database)
{
    if (sim_happens(sim.options.state_error)) {
        sim_count(SIM_FAULT_STATE_WRITE);
        has_failure_been_put_in = true;
        database->has_failed = true;
    }
    return database->has_failed;
}

static enum jf_error commit(struct jf_kv *kv, struct jf_diagnosis *diagnosis)
{
    struct database *database = database_of(kv);
    if (!is_usable(database) || write_fails(database)) {
        changes_drop(database);
        return broken(database, diagnosis);
    }
    for (uint32_t i = 0; i < database->change_count; i++) {
        struct node *node = database->changes[i].node;
        value_set(&node->committed, database->changes[i].value);
        node->is_damaged = false;
        if (!node->is_dirty) {
            node->is_dirty = true;
            list_add(&database->dirty, node);
        }
    }
    changes_drop(database);
    if (!database->is_flushing && sim_happens(sim.options.auto_flush)) {
        flush_begin(database);
    }
    return JF_OK;
}

static enum jf_error flush(struct jf_kv *kv, bool is_waiting, struct jf_diagnosis *diagnosis)
{
    struct database *database = database_of(kv);
    if (!is_usable(database) || write_fails(database)) {
        return broken(database, diagnosis);
    }
    // One flush at a time: what a running one has not taken comes with the next.
    if (database->is_flushing) {
        sim.now_us = sim.now_us > database->flushed_at_us ? sim.now_us : database->flushed_at_us;
        flush_end(database);
    }
    flush_begin(database);
    if (is_waiting) {
        sim.now_us = database->flushed_at_us;
        if (!sim_disk_operation()) {
            return broken(database, diagnosis);
        }
        flush_end(database);
    }
    return JF_OK;
}

static enum jf_error health(struct jf_kv *kv, struct jf_diagnosis *diagnosis)
{
    struct database *database = database_of(kv);
    return database->has_failed ? broken(database, diagnosis) : JF_OK;
}

// Nothing is committed while a snapshot is open: the simulation's scans run between turns.
static struct jf_kv_snapshot *snapshot_open(struct jf_kv *kv)
{
    return (struct jf_kv_snapshot *)(void *)database_of(kv);
}

static void snapshot_close(struct jf_kv *kv, struct jf_kv_snapshot *snapshot)
{
    (void)kv;
    (void)snapshot;
}

static void iterator_move(struct jf_kv_iterator *iterator, struct jf_text key)
{
    char *from = malloc((size_t)key.size + 1);
    SIM_REQUIRE(from != NULL);
    if (key.size > 0) {
        memcpy(from, key.data, key.size);
    }
    free(iterator->from);
    iterator->from = from;
    iterator->from_size = key.size;
}

static struct jf_kv_iterator *iterator_open(struct jf_kv *kv, enum jf_kv_family family,
                                            const struct jf_kv_snapshot *snapshot,
                                            struct jf_text from)
{
    (void)snapshot;
    struct jf_kv_iterator *iterator = calloc(1, sizeof *iterator);
    SIM_REQUIRE(iterator != NULL);
    iterator->database = database_of(kv);
    iterator->family = family;
    iterator_move(iterator, from);
    return iterator;
}

static enum jf_error iterator_next(struct jf_kv_iterator *iterator, struct jf_text *out_key,
                                   struct jf_text *out_value, struct jf_diagnosis *diagnosis)
{
    struct database *database = iterator->database;
    if (!is_usable(database) || read_fails()) {
        return broken(database, diagnosis);
    }
    const struct family *family = &database->families[iterator->family];
    struct jf_text from = {iterator->from, iterator->from_size};
    uint32_t at = node_at(family, from);
    if (iterator->is_begun && at < family->count && key_compare(family->nodes[at], from) == 0) {
        at += 1;
    }
    while (at < family->count && family->nodes[at]->committed == NULL) {
        at += 1;
    }
    if (at == family->count) {
        return JF_ERROR_NOT_FOUND;
    }
    const struct node *node = family->nodes[at];
    if (node->is_damaged) {
        return damaged(database, diagnosis);
    }
    *out_key = (struct jf_text){node->key, node->key_size};
    *out_value = (struct jf_text){node->committed->bytes, node->committed->size};
    iterator_move(iterator, *out_key);
    iterator->is_begun = true;
    return JF_OK;
}

static void iterator_close(struct jf_kv_iterator *iterator)
{
    if (iterator != NULL) {
        free(iterator->from);
        free(iterator);
    }
}

static uint64_t estimate(struct jf_kv *kv, enum jf_kv_family family)
{
    return database_of(kv)->families[family].count;
}

static void close_handle(struct jf_kv *kv)
{
    changes_drop(database_of(kv));
    free(kv);
}

static const struct jf_kv_functions functions = {
    .multi_get = multi_get,
    .flushed_get = flushed_get,
    .put = put,
    .remove = remove_key,
    .commit = commit,
    .flush = flush,
    .health = health,
    .snapshot_open = snapshot_open,
    .snapshot_close = snapshot_close,
    .iterator_open = iterator_open,
    .iterator_next = iterator_next,
    .iterator_close = iterator_close,
    .estimate = estimate,
    .close = close_handle,
};

// ---- Databases ------------------------------------------------------------------------

static struct database *database_find(const char *directory, bool must_exist)
{
    struct database *unused = NULL;
    for (uint32_t i = 0; i < DATABASES_MAX; i++) {
        if (strcmp(databases[i].directory, directory) == 0) {
            return &databases[i];
        }
        unused = databases[i].directory[0] == '\0' ? &databases[i] : unused;
    }
    if (!must_exist) {
        SIM_REQUIRE(unused != NULL && strlen(directory) < DIRECTORY_BYTES);
        memset(unused, 0, sizeof *unused);
        memcpy(unused->directory, directory, strlen(directory) + 1);
        return unused;
    }
    return NULL;
}

// In the place of RocksDB's.
enum jf_error jf_kv_rocksdb_open(const struct jf_kv_config *config, struct jf_kv **out_kv,
                                 struct jf_diagnosis *diagnosis)
{
    struct database *database =
        database_find(config->directory, config->must_exist || config->is_read_only);
    if (database == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND, "no simulated database in %s",
                           config->directory);
    }
    database->has_failed = false;
    if (!is_usable(database)) {
        return broken(database, diagnosis);
    }
    struct handle *handle = calloc(1, sizeof *handle);
    SIM_REQUIRE(handle != NULL);
    handle->kv.functions = &functions;
    handle->database = database;
    *out_kv = &handle->kv;
    return JF_OK;
}

bool sim_kv_has_file(const char *path)
{
    for (uint32_t i = 0; i < DATABASES_MAX; i++) {
        const char *directory = databases[i].directory;
        size_t size = strlen(directory);
        if (size > 0 && databases[i].is_made && strncmp(path, directory, size) == 0 &&
            strcmp(path + size, "/CURRENT") == 0) {
            return true;
        }
    }
    return false;
}

static void database_free(struct database *database)
{
    for (uint32_t i = 0; i < JF_KV_FAMILY_COUNT; i++) {
        struct family *family = &database->families[i];
        for (uint32_t at = 0; at < family->count; at++) {
            value_drop(family->nodes[at]->committed);
            value_drop(family->nodes[at]->flushing);
            value_drop(family->nodes[at]->flushed);
            free(family->nodes[at]);
        }
        free(family->nodes);
    }
    free(database->dirty.nodes);
    free(database->taken.nodes);
    free(database->changes);
    memset(database, 0, sizeof *database);
}

void sim_kv_forget(const char *directory)
{
    struct database *database = database_find(directory, true);
    if (database != NULL) {
        database_free(database);
    }
}

void sim_kv_destroy(void)
{
    for (uint32_t i = 0; i < DATABASES_MAX; i++) {
        database_free(&databases[i]);
    }
    has_failure_been_put_in = false;
}

bool sim_kv_damage(const char *directory)
{
    struct database *database = database_find(directory, true);
    if (database == NULL) {
        return false;
    }
    const struct family *family = &database->families[sim_draw(JF_KV_FAMILY_COUNT)];
    if (family->count == 0) {
        return false;
    }
    struct node *node = family->nodes[sim_draw(family->count)];
    node->is_damaged = node->committed != NULL;
    return node->is_damaged;
}

bool sim_kv_is_damaged(const char *directory)
{
    const struct database *database = database_find(directory, true);
    for (uint32_t i = 0; database != NULL && i < JF_KV_FAMILY_COUNT; i++) {
        for (uint32_t at = 0; at < database->families[i].count; at++) {
            const struct node *node = database->families[i].nodes[at];
            if (node->is_damaged && node->committed != NULL) {
                return true;
            }
        }
    }
    return false;
}

bool sim_kv_has_failed(void)
{
    bool has_failed = has_failure_been_put_in;
    has_failure_been_put_in = false;
    return has_failed;
}
