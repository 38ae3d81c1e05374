// The file `scrub`: a few lines of text, written whole beside and renamed. It only saves work: what
// it does not say is read again.
// Fails silently: a file that is not understood counts as none.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/scrub_private.h"

#define NAME_SIZE 4096u
#define LINE_SIZE (JF_DIAGNOSIS_TEXT_MAX + 64u)

static bool path_make(const char *directory, const char *name, char out_path[NAME_SIZE])
{
    int size = snprintf(out_path, NAME_SIZE, "%s/%s", directory, name);
    return size > 0 && (uint32_t)size < NAME_SIZE;
}

static void key_read(const char *digits, struct jf_state_scrub_place *place)
{
    unsigned value = 0;
    place->key_size = 0;
    while (place->key_size < JF_STATE_SCRUB_KEY_MAX &&
           sscanf(digits + (size_t)2 * place->key_size, "%2x", &value) == 1) {
        place->key[place->key_size++] = (unsigned char)value;
    }
}

// One line: a word and what it says. Returns: whether the word is known and the rest right.
static bool line_read(const char *line, struct jf_scrub_memory *memory)
{
    char digits[2 * JF_STATE_SCRUB_KEY_MAX + 1] = "";
    unsigned part = 0;
    int at = 0;
    if (sscanf(line, "begun_us %" SCNu64, &memory->begun_us) == 1 ||
        sscanf(line, "position %" SCNu64, &memory->position) == 1 ||
        sscanf(line, "segment %" SCNu64, &memory->segment) == 1 ||
        sscanf(line, "passed_us %" SCNu64, &memory->status.passed_us) == 1) {
        return true;
    }
    if (sscanf(line, "part %u", &part) == 1 && part <= JF_SCRUB_DONE) {
        memory->part = (enum jf_scrub_part)part;
        return true;
    }
    if (sscanf(line, "place %" SCNu32 " %256[0-9a-f]", &memory->place.family, digits) >= 1) {
        key_read(digits, &memory->place);
        return true;
    }
    if (sscanf(line, "damage %u %" SCNu64 " %n", &part, &memory->status.damage_count, &at) == 2 &&
        at > 0) {
        memory->has_found = part == 1;
        (void)snprintf(memory->status.damage, sizeof memory->status.damage, "%s", line + at);
        return true;
    }
    return false;
}

void jf_scrub_memory_load(const char *data_directory, struct jf_scrub_memory *out_memory)
{
    char path[NAME_SIZE];
    char line[LINE_SIZE];
    struct jf_scrub_memory memory = {.begun_us = 0};
    *out_memory = memory;
    FILE *file = path_make(data_directory, "scrub", path) ? fopen(path, "r") : NULL;
    if (file == NULL) {
        return;
    }
    bool is_right = fgets(line, sizeof line, file) != NULL && strcmp(line, "jifen-scrub 1\n") == 0;
    while (is_right && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        is_right = line_read(line, &memory);
    }
    (void)fclose(file);
    if (is_right) {
        *out_memory = memory;
    }
}

static bool memory_write(FILE *file, const struct jf_scrub_memory *memory)
{
    bool is_written = fprintf(file,
                              "jifen-scrub 1\nbegun_us %" PRIu64 "\npart %u\nposition %" PRIu64
                              "\nsegment %" PRIu64 "\npassed_us %" PRIu64 "\nplace %" PRIu32 " ",
                              memory->begun_us, (unsigned)memory->part, memory->position,
                              memory->segment, memory->status.passed_us, memory->place.family) > 0;
    for (uint32_t i = 0; i < memory->place.key_size; i++) {
        is_written = fprintf(file, "%02x", memory->place.key[i]) == 2 && is_written;
    }
    is_written = fprintf(file, "\n") == 1 && is_written;
    if (memory->status.damage_count > 0) {
        is_written = fprintf(file, "damage %u %" PRIu64 " %s\n", memory->has_found ? 1u : 0u,
                             memory->status.damage_count, memory->status.damage) > 0 &&
                     is_written;
    }
    return is_written;
}

void jf_scrub_memory_save(const char *data_directory, const struct jf_scrub_memory *memory)
{
    char path[NAME_SIZE];
    char beside[NAME_SIZE];
    if (!path_make(data_directory, "scrub", path) ||
        !path_make(data_directory, "scrub.new", beside)) {
        return;
    }
    FILE *file = fopen(beside, "w");
    if (file == NULL) {
        return;
    }
    bool is_written = memory_write(file, memory);
    is_written = fclose(file) == 0 && is_written;
    if (!is_written || rename(beside, path) != 0) {
        (void)remove(beside);
    }
}
