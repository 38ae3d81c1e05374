// A journal in a temporary directory, and the means to damage it.
#ifndef JF_TESTS_JOURNAL_SUPPORT_H
#define JF_TESTS_JOURNAL_SUPPORT_H

#include "journal/local.h"
#include "journal/recovery.h"
#include "journal/superblock.h"

struct world {
    char directory[64];
    struct jf_ring ring;
    struct jf_journal_config config;
    struct jf_journal *journal; // NULL while closed
    struct jf_journal_opening opening;
    struct jf_diagnosis diagnosis;
    uint64_t time_us; // the fake clock
};

void world_begin(struct world *world); // directory and ring; journal still closed
void world_end(struct world *world);
enum jf_error world_open(struct world *world);
void world_must_open(struct world *world);
void world_close(struct world *world);
void world_reopen(struct world *world);

// Entries are a pattern of their position, `size` bytes each (8 at least).
void put_in_flight(struct world *world, uint32_t entries, uint32_t size);
void put(struct world *world, uint32_t entries, uint32_t size); // and waits until durable
void wait_durable(struct world *world, uint64_t position);
void check_entry(const struct jf_journal_entry *entry, uint64_t position);
// Reads from `from` to the durable end, checks all, returns how many.
uint64_t read_all(struct world *world, uint64_t from);

// Files, while the journal is closed.
void file_read(const struct world *world, const char *name, uint64_t offset, void *bytes,
               uint64_t size);
void file_write(const struct world *world, const char *name, uint64_t offset, const void *bytes,
                uint64_t size);
void file_flip(const struct world *world, const char *name, uint64_t offset);
uint64_t directory_digest(const struct world *world); // segments and superblock
bool file_exists(const struct world *world, const char *name);

extern const char *const segment_1;
extern const char *const segment_2;

// The header of the block at a place of segment 1.
struct jf_block_header block_at(const struct world *world, uint64_t offset);
// A header that would continue `before` directly behind it.
struct jf_block_header successor(const struct jf_block_header *before, uint32_t payload_size);
// Writes a one-entry block with that header, at the header's offset of segment 2 if it
// names that one, else of segment 1.
void craft(const struct world *world, struct jf_block_header *header);

// Opening must fail with `error`, say `text`, and change nothing.
void expect_refused(struct world *world, enum jf_error error, const char *text);

#endif
