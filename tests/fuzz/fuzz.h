// What every fuzz target is and has: the entry point that libFuzzer calls, or fuzz_main.c with each
// file of the corpus, and a cursor over the input's bytes. One thread.
//
// A target checks with JF_ASSERT: whatever the bytes are, decoding answers with a value or an
// error, and what was accepted keeps its promises.
#ifndef JF_TESTS_FUZZ_H
#define JF_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

// Each takes from the front. Past the end: zeros, and fewer bytes.
uint8_t fuzz_u8(struct fuzz_input *input);
uint16_t fuzz_u16(struct fuzz_input *input);
uint64_t fuzz_u64(struct fuzz_input *input);
struct jf_text fuzz_bytes(struct fuzz_input *input, size_t size_max);

// A copy of bytes in a block of exactly their size, so that a sanitizer sees a read past them. In:
// size 0 gives a block too. The caller frees it.
char *fuzz_copy(struct jf_text bytes);
// The same with a NUL behind them.
char *fuzz_copy_terminated(struct jf_text bytes);

// A file in memory that holds the bytes: a path that can be opened until the next call.
const char *fuzz_file(struct jf_text bytes);

#endif
