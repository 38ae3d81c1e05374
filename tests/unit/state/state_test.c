// Claims about a state as its owner sees it: what was noted is found at every stage of its way to
// the disk, generations wait for the journal, scans stand still, and wrong directories are refused.
#include <criterion/criterion.h>

#include <stdio.h>
#include <unistd.h>

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

TestSuite(state, .init = begin, .fini = end);

static void open_ok(const struct jf_state_config *config)
{
    enum jf_error error = support_open(&ledger, config, NULL, &diagnosis);
    cr_assert_eq(error, JF_OK, "%s", diagnosis.text);
}

Test(state, another_ledger_is_refused)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    support_close(&ledger, true);
    config.ledger_id[0] = 9;
    cr_assert_eq(support_open(&ledger, &config, NULL, &diagnosis), JF_ERROR_FOREIGN);
    cr_assert(strstr(diagnosis.text, directory.path) != NULL, "%s", diagnosis.text);
}

Test(state, second_opener_is_refused)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    struct support_ledger second;
    cr_assert_eq(support_open(&second, &config, NULL, &diagnosis), JF_ERROR_LOCKED);
    support_close(&ledger, true);
}

Test(state, missing_state_is_refused_when_it_must_exist)
{
    struct jf_state_config config = support_config(&directory);
    config.must_exist = true;
    cr_assert_eq(support_open(&ledger, &config, NULL, &diagnosis), JF_ERROR_NOT_FOUND);
    cr_assert_neq(access(directory.path, F_OK), 0);
}

Test(state, directory_of_something_else_is_refused)
{
    support_file_write(&directory, "letter.txt", "dear");
    struct jf_state_config config = support_config(&directory);
    cr_assert_eq(support_open(&ledger, &config, NULL, &diagnosis), JF_ERROR_FOREIGN);
}

Test(state, garbage_in_current_is_corruption_with_a_remedy)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    support_close(&ledger, true);
    support_file_write(&directory, "CURRENT", "garbage");
    cr_assert_eq(support_open(&ledger, &config, NULL, &diagnosis), JF_ERROR_CORRUPT);
    cr_assert(strstr(diagnosis.text, "jifen rebuild") != NULL, "%s", diagnosis.text);
    support_file_write(&directory, "CURRENT", "MANIFEST-999999\n");
    cr_assert_eq(support_open(&ledger, &config, NULL, &diagnosis), JF_ERROR_CORRUPT);
}

Test(state, lost_current_is_not_replaced_by_an_empty_database)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    support_steps(&ledger, 30);
    support_settle(&ledger, true);
    support_close(&ledger, true);
    char path[128];
    snprintf(path, sizeof path, "%s/CURRENT", directory.path);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(support_open(&ledger, &config, NULL, &diagnosis), JF_ERROR_CORRUPT);
}

static uint64_t peek(enum jf_error wanted)
{
    struct jf_state_config config = support_config(&directory);
    uint64_t applied = UINT64_MAX;
    diagnosis = (struct jf_diagnosis){.error = JF_OK};
    cr_assert_eq(jf_state_peek(&config, &applied, &diagnosis), wanted, "%s", diagnosis.text);
    return applied;
}

Test(state, peek_tells_how_far_a_state_has_come_beside_whoever_has_it_open)
{
    cr_assert_eq(peek(JF_OK), 0, "there is none yet");
    cr_assert_neq(access(directory.path, F_OK), 0, "and none was made");
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    support_steps(&ledger, 50);
    support_settle(&ledger, true);
    support_steps(&ledger, 60);
    cr_assert_eq(peek(JF_OK), 50, "what is in files counts");
    support_settle(&ledger, true);
    cr_assert_eq(peek(JF_OK), 60);
    support_close(&ledger, true);
    cr_assert_eq(peek(JF_OK), 60);
}

Test(state, peek_refuses_another_ledgers_state_and_one_that_is_damaged)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    support_close(&ledger, true);
    config.ledger_id[3] ^= 1;
    uint64_t applied = 0;
    cr_assert_eq(jf_state_peek(&config, &applied, &diagnosis), JF_ERROR_FOREIGN);
    support_file_write(&directory, "CURRENT", "garbage");
    (void)peek(JF_ERROR_CORRUPT);
}

