// RocksDB behind struct jf_kv. Its own log is off: the journal is the log (ARCHITECTURE 4). What
// makes that sound: every commit is one write batch over all column families, and memtables of all
// column families are flushed together
// (`atomic_flush`), so the files always hold the state as of one commit.
//
// Flushing. RocksDB flushes all column families together only when it does so by itself; the C
// API's manual flush takes ONE column family, and flushing the meta family alone would persist
// "applied" without the rows. So a family of its own, `flush`, has a tiny memtable: a value larger
// than it makes RocksDB begin the automatic flush of everything, which is done when the family has
// no memtable waiting any more.
//
// Fails: RocksDB's status texts are mapped to codes by what they say; the directory and the remedy
// are added here. Opening refuses a directory that is not a database of ours rather than creating
// one among foreign files.
#include "state/kv.h"

#include <dirent.h>
#include <errno.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/assert.h"
#include "base/limits.h"
#include "state/table_footer.h"

#define FLUSH_FAMILY          ((int)JF_KV_FAMILY_COUNT)
#define FAMILIES              (FLUSH_FAMILY + 1)
#define FLUSH_FAMILY_BUFFER   ((size_t)64 << 10)  // RocksDB's least
#define FLUSH_VALUE_BYTES     ((size_t)128 << 10) // above that memtable, so one put fills it
#define FLUSH_LOOK_NS         500000
#define GETS_AT_ONCE          256u
#define OPEN_FILES_MAX        256 // index and filter blocks live in the block cache, so reopening is cheap
#define OPEN_FILES_ALL        (-1) // from the beginning, so that none goes away before it is read
#define COMPRESSION_LZ4       4
#define COMPRESSION_NONE      0
#define LEVEL0_FILES_SLOWDOWN 64
#define LEVEL0_FILES_STOP     96
#define READ_TIER_PERSISTED   2 // what is in files only
#define LOG_LEVEL_FATAL       4
#define DIRECTORY_NAME_MAX    4096
#define MESSAGE_BYTES         224 // of a status text, so that directory and remedy fit too

static const char *const family_names[FAMILIES] = {
    "default",  "members",  "cards",  "entries", "transactions",
    "receipts", "expiries", "filter", "flush",
};

struct rocks {
    struct jf_kv kv; // first
    rocksdb_t *db;
    rocksdb_column_family_handle_t *families[FAMILIES];
    rocksdb_options_t *options[FAMILIES];
    rocksdb_cache_t *cache;
    rocksdb_writebatch_t *batch;
    rocksdb_writeoptions_t *write_options;
    rocksdb_readoptions_t *read_options;
    rocksdb_readoptions_t *flushed_options;
    rocksdb_flushoptions_t *flush_options;
    char *flush_value;         // FLUSH_VALUE_BYTES zeros
    _Atomic bool is_left_open; // it met a full disk: see rocks_leave_open
    struct rocks *left_before;
    char directory[DIRECTORY_NAME_MAX];
};

struct rocks_iterator {
    struct rocks *rocks;
    rocksdb_iterator_t *iterator;
    rocksdb_readoptions_t *read_options;
    bool is_started;
};

static struct rocks *rocks_of(struct jf_kv *kv)
{
    return (struct rocks *)kv;
}

static const rocksdb_snapshot_t *rocks_snapshot(const struct jf_kv_snapshot *snapshot)
{
    return (const rocksdb_snapshot_t *)snapshot;
}

enum jf_error jf_kv_rocksdb_error(const char *status)
{
    JF_ASSERT(status != NULL);
    if (strstr(status, "No space left") != NULL || strstr(status, "space limit") != NULL) {
        return JF_ERROR_NO_SPACE;
    }
    if (strstr(status, "lock hold by current process") != NULL ||
        strstr(status, "While lock file") != NULL) {
        return JF_ERROR_LOCKED;
    }
    if (strstr(status, "Column families not opened") != NULL ||
        strstr(status, "Column family not found") != NULL ||
        strstr(status, "does not match existing comparator") != NULL) {
        return JF_ERROR_FOREIGN;
    }
    // A file that the database names and the directory lacks is damage too.
    if (strncmp(status, "Corruption", strlen("Corruption")) == 0 ||
        strstr(status, "No such file or directory") != NULL) {
        return JF_ERROR_CORRUPT;
    }
    return JF_ERROR_STATE;
}

