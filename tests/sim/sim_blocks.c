// See sim_blocks.h.
#include "sim_blocks.h"

#include <stdio.h>

#include "base/hash.h"
#include "journal/segment.h"
#include "sim_life.h"

#define BLOCKS_MAX 8192u

static struct sim_block blocks[BLOCKS_MAX];
static uint32_t block_count;

struct sim_file *sim_segment_file(uint64_t number)
{
    char name[JF_SEGMENT_NAME_BYTES];
    char path[SIM_PATH_BYTES];
    jf_segment_name(number, name);
    snprintf(path, sizeof path, "%s/%s", SIM_JOURNAL, name);
    return sim_disk_find(path);
}

static bool header_read(const struct sim_file *file, uint64_t offset,
                        struct jf_block_header *out_header)
{
    unsigned char sector[SIM_SECTOR];
    if (offset >= sim_file_size(file) || sim_file_sector_is_zero(file, offset)) {
        return false;
    }
    sim_file_sector_load(file, offset, sector);
    return jf_block_decode_header(sector, out_header) == JF_BLOCK_VALID;
}

uint32_t sim_blocks_find(void)
{
    block_count = 0;
    for (uint64_t segment = 1;; segment++) {
        struct sim_file *file = sim_segment_file(segment);
        struct jf_block_header header;
        uint64_t offset = 0;
        if (file == NULL || !header_read(file, 0, &header)) {
            return block_count;
        }
        while (header_read(file, offset, &header) && block_count < BLOCKS_MAX) {
            blocks[block_count++] = (struct sim_block){file, header};
            offset += header.length;
        }
    }
}

const struct sim_block *sim_block_at(uint32_t index)
{
    SIM_REQUIRE(index < block_count);
    return &blocks[index];
}

struct jf_block_header sim_block_next(void)
{
    struct jf_block_header next = sim_block_at(block_count - 1)->header;
    next.offset += next.length;
    next.durable_sequence = next.sequence;
    next.previous_checksum = next.body_checksum;
    next.sequence += 1;
    next.first_position += next.entry_count;
    return next;
}

void sim_block_make(uint32_t index, struct jf_block_header *header, unsigned char *bytes)
{
    const struct sim_block *from = sim_block_at(index);
    int64_t got = sim_file_read(from->file, bytes, from->header.length, from->header.offset);
    SIM_REQUIRE(got == (int64_t)from->header.length);
    header->entry_count = from->header.entry_count;
    header->payload_size = from->header.payload_size;
    jf_block_seal(bytes, header);
}

void sim_block_sign(unsigned char *bytes)
{
    struct jf_hash128 hash =
        jf_hash128(bytes + JF_BLOCK_AT_MAGIC, JF_BLOCK_HEADER_BYTES - JF_BLOCK_AT_MAGIC);
    jf_store_u64(bytes + JF_BLOCK_AT_HEADER_CHECKSUM, hash.low);
    jf_store_u64(bytes + JF_BLOCK_AT_HEADER_CHECKSUM + 8, hash.high);
}
