// Which of a database's tables has a footer that no table has: RocksDB says of a damaged one what
// is wrong with it, and not always which it is. Reads the files beside RocksDB. Threads: any.
#ifndef JF_STATE_TABLE_FOOTER_H
#define JF_STATE_TABLE_FOOTER_H

#include <stdbool.h>

#define JF_TABLE_NAME_BYTES 64u

// The first table, by name, whose last bytes are no footer of a block-based table, versions 1 to 5.
// Returns: whether there is one, and its name. Files that cannot be read count as damaged.
bool jf_table_damaged_find(const char *directory, char out_name[JF_TABLE_NAME_BYTES]);

#endif
