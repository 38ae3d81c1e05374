// Digests of the state as entries: where they stand, that recovery and verification give them
// again, and that a state which is not what the journal says is found out.
#include <criterion/criterion.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_ledger.h"
#include "engine/effects.h"
#include "engine/entry_codec.h"
#include "engine/jobs.h"
#include "state/kv.h"
#include "state/member_codec.h"

static const struct jf_line line_100 = {
    .sku = {"A1", 2}, .category = {"DRUG", 4}, .quantity_milli = 1000, .amount = 10000};

static uint64_t post(struct ledger *ledger, struct jf_command command)
{
    struct jf_write *write = ledger_write(ledger, &command);
    cr_assert_eq(write->status, JF_WRITE_POSTED, "%.*s", (int)command.transaction_id.size,
                 command.transaction_id.data);
    return write->position;
}

// `count` sales of member 7, each under a new id.
static void sell(struct ledger *ledger, const char *prefix, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char id[32];
        snprintf(id, sizeof id, "%s%u", prefix, i);
        post(ledger, command_sale(id, 7, &line_100));
    }
}

static void make(struct ledger *ledger, uint64_t every)
{
    ledger_make(ledger);
    ledger->config.digest_every = every;
}

static struct jf_entry entry_at(struct ledger *ledger, uint64_t position)
{
    struct jf_request request = {.kind = JF_REQUEST_GET_TRANSACTION};
    request.query.position = position;
    ledger_ask(ledger, &request);
    cr_assert_eq(request.answer.entry_count, 1);
    struct jf_entry entry;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(jf_entry_decode(request.answer.entries[0], &ledger->arena, &entry, &diagnosis),
                 JF_OK, "%s", diagnosis.text);
    return entry;
}

static struct jf_state_digest_entry newest_digest(struct ledger *ledger)
{
    struct jf_request request = {.kind = JF_REQUEST_STATUS};
    ledger_ask(ledger, &request);
    cr_assert_not_null(request.answer.status);
    return request.answer.status->digest;
}

static void verify_closed(struct ledger *ledger)
{
    static struct jf_job_progress result;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(jf_verify_directory(ledger->directory, NULL, NULL, &result, &diagnosis), JF_OK,
                 "%s", diagnosis.text);
    cr_assert(result.ties, "%s", result.difference);
    cr_assert_eq(memcmp(result.digest, result.replay_digest, sizeof result.digest), 0);
}

Test(digest, earlier_formats_are_not_compared_and_later_ones_want_a_later_program)
{
    struct ledger ledger;
    make(&ledger, 0);
    char path[128];
    snprintf(path, sizeof path, "%s/state", ledger.directory);
    struct jf_state_config config = {.directory = path,
                                     .cache_bytes = 1u << 20,
                                     .filter_bytes = 1u << 20,
                                     .write_buffer_bytes = 1u << 20,
                                     .block_cache_bytes = 1u << 20,
                                     .generation_entries = 16,
                                     .generations_max = 2,
                                     .is_inline = true};
    struct jf_effects effects = {0};
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(jf_state_open(&config, &effects.state, &diagnosis), JF_OK, "%s", diagnosis.text);
    cr_assert_eq(jf_control_create(&effects.control), JF_OK);
    struct jf_entry entry = {.kind = JF_ENTRY_DIGEST, .position = 1};
    static const struct {
        uint32_t format;
        enum jf_error error;
    } rows[] = {{JF_DIGEST_FORMAT - 1, JF_OK},
                {JF_DIGEST_FORMAT, JF_ERROR_CORRUPT},
                {JF_DIGEST_FORMAT + 1, JF_ERROR_VERSION}};
    for (uint32_t i = 0; i < 3; i++) {
        entry.as.digest = (struct jf_digest){.format = rows[i].format, .members = {1, 1}};
        cr_assert_eq(jf_effects_reserve(&effects, &entry, JF_TEXT("x"), &diagnosis), rows[i].error);
    }
    cr_assert_not_null(strstr(diagnosis.text, "newer program"), "%s", diagnosis.text);
    cr_assert_eq(jf_state_close(effects.state, false, &diagnosis), JF_OK);
    jf_control_destroy(effects.control);
    ledger_remove(&ledger);
}

