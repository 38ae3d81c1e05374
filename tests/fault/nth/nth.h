// Fails the Nth call that the project's own objects make to the C library: memory and threads, file
// operations, sockets; through the system call or through a ring. The linker sends those calls here
// (--wrap, see CMakeLists.txt); calls that shared libraries make among themselves do not pass, so
// RocksDB's, OpenSSL's and libyaml's own memory is never refused. What nghttp2, protobuf-c and
// libcyaml ask of our allocators is.
//
// A test counts up: for N = 1, 2, 3 … it does the same thing with the Nth call failing, looks at
// what is left, and is through with the first N that was not reached.
//
// begin and end belong to one thread; the calls counted are everybody's, or that thread's only.
#ifndef JF_TESTS_NTH_H
#define JF_TESTS_NTH_H

#include <stdbool.h>
#include <stdint.h>

enum nth_kind {
    NTH_MEMORY = 1, // malloc and its kin, pages, threads
    NTH_FILE = 2,   // what opens, reads, writes, sizes, syncs, names files
    NTH_STATE = 8,  // what RocksDB writes, syncs and renames; in programs with nth_state.c
    NTH_SOCKET = 4, // what makes, binds, accepts, connects, receives, sends
};

// What becomes of a call that fails. Memory is always refused.
enum nth_manner {
    NTH_REFUSED,    // not done, and said so
    NTH_DONE_TOO,   // done, and said not to be
    NTH_SHORT,      // of a write or send the first part is done, and said so; others are refused
    NTH_SHORT_ONLY, // the same, and others succeed
};

struct nth_plan {
    uint32_t kinds;
    uint64_t first; // the number of the call that fails, from 1
    uint64_t count; // how many fail from there on; 0: one
    enum nth_manner manner;
    int error;           // a positive errno; of files and sockets
    bool is_this_thread; // count the calls of this thread only
};

void nth_begin(const struct nth_plan *plan);
// Nothing fails any more. Returns: whether the Nth call was made.
bool nth_end(void);
// Ring operations that were to fail and have not come back are forgotten. Only where none can come
// back: their rings are closed, or what they wait for will not happen before they are cancelled.
void nth_ring_forget(void);
// Calls counted since begin.
uint64_t nth_counted(void);
// What failed last, and where: "calloc in jf_lane_open+0x1f". Static memory.
const char *nth_what(void);

// For the files of this folder: whether this call is to fail. In: its name, and who made it.
bool nth_fails(enum nth_kind kind, const char *name, const void *caller);
bool nth_is_on(enum nth_kind kind);
enum nth_manner nth_manner_now(void);
int nth_error_now(void);

#endif
