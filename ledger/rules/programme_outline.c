// Notes path and line of every value of a YAML document.
//
// The happy path: libyaml's events come one by one; a scalar in a mapping is by turns a key and a
// value; containers are opened and closed; an alias remembers the node it means. Failures, all
// diagnosed with their line: text that is no YAML or no UTF-8, two documents, keys that are no
// plain text, unknown, repeated or unfinished anchors, NUL bytes, too deep, too large, no memory.
#include "rules/programme_outline.h"

#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "base/assert.h"

#define OUTLINE_CHUNK_BYTES 65536u
#define OUTLINE_BYTES_MAX                                                                          \
    ((size_t)64 << 20) // nodes are doubled, so twice their final size, and keys
#define FILE_NAME_SHOWN_MAX 128u

struct anchor {
    const char *name;
    uint32_t node;
};

struct walk {
    yaml_parser_t parser;
    struct jf_outline *outline;
    struct jf_diagnosis *diagnosis;
    const char *key; // of the value to come
    uint32_t key_line;
    uint32_t open; // innermost container that is not closed
    uint32_t depth;
    uint32_t documents;
    uint32_t anchor_count;
    struct anchor anchors[JF_OUTLINE_ANCHORS_MAX];
};

// Control bytes would garble a terminal, and a character cut in half would garble everything behind
// it.
static void message_clean(char *text)
{
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
            text[i] = '?';
        }
    }
    size_t start = size;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) {
        start--;
    }
    if (start == 0 || (unsigned char)text[start - 1] < 0xc0) {
        return;
    }
    unsigned char lead = (unsigned char)text[start - 1];
    size_t needed = lead >= 0xf0 ? 3 : (lead >= 0xe0 ? 2 : 1);
    if (size - start < needed) {
        text[start - 1] = '\0';
    }
}

enum jf_error jf_outline_fault_at(const struct jf_outline *outline, struct jf_diagnosis *diagnosis,
                                  uint32_t line, const char *path, const char *message)
{
    struct jf_text name = outline->file_name;
    if (name.size == 0) {
        name = JF_TEXT("programme");
    }
    uint32_t shown = name.size < FILE_NAME_SHOWN_MAX ? name.size : FILE_NAME_SHOWN_MAX;
    jf_diagnose(diagnosis, JF_ERROR_INVALID, "%.*s:%u: %s: %s", (int)shown, name.data, line, path,
                message);
    if (diagnosis != NULL) {
        message_clean(diagnosis->text);
    }
    return JF_ERROR_INVALID;
}

enum jf_error jf_outline_fault(const struct jf_outline *outline, struct jf_diagnosis *diagnosis,
                               const char *path, const char *format, ...)
{
    char message[JF_DIAGNOSIS_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return jf_outline_fault_at(outline, diagnosis, jf_outline_line(outline, path), path, message);
}

// Syntax has no field: the place of one is taken by "yaml".
static enum jf_error walk_fault(struct walk *walk, size_t line, const char *message)
{
    return jf_outline_fault_at(walk->outline, walk->diagnosis, (uint32_t)line + 1, "yaml", message);
}

static enum jf_error walk_limit(struct walk *walk, size_t line, const char *message)
{
    walk_fault(walk, line, message);
    if (walk->diagnosis != NULL) {
        walk->diagnosis->error = JF_ERROR_LIMIT;
    }
    return JF_ERROR_LIMIT;
}

static enum jf_error no_memory(struct walk *walk)
{
    return jf_diagnose(walk->diagnosis, JF_ERROR_NO_MEMORY, "no memory to read the programme");
}

static enum jf_error parser_fault(struct walk *walk)
{
    const yaml_parser_t *parser = &walk->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        return no_memory(walk);
    }
    size_t line = parser->problem_mark.line;
    if (parser->error == YAML_READER_ERROR) {
        line = parser->mark.line;
    }
    char message[JF_DIAGNOSIS_TEXT_MAX];
    snprintf(message, sizeof message, "not well-formed YAML in UTF-8: %s",
             parser->problem == NULL ? "unknown problem" : parser->problem);
    return walk_fault(walk, line, message);
}

