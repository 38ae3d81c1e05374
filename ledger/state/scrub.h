// Reading the state's files as they lie on the disk, a slice at a time, beside the process that
// writes them: every block of every table that is not yet replaced, past all caches, so that
// RocksDB's checksums are compared with what the disk gives. Changes nothing, takes no lock.
// Threads: any one thread a place.
#ifndef JF_STATE_SCRUB_H
#define JF_STATE_SCRUB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define JF_STATE_SCRUB_KEY_MAX 128u // above any key of ours

// Where the next slice begins. Zeros: at the beginning.
struct jf_state_scrub_place {
    uint32_t family; // in the order of enum jf_kv_family
    uint32_t key_size;
    unsigned char key[JF_STATE_SCRUB_KEY_MAX];
};

bool jf_state_scrub_is_done(const struct jf_state_scrub_place *place);

// Reads on from `place`, about bytes_max of keys and values, and moves it. Out: *out_bytes read,
// also on failure. Errors: JF_ERROR_CORRUPT, JF_ERROR_STATE (cannot be read), diagnosed by RocksDB
// with file and offset where it knows them: `place` then is the next family, because nothing behind
// the damage can be reached in this one. JF_ERROR_NO_MEMORY and the other errors of opening:
// `place` stays.
JF_MUST_USE enum jf_error jf_state_scrub(const char *directory, uint64_t bytes_max,
                                         struct jf_state_scrub_place *place, uint64_t *out_bytes,
                                         struct jf_diagnosis *diagnosis);

#endif