static const char *remedy_of(enum jf_error error)
{
    switch (error) {
    case JF_ERROR_NO_SPACE:
        return "free space on that file system and start again; nothing acknowledged is lost";
    case JF_ERROR_LOCKED:
        return "another process has it open: stop that one, or name another directory";
    case JF_ERROR_FOREIGN:
        return "it is not a Jifen state database: name another directory";
    default:
        return "stop the ledger and make the state anew from its journal: jifen rebuild --data DIR";
    }
}

// RocksDB's message without the directory, which is said before it: what is left of a path is the
// file, and behind it RocksDB says the offset. Out: at most `size` bytes with the terminator.
static void message_shorten(const char *directory, const char *message, char *out_text, size_t size)
{
    size_t directory_size = strlen(directory);
    size_t at = 0;
    while (*message != '\0' && at + 1 < size) {
        if (strncmp(message, directory, directory_size) == 0 && message[directory_size] == '/') {
            message += directory_size + 1;
        } else if (strncmp(message, ".ldb", 4) == 0) {
            // The name of a table that is missing, as it was called long ago.
            at += (size_t)snprintf(out_text + at, size - at, ".sst");
            message += 4;
        } else {
            out_text[at++] = *message++;
        }
    }
    out_text[at < size ? at : size - 1] = '\0';
}

// Takes RocksDB's message (freed). Returns: JF_OK when there is none.
static enum jf_error status_take(const char *directory, char *message,
                                 struct jf_diagnosis *diagnosis)
{
    if (message == NULL) {
        return JF_OK;
    }
    enum jf_error error = jf_kv_rocksdb_error(message);
    // Of a long status text the beginning; the remedy matters more than its end.
    char text[MESSAGE_BYTES];
    message_shorten(directory, message, text, sizeof text);
    (void)jf_diagnose(diagnosis, error, "state database %.160s: %s (%s)", directory, text,
                      remedy_of(error));
    rocksdb_free(message);
    return error;
}

// ---- Options --------------------------------------------------------------------------

static rocksdb_block_based_table_options_t *table_options_make(int family, rocksdb_cache_t *cache)
{
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
    rocksdb_block_based_options_set_format_version(table, 5);
    bool is_looked_up = family == JF_KV_MEMBERS || family == JF_KV_CARDS ||
                        family == JF_KV_TRANSACTIONS || family == JF_KV_RECEIPTS;
    if (is_looked_up) {
        rocksdb_block_based_options_set_filter_policy(table,
                                                      rocksdb_filterpolicy_create_bloom_full(10));
        rocksdb_block_based_options_set_whole_key_filtering(table, 1);
    }
    rocksdb_block_based_options_set_block_size(
        table, family == JF_KV_ENTRIES || family == JF_KV_FILTER ? 32u << 10 : 4u << 10);
    return table;
}

// How many flushed files a compaction merges at once. Files of entries never overlap: each moves
// down as it is. The indexes are written once and asked seldom, past filters: the longer they wait,
// the less is written again.
static int level0_files(int family)
{
    switch (family) {
    case JF_KV_ENTRIES:
        return 1;
    case JF_KV_TRANSACTIONS:
    case JF_KV_RECEIPTS:
        return 24;
    default:
        return 8;
    }
}

static void options_from_text(rocksdb_options_t *options, const char *text)
{
    char *message = NULL;
    rocksdb_get_options_from_string(options, text, options, &message);
    JF_ASSERT(message == NULL);
}

