// See sim_damage.h. Each kind says what must come of it: a row of the recovery table, any refusal,
// or a start that has made it good. What was there is kept aside and put back afterwards.
#include "sim_damage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/superblock.h"
#include "sim_blocks.h"
#include "sim_kv.h"
#include "sim_life.h"

#define KEPT_MAX    600u
#define SPARES_MORE 8u

// A sector as it was.
struct kept {
    struct sim_file *file;
    uint64_t offset;
    unsigned char bytes[SIM_SECTOR];
    unsigned char damaged[SIM_SECTOR];
};

static struct {
    struct kept kept[KEPT_MAX];
    uint32_t kept_count;
    uint64_t spare_first; // spare segments put in
    uint32_t spare_count;
} damage;

// ---- Keeping and putting back ---------------------------------------------------------

// Overwrites one sector, at rest.
static void sector_put(struct sim_file *file, uint64_t offset, const unsigned char *bytes)
{
    SIM_REQUIRE(damage.kept_count < KEPT_MAX);
    struct kept *kept = &damage.kept[damage.kept_count++];
    kept->file = file;
    kept->offset = offset;
    sim_file_sector_load(file, offset, kept->bytes);
    memcpy(kept->damaged, bytes, SIM_SECTOR);
    sim_file_sector_store(file, offset, bytes);
}

static void block_put(struct sim_file *file, uint64_t offset, const unsigned char *bytes,
                      uint32_t size)
{
    for (uint32_t at = 0; at < size; at += SIM_SECTOR) {
        sector_put(file, offset + at, bytes + at);
    }
}

static void spare_path(uint32_t index, char path[SIM_PATH_BYTES])
{
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(damage.spare_first + index, name);
    snprintf(path, SIM_PATH_BYTES, "%s/%s", SIM_JOURNAL, name);
}

// Puts empty segments behind the newest. Returns: the last of them.
static struct sim_file *spares_add(uint32_t count)
{
    struct sim_file *file = NULL;
    damage.spare_first = 1;
    damage.spare_count = count;
    while (sim_segment_file(damage.spare_first) != NULL) {
        damage.spare_first += 1;
    }
    for (uint32_t i = 0; i < count; i++) {
        char path[SIM_PATH_BYTES];
        spare_path(i, path);
        int fd = sim_disk_open(path, O_CREAT);
        file = sim_disk_file(fd);
        sim_file_extend(file, sim_file_size(sim_segment_file(1)));
        sim_file_sync(file);
        SIM_REQUIRE(sim_disk_close(fd) == 0);
    }
    sim_file_sync(sim_disk_find(SIM_JOURNAL));
    return file;
}

static void spares_remove(void)
{
    for (uint32_t i = 0; i < damage.spare_count; i++) {
        char path[SIM_PATH_BYTES];
        spare_path(i, path);
        SIM_REQUIRE(sim_disk_remove(path) == 0);
    }
    sim_file_sync(sim_disk_find(SIM_JOURNAL));
    damage.spare_count = 0;
}

static void put_back(void)
{
    while (damage.kept_count > 0) {
        const struct kept *kept = &damage.kept[--damage.kept_count];
        sim_file_sector_set_readable(kept->file, kept->offset, true);
        sim_file_sector_store(kept->file, kept->offset, kept->bytes);
    }
    spares_remove();
}

// Whether what was put in still stands on the disk.
static bool is_standing(void)
{
    unsigned char sector[SIM_SECTOR];
    for (uint32_t i = 0; i < damage.kept_count; i++) {
        const struct kept *kept = &damage.kept[i];
        sim_file_sector_load(kept->file, kept->offset, sector);
        if (memcmp(sector, kept->damaged, SIM_SECTOR) != 0 ||
            memcmp(kept->damaged, kept->bytes, SIM_SECTOR) == 0) {
            return false;
        }
    }
    return damage.kept_count > 0;
}

// ---- What must come of it -------------------------------------------------------------

