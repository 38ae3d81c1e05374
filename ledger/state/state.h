// The materialised state: members, cards, indexes, entries by position and control totals in
// RocksDB, with a bounded member cache and an overlay of what the database does not have yet.
//
// Threads: one owner (the ledger thread) calls everything here but the scan functions and the
// counters, which say so. One store thread of its own writes to RocksDB behind the acknowledgement
// (ARCHITECTURE 4–6); with `is_inline` there is none and jf_state_turn does its work (simulation,
// tools).
//
// The way of the data: the owner fetches what a batch needs (find_*, members_fetch), plans, then
// notes what happened (member_touch, note_*). What was noted is visible to the owner at once
// through the `recent_*` and cache calls. From time to time jf_state_turn seals a *generation*: the
// changed members' records, index rows, entry bytes and totals up to one position P, handed to the
// store thread once the journal says P is durable, and written as ONE atomic batch together with
// "applied = P". WAL is off; a *flush* (atomic over all column families) makes it survive a
// restart. Recovery: jf_state_applied tells where to replay from; applying twice is harmless.
#ifndef JF_STATE_STATE_H
#define JF_STATE_STATE_H

#include "base/arena.h"
#include "base/hash.h"
#include "rules/apply.h"
#include "rules/digest.h"
#include "rules/member.h"

struct jf_state;

// Opens the key-value store that a state is kept in (state/kv.h): RocksDB, or what a test or a
// measurement puts in its place.
struct jf_kv;
struct jf_kv_config;
typedef enum jf_error jf_state_store_open(const struct jf_kv_config *config, struct jf_kv **out_kv,
                                          struct jf_diagnosis *diagnosis);

struct jf_state_config {
    const char *directory;       // created when absent; RocksDB's own files and nothing else
    unsigned char ledger_id[16]; // must match what is stored; stored when created
    uint64_t
        cache_bytes; // bound of the member cache (dirty members may exceed it by one generation)
    uint64_t
        filter_bytes; // in-memory Bloom filter over ids and receipts: 2 bytes each; power of two
    uint64_t write_buffer_bytes; // RocksDB memtables, all column families together
    uint64_t block_cache_bytes;  // RocksDB block cache
    uint32_t generation_entries; // seal after so many entries …
    uint64_t generation_us;      // … or so long
    uint32_t generations_max;    // sealed and not yet stored; above it jf_state_is_behind
    uint64_t flush_entries;      // checkpoint after so many entries …
    uint64_t flush_us;           // … or so long, when anything changed
    bool is_inline;              // no store thread
    bool is_flush_begun;         // inline: flushes are not waited for, later turns see them done
    bool is_without_entries;     // keeps none of the entries' bytes: a scratch state
    bool is_read_only;           // tools: open an existing database, change nothing
    bool must_exist;
    jf_state_store_open *store_open; // NULL: RocksDB
};

// Errors: JF_ERROR_NOT_FOUND (must_exist), JF_ERROR_FOREIGN (another ledger's, or not ours),
// JF_ERROR_VERSION, JF_ERROR_LOCKED, JF_ERROR_CORRUPT, JF_ERROR_STATE, JF_ERROR_NO_MEMORY;
// diagnosed with directory and remedy.
JF_MUST_USE enum jf_error jf_state_open(const struct jf_state_config *config,
                                        struct jf_state **out_state,
                                        struct jf_diagnosis *diagnosis);

// Looks at a state without changing it, before anything else is opened: whose it is, and how far it
// has come. In: config as for jf_state_open. Out: the applied position; 0 where there is no state
// yet. Errors: as jf_state_open, but not NOT_FOUND.
JF_MUST_USE enum jf_error jf_state_peek(const struct jf_state_config *config, uint64_t *out_applied,
                                        struct jf_diagnosis *diagnosis);

// Stops the store thread after what was handed over is written; flushes when `is_clean`; frees.
// NULL is accepted. Returns: JF_OK or the store's failure.
enum jf_error jf_state_close(struct jf_state *state, bool is_clean, struct jf_diagnosis *diagnosis);

// Position the database held when it was opened: replay from the next one. 0: empty.
uint64_t jf_state_applied(const struct jf_state *state);

// Loads totals and counts into `control`.
JF_MUST_USE enum jf_error jf_state_load_control(struct jf_state *state, struct jf_control *control,
                                                struct jf_diagnosis *diagnosis);

// Positions of all reference entries (stores, publications) in order. Out: array in `arena`.
JF_MUST_USE enum jf_error jf_state_reference_positions(struct jf_state *state,
                                                       struct jf_arena *arena,
                                                       const uint64_t **out_positions,
                                                       uint32_t *out_count);

// ---- Prefetch, before planning a batch
// ------------------------------------------------------------

struct jf_transaction_key {
    struct jf_hash128 id_hash; // XXH3-128 of the transaction id
    jf_date date; // partition the client's content points to: its business date, or 0 for commands
                  // without
};

