// Data directories of tests, and a configuration that is small enough to be opened often.
//
// Any thread.
#ifndef JF_TESTS_RIG_DIRECTORY_H
#define JF_TESTS_RIG_DIRECTORY_H

#include "engine/engine.h"

#define RIG_PATH_BYTES 96u

// A new directory in memory where that takes O_DIRECT, else below /tmp. Out: its path.
void rig_directory_make(char out_path[RIG_PATH_BYTES]);
// Removes it with all that it holds; what is not there is no matter.
void rig_directory_remove(const char *path);
// Makes `to` a copy of `from`, which no process has open.
void rig_directory_copy(const char *from, const char *to);

// Segments of the least size, small caches, no reserve. The path stays the caller's.
struct jf_engine_config rig_config(const char *path);

#endif
