// A symbol is found by taking its file's package off its front and walking down the rest part by
// part: a message, enum or service, then what is nested in it. Files are few and small, so every
// question walks them anew. Failures: what is not there is answered with nothing.
#include "service/descriptors.h"

#include "base/assert.h"
#include "service/wire.h"

// Made at build time from jifen.protoset (CMakeLists.txt).
extern const unsigned char jf_protoset_bytes[];
extern const uint32_t jf_protoset_bytes_size;

// Field numbers of google/protobuf/descriptor.proto.
enum {
    SET_FILE = 1,
    FILE_NAME = 1,
    FILE_PACKAGE = 2,
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    MESSAGE_NESTED = 3,
    MESSAGE_ENUM = 4,
    SERVICE_METHOD = 2,
    ANY_NAME = 1, // of a message, enum, service or method
};

enum scope {
    SCOPE_FILE,
    SCOPE_MESSAGE,
    SCOPE_SERVICE,
    SCOPE_LEAF
};

struct node {
    enum scope scope;
    struct jf_text bytes;
};

struct jf_descriptors jf_descriptors_embedded(void)
{
    return (struct jf_descriptors){{(const char *)jf_protoset_bytes, jf_protoset_bytes_size}};
}

struct jf_text jf_descriptors_file(const struct jf_descriptors *descriptors,
                                   struct jf_text file_name)
{
    struct jf_text rest = descriptors->set;
    struct jf_wire_field field;
    while (jf_wire_next(&rest, &field)) {
        if (field.number == SET_FILE &&
            jf_text_equal(jf_wire_find(field.bytes, FILE_NAME), file_name)) {
            return field.bytes;
        }
    }
    return (struct jf_text){NULL, 0};
}

// What a field of a descriptor holds that has a name. Returns: false for other fields.
static bool scope_within(enum scope scope, uint32_t number, enum scope *out_scope)
{
    switch (scope) {
    case SCOPE_FILE:
        *out_scope = number == FILE_MESSAGE   ? SCOPE_MESSAGE
                     : number == FILE_SERVICE ? SCOPE_SERVICE
                                              : SCOPE_LEAF;
        return number == FILE_MESSAGE || number == FILE_ENUM || number == FILE_SERVICE;
    case SCOPE_MESSAGE:
        *out_scope = number == MESSAGE_NESTED ? SCOPE_MESSAGE : SCOPE_LEAF;
        return number == MESSAGE_NESTED || number == MESSAGE_ENUM;
    case SCOPE_SERVICE:
        *out_scope = SCOPE_LEAF;
        return number == SERVICE_METHOD;
    case SCOPE_LEAF:
        return false;
    }
    return false;
}

static bool step_down(struct node *node, struct jf_text name)
{
    struct jf_text rest = node->bytes;
    struct jf_wire_field field;
    enum scope scope;
    while (jf_wire_next(&rest, &field)) {
        if (field.type == JF_WIRE_BYTES && scope_within(node->scope, field.number, &scope) &&
            jf_text_equal(jf_wire_find(field.bytes, ANY_NAME), name)) {
            *node = (struct node){scope, field.bytes};
            return true;
        }
    }
    return false;
}

static struct jf_text take_part(struct jf_text *rest)
{
    const char *dot = memchr(rest->data, '.', rest->size);
    uint32_t size = dot == NULL ? rest->size : (uint32_t)(dot - rest->data);
    struct jf_text part = {rest->data, size};
    uint32_t taken = dot == NULL ? size : size + 1;
    rest->data += taken;
    rest->size -= taken;
    return part;
}

static bool file_declares(struct jf_text file, struct jf_text symbol)
{
    struct jf_text package = jf_wire_find(file, FILE_PACKAGE);
    bool has_last_part = symbol.size > 0 && symbol.data[symbol.size - 1] != '.';
    if (!has_last_part || symbol.size <= package.size + 1 || symbol.data[package.size] != '.' ||
        memcmp(symbol.data, package.data, package.size) != 0) {
        return false;
    }
    struct jf_text rest = {symbol.data + package.size + 1, symbol.size - package.size - 1};
    struct node node = {SCOPE_FILE, file};
    while (rest.size > 0) {
        if (!step_down(&node, take_part(&rest))) {
            return false;
        }
    }
    return true;
}

struct jf_text jf_descriptors_symbol(const struct jf_descriptors *descriptors,
                                     struct jf_text symbol)
{
    if (symbol.size > 0 && symbol.data[0] == '.') {
        symbol = (struct jf_text){symbol.data + 1, symbol.size - 1};
    }
    struct jf_text rest = descriptors->set;
    struct jf_wire_field field;
    while (jf_wire_next(&rest, &field)) {
        if (field.number == SET_FILE && file_declares(field.bytes, symbol)) {
            return field.bytes;
        }
    }
    return (struct jf_text){NULL, 0};
}
