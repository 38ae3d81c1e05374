// Verification names each kind of difference: a wrong value is planted into the database of a
// closed ledger through the key-value store, verification says what and where, the value is put
// back. One ledger for all plants: its state holds a whole chunk of entries and an unfinished one.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_ledger.h"
#include "engine/jobs.h"
#include "state/filter.h"
#include "state/control_codec.h"
#include "state/keys.h"
#include "state/kv.h"
#include "state/member_codec.h"

#define SALES 40u

static const struct jf_line line_100 = {
    .sku = {"A1", 2}, .category = {"DRUG", 4}, .quantity_milli = 1000, .amount = 10000};

static void post(struct ledger *ledger, struct jf_command command)
{
    struct jf_write *write = ledger_write(ledger, &command);
    cr_assert_eq(write->status, JF_WRITE_POSTED, "%.*s", (int)command.transaction_id.size,
                 command.transaction_id.data);
}

// Two members with a card each, sales, a return, a hold; closed.
static void ledger_fill(struct ledger *ledger)
{
    static const struct jf_text cards[] = {{"2000000010018", 13}, {"2000000010025", 13}};
    ledger_start(ledger);
    post(ledger, command_enrol("e7", 7, &cards[0]));
    post(ledger, command_enrol("e8", 8, &cards[1]));
    char id[16];
    for (uint32_t i = 0; i < SALES; i++) {
        snprintf(id, sizeof id, "s%u", i);
        post(ledger, command_sale(id, 7 + i % 2, &line_100));
    }
    post(ledger, command_return_all("b1", "s1"));
    post(ledger, command_hold("h1", 7, 100));
    ledger_close(ledger);
}

static struct jf_kv *kv_open(const struct ledger *ledger)
{
    char path[128];
    snprintf(path, sizeof path, "%s/state", ledger->directory);
    struct jf_kv_config config = {
        .directory = path, .write_buffer_bytes = 4 << 20, .block_cache_bytes = 1 << 20};
    struct jf_diagnosis diagnosis = {0};
    struct jf_kv *kv = NULL;
    cr_assert_eq(jf_kv_rocksdb_open(&config, &kv, &diagnosis), JF_OK, "%s", diagnosis.text);
    return kv;
}

static void kv_close(struct jf_kv *kv)
{
    cr_assert_eq(kv->functions->commit(kv, NULL), JF_OK);
    cr_assert_eq(kv->functions->flush(kv, true, NULL), JF_OK);
    kv->functions->close(kv);
}

// A row, copied out.
struct row {
    char key[128];
    char value[65536 + 64];
    struct jf_text key_text;
    struct jf_text value_text;
};

// The first row whose key begins with `prefix`, of `key_size` bytes if that is not 0.
static void row_find(struct jf_kv *kv, enum jf_kv_family family, struct jf_text prefix,
                     uint32_t key_size, struct row *out_row)
{
    struct jf_kv_iterator *iterator = kv->functions->iterator_open(kv, family, NULL, prefix);
    struct jf_text key = {NULL, 0};
    struct jf_text value = {NULL, 0};
    do {
        cr_assert_eq(kv->functions->iterator_next(iterator, &key, &value, NULL), JF_OK);
        cr_assert(key.size >= prefix.size && memcmp(key.data, prefix.data, prefix.size) == 0);
    } while (key_size != 0 && key.size != key_size);
    cr_assert(key.size <= sizeof out_row->key && value.size <= sizeof out_row->value);
    memcpy(out_row->key, key.data, key.size);
    memcpy(out_row->value, value.data, value.size);
    out_row->key_text = (struct jf_text){out_row->key, key.size};
    out_row->value_text = (struct jf_text){out_row->value, value.size};
    kv->functions->iterator_close(iterator);
}

static struct jf_job_progress verified(const struct ledger *ledger)
{
    struct jf_job_progress result;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(jf_verify_directory(ledger->directory, NULL, NULL, &result, &diagnosis), JF_OK,
                 "%s", diagnosis.text);
    return result;
}

static void expect_difference(const struct ledger *ledger, const char *text)
{
    struct jf_job_progress result = verified(ledger);
    cr_assert_not(result.ties, "not noticed: %s", text);
    cr_assert_not_null(strstr(result.difference, text), "%s: %s", text, result.difference);
}

