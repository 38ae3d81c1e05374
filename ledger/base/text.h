// A borrowed run of bytes: never terminated, never owned. The owner is named where one is stored.
#ifndef JF_BASE_TEXT_H
#define JF_BASE_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct jf_text {
    const char *data; // may be NULL when size is 0
    uint32_t size;    // bytes
};

// For string literals only.
#define JF_TEXT(literal) ((struct jf_text){(literal), (uint32_t)(sizeof(literal) - 1)})

static inline bool jf_text_equal(struct jf_text a, struct jf_text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline struct jf_text jf_text_from(const char *terminated)
{
    return (struct jf_text){terminated, (uint32_t)strlen(terminated)};
}

#endif