Test(state, peek_refuses_a_directory_of_something_else)
{
    support_file_write(&directory, "letter.txt", "mine");
    (void)peek(JF_ERROR_FOREIGN);
}

Test(state, filter_size_must_be_a_power_of_two)
{
    struct jf_state_config config = support_config(&directory);
    config.filter_bytes = 5000;
    cr_assert_eq(support_open(&ledger, &config, NULL, &diagnosis), JF_ERROR_INVALID);
}

Test(state, empty_state_knows_nothing)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    cr_assert_eq(jf_state_applied(ledger.state), 0);
    cr_assert_eq(jf_state_turn_after_us(ledger.state, 5), UINT64_MAX);
    support_verify(&ledger);
    support_close(&ledger, true);
}

Test(state, everything_is_found_unsealed_stored_flushed_and_reopened)
{
    struct jf_state_config config = support_config(&directory);
    config.generation_entries = 1000000;
    open_ok(&config);
    support_steps(&ledger, 77);
    cr_assert_eq(jf_state_stored(ledger.state), 0);
    support_verify(&ledger);
    support_settle(&ledger, false);
    support_verify(&ledger);
    support_steps(&ledger, 99); // part stored, part not, a chunk of entries across both
    support_verify(&ledger);
    support_settle(&ledger, true);
    support_verify(&ledger);
    support_close(&ledger, true);
    open_ok(&config);
    cr_assert_eq(ledger.position, 99);
    support_verify(&ledger);
    support_steps(&ledger, 150);
    support_verify(&ledger);
    support_close(&ledger, true);
}

Test(state, tail_chunk_is_continued_at_every_offset)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    for (uint64_t until = 1; until <= 70; until += 3) {
        support_steps(&ledger, until);
        support_settle(&ledger, true);
        support_close(&ledger, true);
        open_ok(&config);
        cr_assert_eq(ledger.position, until);
    }
    support_verify(&ledger);
    support_close(&ledger, true);
}

Test(state, store_thread_gives_the_same_state)
{
    struct jf_state_config config = support_config(&directory);
    config.is_inline = false;
    config.flush_entries = 100;
    config.write_buffer_bytes = 256 << 10;
    open_ok(&config);
    support_steps(&ledger, 2000);
    support_verify(&ledger);
    support_settle(&ledger, true);
    struct jf_state_counters counters;
    jf_state_counters(ledger.state, &counters);
    cr_assert_geq(counters.flushes, 2);
    cr_assert_geq(counters.generations_stored, 100);
    support_close(&ledger, true);
    open_ok(&config);
    cr_assert_eq(ledger.position, 2000);
    support_verify(&ledger);
    support_close(&ledger, false);
}

Test(state, generation_waits_until_the_journal_has_it)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    for (uint32_t i = 0; i < 30; i++) {
        support_step(&ledger);
        cr_assert_eq(jf_state_turn(ledger.state, ledger.control, i, 9, &diagnosis), JF_OK);
    }
    cr_assert_eq(jf_state_stored(ledger.state), 0); // sealed at 10, 20, 30; durable is 9
    cr_assert_eq(jf_state_turn(ledger.state, ledger.control, 40, 25, &diagnosis), JF_OK);
    cr_assert_eq(jf_state_stored(ledger.state), 20);
    cr_assert_eq(jf_state_turn(ledger.state, ledger.control, 41, 30, &diagnosis), JF_OK);
    cr_assert_eq(jf_state_stored(ledger.state), 30);
    support_verify(&ledger);
    support_close(&ledger, true);
}

Test(state, owner_is_told_to_wait_and_nothing_is_lost_when_it_does_not)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    for (uint32_t i = 0; i < 50; i++) {
        cr_assert(!jf_state_is_behind(ledger.state));
        support_step(&ledger);
        cr_assert_eq(jf_state_turn(ledger.state, ledger.control, i, 0, &diagnosis), JF_OK);
    }
    cr_assert(jf_state_is_behind(ledger.state));
    for (uint32_t i = 0; i < 100; i++) {
        support_step(&ledger);
        cr_assert_eq(jf_state_turn(ledger.state, ledger.control, i, 0, &diagnosis), JF_OK);
    }
    support_verify(&ledger);
    support_settle(&ledger, true);
    cr_assert(!jf_state_is_behind(ledger.state));
    support_verify(&ledger);
    support_close(&ledger, true);
}

