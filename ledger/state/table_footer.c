// A footer is the last 53 bytes: the kind of checksum (1 byte), two block handles padded to 40
// bytes, the format version (4 bytes), the magic (8 bytes). What is looked at here is what RocksDB
// refuses without naming the file. Fails: never; what cannot be read counts as damaged.
#include "state/table_footer.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

#define FOOTER_BYTES      53
#define AT_CHECKSUM_KIND  0
#define AT_VERSION        41
#define AT_MAGIC          45
#define CHECKSUM_KIND_MAX 4 // XXH3
#define VERSION_MAX       5
#define MAGIC             0x88e241b785f4cff7ull // "kBlockBasedTableMagicNumber"

static bool footer_is_whole(const char *directory, const char *name)
{
    char path[4096];
    unsigned char footer[FOOTER_BYTES];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool is_read = fstat(fd, &status) == 0 && status.st_size >= FOOTER_BYTES &&
                   pread(fd, footer, FOOTER_BYTES, status.st_size - FOOTER_BYTES) == FOOTER_BYTES;
    close(fd);
    return is_read && footer[AT_CHECKSUM_KIND] <= CHECKSUM_KIND_MAX &&
           jf_load_u32(footer + AT_VERSION) <= VERSION_MAX &&
           jf_load_u64(footer + AT_MAGIC) == MAGIC;
}

static bool name_is_table(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && size < JF_TABLE_NAME_BYTES && strcmp(name + size - 4, ".sst") == 0;
}

bool jf_table_damaged_find(const char *directory, char out_name[JF_TABLE_NAME_BYTES])
{
    DIR *listing = opendir(directory);
    bool is_found = false;
    if (listing == NULL) {
        return false;
    }
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        bool is_earlier = !is_found || strcmp(entry->d_name, out_name) < 0;
        if (name_is_table(entry->d_name) && is_earlier &&
            !footer_is_whole(directory, entry->d_name)) {
            snprintf(out_name, JF_TABLE_NAME_BYTES, "%.63s", entry->d_name);
            is_found = true;
        }
    }
    closedir(listing);
    return is_found;
}