static void family_options_set(rocksdb_options_t *options, int family,
                               const struct jf_kv_config *config, rocksdb_cache_t *cache)
{
    rocksdb_block_based_table_options_t *table = table_options_make(family, cache);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
    // Hashes do not compress, and members' small records hardly. Entries come in ascending order:
    // with one compression on all levels their files move down as they are, without being written
    // again.
    bool is_compressed = family == JF_KV_ENTRIES || family == JF_KV_META;
    rocksdb_options_set_compression(options, is_compressed ? COMPRESSION_LZ4 : COMPRESSION_NONE);
    rocksdb_options_set_level0_file_num_compaction_trigger(options, level0_files(family));
    rocksdb_options_set_level0_slowdown_writes_trigger(options, LEVEL0_FILES_SLOWDOWN);
    rocksdb_options_set_level0_stop_writes_trigger(options, LEVEL0_FILES_STOP);
    // One bound for all families together decides when to flush; a family's own never comes first.
    size_t buffer =
        family == FLUSH_FAMILY ? FLUSH_FAMILY_BUFFER : (size_t)config->write_buffer_bytes;
    rocksdb_options_set_write_buffer_size(options, buffer);
    rocksdb_options_set_arena_block_size(options, family == FLUSH_FAMILY ? 8u << 10 : 128u << 10);
    rocksdb_options_set_max_write_buffer_number(options, 6);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1);
    // A run's rows come in ascending order: each is looked for from where the last one was put, all
    // keys of a family having their first byte in common.
    options_from_text(options, "memtable_insert_with_hint_prefix_extractor=capped:1");
}

// Closing after a failure must write nothing more; closing in order has flushed before. The C API
// has no other way to say so.
static void flush_at_close_forbid(rocksdb_options_t *options)
{
    options_from_text(options, "avoid_flush_during_shutdown=true");
}

static void database_options_set(rocksdb_options_t *options, const struct jf_kv_config *config)
{
    rocksdb_options_set_create_if_missing(options, config->must_exist ? 0 : 1);
    // A kill amid the making of the families leaves some of them.
    rocksdb_options_set_create_missing_column_families(options, 1);
    rocksdb_options_set_atomic_flush(options, 1);
    rocksdb_options_set_db_write_buffer_size(options, (size_t)config->write_buffer_bytes);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_bytes_per_sync(options, 1u << 20);
    rocksdb_options_set_max_open_files(options, config->is_scrub ? OPEN_FILES_ALL : OPEN_FILES_MAX);
    rocksdb_options_set_use_direct_reads(options, config->is_scrub ? 1 : 0);
    // What goes wrong comes back as a status text. RocksDB as Debian builds it asserts that its log
    // can be written, so that a log of failures would abort the process on a disk that fails.
    rocksdb_options_set_info_log_level(options, LOG_LEVEL_FATAL);
    rocksdb_options_set_keep_log_file_num(options, 2);
    rocksdb_options_set_max_log_file_size(options, 1u << 20);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
    rocksdb_options_set_skip_stats_update_on_db_open(options, 1);
    flush_at_close_forbid(options);
}

static void options_make(struct rocks *rocks, const struct jf_kv_config *config)
{
    rocks->cache = rocksdb_cache_create_lru((size_t)config->block_cache_bytes);
    for (int family = 0; family < FAMILIES; family++) {
        rocks->options[family] = rocksdb_options_create();
        database_options_set(rocks->options[family], config);
        family_options_set(rocks->options[family], family, config, rocks->cache);
    }
    rocks->write_options = rocksdb_writeoptions_create();
    rocksdb_writeoptions_disable_WAL(rocks->write_options, 1);
    rocks->read_options = rocksdb_readoptions_create();
    rocks->flushed_options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_read_tier(rocks->flushed_options, READ_TIER_PERSISTED);
    rocks->flush_options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(rocks->flush_options, 1);
    rocks->batch = rocksdb_writebatch_create();
}

// ---- Reading --------------------------------------------------------------------------

struct gets {
    const char *keys[GETS_AT_ONCE];
    size_t sizes[GETS_AT_ONCE];
    rocksdb_pinnableslice_t *values[GETS_AT_ONCE];
    char *messages[GETS_AT_ONCE];
};

