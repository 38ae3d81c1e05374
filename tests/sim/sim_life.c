// See sim_life.h. A life: open (the power may go meanwhile, again and again), hold what was found
// against the model, serve clients until the end drawn for it comes, close what is left in memory,
// switch the disk on. At the seed's end, in quiet: everything is asked once more, and the journal
// is replayed from nothing and compared.
#include "sim_life.h"

#include <stdio.h>
#include <string.h>

#include "engine/jobs.h"
#include "sim_damage.h"
#include "sim_disk.h"
#include "sim_kv.h"
#include "sim_oracle.h"
#include "sim_ring.h"
#include "sim_swarm.h"

#define START_US          UINT64_C(1790812800000000) // 2026-10-01
#define OPENING_TRIES_MAX 40u
#define TURNS_MAX         100000u
#define IDLE_TURNS        40u
#define COLLECTED_MAX     1024u
#define SPACE_ENOUGH      (16u << 20)
#define OPERATIONS_CUT    600u // the power goes within so many operations

struct sim sim;

static struct {
    struct jf_engine *engine; // NULL: closed
    struct jf_lane *lanes[SIM_LANES];
    uint64_t failures; // put in before this life: a write that fails is heard of later
} life;

void sim_power_off(void)
{
    sim_ring_power_off();
    sim_disk_power_off();
    sim_kv_power_off();
}

static uint64_t clock_read(void *context)
{
    (void)context;
    sim.now_us += 1;
    return sim.now_us;
}

static void lane_wake(void *context)
{
    (void)context;
}

static struct jf_engine_config engine_config(void)
{
    struct jf_engine_config config = jf_engine_config_default();
    config.data_directory = SIM_DATA;
    config.zone_directory = SIM_ROOT "/zone";
    config.segment_bytes = (uint64_t)4 << 20;
    config.reserve_bytes = (uint64_t)1 << 20;
    config.cache_bytes = sim.options.cache_bytes;
    config.filter_bytes = 4096;
    config.write_buffer_bytes = 1 << 20;
    config.block_cache_bytes = 1 << 20;
    config.checkpoint_entries = sim.options.checkpoint_entries;
    config.checkpoint_us = sim.options.checkpoint_us;
    config.generation_entries = sim.options.generation_entries;
    config.generation_us = sim.options.generation_us;
    config.digest_every = sim.options.digest_every;
    config.lane_queue_length = 512;
    config.is_inline = true;
    config.clock_us = clock_read;
    return config;
}

// ---- Turns ----------------------------------------------------------------------------

static void collect(void)
{
    static struct sim_call *calls[COLLECTED_MAX];
    uint32_t count = 0;
    for (uint32_t lane = 0; lane < SIM_LANES; lane++) {
        for (struct jf_request *request = jf_lane_collect(life.lanes[lane]); request != NULL;
             request = jf_lane_collect(life.lanes[lane])) {
            SIM_REQUIRE(count < COLLECTED_MAX);
            calls[count++] = request->origin;
        }
    }
    sim_oracle_answers(calls, count);
}

// Returns: whether the ledger still works.
static bool turn(void)
{
    enum jf_error error = jf_engine_turn(life.engine);
    collect();
    return error == JF_OK && sim_disk_is_on();
}

static uint32_t outstanding(void)
{
    uint32_t sum = 0;
    for (uint32_t lane = 0; lane < SIM_LANES; lane++) {
        sum += jf_lane_outstanding(life.lanes[lane]);
    }
    return sum;
}

// Until everything asked is answered. Returns: whether the ledger still works.
static bool drain(void)
{
    bool works = true;
    for (uint32_t i = 0; outstanding() > 0; i++) {
        SIM_REQUIRE(i < TURNS_MAX);
        works = turn() && works;
    }
    return works;
}

