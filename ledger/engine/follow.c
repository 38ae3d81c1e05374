// A follower's thread reads durable entries with a cursor of its own, lets each wanted one be made
// into a message, gathers messages in a chunk and hands the chunk over when it is full or when
// nothing more is durable. One chunk is filled, one waits, one is being taken: past that the thread
// waits. At the durable end it waits until the ledger thread says that there is more.
// Failures: a position that the journal no longer has (GAP), stored bytes that are not valid
// (CORRUPT), no memory. Each ends the follower; nothing else notices.
#include "engine/follow.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "engine/engine_private.h"
#include "engine/entry_codec.h"

#define ITEM_HEADER_BYTES  12u // position u64, size u32
#define RENDER_ARENA_BYTES (16u << 20)
#define LOOKED_TELL_COUNT  1024u    // entries passed over between two notes of how far it is
#define NICENESS           10       // tills come first where there is too little processor for both
#define READ_PAUSE_NS      2000000u // between two looks at the durable end, times the followers

// Messages, each behind its header.
struct chunk {
    unsigned char *bytes;
    uint32_t capacity;
    uint32_t size;
    uint32_t offset; // of the next to be taken
    uint64_t looked_position;
};

struct jf_follower {
    struct jf_engine *engine;
    struct jf_follow_input input;
    struct jf_follow_place *place;
    pthread_t thread;
    _Atomic bool is_stopping;

    // The thread's own.
    struct jf_journal_cursor *cursor;
    struct jf_arena arena;
    struct chunk filling;
    uint64_t next_position;
    uint32_t passed_over; // since looked_position was noted

    struct chunk taking; // the owner's

    pthread_mutex_t mutex; // guards what follows
    pthread_cond_t taken;  // `ready` was taken, or it is stopping
    struct chunk ready;    // size 0: none
    struct chunk spare;
    struct jf_follow_state state;
};

void jf_follow_places_init(struct jf_follow_places *places)
{
    for (uint32_t i = 0; i < JF_FOLLOWERS_MAX; i++) {
        int code = sem_init(&places->items[i].more, 0, 0);
        JF_ASSERT(code == 0);
    }
}

void jf_follow_places_deinit(struct jf_follow_places *places)
{
    for (uint32_t i = 0; i < JF_FOLLOWERS_MAX; i++) {
        JF_ASSERT(!atomic_load(&places->items[i].is_taken));
        (void)sem_destroy(&places->items[i].more);
    }
}

// The fence pairs with the one in more_wait: either the follower sees the new durable position, or
// it is seen waiting here.
void jf_follow_places_tell(struct jf_follow_places *places, uint64_t durable)
{
    if (durable == places->told) {
        return;
    }
    places->told = durable;
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&places->taken_count, memory_order_relaxed) == 0) {
        return;
    }
    for (uint32_t i = 0; i < JF_FOLLOWERS_MAX; i++) {
        struct jf_follow_place *place = &places->items[i];
        if (atomic_load_explicit(&place->is_waiting, memory_order_relaxed) &&
            atomic_exchange(&place->is_waiting, false)) {
            (void)sem_post(&place->more);
        }
    }
}

static struct jf_follow_place *place_take(struct jf_follow_places *places)
{
    for (uint32_t i = 0; i < JF_FOLLOWERS_MAX; i++) {
        if (!atomic_exchange(&places->items[i].is_taken, true)) {
            atomic_fetch_add(&places->taken_count, 1);
            return &places->items[i];
        }
    }
    return NULL;
}

static void place_leave(struct jf_follow_places *places, struct jf_follow_place *place)
{
    atomic_store(&place->is_waiting, false);
    while (sem_trywait(&place->more) == 0) { // posts that came too late for this follower
    }
    atomic_fetch_sub(&places->taken_count, 1);
    atomic_store(&place->is_taken, false);
}

static uint64_t durable_position(const struct jf_follower *follower)
{
    const struct jf_journal *journal = follower->engine->journal;
    return journal->operations->durable(journal);
}

// Waits until the next position is durable, or it is stopping.
static void more_wait(struct jf_follower *follower)
{
    struct jf_follow_place *place = follower->place;
    while (!atomic_load(&follower->is_stopping)) {
        atomic_store(&place->is_waiting, true);
        atomic_thread_fence(memory_order_seq_cst);
        if (durable_position(follower) >= follower->next_position) {
            atomic_store(&place->is_waiting, false);
            return;
        }
        (void)sem_wait(&place->more);
    }
}

