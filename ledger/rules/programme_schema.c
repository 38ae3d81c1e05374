// Walks outline and schema side by side, in the document's order, with a stack of open containers.
//
// The happy path checks shape and key of each value and descends. Failures name the first offending
// value in document order; a missing key is noticed when its mapping ends.
#include "rules/programme_schema.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"

#define SCHEMA_FIELDS_MAX 32u

struct frame {
    const struct cyaml_schema_value *schema;
    uint32_t node;  // the container
    uint32_t child; // its child to be checked next
    uint32_t seen;  // bit set of the mapping's fields found
};

struct check {
    const struct jf_outline *outline;
    struct jf_diagnosis *diagnosis;
    struct frame frames[JF_OUTLINE_DEPTH_MAX + 1];
    uint32_t depth;
};

static enum jf_error node_fault(const struct check *check, uint32_t node, const char *message)
{
    char path[JF_OUTLINE_PATH_MAX];
    jf_outline_path(check->outline, node, path);
    return jf_outline_fault_at(check->outline, check->diagnosis, check->outline->nodes[node].line,
                               path, message);
}

static enum jf_error unknown_key(const struct check *check, const struct frame *frame)
{
    char message[JF_DIAGNOSIS_TEXT_MAX] = "unknown key: allowed here are ";
    size_t used = strlen(message);
    const struct cyaml_schema_field *field = frame->schema->mapping.fields;
    for (; field->key != NULL && used < sizeof message - 1; field++) {
        int written = snprintf(message + used, sizeof message - used, "%s%s", field->key,
                               field[1].key != NULL ? ", " : "");
        used += written > 0 ? (size_t)written : 0;
    }
    return node_fault(check, frame->child, message);
}

// Finds the schema of the frame's current child, and notes in a mapping that the key was seen.
static enum jf_error child_schema(const struct check *check, struct frame *frame,
                                  const struct cyaml_schema_value **out_schema)
{
    if (frame->schema->type == CYAML_SEQUENCE) {
        *out_schema = frame->schema->sequence.entry;
        return JF_OK;
    }
    const char *key = check->outline->nodes[frame->child].key;
    const struct cyaml_schema_field *fields = frame->schema->mapping.fields;
    uint32_t at = 0;
    while (fields[at].key != NULL && strcmp(fields[at].key, key) != 0) {
        at++;
    }
    if (fields[at].key == NULL) {
        return unknown_key(check, frame);
    }
    JF_ASSERT(at < SCHEMA_FIELDS_MAX);
    if ((frame->seen & (1u << at)) != 0) {
        return node_fault(check, frame->child, "given twice: keep one");
    }
    frame->seen |= 1u << at;
    *out_schema = &fields[at].value;
    return JF_OK;
}

static enum jf_error missing_check(const struct check *check, const struct frame *frame)
{
    if (frame->schema->type != CYAML_MAPPING) {
        return JF_OK;
    }
    const struct cyaml_schema_field *fields = frame->schema->mapping.fields;
    for (uint32_t at = 0; fields[at].key != NULL; at++) {
        bool is_optional = (fields[at].value.flags & CYAML_FLAG_OPTIONAL) != 0;
        if (is_optional || (frame->seen & (1u << at)) != 0) {
            continue;
        }
        char path[JF_OUTLINE_PATH_MAX];
        char full[JF_OUTLINE_PATH_MAX + 64];
        jf_outline_path(check->outline, frame->node, path);
        bool is_root = check->outline->nodes[frame->node].parent == JF_OUTLINE_NONE;
        snprintf(full, sizeof full, "%s%s%s", is_root ? "" : path, is_root ? "" : ".",
                 fields[at].key);
        return jf_outline_fault_at(check->outline, check->diagnosis,
                                   check->outline->nodes[frame->node].line, full,
                                   "missing: it has no default");
    }
    return JF_OK;
}

static enum jf_error count_check(const struct check *check, uint32_t node, uint32_t place,
                                 const struct cyaml_schema_value *schema)
{
    uint32_t count = check->outline->nodes[node].child_count;
    if (count < schema->sequence.min) {
        return node_fault(check, place, "an empty list: name at least one, or leave the key out");
    }
    if (count > schema->sequence.max) {
        char message[96];
        snprintf(message, sizeof message, "%u items: at most %u are allowed", count,
                 schema->sequence.max);
        return node_fault(check, place, message);
    }
    return JF_OK;
}

static void frame_push(struct check *check, uint32_t node, const struct cyaml_schema_value *schema)
{
    JF_ASSERT(check->depth < JF_OUTLINE_DEPTH_MAX + 1);
    check->frames[check->depth] = (struct frame){
        .schema = schema, .node = node, .child = check->outline->nodes[node].first_child};
    check->depth += 1;
}

// Checks the shape of one value; containers are pushed to be looked into.
static enum jf_error value_check(struct check *check, uint32_t place,
                                 const struct cyaml_schema_value *schema)
{
    const struct jf_outline_node *nodes = check->outline->nodes;
    uint32_t node = place;
    while (nodes[node].kind == JF_OUTLINE_ALIAS) {
        node = nodes[node].target;
    }
    enum jf_outline_kind kind = nodes[node].kind;
    if (schema->type == CYAML_MAPPING) {
        if (kind != JF_OUTLINE_MAPPING) {
            return node_fault(check, place, "must be a mapping, as in {key: value}");
        }
        frame_push(check, node, schema);
        return JF_OK;
    }
    if (schema->type == CYAML_SEQUENCE) {
        if (kind != JF_OUTLINE_SEQUENCE) {
            return node_fault(check, place, "must be a list, as in [a, b]");
        }
        frame_push(check, node, schema);
        return count_check(check, node, place, schema);
    }
    JF_ASSERT(schema->type == CYAML_STRING);
    if (kind != JF_OUTLINE_SCALAR) {
        return node_fault(check, place, "must be one value, not a list or mapping");
    }
    return JF_OK;
}

enum jf_error jf_schema_check(const struct jf_outline *outline,
                              const struct cyaml_schema_value *root, struct jf_diagnosis *diagnosis)
{
    struct check check = {.outline = outline, .diagnosis = diagnosis};
    enum jf_error error = value_check(&check, 0, root);
    while (error == JF_OK && check.depth > 0) {
        struct frame *frame = &check.frames[check.depth - 1];
        if (frame->child == JF_OUTLINE_NONE) {
            error = missing_check(&check, frame);
            check.depth -= 1;
            continue;
        }
        const struct cyaml_schema_value *schema = NULL;
        error = child_schema(&check, frame, &schema);
        if (error == JF_OK) {
            uint32_t place = frame->child;
            frame->child = outline->nodes[place].next;
            error = value_check(&check, place, schema);
        }
    }
    return error;
}
