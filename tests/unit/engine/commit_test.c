// What several commands about one hold do to each other, within one batch and after restarts: the
// first of them that is accepted ends it.
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_ledger.h"

static const struct jf_line line_1000 = {
    .sku = {"A2", 2}, .category = {"DRUG", 4}, .quantity_milli = 2000, .amount = 100000};

static const struct jf_member *member_get(struct ledger *ledger)
{
    struct jf_request request = {.kind = JF_REQUEST_GET_MEMBER};
    request.query.member.number.value = 7;
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

static const struct jf_refusal *refused(struct ledger *ledger, struct jf_command command)
{
    struct jf_write *write = ledger_write(ledger, &command);
    cr_assert_eq(write->status, JF_WRITE_REFUSED);
    return write->refusal;
}

// A member with 1000 points; the next position is 5.
static void begin(struct ledger *ledger)
{
    ledger_begin(ledger);
    post(ledger, command_enrol("e1", 7, NULL));
    post(ledger, command_sale("s1", 7, &line_1000));
}

static void ask_all(struct ledger *ledger, struct jf_write *writes, uint32_t count)
{
    struct jf_request request = {.kind = JF_REQUEST_WRITE, .writes = writes, .write_count = count};
    ledger_ask(ledger, &request);
}

Test(commit, of_two_partial_captures_in_one_batch_one_is_posted)
{
    struct ledger ledger;
    ledger_make(&ledger);
    begin(&ledger);
    struct jf_write writes[4];
    memset(writes, 0, sizeof writes);
    writes[0].command = command_hold("h1", 7, 600);
    writes[1].command = command_capture("c1", "h1", 400);
    writes[2].command = command_capture("c2", "h1", 200);
    writes[3].command = command_void("v1", "h1");
    ask_all(&ledger, writes, 4);
    cr_assert_eq(writes[0].status, JF_WRITE_POSTED);
    cr_assert_eq(writes[1].status, JF_WRITE_POSTED);
    for (uint32_t i = 2; i < 4; i++) {
        cr_assert_eq(writes[i].status, JF_WRITE_REFUSED);
        cr_assert_eq(writes[i].refusal->code, JF_REFUSAL_HOLD_ENDED);
        cr_assert_eq(writes[i].refusal->position, writes[1].position);
    }
    cr_assert_eq(jf_member_balance(member_get(&ledger)), 600);
    cr_assert_eq(member_get(&ledger)->hold_count, 0);
    ledger_close(&ledger);
    ledger_open(&ledger);
    const struct jf_refusal *refusal = refused(&ledger, command_capture("c3", "h1", 100));
    cr_assert_eq(refusal->code, JF_REFUSAL_HOLD_ENDED);
    cr_assert_eq(refusal->position, writes[1].position, "also when the index is read from disk");
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(commit, the_same_ids_twice_in_one_batch_are_posted_once)
{
    struct ledger ledger;
    ledger_make(&ledger);
    begin(&ledger);
    struct jf_write writes[6];
    memset(writes, 0, sizeof writes);
    writes[0].command = command_hold("h1", 7, 600);
    writes[1].command = command_hold("h1", 7, 600);
    writes[2].command = command_capture("c1", "h1", 400);
    writes[3].command = command_capture("c1", "h1", 400);
    writes[4].command = command_capture("c1", "h1", 200); // other content
    writes[5].command = command_hold("h1", 7, 600);
    ask_all(&ledger, writes, 6);
    static const enum jf_write_status expected[6] = {JF_WRITE_POSTED,  JF_WRITE_REPLAYED,
                                                     JF_WRITE_POSTED,  JF_WRITE_REPLAYED,
                                                     JF_WRITE_REFUSED, JF_WRITE_REPLAYED};
    for (uint32_t i = 0; i < 6; i++) {
        cr_assert_eq(writes[i].status, expected[i], "write %u", i);
    }
    cr_assert_eq(writes[4].refusal->code, JF_REFUSAL_TRANSACTION_CONFLICT);
    cr_assert(jf_text_equal(writes[0].outcome, writes[5].outcome));
    cr_assert(jf_text_equal(writes[2].outcome, writes[3].outcome));
    cr_assert_eq(jf_member_balance(member_get(&ledger)), 600);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

#define GROUP 300u // more than are prefetched together

// What one command of a batch changes is seen by those behind it, also where these were brought in
// later.
Test(commit, members_enrolled_early_in_a_batch_buy_and_are_answered_again_late_in_it)
{
    struct ledger ledger;
    ledger_make(&ledger);
    begin(&ledger);
    struct jf_write *writes = calloc((size_t)3 * GROUP, sizeof *writes);
    char(*ids)[2][16] = calloc(GROUP, sizeof *ids);
    cr_assert(writes != NULL && ids != NULL);
    for (uint32_t i = 0; i < GROUP; i++) {
        snprintf(ids[i][0], sizeof ids[i][0], "enrol-%u", i);
        snprintf(ids[i][1], sizeof ids[i][1], "sale-%u", i);
        writes[i].command = command_enrol(ids[i][0], 1000 + i, NULL);
        writes[GROUP + i].command = command_sale(ids[i][1], 1000 + i, &line_1000);
        writes[2 * GROUP + i].command = writes[GROUP + i].command;
    }
    ask_all(&ledger, writes, 3 * GROUP);
    for (uint32_t i = 0; i < GROUP; i++) {
        cr_assert_eq(writes[i].status, JF_WRITE_POSTED, "enrolment %u", i);
        cr_assert_eq(writes[GROUP + i].status, JF_WRITE_POSTED, "sale %u", i);
        cr_assert_eq(writes[2 * GROUP + i].status, JF_WRITE_REPLAYED, "sale %u again", i);
        cr_assert_eq(writes[2 * GROUP + i].position, writes[GROUP + i].position);
        cr_assert(jf_text_equal(writes[2 * GROUP + i].outcome, writes[GROUP + i].outcome));
    }
    free(ids);
    free(writes);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(commit, holds_of_one_batch_together_do_not_exceed_the_balance)
{
    struct ledger ledger;
    ledger_make(&ledger);
    begin(&ledger);
    struct jf_write writes[12];
    char ids[12][8];
    memset(writes, 0, sizeof writes);
    for (uint32_t i = 0; i < 12; i++) {
        snprintf(ids[i], sizeof ids[i], "h%u", i);
        writes[i].command = command_hold(ids[i], 7, 300);
    }
    ask_all(&ledger, writes, 12);
    for (uint32_t i = 0; i < 12; i++) {
        cr_assert_eq(writes[i].status, i < 3 ? JF_WRITE_POSTED : JF_WRITE_REFUSED);
    }
    cr_assert_eq(writes[3].refusal->code, JF_REFUSAL_INSUFFICIENT_POINTS);
    cr_assert_eq(writes[3].refusal->available, 100);
    // A hold that was refused cannot be captured, nor can what is no hold.
    cr_assert_eq(refused(&ledger, command_capture("c1", "h5", 0))->code,
                 JF_REFUSAL_UNKNOWN_TRANSACTION);
    cr_assert_eq(refused(&ledger, command_void("v1", "s1"))->code, JF_REFUSAL_UNKNOWN_TRANSACTION);
    cr_assert_eq(jf_member_held(member_get(&ledger)), 900);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(commit, an_open_hold_outlives_a_kill_and_can_be_captured)
{
    struct ledger ledger;
    ledger_make(&ledger);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        begin(&ledger);
        post(&ledger, command_hold("h1", 7, 600));
        post(&ledger, command_hold("h2", 7, 100));
        post(&ledger, command_void("v2", "h2"));
        _exit(0); // no close: as a kill would
    }
    int status = 0;
    waitpid(child, &status, 0);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ledger_open(&ledger);
    cr_assert_eq(jf_member_held(member_get(&ledger)), 600);
    cr_assert_eq(refused(&ledger, command_redeem("r1", 7, 500))->code,
                 JF_REFUSAL_INSUFFICIENT_POINTS);
    cr_assert_eq(refused(&ledger, command_capture("c2", "h2", 0))->code, JF_REFUSAL_HOLD_ENDED);
    post(&ledger, command_capture("c1", "h1", 0));
    ledger_close(&ledger);
    ledger_open(&ledger);
    cr_assert_eq(jf_member_balance(member_get(&ledger)), 400);
    cr_assert_eq(member_get(&ledger)->hold_count, 0);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}