// A question of the simulation's own. Returns: whether it was answered; the call stays taken.
static bool ask(struct sim_call *call)
{
    if (jf_lane_submit(life.lanes[0], &call->request) != JF_OK) {
        return false;
    }
    for (uint32_t i = 0; jf_lane_outstanding(life.lanes[0]) > 0; i++) {
        SIM_REQUIRE(i < TURNS_MAX);
        enum jf_error error = jf_engine_turn(life.engine);
        (void)error; // what was asked is then refused
        if (jf_lane_has_answers(life.lanes[0])) {
            SIM_REQUIRE(jf_lane_collect(life.lanes[0]) == &call->request);
        }
    }
    return call->request.answer.refusal == NULL;
}

// ---- Opening and closing --------------------------------------------------------------

static void close_all(void)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    (void)drain();
    for (uint32_t lane = 0; lane < SIM_LANES; lane++) {
        jf_engine_lane_close(life.lanes[lane]);
    }
    (void)jf_engine_close(life.engine, &diagnosis);
    life.engine = NULL;
}

static bool open_engine(struct jf_diagnosis *diagnosis)
{
    struct jf_engine_config config = engine_config();
    struct jf_engine_opening opening;
    sim.counts->openings += 1;
    *diagnosis = (struct jf_diagnosis){.error = JF_OK};
    if (jf_engine_open(&config, &life.engine, &opening, diagnosis) != JF_OK) {
        life.engine = NULL;
        return false;
    }
    for (uint32_t lane = 0; lane < SIM_LANES; lane++) {
        SIM_REQUIRE(jf_engine_lane_open(life.engine, lane_wake, NULL, &life.lanes[lane]) == JF_OK);
    }
    sim_say("opened: %llu entries, %llu replayed, %llu blocks cut",
            (unsigned long long)opening.last_position, (unsigned long long)opening.replayed_entries,
            (unsigned long long)opening.blocks_cut);
    return true;
}

// ---- After a start --------------------------------------------------------------------

static bool last_position(uint64_t *out_last)
{
    struct sim_call *call = sim_call_take(JF_REQUEST_STATUS);
    bool is_answered = ask(call);
    if (is_answered) {
        *out_last = call->request.answer.status->position_last;
    }
    sim_call_release(call);
    return is_answered;
}

static bool entry_take(uint64_t position)
{
    struct sim_call *call = sim_call_take(JF_REQUEST_GET_TRANSACTION);
    call->request.query.position = position;
    bool is_answered = ask(call);
    if (is_answered) {
        sim_oracle_found(position, call->request.answer.entries[0]);
    }
    sim_call_release(call);
    return is_answered;
}

// What nobody knew the fate of is there whole, or not at all; everything acknowledged is there.
static bool found_take(void)
{
    uint64_t last = 0;
    if (!last_position(&last)) {
        return false;
    }
    uint64_t known = sim_oracle_position();
    if (last < sim_oracle_revealed()) {
        sim_fail("entries up to %llu were acknowledged or seen, after the start there are %llu",
                 (unsigned long long)sim_oracle_revealed(), (unsigned long long)last);
    }
    for (uint64_t position = known + 1; position <= last; position++) {
        if (!entry_take(position)) {
            return false;
        }
    }
    return true;
}

// Every member as the model has it, and the totals.
static bool state_check(void)
{
    for (uint32_t number = 1; number <= SIM_MEMBERS; number++) {
        struct sim_call *call = sim_call_take(JF_REQUEST_GET_MEMBER);
        call->quoted.member = number;
        call->request.query.member.number.value = number;
        call->request.query.as_of = 20485 + (jf_date)sim_draw(300);
        if (jf_lane_submit(life.lanes[0], &call->request) != JF_OK) {
            sim_call_release(call);
            return false;
        }
    }
    struct sim_call *call = sim_call_take(JF_REQUEST_STATUS);
    if (jf_lane_submit(life.lanes[0], &call->request) != JF_OK) {
        sim_call_release(call);
        return false;
    }
    return drain();
}

// Some of what was answered is asked again: the same bytes must come.
static bool replays_check(uint32_t count)
{
    for (uint32_t i = 0; i < count && sim_op_count() > 0; i++) {
        struct sim_op *op = sim_op_at(sim_draw(sim_op_count()));
        if (op->position == 0) {
            continue;
        }
        struct sim_call *call = sim_call_take(JF_REQUEST_WRITE);
        sim_call_add(call, op);
        if (jf_lane_submit(life.lanes[0], &call->request) != JF_OK) {
            sim_call_release(call);
            return false;
        }
    }
    return drain();
}