static int file_remove(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static void state_remove(struct ledger *ledger)
{
    char path[128];
    snprintf(path, sizeof path, "%s/state", ledger->directory);
    cr_assert_eq(nftw(path, file_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
}

Test(digest, each_nth_position_is_one_whatever_the_batch)
{
    struct ledger ledger;
    make(&ledger, 4);
    ledger_begin(&ledger); // 1, 2
    cr_assert_eq(post(&ledger, command_enrol("e1", 7, NULL)), 3);
    struct jf_write writes[7];
    char ids[7][8];
    memset(writes, 0, sizeof writes);
    for (uint32_t i = 0; i < 7; i++) {
        snprintf(ids[i], sizeof ids[i], "s%u", i);
        writes[i].command = command_sale(ids[i], 7, &line_100);
    }
    struct jf_request request = {.kind = JF_REQUEST_WRITE, .writes = writes, .write_count = 7};
    ledger_ask(&ledger, &request);
    static const uint64_t positions[7] = {5, 6, 7, 9, 10, 11, 13};
    for (uint32_t i = 0; i < 7; i++) {
        cr_assert_eq(writes[i].position, positions[i]);
    }
    uint64_t stamp_us = 0;
    for (uint64_t position = 1; position <= 13; position++) {
        struct jf_entry entry = entry_at(&ledger, position);
        cr_assert_eq(entry.kind == JF_ENTRY_DIGEST, position % 4 == 0);
        cr_assert_gt(entry.recorded_at_us, stamp_us);
        stamp_us = entry.recorded_at_us;
    }
    struct jf_entry last = entry_at(&ledger, 12);
    struct jf_state_digest_entry newest = newest_digest(&ledger);
    cr_assert_eq(newest.position, 12);
    cr_assert(jf_hash128_equal(newest.digest, jf_digest_whole(&last.as.digest)));
    ledger_close(&ledger);
    verify_closed(&ledger);
    ledger_remove(&ledger);
}

Test(digest, refusals_quotes_and_repeats_write_none)
{
    struct ledger ledger;
    make(&ledger, 4);
    ledger_begin(&ledger);
    post(&ledger, command_enrol("e1", 7, NULL)); // 3: the next position is a digest's
    struct jf_command again = command_enrol("e1", 7, NULL);
    cr_assert_eq(ledger_write(&ledger, &again)->status, JF_WRITE_REPLAYED);
    struct jf_command poor = command_redeem("r1", 7, 500);
    cr_assert_eq(ledger_write(&ledger, &poor)->status, JF_WRITE_REFUSED);
    struct jf_write quote = {.command = command_sale("q1", 7, &line_100)};
    struct jf_request request = {.kind = JF_REQUEST_QUOTE, .writes = &quote, .write_count = 1};
    ledger_ask(&ledger, &request);
    cr_assert_eq(quote.status, JF_WRITE_POSTED);
    cr_assert_eq(newest_digest(&ledger).position, 0);
    cr_assert_eq(post(&ledger, command_sale("s1", 7, &line_100)), 5);
    cr_assert_eq(newest_digest(&ledger).position, 4);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(digest, recovery_from_nothing_and_after_a_kill_gives_them_again)
{
    struct ledger ledger;
    make(&ledger, 5);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        ledger_begin(&ledger);
        post(&ledger, command_enrol("e1", 7, NULL));
        sell(&ledger, "a", 40);
        ledger_close(&ledger);
        ledger_open(&ledger);
        sell(&ledger, "b", 40);
        _exit(0); // no close: as a kill would
    }
    int status = 0;
    waitpid(child, &status, 0);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ledger_open(&ledger);
    cr_assert_gt(ledger.opening.replayed_entries, 0);
    struct jf_state_digest_entry after_kill = newest_digest(&ledger);
    cr_assert_eq(after_kill.position, 100);
    sell(&ledger, "c", 10);
    struct jf_state_digest_entry newest = newest_digest(&ledger);
    ledger_close(&ledger);
    verify_closed(&ledger);
    state_remove(&ledger);
    ledger_open(&ledger);
    cr_assert_eq(newest_digest(&ledger).position, newest.position);
    cr_assert(jf_hash128_equal(newest_digest(&ledger).digest, newest.digest));
    ledger_close(&ledger);
    verify_closed(&ledger);
    ledger_remove(&ledger);
}

struct record {
    unsigned char bytes[4096];
    uint32_t size;
};

static enum jf_error record_found(void *context, uint32_t index, struct jf_text value)
{
    struct record *record = context;
    (void)index;
    cr_assert_leq(value.size, sizeof record->bytes);
    memcpy(record->bytes, value.data, value.size);
    record->size = value.size;
    return JF_OK;
}

// Member 7 gets a tag that no entry gave, in a record that is whole.
static void member_forge(struct ledger *ledger)
{
    char path[128];
    snprintf(path, sizeof path, "%s/state", ledger->directory);
    struct jf_kv_config config = {
        .directory = path, .write_buffer_bytes = 1u << 20, .block_cache_bytes = 1u << 20};
    struct jf_kv *kv = NULL;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(jf_kv_rocksdb_open(&config, &kv, &diagnosis), JF_OK, "%s", diagnosis.text);
    static const char number[8] = {0, 0, 0, 0, 0, 0, 0, 7};
    const struct jf_text key = {number, 8};
    struct record record = {.size = 0};
    struct jf_kv_query query = {.family = JF_KV_MEMBERS,
                                .keys = &key,
                                .count = 1,
                                .found = record_found,
                                .context = &record};
    cr_assert_eq(jf_kv_multi_get(kv, &query, &diagnosis), JF_OK);
    struct jf_text found = {(const char *)record.bytes, record.size};
    struct jf_member_capacity capacity;
    cr_assert_eq(jf_member_record_measure(found, &capacity, &diagnosis), JF_OK);
    void *block = aligned_alloc(16, (jf_member_block_size(capacity) + 15) / 16 * 16);
    struct jf_member *member = jf_member_block_init(block, capacity);
    cr_assert_eq(jf_member_record_decode(found, member, &diagnosis), JF_OK);
    member->tags |= 2;
    unsigned char forged[4096];
    struct jf_text value = {(const char *)forged,
                            (uint32_t)jf_member_record_encode(member, forged)};
    kv->functions->put(kv, JF_KV_MEMBERS, key, value);
    cr_assert_eq(kv->functions->commit(kv, &diagnosis), JF_OK);
    cr_assert_eq(kv->functions->flush(kv, true, &diagnosis), JF_OK);
    kv->functions->close(kv);
    free(block);
}

// As a shell would, with both names below the ledger's directory.
static void shell(const struct ledger *ledger, const char *verb, const char *from, const char *to)
{
    char command[256];
    snprintf(command, sizeof command, "cd %s && %s %s %s", ledger->directory, verb, from, to);
    cr_assert_eq(system(command), 0);
}

Test(digest, state_that_is_not_what_the_journal_says_is_refused_at_the_next_one)
{
    struct ledger ledger;
    make(&ledger, 8);
    ledger_begin(&ledger);
    post(&ledger, command_enrol("e1", 7, NULL));
    ledger_close(&ledger); // the state holds 3 entries
    shell(&ledger, "cp -r", "state", "kept");
    ledger_open(&ledger);
    sell(&ledger, "s", 6); // 4 to 7, 9, 10
    ledger_close(&ledger);
    state_remove(&ledger);
    shell(&ledger, "mv", "kept", "state");
    member_forge(&ledger);
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    struct jf_engine *engine = NULL;
    cr_assert_eq(jf_engine_open(&ledger.config, &engine, NULL, &diagnosis), JF_ERROR_CORRUPT);
    cr_assert_not_null(strstr(diagnosis.text, "entry 8 records the state's digest"), "%s",
                       diagnosis.text);
    cr_assert_not_null(strstr(diagnosis.text, "members differ"), "%s", diagnosis.text);
    state_remove(&ledger); // the remedy
    ledger_open(&ledger);
    ledger_close(&ledger);
    verify_closed(&ledger);
    ledger_remove(&ledger);
}

Test(digest, verification_finds_a_record_that_the_kept_digest_does_not_count)
{
    struct ledger ledger;
    make(&ledger, 1000);
    ledger_begin(&ledger);
    post(&ledger, command_enrol("e1", 7, NULL));
    ledger_close(&ledger);
    member_forge(&ledger);
    static struct jf_job_progress result;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(jf_verify_directory(ledger.directory, NULL, NULL, &result, &diagnosis), JF_OK);
    cr_assert_not(result.ties);
    cr_assert_neq(memcmp(result.digest, result.replay_digest, sizeof result.digest), 0);
    ledger_remove(&ledger);
}
