// A backup's manifest: which ledger, how far, and every file with its size and checksum. It is the
// last thing that a backup writes; without a whole one there is no backup (ledger/FORMAT.md).
//
// Threads: any; nothing is shared. The decoder takes bytes from outside: whatever they hold, the
// answer is an error, never an assertion, and no path in it leads out of the backup.
#ifndef JF_ENGINE_BACKUP_MANIFEST_H
#define JF_ENGINE_BACKUP_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"
#include "journal/journal.h"

#define JF_BACKUP_FORMAT_VERSION 1u
#define JF_BACKUP_MANIFEST_NAME  "MANIFEST"
#define JF_BACKUP_PATH_MAX       96u // "journal/archive/segment-0000000000000001.jfl.zst" takes 48
#define JF_BACKUP_HASH_TEXT_MAX  33u
#define JF_BACKUP_OBJECT_MAX     (JF_BACKUP_PATH_MAX + JF_BACKUP_HASH_TEXT_MAX)

struct jf_backup_file {
    char path[JF_BACKUP_PATH_MAX]; // below the ledger's directory: "state/000012.sst"
    uint64_t size_bytes;
    struct jf_hash128 hash; // XXH3-128 of its bytes
};

struct jf_backup_manifest {
    struct jf_ledger_id ledger_id;
    uint64_t generation;
    uint64_t incarnation;
    uint64_t taken_us;       // Unix microseconds
    uint64_t state_position; // that the state's files hold; 0: none
    uint64_t first_position; // of the journal's files; 0: no entry
    uint64_t last_position;
    uint64_t last_sequence;       // of the last block
    struct jf_hash128 last_block; // its body checksum, which stands for all blocks before it
    uint64_t oldest_segment;
    uint64_t newest_segment;      // that holds blocks
    struct jf_backup_file *files; // heap; ascending by path
    uint32_t count;
    uint32_t capacity;
};

void jf_backup_manifest_deinit(struct jf_backup_manifest *manifest); // safe on a zeroed one

// Appends a file. In: a path that jf_backup_path_is_valid; each once. Errors: NO_MEMORY.
JF_MUST_USE enum jf_error jf_backup_manifest_add(struct jf_backup_manifest *manifest,
                                                 const struct jf_backup_file *file);
void jf_backup_manifest_sort(struct jf_backup_manifest *manifest);

// Returns: the file of that path in a sorted manifest; NULL: none.
const struct jf_backup_file *jf_backup_manifest_find(const struct jf_backup_manifest *manifest,
                                                     const char *path);

// Is it a path of a file that a ledger has: journal/NAME, journal/archive/NAME or state/NAME, with
// names of letters, digits, '-', '_' and '.' that do not begin with '.'?
bool jf_backup_path_is_valid(const char *path);

// "journal/segment-….jfl.0123…": what a file is called in the backup.
void jf_backup_object_name(const struct jf_backup_file *file, char out_name[JF_BACKUP_OBJECT_MAX]);
void jf_backup_hash_format(struct jf_hash128 hash, char out_text[JF_BACKUP_HASH_TEXT_MAX]);

// Out: the manifest as text, heap, *out_size bytes. Errors: NO_MEMORY.
JF_MUST_USE enum jf_error jf_backup_manifest_encode(const struct jf_backup_manifest *manifest,
                                                    char **out_text, uint32_t *out_size);

// Out: a manifest to be deinitialised. Errors: CORRUPT, VERSION, NO_MEMORY, diagnosed.
JF_MUST_USE enum jf_error jf_backup_manifest_decode(struct jf_text text,
                                                    struct jf_backup_manifest *out_manifest,
                                                    struct jf_diagnosis *diagnosis);

#endif