// ---- A life ---------------------------------------------------------------------------

// Failures put in that stop a ledger without more: errors of the disk and of the database.
static uint64_t failures_put_in(void)
{
    const uint64_t *faults = sim.counts->faults;
    return faults[SIM_FAULT_EIO] + faults[SIM_FAULT_SHORT] + faults[SIM_FAULT_STATE_READ] +
           faults[SIM_FAULT_STATE_WRITE];
}

bool sim_start_once(struct jf_diagnosis *diagnosis)
{
    if (sim_happens(sim.options.opening_cut)) {
        sim_disk_cut_after(1 + sim_draw(200));
    }
    bool is_open = open_engine(diagnosis);
    bool is_sound = is_open && found_take() && state_check() && replays_check(3);
    sim_disk_cut_after(0);
    if (is_open && (!is_sound || !sim_disk_is_on())) {
        (void)jf_engine_has_failed(life.engine, diagnosis);
        close_all();
        return false;
    }
    return is_sound;
}

// Opens, as often as it takes. A refusal must have been provoked.
void sim_start(void)
{
    for (uint32_t tries = 0; tries < OPENING_TRIES_MAX; tries++) {
        struct jf_diagnosis diagnosis;
        life.failures = failures_put_in();
        enum sim_lost is_lost = sim_ring_settle_lost();
        if (sim_start_once(&diagnosis)) {
            if (is_lost == SIM_LOST_TOLD) {
                sim_fail("a write that was lost went unnoticed");
            }
            sim_ring_forget_lost();
            return;
        }
        sim_say("no start: %s", diagnosis.text);
        if (!sim_disk_is_on()) {
            sim.counts->crashes += 1;
            sim_count(SIM_FAULT_POWER_OPENING);
        } else if (sim_disk_free() < SPACE_ENOUGH) {
            sim_disk_set_free(UINT64_MAX / 4);
        } else if (is_lost != SIM_LOST_NOTHING && diagnosis.error == JF_ERROR_CORRUPT) {
            sim.counts->refused_openings += 1;
            sim_ring_repair_lost();
        } else if (life.failures == failures_put_in()) {
            sim_fail("the ledger does not open: %s", diagnosis.text);
        } else {
            sim.counts->refused_openings += 1;
        }
        sim_disk_switch_on();
    }
    sim_fail("no start in %u tries", OPENING_TRIES_MAX);
}

// The disk fills up, and somebody makes room again.
static void space_step(void)
{
    if (sim_happens(sim.options.full)) {
        sim_count(SIM_FAULT_FULL);
        sim_disk_set_free(sim_draw(2) == 0 ? 0 : sim_draw(SPACE_ENOUGH));
    } else if (sim_disk_free() < SPACE_ENOUGH && sim_draw(10) == 0) {
        sim_disk_set_free(UINT64_MAX / 4);
    }
}

static void serve(void)
{
    for (uint32_t step = 0; step < sim.options.steps; step++) {
        space_step();
        (void)sim_client_step(life.lanes);
        if (turn()) {
            continue;
        }
        struct jf_diagnosis diagnosis = {.error = JF_OK};
        (void)jf_engine_has_failed(life.engine, &diagnosis);
        if (sim_disk_is_on() && life.failures == failures_put_in()) {
            sim_fail("the ledger stopped: %s", diagnosis.text);
        }
        return;
    }
}

void sim_idle(void)
{
    for (uint32_t i = 0; i < IDLE_TURNS; i++) {
        SIM_REQUIRE(turn());
    }
}

void sim_stop(bool is_kill)
{
    if (is_kill) {
        sim_ring_kill();
        sim_kv_power_off(); // what the process had in memory is gone
        sim_disk_kill();
    }
    close_all();
    sim_disk_switch_on();
}