static const char *text_keep(struct walk *walk, const unsigned char *text)
{
    size_t size = strlen((const char *)text) + 1;
    char *kept = jf_arena_alloc(&walk->outline->arena, size);
    if (kept != NULL) {
        memcpy(kept, text, size);
    }
    return kept;
}

static bool nodes_reserve(struct jf_outline *outline)
{
    if (outline->node_count < outline->node_capacity) {
        return true;
    }
    uint32_t capacity = outline->node_capacity == 0 ? 256 : outline->node_capacity * 2;
    struct jf_outline_node *nodes = jf_arena_alloc(&outline->arena, capacity * sizeof *nodes);
    if (nodes == NULL) {
        return false;
    }
    if (outline->node_count > 0) {
        memcpy(nodes, outline->nodes, outline->node_count * sizeof *nodes);
    }
    outline->nodes = nodes;
    outline->node_capacity = capacity;
    return true;
}

static void node_link(struct walk *walk, uint32_t number)
{
    struct jf_outline_node *nodes = walk->outline->nodes;
    if (walk->open == JF_OUTLINE_NONE) {
        return;
    }
    struct jf_outline_node *parent = &nodes[walk->open];
    nodes[number].index = parent->child_count;
    if (parent->last_child == JF_OUTLINE_NONE) {
        parent->first_child = number;
    } else {
        nodes[parent->last_child].next = number;
    }
    parent->last_child = number;
    parent->child_count += 1;
}

static enum jf_error weight_add(struct walk *walk, uint32_t to, uint32_t weight, size_t line)
{
    if (to == JF_OUTLINE_NONE) {
        return JF_OK;
    }
    struct jf_outline_node *node = &walk->outline->nodes[to];
    if (weight > JF_OUTLINE_NODES_MAX - node->weight) {
        return walk_limit(walk, line,
                          "more than 131072 values, aliases spelled out: shorten the programme");
    }
    node->weight += weight;
    return JF_OK;
}

static bool is_key_due(const struct walk *walk)
{
    return walk->open != JF_OUTLINE_NONE && walk->key == NULL &&
           walk->outline->nodes[walk->open].kind == JF_OUTLINE_MAPPING;
}

static uint32_t anchor_find(const struct walk *walk, const unsigned char *name)
{
    for (uint32_t i = 0; i < walk->anchor_count; i++) {
        if (strcmp(walk->anchors[i].name, (const char *)name) == 0) {
            return walk->anchors[i].node;
        }
    }
    return JF_OUTLINE_NONE;
}

static enum jf_error anchor_set(struct walk *walk, uint32_t number, const unsigned char *name,
                                size_t line)
{
    if (name == NULL) {
        return JF_OK;
    }
    if (anchor_find(walk, name) != JF_OUTLINE_NONE) {
        return walk_fault(walk, line, "an anchor's name is used twice: rename one");
    }
    if (walk->anchor_count == JF_OUTLINE_ANCHORS_MAX) {
        return walk_limit(walk, line, "more than 64 anchors: write some values out");
    }
    const char *kept = text_keep(walk, name);
    if (kept == NULL) {
        return no_memory(walk);
    }
    walk->anchors[walk->anchor_count] = (struct anchor){kept, number};
    walk->anchor_count += 1;
    return JF_OK;
}

static enum jf_error node_add(struct walk *walk, enum jf_outline_kind kind, size_t line,
                              uint32_t *out_number)
{
    struct jf_outline *outline = walk->outline;
    if (outline->node_count >= JF_OUTLINE_NODES_MAX) {
        return walk_limit(walk, line, "more than 131072 values: shorten the programme");
    }
    if (!nodes_reserve(outline)) {
        return no_memory(walk);
    }
    uint32_t number = outline->node_count;
    outline->nodes[number] = (struct jf_outline_node){
        .kind = kind,
        .line = walk->key != NULL ? walk->key_line : (uint32_t)line + 1,
        .parent = walk->open,
        .first_child = JF_OUTLINE_NONE,
        .last_child = JF_OUTLINE_NONE,
        .next = JF_OUTLINE_NONE,
        .target = JF_OUTLINE_NONE,
        .weight = 1,
        .key = walk->key,
    };
    outline->node_count += 1;
    walk->key = NULL;
    node_link(walk, number);
    *out_number = number;
    return JF_OK;
}