// At the durable end each look reads the disk that the journal is written to. With this pause all
// followers together read it at most 500 times a second, however many blocks are written.
static void read_pause(const struct jf_follower *follower)
{
    uint32_t followers = atomic_load(&follower->engine->follow_places.taken_count);
    struct timespec pause = {.tv_nsec = (long)followers * READ_PAUSE_NS};
    (void)nanosleep(&pause, NULL);
}

static void chunk_free(struct chunk *chunk)
{
    free(chunk->bytes);
    *chunk = (struct chunk){.bytes = NULL};
}

// Empties it. One that had to grow for a large message is not kept.
static void chunk_reset(struct chunk *chunk)
{
    if (chunk->capacity > JF_FOLLOW_CHUNK_BYTES) {
        chunk_free(chunk);
    }
    chunk->size = 0;
    chunk->offset = 0;
}

static enum jf_error chunk_room(struct chunk *chunk, uint32_t size)
{
    if (chunk->capacity - chunk->size >= size) {
        return JF_OK;
    }
    uint32_t capacity = chunk->size + size;
    capacity = capacity < JF_FOLLOW_CHUNK_BYTES ? JF_FOLLOW_CHUNK_BYTES : capacity;
    unsigned char *grown = realloc(chunk->bytes, capacity);
    if (grown == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    chunk->bytes = grown;
    chunk->capacity = capacity;
    return JF_OK;
}

// Hands the chunk over as soon as the one before was taken.
static enum jf_error hand_over(struct jf_follower *follower)
{
    if (follower->filling.size == 0) {
        return JF_OK;
    }
    pthread_mutex_lock(&follower->mutex);
    while (follower->ready.size > 0 && !atomic_load(&follower->is_stopping)) {
        pthread_cond_wait(&follower->taken, &follower->mutex);
    }
    bool is_free = follower->ready.size == 0;
    if (is_free) {
        struct chunk empty = follower->spare;
        follower->ready = follower->filling;
        follower->ready.looked_position = follower->next_position - 1;
        follower->spare = (struct chunk){.bytes = NULL};
        follower->filling = empty;
        chunk_reset(&follower->filling);
    }
    pthread_mutex_unlock(&follower->mutex);
    if (!is_free) {
        return JF_ERROR_CLOSED;
    }
    follower->input.wake(follower->input.wake_context);
    return JF_OK;
}

// Everything up to here was passed over and nothing waits to be taken before it.
static void looked_note(struct jf_follower *follower)
{
    JF_ASSERT(follower->filling.size == 0);
    follower->passed_over = 0;
    pthread_mutex_lock(&follower->mutex);
    if (follower->ready.size > 0) {
        follower->ready.looked_position = follower->next_position - 1;
    } else {
        follower->state.looked_position = follower->next_position - 1;
    }
    pthread_mutex_unlock(&follower->mutex);
}

static enum jf_error message_add(struct jf_follower *follower, uint64_t position,
                                 struct jf_text message)
{
    struct chunk *chunk = &follower->filling;
    enum jf_error error = JF_OK;
    if (message.size > JF_FOLLOW_MESSAGE_BYTES_MAX) {
        return JF_ERROR_LIMIT;
    }
    uint32_t size = ITEM_HEADER_BYTES + message.size;
    if (chunk->size > 0 && chunk->size + size > JF_FOLLOW_CHUNK_BYTES) {
        follower->next_position = position; // this one is not in it
        error = hand_over(follower);
        follower->next_position = position + 1;
    }
    if (error == JF_OK) {
        error = chunk_room(chunk, size);
    }
    if (error != JF_OK) {
        return error;
    }
    unsigned char *to = chunk->bytes + chunk->size;
    jf_store_u64(to, position);
    jf_store_u32(to + 8, message.size);
    if (message.size > 0) {
        memcpy(to + ITEM_HEADER_BYTES, message.data, message.size);
    }
    chunk->size += size;
    return JF_OK;
}

static enum jf_error is_wanted(const struct jf_follower *follower, struct jf_text bytes,
                               bool *out_is_wanted)
{
    uint32_t kind = 0;
    *out_is_wanted = true;
    if (follower->input.kinds == 0) {
        return JF_OK;
    }
    enum jf_error error = jf_entry_find_kind(bytes, &kind);
    *out_is_wanted = kind < 64 && (follower->input.kinds >> kind & 1) != 0;
    return error;
}

static enum jf_error entry_take(struct jf_follower *follower, const struct jf_journal_entry *entry)
{
    struct jf_text bytes = {(const char *)entry->bytes, entry->size};
    struct jf_text message = {NULL, 0};
    bool wanted = false;
    follower->next_position = entry->position + 1;
    enum jf_error error = is_wanted(follower, bytes, &wanted);
    if (error != JF_OK || !wanted) {
        follower->passed_over += 1;
        if (error == JF_OK && follower->passed_over >= LOOKED_TELL_COUNT &&
            follower->filling.size == 0) {
            looked_note(follower);
        }
        return error;
    }
    error =
        follower->input.render(follower->input.render_context, bytes, &follower->arena, &message);
    if (error == JF_OK) {
        error = message_add(follower, entry->position, message);
    }
    jf_arena_reset(&follower->arena);
    return error;
}

// Reads until nothing more is durable. Returns: JF_ERROR_NOT_FOUND then; never JF_OK.
static enum jf_error entries_take(struct jf_follower *follower, struct jf_diagnosis *diagnosis)
{
    const struct jf_journal_operations *operations = follower->engine->journal->operations;
    enum jf_error error = JF_OK;
    while (error == JF_OK && !atomic_load(&follower->is_stopping)) {
        struct jf_journal_entry entry;
        error = operations->read_next(follower->cursor, &entry, diagnosis);
        if (error == JF_OK) {
            error = entry_take(follower, &entry);
            if (error != JF_OK && error != JF_ERROR_CLOSED) {
                jf_diagnose(diagnosis, error, "entry %llu cannot be followed: %s",
                            (unsigned long long)entry.position, jf_error_text(error));
            }
        }
    }
    return error == JF_OK ? JF_ERROR_CLOSED : error; // it is stopping
}

static enum jf_error follow(struct jf_follower *follower, struct jf_diagnosis *diagnosis)
{
    struct jf_journal *journal = follower->engine->journal;
    enum jf_error error = JF_OK;
    while (durable_position(follower) + 1 < follower->next_position) {
        uint64_t wanted = follower->next_position;
        follower->next_position = wanted - 1; // the cursor may begin right behind the durable end
        more_wait(follower);
        follower->next_position = wanted;
        if (atomic_load(&follower->is_stopping)) {
            return JF_ERROR_CLOSED;
        }
    }
    error = journal->operations->read_open(journal, follower->next_position, &follower->cursor,
                                           diagnosis);
    while (error == JF_OK && !atomic_load(&follower->is_stopping)) {
        error = entries_take(follower, diagnosis);
        if (error == JF_ERROR_NOT_FOUND) {
            error = hand_over(follower);
        }
        if (error == JF_OK) {
            looked_note(follower);
            more_wait(follower);
            read_pause(follower);
        }
    }
    return error == JF_OK ? JF_ERROR_CLOSED : error;
}

static void *thread_run(void *context)
{
    struct jf_follower *follower = context;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    (void)pthread_setname_np(pthread_self(), "jifen-follow");
    (void)setpriority(PRIO_PROCESS, 0, NICENESS); // of this thread
    enum jf_error error = follow(follower, &diagnosis);
    if (follower->cursor != NULL) {
        follower->engine->journal->operations->read_close(follower->cursor);
    }
    if (error != JF_ERROR_CLOSED) {
        (void)hand_over(follower); // what came before the failure is still good
    }
    pthread_mutex_lock(&follower->mutex);
    follower->state.is_ended = true;
    follower->state.error = error;
    follower->state.diagnosis = diagnosis;
    pthread_mutex_unlock(&follower->mutex);
    follower->input.wake(follower->input.wake_context);
    return NULL;
}

static void follower_free(struct jf_follower *follower)
{
    place_leave(&follower->engine->follow_places, follower->place);
    pthread_mutex_destroy(&follower->mutex);
    pthread_cond_destroy(&follower->taken);
    jf_arena_deinit(&follower->arena);
    chunk_free(&follower->filling);
    chunk_free(&follower->taking);
    chunk_free(&follower->ready);
    chunk_free(&follower->spare);
    free(follower);
}

enum jf_error jf_follower_start(struct jf_engine *engine, const struct jf_follow_input *input,
                                struct jf_follower **out_follower, struct jf_diagnosis *diagnosis)
{
    if (input->generation != 0 && input->generation != engine->journal->generation) {
        return jf_diagnose(diagnosis, JF_ERROR_FOREIGN,
                           "The ledger was restored from a backup: it is generation %llu, and %llu "
                           "was followed. Positions behind the restored one mean other entries "
                           "now; begin again from what both have.",
                           (unsigned long long)engine->journal->generation,
                           (unsigned long long)input->generation);
    }
    JF_ASSERT(input->render != NULL);
    JF_ASSERT(input->wake != NULL);
    struct jf_follow_place *place = place_take(&engine->follow_places);
    if (place == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_BUSY, "%u clients follow already: end one of them",
                           JF_FOLLOWERS_MAX);
    }
    struct jf_follower *follower = calloc(1, sizeof *follower);
    if (follower == NULL) {
        place_leave(&engine->follow_places, place);
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to follow");
    }
    follower->engine = engine;
    follower->input = *input;
    follower->place = place;
    follower->next_position = input->from_position == 0 ? 1 : input->from_position;
    follower->state.looked_position = follower->next_position - 1;
    pthread_mutex_init(&follower->mutex, NULL);
    pthread_cond_init(&follower->taken, NULL);
    jf_arena_init(&follower->arena, 65536, RENDER_ARENA_BYTES);
    if (pthread_create(&follower->thread, NULL, thread_run, follower) != 0) {
        follower_free(follower);
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no thread to follow with");
    }
    *out_follower = follower;
    return JF_OK;
}

