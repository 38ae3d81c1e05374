// The journal's blocks as they lie on the simulated disk, and blocks made for it.
#ifndef SIM_BLOCKS_H
#define SIM_BLOCKS_H

#include "journal/block.h"
#include "sim_disk.h"

struct sim_block {
    struct sim_file *file;
    struct jf_block_header header;
};

// Looks through the segments from the first on. Returns: how many blocks there are.
uint32_t sim_blocks_find(void);
const struct sim_block *sim_block_at(uint32_t index);
struct sim_file *sim_segment_file(uint64_t number); // NULL: not there

// The header that the block after the last one would have. In: blocks found, at least one.
struct jf_block_header sim_block_next(void);
// Makes a block with that header around the payload of block `index`, whose counts it takes over.
// Out: *bytes, of JF_BLOCK_BYTES_MAX.
void sim_block_make(uint32_t index, struct jf_block_header *header, unsigned char *bytes);
// The header's checksum anew, after its bytes were changed.
void sim_block_sign(unsigned char *bytes);

#endif