enum plant {
    REMOVED,
    CHANGED, // the value's last byte
    ADDED,   // the same value under a key that differs in its last byte
};

static void plant_do(struct jf_kv *kv, enum jf_kv_family family, struct row *row, enum plant plant,
                     bool is_undone)
{
    struct row other = *row;
    other.key_text.data = other.key;
    other.value_text.data = other.value;
    if (plant == ADDED) {
        other.key[other.key_text.size - 1] ^= 1;
    } else if (plant == CHANGED) {
        other.value[other.value_text.size - 1] ^= 1;
    }
    bool is_removal = is_undone ? plant == ADDED : plant == REMOVED;
    if (is_removal) {
        kv->functions->remove(kv, family, other.key_text);
    } else if (is_undone) {
        kv->functions->put(kv, family, row->key_text, row->value_text);
    } else {
        kv->functions->put(kv, family, other.key_text, other.value_text);
    }
}

static void expect_plant(const struct ledger *ledger, enum jf_kv_family family, struct row *row,
                         enum plant plant, const char *text)
{
    struct jf_kv *kv = kv_open(ledger);
    plant_do(kv, family, row, plant, false);
    kv_close(kv);
    expect_difference(ledger, text);
    kv = kv_open(ledger);
    plant_do(kv, family, row, plant, true);
    kv_close(kv);
}

Test(verify, names_a_row_of_an_index_that_is_gone_wrong_or_of_nothing, .timeout = 120)
{
    static const struct {
        enum jf_kv_family family;
        const char *prefix;
        uint32_t key_size;
        enum plant plant;
        const char *text;
    } plants[] = {
        {JF_KV_CARDS, "", 0, REMOVED, "card 2000000010018: in the journal (member 7) and not"},
        {JF_KV_CARDS, "", 0, CHANGED,
         "card 2000000010018: member 6 in the state, member 7 from the journal"},
        {JF_KV_CARDS, "", 0, ADDED, "card 2000000010019: in the state (member 7) and not"},
        {JF_KV_TRANSACTIONS, "", 0, REMOVED, "and not in the state"},
        {JF_KV_TRANSACTIONS, "", 0, CHANGED, "followed by entry 1 in the state"},
        {JF_KV_TRANSACTIONS, "", 0, ADDED, "and not in the journal"},
        {JF_KV_RECEIPTS, "", 0, REMOVED, "of store 1, terminal 1, 2026-06-15: in the journal"},
        {JF_KV_RECEIPTS, "", 0, CHANGED, " from the journal"},
        {JF_KV_RECEIPTS, "", 0, ADDED, "of store 1, terminal 1, 2026-06-15: in the state"},
        {JF_KV_EXPIRIES, "", 0, REMOVED,
         "expiry of member 7 after 2027-06-30: in the journal (0 bytes) and not in the state"},
        {JF_KV_EXPIRIES, "", 0, ADDED, "expiry of member 6 after 2027-06-30: in the state"},
        {JF_KV_META, "d", 5, REMOVED, "date with transactions day 0: in the journal"},
        {JF_KV_META, "d", 5, ADDED, "date with transactions 1970-01-02: in the state"},
        {JF_KV_META, "r", 9, REMOVED, "store or programme of entry 1: in the journal"},
        {JF_KV_META, "r", 9, ADDED, "store or programme of entry 0: in the state"},
        {JF_KV_MEMBERS, "", 0, REMOVED, "member 7 is in the journal and not in the state"},
        // A state that says it holds nothing must hold nothing.
        {JF_KV_META, "applied", 7, REMOVED, "the state holds entry 1, and its position is 0"},
    };
    struct ledger ledger;
    ledger_fill(&ledger);
    cr_assert(verified(&ledger).ties);
    cr_assert_gt(verified(&ledger).rows, 2 * SALES);
    for (uint32_t i = 0; i < sizeof plants / sizeof plants[0]; i++) {
        struct row row;
        struct jf_kv *kv = kv_open(&ledger);
        row_find(kv, plants[i].family, jf_text_from(plants[i].prefix), plants[i].key_size, &row);
        kv_close(kv);
        expect_plant(&ledger, plants[i].family, &row, plants[i].plant, plants[i].text);
    }
    struct jf_job_progress result = verified(&ledger);
    cr_assert(result.ties, "all was put back: %s", result.difference);
    ledger_remove(&ledger);
}

