// Entries that earlier versions wrote (tests/golden/*.entries): decoding reads all that is in them,
// and encoding writes the very same bytes. A change of an entry's bytes shows here.
#include <criterion/criterion.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "engine/entry_codec.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

// tests/golden beside this file's room.
static void golden_path(const char *name, char out_path[512])
{
    const char *room = strstr(__FILE__, "unit/engine/");
    cr_assert_not_null(room);
    snprintf(out_path, 512, "%.*sgolden/%s", (int)(room - __FILE__), __FILE__, name);
}

static size_t file_read(const char *name, unsigned char *to)
{
    char path[512];
    golden_path(name, path);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    size_t size = fread(to, 1, FILE_BYTES_MAX, file);
    cr_assert_lt(size, FILE_BYTES_MAX);
    fclose(file);
    return size;
}

static void entry_check(struct jf_text bytes, uint64_t position, uint64_t *kinds)
{
    struct jf_arena arena;
    struct jf_entry entry;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    struct jf_text again = {NULL, 0};
    struct jf_text outcome = {NULL, 0};
    jf_arena_init(&arena, 65536, (size_t)16 << 20);
    cr_assert_eq(jf_entry_decode(bytes, &arena, &entry, &diagnosis), JF_OK, "entry %llu: %s",
                 (unsigned long long)position, diagnosis.text);
    cr_assert_eq(entry.position, position);
    *kinds |= (uint64_t)1 << entry.kind;
    cr_assert_eq(jf_entry_encode(&entry, &arena, &again, &outcome), JF_OK);
    cr_assert(jf_text_equal(again, bytes), "entry %llu, a %s, is written in other bytes",
              (unsigned long long)position, jf_entry_kind_name(entry.kind));
    jf_arena_deinit(&arena);
}

static uint64_t file_check(const char *name)
{
    unsigned char *bytes = malloc(FILE_BYTES_MAX);
    cr_assert_not_null(bytes);
    size_t size = file_read(name, bytes);
    uint64_t kinds = 0;
    uint64_t position = 0;
    for (size_t at = 0; at < size; position++) {
        cr_assert_leq(at + 4, size);
        uint32_t entry_size = jf_load_u32(bytes + at);
        cr_assert_leq(at + 4 + entry_size, size);
        entry_check((struct jf_text){(const char *)bytes + at + 4, entry_size}, position + 1,
                    &kinds);
        at += 4 + entry_size;
    }
    free(bytes);
    return kinds;
}

Test(golden, entries_of_earlier_versions_are_read_and_written_byte_for_byte)
{
    char path[512];
    golden_path("", path);
    DIR *listing = opendir(path);
    cr_assert_not_null(listing, "%s", path);
    uint64_t kinds = 0;
    for (struct dirent *file = readdir(listing); file != NULL; file = readdir(listing)) {
        if (strstr(file->d_name, ".entries") != NULL) {
            kinds |= file_check(file->d_name);
        }
    }
    closedir(listing);
    for (uint32_t kind = JF_ENTRY_SALE; kind <= JF_ENTRY_KIND_NEWEST; kind++) {
        cr_assert((kinds >> kind & 1) == 1, "no %s among them",
                  jf_entry_kind_name((enum jf_entry_kind)kind));
    }
}
