// Keys of the database (FORMAT.md, "State"): big-endian, dates first, so that old dates' tables are
// left alone by new writes and ranges come in order. Threads: any; the caller's memory.
#ifndef JF_STATE_KEYS_H
#define JF_STATE_KEYS_H

#include "base/bytes.h"
#include "state/state.h"

#define JF_KEY_MEMBER_BYTES      8u
#define JF_KEY_TRANSACTION_BYTES 20u
#define JF_KEY_RECEIPT_BYTES     28u
#define JF_KEY_EXPIRY_BYTES      12u
#define JF_KEY_CHUNK_BYTES       8u

// Meta keys. The last two are prefixes: a date (4 bytes) or a position (8 bytes) follows.
#define JF_META_LEDGER    "ledger"
#define JF_META_APPLIED   "applied"
#define JF_META_CONTROL   "control"
#define JF_META_SUMS      "sums"
#define JF_META_FILTER    "filter"
#define JF_META_TAIL      "tail"
#define JF_META_DATE      'd'
#define JF_META_REFERENCE 'r'

// Keys of the filter family: a page number (4 bytes) or a generation's position (8 bytes) follows.
#define JF_FILTER_KEY_PAGE   'p'
#define JF_FILTER_KEY_RECENT 'r'

static inline void jf_store_date_ordered(unsigned char *to, jf_date date)
{
    jf_store_u32_ordered(to, (uint32_t)date ^ UINT32_C(0x80000000));
}

static inline jf_date jf_load_date_ordered(const unsigned char *from)
{
    return (jf_date)(jf_load_u32_ordered(from) ^ UINT32_C(0x80000000));
}

static inline void jf_store_hash_ordered(unsigned char *to, struct jf_hash128 hash)
{
    jf_store_u64_ordered(to, hash.high);
    jf_store_u64_ordered(to + 8, hash.low);
}

static inline void jf_key_transaction(unsigned char to[JF_KEY_TRANSACTION_BYTES], jf_date date,
                                      struct jf_hash128 id_hash)
{
    jf_store_date_ordered(to, date);
    jf_store_hash_ordered(to + 4, id_hash);
}

static inline void jf_key_receipt(unsigned char to[JF_KEY_RECEIPT_BYTES],
                                  const struct jf_receipt_key *key)
{
    jf_store_date_ordered(to, key->business_date);
    jf_store_u32_ordered(to + 4, key->store.value);
    jf_store_u32_ordered(to + 8, key->terminal);
    jf_store_hash_ordered(to + 12, key->number_hash);
}

static inline void jf_key_expiry(unsigned char to[JF_KEY_EXPIRY_BYTES], jf_date expires_on,
                                 struct jf_member_id member)
{
    jf_store_date_ordered(to, expires_on);
    jf_store_u64_ordered(to + 4, member.value);
}

// What the filter remembers. A transaction's does not depend on its date: the same id under another
// date must be found.
static inline uint64_t jf_filter_hash_transaction(struct jf_hash128 id_hash)
{
    return id_hash.low;
}

static inline uint64_t jf_filter_hash_receipt(const struct jf_receipt_key *key)
{
    unsigned char bytes[JF_KEY_RECEIPT_BYTES];
    jf_key_receipt(bytes, key);
    return jf_hash64(bytes, sizeof bytes);
}

static inline struct jf_text jf_text_of(const unsigned char *bytes, size_t size)
{
    return (struct jf_text){(const char *)bytes, (uint32_t)size};
}

#endif
