// Writes JSON (RFC 8259) to a stream: values by hand, and any protobuf message by its descriptor.
//
// One thread. Keys are given inside objects, NULL inside arrays and at the top. A document is ended
// by jf_json_end_line: one document a line.
#ifndef JF_TOOLS_JSON_H
#define JF_TOOLS_JSON_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/text.h"

#define JF_JSON_DEPTH_MAX 16u

// Caller's memory; {.out = stream} is ready.
struct jf_json {
    FILE *out;
    bool needs_comma;
};

void jf_json_object_begin(struct jf_json *json, const char *key);
void jf_json_object_end(struct jf_json *json);
void jf_json_array_begin(struct jf_json *json, const char *key);
void jf_json_array_end(struct jf_json *json);

// Bytes that are no UTF-8 become U+FFFD.
void jf_json_text(struct jf_json *json, const char *key, struct jf_text text);
void jf_json_string(struct jf_json *json, const char *key, const char *terminated);
void jf_json_number(struct jf_json *json, const char *key, int64_t number);
void jf_json_unsigned(struct jf_json *json, const char *key, uint64_t number);
void jf_json_bool(struct jf_json *json, const char *key, bool value);

// The message with all its fields by their names in the .proto; messages and oneof members that are
// absent are left out. Enum values are their names, fixed64 fields 16 hexadecimal digits in quotes,
// bytes hexadecimal.
void jf_json_message(struct jf_json *json, const char *key, const ProtobufCMessage *message);

void jf_json_end_line(struct jf_json *json);

#endif
