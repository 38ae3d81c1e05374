// Claims about a failing database: the first failure is final and told at every turn after it, what
// is on disk stays whole, and reads of damaged values are errors, never answers.
#include <criterion/criterion.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "state/state_private.h"
#include "support.h"

// Forwards to RocksDB until its countdown ends.
struct failing {
    struct jf_kv kv;
    struct jf_kv *inner;
    uint32_t commits_left;
    uint32_t flushes_left;
    uint32_t gets_left;
    bool is_flush_endless; // flushes are begun and never done
    _Atomic uint32_t flushes_begun;
    struct jf_kv_functions functions;
};

static enum jf_error failing_multi_get(struct jf_kv *kv, const struct jf_kv_query *query,
                                       struct jf_diagnosis *diagnosis)
{
    struct failing *failing = (struct failing *)kv;
    if (failing->gets_left == 0) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT, "a block is damaged");
    }
    failing->gets_left--;
    return failing->inner->functions->multi_get(failing->inner, query, diagnosis);
}

static enum jf_error failing_flushed_get(struct jf_kv *kv, const struct jf_kv_query *query,
                                         struct jf_diagnosis *diagnosis)
{
    struct failing *failing = (struct failing *)kv;
    return failing->inner->functions->flushed_get(failing->inner, query, diagnosis);
}

static void failing_put(struct jf_kv *kv, enum jf_kv_family family, struct jf_text key,
                        struct jf_text value)
{
    struct failing *failing = (struct failing *)kv;
    failing->inner->functions->put(failing->inner, family, key, value);
}

static void failing_remove(struct jf_kv *kv, enum jf_kv_family family, struct jf_text key)
{
    struct failing *failing = (struct failing *)kv;
    failing->inner->functions->remove(failing->inner, family, key);
}

static enum jf_error failing_commit(struct jf_kv *kv, struct jf_diagnosis *diagnosis)
{
    struct failing *failing = (struct failing *)kv;
    if (failing->commits_left == 0) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_SPACE, "the disk is full");
    }
    failing->commits_left--;
    return failing->inner->functions->commit(failing->inner, diagnosis);
}

static enum jf_error failing_flush(struct jf_kv *kv, bool is_waiting,
                                   struct jf_diagnosis *diagnosis)
{
    struct failing *failing = (struct failing *)kv;
    if (failing->flushes_left == 0) {
        return jf_diagnose(diagnosis, JF_ERROR_STATE, "the disk is gone");
    }
    failing->flushes_left--;
    if (failing->is_flush_endless && !is_waiting) {
        atomic_fetch_add(&failing->flushes_begun, 1);
        return JF_OK;
    }
    return failing->inner->functions->flush(failing->inner, is_waiting, diagnosis);
}

static enum jf_error failing_health(struct jf_kv *kv, struct jf_diagnosis *diagnosis)
{
    struct failing *failing = (struct failing *)kv;
    return failing->inner->functions->health(failing->inner, diagnosis);
}

static struct jf_kv_iterator *failing_iterator_open(struct jf_kv *kv, enum jf_kv_family family,
                                                    const struct jf_kv_snapshot *snapshot,
                                                    struct jf_text from)
{
    struct failing *failing = (struct failing *)kv;
    return failing->inner->functions->iterator_open(failing->inner, family, snapshot, from);
}

static void failing_close(struct jf_kv *kv)
{
    struct failing *failing = (struct failing *)kv;
    failing->inner->functions->close(failing->inner);
    free(failing);
}

static struct failing *failing_make(const struct support_directory *directory)
{
    struct failing *failing = calloc(1, sizeof *failing);
    cr_assert_not_null(failing);
    struct jf_kv_config config = {
        .directory = directory->path, .write_buffer_bytes = 1 << 20, .block_cache_bytes = 1 << 20};
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(jf_kv_rocksdb_open(&config, &failing->inner, &diagnosis), JF_OK);
    failing->functions = *failing->inner->functions;
    failing->functions.multi_get = failing_multi_get;
    failing->functions.flushed_get = failing_flushed_get;
    failing->functions.put = failing_put;
    failing->functions.remove = failing_remove;
    failing->functions.commit = failing_commit;
    failing->functions.flush = failing_flush;
    failing->functions.health = failing_health;
    failing->functions.iterator_open = failing_iterator_open;
    failing->functions.close = failing_close;
    failing->kv.functions = &failing->functions;
    failing->commits_left = UINT32_MAX;
    failing->flushes_left = UINT32_MAX;
    failing->gets_left = UINT32_MAX;
    return failing;
}

