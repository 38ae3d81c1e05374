// Files that are whole in themselves and in the wrong place: blocks and segments that changed
// places, came twice, or came from another ledger; and bytes where there should be zeros.
#include "support.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/reader.h"

#define SEGMENT_BYTES ((uint64_t)JF_SEGMENT_BYTES_MIN)

static struct world world;

static void begin(void)
{
    world_begin(&world);
}

static void end(void)
{
    world_end(&world);
}

TestSuite(damage, .init = begin, .fini = end);

// Blocks over three segments; closed.
static void fill(struct world *into)
{
    world_must_open(into);
    for (uint32_t i = 0; i < 12; i++) {
        put(into, 2, 400000);
    }
    world_close(into);
}

static void path_of(const struct world *of, uint32_t segment, char out_path[128])
{
    snprintf(out_path, 128, "%s/segment-%016x.jfl", of->directory, segment);
}

// Reading from outside finds the same as opening.
static void expect_found(enum jf_error error, const char *text)
{
    struct jf_journal_verification verification;
    expect_refused(&world, error, text);
    cr_assert_eq(jf_journal_verify(world.directory, NULL, NULL, &verification, &world.diagnosis),
                 error, "%s", world.diagnosis.text);
    cr_assert_not_null(strstr(world.diagnosis.text, text), "%s", world.diagnosis.text);
}

static void swap(uint32_t one, uint32_t other)
{
    char first[128];
    char second[128];
    char aside[128];
    path_of(&world, one, first);
    path_of(&world, other, second);
    snprintf(aside, sizeof aside, "%s.aside", world.directory);
    cr_assert_eq(rename(first, aside), 0);
    cr_assert_eq(rename(second, first), 0);
    cr_assert_eq(rename(aside, second), 0);
}

Test(damage, two_segments_that_changed_places_are_refused)
{
    fill(&world);
    swap(2, 3);
    expect_found(JF_ERROR_CORRUPT, "journal file segment-0000000000000001.jfl, offset");
    swap(2, 3);
    swap(1, 2);
    expect_found(JF_ERROR_CORRUPT, "journal file segment-0000000000000001.jfl, offset 0, block 1");
    swap(1, 2);
    world_must_open(&world);
    cr_assert_eq(read_all(&world, 1), 24);
}

Test(damage, a_segment_of_another_ledger_is_foreign)
{
    struct world other;
    fill(&world);
    world_begin(&other);
    other.config.create_id.bytes[3] = 99;
    fill(&other);
    for (uint32_t segment = 1; segment <= 3; segment++) {
        char ours[128];
        char theirs[128];
        char aside[128];
        path_of(&world, segment, ours);
        path_of(&other, segment, theirs);
        snprintf(aside, sizeof aside, "%s.aside", world.directory);
        cr_assert_eq(rename(ours, aside), 0);
        cr_assert_eq(link(theirs, ours), 0);
        // Amid the journal its place is missed first: what stands there continues nothing.
        expect_found(segment == 1 ? JF_ERROR_FOREIGN : JF_ERROR_CORRUPT,
                     segment == 1 ? "it belongs to another ledger" : "journal file segment-");
        cr_assert_eq(rename(aside, ours), 0);
    }
    world_end(&other);
    world_must_open(&world);
    cr_assert_eq(read_all(&world, 1), 24);
}

Test(damage, a_block_that_stands_twice_is_refused)
{
    fill(&world);
    struct jf_block_header first = block_at(&world, 0);
    struct jf_block_header second = block_at(&world, first.length);
    cr_assert_eq(first.length, second.length);
    unsigned char *bytes = malloc(first.length);
    unsigned char *kept = malloc(first.length);
    file_read(&world, segment_1, 0, bytes, first.length);
    file_read(&world, segment_1, first.length, kept, first.length);
    file_write(&world, segment_1, first.length, bytes, first.length); // over the next one
    expect_found(JF_ERROR_CORRUPT, "it was written for another segment or offset");
    file_write(&world, segment_1, first.length, kept, first.length);
    uint64_t end = 0;
    while (end + first.length <= SEGMENT_BYTES - first.length) {
        end += block_at(&world, end).length;
    }
    file_write(&world, segment_1, end, bytes, JF_SECTOR_BYTES); // behind the last of its segment
    expect_found(JF_ERROR_CORRUPT, "it was written for another segment or offset");
    free(bytes);
    free(kept);
}

Test(damage, a_byte_where_a_spent_segment_has_zeros_is_refused)
{
    fill(&world);
    struct jf_block_header header = block_at(&world, 0);
    uint64_t end = 0;
    while (end + header.length <= SEGMENT_BYTES - header.length) {
        end += header.length;
    }
    const uint64_t places[] = {end, end + 100, SEGMENT_BYTES - 1};
    for (uint32_t i = 0; i < 3; i++) {
        file_flip(&world, segment_1, places[i]);
        expect_found(JF_ERROR_CORRUPT, "journal file segment-0000000000000001.jfl, offset");
        file_flip(&world, segment_1, places[i]);
    }
}