Test(verify, names_an_entry_that_is_other_bytes_gone_or_beyond_the_end, .timeout = 120)
{
    struct ledger ledger;
    ledger_fill(&ledger);
    struct row chunk;
    struct row tail;
    struct jf_kv *kv = kv_open(&ledger);
    row_find(kv, JF_KV_ENTRIES, JF_TEXT(""), 0, &chunk);
    row_find(kv, JF_KV_META, JF_TEXT(JF_META_TAIL), 0, &tail);
    kv_close(kv);
    // Whole chunks end with entry 31; the tail with entry 46.
    expect_plant(&ledger, JF_KV_ENTRIES, &chunk, CHANGED, "entry 31: the state holds");
    expect_plant(&ledger, JF_KV_ENTRIES, &chunk, REMOVED,
                 "entry 1 is in the journal and not in the state");
    expect_plant(&ledger, JF_KV_META, &tail, CHANGED, "entry 46: the state holds");
    expect_plant(&ledger, JF_KV_META, &tail, REMOVED,
                 "entry 32 is in the journal and not in the state");
    struct row beyond = chunk;
    beyond.key_text.data = beyond.key;
    beyond.value_text.data = beyond.value;
    beyond.key[beyond.key_text.size - 1] = 8; // entries from 256 on
    kv = kv_open(&ledger);
    kv->functions->remove(kv, JF_KV_META, tail.key_text);
    kv->functions->put(kv, JF_KV_ENTRIES, beyond.key_text, beyond.value_text);
    kv_close(kv);
    expect_difference(&ledger, "entry 32 is in the journal and not in the state");
    ledger_remove(&ledger);
}

Test(verify, names_a_transaction_that_the_stored_filter_calls_new, .timeout = 120)
{
    struct ledger ledger;
    ledger_fill(&ledger);
    struct row recent;
    struct jf_kv *kv = kv_open(&ledger);
    row_find(kv, JF_KV_FILTER, JF_TEXT("r"), 0, &recent);
    kv->functions->remove(kv, JF_KV_FILTER, recent.key_text);
    kv_close(kv);
    expect_difference(&ledger, "is stored, and the stored filter calls it new");
    kv = kv_open(&ledger); // without its mark the next opening builds the filter from the keys
    kv->functions->remove(kv, JF_KV_META, JF_TEXT(JF_META_FILTER));
    kv_close(kv);
    cr_assert(verified(&ledger).ties);
    ledger_open(&ledger); // which writes its pages
    ledger_close(&ledger);
    struct jf_job_progress result = verified(&ledger);
    cr_assert(result.ties, "%s", result.difference);
    static const char zeros[JF_FILTER_PAGE_BYTES];
    kv = kv_open(&ledger);
    for (uint32_t page = 0; page < (1u << 20) / JF_FILTER_PAGE_BYTES; page++) {
        unsigned char key[1 + sizeof(uint32_t)] = {JF_FILTER_KEY_PAGE};
        jf_store_u32_ordered(key + 1, page);
        kv->functions->put(kv, JF_KV_FILTER, jf_text_of(key, sizeof key),
                           (struct jf_text){zeros, sizeof zeros});
    }
    kv_close(kv);
    expect_difference(&ledger, "is stored, and the stored filter calls it new");
    ledger_remove(&ledger);
}

static void member_change(struct row *row, void (*change)(struct jf_member *member))
{
    struct jf_member_capacity capacity = {0};
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(jf_member_record_measure(row->value_text, &capacity, &diagnosis), JF_OK);
    capacity.debts += 1;
    struct jf_member *member =
        jf_member_block_init(calloc(1, jf_member_block_size(capacity)), capacity);
    cr_assert_eq(jf_member_record_decode(row->value_text, member, &diagnosis), JF_OK);
    change(member);
    row->value_text.size = (uint32_t)jf_member_record_encode(member, (unsigned char *)row->value);
    free(member);
}

static void points_add(struct jf_member *member)
{
    member->lots[0].remaining += 1;
    member->lots[0].granted += 1;
}

static void visits_add(struct jf_member *member)
{
    member->visits += 1;
}