static void refusal_require(const char *what, enum jf_tail_row row)
{
    struct jf_diagnosis diagnosis;
    uint64_t before = row == JF_TAIL_ROW_COUNT ? 0 : sim.counts->rows[row];
    if (sim_start_once(&diagnosis)) {
        sim_fail("%s: the ledger started as if nothing were wrong", what);
    }
    sim_say("%s: %s", what, diagnosis.text);
    if (row != JF_TAIL_ROW_COUNT && sim.counts->rows[row] == before) {
        sim_fail("%s: refused, but not for that: %s", what, diagnosis.text);
    }
    sim.counts->refused_openings += 1;
    sim_disk_switch_on();
    put_back();
}

// A start is either refused, or what is wrong is told by whoever reads everything, or it has been
// made good.
static void silence_forbid(const char *what)
{
    struct jf_diagnosis diagnosis;
    if (!sim_start_once(&diagnosis)) {
        sim_say("%s: %s", what, diagnosis.text);
        sim.counts->refused_openings += 1;
        sim_disk_switch_on();
        put_back();
        return;
    }
    sim_stop(false);
    if (sim_verify(&diagnosis) && is_standing()) {
        sim_fail("%s: started and verified as if nothing were wrong", what);
    }
    if (is_standing()) {
        sim_say("%s: told by verification: %s", what, diagnosis.text);
        put_back();
    }
    damage.kept_count = 0;
}

// ---- Kinds ----------------------------------------------------------------------------

// A bit of a block flips: of its header as often as of anything.
static void flip(uint32_t count)
{
    const struct sim_block *block = sim_block_at(sim_draw(count));
    bool is_header = sim_draw(2) == 0;
    uint32_t sectors = is_header ? 1 : block->header.length / SIM_SECTOR;
    uint64_t offset = block->header.offset + sim_draw(sectors) * SIM_SECTOR;
    unsigned char sector[SIM_SECTOR];
    sim_file_sector_load(block->file, offset, sector);
    uint32_t at = sim_draw(is_header ? JF_BLOCK_HEADER_BYTES : SIM_SECTOR);
    sector[at] ^= (unsigned char)(1u << sim_draw(8));
    sector_put(block->file, offset, sector);
    sim_count(SIM_FAULT_FLIP);
    silence_forbid("a flipped bit");
}

// A sector of a block cannot be read any more.
static void unreadable(uint32_t count)
{
    const struct sim_block *block = sim_block_at(sim_draw(count));
    uint64_t offset =
        block->header.offset + sim_draw(block->header.length / SIM_SECTOR) * SIM_SECTOR;
    unsigned char sector[SIM_SECTOR];
    sim_file_sector_load(block->file, offset, sector);
    sector_put(block->file, offset, sector);
    sim_file_sector_set_readable(block->file, offset, false);
    sim_count(SIM_FAULT_UNREADABLE);
    struct jf_diagnosis diagnosis;
    bool is_last = block->header.sequence == sim_block_at(count - 1)->header.sequence;
    bool is_started = sim_start_once(&diagnosis);
    if (is_started) {
        sim_stop(false);
    }
    sim_disk_switch_on();
    if (is_started && !is_last && sim_verify(&diagnosis)) {
        sim_fail("an unreadable sector: started and verified as if nothing were wrong");
    }
    sim.counts->refused_openings += is_started ? 0 : 1;
    if (is_started && is_last) {
        damage.kept_count = 0; // cut, and written anew
    }
    put_back();
}