Test(state, time_seals_and_flushes_when_entries_do_not)
{
    struct jf_state_config config = support_config(&directory);
    config.generation_us = 100;
    config.flush_us = 1000;
    open_ok(&config);
    support_step(&ledger);
    cr_assert_eq(jf_state_turn_after_us(ledger.state, 7), 7); // to learn when collecting began
    cr_assert_eq(jf_state_turn(ledger.state, ledger.control, 7, 1, &diagnosis), JF_OK);
    cr_assert_eq(jf_state_turn_after_us(ledger.state, 8), 107);
    cr_assert_eq(jf_state_stored(ledger.state), 0);
    cr_assert_eq(jf_state_turn(ledger.state, ledger.control, 107, 1, &diagnosis), JF_OK);
    cr_assert_eq(jf_state_stored(ledger.state), 1);
    cr_assert_eq(jf_state_flushed(ledger.state), 0);
    cr_assert_eq(jf_state_turn_after_us(ledger.state, 108), 1107);
    cr_assert_eq(jf_state_turn(ledger.state, ledger.control, 1107, 1, &diagnosis), JF_OK);
    cr_assert_eq(jf_state_flushed(ledger.state), 1);
    cr_assert_eq(jf_state_turn_after_us(ledger.state, 1108), UINT64_MAX);
    support_close(&ledger, true);
}

Test(state, intervals_of_never_do_not_wrap)
{
    struct jf_state_config config = support_config(&directory);
    config.generation_us = UINT64_MAX;
    open_ok(&config);
    support_steps(&ledger, 9);
    cr_assert_eq(jf_state_stored(ledger.state), 0);
    cr_assert_eq(jf_state_turn_after_us(ledger.state, 1), UINT64_MAX);
    support_close(&ledger, true);
}

Test(state, unlinked_card_is_gone_before_and_after_storing)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    support_steps(&ledger, SUPPORT_MEMBERS);
    support_settle(&ledger, false);
    struct jf_text card = JF_TEXT("card-1");
    struct jf_member_id owner = {0};
    cr_assert_eq(jf_state_cards_find(ledger.state, &card, 1, &owner), JF_OK);
    cr_assert_eq(owner.value, 1);
    support_step(&ledger);
    cr_assert_eq(jf_state_note_reserve(ledger.state, 0, 1, 0), JF_OK);
    jf_state_note_card(ledger.state, card, (struct jf_member_id){0});
    cr_assert_eq(jf_state_cards_find(ledger.state, &card, 1, &owner), JF_OK);
    cr_assert_eq(owner.value, 0);
    support_settle(&ledger, false);
    cr_assert_eq(jf_state_cards_find(ledger.state, &card, 1, &owner), JF_OK);
    cr_assert_eq(owner.value, 0);
    support_close(&ledger, true);
}

Test(state, unknown_cards_and_members_are_answered)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    char longest[100] = {0};
    memset(longest, 'x', sizeof longest);
    struct jf_text cards[3] = {JF_TEXT("nobody's"), {NULL, 0}, {longest, sizeof longest}};
    struct jf_member_id owners[3] = {{7}, {7}, {7}};
    cr_assert_eq(jf_state_cards_find(ledger.state, cards, 3, owners), JF_OK);
    cr_assert_eq(owners[0].value + owners[1].value + owners[2].value, 0);
    struct jf_member_id ids[4] = {{5}, {5}, {0}, {UINT64_MAX}};
    cr_assert_eq(jf_state_members_fetch(ledger.state, ids, 4), JF_OK);
    cr_assert_null(jf_state_member(ledger.state, ids[0]));
    cr_assert_null(jf_state_member(ledger.state, ids[2]));
    jf_state_batch_end(ledger.state);
    support_close(&ledger, true);
}