static enum jf_error turn(struct support_ledger *ledger, struct jf_diagnosis *diagnosis)
{
    ledger->now_us += 1;
    return jf_state_turn(ledger->state, ledger->control, ledger->now_us, ledger->position,
                         diagnosis);
}

static enum jf_error run_into_failure(struct support_ledger *ledger, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = JF_OK;
    for (uint32_t i = 0; i < 200 && error == JF_OK; i++) {
        support_step(ledger);
        error = turn(ledger, diagnosis);
    }
    return error;
}

Test(fault, failing_commit_is_final_at_every_place_and_leaves_the_disk_whole)
{
    struct support_directory directory = support_directory_make();
    struct jf_state_config config = support_config(&directory);
    struct jf_diagnosis diagnosis = {0};
    struct support_ledger ledger;
    for (uint32_t commits = 0; commits < 8; commits++) {
        struct failing *failing = failing_make(&directory);
        cr_assert_eq(support_open(&ledger, &config, &failing->kv, &diagnosis), JF_OK);
        failing->commits_left = commits;
        cr_assert_eq(run_into_failure(&ledger, &diagnosis), JF_ERROR_NO_SPACE);
        cr_assert_str_eq(diagnosis.text, "the disk is full");
        uint64_t stored = jf_state_stored(ledger.state);
        uint64_t flushed = jf_state_flushed(ledger.state);
        failing->commits_left = UINT32_MAX;
        cr_assert_eq(turn(&ledger, &diagnosis), JF_ERROR_NO_SPACE);
        cr_assert_eq(jf_state_stored(ledger.state), stored);
        cr_assert_eq(jf_state_close(ledger.state, true, &diagnosis), JF_ERROR_NO_SPACE);
        jf_control_destroy(ledger.control);
        cr_assert_eq(support_open(&ledger, &config, NULL, &diagnosis), JF_OK);
        cr_assert(ledger.position >= flushed && ledger.position <= stored, "one position, whole");
        support_verify(&ledger);
        support_close(&ledger, true);
    }
    support_directory_remove(&directory);
}

Test(fault, failing_flush_is_final_and_positions_stay_unflushed)
{
    struct support_directory directory = support_directory_make();
    struct jf_state_config config = support_config(&directory);
    config.flush_entries = 10;
    struct jf_diagnosis diagnosis = {0};
    struct support_ledger ledger;
    struct failing *failing = failing_make(&directory);
    cr_assert_eq(support_open(&ledger, &config, &failing->kv, &diagnosis), JF_OK);
    failing->flushes_left = 2;
    cr_assert_eq(run_into_failure(&ledger, &diagnosis), JF_ERROR_STATE);
    cr_assert_eq(jf_state_flushed(ledger.state), 20);
    cr_assert_eq(jf_state_stored(ledger.state), 30);
    cr_assert_eq(jf_state_close(ledger.state, true, &diagnosis), JF_ERROR_STATE);
    jf_control_destroy(ledger.control);
    support_directory_remove(&directory);
}

// A checkpoint must not be felt: whoever applies entries never waits for the disk to flush, and
// what is stored goes on being stored.
Test(fault, a_flush_that_never_ends_holds_up_nobody)
{
    struct support_directory directory = support_directory_make();
    struct jf_state_config config = support_config(&directory);
    config.flush_entries = 10;
    config.is_inline = false;
    struct jf_diagnosis diagnosis = {0};
    struct support_ledger ledger;
    struct failing *failing = failing_make(&directory);
    cr_assert_eq(support_open(&ledger, &config, &failing->kv, &diagnosis), JF_OK);
    failing->is_flush_endless = true;
    for (uint32_t i = 0; i < 500; i++) {
        support_step(&ledger);
        cr_assert_eq(turn(&ledger, &diagnosis), JF_OK, "%s", diagnosis.text);
    }
    support_settle(&ledger, false);
    cr_assert_eq(jf_state_stored(ledger.state), 500);
    cr_assert_eq(jf_state_flushed(ledger.state), 0);
    // The store thread begins a flush after it has stored what comes before.
    for (uint32_t i = 0; i < 10000 && atomic_load(&failing->flushes_begun) == 0; i++) {
        const struct timespec pause = {.tv_nsec = 1000000};
        nanosleep(&pause, NULL);
    }
    cr_assert_eq(atomic_load(&failing->flushes_begun), 1, "the next waits for this one to end");
    cr_assert(!jf_state_is_behind(ledger.state));
    support_close(&ledger, true); // waits for a flush of its own
    cr_assert_eq(support_open(&ledger, &config, NULL, &diagnosis), JF_OK);
    cr_assert_eq(ledger.position, 500);
    support_verify(&ledger);
    support_close(&ledger, false);
    support_directory_remove(&directory);
}