// Hands over the values of one round and frees everything; the first error wins.
static enum jf_error gets_deliver(struct rocks *rocks, struct gets *gets,
                                  const struct jf_kv_query *query, uint32_t first,
                                  struct jf_diagnosis *diagnosis)
{
    uint32_t left = query->count - first;
    uint32_t count = left < GETS_AT_ONCE ? left : GETS_AT_ONCE;
    enum jf_error result = JF_OK;
    for (uint32_t i = 0; i < count; i++) {
        struct jf_diagnosis *once = result == JF_OK ? diagnosis : NULL;
        enum jf_error error = status_take(rocks->directory, gets->messages[i], once);
        if (gets->values[i] != NULL) {
            size_t size = 0;
            const char *bytes = rocksdb_pinnableslice_value(gets->values[i], &size);
            if (error == JF_OK && result == JF_OK) {
                struct jf_text value = {bytes, (uint32_t)size};
                error = query->found(query->context, first + i, value);
            }
            rocksdb_pinnableslice_destroy(gets->values[i]);
        }
        result = result == JF_OK ? error : result;
    }
    return result;
}

static enum jf_error rocks_multi_get(struct jf_kv *kv, const struct jf_kv_query *query,
                                     struct jf_diagnosis *diagnosis)
{
    struct rocks *rocks = rocks_of(kv);
    rocksdb_readoptions_t *options = rocks->read_options;
    if (query->snapshot != NULL) {
        options = rocksdb_readoptions_create();
        rocksdb_readoptions_set_snapshot(options, rocks_snapshot(query->snapshot));
    }
    enum jf_error error = JF_OK;
    for (uint32_t first = 0; first < query->count && error == JF_OK; first += GETS_AT_ONCE) {
        struct gets gets;
        uint32_t left = query->count - first;
        uint32_t count = left < GETS_AT_ONCE ? left : GETS_AT_ONCE;
        for (uint32_t i = 0; i < count; i++) {
            gets.keys[i] = query->keys[first + i].data;
            gets.sizes[i] = query->keys[first + i].size;
            gets.values[i] = NULL;
            gets.messages[i] = NULL;
        }
        rocksdb_batched_multi_get_cf(rocks->db, options, rocks->families[query->family], count,
                                     gets.keys, gets.sizes, gets.values, gets.messages, false);
        error = gets_deliver(rocks, &gets, query, first, diagnosis);
    }
    if (query->snapshot != NULL) {
        rocksdb_readoptions_destroy(options);
    }
    return error;
}

static enum jf_error rocks_flushed_get(struct jf_kv *kv, const struct jf_kv_query *query,
                                       struct jf_diagnosis *diagnosis)
{
    struct rocks *rocks = rocks_of(kv);
    JF_ASSERT(query->count == 1);
    // RocksDB 7.8's multi-get does not honour the tier; its single get does.
    char *message = NULL;
    rocksdb_pinnableslice_t *slice =
        rocksdb_get_pinned_cf(rocks->db, rocks->flushed_options, rocks->families[query->family],
                              query->keys[0].data, query->keys[0].size, &message);
    enum jf_error error = status_take(rocks->directory, message, diagnosis);
    if (slice != NULL) {
        size_t size = 0;
        const char *bytes = rocksdb_pinnableslice_value(slice, &size);
        if (error == JF_OK) {
            error = query->found(query->context, 0, (struct jf_text){bytes, (uint32_t)size});
        }
        rocksdb_pinnableslice_destroy(slice);
    }
    return error;
}

// ---- Writing --------------------------------------------------------------------------

static void rocks_put(struct jf_kv *kv, enum jf_kv_family family, struct jf_text key,
                      struct jf_text value)
{
    struct rocks *rocks = rocks_of(kv);
    JF_ASSERT(family < JF_KV_FAMILY_COUNT);
    rocksdb_writebatch_put_cf(rocks->batch, rocks->families[family], key.data, key.size, value.data,
                              value.size);
}

static void rocks_remove(struct jf_kv *kv, enum jf_kv_family family, struct jf_text key)
{
    struct rocks *rocks = rocks_of(kv);
    JF_ASSERT(family < JF_KV_FAMILY_COUNT);
    rocksdb_writebatch_delete_cf(rocks->batch, rocks->families[family], key.data, key.size);
}