// Bits of copies of the superblock flip: one good copy suffices.
static void superblock_flip(void)
{
    struct sim_file *file = sim_disk_find(SIM_JOURNAL "/" JF_SUPERBLOCK_NAME);
    uint32_t copies = 1 + sim_draw(JF_SUPERBLOCK_COPIES);
    uint32_t first = sim_draw(JF_SUPERBLOCK_COPIES);
    for (uint32_t i = 0; i < copies; i++) {
        uint64_t offset = (uint64_t)((first + i) % JF_SUPERBLOCK_COPIES) * SIM_SECTOR;
        unsigned char sector[SIM_SECTOR];
        sim_file_sector_load(file, offset, sector);
        sector[sim_draw(SIM_SECTOR)] ^= (unsigned char)(1u << sim_draw(8));
        sector_put(file, offset, sector);
        sim_count(SIM_FAULT_FLIP);
    }
    if (copies == JF_SUPERBLOCK_COPIES) {
        refusal_require("no good copy of the superblock", JF_TAIL_ROW_COUNT);
        return;
    }
    struct jf_diagnosis diagnosis;
    if (!sim_start_once(&diagnosis)) {
        sim_fail("a good copy of the superblock did not suffice: %s", diagnosis.text);
    }
    sim_stop(false);
    damage.kept_count = 0;
}

// The superblock of another backup: the oldest segment it names has no block.
static void superblock_of_other_backup(void)
{
    struct sim_file *file = sim_disk_find(SIM_JOURNAL "/" JF_SUPERBLOCK_NAME);
    unsigned char bytes[JF_SUPERBLOCK_BYTES];
    struct jf_superblock superblock;
    SIM_REQUIRE(sim_file_read(file, bytes, sizeof bytes, 0) == (int64_t)sizeof bytes);
    SIM_REQUIRE(jf_superblock_decode(bytes, &superblock, NULL) == JF_OK);
    if (sim_segment_file(2) == NULL) {
        (void)spares_add(1);
    }
    if (!sim_file_sector_is_zero(sim_segment_file(2), 0)) {
        return;
    }
    superblock.oldest_segment = 2;
    jf_superblock_encode(&superblock, bytes);
    block_put(file, 0, bytes, sizeof bytes);
    sim_count(SIM_FAULT_TRANSPLANT);
    refusal_require("a superblock of another backup", JF_TAIL_ROW_NO_ANCHOR);
}

// What the end is given instead of the next block.
static void header_spoil(enum jf_tail_row row, struct jf_block_header *header)
{
    switch (row) {
    case JF_TAIL_ROW_FOREIGN:
        header->identity.ledger_id.bytes[sim_draw(16)] ^= 1;
        break;
    case JF_TAIL_ROW_MISPLACED:
        header->offset += (uint64_t)SIM_SECTOR * (1 + sim_draw(9));
        break;
    case JF_TAIL_ROW_STALE:
        header->incarnation -= 1;
        break;
    case JF_TAIL_ROW_NOT_SUCCESSOR:
        if (sim_draw(3) == 0) {
            header->sequence += 1;
        } else if (sim_draw(2) == 0) {
            header->first_position += 1;
        } else {
            header->previous_checksum.low ^= 1;
        }
        break;
    default:
        break;
    }
}

static void bytes_spoil(enum jf_tail_row row, const struct jf_block_header *header,
                        unsigned char *bytes)
{
    if (row == JF_TAIL_ROW_VERSION) {
        jf_store_u32(bytes + JF_BLOCK_AT_VERSION, JF_BLOCK_FORMAT_VERSION + 1);
        sim_block_sign(bytes);
    } else if (row == JF_TAIL_ROW_MALFORMED) {
        uint32_t used = JF_BLOCK_HEADER_BYTES + header->payload_size;
        bytes[used + sim_draw(header->length - used)] = 1;
    }
}

static uint32_t block_with_entries(uint32_t count)
{
    uint32_t index = count - 1;
    while (index > 0 && sim_block_at(index)->header.entry_count == 0) {
        index--;
    }
    return index;
}

