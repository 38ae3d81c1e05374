// The journal in memory keeps the promises of journal.h, and fails where it is told to.
#include "journal/memory.h"

#include <criterion/criterion.h>

static struct jf_journal *journal;
static uint64_t now = 1000;

static void begin(void)
{
    journal = jf_journal_memory_create((struct jf_ledger_id){{7}});
    cr_assert_not_null(journal);
}

static void end(void)
{
    const struct jf_journal_operations *operations = journal->operations;
    operations->close(journal);
    operations->close(NULL);
}

TestSuite(memory, .init = begin, .fini = end);

static enum jf_error put(uint32_t entries)
{
    struct jf_block_draft *draft = NULL;
    enum jf_error error = journal->operations->draft(journal, &draft);
    for (uint32_t i = 0; error == JF_OK && i < entries; i++) {
        uint64_t position = draft->first_position + i;
        error = jf_block_append(draft, &position, sizeof position);
    }
    now += 10;
    return error == JF_OK ? journal->operations->submit(journal, draft, now) : error;
}

static uint64_t read_all(uint64_t from)
{
    struct jf_journal_cursor *cursor = NULL;
    struct jf_diagnosis diagnosis;
    cr_assert_eq(journal->operations->read_open(journal, from, &cursor, &diagnosis), JF_OK);
    struct jf_journal_entry entry;
    uint64_t count = 0;
    while (journal->operations->read_next(cursor, &entry, &diagnosis) == JF_OK) {
        uint64_t position = 0;
        cr_assert_eq(entry.size, sizeof position);
        memcpy(&position, entry.bytes, sizeof position);
        cr_assert_eq(position, from + count);
        cr_assert_eq(entry.position, position);
        count += 1;
    }
    journal->operations->read_close(cursor);
    return count;
}

static uint64_t durable(void)
{
    return journal->operations->durable(journal);
}

Test(memory, what_is_submitted_is_durable_and_read)
{
    for (uint32_t i = 1; i <= 100; i++) {
        cr_assert_eq(put(1 + i % 3), JF_OK);
    }
    cr_assert_eq(durable(), 200);
    cr_assert_eq(read_all(1), 200);
    cr_assert_eq(read_all(77), 124);
    cr_assert_eq(read_all(201), 0);
}

Test(memory, a_planned_write_failure_is_final)
{
    cr_assert_eq(put(1), JF_OK);
    jf_journal_memory_fail(journal, 2, JF_ERROR_IO);
    cr_assert_eq(put(1), JF_OK);
    cr_assert_eq(put(1), JF_ERROR_IO);
    cr_assert_eq(put(1), JF_ERROR_IO);
    cr_assert_eq(journal->failure.error, JF_ERROR_IO);
    cr_assert_eq(journal->operations->tick(journal, now), JF_ERROR_IO);
    cr_assert_eq(journal->operations->note_flushed(journal, 1), JF_ERROR_IO);
    jf_journal_memory_heal(journal);
    cr_assert_eq(put(1), JF_ERROR_IO, "final is final");
    cr_assert_eq(read_all(1), 2);
}

Test(memory, lack_of_space_is_a_refusal_that_heals)
{
    jf_journal_memory_fail(journal, 2, JF_ERROR_NO_SPACE);
    cr_assert_eq(put(1), JF_OK);
    cr_assert_eq(put(1), JF_ERROR_NO_SPACE);
    cr_assert_eq(put(1), JF_ERROR_NO_SPACE);
    cr_assert_eq(journal->failure.error, JF_OK);
    jf_journal_memory_heal(journal);
    cr_assert_eq(put(1), JF_OK);
    cr_assert_eq(read_all(1), 2);
}

Test(memory, held_blocks_are_neither_durable_nor_read)
{
    cr_assert_eq(put(2), JF_OK);
    jf_journal_memory_hold(journal);
    for (uint32_t i = 0; i < JF_BLOCKS_IN_FLIGHT_MAX; i++) {
        cr_assert_eq(put(2), JF_OK);
    }
    cr_assert_eq(put(2), JF_ERROR_BUSY);
    cr_assert_eq(durable(), 2);
    cr_assert_eq(journal->operations->last(journal), 18);
    cr_assert_eq(read_all(1), 2);
    jf_journal_memory_release(journal, 5);
    cr_assert_eq(durable(), 4, "half a block is not released");
    jf_journal_memory_release(journal, 8);
    cr_assert_eq(durable(), 8);
    cr_assert_eq(jf_journal_memory_in_flight(journal), 5);
    jf_journal_memory_release(journal, UINT64_MAX);
    cr_assert_eq(durable(), 18);
    cr_assert_eq(put(1), JF_OK);
    cr_assert_eq(durable(), 19);
}

Test(memory, a_crash_keeps_what_landed_up_to_the_first_hole)
{
    for (uint64_t landed = 0; landed < 16; landed++) {
        uint64_t before = durable();
        jf_journal_memory_hold(journal);
        for (uint32_t i = 0; i < 4; i++) {
            cr_assert_eq(put(1), JF_OK);
        }
        uint64_t whole = 0;
        while (whole < 4 && (landed >> whole & 1) != 0) {
            whole += 1;
        }
        cr_assert_eq(jf_journal_memory_crash(journal, landed), before + whole);
        cr_assert_eq(journal->operations->last(journal), before + whole);
        cr_assert_eq(put(1), JF_OK);
        cr_assert_eq(read_all(1), before + whole + 1);
    }
}

Test(memory, a_crash_ends_a_final_failure)
{
    cr_assert_eq(put(1), JF_OK);
    jf_journal_memory_fail(journal, 1, JF_ERROR_IO);
    cr_assert_eq(put(1), JF_ERROR_IO);
    cr_assert_eq(jf_journal_memory_crash(journal, 0), 1);
    cr_assert_eq(put(1), JF_OK);
    cr_assert_eq(read_all(1), 2);
}

Test(memory, reading_below_what_was_dropped_is_a_gap)
{
    for (uint32_t i = 0; i < 10; i++) {
        cr_assert_eq(put(2), JF_OK);
    }
    jf_journal_memory_drop_below(journal, 8);
    struct jf_journal_cursor *cursor = NULL;
    struct jf_diagnosis diagnosis;
    cr_assert_eq(journal->operations->read_open(journal, 6, &cursor, &diagnosis), JF_ERROR_GAP);
    cr_assert_eq(read_all(7), 14);
    cr_assert_eq(journal->operations->read_open(journal, 22, &cursor, &diagnosis),
                 JF_ERROR_INVALID);
}

Test(memory, sealing_blocks_hold_no_entry)
{
    jf_journal_memory_seal_after(journal, 500);
    cr_assert_eq(put(1), JF_OK);
    cr_assert_eq(journal->operations->tick_after_us(journal, now + 100), 400);
    cr_assert_eq(journal->operations->tick(journal, now + 500), JF_OK);
    cr_assert_eq(journal->operations->tick_after_us(journal, now + 500), UINT64_MAX);
    cr_assert_eq(put(1), JF_OK);
    cr_assert_eq(durable(), 2);
    cr_assert_eq(read_all(1), 2);
    cr_assert_eq(journal->operations->note_flushed(journal, 2), JF_OK);
    cr_assert_eq(jf_journal_memory_flushed(journal), 2);
}

Test(memory, an_abandoned_draft_leaves_no_trace)
{
    struct jf_block_draft *draft = NULL;
    cr_assert_eq(journal->operations->draft(journal, &draft), JF_OK);
    journal->operations->abandon(journal, draft);
    cr_assert_eq(put(1), JF_OK);
    cr_assert_eq(journal->operations->last(journal), 1);
}
