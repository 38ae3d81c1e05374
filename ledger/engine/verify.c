// Verification: the journal is replayed from nothing into a scratch state, through the same
// functions as recovery, and the result is compared with what the server holds: every member's
// record byte for byte, every control total and count, here; every entry's bytes, every index and
// the filter, in verify_rows.c. What the replay itself checks: checksums and chain of all blocks,
// entries in order, postings that sum to zero, and that each entry changed its members' balances by
// what it posts to them. Memory is bounded whatever the ledger's size; the scratch state takes the
// disk space of members and indexes, and holds no entries.
//
// Fails (an error, not a verdict) when something cannot be read; a difference is a verdict.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "engine/clock.h"
#include "engine/verify_private.h"
#include "journal/reader.h"

#define SCRATCH_CACHE_BYTES ((uint64_t)64 << 20)

static enum jf_error scratch_open(struct jf_verification *run, const unsigned char *ledger_id,
                                  struct jf_diagnosis *diagnosis)
{
    enum jf_error error = jf_scratch_open(run->input->scratch_parent, &run->scratch, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    struct jf_state_config config = {.directory = run->scratch.path,
                                     .cache_bytes = SCRATCH_CACHE_BYTES,
                                     .filter_bytes = (uint64_t)1 << 20,
                                     .write_buffer_bytes = SCRATCH_CACHE_BYTES,
                                     .block_cache_bytes = (uint64_t)16 << 20,
                                     .generation_entries = 16384,
                                     .generation_us = UINT64_MAX,
                                     .generations_max = 4,
                                     .flush_entries = UINT64_MAX,
                                     .flush_us = UINT64_MAX,
                                     .is_inline = true,
                                     .is_without_entries = true};
    memcpy(config.ledger_id, ledger_id, sizeof config.ledger_id);
    error = jf_state_open(&config, &run->effects.state, diagnosis);
    if (error == JF_OK &&
        (jf_control_create(&run->effects.control) != JF_OK ||
         jf_reference_create(run->input->zone_directory, &run->effects.reference) != JF_OK)) {
        error = jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to replay the journal");
    }
    return error;
}

static void scratch_close(struct jf_verification *run)
{
    struct jf_diagnosis ignored;
    if (run->effects.state != NULL) {
        (void)jf_state_close(run->effects.state, false, &ignored);
    }
    jf_control_destroy(run->effects.control);
    jf_reference_destroy(run->effects.reference);
    jf_scratch_close(&run->scratch);
}

static enum jf_error reader_next(void *context, struct jf_journal_entry *out_entry,
                                 struct jf_diagnosis *diagnosis)
{
    return jf_journal_reader_next(context, out_entry, diagnosis);
}

enum jf_error jf_verify_report(const struct jf_verification *run, const char *stage, uint64_t done,
                               uint64_t total)
{
    const struct jf_verify_input *input = run->input;
    if (input->report != NULL) {
        input->report(input->report_context, stage, done, total);
    }
    bool is_cancelled = input->is_cancelled != NULL && input->is_cancelled(input->report_context);
    return is_cancelled ? JF_ERROR_CLOSED : JF_OK;
}

static enum jf_error state_settle(struct jf_verification *run, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = JF_OK;
    do {
        error = jf_state_turn(run->effects.state, run->effects.control, jf_clock_monotonic_us(),
                              run->result->entries, diagnosis);
    } while (error == JF_OK && jf_state_is_behind(run->effects.state));
    return error;
}

// One chunk of the journal: applied to the scratch state, and compared with the entries stored.
static enum jf_error chunk_replay(struct jf_verification *run, struct jf_replay *replay,
                                  struct jf_verify_entries *entries, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = JF_OK;
    if (replay->count > 0) {
        error = jf_replay_apply(replay, &run->effects, diagnosis);
        run->result->entries = replay->last_position;
    }
    if (error == JF_OK) {
        error = jf_verify_entries_compare(run, entries, replay, diagnosis);
    }
    if (error == JF_OK) {
        error = state_settle(run, diagnosis);
    }
    return error == JF_OK
               ? jf_verify_report(run, "journal", run->result->entries, run->input->position)
               : error;
}

static enum jf_error journal_replay(struct jf_verification *run, struct jf_journal_reader *reader,
                                    struct jf_diagnosis *diagnosis)
{
    struct jf_replay_source source = {reader_next, reader};
    struct jf_replay replay;
    struct jf_verify_entries entries;
    uint64_t until = run->input->position;
    bool is_end = false;
    enum jf_error error = jf_verify_entries_begin(run, &entries, diagnosis);
    if (error == JF_OK) {
        error = jf_replay_init(&replay);
        replay.is_checked = true;
        while (error == JF_OK && !is_end) {
            error = jf_replay_gather(&replay, &source, until, &is_end, diagnosis);
            if (error == JF_OK) {
                error = chunk_replay(run, &replay, &entries, diagnosis);
            }
        }
        jf_replay_deinit(&replay);
    }
    if (error == JF_OK && run->result->entries != until) {
        error = jf_diagnose(diagnosis, JF_ERROR_GAP,
                            "the journal ends at entry %llu, the state holds entries up to %llu",
                            (unsigned long long)run->result->entries, (unsigned long long)until);
    }
    jf_verify_entries_end(run, &entries);
    return error;
}

static enum jf_error scratch_flush(struct jf_verification *run, struct jf_diagnosis *diagnosis)
{
    jf_state_checkpoint(run->effects.state);
    enum jf_error error = JF_OK;
    while (error == JF_OK && jf_state_stored(run->effects.state) < run->input->position) {
        error = state_settle(run, diagnosis);
    }
    return error;
}

void jf_verify_differ(struct jf_verification *run, const char *format, ...)
{
    if (!run->result->ties) {
        return; // only the first difference is told
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(run->result->difference, sizeof run->result->difference, format, arguments);
    va_end(arguments);
    run->result->ties = false;
}

struct side {
    struct jf_state_scan *scan;
    const struct jf_member *member; // NULL at the end
    struct jf_text bytes;
    struct jf_hash128 members; // sum of the hashes of records
};

static enum jf_error side_next(struct side *side, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = jf_state_scan_next(side->scan, &side->member, &side->bytes, diagnosis);
    if (error == JF_ERROR_NOT_FOUND) {
        side->member = NULL;
        return JF_OK;
    }
    if (error == JF_OK) {
        side->members =
            jf_hash128_add(side->members, jf_hash128(side->bytes.data, side->bytes.size));
    }
    return error;
}

static void members_differ(struct jf_verification *run, const struct side *live,
                           const struct side *scratch)
{
    if (live->member == NULL ||
        (scratch->member != NULL && scratch->member->number.value < live->member->number.value)) {
        jf_verify_differ(run, "member %llu is in the journal and not in the state",
                         (unsigned long long)scratch->member->number.value);
    } else if (scratch->member == NULL ||
               live->member->number.value < scratch->member->number.value) {
        jf_verify_differ(run, "member %llu is in the state and not in the journal",
                         (unsigned long long)live->member->number.value);
    } else if (!jf_text_equal(live->bytes, scratch->bytes)) {
        jf_verify_member_differ(run, live->member, scratch->member);
    }
}

// What rows of the index of expiries add up to, in whatever order they come.
struct expiry_sum {
    uint64_t count;
    uint64_t hashes;
};

static void expiry_add(struct expiry_sum *sum, jf_date expires_on, struct jf_member_id member)
{
    unsigned char bytes[sizeof(uint32_t) + sizeof(uint64_t)];
    jf_store_u32(bytes, (uint32_t)expires_on);
    jf_store_u64(bytes + sizeof(uint32_t), member.value);
    sum->count += 1;
    sum->hashes += jf_hash64(bytes, sizeof bytes);
}

// The rows that a member's lots ask for: one for each day until which points lie in them.
static void member_expiries_add(struct expiry_sum *sum, const struct jf_member *member)
{
    jf_date last = JF_DATE_NONE;
    for (uint32_t i = 0; i < member->lot_count; i++) {
        const struct jf_lot *lot = &member->lots[i];
        if (lot->remaining > 0 && lot->expires_on != JF_DATE_EVER && lot->expires_on != last) {
            expiry_add(sum, lot->expires_on, member->number);
            last = lot->expires_on;
        }
    }
}

// Both sides step together: the first member at which they part is the difference. The live side
// goes on to its end for the sum of balances and the rows of the index of expiries.
static enum jf_error members_compare(struct jf_verification *run,
                                     struct jf_state_scan *scratch_scan,
                                     struct expiry_sum *out_expiries,
                                     struct jf_diagnosis *diagnosis)
{
    struct side live = {.scan = run->input->scan};
    struct side scratch = {.scan = scratch_scan};
    uint64_t total = jf_state_scan_estimate(scratch_scan);
    enum jf_error error = side_next(&live, diagnosis);
    if (error == JF_OK) {
        error = side_next(&scratch, diagnosis);
    }
    while (error == JF_OK && (live.member != NULL || scratch.member != NULL)) {
        members_differ(run, &live, &scratch);
        if (live.member != NULL) {
            run->result->members += 1;
            member_expiries_add(out_expiries, live.member);
            error = jf_number_add(run->result->balance_sum, jf_member_balance(live.member),
                                  &run->result->balance_sum);
        }
        error = error == JF_OK && live.member != NULL ? side_next(&live, diagnosis) : error;
        error = error == JF_OK && scratch.member != NULL ? side_next(&scratch, diagnosis) : error;
        if (error == JF_OK && run->result->members % JF_VERIFY_REPORT_ROWS == 0) {
            error = jf_verify_report(run, "members", run->result->members, total);
        }
    }
    run->live_members = live.members;
    return error;
}

// The server's digest with its members counted again; what it kept up with each change must be the
// same, and so must the replay's.
static enum jf_error digests_compare(struct jf_verification *run, struct jf_diagnosis *diagnosis)
{
    struct jf_digest kept;
    struct jf_digest replayed;
    enum jf_error error = jf_state_scan_digest(run->input->scan, &kept, diagnosis);
    if (error == JF_OK) {
        error = jf_state_digest(run->effects.state, run->effects.control, &replayed);
    }
    if (error != JF_OK) {
        return error;
    }
    struct jf_digest counted = kept;
    counted.members = run->live_members;
    jf_digest_store(run->result->digest, jf_digest_whole(&counted));
    jf_digest_store(run->result->replay_digest, jf_digest_whole(&replayed));
    if (jf_digest_difference(&counted, &kept) != NULL) {
        jf_verify_differ(
            run, "the digest that the state keeps of its members is not that of their records");
    }
    const char *difference = jf_digest_difference(&counted, &replayed);
    if (difference != NULL) {
        jf_verify_differ(run, "the digest of the state differs from the journal's: %s", difference);
    }
    return JF_OK;
}

static enum jf_error expiries_compare(struct jf_verification *run, const struct expiry_sum *members,
                                      struct jf_diagnosis *diagnosis)
{
    struct expiry_sum index = {0};
    enum jf_error error = JF_OK;
    while (error == JF_OK) {
        jf_date expires_on = 0;
        struct jf_member_id member = {0};
        error =
            jf_state_scan_expiry(run->input->scan, JF_DATE_EVER, &expires_on, &member, diagnosis);
        if (error == JF_OK) {
            expiry_add(&index, expires_on, member);
        }
    }
    if (index.count != members->count || index.hashes != members->hashes) {
        jf_verify_differ(
            run,
            "the index of expiries has %llu rows and is not what the members' lots ask for, "
            "which is %llu rows",
            (unsigned long long)index.count, (unsigned long long)members->count);
    }
    return error == JF_ERROR_NOT_FOUND ? JF_OK : error;
}

static enum jf_error compare(struct jf_verification *run, struct jf_diagnosis *diagnosis)
{
    struct jf_state_scan *scratch_scan = NULL;
    struct expiry_sum expiries = {0};
    uint64_t position = 0;
    enum jf_error error = scratch_flush(run, diagnosis);
    if (error == JF_OK) {
        error = jf_state_scan_open(run->effects.state, (struct jf_member_id){0}, &scratch_scan,
                                   &position);
    }
    if (error == JF_OK) {
        error = members_compare(run, scratch_scan, &expiries, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_verify_rows(run, scratch_scan, diagnosis);
    }
    if (error == JF_OK) {
        error = expiries_compare(run, &expiries, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_verify_report(run, "totals", 0, 1);
    }
    if (error == JF_OK) {
        error = jf_verify_totals(run, diagnosis);
    }
    if (error == JF_OK) {
        error = digests_compare(run, diagnosis);
    }
    jf_state_scan_close(scratch_scan);
    return error;
}

enum jf_error jf_verify_run(const struct jf_verify_input *input, struct jf_job_progress *out_result,
                            struct jf_diagnosis *diagnosis)
{
    struct jf_verification run = {.input = input, .result = out_result, .scratch = {.lock_fd = -1}};
    struct jf_journal_reader *reader = NULL;
    uint64_t started_us = jf_clock_monotonic_us();
    memset(out_result, 0, sizeof *out_result);
    out_result->stage = "done";
    out_result->position = input->position;
    out_result->ties = true;
    enum jf_error error = jf_journal_reader_open(input->journal_directory, 1, &reader, diagnosis);
    if (error == JF_OK) {
        struct jf_ledger_id id = jf_journal_reader_ledger_id(reader);
        error = scratch_open(&run, id.bytes, diagnosis);
    }
    if (error == JF_OK) {
        error = journal_replay(&run, reader, diagnosis);
    }
    if (error == JF_OK) {
        error = compare(&run, diagnosis);
    }
    jf_journal_reader_close(reader);
    scratch_close(&run);
    out_result->elapsed_us = jf_clock_monotonic_us() - started_us;
    out_result->ties = error == JF_OK && out_result->ties;
    out_result->is_done = true;
    out_result->error = error;
    return error;
}
