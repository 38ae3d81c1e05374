// The stored form of a block, version 1: a header of 256 bytes, the payload, zeros up to a sector.
// ledger/FORMAT.md tells the same to readers without a compiler.
//
// The header is an envelope around a body. The envelope says where and under whom the block was
// written; the body is what the block means. The chain of checksums runs over bodies only, so that
// a body may be appended again under another envelope (a new epoch) without changing history.
//
// Threads: any; everything here is pure. Decoders take bytes from outside: whatever they hold, the
// answer is a finding, never an assertion.
#ifndef JF_JOURNAL_BLOCK_H
#define JF_JOURNAL_BLOCK_H

#include "base/bytes.h"
#include "base/hash.h"
#include "journal/journal.h"

#define JF_BLOCK_HEADER_BYTES      256u
#define JF_BLOCK_FORMAT_VERSION    1u
#define JF_BLOCK_PAYLOAD_BYTES_MAX (JF_BLOCK_BYTES_MAX - JF_BLOCK_HEADER_BYTES)
#define JF_ENTRY_PREFIX_BYTES      4u                    // each entry: u32 size, then its bytes
#define JF_BLOCK_MAGIC             0x4b434f4c42464a01ull // 01 "JFBLOCK"

// Offset table: all integers little-endian. What is not named is reserved and zero.
enum jf_block_at {
    // Envelope.
    JF_BLOCK_AT_HEADER_CHECKSUM = 0,   // 16: XXH3-128 of bytes 16..255: low half, high half
    JF_BLOCK_AT_MAGIC = 16,            // 8
    JF_BLOCK_AT_VERSION = 24,          // 4
    JF_BLOCK_AT_PARTITION = 28,        // 4
    JF_BLOCK_AT_LEDGER_ID = 32,        // 16
    JF_BLOCK_AT_GENERATION = 48,       // 8: counts restores from a backup
    JF_BLOCK_AT_EPOCH = 56,            // 8: counts leaders, once there are several
    JF_BLOCK_AT_INCARNATION = 64,      // 8: counts openings for writing
    JF_BLOCK_AT_SEGMENT = 72,          // 8: own segment number
    JF_BLOCK_AT_OFFSET = 80,           // 8: own offset in it
    JF_BLOCK_AT_DURABLE_SEQUENCE = 88, // 8: highest sequence known durable when this was written
    JF_BLOCK_AT_LENGTH = 96,           // 4: header, payload and padding
    JF_BLOCK_AT_RESERVED_ENVELOPE = 100,
    // Body.
    JF_BLOCK_AT_BODY_CHECKSUM = 128, // 16: XXH3-128 of bytes 144 up to the payload's end
    JF_BLOCK_AT_PREVIOUS_CHECKSUM =
        144,                          // 16: the body checksum of sequence - 1; zeros in the first
    JF_BLOCK_AT_SEQUENCE = 160,       // 8: 1, 2, 3 …
    JF_BLOCK_AT_FIRST_POSITION = 168, // 8: of the first entry, or of the next one if there is none
    JF_BLOCK_AT_TIME_US = 176,        // 8: Unix microseconds
    JF_BLOCK_AT_ENTRY_COUNT = 184,    // 4: 0 in a block that only seals
    JF_BLOCK_AT_PAYLOAD_SIZE = 188,   // 4
    JF_BLOCK_AT_RESERVED_BODY = 192,
    JF_BLOCK_AT_PAYLOAD = 256,
};

_Static_assert(JF_BLOCK_AT_MAGIC == JF_BLOCK_AT_HEADER_CHECKSUM + 16, "offset table");
_Static_assert(JF_BLOCK_AT_PARTITION == JF_BLOCK_AT_VERSION + 4, "offset table");
_Static_assert(JF_BLOCK_AT_GENERATION == JF_BLOCK_AT_LEDGER_ID + 16, "offset table");
_Static_assert(JF_BLOCK_AT_LENGTH == JF_BLOCK_AT_DURABLE_SEQUENCE + 8, "offset table");
_Static_assert(JF_BLOCK_AT_RESERVED_ENVELOPE == JF_BLOCK_AT_LENGTH + 4, "offset table");
_Static_assert(JF_BLOCK_AT_PREVIOUS_CHECKSUM == JF_BLOCK_AT_BODY_CHECKSUM + 16, "offset table");
_Static_assert(JF_BLOCK_AT_ENTRY_COUNT == JF_BLOCK_AT_TIME_US + 8, "offset table");
_Static_assert(JF_BLOCK_AT_RESERVED_BODY == JF_BLOCK_AT_PAYLOAD_SIZE + 4, "offset table");
_Static_assert(JF_BLOCK_AT_PAYLOAD == JF_BLOCK_HEADER_BYTES, "offset table");
_Static_assert(JF_ENTRY_BYTES_MAX + JF_ENTRY_PREFIX_BYTES <= JF_BLOCK_PAYLOAD_BYTES_MAX,
               "the largest entry fits into an empty draft");

