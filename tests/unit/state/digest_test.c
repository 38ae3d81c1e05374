// The digest that is kept up with each change is always that of the records as they are: whatever
// was sealed, evicted, loaded again, or restarted in between.
#include <criterion/criterion.h>

#include "support.h"

static struct support_directory directory;
static struct support_ledger ledger;
static struct jf_diagnosis diagnosis;

static void begin(void)
{
    directory = support_directory_make();
}

static void end(void)
{
    support_directory_remove(&directory);
}

TestSuite(digest, .init = begin, .fini = end);

static void open_ok(const struct jf_state_config *config)
{
    cr_assert_eq(support_open(&ledger, config, NULL, &diagnosis), JF_OK, "%s", diagnosis.text);
}

static struct jf_digest digest_of(struct support_ledger *of)
{
    struct jf_digest digest;
    cr_assert_eq(jf_state_digest(of->state, of->control, &digest), JF_OK);
    return digest;
}

// Requires what is kept to be what the stored records give. In: settled.
static void counted_again(void)
{
    struct jf_state_scan *scan = NULL;
    uint64_t position = 0;
    cr_assert_eq(jf_state_scan_open(ledger.state, (struct jf_member_id){0}, &scan, &position),
                 JF_OK);
    cr_assert_eq(position, ledger.position);
    struct jf_hash128 sum = {0, 0};
    const struct jf_member *member = NULL;
    struct jf_text bytes = {NULL, 0};
    while (jf_state_scan_next(scan, &member, &bytes, &diagnosis) == JF_OK) {
        sum = jf_hash128_add(sum, jf_hash128(bytes.data, bytes.size));
    }
    struct jf_digest kept = digest_of(&ledger);
    struct jf_digest stored;
    cr_assert(jf_hash128_equal(sum, kept.members));
    cr_assert_eq(jf_state_scan_digest(scan, &stored, &diagnosis), JF_OK);
    cr_assert_null(jf_digest_difference(&stored, &kept));
    jf_state_scan_close(scan);
}

Test(digest, kept_sums_are_those_of_the_records_after_evictions_and_restarts)
{
    struct jf_state_config config = support_config(&directory);
    config.cache_bytes = 1; // whoever is stored goes
    open_ok(&config);
    for (uint64_t until = 50; until <= 400; until += 50) {
        support_steps(&ledger, until);
        support_settle(&ledger, true);
        counted_again();
        support_close(&ledger, until % 100 == 0);
        open_ok(&config);
        counted_again();
    }
    support_close(&ledger, true);
}

Test(digest, asking_changes_nothing_and_does_not_depend_on_seals)
{
    struct jf_state_config config = support_config(&directory);
    struct support_directory beside = support_directory_make();
    struct jf_state_config beside_config = support_config(&beside);
    struct support_ledger asked;
    open_ok(&config);
    cr_assert_eq(support_open(&asked, &beside_config, NULL, &diagnosis), JF_OK);
    for (uint64_t position = 1; position <= 120; position++) {
        support_step(&ledger);
        support_step(&asked);
        (void)digest_of(&asked);
        if (position % 7 == 0) {
            support_turn(&ledger);
        }
        if (position % 40 == 0) {
            struct jf_digest a = digest_of(&ledger);
            struct jf_digest b = digest_of(&asked);
            cr_assert_null(jf_digest_difference(&a, &b));
        }
    }
    support_settle(&asked, false);
    struct jf_digest a = digest_of(&ledger);
    struct jf_digest b = digest_of(&asked);
    cr_assert_null(jf_digest_difference(&a, &b));
    support_close(&ledger, true);
    support_close(&asked, true);
    support_directory_remove(&beside);
}

Test(digest, newest_digest_entry_outlives_a_restart)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    cr_assert_eq(jf_state_digest_newest(ledger.state).position, 0);
    support_step(&ledger);
    jf_state_note_digest(ledger.state, 1, (struct jf_hash128){5, 6});
    support_settle(&ledger, true);
    support_close(&ledger, true);
    open_ok(&config);
    struct jf_state_digest_entry newest = jf_state_digest_newest(ledger.state);
    cr_assert_eq(newest.position, 1);
    cr_assert(jf_hash128_equal(newest.digest, (struct jf_hash128){5, 6}));
    support_close(&ledger, true);
}

static void meta_change(const char *key, struct jf_text value)
{
    struct jf_kv_config config = {
        .directory = directory.path, .write_buffer_bytes = 1u << 20, .block_cache_bytes = 1u << 20};
    struct jf_kv *kv = NULL;
    cr_assert_eq(jf_kv_rocksdb_open(&config, &kv, &diagnosis), JF_OK, "%s", diagnosis.text);
    if (value.size == 0) {
        kv->functions->remove(kv, JF_KV_META, jf_text_from(key));
    } else {
        kv->functions->put(kv, JF_KV_META, jf_text_from(key), value);
    }
    cr_assert_eq(kv->functions->commit(kv, &diagnosis), JF_OK);
    cr_assert_eq(kv->functions->flush(kv, true, &diagnosis), JF_OK);
    kv->functions->close(kv);
}

Test(digest, missing_or_short_sums_are_corruption_with_a_remedy)
{
    struct jf_state_config config = support_config(&directory);
    static const struct jf_text values[2] = {{NULL, 0}, {"short", 5}};
    for (uint32_t i = 0; i < 2; i++) {
        if (i == 0) {
            open_ok(&config);
            support_steps(&ledger, 3);
            support_settle(&ledger, true);
            support_close(&ledger, true);
        }
        meta_change("sums", values[i]);
        cr_assert_eq(support_open(&ledger, &config, NULL, &diagnosis), JF_ERROR_CORRUPT);
        cr_assert_not_null(strstr(diagnosis.text, "digest"), "%s", diagnosis.text);
        cr_assert_not_null(strstr(diagnosis.text, "jifen rebuild"), "%s", diagnosis.text);
    }
}

// The identity with another format version: magic, version, ledger id.
static void version_change(uint32_t version)
{
    struct jf_state_config config = support_config(&directory);
    unsigned char value[28] = "JFSTATE1";
    memcpy(value + 8, &version, sizeof version);
    memcpy(value + 12, config.ledger_id, 16);
    meta_change("ledger", (struct jf_text){(const char *)value, sizeof value});
}

Test(digest, other_formats_are_refused_with_both_versions_and_the_remedy_for_each)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    support_close(&ledger, true);
    version_change(3);
    cr_assert_eq(support_open(&ledger, &config, NULL, &diagnosis), JF_ERROR_VERSION);
    cr_assert_not_null(strstr(diagnosis.text, "version 3, this program has 4"), "%s",
                       diagnosis.text);
    cr_assert_not_null(strstr(diagnosis.text, "jifen rebuild"), "%s", diagnosis.text);
    version_change(5);
    cr_assert_eq(support_open(&ledger, &config, NULL, &diagnosis), JF_ERROR_VERSION);
    cr_assert_not_null(strstr(diagnosis.text, "version 5, this program has 4"), "%s",
                       diagnosis.text);
    cr_assert_not_null(strstr(diagnosis.text, "newer program"), "%s", diagnosis.text);
    version_change(4);
    open_ok(&config);
    support_close(&ledger, true);
}