Test(state, many_keys_in_one_call_are_all_answered)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    support_steps(&ledger, 600);
    support_settle(&ledger, false);
    enum {
        KEYS = 700
    };
    static struct jf_transaction_key keys[KEYS];
    static struct jf_transaction_row rows[KEYS];
    static struct jf_receipt_key receipts[KEYS];
    static uint64_t positions[KEYS];
    for (uint32_t i = 0; i < KEYS; i++) {
        keys[i] = support_transaction(i + 1);
        receipts[i] = support_receipt(i + 1);
    }
    cr_assert_eq(jf_state_transactions_find(ledger.state, keys, KEYS, rows), JF_OK);
    cr_assert_eq(jf_state_receipts_find(ledger.state, receipts, KEYS, positions), JF_OK);
    for (uint32_t i = 0; i < KEYS; i++) {
        cr_assert_eq(rows[i].position, i < 600 ? i + 1 : 0);
        cr_assert_eq(positions[i], i < 600 ? i + 1 : 0);
    }
    support_close(&ledger, true);
}

Test(state, changed_filter_size_loses_no_id)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    support_steps(&ledger, 500);
    support_settle(&ledger, true);
    support_close(&ledger, true);
    uint64_t sizes[3] = {1 << 17, 8192, 4096};
    for (uint32_t i = 0; i < 3; i++) {
        config.filter_bytes = sizes[i];
        open_ok(&config);
        cr_assert_eq(ledger.position, 500 + i * 10);
        support_verify(&ledger);
        support_steps(&ledger, 510 + i * 10);
        support_settle(&ledger, true);
        support_close(&ledger, true);
    }
}

Test(state, read_only_opening_reads_everything)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    support_steps(&ledger, 120);
    support_settle(&ledger, true);
    support_close(&ledger, true);
    config.is_read_only = true;
    open_ok(&config);
    cr_assert_eq(ledger.position, 120);
    support_verify(&ledger);
    support_close(&ledger, false);
}

Test(state, scan_stands_still_while_the_state_moves_on)
{
    struct jf_state_config config = support_config(&directory);
    open_ok(&config);
    support_steps(&ledger, 200);
    support_settle(&ledger, false);
    struct jf_state_scan *scan = NULL;
    uint64_t position = 0;
    cr_assert_eq(jf_state_scan_open(ledger.state, (struct jf_member_id){3}, &scan, &position),
                 JF_OK);
    cr_assert_eq(position, 200);
    support_steps(&ledger, 900);
    support_settle(&ledger, true);
    uint64_t expected = 3;
    const struct jf_member *member = NULL;
    struct jf_text bytes = {NULL, 0};
    enum jf_error error = JF_OK;
    while ((error = jf_state_scan_next(scan, &member, &bytes, &diagnosis)) == JF_OK) {
        cr_assert_eq(member->number.value, expected++);
        cr_assert_leq(member->last_position, 200);
        cr_assert_gt(member->last_position, 200 - SUPPORT_MEMBERS);
        cr_assert_gt(bytes.size, 0);
    }
    cr_assert_eq(error, JF_ERROR_NOT_FOUND);
    cr_assert_eq(expected, SUPPORT_MEMBERS + 1);
    struct jf_control *control = NULL;
    cr_assert_eq(jf_control_create(&control), JF_OK);
    cr_assert_eq(jf_state_scan_control(scan, control, &diagnosis), JF_OK);
    cr_assert_eq(jf_control_counts(control)->last_position, 200);
    jf_control_destroy(control);
    cr_assert_gt(jf_state_scan_estimate(scan), 0);
    jf_state_scan_close(scan);
    support_close(&ledger, true);
}

Test(state, small_cache_stays_within_its_bound_and_right)
{
    struct jf_state_config config = support_config(&directory);
    config.cache_bytes = 18000; // the table, and a few members
    open_ok(&config);
    support_steps(&ledger, 500);
    support_settle(&ledger, false);
    support_verify(&ledger);
    struct jf_state_counters counters;
    jf_state_counters(ledger.state, &counters);
    cr_assert_leq(counters.cache_bytes, 18000);
    cr_assert_lt(counters.members_cached, SUPPORT_MEMBERS);
    cr_assert_gt(counters.cache_misses, 0);
    support_close(&ledger, true);
}
