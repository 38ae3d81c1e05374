// Runs a fuzz target over files, and over all files of folders, in the order of their names:
//
//   fuzz_<target> FILE|FOLDER...
//
// The last line says how many there were. Exit: 0; 1 when a file cannot be read or there was none
// (a corpus that is lost must not look like a success); 2 without arguments. What a target finds
// stops the process, after the file's name.
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)
#define PATH_SIZE      4096

static uint32_t runs;

static bool file_run(const char *path)
{
    FILE *file = fopen(path, "rbe");
    uint8_t *bytes = malloc(FILE_BYTES_MAX);
    size_t size = 0;
    bool is_read = file != NULL && bytes != NULL;
    if (is_read) {
        size = fread(bytes, 1, FILE_BYTES_MAX, file);
        is_read = ferror(file) == 0 && feof(file) != 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    // A block of exactly that size, so that a sanitizer sees a read past its end.
    uint8_t *exact = is_read ? realloc(bytes, size > 0 ? size : 1) : NULL;
    if (exact == NULL) {
        fprintf(stderr, "%s: cannot be read, or is above 1 MiB: %s\n", path, strerror(errno));
        free(bytes);
        return false;
    }
    printf("%s\n", path);
    fflush(stdout); // what stops the process must have a name
    (void)LLVMFuzzerTestOneInput(exact, size);
    runs += 1;
    free(exact);
    return true;
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool folder_run(const char *folder)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_shown, alphasort);
    bool ok = count >= 0;
    if (!ok) {
        fprintf(stderr, "%s: %s\n", folder, strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        char path[PATH_SIZE];
        int size = snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        ok = size < PATH_SIZE && file_run(path) && ok;
        free(names[i]);
    }
    free((void *)names);
    return ok;
}

int main(int count, char **paths)
{
    bool ok = true;
    if (count < 2) {
        fprintf(stderr, "usage: %s FILE|FOLDER...\n", paths[0]);
        return 2;
    }
    for (int i = 1; i < count; i++) {
        struct stat status;
        bool is_folder = stat(paths[i], &status) == 0 && S_ISDIR(status.st_mode);
        ok = (is_folder ? folder_run(paths[i]) : file_run(paths[i])) && ok;
    }
    printf("%u inputs\n", runs);
    return ok && runs > 0 ? 0 : 1;
}
