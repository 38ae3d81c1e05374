// What a replay refuses although every checksum is right: an entry that does not continue its
// member's history, and, where asked, one that changes a balance by other than it posts.
#include "engine/replay.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "bench_ledger.h"
#include "journal/reader.h"

static const struct jf_line line_100 = {
    .sku = {"A1", 2}, .category = {"DRUG", 4}, .quantity_milli = 1000, .amount = 10000};

static struct ledger ledger;
static struct jf_effects effects;
static struct jf_replay replay;
static struct jf_journal_reader *reader;
static struct jf_diagnosis diagnosis;

static void post(struct jf_command command)
{
    cr_assert_eq(ledger_write(&ledger, &command)->status, JF_WRITE_POSTED);
}

static enum jf_error source_next(void *context, struct jf_journal_entry *out_entry,
                                 struct jf_diagnosis *out_diagnosis)
{
    return jf_journal_reader_next(context, out_entry, out_diagnosis);
}

// Entries: publication, store, enrolment of member 7, two sales, a hold, a void: gathered.
static void begin(void)
{
    ledger_start(&ledger);
    post(command_enrol("e7", 7, NULL));
    post(command_sale("s1", 7, &line_100));
    post(command_sale("s2", 7, &line_100));
    post(command_hold("h1", 7, 100));
    post(command_void("v1", "h1"));
    ledger_close(&ledger);
    char path[128];
    snprintf(path, sizeof path, "%s/journal", ledger.directory);
    cr_assert_eq(jf_journal_reader_open(path, 1, &reader, &diagnosis), JF_OK);
    struct jf_ledger_id id = jf_journal_reader_ledger_id(reader);
    snprintf(path, sizeof path, "%s/scratch", ledger.directory);
    struct jf_state_config config = {.directory = path,
                                     .cache_bytes = 1 << 20,
                                     .filter_bytes = 4096,
                                     .write_buffer_bytes = 1 << 20,
                                     .block_cache_bytes = 1 << 20,
                                     .generation_entries = 1024,
                                     .generation_us = UINT64_MAX,
                                     .generations_max = 4,
                                     .flush_entries = UINT64_MAX,
                                     .flush_us = UINT64_MAX,
                                     .is_inline = true,
                                     .is_without_entries = true};
    memcpy(config.ledger_id, id.bytes, sizeof config.ledger_id);
    cr_assert_eq(jf_state_open(&config, &effects.state, &diagnosis), JF_OK);
    cr_assert_eq(jf_control_create(&effects.control), JF_OK);
    cr_assert_eq(jf_reference_create(NULL, &effects.reference), JF_OK);
    cr_assert_eq(jf_replay_init(&replay), JF_OK);
    bool is_end = false;
    struct jf_replay_source source = {source_next, reader};
    cr_assert_eq(jf_replay_gather(&replay, &source, UINT64_MAX, &is_end, &diagnosis), JF_OK);
    cr_assert_eq(replay.count, 7);
}

static void end(void)
{
    jf_replay_deinit(&replay);
    cr_assert_eq(jf_state_close(effects.state, false, &diagnosis), JF_OK);
    jf_control_destroy(effects.control);
    jf_reference_destroy(effects.reference);
    jf_journal_reader_close(reader);
    ledger_remove(&ledger);
}

TestSuite(replay, .init = begin, .fini = end);

static void expect_corrupt(const char *text)
{
    cr_assert_eq(jf_replay_apply(&replay, &effects, &diagnosis), JF_ERROR_CORRUPT);
    cr_assert_not_null(strstr(diagnosis.text, text), "%s", diagnosis.text);
}

Test(replay, applies_what_the_journal_holds)
{
    replay.is_checked = true;
    cr_assert_eq(jf_replay_apply(&replay, &effects, &diagnosis), JF_OK, "%s", diagnosis.text);
    cr_assert_eq(jf_control_liability(effects.control), 200);
}

Test(replay, refuses_an_entry_that_does_not_continue_its_members_history)
{
    replay.entries[4].previous_position = 3;
    expect_corrupt("journal entry 5 names entry 3 as the one before it of member 7, which is "
                   "entry 4");
}

Test(replay, refuses_an_entry_that_changes_a_balance_by_other_than_it_posts)
{
    replay.is_checked = true;
    struct jf_lot_part part = replay.entries[5].as.hold.held[0];
    part.points -= 1;
    replay.entries[5].as.hold.held = &part;
    expect_corrupt(
        "journal entry 6 posts 0 points to member 7, whose balance goes from 200 to 199");
}