// Returns: whether there is a chunk with something in it.
static bool chunk_take(struct jf_follower *follower)
{
    pthread_mutex_lock(&follower->mutex);
    uint64_t looked = follower->taking.size > 0 ? follower->taking.looked_position : 0;
    if (looked > follower->state.looked_position) { // taken to its end
        follower->state.looked_position = looked;
    }
    chunk_reset(&follower->taking);
    bool has_ready = follower->ready.size > 0;
    if (has_ready) {
        JF_ASSERT(follower->spare.bytes == NULL);
        follower->spare = follower->taking;
        follower->taking = follower->ready;
        follower->ready = (struct chunk){.bytes = NULL};
        pthread_cond_signal(&follower->taken);
    }
    pthread_mutex_unlock(&follower->mutex);
    return has_ready;
}

bool jf_follower_take(struct jf_follower *follower, struct jf_follow_item *out_item)
{
    struct chunk *chunk = &follower->taking;
    JF_ASSERT(chunk->offset <= chunk->size);
    if (chunk->offset == chunk->size && !chunk_take(follower)) {
        return false;
    }
    const unsigned char *from = chunk->bytes + chunk->offset;
    out_item->position = jf_load_u64(from);
    out_item->message =
        (struct jf_text){(const char *)from + ITEM_HEADER_BYTES, jf_load_u32(from + 8)};
    chunk->offset += ITEM_HEADER_BYTES + out_item->message.size;
    JF_ASSERT(chunk->offset <= chunk->size);
    return true;
}

void jf_follower_state(struct jf_follower *follower, struct jf_follow_state *out_state)
{
    pthread_mutex_lock(&follower->mutex);
    *out_state = follower->state;
    bool has_more = follower->ready.size > 0;
    pthread_mutex_unlock(&follower->mutex);
    if (has_more || follower->taking.offset < follower->taking.size) {
        out_state->is_ended = false; // what is left comes first
    }
}

void jf_follower_stop(struct jf_follower *follower)
{
    atomic_store(&follower->is_stopping, true);
    (void)sem_post(&follower->place->more);
    pthread_mutex_lock(&follower->mutex);
    pthread_cond_signal(&follower->taken);
    pthread_mutex_unlock(&follower->mutex);
}

void jf_follower_release(struct jf_follower *follower)
{
    if (follower == NULL) {
        return;
    }
    jf_follower_stop(follower);
    pthread_join(follower->thread, NULL);
    follower_free(follower);
}
