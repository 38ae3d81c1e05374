// The parent's true name, without links and dots, then one directory after the other up to the
// root; the same for what `path` itself is a link to. A ledger is told by its journal's lock, a
// backup by its manifest.
#include "engine/place.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/backup_store.h"
#include "journal/segment.h"

// Out: the directory that `path` is or will be in, as `path` says it.
static bool parent_of(const char *path, char out_parent[PATH_MAX])
{
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') {
        size -= 1;
    }
    while (size > 0 && path[size - 1] != '/') {
        size -= 1;
    }
    while (size > 1 && path[size - 1] == '/') {
        size -= 1;
    }
    if (size == 0) {
        (void)snprintf(out_parent, PATH_MAX, ".");
        return true;
    }
    return (size_t)snprintf(out_parent, PATH_MAX, "%.*s", (int)size, path) < PATH_MAX;
}

static bool holds(const char *directory, const char *name)
{
    char path[PATH_MAX + 64];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}

static enum jf_error ancestor_check(const char *path, const char *ancestor,
                                    struct jf_diagnosis *diagnosis)
{
    bool is_ledger = holds(ancestor, "journal/" JF_LOCK_NAME);
    if (!is_ledger && !holds(ancestor, JF_BACKUP_MANIFEST_NAME)) {
        return JF_OK;
    }
    return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                       "%.160s lies inside the %s %.160s, and what happens to that would happen to "
                       "it: give a directory outside. Nothing was changed",
                       path, is_ledger ? "ledger" : "backup", ancestor[0] == '\0' ? "/" : ancestor);
}

// In: a directory's true name, changed. Looks at it and at all above it.
static enum jf_error ancestors_check(const char *path, char *resolved,
                                     struct jf_diagnosis *diagnosis)
{
    enum jf_error error = ancestor_check(path, resolved, diagnosis);
    for (char *slash = strrchr(resolved, '/'); slash != NULL && error == JF_OK;
         slash = strrchr(resolved, '/')) {
        *slash = '\0';
        error = ancestor_check(path, resolved, diagnosis);
    }
    return error;
}

enum jf_error jf_place_check(const char *path, struct jf_diagnosis *diagnosis)
{
    char parent[PATH_MAX];
    char resolved[PATH_MAX];
    if (!parent_of(path, parent)) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID, "%.100s...: name too long", path);
    }
    if (realpath(parent, resolved) == NULL) {
        int code = errno;
        return code == ENOENT
                   ? jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND,
                                 "%.200s cannot be made, because the directory %.200s is not "
                                 "there: check the name, or make that one first",
                                 path, parent)
                   : jf_diagnose(diagnosis, JF_ERROR_IO, "directory %.300s cannot be used: %s",
                                 parent, strerror(code));
    }
    enum jf_error error = ancestors_check(path, resolved, diagnosis);
    // What is there already may be a link to somewhere else.
    if (error == JF_OK && realpath(path, resolved) != NULL) {
        char *slash = strrchr(resolved, '/');
        *slash = '\0';
        error = ancestors_check(path, resolved, diagnosis);
    }
    return error;
}
