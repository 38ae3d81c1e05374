// Generations, memtables and write batches come and go by hundreds of KiB, many times a second.
// Given back to the kernel each time they cost a page fault and a cleared page for every 4 KiB when
// they come again; a third of the processor's time went there. So freed memory is kept. All of
// these buffers are bounded, and so is what is kept. Cannot fail: where malloc takes no advice, it
// stays as it was.
//
// Members lie anywhere in that heap, and of small pages a processor knows the places of a few
// thousand: one page walk for each member is what a sale would wait for most. So the heap is laid
// out beforehand, as addresses that take no memory yet, in large pages where the kernel grants
// them.
#include "server/memory.h"

#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAP_BYTES_MIN  (64 << 20)  // smaller allocations come from the heap
#define TRIM_BYTES_MIN (512 << 20) // free memory at the heap's end that is kept
#define ARENAS_MAX     1           // one heap: other heaps are given back as soon as they are empty
#define BESIDE_BYTES   (512 << 20) // what waits for the disk, RocksDB's buffers and cache, calls
#define FIRST_BYTES    (1 << 20)   // more than the heap has at the start, so that it is laid out
#define PAD_BYTES      (1 << 20)   // by which it grows afterwards
#define PAGE_BYTES     ((uintptr_t)2 << 20)

// In: bytes to come, below what mallopt takes. The heap grows by them, and trimming leaves them.
static void heap_lay_out(int bytes)
{
    uintptr_t from = (uintptr_t)sbrk(0);
    (void)mallopt(M_TRIM_THRESHOLD, bytes + TRIM_BYTES_MIN);
    (void)mallopt(M_TOP_PAD, bytes);
    free(malloc(FIRST_BYTES));
    (void)mallopt(M_TOP_PAD, PAD_BYTES);
    uintptr_t to = (uintptr_t)sbrk(0);
    from = (from + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    if (to > from) {
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
    }
}

void jf_server_memory_tune(uint64_t cache_bytes)
{
    (void)mallopt(M_MMAP_THRESHOLD, MAP_BYTES_MIN);
    (void)mallopt(M_ARENA_MAX, ARENAS_MAX);
    uint64_t most = INT_MAX - TRIM_BYTES_MIN;
    uint64_t bytes = cache_bytes + cache_bytes / 8 + BESIDE_BYTES;
    heap_lay_out((int)(bytes < most ? bytes : most));
}
