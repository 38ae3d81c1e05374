// The names in a journal's directory: what counts as a segment, and what does not.
#include "journal/segment.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char directory[] = "/tmp/jifen-segment-XXXXXX";
static const char *const names[] = {"segment-0000000000000007.jfl",
                                    "segment-0000000000000009.jfl",
                                    "segment-00000000000000ff.jfl",
                                    "segment-0000000000000000.jfl",
                                    "segment-00000000000000FF.jfl",
                                    "segment-7.jfl",
                                    "segment-0000000000000008.jf",
                                    "segment.preparing",
                                    "SUPERBLOCK",
                                    "SUPERBLOCK.preparing",
                                    "LOCK"};

#define NAMES (sizeof names / sizeof names[0])

// Lists a directory of the names from..to. Out: as jf_directory_list.
static struct jf_directory_listing listed(size_t from, size_t to, uint64_t bound)
{
    struct jf_directory_listing listing;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    int directory_fd = -1;
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(jf_directory_open(directory, &directory_fd, &diagnosis), JF_OK);
    for (size_t i = from; i < to; i++) {
        int fd = openat(directory_fd, names[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        cr_assert_geq(fd, 0);
        close(fd);
    }
    cr_assert_eq(jf_directory_list(directory_fd, bound, &listing, &diagnosis), JF_OK);
    for (size_t i = from; i < to; i++) {
        cr_assert_eq(unlinkat(directory_fd, names[i], 0), 0);
    }
    close(directory_fd);
    cr_assert_eq(rmdir(directory), 0);
    strcpy(directory + sizeof directory - sizeof "XXXXXX", "XXXXXX");
    return listing;
}

Test(segment, only_the_one_spelling_of_a_number_is_a_segment)
{
    struct jf_directory_listing listing = listed(0, NAMES, 0);
    cr_assert_eq(listing.count, 3);
    cr_assert_eq(listing.oldest, 7);
    cr_assert_eq(listing.newest, 0xff);
    cr_assert(listing.has_superblock && listing.has_lock && listing.has_strangers);
    for (size_t i = 3; i < 7; i++) {
        listing = listed(i, i + 1, 0);
        cr_assert_eq(listing.count, 0, "%s", names[i]);
        cr_assert(listing.has_strangers, "%s", names[i]);
    }
}

Test(segment, files_that_are_being_made_are_no_strangers)
{
    struct jf_directory_listing listing = listed(7, NAMES, 0);
    cr_assert_eq(listing.count, 0);
    cr_assert_not(listing.has_strangers);
}

Test(segment, files_below_the_oldest_segment_are_not_counted)
{
    struct jf_directory_listing listing = listed(0, 3, 9);
    cr_assert_eq(listing.count, 2);
    cr_assert_eq(listing.oldest, 9);
    cr_assert_eq(listing.newest, 0xff);
    cr_assert_not(listing.has_strangers);
}

Test(segment, what_is_no_directory_cannot_be_opened)
{
    int fd = -1;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(jf_directory_open("/dev/null", &fd, &diagnosis), JF_ERROR_IO);
    cr_assert_not_null(strstr(diagnosis.text, "/dev/null cannot be opened"));
    cr_assert_eq(jf_directory_open("/tmp/jf-no-such-place", &fd, &diagnosis), JF_ERROR_NOT_FOUND);
}
