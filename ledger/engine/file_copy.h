// Copying and hashing files for backups, restores and archives: in pieces, with progress, durable
// before it has its name. Threads: any; nothing is shared. Paths are borrowed for the call.
#ifndef JF_ENGINE_FILE_COPY_H
#define JF_ENGINE_FILE_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

// Who is told how far it is, and asked whether to go on.
struct jf_copy_watch {
    void (*on_bytes)(void *context, uint64_t bytes); // so many more were done; may be NULL
    bool (*is_cancelled)(void *context);             // may be NULL
    void *context;
};

struct jf_copy {
    int from;
    const char *from_name; // for messages
    uint64_t size_bytes;   // of what is written or hashed
    uint64_t data_bytes;   // of it from `from`; the rest is zeros
    int to;                // -1: only the hash
    const char *to_name;
    const struct jf_copy_watch *watch;
};

// Copies from offset 0. Pieces of zeros become holes. Out: the hash of all size_bytes.
// Errors: IO (reading, or a file that is shorter), NO_SPACE, NO_MEMORY, CLOSED (cancelled), each
// diagnosed with the file.
JF_MUST_USE enum jf_error jf_copy_run(const struct jf_copy *copy, struct jf_hash128 *out_hash,
                                      struct jf_diagnosis *diagnosis);

// Syncs an open file, gives it its name in `directory_fd`, and closes it, also on failure. The
// directory itself is not synced. Errors: IO, NO_SPACE.
JF_MUST_USE enum jf_error jf_file_settle(int directory_fd, int fd, const char *temporary,
                                         const char *name, struct jf_diagnosis *diagnosis);

// Opens a new empty file for writing. Errors: IO, NO_SPACE.
JF_MUST_USE enum jf_error jf_file_make(int directory_fd, const char *name, int *out_fd,
                                       struct jf_diagnosis *diagnosis);

// Opens a file for reading. Out: its size. Errors: NOT_FOUND, IO.
JF_MUST_USE enum jf_error jf_file_open(int directory_fd, const char *name, int *out_fd,
                                       uint64_t *out_size_bytes, struct jf_diagnosis *diagnosis);

// Makes a directory, if it is not there, and opens it. Errors: IO, NO_SPACE.
JF_MUST_USE enum jf_error jf_folder_make(int parent_fd, const char *name, int *out_fd,
                                         struct jf_diagnosis *diagnosis);
// Opens a directory. In: AT_FDCWD for names from the current one. Errors: NOT_FOUND, IO.
JF_MUST_USE enum jf_error jf_folder_open(int parent_fd, const char *name, int *out_fd,
                                         struct jf_diagnosis *diagnosis);
JF_MUST_USE enum jf_error jf_folder_sync(int fd, const char *name, struct jf_diagnosis *diagnosis);
// Makes what was renamed or made in the parent of `path` durable.
JF_MUST_USE enum jf_error jf_folder_sync_parent(const char *path, struct jf_diagnosis *diagnosis);

// Calls back for each name but "." and "..". Errors: IO; whatever the callback returns ends it.
typedef enum jf_error (*jf_folder_callback)(void *context, const char *name,
                                            struct jf_diagnosis *diagnosis);
JF_MUST_USE enum jf_error jf_folder_list(int fd, jf_folder_callback callback, void *context,
                                         struct jf_diagnosis *diagnosis);
// Counts the names in a directory, lost+found aside; one that is not there has none. Errors: IO.
JF_MUST_USE enum jf_error jf_folder_count(const char *path, uint32_t *out_count,
                                          struct jf_diagnosis *diagnosis);
// Removes a directory and all in it. What is not there is removed already. Errors: IO.
JF_MUST_USE enum jf_error jf_folder_remove(const char *path, struct jf_diagnosis *diagnosis);

// An exclusive lock on a file, made if need be, until *out_fd is closed. Errors: LOCKED, IO,
// NO_SPACE. In: what it locks, for the message.
JF_MUST_USE enum jf_error jf_folder_lock(int directory_fd, const char *name, const char *what,
                                         int *out_fd, struct jf_diagnosis *diagnosis);

#endif