static void end(void)
{
    sim_say("ends with %u ids, entries up to %llu known", sim_op_count(),
            (unsigned long long)sim_oracle_position());
    uint32_t how = sim_draw(1000);
    if (sim_disk_is_on() && how < sim.options.stop) {
        sim_count(SIM_FAULT_STOP);
        sim_stop(false);
        return;
    }
    sim.counts->crashes += 1;
    if (sim_disk_is_on() && how < sim.options.stop + sim.options.kill) {
        sim_count(SIM_FAULT_KILL);
        sim_stop(true);
        return;
    }
    sim_count(SIM_FAULT_POWER);
    if (sim_disk_is_on()) {
        sim_power_off();
    }
    close_all();
    sim_disk_switch_on();
}

bool sim_verify(struct jf_diagnosis *diagnosis)
{
    struct jf_job_progress result;
    memset(&result, 0, sizeof result);
    result.ties = true;
    if (jf_verify_directory(SIM_DATA, NULL, NULL, &result, diagnosis) != JF_OK) {
        return false;
    }
    sim.counts->replays += 1;
    if (!result.ties) {
        (void)jf_diagnose(diagnosis, JF_ERROR_CORRUPT, "journal and state differ: %.400s",
                          result.difference);
    }
    return result.ties;
}

// In quiet: everything that was ever answered is answered the same, and the journal alone gives
// what the state holds.
static void finish(void)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    sim.is_calm = true;
    sim_start();
    for (uint32_t i = 0; i < sim_op_count(); i++) {
        struct sim_op *op = sim_op_at(i);
        if (op->position == 0) {
            continue;
        }
        struct sim_call *call = sim_call_take(JF_REQUEST_WRITE);
        sim_call_add(call, op);
        SIM_REQUIRE(jf_lane_submit(life.lanes[0], &call->request) == JF_OK);
        SIM_REQUIRE(i % 64 != 63 || drain());
    }
    SIM_REQUIRE(drain() && state_check());
    sim_stop(false);
    if (!sim_verify(&diagnosis)) {
        sim_fail("replay from nothing: %s", diagnosis.text);
    }
}

static void zone_make(void)
{
    static const unsigned char utc[] = "TZif\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                       "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
                                       "\0\0\0\0\0\0UTC";
    SIM_REQUIRE(sim_disk_make_directory(SIM_ROOT "/zone") == 0);
    sim_file_sync(sim_disk_find(SIM_ROOT));
    int fd = sim_disk_open(SIM_ROOT "/zone/UTC", 0100);
    SIM_REQUIRE(fd >= 0);
    struct sim_write write = {sim_disk_file(fd), utc, sizeof utc, 0};
    sim_file_persist(&write);
    sim_file_sync(sim_disk_find(SIM_ROOT "/zone"));
    SIM_REQUIRE(sim_disk_close(fd) == 0);
}

void sim_seed_run(uint64_t seed)
{
    sim.seed = seed;
    // Mixed, so that the sequences of neighbouring seeds are not the same one, shifted.
    sim.random.state = seed;
    sim.random.state = sim_next(&sim.random) ^ UINT64_C(0x5851F42D4C957F2D);
    sim.now_us = START_US;
    sim.is_calm = false;
    sim_disk_create();
    sim_swarm_draw(&sim.options);
    zone_make();
    sim_client_create();
    sim_oracle_create();
    uint32_t lives = sim.options.lives;
    sim_say("seed %llu: %u lives of %u steps%s", (unsigned long long)seed, lives, sim.options.steps,
            sim.options.bulk > 0 ? ", in bulk" : "");
    for (uint32_t i = 0; i < lives; i++) {
        sim_start();
        sim_disk_cut_after(sim_draw(3) == 0 ? 0 : 1 + sim_draw(OPERATIONS_CUT));
        serve();
        end();
        if (sim_happens(sim.options.damage)) {
            sim_damage();
        }
    }
    finish();
    sim_oracle_destroy();
    sim_client_destroy();
    sim_kv_destroy();
    sim_disk_destroy();
    sim.counts->seeds += 1;
}
