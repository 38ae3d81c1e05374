// What the figures were measured on. One thread.
#ifndef JF_BENCH_MACHINE_H
#define JF_BENCH_MACHINE_H

#include <stdint.h>

struct jf_machine {
    uint32_t cores; // online
    uint64_t memory_mib;
    char processor[128];
    char kernel[128];
    char file_system[128]; // "ext4 on /dev/vda", of the directory
};

// What cannot be found out is "unknown". Nothing fails.
void jf_machine_describe(const char *directory, struct jf_machine *out_machine);

// Free bytes for this user in the file system of `directory`; 0 when it cannot be asked.
uint64_t jf_machine_free_bytes(const char *directory);

#endif