static enum jf_error scalar_take(struct walk *walk, const yaml_event_t *event)
{
    size_t line = event->start_mark.line;
    const unsigned char *value = event->data.scalar.value;
    if (strlen((const char *)value) != event->data.scalar.length) {
        return walk_fault(walk, line, "a text holds a NUL byte: remove it");
    }
    if (is_key_due(walk)) {
        if (event->data.scalar.anchor != NULL) {
            return walk_fault(walk, line, "a key cannot have an anchor: put it on the value");
        }
        walk->key = text_keep(walk, value);
        walk->key_line = (uint32_t)line + 1;
        return walk->key == NULL ? no_memory(walk) : JF_OK;
    }
    uint32_t number = 0;
    enum jf_error error = node_add(walk, JF_OUTLINE_SCALAR, line, &number);
    if (error == JF_OK) {
        walk->outline->nodes[number].is_closed = true;
        error = anchor_set(walk, number, event->data.scalar.anchor, line);
    }
    return error == JF_OK ? weight_add(walk, walk->open, 1, line) : error;
}

static enum jf_error alias_take(struct walk *walk, const yaml_event_t *event)
{
    size_t line = event->start_mark.line;
    if (is_key_due(walk)) {
        return walk_fault(walk, line, "an alias stands where a key must: write the key out");
    }
    uint32_t target = anchor_find(walk, event->data.alias.anchor);
    if (target == JF_OUTLINE_NONE || !walk->outline->nodes[target].is_closed) {
        return walk_fault(walk, line, "an alias names no anchor that stands complete before it");
    }
    uint32_t number = 0;
    enum jf_error error = node_add(walk, JF_OUTLINE_ALIAS, line, &number);
    if (error != JF_OK) {
        return error;
    }
    walk->outline->nodes[number].target = target;
    walk->outline->nodes[number].is_closed = true;
    return weight_add(walk, walk->open, walk->outline->nodes[target].weight, line);
}

static enum jf_error container_open(struct walk *walk, const yaml_event_t *event)
{
    size_t line = event->start_mark.line;
    bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
    if (is_key_due(walk)) {
        return walk_fault(walk, line, "a list or mapping stands where a key must: write a text");
    }
    if (walk->depth >= JF_OUTLINE_DEPTH_MAX) {
        return walk_limit(walk, line, "nested too deeply: no field needs more than 12 levels");
    }
    uint32_t number = 0;
    enum jf_error error =
        node_add(walk, is_mapping ? JF_OUTLINE_MAPPING : JF_OUTLINE_SEQUENCE, line, &number);
    if (error != JF_OK) {
        return error;
    }
    walk->open = number;
    walk->depth += 1;
    return anchor_set(
        walk, number,
        is_mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor, line);
}

static enum jf_error container_close(struct walk *walk, const yaml_event_t *event)
{
    JF_ASSERT(walk->open != JF_OUTLINE_NONE);
    struct jf_outline_node *node = &walk->outline->nodes[walk->open];
    node->is_closed = true;
    walk->open = node->parent;
    walk->depth -= 1;
    return weight_add(walk, walk->open, node->weight, event->end_mark.line);
}

static enum jf_error event_take(struct walk *walk, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return scalar_take(walk, event);
    case YAML_ALIAS_EVENT:
        return alias_take(walk, event);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return container_open(walk, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return container_close(walk, event);
    case YAML_DOCUMENT_START_EVENT:
        walk->documents += 1;
        if (walk->documents > 1) {
            return walk_fault(walk, event->start_mark.line,
                              "a second document begins: a programme is one document");
        }
        return JF_OK;
    default:
        return JF_OK;
    }
}

