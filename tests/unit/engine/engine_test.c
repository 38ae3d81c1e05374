// The engine over real files: what is answered is durable, retries get the first answer, and
// everything is there again after a restart, clean or not.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_ledger.h"
#include "engine/entry_codec.h"
#include "engine/jobs.h"

static const struct jf_line line_100 = {
    .sku = {"A1", 2}, .category = {"DRUG", 4}, .quantity_milli = 1000, .amount = 10000};
static const struct jf_line line_1000 = {
    .sku = {"A2", 2}, .category = {"DRUG", 4}, .quantity_milli = 2000, .amount = 100000};

static const struct jf_member *member_get(struct ledger *ledger, uint64_t number)
{
    struct jf_request request = {.kind = JF_REQUEST_GET_MEMBER};
    request.query.member.number.value = number;
    request.query.as_of = JF_DATE_NONE;
    ledger_ask(ledger, &request);
    return request.answer.member;
}

static void post(struct ledger *ledger, struct jf_command command)
{
    struct jf_write *write = ledger_write(ledger, &command);
    cr_assert_eq(write->status, JF_WRITE_POSTED, "%.*s: %s", (int)command.transaction_id.size,
                 command.transaction_id.data,
                 write->refusal == NULL ? "" : jf_refusal_name(write->refusal->code));
}

static enum jf_refusal_code refused(struct ledger *ledger, struct jf_command command)
{
    struct jf_write *write = ledger_write(ledger, &command);
    return write->status == JF_WRITE_REFUSED ? write->refusal->code : JF_REFUSAL_NONE;
}