static enum jf_error rocks_commit(struct jf_kv *kv, struct jf_diagnosis *diagnosis)
{
    struct rocks *rocks = rocks_of(kv);
    char *message = NULL;
    // RocksDB counts every comparison of keys for each thread unless told not to.
    rocksdb_set_perf_level(rocksdb_disable);
    rocksdb_write(rocks->db, rocks->write_options, rocks->batch, &message);
    rocksdb_writebatch_clear(rocks->batch);
    return status_take(rocks->directory, message, diagnosis);
}

// What failed in the background. The property that counts failures has no text; waiting for a flush
// has.
static enum jf_error background_failure(struct rocks *rocks, struct jf_diagnosis *diagnosis)
{
    char *message = NULL;
    rocksdb_flush_cf(rocks->db, rocks->flush_options, rocks->families[FLUSH_FAMILY], &message);
    if (message != NULL) {
        enum jf_error error = status_take(rocks->directory, message, diagnosis);
        if (error == JF_ERROR_NO_SPACE) {
            atomic_store(&rocks->is_left_open, true);
        }
        return error;
    }
    return jf_diagnose(diagnosis, JF_ERROR_STATE,
                       "state database %.200s: a flush or compaction failed; mend the disk and "
                       "start again",
                       rocks->directory);
}

// Waits by looking, not by a manual flush of the family: that one would start beside the automatic
// flush of everything, and RocksDB asserts that the families of one atomic flush have one reason.
static enum jf_error flush_wait(struct rocks *rocks, struct jf_diagnosis *diagnosis)
{
    uint64_t errors = 0;
    uint64_t waiting = 1;
    while (waiting > 0 && errors == 0) {
        const struct timespec pause = {.tv_nsec = FLUSH_LOOK_NS};
        nanosleep(&pause, NULL);
        rocksdb_property_int_cf(rocks->db, rocks->families[FLUSH_FAMILY],
                                "rocksdb.num-immutable-mem-table", &waiting);
        rocksdb_property_int(rocks->db, "rocksdb.background-errors", &errors);
    }
    return errors == 0 ? JF_OK : background_failure(rocks, diagnosis);
}

static enum jf_error rocks_flush(struct jf_kv *kv, bool is_waiting, struct jf_diagnosis *diagnosis)
{
    struct rocks *rocks = rocks_of(kv);
    rocksdb_column_family_handle_t *family = rocks->families[FLUSH_FAMILY];
    char *message = NULL;
    // The first put fills the family's memtable, the second finds it full and switches all
    // memtables.
    rocksdb_put_cf(rocks->db, rocks->write_options, family, "full", 4, rocks->flush_value,
                   FLUSH_VALUE_BYTES, &message);
    if (message == NULL) {
        rocksdb_put_cf(rocks->db, rocks->write_options, family, "next", 4, "", 0, &message);
    }
    enum jf_error error = status_take(rocks->directory, message, diagnosis);
    return error == JF_OK && is_waiting ? flush_wait(rocks, diagnosis) : error;
}

static enum jf_error rocks_health(struct jf_kv *kv, struct jf_diagnosis *diagnosis)
{
    struct rocks *rocks = rocks_of(kv);
    uint64_t errors = 0;
    if (rocksdb_property_int(rocks->db, "rocksdb.background-errors", &errors) != 0 || errors == 0) {
        return JF_OK;
    }
    return background_failure(rocks, diagnosis);
}

// ---- Snapshots and iterators ----------------------------------------------------------

static struct jf_kv_snapshot *rocks_snapshot_open(struct jf_kv *kv)
{
    return (struct jf_kv_snapshot *)(uintptr_t)rocksdb_create_snapshot(rocks_of(kv)->db);
}

static void rocks_snapshot_close(struct jf_kv *kv, struct jf_kv_snapshot *snapshot)
{
    rocksdb_release_snapshot(rocks_of(kv)->db, rocks_snapshot(snapshot));
}

