// What a seed draws for itself: a mix of faults and of load. Most seeds know only some kinds of
// faults, so that each kind is also met alone and in quiet.
#include "sim_swarm.h"

static uint32_t sometimes(uint32_t one_in, uint32_t permille_max)
{
    return sim_draw(one_in) == 0 ? 1 + sim_draw(permille_max) : 0;
}

static void faults_draw(struct sim_options *options)
{
    options->late = sometimes(2, 100);
    options->write_error = sometimes(4, 4);
    options->short_write = sometimes(6, 4);
    options->full = sometimes(6, 30);
    options->lost = sometimes(6, 10);
    options->astray = sometimes(6, 10);
    options->damage = sometimes(2, 300);
    options->state_error = sometimes(6, 3);
    options->auto_flush = sometimes(2, 300);
    options->opening_cut = sim_draw(3) == 0 ? 0 : sim_draw(500);
}

void sim_swarm_draw(struct sim_options *options)
{
    *options = (struct sim_options){
        .lives = 8 + sim_draw(24),
        .steps = 4 + sim_draw(sim_draw(6) == 0 ? 60 : 20),
        .burst = sometimes(3, 30),
        .writes = 200 + sim_draw(700),
        .latency_us = 1 + sim_draw(sim_draw(2) == 0 ? 200 : 8000),
        .kill = sim_draw(400),
        .stop = sim_draw(300),
        .cache_bytes = sim_draw(2) == 0 ? 18000 + sim_draw(20000) : (uint64_t)8 << 20,
        .generation_us = 1000 + sim_draw(200000),
        .generation_entries = 1 + sim_draw(sim_draw(2) == 0 ? 8 : 200),
        .checkpoint_us = 10000 + sim_draw(2000000),
        .checkpoint_entries = 1 + sim_draw(300),
        .digest_every = sim_draw(3) == 0 ? 0 : 2 + sim_draw(60),
    };
    faults_draw(options);
    options->people = sometimes(2, 500);
    // Such a ledger takes long to start: fewer lives, and not many of them.
    if (sim_draw(24) == 0) {
        options->bulk = 8;
        options->lives = 6 + sim_draw(6);
        options->steps = 8 + sim_draw(12);
    }
}
