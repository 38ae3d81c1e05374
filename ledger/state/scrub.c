// A slice opens the database for reading only, reads rows, and closes it again: what is replaced
// meanwhile is not kept from being freed for longer than that.
// Fails: as RocksDB finds. A table that went away between the list and its opening is no damage, so
// opening is tried again.
#include "state/scrub.h"

#include <string.h>

#include "base/assert.h"
#include "state/kv.h"

#define CACHE_BYTES ((uint64_t)1 << 20) // for indexes; data blocks are not kept
#define OPEN_TRIES  50u

bool jf_state_scrub_is_done(const struct jf_state_scrub_place *place)
{
    return place->family >= JF_KV_FAMILY_COUNT;
}

static void family_next(struct jf_state_scrub_place *place)
{
    place->family += 1;
    place->key_size = 0;
}

// The least key above the one that was read.
static void place_behind(struct jf_state_scrub_place *place, struct jf_text key)
{
    JF_ASSERT(JF_STATE_SCRUB_KEY_MAX > 0);
    uint32_t room = JF_STATE_SCRUB_KEY_MAX - 1;
    place->key_size = key.size < room ? key.size : room;
    if (place->key_size > 0) {
        memcpy(place->key, key.data, place->key_size);
    }
    place->key[place->key_size++] = 0;
}

static enum jf_error database_open(const char *directory, struct jf_kv **out_kv,
                                   struct jf_diagnosis *diagnosis)
{
    struct jf_kv_config config = {.directory = directory,
                                  .write_buffer_bytes = CACHE_BYTES,
                                  .block_cache_bytes = CACHE_BYTES,
                                  .is_read_only = true,
                                  .is_scrub = true,
                                  .must_exist = true};
    enum jf_error error = JF_ERROR_CORRUPT;
    for (uint32_t i = 0; i < OPEN_TRIES && error == JF_ERROR_CORRUPT; i++) {
        error = jf_kv_rocksdb_open(&config, out_kv, diagnosis);
    }
    return error;
}

// Reads rows of one family. Returns: JF_OK when bytes_max are read, JF_ERROR_NOT_FOUND at the end.
static enum jf_error family_read(struct jf_kv *kv, uint64_t bytes_max,
                                 struct jf_state_scrub_place *place, uint64_t *out_bytes,
                                 struct jf_diagnosis *diagnosis)
{
    struct jf_text from = {(const char *)place->key, place->key_size};
    struct jf_kv_iterator *iterator =
        kv->functions->iterator_open(kv, (enum jf_kv_family)place->family, NULL, from);
    if (iterator == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to read the state");
    }
    enum jf_error error = JF_OK;
    while (error == JF_OK && *out_bytes < bytes_max) {
        struct jf_text key = {NULL, 0};
        struct jf_text value = {NULL, 0};
        error = kv->functions->iterator_next(iterator, &key, &value, diagnosis);
        if (error == JF_OK) {
            *out_bytes += (uint64_t)key.size + value.size;
            place_behind(place, key);
        }
    }
    kv->functions->iterator_close(iterator);
    return error;
}

enum jf_error jf_state_scrub(const char *directory, uint64_t bytes_max,
                             struct jf_state_scrub_place *place, uint64_t *out_bytes,
                             struct jf_diagnosis *diagnosis)
{
    struct jf_kv *kv = NULL;
    *out_bytes = 0;
    enum jf_error error = database_open(directory, &kv, diagnosis);
    if (error != JF_OK) {
        // Where the database's own lists are damaged there is nothing more to be read.
        place->family = error == JF_ERROR_CORRUPT ? JF_KV_FAMILY_COUNT : place->family;
        return error;
    }
    while (error == JF_OK && !jf_state_scrub_is_done(place) && *out_bytes < bytes_max) {
        error = family_read(kv, bytes_max, place, out_bytes, diagnosis);
        if (error == JF_ERROR_NOT_FOUND) {
            family_next(place);
            error = JF_OK;
        }
    }
    if (error == JF_ERROR_CORRUPT || error == JF_ERROR_STATE) {
        family_next(place);
    }
    kv->functions->close(kv);
    return error;
}
