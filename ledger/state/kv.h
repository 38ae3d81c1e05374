// An ordered, atomic key-value store in families, behind a table of functions: kv_rocksdb.c is the
// only implementation that reaches a disk, and the only file that includes RocksDB's header. Others
// (in memory, failing on purpose) can be put in its place through jf_state_open_kv.
//
// Threads: multi_get, flushed_get, snapshots, iterators, estimate, checkpoint: any. put, remove,
// commit, flush, health: one thread at a time (the store thread; before it runs, whoever opens).
// close: when no other call can come. Memory: keys and values given are copied before the call
// returns; keys and values handed out say how long they live.
#ifndef JF_STATE_KV_H
#define JF_STATE_KV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

enum jf_kv_family {
    JF_KV_META,
    JF_KV_MEMBERS,
    JF_KV_CARDS,
    JF_KV_ENTRIES,
    JF_KV_TRANSACTIONS,
    JF_KV_RECEIPTS,
    JF_KV_EXPIRIES,
    JF_KV_FILTER,
    JF_KV_FAMILY_COUNT
};

struct jf_kv;
struct jf_kv_snapshot;
struct jf_kv_iterator;

// Called for each key that is there. In: index of the key; value valid during the call. Returns:
// JF_OK, or an error that ends the query and becomes its result.
typedef enum jf_error (*jf_kv_found)(void *context, uint32_t index, struct jf_text value);

struct jf_kv_query {
    enum jf_kv_family family;
    const struct jf_kv_snapshot *snapshot; // NULL: as of now
    const struct jf_text *keys;
    uint32_t count;
    jf_kv_found found;
    void *context;
};

// Errors of all functions: JF_ERROR_CORRUPT, JF_ERROR_NO_SPACE, JF_ERROR_STATE, JF_ERROR_NO_MEMORY,
// diagnosed with the directory. A failure of commit or flush is final: what the database then holds
// is what it held at some earlier commit, whole.
struct jf_kv_functions {
    enum jf_error (*multi_get)(struct jf_kv *kv, const struct jf_kv_query *query,
                               struct jf_diagnosis *diagnosis);
    // One key as it would be found after a crash now. Not there: found is not called.
    enum jf_error (*flushed_get)(struct jf_kv *kv, const struct jf_kv_query *query,
                                 struct jf_diagnosis *diagnosis);
    // Collect changes; commit makes all collected since the last commit visible at once, in all
    // families.
    void (*put)(struct jf_kv *kv, enum jf_kv_family family, struct jf_text key,
                struct jf_text value);
    void (*remove)(struct jf_kv *kv, enum jf_kv_family family, struct jf_text key);
    enum jf_error (*commit)(struct jf_kv *kv, struct jf_diagnosis *diagnosis);
    // Makes everything committed survive a crash, all families together. It may also happen by
    // itself at any commit. With is_waiting false it is only begun: flushed_get tells when it is
    // done.
    enum jf_error (*flush)(struct jf_kv *kv, bool is_waiting, struct jf_diagnosis *diagnosis);
    // Whether work in the background has failed.
    enum jf_error (*health)(struct jf_kv *kv, struct jf_diagnosis *diagnosis);
    struct jf_kv_snapshot *(*snapshot_open)(struct jf_kv *kv);
    void (*snapshot_close)(struct jf_kv *kv, struct jf_kv_snapshot *snapshot);
    // Keys from `from` on in ascending order. NULL: out of memory. Snapshot NULL: as of now.
    struct jf_kv_iterator *(*iterator_open)(struct jf_kv *kv, enum jf_kv_family family,
                                            const struct jf_kv_snapshot *snapshot,
                                            struct jf_text from);
    // Returns: JF_OK with key and value valid until the next call; JF_ERROR_NOT_FOUND at the end;
    // errors as above.
    enum jf_error (*iterator_next)(struct jf_kv_iterator *iterator, struct jf_text *out_key,
                                   struct jf_text *out_value, struct jf_diagnosis *diagnosis);
    void (*iterator_close)(struct jf_kv_iterator *iterator);
    uint64_t (*estimate)(struct jf_kv *kv, enum jf_kv_family family); // number of keys, roughly
    void (*close)(struct jf_kv *kv);
    // Makes a directory with the files as they are on disk now: what was flushed. Files are shared
    // by links where the file system allows it. In: the directory does not exist, its parent does.
    // NULL: not possible.
    enum jf_error (*checkpoint)(struct jf_kv *kv, const char *directory,
                                struct jf_diagnosis *diagnosis);
};

// First member of every implementation.
struct jf_kv {
    const struct jf_kv_functions *functions;
};

struct jf_kv_config {
    const char *directory;
    uint64_t write_buffer_bytes;
    uint64_t block_cache_bytes;
    bool is_read_only;
    bool is_scrub; // with is_read_only: all tables are opened at once, and read past the page cache
    bool is_meta_only; // read-only too: the family of meta alone, whatever others there are or lack
    bool must_exist;
};

// Opens or creates the database. Errors: JF_ERROR_NOT_FOUND, JF_ERROR_FOREIGN, JF_ERROR_LOCKED,
// JF_ERROR_CORRUPT, JF_ERROR_NO_SPACE, JF_ERROR_STATE, JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_kv_rocksdb_open(const struct jf_kv_config *config,
                                             struct jf_kv **out_kv, struct jf_diagnosis *diagnosis);

// The code for a RocksDB status text: what kind of failure it tells of.
enum jf_error jf_kv_rocksdb_error(const char *status);

static inline enum jf_error jf_kv_multi_get(struct jf_kv *kv, const struct jf_kv_query *query,
                                            struct jf_diagnosis *diagnosis)
{
    return kv->functions->multi_get(kv, query, diagnosis);
}

#endif