// Which journal a block belongs to.
struct jf_block_identity {
    struct jf_ledger_id ledger_id;
    uint32_t partition;
};

// A header as numbers.
struct jf_block_header {
    struct jf_block_identity identity;
    uint64_t generation;
    uint64_t epoch;
    uint64_t incarnation;
    uint64_t segment;
    uint64_t offset;
    uint64_t durable_sequence;
    uint32_t length;
    struct jf_hash128 body_checksum;
    struct jf_hash128 previous_checksum;
    uint64_t sequence;
    uint64_t first_position;
    uint64_t time_us;
    uint32_t entry_count;
    uint32_t payload_size;
};

// What is wrong with the bytes where a block is expected.
enum jf_block_finding {
    JF_BLOCK_VALID,
    JF_BLOCK_ABSENT,          // zeros where the header would be
    JF_BLOCK_UNREADABLE,      // the disk answers EIO
    JF_BLOCK_HEADER_DAMAGED,  // neither zeros nor a header
    JF_BLOCK_VERSION_UNKNOWN, // written by a newer Jifen
    JF_BLOCK_FOREIGN,         // of another ledger or partition
    JF_BLOCK_MISPLACED,       // of another segment or offset
    JF_BLOCK_NOT_SUCCESSOR,   // does not continue sequence, position or chain
    JF_BLOCK_STALE,           // of an earlier incarnation than the block before
    JF_BLOCK_BODY_DAMAGED,    // header good, body not
    JF_BLOCK_MALFORMED,       // checksums good, contents impossible
    JF_BLOCK_FINDING_COUNT
};

// Returns: a clause such as "the body's checksum is wrong", static.
const char *jf_block_finding_text(enum jf_block_finding finding);

// The length on disk of a block with that payload, bytes. In: payload_size up to the maximum.
uint32_t jf_block_length(uint32_t payload_size);

// Writes the header before, and the padding behind, a payload that lies at block +
// JF_BLOCK_HEADER_BYTES; computes both checksums. In: header with all fields but length and
// body_checksum. Out: the stored length and body checksum in *header.
void jf_block_seal(unsigned char *block, struct jf_block_header *header);

// The checksum of the body of a block in memory, as the header and the next block hold it.
struct jf_hash128 jf_block_body_checksum(const unsigned char *block, uint32_t payload_size);

// In: at least JF_BLOCK_HEADER_BYTES bytes. Returns: VALID (header's own checksum; *out_header
// written), ABSENT, HEADER_DAMAGED or VERSION_UNKNOWN.
enum jf_block_finding jf_block_decode_header(const unsigned char *bytes,
                                             struct jf_block_header *out_header);

// Are the lengths possible, in `room` bytes up to the segment's end? Returns: VALID, FOREIGN,
// MISPLACED or MALFORMED. What passes may be read: length is at most `room` and JF_BLOCK_BYTES_MAX.
enum jf_block_finding jf_block_check_place(const struct jf_block_header *header,
                                           const struct jf_block_identity *identity,
                                           uint64_t segment, uint64_t offset, uint64_t room);

// In: header->length bytes, of a header that passed check_place.
// Returns: VALID, BODY_DAMAGED, or MALFORMED (padding, entries).
enum jf_block_finding jf_block_check_body(const struct jf_block_header *header,
                                          const unsigned char *bytes);

// Reads the entry at *offset of a payload that passed check_body and moves *offset behind it.
// Returns: its bytes, inside the payload.
const unsigned char *jf_block_entry(const unsigned char *payload, uint32_t *offset,
                                    uint32_t *out_size);

bool jf_bytes_are_zero(const unsigned char *bytes, uint64_t size);

#endif