struct jf_transaction_row {
    uint64_t position;           // 0: not seen
    uint64_t follow_up_position; // sales: newest return entry; holds: that ended it; 0: none
    jf_date date;                // partition it is stored in
};

// Looks ids up, overlay included (what is newer than the call: see recent). The partition of
// key.date first; a different date's partition is found through the filter and the list of dates.
// One pass over all keys.
JF_MUST_USE enum jf_error jf_state_transactions_find(struct jf_state *state,
                                                     const struct jf_transaction_key *keys,
                                                     uint32_t count,
                                                     struct jf_transaction_row *out_rows);

struct jf_receipt_key {
    jf_date business_date;
    struct jf_store_id store;
    uint32_t terminal;
    struct jf_hash128 number_hash; // XXH3-128 of the receipt number
};

JF_MUST_USE enum jf_error jf_state_receipts_find(struct jf_state *state,
                                                 const struct jf_receipt_key *keys, uint32_t count,
                                                 uint64_t *out_positions);

// Members by card, overlay included. Unknown: value 0.
JF_MUST_USE enum jf_error jf_state_cards_find(struct jf_state *state, const struct jf_text *cards,
                                              uint32_t count, struct jf_member_id *out_members);

// Brings members into the cache with one multi-get and keeps them there until jf_state_batch_end.
// Unknown numbers are remembered as absent for the batch. Duplicates and value 0 are fine.
JF_MUST_USE enum jf_error jf_state_members_fetch(struct jf_state *state,
                                                 const struct jf_member_id *ids, uint32_t count);

// Entry bytes by position, overlay included; in `arena`. JF_ERROR_NOT_FOUND: position 0 or above
// the last noted.
JF_MUST_USE enum jf_error jf_state_entry_read(struct jf_state *state, uint64_t position,
                                              struct jf_arena *arena, struct jf_text *out_bytes);

// ---- While planning and applying
// --------------------------------------------------------------------

// From the overlay only: what was noted and is not stored yet. Position 0: not there.
struct jf_transaction_row jf_state_transaction_recent(const struct jf_state *state,
                                                      struct jf_hash128 id_hash);
uint64_t jf_state_receipt_recent(const struct jf_state *state, const struct jf_receipt_key *key);
// Out: the member that the card leads to, value 0 where it was unlinked. Returns: whether the
// overlay knows of the card; else nothing is put out.
bool jf_state_card_recent(const struct jf_state *state, struct jf_text card,
                          struct jf_member_id *out_member);

// A cached member (fetched in this batch or resident). NULL: unknown. Valid until room, create or
// batch_end.
struct jf_member *jf_state_member(struct jf_state *state, struct jf_member_id id);
// Makes a new empty member with that number. In: it is not known.
JF_MUST_USE enum jf_error jf_state_member_create(struct jf_state *state, struct jf_member_id id,
                                                 struct jf_member **out_member);
// Grows the block so that it has at least that capacity; may move it.
JF_MUST_USE enum jf_error jf_state_member_room(struct jf_state *state, struct jf_member_id id,
                                               struct jf_member_capacity capacity,
                                               struct jf_member **out_member);
// The record changes now: it stays cached until stored.
void jf_state_member_touch(struct jf_state *state, struct jf_member *member);

// Room in the overlay for one more entry's rows, so that noting cannot fail. Call before noting
// each entry. In: how many cards and how many expiries it notes at most.
JF_MUST_USE enum jf_error jf_state_note_reserve(struct jf_state *state, uint32_t entry_size,
                                                uint32_t card_count, uint32_t expiry_count);
void jf_state_note_entry(struct jf_state *state, uint64_t position, const void *bytes,
                         uint32_t size);
void jf_state_note_transaction(struct jf_state *state, struct jf_transaction_key key,
                               struct jf_transaction_row row); // new, or a sale's changed row
void jf_state_note_receipt(struct jf_state *state, const struct jf_receipt_key *key,
                           uint64_t position);
void jf_state_note_card(struct jf_state *state, struct jf_text card, struct jf_member_id member);
// In: what the entry adds to the digest of reference data.
void jf_state_note_reference(struct jf_state *state, uint64_t position, struct jf_hash128 hash);
// The newest entry that is a digest.
void jf_state_note_digest(struct jf_state *state, uint64_t position, struct jf_hash128 digest);
// From now on the member has points (is_there), or none any more, in lots whose last day is
// `expires_on`: the index that an expiry walks.
void jf_state_note_expiry(struct jf_state *state, jf_date expires_on, struct jf_member_id member,
                          bool is_there);

// Ends the batch: fetched members may be evicted again.
void jf_state_batch_end(struct jf_state *state);

// ---- The digest
// -----------------------------------------------------------------------------------

// Of everything noted so far; `control` as of the last noted position. Costs one encoding of each
// member that changed since the last call, or generation. Errors: JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_state_digest(struct jf_state *state, const struct jf_control *control,
                                          struct jf_digest *out_digest);