Test(fault, failing_read_is_an_error_and_ends_in_the_next_turn)
{
    struct support_directory directory = support_directory_make();
    struct jf_state_config config = support_config(&directory);
    struct jf_diagnosis diagnosis = {0};
    struct support_ledger ledger;
    struct failing *failing = failing_make(&directory);
    cr_assert_eq(support_open(&ledger, &config, &failing->kv, &diagnosis), JF_OK);
    support_steps(&ledger, 50);
    support_settle(&ledger, false);
    failing->gets_left = 0;
    struct jf_transaction_key key = support_transaction(7);
    struct jf_transaction_row row = {0};
    cr_assert_eq(jf_state_transactions_find(ledger.state, &key, 1, &row), JF_ERROR_CORRUPT);
    struct jf_receipt_key receipt = support_receipt(7);
    uint64_t position = 0;
    cr_assert_eq(jf_state_receipts_find(ledger.state, &receipt, 1, &position), JF_ERROR_CORRUPT);
    struct jf_text card = JF_TEXT("card-1");
    struct jf_member_id member = {0};
    cr_assert_eq(jf_state_cards_find(ledger.state, &card, 1, &member), JF_ERROR_CORRUPT);
    member.value = 1000;
    cr_assert_eq(jf_state_members_fetch(ledger.state, &member, 1), JF_ERROR_CORRUPT);
    struct jf_arena arena;
    jf_arena_init(&arena, 1024, 1 << 20);
    struct jf_text entry = {NULL, 0};
    cr_assert_eq(jf_state_entry_read(ledger.state, 7, &arena, &entry), JF_ERROR_CORRUPT);
    jf_arena_deinit(&arena);
    cr_assert_eq(turn(&ledger, &diagnosis), JF_ERROR_CORRUPT);
    cr_assert_str_eq(diagnosis.text, "a block is damaged");
    failing->gets_left = UINT32_MAX;
    cr_assert_eq(turn(&ledger, &diagnosis), JF_ERROR_CORRUPT);
    support_close(&ledger, true);
    support_directory_remove(&directory);
}

static void value_damage(const struct support_directory *directory, enum jf_kv_family family,
                         struct jf_text key, struct jf_text value)
{
    struct jf_kv_config config = {
        .directory = directory->path, .write_buffer_bytes = 1 << 20, .block_cache_bytes = 1 << 20};
    struct jf_diagnosis diagnosis = {0};
    struct jf_kv *kv = NULL;
    cr_assert_eq(jf_kv_rocksdb_open(&config, &kv, &diagnosis), JF_OK);
    kv->functions->put(kv, family, key, value);
    cr_assert_eq(kv->functions->commit(kv, &diagnosis), JF_OK);
    cr_assert_eq(kv->functions->flush(kv, true, &diagnosis), JF_OK);
    kv->functions->close(kv);
}

static struct support_directory filled_directory(void)
{
    struct support_directory directory = support_directory_make();
    struct jf_state_config config = support_config(&directory);
    struct jf_diagnosis diagnosis = {0};
    struct support_ledger ledger;
    cr_assert_eq(support_open(&ledger, &config, NULL, &diagnosis), JF_OK);
    support_steps(&ledger, 60);
    support_settle(&ledger, true);
    support_close(&ledger, true);
    return directory;
}

static void opening_fails(enum jf_kv_family family, struct jf_text key, struct jf_text value,
                          enum jf_error expected)
{
    struct support_directory directory = filled_directory();
    value_damage(&directory, family, key, value);
    struct jf_state_config config = support_config(&directory);
    struct jf_state *state = NULL;
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(jf_state_open(&config, &state, &diagnosis), expected, "%s", diagnosis.text);
    cr_assert(diagnosis.text[0] != '\0');
    support_directory_remove(&directory);
}