static struct jf_kv_iterator *rocks_iterator_open(struct jf_kv *kv, enum jf_kv_family family,
                                                  const struct jf_kv_snapshot *snapshot,
                                                  struct jf_text from)
{
    struct rocks *rocks = rocks_of(kv);
    struct rocks_iterator *iterator = calloc(1, sizeof *iterator);
    if (iterator == NULL) {
        return NULL;
    }
    iterator->rocks = rocks;
    iterator->read_options = rocksdb_readoptions_create();
    // A pass over everything must not push the tills' blocks out of the cache.
    rocksdb_readoptions_set_fill_cache(iterator->read_options, 0);
    if (snapshot != NULL) {
        rocksdb_readoptions_set_snapshot(iterator->read_options, rocks_snapshot(snapshot));
    }
    iterator->iterator =
        rocksdb_create_iterator_cf(rocks->db, iterator->read_options, rocks->families[family]);
    if (from.size == 0) {
        rocksdb_iter_seek_to_first(iterator->iterator);
    } else {
        rocksdb_iter_seek(iterator->iterator, from.data, from.size);
    }
    return (struct jf_kv_iterator *)iterator;
}

static enum jf_error rocks_iterator_next(struct jf_kv_iterator *handle, struct jf_text *out_key,
                                         struct jf_text *out_value, struct jf_diagnosis *diagnosis)
{
    struct rocks_iterator *iterator = (struct rocks_iterator *)handle;
    if (iterator->is_started && rocksdb_iter_valid(iterator->iterator)) {
        rocksdb_iter_next(iterator->iterator);
    }
    iterator->is_started = true;
    if (!rocksdb_iter_valid(iterator->iterator)) {
        char *message = NULL;
        rocksdb_iter_get_error(iterator->iterator, &message);
        enum jf_error error = status_take(iterator->rocks->directory, message, diagnosis);
        return error == JF_OK ? JF_ERROR_NOT_FOUND : error;
    }
    size_t key_size = 0;
    size_t value_size = 0;
    const char *key = rocksdb_iter_key(iterator->iterator, &key_size);
    const char *value = rocksdb_iter_value(iterator->iterator, &value_size);
    *out_key = (struct jf_text){key, (uint32_t)key_size};
    *out_value = (struct jf_text){value, (uint32_t)value_size};
    return JF_OK;
}

static void rocks_iterator_close(struct jf_kv_iterator *handle)
{
    struct rocks_iterator *iterator = (struct rocks_iterator *)handle;
    if (iterator == NULL) {
        return;
    }
    rocksdb_iter_destroy(iterator->iterator);
    rocksdb_readoptions_destroy(iterator->read_options);
    free(iterator);
}

static uint64_t rocks_estimate(struct jf_kv *kv, enum jf_kv_family family)
{
    struct rocks *rocks = rocks_of(kv);
    uint64_t count = 0;
    if (rocksdb_property_int_cf(rocks->db, rocks->families[family], "rocksdb.estimate-num-keys",
                                &count) != 0) {
        return 0;
    }
    return count;
}

// RocksDB would first flush by itself, beside the store thread; with the largest bound it does not.
static enum jf_error rocks_checkpoint(struct jf_kv *kv, const char *directory,
                                      struct jf_diagnosis *diagnosis)
{
    struct rocks *rocks = rocks_of(kv);
    char *message = NULL;
    rocksdb_checkpoint_t *checkpoint = rocksdb_checkpoint_object_create(rocks->db, &message);
    if (message == NULL) {
        rocksdb_checkpoint_create(checkpoint, directory, UINT64_MAX, &message);
    }
    if (checkpoint != NULL) {
        rocksdb_checkpoint_object_destroy(checkpoint);
    }
    return status_take(rocks->directory, message, diagnosis);
}

// ---- Opening and closing --------------------------------------------------------------

// RocksDB 7.8 tries by itself to go on once there is room; that attempt and an atomic flush may
// wait for each other for ever, and closing for both. A database that met a full disk is therefore
// left as it is: it writes nothing any more, and goes with the process, which has to be started
// again.
static void rocks_leave_open(struct rocks *rocks)
{
    static _Atomic(struct rocks *) left_open; // what is left stays in reach of leak checkers
    rocks->left_before = atomic_exchange(&left_open, rocks);
}

