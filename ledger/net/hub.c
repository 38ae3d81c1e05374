// A turn: wait, run completions (which mark links dirty), flush what is dirty, reap what is dead.
// Links die only in the reaping, so that no callback sees its link freed under it. Failures: set-up
// refused by memory or kernel, each diagnosed.
#include "net/hub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/assert.h"
#include "net/link.h"

#define BUFFER_GROUP_MAX  64u
#define BUFFER_RING_BYTES (JF_HUB_BUFFER_COUNT * sizeof(struct io_uring_buf))
#define BUFFERS_BYTES     ((size_t)JF_HUB_BUFFER_COUNT * JF_HUB_BUFFER_BYTES)
#define DEINIT_TURNS_MAX  1000u
#define DEINIT_TURN_US    10000u

_Static_assert((JF_HUB_BUFFER_COUNT & (JF_HUB_BUFFER_COUNT - 1)) == 0, "a power of two");

uint64_t jf_hub_clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

// Several hubs may share a ring: the first free buffer group is taken.
static int buffer_ring_register(struct jf_hub *hub)
{
    int code = -EEXIST;
    for (uint16_t group = 1; group <= BUFFER_GROUP_MAX && code == -EEXIST; group++) {
        struct io_uring_buf_reg registration = {
            .ring_addr = (uint64_t)(uintptr_t)hub->buffer_ring,
            .ring_entries = JF_HUB_BUFFER_COUNT,
            .bgid = group,
        };
        code = io_uring_register_buf_ring(&hub->ring->uring, &registration, 0);
        hub->buffer_group = group;
    }
    return code;
}

static void *pages_map(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

static void memory_free(struct jf_hub *hub)
{
    if (hub->buffer_ring != NULL) {
        munmap(hub->buffer_ring, BUFFER_RING_BYTES);
    }
    if (hub->buffers != NULL) {
        munmap(hub->buffers, BUFFERS_BYTES);
    }
    free(hub->scratch);
    memset(hub, 0, sizeof *hub);
}

enum jf_error jf_hub_init(struct jf_hub *hub, struct jf_ring *ring, struct jf_diagnosis *diagnosis)
{
    memset(hub, 0, sizeof *hub);
    hub->ring = ring;
    hub->output.bytes_max = UINT64_MAX;
    hub->buffer_ring = pages_map(BUFFER_RING_BYTES);
    hub->buffers = pages_map(BUFFERS_BYTES);
    hub->scratch = malloc(JF_HUB_BUFFER_BYTES);
    if (hub->buffer_ring == NULL || hub->buffers == NULL || hub->scratch == NULL) {
        memory_free(hub);
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "network: no memory for buffers");
    }
    if (!jf_pool_init(&hub->pool)) {
        memory_free(hub);
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "network: no memory for a reserve");
    }
    int code = buffer_ring_register(hub);
    if (code < 0) {
        jf_pool_deinit(&hub->pool);
        memory_free(hub);
        return jf_diagnose(diagnosis, code == -ENOMEM ? JF_ERROR_NO_MEMORY : JF_ERROR_NO_URING,
                           "io_uring refuses a ring of receive buffers (%s): Jifen needs Linux "
                           "6.1 or later",
                           strerror(-code));
    }
    io_uring_buf_ring_init(hub->buffer_ring);
    for (int32_t id = 0; id < (int32_t)JF_HUB_BUFFER_COUNT; id++) {
        jf_hub_buffer_return(hub, id);
    }
    hub->now_us = jf_hub_clock_us();
    return JF_OK;
}

void jf_hub_deinit(struct jf_hub *hub)
{
    for (uint32_t turn = 0; hub->link_count > 0 && turn < DEINIT_TURNS_MAX; turn++) {
        jf_hub_flush(hub);
        if (hub->link_count > 0) {
            jf_hub_wait(hub, DEINIT_TURN_US, NULL, NULL);
        }
    }
    JF_ASSERT(hub->link_count == 0);
    JF_ASSERT(hub->output.used_bytes == 0);
    io_uring_unregister_buf_ring(&hub->ring->uring, hub->buffer_group);
    jf_pool_deinit(&hub->pool);
    memory_free(hub);
}

void jf_hub_wait(struct jf_hub *hub, uint64_t timeout_us, bool (*has_work)(void *context),
                 void *context)
{
    hub->now_us = jf_hub_clock_us();
    jf_ring_wait(hub->ring, timeout_us, has_work, context);
    hub->now_us = jf_hub_clock_us();
}

static void dirty_flush(struct jf_hub *hub)
{
    while (hub->dirty != NULL) {
        struct jf_link *link = hub->dirty;
        hub->dirty = link->next_dirty;
        link->is_dirty = false;
        jf_link_flush(link);
    }
}

// The dirty go first each time: reaping one link may touch or close others, and none may be freed
// while it is on the dirty list.
void jf_hub_flush(struct jf_hub *hub)
{
    dirty_flush(hub);
    while (hub->dead != NULL) {
        struct jf_link *link = hub->dead;
        hub->dead = link->next_dead;
        JF_ASSERT(hub->link_count > 0);
        hub->link_count -= 1;
        jf_link_reap(link);
        dirty_flush(hub);
    }
}

bool jf_hub_is_laden(const struct jf_hub *hub)
{
    return hub->output.used_bytes > JF_HUB_OUTPUT_BYTES_MAX;
}

unsigned char *jf_hub_buffer(struct jf_hub *hub, int32_t buffer_id)
{
    JF_ASSERT(buffer_id >= 0 && buffer_id < (int32_t)JF_HUB_BUFFER_COUNT);
    return hub->buffers + (size_t)buffer_id * JF_HUB_BUFFER_BYTES;
}

void jf_hub_buffer_return(struct jf_hub *hub, int32_t buffer_id)
{
    io_uring_buf_ring_add(hub->buffer_ring, jf_hub_buffer(hub, buffer_id), JF_HUB_BUFFER_BYTES,
                          (unsigned short)buffer_id, io_uring_buf_ring_mask(JF_HUB_BUFFER_COUNT),
                          0);
    io_uring_buf_ring_advance(hub->buffer_ring, 1);
}
