// A table whose footer is damaged or cut is found by name, the first of several; whole ones are
// not.
#include "state/table_footer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

// The last bytes of a table of version 5.
static void table_write(const struct support_directory *directory, const char *name, int damaged_at)
{
    unsigned char bytes[100] = {0};
    unsigned char *footer = bytes + sizeof bytes - 53;
    footer[0] = 4;
    footer[41] = 5;
    memcpy(footer + 45, "\xf7\xcf\xf4\x85\xb7\x41\xe2\x88", 8);
    if (damaged_at >= 0) {
        footer[damaged_at] ^= 0x40;
    }
    char path[160];
    snprintf(path, sizeof path, "%s/%s", directory->path, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, sizeof bytes, 1, file), 1);
    cr_assert_eq(fclose(file), 0);
}

Test(table_footer, names_the_first_table_whose_footer_is_none)
{
    struct support_directory directory = support_directory_make();
    char name[JF_TABLE_NAME_BYTES] = "";
    cr_assert_not(jf_table_damaged_find(directory.path, name), "no directory");
    support_file_write(&directory, "CURRENT", "not a table");
    table_write(&directory, "000007.sst", -1);
    table_write(&directory, "000009.sst", -1);
    cr_assert_not(jf_table_damaged_find(directory.path, name));
    static const int damages[] = {0, 41, 44, 45, 52};
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        table_write(&directory, "000008.sst", damages[i]);
        cr_assert(jf_table_damaged_find(directory.path, name), "byte %d", damages[i]);
        cr_assert_str_eq(name, "000008.sst");
    }
    support_file_write(&directory, "000006.sst", "short");
    cr_assert(jf_table_damaged_find(directory.path, name));
    cr_assert_str_eq(name, "000006.sst");
    support_directory_remove(&directory);
}