static void rocks_close(struct jf_kv *kv)
{
    if (kv == NULL) {
        return;
    }
    struct rocks *rocks = rocks_of(kv);
    if (atomic_load(&rocks->is_left_open)) {
        rocks_leave_open(rocks);
        return;
    }
    for (int family = 0; family < FAMILIES; family++) {
        if (rocks->families[family] != NULL) {
            rocksdb_column_family_handle_destroy(rocks->families[family]);
        }
    }
    if (rocks->db != NULL) {
        rocksdb_close(rocks->db);
    }
    for (int family = 0; family < FAMILIES; family++) {
        rocksdb_options_destroy(rocks->options[family]);
    }
    rocksdb_writebatch_destroy(rocks->batch);
    rocksdb_writeoptions_destroy(rocks->write_options);
    rocksdb_readoptions_destroy(rocks->read_options);
    rocksdb_readoptions_destroy(rocks->flushed_options);
    rocksdb_flushoptions_destroy(rocks->flush_options);
    rocksdb_cache_destroy(rocks->cache);
    free(rocks->flush_value);
    free(rocks);
}

static const struct jf_kv_functions rocks_functions = {
    .multi_get = rocks_multi_get,
    .flushed_get = rocks_flushed_get,
    .put = rocks_put,
    .remove = rocks_remove,
    .commit = rocks_commit,
    .flush = rocks_flush,
    .health = rocks_health,
    .snapshot_open = rocks_snapshot_open,
    .snapshot_close = rocks_snapshot_close,
    .iterator_open = rocks_iterator_open,
    .iterator_next = rocks_iterator_next,
    .iterator_close = rocks_iterator_close,
    .estimate = rocks_estimate,
    .close = rocks_close,
    .checkpoint = rocks_checkpoint,
};

struct directory_content {
    bool has_current;
    bool has_tables;    // .sst files
    bool has_strangers; // files that RocksDB does not write
};

static bool name_starts(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static bool name_ends(const char *name, const char *with)
{
    size_t size = strlen(name);
    size_t end = strlen(with);
    return size >= end && strcmp(name + size - end, with) == 0;
}

static bool name_is_rocks(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || name_starts(name, "LOCK") ||
           name_starts(name, "LOG") || name_starts(name, "IDENTITY") ||
           name_starts(name, "CURRENT") || name_starts(name, "MANIFEST-") ||
           name_starts(name, "OPTIONS-") || name_ends(name, ".log") || name_ends(name, ".sst") ||
           name_ends(name, ".dbtmp") || strcmp(name, "lost+found") == 0;
}

static enum jf_error directory_look(const char *directory, struct directory_content *out_content,
                                    struct jf_diagnosis *diagnosis)
{
    struct directory_content content = {0};
    DIR *listing = opendir(directory);
    if (listing == NULL) {
        enum jf_error error = errno == ENOENT   ? JF_ERROR_NOT_FOUND
                              : errno == ENOMEM ? JF_ERROR_NO_MEMORY
                                                : JF_ERROR_IO;
        return jf_diagnose(diagnosis, error, "state directory %.300s cannot be read: %s", directory,
                           strerror(errno));
    }
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        content.has_current = content.has_current || strcmp(entry->d_name, "CURRENT") == 0;
        content.has_tables = content.has_tables || name_ends(entry->d_name, ".sst");
        content.has_strangers = content.has_strangers || !name_is_rocks(entry->d_name);
    }
    closedir(listing);
    *out_content = content;
    return JF_OK;
}

// RocksDB would create a database in any directory without a file CURRENT, deleting tables that it
// finds.
static enum jf_error directory_check(const struct jf_kv_config *config,
                                     struct jf_diagnosis *diagnosis)
{
    bool is_required = config->must_exist || config->is_read_only || config->is_meta_only;
    if (!is_required && mkdir(config->directory, 0750) != 0 && errno != EEXIST) {
        enum jf_error error = errno == ENOSPC ? JF_ERROR_NO_SPACE : JF_ERROR_IO;
        return jf_diagnose(diagnosis, error, "state directory %.300s cannot be made: %s",
                           config->directory, strerror(errno));
    }
    struct directory_content content = {0};
    enum jf_error error = directory_look(config->directory, &content, diagnosis);
    if (error != JF_OK || content.has_current) {
        return error;
    }
    if (content.has_strangers) {
        return jf_diagnose(diagnosis, JF_ERROR_FOREIGN,
                           "directory %.200s holds files of something else and no state database; "
                           "name another directory",
                           config->directory);
    }
    if (content.has_tables) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                           "state database %.200s has lost its file CURRENT (%s)",
                           config->directory, remedy_of(JF_ERROR_CORRUPT));
    }
    if (is_required) {
        return jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND,
                           "there is no state database in %.300s; check the directory's name",
                           config->directory);
    }
    return JF_OK;
}

