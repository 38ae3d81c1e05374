// Generations, memtables and write batches come and go by hundreds of KiB, many times a second.
// Given back to the kernel each time they cost a page fault and a cleared page for every 4 KiB when
// they come again; a third of the processor's time went there. So freed memory is kept. All of
// these buffers are bounded, and so is what is kept. Cannot fail: where malloc takes no advice, it
// stays as it was.
#include "server/memory.h"

#include <malloc.h>

#define MAP_BYTES_MIN  (64 << 20)  // smaller allocations come from the heap
#define TRIM_BYTES_MIN (512 << 20) // free memory at the heap's end that is kept
#define ARENAS_MAX     1           // one heap: other heaps are given back as soon as they are empty

void jf_server_memory_tune(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, MAP_BYTES_MIN);
    (void)mallopt(M_TRIM_THRESHOLD, TRIM_BYTES_MIN);
    (void)mallopt(M_ARENA_MAX, ARENAS_MAX);
}
