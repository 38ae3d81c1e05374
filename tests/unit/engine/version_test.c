// A directory that a newer program has written is refused by this one, whichever half says so: both
// versions and the remedy are named, and nothing is changed.
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "bench_ledger.h"
#include "state/kv.h"

#define SECTOR 4096

// Rewrites `size` bytes at `offset`: the version at byte 24 becomes 2, the checksum in front of
// byte 16 covers the rest.
static void version_raise(const struct ledger *ledger, const char *name, off_t offset, size_t size)
{
    char path[128];
    unsigned char bytes[SECTOR];
    snprintf(path, sizeof path, "%s/journal/%s", ledger->directory, name);
    int fd = open(path, O_RDWR);
    cr_assert_geq(fd, 0);
    cr_assert_eq(pread(fd, bytes, size, offset), (ssize_t)size);
    cr_assert_eq(jf_load_u32(bytes + 24), 1);
    jf_store_u32(bytes + 24, 2);
    struct jf_hash128 checksum = jf_hash128(bytes + 16, size - 16);
    jf_store_u64(bytes, checksum.low);
    jf_store_u64(bytes + 8, checksum.high);
    cr_assert_eq(pwrite(fd, bytes, size, offset), (ssize_t)size);
    close(fd);
}

static void refused(struct ledger *ledger, const char *found, const char *known)
{
    struct jf_engine *engine = NULL;
    for (uint32_t i = 0; i < 2; i++) { // the second time as the first: nothing was changed
        struct jf_diagnosis diagnosis = {.error = JF_OK};
        cr_assert_eq(jf_engine_open(&ledger->config, &engine, NULL, &diagnosis), JF_ERROR_VERSION,
                     "%s", diagnosis.text);
        cr_assert_not_null(strstr(diagnosis.text, found), "%s", diagnosis.text);
        cr_assert_not_null(strstr(diagnosis.text, known), "%s", diagnosis.text);
        cr_assert_not_null(strstr(diagnosis.text, "newer"), "%s", diagnosis.text);
    }
}

static void begin(struct ledger *ledger)
{
    ledger_start(ledger);
    ledger_close(ledger);
}

Test(version, newer_superblock_is_refused)
{
    struct ledger ledger;
    begin(&ledger);
    for (off_t copy = 0; copy < 4; copy++) {
        version_raise(&ledger, "SUPERBLOCK", copy * SECTOR, SECTOR);
    }
    refused(&ledger, "version 2", "knows 1");
    ledger_remove(&ledger);
}

Test(version, newer_block_is_refused)
{
    struct ledger ledger;
    char path[128];
    begin(&ledger);
    version_raise(&ledger, "segment-0000000000000001.jfl", 0, 256);
    // All has to be replayed, so that the block is met.
    snprintf(path, sizeof path, "%s/state", ledger.directory);
    char away[160];
    snprintf(away, sizeof away, "%s/away", ledger.directory);
    cr_assert_eq(rename(path, away), 0);
    refused(&ledger, "version 2", "version 1");
    ledger_remove(&ledger);
}

static enum jf_error identity_found(void *context, uint32_t index, struct jf_text value)
{
    (void)index;
    cr_assert_eq(value.size, 28);
    memcpy(context, value.data, value.size);
    return JF_OK;
}

Test(version, newer_state_is_refused)
{
    struct ledger ledger;
    char path[128];
    unsigned char identity[28];
    struct jf_kv *kv = NULL;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    begin(&ledger);
    snprintf(path, sizeof path, "%s/state", ledger.directory);
    struct jf_kv_config config = {
        .directory = path, .write_buffer_bytes = 1u << 20, .block_cache_bytes = 1u << 20};
    cr_assert_eq(jf_kv_rocksdb_open(&config, &kv, &diagnosis), JF_OK, "%s", diagnosis.text);
    const struct jf_text key = JF_TEXT("ledger");
    struct jf_kv_query query = {.family = JF_KV_META,
                                .keys = &key,
                                .count = 1,
                                .found = identity_found,
                                .context = identity};
    cr_assert_eq(jf_kv_multi_get(kv, &query, &diagnosis), JF_OK);
    jf_store_u32(identity + 8, 5);
    kv->functions->put(kv, JF_KV_META, key,
                       (struct jf_text){(const char *)identity, sizeof identity});
    cr_assert_eq(kv->functions->commit(kv, &diagnosis), JF_OK);
    cr_assert_eq(kv->functions->flush(kv, true, &diagnosis), JF_OK);
    kv->functions->close(kv);
    refused(&ledger, "version 5", "has 4");
    ledger_remove(&ledger);
}