Test(fault, damaged_meta_and_filter_are_refused_on_opening)
{
    opening_fails(JF_KV_META, JF_TEXT("applied"), JF_TEXT("abc"), JF_ERROR_CORRUPT);
    opening_fails(JF_KV_META, JF_TEXT("applied"), JF_TEXT("abcdefghijkl"), JF_ERROR_CORRUPT);
    opening_fails(JF_KV_META, JF_TEXT("applied"), JF_TEXT("\x3b\0\0\0\0\0\0\0"), JF_ERROR_CORRUPT);
    opening_fails(JF_KV_META, JF_TEXT("ledger"), JF_TEXT("something else"), JF_ERROR_FOREIGN);
    opening_fails(JF_KV_META, JF_TEXT("ledger"),
                  JF_TEXT("JFSTATE1\x01\0\0\0\x01\x02\x03\0\0\0\0\0\0\0\0\0\0\0\0\0"),
                  JF_ERROR_VERSION);
    opening_fails(JF_KV_META, JF_TEXT("ledger"),
                  JF_TEXT("JFSTATE1\x02\0\0\0\x01\x02\x03\0\0\0\0\0\0\0\0\0\0\0\0\0"),
                  JF_ERROR_VERSION);
    opening_fails(JF_KV_META, JF_TEXT("ledger"),
                  JF_TEXT("JFSTATE1\x03\0\0\0\x01\x02\x03\0\0\0\0\0\0\0\0\0\0\0\0\0"),
                  JF_ERROR_VERSION);
    opening_fails(JF_KV_META, JF_TEXT("ledger"),
                  JF_TEXT("JFSTATE1\x05\0\0\0\x01\x02\x03\0\0\0\0\0\0\0\0\0\0\0\0\0"),
                  JF_ERROR_VERSION);
    opening_fails(JF_KV_META, JF_TEXT("tail"), JF_TEXT("short"), JF_ERROR_CORRUPT);
    opening_fails(JF_KV_META, JF_TEXT("tail"), JF_TEXT("\x02\0\0\0\0\0\0\0\x01\0\0\0\0"),
                  JF_ERROR_CORRUPT);
    opening_fails(JF_KV_META, JF_TEXT("tail"), JF_TEXT("\x01\0\0\0\0\0\0\0\x01\0\0\0\0"),
                  JF_ERROR_CORRUPT);
    opening_fails(JF_KV_FILTER, JF_TEXT("p\0\0\0\0"), JF_TEXT("short"), JF_ERROR_CORRUPT);
    opening_fails(JF_KV_FILTER, JF_TEXT("p\0\0\0\x09"), JF_TEXT("far"), JF_ERROR_CORRUPT);
}

Test(fault, damaged_member_is_never_served)
{
    struct support_directory directory = filled_directory();
    unsigned char number[8];
    jf_store_u64_ordered(number, 5);
    value_damage(&directory, JF_KV_MEMBERS, jf_text_of(number, 8), JF_TEXT("not a member at all"));
    struct jf_state_config config = support_config(&directory);
    struct jf_diagnosis diagnosis = {0};
    struct support_ledger ledger;
    cr_assert_eq(support_open(&ledger, &config, NULL, &diagnosis), JF_OK);
    struct jf_member_id id = {5};
    cr_assert_eq(jf_state_members_fetch(ledger.state, &id, 1), JF_ERROR_CORRUPT);
    cr_assert_null(jf_state_member(ledger.state, id));
    cr_assert_eq(turn(&ledger, &diagnosis), JF_ERROR_CORRUPT);
    struct jf_state_scan *scan = NULL;
    uint64_t position = 0;
    cr_assert_eq(jf_state_scan_open(ledger.state, id, &scan, &position), JF_OK);
    const struct jf_member *member = NULL;
    struct jf_text bytes = {NULL, 0};
    cr_assert_eq(jf_state_scan_next(scan, &member, &bytes, &diagnosis), JF_ERROR_CORRUPT);
    cr_assert(strstr(diagnosis.text, "member 5") != NULL, "%s", diagnosis.text);
    jf_state_scan_close(scan);
    support_close(&ledger, true);
    support_directory_remove(&directory);
}
