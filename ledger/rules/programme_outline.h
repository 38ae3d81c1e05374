// Where everything stands in a programme's YAML: one walk over the document's events notes each
// value's path and line, so that every later message can say FILE:LINE: FIELD. It also bounds depth
// and size with all aliases spelled out, before libcyaml reads the document. Threads: one at a
// time. Owner: the caller (init/deinit).
#ifndef JF_RULES_PROGRAMME_OUTLINE_H
#define JF_RULES_PROGRAMME_OUTLINE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#define JF_OUTLINE_NODES_MAX   131072u // values with all aliases spelled out; 1 MiB of short values
#define JF_OUTLINE_DEPTH_MAX   12u     // the schema needs 6
#define JF_OUTLINE_ANCHORS_MAX 64u     // each alias looks through all of them
#define JF_OUTLINE_NONE        UINT32_MAX
#define JF_OUTLINE_PATH_MAX    256u

enum jf_outline_kind {
    JF_OUTLINE_SCALAR,
    JF_OUTLINE_SEQUENCE,
    JF_OUTLINE_MAPPING,
    JF_OUTLINE_ALIAS,
};

struct jf_outline_node {
    enum jf_outline_kind kind;
    uint32_t line;        // from 1; a mapping's value has the line of its key
    uint32_t parent;      // JF_OUTLINE_NONE: the root
    uint32_t first_child; // JF_OUTLINE_NONE: none; likewise the next two
    uint32_t last_child;
    uint32_t next; // sibling
    uint32_t child_count;
    uint32_t index;  // among the siblings, from 0
    uint32_t target; // ALIAS: the node meant
    uint32_t weight; // nodes in it with aliases spelled out, itself included
    const char *key; // in a mapping; NULL in a sequence and for the root
    bool is_closed;  // complete, so that an alias may mean it
};

struct jf_outline {
    struct jf_arena arena;
    struct jf_text file_name;
    struct jf_outline_node *nodes; // in document order, the root first
    uint32_t node_count;
    uint32_t node_capacity;
};

// In: yaml any bytes; file_name is borrowed for messages and outlives the outline.
// Returns: JF_OK; JF_ERROR_INVALID, JF_ERROR_LIMIT or JF_ERROR_NO_MEMORY, diagnosed. In every case
// the outline may be given to jf_outline_deinit.
JF_MUST_USE enum jf_error jf_outline_init(struct jf_outline *outline, struct jf_text yaml,
                                          struct jf_text file_name, struct jf_diagnosis *diagnosis);
void jf_outline_deinit(struct jf_outline *outline);

// Writes a node's path, such as "rules[3].when.stores[2]"; "document" for the root.
void jf_outline_path(const struct jf_outline *outline, uint32_t node,
                     char out_path[JF_OUTLINE_PATH_MAX]);

// Returns: the line of what a path names, or of its nearest container that exists.
uint32_t jf_outline_line(const struct jf_outline *outline, const char *path);

// Diagnoses "FILE:LINE: PATH: message", the line found from the path. Returns: JF_ERROR_INVALID.
enum jf_error jf_outline_fault(const struct jf_outline *outline, struct jf_diagnosis *diagnosis,
                               const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// The same with a line that is known. Always JF_ERROR_INVALID.
enum jf_error jf_outline_fault_at(const struct jf_outline *outline, struct jf_diagnosis *diagnosis,
                                  uint32_t line, const char *path, const char *message);

#endif
