// Everything goes through state/kv.h, the only way to RocksDB there is. Members' keys ascend, the
// cards' come at random: two families with the same options. Fails: a folder that cannot be made;
// the database.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "bench/limits_parts.h"
#include "bench/options.h"
#include "bench/process.h"
#include "bench/random.h"
#include "engine/engine.h"
#include "state/kv.h"

#define KEY_BYTES    8u
#define VALUE_BYTES  150u // as a member's record
#define PUTS_AT_ONCE 1000u
#define GETS_AT_ONCE 256u
#define KEYS_MAX     50000000u // bounds the disk space: some 8 GB

struct store {
    struct jf_kv *kv;
    uint64_t count; // keys of the family that is looked at
    uint64_t random;
    uint64_t found;
};

static uint64_t random_key(uint64_t number)
{
    uint64_t state = number;
    return jf_random_next(&state);
}

static enum jf_error puts_run(struct store *store, enum jf_kv_family family, uint64_t run_us,
                              double *out_rate, struct jf_diagnosis *diagnosis)
{
    unsigned char value[VALUE_BYTES];
    uint64_t begun_ns = jf_bench_now_ns();
    uint64_t end_ns = begun_ns + run_us * 1000;
    enum jf_error error = JF_OK;
    store->count = 0;
    for (uint32_t i = 0; i < VALUE_BYTES; i++) {
        value[i] = (unsigned char)jf_random_next(&store->random);
    }
    while (error == JF_OK && store->count < KEYS_MAX && jf_bench_now_ns() < end_ns &&
           !jf_interrupt_seen()) {
        for (uint32_t i = 0; i < PUTS_AT_ONCE; i++) {
            unsigned char key[KEY_BYTES];
            uint64_t number = store->count++;
            jf_store_u64_ordered(key, family == JF_KV_MEMBERS ? number : random_key(number));
            jf_store_u64(value, number);
            store->kv->functions->put(store->kv, family,
                                      (struct jf_text){(const char *)key, KEY_BYTES},
                                      (struct jf_text){(const char *)value, VALUE_BYTES});
        }
        error = store->kv->functions->commit(store->kv, diagnosis);
    }
    *out_rate = (double)store->count * 1e9 / (double)(jf_bench_now_ns() - begun_ns);
    return error;
}

static enum jf_error value_found(void *context, uint32_t index, struct jf_text value)
{
    struct store *store = context;
    (void)index;
    store->found += value.size == VALUE_BYTES ? 1 : 0;
    return JF_OK;
}

// In: the cards were put last. Errors: JF_ERROR_INVALID where a key that was put is not found.
static enum jf_error gets_run(struct store *store, uint64_t run_us, double *out_rate,
                              struct jf_diagnosis *diagnosis)
{
    static unsigned char bytes[GETS_AT_ONCE][KEY_BYTES];
    static struct jf_text keys[GETS_AT_ONCE];
    struct jf_kv_query query = {.family = JF_KV_CARDS,
                                .keys = keys,
                                .count = GETS_AT_ONCE,
                                .found = value_found,
                                .context = store};
    uint64_t begun_ns = jf_bench_now_ns();
    uint64_t end_ns = begun_ns + run_us * 1000;
    uint64_t asked = 0;
    enum jf_error error = JF_OK;
    while (error == JF_OK && jf_bench_now_ns() < end_ns && !jf_interrupt_seen()) {
        for (uint32_t i = 0; i < GETS_AT_ONCE; i++) {
            uint64_t number = jf_random_next(&store->random) % store->count;
            jf_store_u64_ordered(bytes[i], random_key(number));
            keys[i] = (struct jf_text){(const char *)bytes[i], KEY_BYTES};
        }
        error = jf_kv_multi_get(store->kv, &query, diagnosis);
        asked += GETS_AT_ONCE;
    }
    *out_rate = (double)asked * 1e9 / (double)(jf_bench_now_ns() - begun_ns);
    return error == JF_OK && store->found != asked
               ? jf_diagnose(diagnosis, JF_ERROR_INVALID, "RocksDB lost keys that were put")
               : error;
}

static enum jf_error store_measure(struct store *store, struct jf_report *report, uint64_t run_us,
                                   struct jf_diagnosis *diagnosis)
{
    double ascending = 0;
    double random = 0;
    double gets = 0;
    enum jf_error error = puts_run(store, JF_KV_MEMBERS, run_us, &ascending, diagnosis);
    if (error == JF_OK) {
        error = puts_run(store, JF_KV_CARDS, run_us, &random, diagnosis);
    }
    if (error == JF_OK) {
        error = store->kv->functions->flush(store->kv, true, diagnosis);
    }
    if (error == JF_OK) {
        error = gets_run(store, run_us, &gets, diagnosis);
    }
    if (error == JF_OK && !jf_interrupt_seen()) {
        jf_report_add(report, "rocksdb.put_ascending.rate", ascending, "/s", NULL);
        jf_report_add(report, "rocksdb.put_random.rate", random, "/s",
                      "rocksdb.put_ascending.rate");
        jf_report_add(report, "rocksdb.get_random.rate", gets, "/s", NULL);
    }
    return error;
}

enum jf_error jf_limits_store(struct jf_report *report, const char *directory, uint64_t run_us,
                              struct jf_diagnosis *diagnosis)
{
    struct jf_engine_config engine = jf_engine_config_default();
    struct jf_scratch scratch = {.path = ""};
    char path[JF_PATH_SIZE + 8];
    struct store store = {.random = 1};
    enum jf_error error = jf_scratch_create(&scratch, directory, diagnosis);
    (void)snprintf(path, sizeof path, "%s/keys", scratch.path);
    struct jf_kv_config config = {.directory = path,
                                  .write_buffer_bytes = engine.write_buffer_bytes,
                                  .block_cache_bytes = engine.block_cache_bytes};
    if (error == JF_OK) {
        error = jf_kv_rocksdb_open(&config, &store.kv, diagnosis);
    }
    if (error == JF_OK) {
        error = store_measure(&store, report, run_us, diagnosis);
        store.kv->functions->close(store.kv);
    }
    jf_scratch_remove(&scratch);
    return error;
}
