// Request messages as commands of the rules. Texts stay where the message has them; arrays are made
// in the arena. Nothing is judged here but what a command cannot represent, a text with a NUL byte
// inside, which sets nul_field: jf_command_check judges the rest. Threads: any.
#ifndef JF_SERVICE_DECODE_H
#define JF_SERVICE_DECODE_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "jifen/v1/ledger.pb-c.h"
#include "jifen/v1/members.pb-c.h"
#include "jifen/v1/programmes.pb-c.h"
#include "rules/command.h"

// In: message of the type that the function's name says, living as long as the command is used.
// Returns: whether the arena had room for the command's arrays.
typedef bool (*jf_decoder)(const ProtobufCMessage *message, struct jf_arena *arena,
                           struct jf_command *out_command);

bool jf_decode_sale(const ProtobufCMessage *message, struct jf_arena *arena,
                    struct jf_command *out_command);
bool jf_decode_return(const ProtobufCMessage *message, struct jf_arena *arena,
                      struct jf_command *out_command);
bool jf_decode_redeem(const ProtobufCMessage *message, struct jf_arena *arena,
                      struct jf_command *out_command);
bool jf_decode_hold(const ProtobufCMessage *message, struct jf_arena *arena,
                    struct jf_command *out_command);
bool jf_decode_capture(const ProtobufCMessage *message, struct jf_arena *arena,
                       struct jf_command *out_command);
bool jf_decode_void(const ProtobufCMessage *message, struct jf_arena *arena,
                    struct jf_command *out_command);
bool jf_decode_enrol(const ProtobufCMessage *message, struct jf_arena *arena,
                     struct jf_command *out_command);
bool jf_decode_set_tier(const ProtobufCMessage *message, struct jf_arena *arena,
                        struct jf_command *out_command);
bool jf_decode_publish(const ProtobufCMessage *message, struct jf_arena *arena,
                       struct jf_command *out_command);
bool jf_decode_put_store(const ProtobufCMessage *message, struct jf_arena *arena,
                         struct jf_command *out_command);

bool jf_decode_update_member(const ProtobufCMessage *message, struct jf_arena *arena,
                             struct jf_command *out_command);
bool jf_decode_link_card(const ProtobufCMessage *message, struct jf_arena *arena,
                         struct jf_command *out_command);
bool jf_decode_unlink_card(const ProtobufCMessage *message, struct jf_arena *arena,
                           struct jf_command *out_command);
bool jf_decode_freeze(const ProtobufCMessage *message, struct jf_arena *arena,
                      struct jf_command *out_command);
bool jf_decode_close(const ProtobufCMessage *message, struct jf_arena *arena,
                     struct jf_command *out_command);
bool jf_decode_merge(const ProtobufCMessage *message, struct jf_arena *arena,
                     struct jf_command *out_command);
bool jf_decode_adjust(const ProtobufCMessage *message, struct jf_arena *arena,
                      struct jf_command *out_command);
bool jf_decode_transfer(const ProtobufCMessage *message, struct jf_arena *arena,
                        struct jf_command *out_command);

// One write of a batch or stream. A write that says nothing becomes a JF_COMMAND_NONE that is
// malformed.
bool jf_decode_write(const Jifen__V1__Write *write, struct jf_arena *arena,
                     struct jf_command *out_command);

// Notes in the command that a text of its message holds a NUL byte, so that it is refused. In:
// bytes that unpack as `descriptor`, the command's message being `skip` messages inside. Returns:
// whether the arena had room for the field's path.
bool jf_decode_nul(const ProtobufCMessageDescriptor *descriptor, struct jf_text bytes,
                   uint32_t skip, struct jf_arena *arena, struct jf_command *command);

// Out: number or card. Returns: NULL, or the field at fault, static: "member", "member.number",
// "member.card".
const char *jf_decode_member_ref(const Jifen__V1__MemberRef *message,
                                 struct jf_member_ref *out_member);

// In: a date of the wire that may be left out. Returns: whether it is 0 (then JF_DATE_NONE) or a
// date.
bool jf_decode_date(int32_t wire, jf_date *out_date);

#endif
