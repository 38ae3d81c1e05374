// What the files of the local journal share: local.c opens and closes, writer.c fills and submits
// blocks, prepare.c makes the next segment in the background, cursor.c reads.
//
// Everything belongs to the ring's thread, except `durable_position` and `oldest_kept`, which other
// threads read, and what is constant after opening.
#ifndef JF_JOURNAL_LOCAL_PRIVATE_H
#define JF_JOURNAL_LOCAL_PRIVATE_H

#include <stdatomic.h>

#include "journal/local.h"
#include "journal/superblock.h"
#include "journal/walk.h"

#define JF_PREPARE_CHUNK_BYTES    (256u << 10) // short enough not to be felt by a block behind it
#define JF_PREPARE_SPACE_RETRY_US 1000000u
#define JF_SUPERBLOCK_INTERVAL_US 1000000u
#define JF_PRESENCE_INTERVAL_US   250000u // between looks at whether the files are still there
#define JF_SEAL_SLOT              JF_BLOCKS_IN_FLIGHT_MAX
#define JF_SLOTS                  (JF_BLOCKS_IN_FLIGHT_MAX + 1u)

struct jf_local_journal;

// One block's buffer, from draft to durable. The last slot holds only empty blocks.
struct jf_block_slot {
    struct jf_completion completion; // context: this slot
    struct jf_local_journal *journal;
    struct jf_block_draft draft;
    struct jf_block_header header;
    unsigned char *buffer;
    bool is_taken;
    bool is_done;  // completed in full length
    int retire_fd; // the segment before, to be closed when this block is durable; -1: none
};

// The next segment: IDLE → OPENING → ALLOCATING → FILLING ⇄ PAUSED → SYNCING → RENAMING →
// SYNCING_DIRECTORY → READY → IDLE; from the first four also → NO_SPACE → OPENING.
enum jf_prepare_step {
    JF_PREPARE_IDLE,
    JF_PREPARE_OPENING,
    JF_PREPARE_ALLOCATING,
    JF_PREPARE_FILLING,
    JF_PREPARE_PAUSED, // far enough ahead for now
    JF_PREPARE_SYNCING,
    JF_PREPARE_RENAMING,
    JF_PREPARE_SYNCING_DIRECTORY,
    JF_PREPARE_READY,
    JF_PREPARE_NO_SPACE,
    JF_PREPARE_STEP_COUNT
};

struct jf_prepare {
    enum jf_prepare_step step;
    struct jf_completion completion; // context: the journal
    bool is_in_flight;
    bool is_hurried; // a writer waits: no pacing
    bool is_stopped; // the journal closes
    uint64_t segment;
    uint64_t size;
    uint64_t filled;
    int fd;
    const unsigned char *zeros; // JF_PREPARE_CHUNK_BYTES
    uint64_t retry_at_us;
    char name[JF_SEGMENT_NAME_BYTES];
};

struct jf_superblock_writer {
    struct jf_completion completion; // context: the journal
    int fd;
    unsigned char *buffer; // JF_SUPERBLOCK_BYTES
    uint32_t half;         // the half in flight: 1, 2; 0: idle
    uint64_t oldest;       // segment that the write in flight names
    bool is_dirty;
    uint64_t written_at_us;
};

struct jf_local_journal {
    struct jf_journal base;
    struct jf_ring *ring;
    char *directory;
    int directory_fd;
    int lock_fd;
    uint64_t segment_bytes;
    uint64_t reserve_bytes;
    uint64_t seal_idle_us;
    struct jf_superblock superblock;
    struct jf_superblock_writer superblock_writer;
    struct jf_prepare prepare;
    uint64_t newest_segment;      // highest that exists, spares included
    _Atomic uint64_t oldest_kept; // as the superblock on disk says

    // Between the steps of opening.
    struct jf_walk end; // stands behind the last valid block, until writing starts
    bool must_cut;      // a torn tail lies behind it
    bool is_judged;
    bool is_started; // blocks may be written

    // The segment being written.
    uint64_t segment;
    uint64_t segment_size;
    int segment_fd;
    uint64_t offset;

    // The chain's end.
    uint64_t sequence;
    uint64_t last_position;
    uint64_t last_time_us;
    uint64_t durable_sequence;
    _Atomic uint64_t durable_position;
    struct jf_hash128 body_checksum;
    uint64_t presence_at_us; // when to look next whether the files are still there
    bool needs_seal;         // the last block holds entries and nothing says yet that it is durable

    unsigned char *memory; // all buffers
    struct jf_block_slot slots[JF_SLOTS];
    struct jf_block_slot *queue[JF_SLOTS]; // in flight, oldest at queue_head
    uint32_t queue_head;
    uint32_t queue_count;
    uint32_t writes_in_flight; // counts down after a failure too
    struct jf_block_slot *lent;
};

extern const struct jf_journal_operations jf_local_operations;

// Records the final error, the first one only. Returns: it.
enum jf_error jf_local_fail(struct jf_local_journal *journal, enum jf_error error,
                            const char *format, ...) __attribute__((format(printf, 3, 4)));

// writer.c
enum jf_error jf_local_draft(struct jf_journal *base, struct jf_block_draft **out_draft);
enum jf_error jf_local_submit(struct jf_journal *base, struct jf_block_draft *draft,
                              uint64_t time_us);
void jf_local_abandon(struct jf_journal *base, struct jf_block_draft *draft);
bool jf_local_seal_is_possible(const struct jf_local_journal *journal);
void jf_local_seal(struct jf_local_journal *journal); // submits an empty block

// prepare.c
// Begins with the segment after the current one; takes an existing spare at once.
void jf_prepare_start(struct jf_local_journal *journal);
void jf_prepare_continue(struct jf_local_journal *journal); // after a block, or when hurried
void jf_prepare_retry(struct jf_local_journal *journal, uint64_t time_us);
// Makes a segment at once, waiting: only when a journal is created.
enum jf_error jf_prepare_first(struct jf_local_journal *journal, uint64_t segment,
                               struct jf_diagnosis *diagnosis);
enum jf_error jf_prepare_check_space(const struct jf_local_journal *journal,
                                     struct jf_diagnosis *diagnosis);

// local.c
void jf_local_close(struct jf_journal *base);

// cursor.c
enum jf_error jf_local_read_open(struct jf_journal *base, uint64_t position,
                                 struct jf_journal_cursor **out_cursor,
                                 struct jf_diagnosis *diagnosis);
enum jf_error jf_local_read_next(struct jf_journal_cursor *opaque,
                                 struct jf_journal_entry *out_entry,
                                 struct jf_diagnosis *diagnosis);
void jf_local_read_close(struct jf_journal_cursor *opaque);

#endif
