// Unpacking request messages into a call's arena: protobuf-c with an allocator that never frees.
#ifndef JF_SERVICE_MESSAGE_H
#define JF_SERVICE_MESSAGE_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

// In: bytes, which may die after the call. A text with a NUL byte inside ends there in the message:
// bytes from outside are asked for one with jf_wire_find_nul.
// Out: out_message in the arena; it is never freed by itself.
// Returns: JF_OK; JF_ERROR_INVALID when the bytes are no such message; JF_ERROR_NO_MEMORY when it
// needs more than the arena may hold.
JF_MUST_USE enum jf_error jf_message_unpack(const ProtobufCMessageDescriptor *descriptor,
                                            struct jf_text bytes, struct jf_arena *arena,
                                            ProtobufCMessage **out_message);

#endif
