// Bytes are appended at the end and taken from the front; the front's room is used again before the
// buffer grows. Fails by saying false: at a budget's bound or when malloc does.
#include "net/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

bool jf_budget_take(struct jf_budget *budget, uint64_t bytes)
{
    for (const struct jf_budget *b = budget; b != NULL; b = b->parent) {
        if (bytes > b->bytes_max - b->used_bytes) {
            return false;
        }
    }
    for (struct jf_budget *b = budget; b != NULL; b = b->parent) {
        b->used_bytes += bytes;
    }
    return true;
}

void jf_budget_give(struct jf_budget *budget, uint64_t bytes)
{
    for (struct jf_budget *b = budget; b != NULL; b = b->parent) {
        JF_ASSERT(b->used_bytes >= bytes);
        b->used_bytes -= bytes;
    }
}

static uint32_t charged_bytes(uint32_t capacity)
{
    return capacity > JF_BUFFER_KEPT_BYTES ? capacity : 0;
}

static void front_close(struct jf_buffer *buffer)
{
    if (buffer->start > 0) {
        memmove(buffer->bytes, buffer->bytes + buffer->start, jf_buffer_size(buffer));
        buffer->end -= buffer->start;
        buffer->start = 0;
    }
}

static uint32_t capacity_for(const struct jf_buffer *buffer, uint32_t needed, uint32_t size_max)
{
    uint64_t doubled = (uint64_t)buffer->capacity * 2;
    uint64_t capacity = doubled > 512 ? doubled : 512;
    if (capacity > size_max && size_max > 512) {
        capacity = size_max;
    }
    return (uint32_t)(capacity > needed ? capacity : needed);
}

bool jf_buffer_reserve(struct jf_buffer *buffer, uint32_t room, uint32_t size_max,
                       struct jf_budget *budget)
{
    JF_ASSERT((uint64_t)jf_buffer_size(buffer) + room <= size_max);
    if (buffer->capacity - buffer->end >= room) {
        return true;
    }
    uint32_t needed = jf_buffer_size(buffer) + room;
    bool is_cheap =
        jf_buffer_size(buffer) <= buffer->capacity / 2 || (uint64_t)buffer->capacity * 2 > size_max;
    if (needed <= buffer->capacity && is_cheap) {
        front_close(buffer);
        return true;
    }
    uint32_t capacity = capacity_for(buffer, needed, size_max);
    uint32_t extra = charged_bytes(capacity) - charged_bytes(buffer->capacity);
    JF_ASSERT(charged_bytes(capacity) >= charged_bytes(buffer->capacity));
    if (!jf_budget_take(budget, extra)) {
        return false;
    }
    unsigned char *bytes = malloc(capacity);
    if (bytes == NULL) {
        jf_budget_give(budget, extra);
        return false;
    }
    if (buffer->bytes != NULL) {
        memcpy(bytes, jf_buffer_front(buffer), jf_buffer_size(buffer));
    }
    free(buffer->bytes);
    *buffer = (struct jf_buffer){bytes, 0, needed - room, capacity};
    return true;
}

bool jf_buffer_append(struct jf_buffer *buffer, const void *bytes, uint32_t size, uint32_t size_max,
                      struct jf_budget *budget)
{
    if (size == 0) {
        return true;
    }
    if (!jf_buffer_reserve(buffer, size, size_max, budget)) {
        return false;
    }
    memcpy(buffer->bytes + buffer->end, bytes, size);
    buffer->end += size;
    return true;
}

void jf_buffer_take(struct jf_buffer *buffer, uint32_t size)
{
    JF_ASSERT(size <= jf_buffer_size(buffer));
    buffer->start += size;
    if (buffer->start == buffer->end) {
        buffer->start = 0;
        buffer->end = 0;
    }
}

void jf_buffer_clear(struct jf_buffer *buffer, uint32_t kept_bytes, struct jf_budget *budget)
{
    buffer->start = 0;
    buffer->end = 0;
    if (buffer->capacity > kept_bytes) {
        jf_budget_give(budget, charged_bytes(buffer->capacity));
        free(buffer->bytes);
        *buffer = (struct jf_buffer){0};
    }
}