// The newest entry noted that is a digest. Position 0: there is none.
struct jf_state_digest_entry {
    uint64_t position;
    struct jf_hash128 digest;
};
struct jf_state_digest_entry jf_state_digest_newest(const struct jf_state *state);

// ---- Between batches
// -----------------------------------------------------------------------------

// Seals a generation when due (`control` as of the last noted position), hands over what is
// durable, takes back what is stored, asks for a flush when due. Returns: JF_OK, or the store's
// final failure, diagnosed.
JF_MUST_USE enum jf_error jf_state_turn(struct jf_state *state, const struct jf_control *control,
                                        uint64_t now_us, uint64_t durable_position,
                                        struct jf_diagnosis *diagnosis);
// What went wrong first in a read, which every later turn answers; error JF_OK: nothing.
const struct jf_diagnosis *jf_state_failure(const struct jf_state *state);
// When turn wants to be called next; UINT64_MAX: not by itself.
uint64_t jf_state_turn_after_us(const struct jf_state *state, uint64_t now_us);
// Seal at the next turn whatever there is, and flush after it. Done when flushed() has reached the
// last noted position at the time of the call.
void jf_state_checkpoint(struct jf_state *state);

// While held, no flush is begun by time, amount or checkpoint: on a full disk it would fail, and a
// failed flush is final. What is due is done once it is let go.
void jf_state_hold_flushes(struct jf_state *state, bool is_held);

bool jf_state_is_behind(const struct jf_state *state); // take no more batches now
uint64_t jf_state_stored(
    const struct jf_state *state); // applied in the database (visible to scans)
uint64_t jf_state_flushed(const struct jf_state *state); // survives a restart

// Called by the store thread after each generation or flush, so that the owner wakes up. Set before
// the first turn.
void jf_state_set_wake(struct jf_state *state, void (*wake)(void *context), void *context);

struct jf_state_counters {
    uint64_t members_cached;
    uint64_t cache_bytes;
    uint64_t cache_hits;
    uint64_t cache_misses;
    uint64_t generations_stored;
    uint64_t flushes;
    uint64_t flush_us_max;
};
void jf_state_counters(const struct jf_state *state, struct jf_state_counters *out_counters);

// ---- Copies; any thread
// -----------------------------------------------------------------------

// Makes a directory with the database as a crash now would leave it: what was flushed, as of one
// position. In: the directory does not exist, its parent does. Errors: JF_ERROR_UNSUPPORTED by the
// store of keys, JF_ERROR_NO_SPACE, JF_ERROR_STATE; diagnosed.
JF_MUST_USE enum jf_error jf_state_copy(const struct jf_state *state, const char *directory,
                                        struct jf_diagnosis *diagnosis);

// ---- Scans: consistent snapshots for jobs and verify; any thread, one thread a scan
// ---------------------

struct jf_state_scan;
// A snapshot of the database as stored now (not of the overlay), at *out_position; members in
// ascending order from `from` on. Open scans must be closed before jf_state_close.
JF_MUST_USE enum jf_error jf_state_scan_open(struct jf_state *state, struct jf_member_id from,
                                             struct jf_state_scan **out_scan,
                                             uint64_t *out_position);
// The next member. Out: *out_member in the scan's memory and its stored bytes, both until the next
// call. Returns: JF_OK; JF_ERROR_NOT_FOUND at the end; JF_ERROR_CORRUPT / JF_ERROR_STATE diagnosed.
JF_MUST_USE enum jf_error jf_state_scan_next(struct jf_state_scan *scan,
                                             const struct jf_member **out_member,
                                             struct jf_text *out_bytes,
                                             struct jf_diagnosis *diagnosis);
// Totals as of the snapshot.
JF_MUST_USE enum jf_error jf_state_scan_control(struct jf_state_scan *scan,
                                                struct jf_control *control,
                                                struct jf_diagnosis *diagnosis);
// The digest as of the snapshot: sums as they are stored, and the hash of the stored totals.
JF_MUST_USE enum jf_error jf_state_scan_digest(struct jf_state_scan *scan,
                                               struct jf_digest *out_digest,
                                               struct jf_diagnosis *diagnosis);
// The next row of the snapshot's index of expiries: a member with points in lots whose last day is
// *out_expires_on. By day, then by member: a member stands there once for each such day. Returns:
// JF_OK; JF_ERROR_NOT_FOUND where no day before `before` is left; JF_ERROR_NO_MEMORY;
// JF_ERROR_CORRUPT / JF_ERROR_STATE diagnosed.
JF_MUST_USE enum jf_error jf_state_scan_expiry(struct jf_state_scan *scan, jf_date before,
                                               jf_date *out_expires_on,
                                               struct jf_member_id *out_member,
                                               struct jf_diagnosis *diagnosis);
// The next row is the first again.
void jf_state_scan_expiry_rewind(struct jf_state_scan *scan);
// Number of members, estimated by the database.
uint64_t jf_state_scan_estimate(struct jf_state_scan *scan);
void jf_state_scan_close(struct jf_state_scan *scan); // NULL is accepted

#endif
