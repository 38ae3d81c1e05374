// The process's way with memory, set once at start. In: before other threads run.
#ifndef JF_SERVER_MEMORY_H
#define JF_SERVER_MEMORY_H

#include <stdint.h>

// In: the member cache's bound.
void jf_server_memory_tune(uint64_t cache_bytes);

#endif
