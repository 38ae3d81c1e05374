// The digest of the whole state (FORMAT.md, "Digest"): what a replay of the journal must give
// again. Members and reference data are sums over their elements, so that a change costs one
// subtraction and one addition; the control record is small and hashed whole. Pure. Threads: any.
#ifndef JF_RULES_DIGEST_H
#define JF_RULES_DIGEST_H

#include "base/hash.h"

#define JF_DIGEST_BYTES ((size_t)16)

// What the digest is taken of, and how: goes up with any change of that, which includes the
// versions of members' and control records (state/member_codec.c, state/control_codec.c). A digest
// of an earlier format stays in the journal and is not compared any more; one of a later format was
// written by a later program.
#define JF_DIGEST_FORMAT 1u

struct jf_digest {
    uint32_t format;
    struct jf_hash128 members;   // sum of the hashes of all members' records
    struct jf_hash128 reference; // sum of jf_digest_reference over all reference entries
    struct jf_hash128 totals;    // hash of the control record
};

// The one number that stands for all parts.
struct jf_hash128 jf_digest_whole(const struct jf_digest *digest);

// As stored: the low 64 bits, then the high ones, each little-endian.
void jf_digest_store(unsigned char to[JF_DIGEST_BYTES], struct jf_hash128 hash);
struct jf_hash128 jf_digest_load(const unsigned char from[JF_DIGEST_BYTES]);

// 32 hexadecimal digits of the bytes as stored, and a zero byte.
#define JF_DIGEST_TEXT_SIZE 33u
void jf_digest_text(struct jf_hash128 hash, char out_text[JF_DIGEST_TEXT_SIZE]);

// The name of the first part in which two digests differ: "members", "stores and programmes" or
// "control totals"; NULL: they are the same.
const char *jf_digest_difference(const struct jf_digest *a, const struct jf_digest *b);

struct jf_entry;
// What a store or a publication adds to `reference`: a hash of its position and facts. In: an entry
// of one of these kinds.
struct jf_hash128 jf_digest_reference(const struct jf_entry *entry);

#endif