Test(engine, sale_earns_and_is_there_after_a_restart)
{
    struct ledger ledger;
    ledger_start(&ledger);
    post(&ledger, command_enrol("e1", 7, NULL));
    post(&ledger, command_sale("s1", 7, &line_100));
    cr_assert_eq(jf_member_balance(member_get(&ledger, 7)), 100);
    ledger_close(&ledger);
    ledger_open(&ledger);
    cr_assert_eq(ledger.opening.replayed_entries, 0, "a clean stop leaves nothing to replay");
    cr_assert_eq(ledger.opening.last_position, 4);
    cr_assert_eq(jf_member_balance(member_get(&ledger, 7)), 100);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(engine, retry_gets_the_first_answer_byte_for_byte)
{
    struct ledger ledger;
    ledger_start(&ledger);
    post(&ledger, command_enrol("e1", 7, NULL));
    struct jf_command sale = command_sale("s1", 7, &line_100);
    struct jf_write first = *ledger_write(&ledger, &sale);
    post(&ledger, command_sale("s2", 7, &line_100));
    struct jf_write again = *ledger_write(&ledger, &sale);
    cr_assert_eq(again.status, JF_WRITE_REPLAYED);
    cr_assert_eq(again.position, first.position);
    cr_assert(jf_text_equal(again.outcome, first.outcome));
    ledger_close(&ledger);
    ledger_open(&ledger);
    again = *ledger_write(&ledger, &sale);
    cr_assert_eq(again.status, JF_WRITE_REPLAYED);
    cr_assert(jf_text_equal(again.outcome, first.outcome));
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(engine, other_content_under_a_used_id_is_a_conflict)
{
    struct ledger ledger;
    ledger_start(&ledger);
    post(&ledger, command_enrol("e1", 7, NULL));
    post(&ledger, command_sale("s1", 7, &line_100));
    struct jf_command other = command_sale("s1", 7, &line_1000);
    struct jf_write *write = ledger_write(&ledger, &other);
    cr_assert_eq(write->refusal->code, JF_REFUSAL_TRANSACTION_CONFLICT);
    cr_assert_eq(write->refusal->position, 4);
    cr_assert_neq(write->refusal->fingerprint_first, write->refusal->fingerprint_second);
    other.as.sale.receipt.sold_at_ms -= INT64_C(40) * 86400000; // another day's partition
    cr_assert_eq(refused(&ledger, other), JF_REFUSAL_TRANSACTION_CONFLICT);
    ledger_close(&ledger);
    ledger_open(&ledger);
    cr_assert_eq(refused(&ledger, other), JF_REFUSAL_TRANSACTION_CONFLICT);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(engine, receipt_earns_once_whoever_shows_it)
{
    struct ledger ledger;
    ledger_start(&ledger);
    post(&ledger, command_enrol("e1", 7, NULL));
    post(&ledger, command_enrol("e2", 8, NULL));
    struct jf_command sale = command_sale("s1", 7, &line_100);
    post(&ledger, sale);
    struct jf_command second = command_sale("s2", 8, &line_100);
    second.as.sale.receipt.number = sale.as.sale.receipt.number;
    cr_assert_eq(refused(&ledger, second), JF_REFUSAL_RECEIPT_TAKEN);
    cr_assert_eq(ledger.write.refusal->position, 5);
    ledger_close(&ledger);
    ledger_open(&ledger);
    cr_assert_eq(refused(&ledger, second), JF_REFUSAL_RECEIPT_TAKEN);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(engine, one_batch_sees_its_own_earlier_writes)
{
    struct ledger ledger;
    ledger_start(&ledger);
    struct jf_text card = JF_TEXT("card-7");
    struct jf_write writes[6];
    memset(writes, 0, sizeof writes);
    writes[0].command = command_enrol("e1", 7, &card);
    writes[1].command = command_sale("s1", 0, &line_1000);
    writes[1].command.as.sale.member.card = card;
    writes[2].command = command_sale("s1", 0, &line_1000);
    writes[2].command.as.sale.member.card = card;
    writes[3].command = command_redeem("r1", 7, 400);
    writes[4].command = command_return_all("b1", "s1");
    writes[5].command = command_redeem("r2", 7, 100);
    struct jf_request request = {.kind = JF_REQUEST_WRITE, .writes = writes, .write_count = 6};
    ledger_ask(&ledger, &request);
    const enum jf_write_status expected[6] = {JF_WRITE_POSTED, JF_WRITE_POSTED, JF_WRITE_REPLAYED,
                                              JF_WRITE_POSTED, JF_WRITE_POSTED, JF_WRITE_REFUSED};
    for (uint32_t i = 0; i < 6; i++) {
        cr_assert_eq(writes[i].status, expected[i], "write %u", i);
    }
    cr_assert_eq(writes[5].refusal->code, JF_REFUSAL_INSUFFICIENT_POINTS);
    const struct jf_member *member = member_get(&ledger, 7);
    cr_assert_eq(jf_member_balance(member), -400, "the redeemed points became debt");
    cr_assert_eq(jf_member_debt(member), 400);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(engine, refusals_write_nothing)
{
    struct ledger ledger;
    ledger_start(&ledger);
    cr_assert_eq(refused(&ledger, command_sale("s1", 9, &line_100)), JF_REFUSAL_UNKNOWN_MEMBER);
    cr_assert_eq(refused(&ledger, command_return_all("b1", "none")), JF_REFUSAL_UNKNOWN_SALE);
    struct jf_command sale = command_sale("s2", 0, &line_100);
    sale.as.sale.member.card = JF_TEXT("nobody");
    cr_assert_eq(refused(&ledger, sale), JF_REFUSAL_UNKNOWN_CARD);
    struct jf_request status = {.kind = JF_REQUEST_STATUS};
    ledger_ask(&ledger, &status);
    cr_assert_eq(status.answer.status->position_last, 2);
    cr_assert_eq(status.answer.status->refusals, 3);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(engine, quote_answers_like_a_sale_and_writes_nothing)
{
    struct ledger ledger;
    ledger_start(&ledger);
    post(&ledger, command_enrol("e1", 7, NULL));
    struct jf_write quoted = {.command = command_sale("", 7, &line_100)};
    quoted.command.as.sale.receipt.number = JF_TEXT("q");
    struct jf_request request = {.kind = JF_REQUEST_QUOTE, .writes = &quoted, .write_count = 1};
    ledger_ask(&ledger, &request);
    cr_assert_eq(quoted.status, JF_WRITE_POSTED);
    cr_assert_eq(quoted.position, 0);
    cr_assert_gt(quoted.outcome.size, 0);
    cr_assert_eq(jf_member_balance(member_get(&ledger, 7)), 0);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(engine, history_goes_back_in_pages_newest_first)
{
    struct ledger ledger;
    ledger_start(&ledger);
    post(&ledger, command_enrol("e1", 7, NULL));
    post(&ledger, command_enrol("e2", 8, NULL));
    char id[16];
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "s%d", i);
        post(&ledger, command_sale(id, i % 2 == 0 ? 7 : 8, &line_100));
    }
    uint64_t before = 0;
    uint64_t last = UINT64_MAX;
    uint32_t seen = 0;
    do {
        struct jf_request request = {.kind = JF_REQUEST_HISTORY};
        request.query.member.number.value = 7;
        request.query.before_position = before;
        request.query.limit = 20;
        ledger_ask(&ledger, &request);
        for (uint32_t i = 0; i < request.answer.entry_count; i++) {
            struct jf_entry entry;
            cr_assert_eq(jf_entry_decode(request.answer.entries[i], &ledger.arena, &entry, NULL),
                         JF_OK);
            cr_assert_lt(entry.position, last);
            cr_assert_eq(entry.member.value, 7);
            last = entry.position;
            seen += 1;
        }
        before = request.answer.next_before_position;
    } while (before != 0);
    cr_assert_eq(seen, 51);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(engine, transaction_is_found_by_id_and_by_position)
{
    struct ledger ledger;
    ledger_start(&ledger);
    post(&ledger, command_enrol("e1", 7, NULL));
    struct jf_request request = {.kind = JF_REQUEST_GET_TRANSACTION};
    request.query.transaction_id = JF_TEXT("e1");
    ledger_ask(&ledger, &request);
    cr_assert_eq(request.answer.entry_count, 1);
    struct jf_request by_position = {.kind = JF_REQUEST_GET_TRANSACTION};
    by_position.query.position = 3;
    ledger_ask(&ledger, &by_position);
    cr_assert(jf_text_equal(by_position.answer.entries[0], request.answer.entries[0]));
    by_position.query.position = 4;
    by_position.answer.refusal = NULL;
    ledger_ask(&ledger, &by_position);
    cr_assert_eq(by_position.answer.refusal->code, JF_REFUSAL_UNKNOWN_TRANSACTION);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(engine, killed_ledger_recovers_every_acknowledged_sale)
{
    struct ledger ledger;
    ledger_make(&ledger);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        ledger_begin(&ledger);
        post(&ledger, command_enrol("e1", 7, NULL));
        char id[16];
        for (int i = 0; i < 200; i++) {
            snprintf(id, sizeof id, "s%d", i);
            post(&ledger, command_sale(id, 7, &line_100));
        }
        _exit(0); // no close: as a kill would
    }
    int status = 0;
    waitpid(child, &status, 0);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ledger_open(&ledger);
    cr_assert_eq(ledger.opening.last_position, 203);
    cr_assert_eq(jf_member_balance(member_get(&ledger, 7)), 20000);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(engine, full_disk_refuses_writes_and_serves_reads)
{
    struct ledger ledger;
    ledger_start(&ledger);
    post(&ledger, command_enrol("e1", 7, NULL));
    ledger_close(&ledger);
    ledger.config.reserve_bytes = UINT64_MAX / 2; // no further segment can be had
    ledger_open(&ledger);
    char id[16];
    int64_t posted = 0;
    enum jf_refusal_code code = JF_REFUSAL_NONE;
    for (int i = 0; i < 5000 && code == JF_REFUSAL_NONE; i++) {
        snprintf(id, sizeof id, "s%d", i);
        code = refused(&ledger, command_sale(id, 7, &line_100));
        posted += code == JF_REFUSAL_NONE ? 1 : 0;
    }
    cr_assert_eq(code, JF_REFUSAL_DISK_FULL);
    cr_assert_not_null(strstr(ledger.write.refusal->detail, ledger.directory));
    cr_assert_eq(jf_member_balance(member_get(&ledger, 7)), posted * 100);
    ledger_close(&ledger);
    ledger.config.reserve_bytes = 0;
    ledger_open(&ledger);
    cr_assert_eq(jf_member_balance(member_get(&ledger, 7)), posted * 100);
    post(&ledger, command_sale(id, 7, &line_100));
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(engine, second_engine_on_a_directory_is_locked_out)
{
    struct ledger ledger;
    ledger_start(&ledger);
    struct jf_engine *second = NULL;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(jf_engine_open(&ledger.config, &second, NULL, &diagnosis), JF_ERROR_LOCKED, "%s",
                 diagnosis.text);
    cr_assert_not_null(strstr(diagnosis.text, ledger.directory), "%s", diagnosis.text);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(engine, other_directory_is_refused_unchanged)
{
    struct ledger ledger;
    ledger_make(&ledger);
    char path[128];
    snprintf(path, sizeof path, "%s/letter.txt", ledger.directory);
    FILE *file = fopen(path, "w");
    fputs("mine", file);
    fclose(file);
    struct jf_engine *engine = NULL;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(jf_engine_open(&ledger.config, &engine, NULL, &diagnosis), JF_ERROR_FOREIGN);
    cr_assert_not_null(strstr(diagnosis.text, "not a Jifen data directory"));
    snprintf(path, sizeof path, "%s/journal", ledger.directory);
    cr_assert_neq(access(path, F_OK), 0, "nothing was created");
    ledger_remove(&ledger);
}

Test(engine, state_without_its_journal_is_refused)
{
    struct ledger ledger;
    ledger_start(&ledger);
    ledger_close(&ledger);
    char from[128];
    char to[128];
    snprintf(from, sizeof from, "%s/journal", ledger.directory);
    snprintf(to, sizeof to, "%s/gone", ledger.directory);
    cr_assert_eq(rename(from, to), 0);
    struct jf_engine *engine = NULL;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(jf_engine_open(&ledger.config, &engine, NULL, &diagnosis), JF_ERROR_FOREIGN);
    cr_assert_not_null(strstr(diagnosis.text, "SUPERBLOCK"), "%s", diagnosis.text);
    ledger_remove(&ledger);
}

Test(engine, lost_state_is_rebuilt_from_the_journal)
{
    struct ledger ledger;
    ledger_start(&ledger);
    post(&ledger, command_enrol("e1", 7, NULL));
    post(&ledger, command_sale("s1", 7, &line_100));
    ledger_close(&ledger);
    char from[128];
    char to[128];
    snprintf(from, sizeof from, "%s/state", ledger.directory);
    snprintf(to, sizeof to, "%s/old", ledger.directory);
    cr_assert_eq(rename(from, to), 0);
    ledger_open(&ledger);
    cr_assert_eq(ledger.opening.replayed_entries, 4);
    cr_assert_eq(jf_member_balance(member_get(&ledger, 7)), 100);
    cr_assert_eq(refused(&ledger, command_sale("s1", 7, &line_1000)),
                 JF_REFUSAL_TRANSACTION_CONFLICT);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

// Collects what is outstanding.
static void lane_drain(struct ledger *ledger)
{
    jf_lane_flush(ledger->lane);
    while (jf_lane_outstanding(ledger->lane) > 0) {
        (void)jf_lane_collect(ledger->lane);
    }
}

Test(engine, lane_full_of_writes_takes_single_ones_and_no_batch)
{
    enum {
        BATCHES = JF_LANE_WRITES_MAX / JF_BATCH_COUNT_MAX
    };
    struct ledger ledger;
    ledger_start(&ledger);
    static struct jf_write writes[BATCHES + 1][JF_BATCH_COUNT_MAX]; // malformed ones: refused
    static struct jf_request requests[BATCHES + 2];
    struct jf_arena arenas[BATCHES + 2];
    for (uint32_t i = 0; i < BATCHES + 2; i++) {
        jf_arena_init(&arenas[i], 16384, (size_t)64 << 20);
        requests[i] = (struct jf_request){.kind = JF_REQUEST_WRITE,
                                          .arena = &arenas[i],
                                          .writes = writes[i % (BATCHES + 1)],
                                          .write_count = JF_BATCH_COUNT_MAX};
    }
    for (uint32_t i = 0; i < BATCHES; i++) {
        cr_assert_eq(jf_lane_submit(ledger.lane, &requests[i]), JF_OK);
    }
    requests[BATCHES].write_count = 2;
    cr_expect_eq(jf_lane_submit(ledger.lane, &requests[BATCHES]), JF_ERROR_BUSY);
    requests[BATCHES].write_count = 1;
    cr_expect_eq(jf_lane_submit(ledger.lane, &requests[BATCHES]), JF_OK);
    lane_drain(&ledger);
    requests[BATCHES + 1].writes = writes[0];
    cr_expect_eq(jf_lane_submit(ledger.lane, &requests[BATCHES + 1]), JF_OK, "there is room again");
    lane_drain(&ledger);
    for (uint32_t i = 0; i < BATCHES + 2; i++) {
        jf_arena_deinit(&arenas[i]);
    }
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(engine, lane_full_of_bytes_takes_small_requests_and_no_large_one)
{
    struct ledger ledger;
    ledger_start(&ledger);
    struct jf_arena arenas[4];
    struct jf_request requests[4];
    const size_t sizes[4] = {JF_LANE_BYTES_MAX / 2, JF_LANE_BYTES_MAX / 2 - 65536, 65537, 64};
    for (uint32_t i = 0; i < 4; i++) {
        jf_arena_init(&arenas[i], 4096, (size_t)1 << 30);
        cr_assert_not_null(jf_arena_alloc(&arenas[i], sizes[i]));
        requests[i] = (struct jf_request){.kind = JF_REQUEST_STATUS, .arena = &arenas[i]};
    }
    cr_expect_eq(jf_lane_submit(ledger.lane, &requests[0]), JF_OK);
    cr_expect_eq(jf_lane_submit(ledger.lane, &requests[1]), JF_OK);
    cr_expect_eq(jf_lane_submit(ledger.lane, &requests[2]), JF_ERROR_BUSY);
    cr_expect_eq(jf_lane_submit(ledger.lane, &requests[3]), JF_OK, "a till's");
    lane_drain(&ledger);
    cr_expect_eq(jf_lane_submit(ledger.lane, &requests[2]), JF_OK);
    lane_drain(&ledger);
    for (uint32_t i = 0; i < 4; i++) {
        jf_arena_deinit(&arenas[i]);
    }
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(engine, full_lane_is_busy_at_once)
{
    struct ledger ledger;
    ledger_start(&ledger);
    struct jf_request requests[64];
    memset(requests, 0, sizeof requests);
    uint32_t taken = 0;
    enum jf_error error = JF_OK;
    for (uint32_t i = 0; i < 64 && error == JF_OK; i++) {
        requests[i].kind = JF_REQUEST_STATUS;
        requests[i].arena = &ledger.arena;
        error = jf_lane_submit(ledger.lane, &requests[i]); // nothing is collected meanwhile
        taken += error == JF_OK ? 1 : 0;
    }
    cr_assert_eq(error, JF_ERROR_BUSY);
    cr_assert_eq(taken, 63);
    jf_lane_flush(ledger.lane);
    while (jf_lane_outstanding(ledger.lane) > 0) {
        (void)jf_lane_collect(ledger.lane);
    }
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

static void inline_ask(struct ledger *ledger, struct jf_request *request)
{
    request->arena = &ledger->arena;
    cr_assert_eq(jf_lane_submit(ledger->lane, request), JF_OK);
    while (!jf_lane_has_answers(ledger->lane)) {
        cr_assert_eq(jf_engine_turn(ledger->engine), JF_OK);
    }
    cr_assert_eq(jf_lane_collect(ledger->lane), request);
}

Test(engine, inline_engine_does_all_in_the_callers_turns)
{
    struct ledger ledger;
    ledger_make(&ledger);
    ledger.config.is_inline = true;
    ledger_open(&ledger);
    struct jf_write write = {.command = command_enrol("e1", 7, NULL)};
    struct jf_request request = {.kind = JF_REQUEST_WRITE, .writes = &write, .write_count = 1};
    inline_ask(&ledger, &request);
    cr_assert_eq(write.status, JF_WRITE_POSTED);
    struct jf_request checkpoint = {.kind = JF_REQUEST_CHECKPOINT};
    inline_ask(&ledger, &checkpoint);
    cr_assert_eq(checkpoint.answer.position_flushed, write.position);
    ledger_close(&ledger);
    ledger_open(&ledger);
    cr_assert_eq(ledger.opening.replayed_entries, 0);
    request = (struct jf_request){.kind = JF_REQUEST_GET_MEMBER, .query.member.number = {7}};
    inline_ask(&ledger, &request);
    cr_assert_not_null(request.answer.member);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

static void ignore_wake(void *context)
{
    (void)context;
}

static struct jf_job_progress job_wait(struct jf_job *job)
{
    struct jf_job_progress progress = {.is_done = false};
    do {
        usleep(1000);
        while (jf_job_take(job, &progress) && !progress.is_done) {
        }
    } while (!progress.is_done);
    jf_job_release(job);
    return progress;
}

Test(engine, verify_ties_and_tells_its_counts)
{
    struct ledger ledger;
    ledger_start(&ledger);
    post(&ledger, command_enrol("e1", 7, NULL));
    post(&ledger, command_sale("s1", 7, &line_1000));
    post(&ledger, command_redeem("r1", 7, 300));
    struct jf_job *job = NULL;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(jf_job_start_verify(ledger.engine, ignore_wake, NULL, &job, &diagnosis), JF_OK);
    struct jf_job_progress result = job_wait(job);
    cr_assert_eq(result.error, JF_OK, "%s", result.diagnosis.text);
    cr_assert(result.ties, "%s", result.difference);
    cr_assert_eq(result.entries, 5);
    cr_assert_eq(result.members, 1);
    cr_assert_eq(result.balance_sum, 700);
    cr_assert_eq(memcmp(result.digest, result.replay_digest, 16), 0);
    ledger_close(&ledger);
    cr_assert_eq(jf_verify_directory(ledger.directory, NULL, NULL, &result, &diagnosis), JF_OK,
                 "%s", diagnosis.text);
    cr_assert(result.ties, "%s", result.difference);
    ledger_remove(&ledger);
}

Test(engine, tiers_fall_at_recalculation_and_a_run_changes_nobody_twice)
{
    struct ledger ledger;
    ledger_start(&ledger);
    post(&ledger, command_enrol("e1", 7, NULL));
    post(&ledger, command_sale("s1", 7, &line_1000));
    cr_assert_eq(member_get(&ledger, 7)->tier, 1, "up at once");
    post(&ledger, command_return_all("b1", "s1"));
    cr_assert_eq(member_get(&ledger, 7)->tier, 1, "not down at once");
    struct jf_tiers_job_input input = {.run = {JF_TEXT("june"), 20620},
                                       .is_listed = true}; // 2026-06-16
    for (uint32_t run = 0; run < 2; run++) {
        struct jf_job *job = NULL;
        struct jf_diagnosis diagnosis = {.error = JF_OK};
        cr_assert_eq(jf_job_start_tiers(ledger.engine, &input, ignore_wake, NULL, &job, &diagnosis),
                     JF_OK);
        struct jf_job_progress result = job_wait(job);
        cr_assert_eq(result.error, JF_OK, "%s", result.diagnosis.text);
        cr_assert_eq(result.counts[1 * JF_TIERS_MAX + 0], run == 0 ? 1 : 0, "run %u", run);
        cr_assert_eq(result.counts[0], run == 0 ? 0 : 1, "run %u", run);
    }
    cr_assert_eq(member_get(&ledger, 7)->tier, 0);
    input.run.as_of -= 40; // the same run as of another date
    struct jf_job *job = NULL;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(jf_job_start_tiers(ledger.engine, &input, ignore_wake, NULL, &job, &diagnosis),
                 JF_OK);
    struct jf_job_progress result = job_wait(job);
    cr_assert_eq(result.error, JF_ERROR_INVALID);
    cr_assert_not_null(strstr(result.diagnosis.text, "another date"), "%s", result.diagnosis.text);
    input.run.as_of = 21500; // the clock of the test says 2026-06-15
    cr_assert_eq(jf_job_start_tiers(ledger.engine, &input, ignore_wake, NULL, &job, &diagnosis),
                 JF_ERROR_INVALID);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}
