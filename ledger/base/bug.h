// Bugs put in on purpose, to prove that the simulation finds such bugs (tests/sim/README.md). Only
// the files that jifen-sim-bugs compiles for itself know JF_BUGS; in every other build JF_BUG is
// constant false, and nothing of this is left in the program.
#ifndef JF_BASE_BUG_H
#define JF_BASE_BUG_H

#include <stdbool.h>

// X(id, name, what is wrong)
#define JF_BUG_LIST(X)                                                                             \
    X(SYNC_SKIPPED, "sync-skipped", "blocks are written without asking for durability")            \
    X(ACKNOWLEDGED_EARLY, "acknowledged-early", "answers go out before their block is durable")    \
    X(APPLIED_APART, "applied-apart", "the applied position is committed before its rows")         \
    X(CHECKSUM_UNCHECKED, "checksum-unchecked", "a block header's checksum is not compared")       \
    X(CHAIN_UNCHECKED, "chain-unchecked", "a block need not continue the one before")              \
    X(DEDUPE_LOST, "dedupe-lost", "the filter of known ids is empty after a start")                \
    X(BLOCK_REUSED, "block-reused", "a block's buffer is lent again while it is being written")    \
    X(TORN_TAIL_SERVED, "torn-tail-served", "a block with a torn body counts as whole")            \
    X(TAIL_LEFT, "tail-left", "a torn tail is not overwritten before writing goes on")             \
    X(CLEANUP_SWAPPED, "cleanup-swapped", "hashes of known ids go before the filter is saved")     \
    X(EVICTED_DIRTY, "evicted-dirty", "a member leaves the cache before the state has it")         \
    X(REPLAY_SHORT, "replay-short", "a start does not replay the first entry it should")

enum jf_bug {
    JF_BUG_NONE,
#define JF_BUG_ENUM(id, name, what) JF_BUG_##id,
    JF_BUG_LIST(JF_BUG_ENUM)
#undef JF_BUG_ENUM
    JF_BUG_COUNT
};

#ifdef JF_BUGS
extern enum jf_bug jf_bug_active; // defined and set by the simulation
#define JF_BUG(id) (jf_bug_active == JF_BUG_##id)
#else
#define JF_BUG(id) false
#endif

#endif
