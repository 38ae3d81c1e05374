// See sim_bug.h. Compiled once for each of the two programs, with and without JF_BUGS.
#include "sim_bug.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bug.h"

struct bug {
    const char *name;
    const char *what;
};

static const struct bug bugs[JF_BUG_COUNT] = {
#define BUG_ROW(id, name, what) [JF_BUG_##id] = {name, what},
    JF_BUG_LIST(BUG_ROW)
#undef BUG_ROW
};

void sim_bug_list(void)
{
    for (uint32_t i = 1; i < JF_BUG_COUNT; i++) {
        printf("%-20s %s\n", bugs[i].name, bugs[i].what);
    }
}

static enum jf_bug bug_find(const char *name)
{
    for (uint32_t i = 1; i < JF_BUG_COUNT; i++) {
        if (strcmp(bugs[i].name, name) == 0) {
            return (enum jf_bug)i;
        }
    }
    fprintf(stderr, "jifen-sim: no bug is named %s (see --bugs)\n", name);
    return JF_BUG_NONE;
}

#ifdef JF_BUGS
enum jf_bug jf_bug_active = JF_BUG_NONE;

bool sim_bug_set(const char *name, char **argv)
{
    (void)argv;
    jf_bug_active = bug_find(name);
    return jf_bug_active != JF_BUG_NONE;
}
#else
bool sim_bug_set(const char *name, char **argv)
{
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - sizeof "-bugs");
    if (bug_find(name) == JF_BUG_NONE || size <= 0) {
        return false;
    }
    memcpy(path + size, "-bugs", sizeof "-bugs");
    execv(path, argv);
    fprintf(stderr, "jifen-sim: %s cannot be run: %s\n", path, strerror(errno));
    return false;
}
#endif