static void grant_add(struct jf_member *member)
{
    member->lots[0].granted += 1;
}

static void hold_defer(struct jf_member *member)
{
    member->holds[0].deadline_ms += 1;
}

// Balanced by as many points more, so that the debt itself is what is told.
static void debt_add(struct jf_member *member)
{
    points_add(member);
    member->debts[member->debt_count++] = (struct jf_debt){.entity = {9}, .points = 1};
}

Test(verify, names_a_member_whose_record_is_another, .timeout = 120)
{
    struct ledger ledger;
    ledger_fill(&ledger);
    struct row row;
    struct jf_kv *kv = kv_open(&ledger);
    row_find(kv, JF_KV_MEMBERS, JF_TEXT(""), 0, &row);
    kv_close(kv);
    static void (*const changes[])(struct jf_member *) = {points_add, visits_add, grant_add,
                                                          hold_defer, debt_add};
    static const char *const texts[] = {
        "member 7: balance 2001 in the state, 2000 from the journal",
        "member 7: visits 21 in the state, 20 from the journal",
        "member 7, lot 0 (until 2027-06-30, entity 1): 1900 of 2001 points left in the state, 1900 "
        "of 2000 from the journal",
        "member 7: hold number 0 is another in the state than from the journal",
        "member 7: count of debts 1 in the state, 0 from the journal",
    };
    for (uint32_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct row changed = row;
        changed.key_text.data = changed.key;
        changed.value_text.data = changed.value;
        member_change(&changed, changes[i]);
        kv = kv_open(&ledger);
        kv->functions->put(kv, JF_KV_MEMBERS, changed.key_text, changed.value_text);
        kv_close(kv);
        expect_difference(&ledger, texts[i]);
    }
    ledger_remove(&ledger);
}

Test(verify, names_a_control_account_that_is_another, .timeout = 120)
{
    struct ledger ledger;
    ledger_fill(&ledger);
    struct row row;
    struct jf_kv *kv = kv_open(&ledger);
    row_find(kv, JF_KV_META, JF_TEXT(JF_META_CONTROL), 0, &row);
    struct jf_control *control = NULL;
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(jf_control_create(&control), JF_OK);
    cr_assert_eq(jf_control_record_load(row.value_text, control, &diagnosis), JF_OK);
    const struct jf_control_row *rows = NULL;
    struct jf_posting postings[2] = {{.account = JF_ACCOUNT_AVAILABLE, .entity = {1}, .points = 5},
                                     {.account = JF_ACCOUNT_ISSUED, .entity = {1}, .points = -5}};
    struct jf_entry entry = {
        .kind = JF_ENTRY_ADJUSTMENT, .position = 47, .postings = postings, .posting_count = 2};
    cr_assert_eq(jf_control_reserve(control, &entry), JF_OK);
    cr_assert_gt(jf_control_rows(control, &rows), 0);
    jf_control_apply(control, &entry);
    row.value_text.size = (uint32_t)jf_control_record_encode(control, (unsigned char *)row.value);
    kv->functions->put(kv, JF_KV_META, row.key_text, row.value_text);
    kv_close(kv);
    jf_control_destroy(control);
    expect_difference(&ledger, "control account 1 of entity 1, ground 0: 3805 in the state, 3800");
    ledger_remove(&ledger);
}

Test(verify, says_of_a_running_ledger_that_it_runs)
{
    struct ledger ledger;
    struct jf_job_progress result;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    ledger_start(&ledger);
    cr_assert_eq(jf_verify_directory(ledger.directory, NULL, NULL, &result, &diagnosis),
                 JF_ERROR_LOCKED);
    cr_assert_not_null(strstr(diagnosis.text, "is running: leave --data out"), "%s",
                       diagnosis.text);
    ledger_close(&ledger);
    cr_assert(verified(&ledger).ties);
    ledger_remove(&ledger);
}

Test(verify, finds_nothing_wrong_where_the_state_was_never_written)
{
    struct ledger ledger;
    ledger_make(&ledger);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        ledger_begin(&ledger);
        _exit(0); // as a kill: only the journal has it
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    struct jf_job_progress result = verified(&ledger);
    cr_assert(result.ties, "%s", result.difference);
    cr_assert_eq(result.position, 0);
    ledger_remove(&ledger);
}