static enum jf_error walk_run(struct walk *walk)
{
    bool is_done = false;
    while (!is_done) {
        yaml_event_t event;
        if (yaml_parser_parse(&walk->parser, &event) == 0) {
            return parser_fault(walk);
        }
        is_done = event.type == YAML_STREAM_END_EVENT;
        enum jf_error error = event_take(walk, &event);
        yaml_event_delete(&event);
        if (error != JF_OK) {
            return error;
        }
    }
    if (walk->outline->node_count == 0) {
        return walk_fault(walk, 0,
                          "the document is empty: write at least name, effective_from, "
                          "earn and expiry");
    }
    return JF_OK;
}

enum jf_error jf_outline_init(struct jf_outline *outline, struct jf_text yaml,
                              struct jf_text file_name, struct jf_diagnosis *diagnosis)
{
    *outline = (struct jf_outline){.file_name = file_name};
    jf_arena_init(&outline->arena, OUTLINE_CHUNK_BYTES, OUTLINE_BYTES_MAX);
    struct walk walk = {.outline = outline, .diagnosis = diagnosis, .open = JF_OUTLINE_NONE};
    if (yaml_parser_initialize(&walk.parser) == 0) {
        return no_memory(&walk);
    }
    yaml_parser_set_encoding(&walk.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&walk.parser, (const unsigned char *)yaml.data, yaml.size);
    enum jf_error error = walk_run(&walk);
    yaml_parser_delete(&walk.parser);
    return error;
}

void jf_outline_deinit(struct jf_outline *outline)
{
    jf_arena_deinit(&outline->arena);
    outline->nodes = NULL;
    outline->node_count = 0;
}

void jf_outline_path(const struct jf_outline *outline, uint32_t node,
                     char out_path[JF_OUTLINE_PATH_MAX])
{
    uint32_t chain[JF_OUTLINE_DEPTH_MAX + 1];
    uint32_t depth = 0;
    for (uint32_t at = node; outline->nodes[at].parent != JF_OUTLINE_NONE;
         at = outline->nodes[at].parent) {
        JF_ASSERT(depth < JF_OUTLINE_DEPTH_MAX + 1);
        chain[depth] = at;
        depth += 1;
    }
    size_t used = 0;
    snprintf(out_path, JF_OUTLINE_PATH_MAX, "document");
    while (depth > 0 && used < JF_OUTLINE_PATH_MAX - 1) {
        depth -= 1;
        const struct jf_outline_node *step = &outline->nodes[chain[depth]];
        size_t room = JF_OUTLINE_PATH_MAX - used;
        int written = step->key != NULL ? snprintf(out_path + used, room, "%s%.64s",
                                                   used > 0 ? "." : "", step->key)
                                        : snprintf(out_path + used, room, "[%u]", step->index);
        used += written > 0 ? (size_t)written : 0;
    }
}

static uint32_t child_find(const struct jf_outline *outline, uint32_t parent, const char *step,
                           size_t size)
{
    uint32_t child = outline->nodes[parent].first_child;
    for (; child != JF_OUTLINE_NONE; child = outline->nodes[child].next) {
        const struct jf_outline_node *node = &outline->nodes[child];
        char index[16];
        snprintf(index, sizeof index, "%u", node->index);
        const char *name = node->key != NULL ? node->key : index;
        if (strlen(name) == size && memcmp(name, step, size) == 0) {
            break;
        }
    }
    return child;
}

uint32_t jf_outline_line(const struct jf_outline *outline, const char *path)
{
    JF_ASSERT(outline->node_count > 0);
    uint32_t node = 0;
    uint32_t line = outline->nodes[0].line;
    while (*path != '\0') {
        size_t size = strcspn(path, ".[]");
        uint32_t child = size == 0 ? node : child_find(outline, node, path, size);
        if (child == JF_OUTLINE_NONE) {
            break;
        }
        if (size > 0) {
            line = outline->nodes[child].line;
        }
        node =
            outline->nodes[child].kind == JF_OUTLINE_ALIAS ? outline->nodes[child].target : child;
        path += size;
        path += *path == '\0' ? 0 : 1;
    }
    return line;
}
