// A growing run of bytes with a consumed front, and the budgets that bound how much all buffers
// hold. One thread. A buffer owns its bytes (malloc); pointers into it die when it grows.
#ifndef JF_NET_BUFFER_H
#define JF_NET_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Capacity up to this is not charged to a budget and is kept for reuse.
#define JF_BUFFER_KEPT_BYTES 4096u

// A bound on bytes held. A budget with a parent charges both.
struct jf_budget {
    uint64_t used_bytes;
    uint64_t bytes_max;
    struct jf_budget *parent; // may be NULL
};

// Returns: false, and nothing charged, when the budget or one above it is exhausted. budget may be
// NULL.
bool jf_budget_take(struct jf_budget *budget, uint64_t bytes);
void jf_budget_give(struct jf_budget *budget, uint64_t bytes);

// Zero-initialised is empty. Bytes start..end hold content.
struct jf_buffer {
    unsigned char *bytes;
    uint32_t start;
    uint32_t end;
    uint32_t capacity;
};

static inline uint32_t jf_buffer_size(const struct jf_buffer *buffer)
{
    return buffer->end - buffer->start;
}

static inline unsigned char *jf_buffer_front(const struct jf_buffer *buffer)
{
    return buffer->bytes + buffer->start;
}

// Makes room for `room` more bytes at the end; doubles, but not past what size_max content needs.
// In: size_max at least the content's size plus room. Returns: false when a budget or malloc says
// no (the buffer is as before).
bool jf_buffer_reserve(struct jf_buffer *buffer, uint32_t room, uint32_t size_max,
                       struct jf_budget *budget);

// Appends a copy. Returns: as reserve.
bool jf_buffer_append(struct jf_buffer *buffer, const void *bytes, uint32_t size, uint32_t size_max,
                      struct jf_budget *budget);

// Drops `size` bytes from the front.
void jf_buffer_take(struct jf_buffer *buffer, uint32_t size);

// Empties it. Memory up to kept_bytes stays, more is freed; what was charged is given back.
void jf_buffer_clear(struct jf_buffer *buffer, uint32_t kept_bytes, struct jf_budget *budget);

#endif
