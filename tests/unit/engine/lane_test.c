// Claims about who waits for whom: single requests go on beside the parts of a large one, which
// loses nothing and keeps its order; neither takes more than half of a batch while both wait.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_ledger.h"

#define BATCH    1024u // commands planned together
#define LARGE    2500u
#define SINGLES  600u
#define TURNS    1000u
#define ID_BYTES 16u

struct single {
    struct jf_request request;
    struct jf_write write;
    struct jf_arena arena;
    char id[ID_BYTES];
};

struct crowd {
    struct ledger ledger;
    struct jf_request large;
    struct jf_write *writes; // LARGE
    char (*ids)[ID_BYTES];
    struct single *singles; // SINGLES
    struct jf_arena arena;
};

// One thread from here on: a turn of the ledger is a call.
static void crowd_open(struct crowd *crowd)
{
    ledger_start(&crowd->ledger);
    ledger_close(&crowd->ledger);
    crowd->ledger.config.is_inline = true;
    crowd->ledger.config.lane_queue_length = 1024;
    ledger_open(&crowd->ledger);
    crowd->writes = calloc(LARGE, sizeof *crowd->writes);
    crowd->ids = calloc(LARGE, sizeof *crowd->ids);
    crowd->singles = calloc(SINGLES, sizeof *crowd->singles);
    cr_assert(crowd->writes != NULL && crowd->ids != NULL && crowd->singles != NULL);
    jf_arena_init(&crowd->arena, 65536, (size_t)64 << 20);
}

static void crowd_close(struct crowd *crowd)
{
    for (uint32_t i = 0; i < SINGLES; i++) {
        if (crowd->singles[i].request.arena != NULL) {
            jf_arena_deinit(&crowd->singles[i].arena);
        }
    }
    jf_arena_deinit(&crowd->arena);
    free(crowd->singles);
    free(crowd->ids);
    free(crowd->writes);
    ledger_close(&crowd->ledger);
    ledger_remove(&crowd->ledger);
}

static void large_submit(struct crowd *crowd)
{
    for (uint32_t i = 0; i < LARGE; i++) {
        (void)snprintf(crowd->ids[i], ID_BYTES, "large-%u", i);
        crowd->writes[i].command = command_enrol(crowd->ids[i], 1000 + i, NULL);
    }
    crowd->large = (struct jf_request){.kind = JF_REQUEST_WRITE,
                                       .arena = &crowd->arena,
                                       .writes = crowd->writes,
                                       .write_count = LARGE};
    cr_assert_eq(jf_lane_submit(crowd->ledger.lane, &crowd->large), JF_OK);
}

static void single_submit(struct crowd *crowd, uint32_t number)
{
    struct single *single = &crowd->singles[number];
    (void)snprintf(single->id, ID_BYTES, "single-%u", number);
    jf_arena_init(&single->arena, 1024, (size_t)1 << 20);
    single->write.command = command_enrol(single->id, 100000 + number, NULL);
    single->request = (struct jf_request){.kind = JF_REQUEST_WRITE,
                                          .arena = &single->arena,
                                          .writes = &single->write,
                                          .write_count = 1};
    cr_assert_eq(jf_lane_submit(crowd->ledger.lane, &single->request), JF_OK);
}

static void turn(struct crowd *crowd)
{
    cr_assert_eq(jf_engine_turn(crowd->ledger.engine), JF_OK);
}

// Until all is answered. Returns: how many requests were answered before the large one.
static uint32_t answers_await(struct crowd *crowd)
{
    uint32_t before = 0;
    bool is_large_answered = false;
    for (uint32_t i = 0; jf_lane_outstanding(crowd->ledger.lane) > 0; i++) {
        cr_assert(i < TURNS, "%u requests are never answered",
                  jf_lane_outstanding(crowd->ledger.lane));
        turn(crowd);
        for (struct jf_request *request = jf_lane_collect(crowd->ledger.lane); request != NULL;
             request = jf_lane_collect(crowd->ledger.lane)) {
            is_large_answered = is_large_answered || request == &crowd->large;
            before += is_large_answered ? 0 : 1;
        }
    }
    cr_assert(is_large_answered);
    return before;
}

static uint32_t singles_posted(const struct crowd *crowd)
{
    uint32_t posted = 0;
    for (uint32_t i = 0; i < SINGLES; i++) {
        posted += crowd->singles[i].write.status == JF_WRITE_POSTED;
    }
    return posted;
}

static uint32_t large_posted(const struct crowd *crowd)
{
    uint32_t posted = 0;
    for (uint32_t i = 0; i < LARGE; i++) {
        posted += crowd->writes[i].status == JF_WRITE_POSTED;
    }
    return posted;
}

static void assert_large_is_whole(const struct crowd *crowd)
{
    cr_assert_eq(large_posted(crowd), LARGE);
    for (uint32_t i = 1; i < LARGE; i++) {
        cr_assert(crowd->writes[i].position > crowd->writes[i - 1].position, "write %u", i);
    }
}

Test(lane, single_writes_are_answered_amid_a_large_request_which_loses_nothing)
{
    struct crowd crowd;
    memset(&crowd, 0, sizeof crowd);
    crowd_open(&crowd);
    large_submit(&crowd);
    turn(&crowd);
    cr_assert_eq(large_posted(&crowd), BATCH);
    for (uint32_t i = 0; i < 10; i++) {
        single_submit(&crowd, i);
    }
    cr_assert_eq(answers_await(&crowd), 10);
    cr_assert_eq(singles_posted(&crowd), 10);
    for (uint32_t i = 0; i < 10; i++) {
        uint64_t position = crowd.singles[i].write.position;
        cr_assert(position > crowd.writes[BATCH - 1].position);
        cr_assert(position < crowd.writes[2 * BATCH - 1].position);
        cr_assert(i == 0 || position == crowd.singles[i - 1].write.position + 1);
    }
    assert_large_is_whole(&crowd);
    crowd_close(&crowd);
}

Test(lane, neither_size_takes_more_than_half_of_a_batch_while_both_wait)
{
    struct crowd crowd;
    memset(&crowd, 0, sizeof crowd);
    crowd_open(&crowd);
    large_submit(&crowd);
    for (uint32_t i = 0; i < SINGLES; i++) {
        single_submit(&crowd, i);
    }
    turn(&crowd);
    cr_assert_eq(singles_posted(&crowd), BATCH / 2);
    cr_assert_eq(large_posted(&crowd), BATCH / 2);
    turn(&crowd);
    cr_assert_eq(singles_posted(&crowd), SINGLES);
    cr_assert_eq(large_posted(&crowd), 2 * BATCH - SINGLES);
    cr_assert_eq(answers_await(&crowd), SINGLES);
    assert_large_is_whole(&crowd);
    crowd_close(&crowd);
}