// A block that does not belong there stands where the next one would.
static void transplant(uint32_t count)
{
    static const enum jf_tail_row rows[] = {JF_TAIL_ROW_FOREIGN,   JF_TAIL_ROW_VERSION,
                                            JF_TAIL_ROW_MISPLACED, JF_TAIL_ROW_NOT_SUCCESSOR,
                                            JF_TAIL_ROW_STALE,     JF_TAIL_ROW_MALFORMED,
                                            JF_TAIL_ROW_STRAY};
    enum jf_tail_row row = rows[sim_draw(sizeof rows / sizeof rows[0])];
    struct jf_block_header header = sim_block_next();
    struct sim_file *file = sim_segment_file(header.segment);
    uint32_t source = block_with_entries(count);
    uint64_t offset = header.offset;
    uint32_t length = sim_block_at(source)->header.length;
    if (row == JF_TAIL_ROW_STRAY) {
        header.sequence -= 1;
        header.durable_sequence -= 1;
        header.offset += (uint64_t)SIM_SECTOR * (1 + sim_draw(9));
        offset = header.offset;
    }
    bool has_padding = sim_block_at(source)->header.payload_size + JF_BLOCK_HEADER_BYTES < length;
    if (offset + length > sim_file_size(file) || (row == JF_TAIL_ROW_MALFORMED && !has_padding)) {
        return;
    }
    unsigned char *bytes = malloc(JF_BLOCK_BYTES_MAX);
    SIM_REQUIRE(bytes != NULL);
    header_spoil(row, &header);
    sim_block_make(source, &header, bytes);
    bytes_spoil(row, &header, bytes);
    block_put(file, offset, bytes, length);
    free(bytes);
    sim_count(SIM_FAULT_TRANSPLANT);
    refusal_require("a block that does not belong there", row);
}

// Bytes farther behind the end than blocks in flight reach: in spare segments, many of them.
static void too_far(void)
{
    unsigned char sector[SIM_SECTOR];
    struct sim_file *file = spares_add(SPARES_MORE);
    memset(sector, 0xa5, sizeof sector);
    sector_put(file, sim_file_size(file) - SIM_SECTOR, sector);
    sim_count(SIM_FAULT_TRANSPLANT);
    refusal_require("bytes far behind the end", JF_TAIL_ROW_TOO_FAR);
}

// The journal's newest blocks are gone, and the state has them.
static void tail_gone(uint32_t count)
{
    static const unsigned char zeros[SIM_SECTOR];
    for (uint32_t i = block_with_entries(count); i < count; i++) {
        const struct sim_block *block = sim_block_at(i);
        for (uint32_t at = 0; at < block->header.length; at += SIM_SECTOR) {
            sector_put(block->file, block->header.offset + at, zeros);
        }
    }
    sim_count(SIM_FAULT_LOST);
    refusal_require("a journal that ends before the state", JF_TAIL_ROW_STATE_IS_AHEAD);
}

// A value of the database is damaged, or all of it is gone: it is made again from the journal.
static void state_damage(void)
{
    struct jf_diagnosis diagnosis;
    if (sim_draw(2) == 0 && sim_kv_damage(SIM_STATE)) {
        sim_count(SIM_FAULT_STATE_DAMAGE);
        if (sim_start_once(&diagnosis)) {
            sim_stop(false);
        } else {
            sim_say("a damaged state: %s", diagnosis.text);
            sim.counts->refused_openings += 1;
            if (diagnosis.error != JF_ERROR_CORRUPT) {
                sim_fail("a damaged value of the state was not told as such: %s", diagnosis.text);
            }
        }
        sim_disk_switch_on();
    } else {
        sim_count(SIM_FAULT_STATE_LOST);
    }
    sim_kv_forget(SIM_STATE);
    if (!sim_start_once(&diagnosis)) {
        sim_fail("the state is not made again from the journal: %s", diagnosis.text);
    }
    sim_stop(false);
}

void sim_damage(void)
{
    sim.is_calm = true;
    sim_start();
    sim_idle();
    sim_stop(false);
    uint32_t count = sim_blocks_find();
    uint32_t kind = count < 2 ? 8 : sim_draw(16);
    if (kind < 4) {
        flip(count);
    } else if (kind < 5) {
        unreadable(count);
    } else if (kind < 6) {
        superblock_flip();
    } else if (kind < 7) {
        superblock_of_other_backup();
    } else if (kind < 8) {
        tail_gone(count);
    } else if (kind < 10) {
        state_damage();
    } else if (kind < 15) {
        transplant(count);
    } else {
        too_far();
    }
    sim.is_calm = false;
}
