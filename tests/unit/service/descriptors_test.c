// Claims about reflection's descriptors: what is declared is found, what is not is not.
#include <criterion/criterion.h>

#include <stdio.h>

#include "service/descriptors.h"
#include "service/methods.h"
#include "service/wire.h"

Test(descriptors, what_is_not_declared_is_not_found)
{
    struct jf_descriptors embedded = jf_descriptors_embedded();
    static const char *const symbols[] = {"",
                                          ".",
                                          "jifen",
                                          "jifen.v1",
                                          "jifen.v1.",
                                          "jifen.v1.Nothing",
                                          "jifen.v1.Ledger.",
                                          "jifen.v1.Ledger..PostSale",
                                          "jifen.v1.Ledger.PostSale.x",
                                          "jifen.v1.Account.ACCOUNT_HELD",
                                          "xjifen.v1.Ledger",
                                          "jifen.v1.Ledger.Post"};
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        cr_assert_eq(jf_descriptors_symbol(&embedded, jf_text_from(symbols[i])).size, 0, "%s",
                     symbols[i]);
    }
    cr_assert_eq(jf_descriptors_file(&embedded, JF_TEXT("jifen/v1/ledger")).size, 0);
    struct jf_descriptors damaged = {JF_TEXT("\x0a\x7f\x01")};
    cr_assert_eq(jf_descriptors_symbol(&damaged, JF_TEXT("jifen.v1.Ledger")).size, 0);
}

Test(descriptors, every_method_that_is_served_is_declared)
{
    struct jf_descriptors embedded = jf_descriptors_embedded();
    uint32_t count = jf_method_count();
    cr_assert_gt(count, 30);
    for (uint32_t tag = 0; tag < count; tag++) {
        char symbol[128];
        snprintf(symbol, sizeof symbol, "%s", jf_method_at(tag)->path + 1);
        *strchr(symbol, '/') = '.';
        cr_assert_gt(jf_descriptors_symbol(&embedded, jf_text_from(symbol)).size, 0, "%s", symbol);
    }
}

Test(descriptors, the_tag_counts_through_all_groups)
{
    uint32_t tag = 0;
    for (uint32_t i = 0; i < JF_METHOD_GROUP_COUNT; i++) {
        const struct jf_method_group *group = jf_method_groups[i];
        cr_assert(jf_method_serves(jf_text_from(group->service_name)));
        for (uint32_t j = 0; j < group->count; j++) {
            const struct jf_method *method = jf_method_at(tag++);
            cr_assert_eq(method, &group->methods[j]);
            cr_assert_eq(
                strncmp(method->path + 1, group->service_name, strlen(group->service_name)), 0,
                "%s", method->path);
        }
    }
    cr_assert_not(jf_method_serves(JF_TEXT("jifen.v1")));
}
