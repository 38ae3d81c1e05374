// The small encodings of gRPC over HTTP/2, pure
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). Threads: any.
#ifndef JF_NET_GRPC_H
#define JF_NET_GRPC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define JF_GRPC_PREFIX_BYTES 5u // compressed flag, then the message's size in 4 bytes, big-endian

// Writes the prefix of an uncompressed message.
void jf_grpc_prefix_write(unsigned char *to, uint32_t size);
// Returns: the size that a prefix declares.
uint32_t jf_grpc_prefix_size(const unsigned char *prefix);

// grpc-timeout: 1 to 8 digits and a unit of H M S m u n.
// Returns: true and microseconds (rounded up, saturating far above any use); false when malformed.
bool jf_grpc_timeout_parse(struct jf_text text, uint64_t *out_us);
// Returns: bytes written to out_text (no terminator): the timeout rounded up to what 8 digits can
// say.
#define JF_GRPC_TIMEOUT_TEXT_BYTES 9u
uint32_t jf_grpc_timeout_format(uint64_t timeout_us, char *out_text);

// Whether it is application/grpc or application/grpc+proto, with or without parameters.
bool jf_grpc_content_type_is_valid(struct jf_text text);

// grpc-message: bytes outside 0x20..0x7e and '%' become %XX.
// In: out_text has room for 3 × text.size. Returns: bytes written.
uint32_t jf_grpc_percent_encode(struct jf_text text, char *out_text);
// In: out_text has room for text.size. Malformed escapes stay as they are. Returns: bytes written.
uint32_t jf_grpc_percent_decode(struct jf_text text, char *out_text);

// Binary metadata: base64 without padding (RFC 4648, standard alphabet).
// In: out_text has room for 4 × ⌈size ÷ 3⌉. Returns: bytes written.
uint32_t jf_grpc_base64_encode(struct jf_text bytes, char *out_text);
// Takes padded and unpadded text. In: out_bytes has room for 3 × ⌈size ÷ 4⌉.
// Returns: true and the bytes written; false when malformed.
bool jf_grpc_base64_decode(struct jf_text text, unsigned char *out_bytes, uint32_t *out_size);

// Cuts text to at most `bytes_max`, never inside a UTF-8 character.
struct jf_text jf_grpc_cut(struct jf_text text, uint32_t bytes_max);

#endif
