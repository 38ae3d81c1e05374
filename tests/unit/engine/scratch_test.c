// Claims about scratch directories: what a killed process leaves is removed by the next, what is in
// use or of another kind is not.
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/file_copy.h"
#include "engine/scratch.h"

static char parent[] = "/tmp/jifen-scratch-XXXXXX";

static void opened(void)
{
    cr_assert_not_null(mkdtemp(parent));
}

static void closed(void)
{
    cr_assert_eq(jf_folder_remove(parent, NULL), JF_OK);
}

TestSuite(scratch, .init = opened, .fini = closed);

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static void made(const char *name, char *out_path)
{
    (void)snprintf(out_path, 128, "%s/%s", parent, name);
    cr_assert_eq(mkdir(out_path, 0700), 0);
}

Test(scratch, what_a_killed_process_left_is_removed_by_the_next)
{
    struct jf_scratch scratch;
    int ends[2];
    char path[JF_SCRATCH_PATH_BYTES];
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        if (jf_scratch_open(parent, &scratch, NULL) != JF_OK) {
            _exit(EXIT_FAILURE);
        }
        int fd = openat(scratch.lock_fd, "CURRENT", O_CREAT | O_WRONLY, 0600);
        ssize_t size = (ssize_t)sizeof scratch.path;
        _exit(fd >= 0 && write(ends[1], scratch.path, sizeof scratch.path) == size ? EXIT_SUCCESS
                                                                                   : EXIT_FAILURE);
    }
    int status = 0;
    cr_assert_eq(read(ends[0], path, sizeof path), (ssize_t)sizeof path);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    cr_assert(is_there(path));
    cr_assert_eq(jf_scratch_open(parent, &scratch, NULL), JF_OK);
    cr_expect(!is_there(path));
    cr_expect(is_there(scratch.path));
    (void)strcpy(path, scratch.path);
    jf_scratch_close(&scratch);
    cr_expect(!is_there(path));
}

Test(scratch, what_is_in_use_or_of_another_kind_is_left)
{
    struct jf_scratch first;
    struct jf_scratch second;
    char longer[128];
    char shorter[128];
    char state[128];
    char file[128];
    made("verify-1234567", longer);
    made("verify-12345", shorter);
    made("state", state);
    (void)snprintf(file, sizeof file, "%s/verify-abcdef", parent);
    cr_assert(close(open(file, O_CREAT | O_WRONLY, 0600)) == 0);
    cr_assert_eq(jf_scratch_open(parent, &first, NULL), JF_OK);
    cr_assert_eq(jf_scratch_open(parent, &second, NULL), JF_OK);
    cr_expect(is_there(first.path));
    cr_expect(is_there(second.path));
    cr_expect(is_there(longer) && is_there(shorter) && is_there(state) && is_there(file));
    jf_scratch_close(&first);
    cr_expect(is_there(second.path));
    jf_scratch_close(&second);
    jf_scratch_close(&second);
}

Test(scratch, a_parent_that_is_not_there_is_said)
{
    struct jf_scratch scratch;
    struct jf_diagnosis diagnosis = {.text = ""};
    cr_expect_eq(jf_scratch_open("/nowhere/at/all", &scratch, &diagnosis), JF_ERROR_IO);
    cr_expect_not_null(strstr(diagnosis.text, "/nowhere/at/all"));
    jf_scratch_close(&scratch);
}