// RocksDB as Debian builds it asserts that the log which it begins at opening can be written:
// without room for that, a full disk would abort the process.
static enum jf_error room_check(const struct jf_kv_config *config, struct jf_diagnosis *diagnosis)
{
    struct statvfs disk;
    if (config->is_read_only || config->is_meta_only || statvfs(config->directory, &disk) != 0 ||
        (uint64_t)disk.f_bavail * disk.f_frsize >= JF_STATE_ROOM_BYTES_MIN) {
        return JF_OK;
    }
    return jf_diagnose(diagnosis, JF_ERROR_NO_SPACE,
                       "state database %.200s is not opened: less than %u KiB are free there (%s)",
                       config->directory, JF_STATE_ROOM_BYTES_MIN >> 10,
                       remedy_of(JF_ERROR_NO_SPACE));
}

// Adds which table is damaged, where RocksDB has not said so.
static void table_name(const char *directory, struct jf_diagnosis *diagnosis)
{
    char name[JF_TABLE_NAME_BYTES];
    if (diagnosis != NULL && strstr(diagnosis->text, ".sst") == NULL &&
        jf_table_damaged_find(directory, name)) {
        struct jf_diagnosis inner = *diagnosis;
        (void)jf_diagnose(diagnosis, inner.error, "table %s is cut short or its footer damaged: %s",
                          name, inner.text);
    }
}

static char *database_open(struct rocks *rocks, const struct jf_kv_config *config)
{
    char *message = NULL;
    const rocksdb_options_t *const *options = (const rocksdb_options_t *const *)rocks->options;
    if (config->is_read_only || config->is_meta_only) {
        int count = config->is_meta_only ? 1 : FAMILIES;
        rocks->db = rocksdb_open_for_read_only_column_families(rocks->options[0], rocks->directory,
                                                               count, family_names, options,
                                                               rocks->families, 0, &message);
    } else {
        rocks->db = rocksdb_open_column_families(rocks->options[0], rocks->directory, FAMILIES,
                                                 family_names, options, rocks->families, &message);
    }
    return message;
}

enum jf_error jf_kv_rocksdb_open(const struct jf_kv_config *config, struct jf_kv **out_kv,
                                 struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(config->directory != NULL);
    if (strlen(config->directory) >= DIRECTORY_NAME_MAX) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID, "state directory %.100s...: name too long",
                           config->directory);
    }
    enum jf_error error = directory_check(config, diagnosis);
    if (error == JF_OK) {
        error = room_check(config, diagnosis);
    }
    if (error != JF_OK) {
        return error;
    }
    struct rocks *rocks = calloc(1, sizeof *rocks);
    char *flush_value = calloc(1, FLUSH_VALUE_BYTES);
    if (rocks == NULL || flush_value == NULL) {
        free(rocks);
        free(flush_value);
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory opening %.300s",
                           config->directory);
    }
    rocks->kv.functions = &rocks_functions;
    rocks->flush_value = flush_value;
    memcpy(rocks->directory, config->directory, strlen(config->directory) + 1);
    options_make(rocks, config);
    error = status_take(rocks->directory, database_open(rocks, config), diagnosis);
    if (error == JF_ERROR_CORRUPT) {
        table_name(rocks->directory, diagnosis);
    }
    if (error != JF_OK) {
        rocks_close(&rocks->kv);
        return error;
    }
    *out_kv = &rocks->kv;
    return JF_OK;
}
