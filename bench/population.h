// What sales need before they can be posted: stores, a programme, members. One thread.
//
// All is put under transaction ids derived from what it is, so that doing it again does nothing.
#ifndef JF_BENCH_POPULATION_H
#define JF_BENCH_POPULATION_H

#include <stdint.h>

#include "base/error.h"
#include "bench/target.h"

struct jf_population {
    uint64_t member_count;
    uint64_t store_count;
    const char *programme_path; // YAML; NULL: the sample for a pharmacy chain
};

// Rows of an option table.
#define JF_POPULATION_OPTION_ROWS(population)                                                      \
    {"--members",                                                                                  \
     "N",                                                                                          \
     JF_BENCH_NUMBER,                                                                              \
     &(population).member_count,                                                                   \
     1,                                                                                            \
     100000000,                                                                                    \
     "members to enrol and to post for"},                                                          \
        {"--stores",                                                                               \
         "N",                                                                                      \
         JF_BENCH_NUMBER,                                                                          \
         &(population).store_count,                                                                \
         1,                                                                                        \
         10000,                                                                                    \
         "stores that the sales are of"},                                                          \
    {                                                                                              \
        "--programme", "FILE", JF_BENCH_TEXT, &(population).programme_path, 0, 0,                  \
            "rules to publish; default tools/samples/programme-pharmacy.yaml"                      \
    }

#define JF_POPULATION_DEFAULT ((struct jf_population){.member_count = 100000, .store_count = 100})

// Puts the stores, publishes, enrols, with a progress line. After Ctrl-C it ends early with JF_OK.
// Errors: JF_ERROR_IO, JF_ERROR_NO_MEMORY, diagnosed.
JF_MUST_USE enum jf_error jf_population_make(struct jf_target *target,
                                             const struct jf_population *population,
                                             struct jf_diagnosis *diagnosis);

#endif
