// Claims about reference data: what is prepared can be applied, what cannot be prepared changes
// nothing, and the newest published of the versions in force decides.
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "rules/reference.h"

#define DAY_MS ((int64_t)86400000)

static struct jf_reference *opened(void)
{
    struct jf_reference *reference = NULL;
    cr_assert_eq(jf_reference_create("/usr/share/zoneinfo", &reference), JF_OK);
    return reference;
}

static struct jf_entry store_entry(uint32_t store, struct jf_text zone, struct jf_text region)
{
    struct jf_entry entry = {.kind = JF_ENTRY_STORE, .position = 1};
    entry.as.store = (struct jf_put_store_command){
        .store = {store}, .entity = {1}, .zone = zone, .region = region, .day_start_minute = 60};
    return entry;
}

static struct jf_entry publication_entry(uint32_t version, const char *yaml,
                                         const struct jf_reason_name *reasons, uint32_t count)
{
    struct jf_entry entry = {.kind = JF_ENTRY_PUBLICATION, .position = version};
    entry.as.publication = (struct jf_publication_entry){.version = version,
                                                         .yaml = jf_text_from(yaml),
                                                         .file_name = JF_TEXT("p.yaml"),
                                                         .effective_from_ms = version * DAY_MS,
                                                         .reasons = reasons,
                                                         .reason_count = count};
    return entry;
}

#define HEAD                                                                                       \
    "name: p\neffective_from: 2026-01-01T00:00:00Z\nearn: {points: 1, per_amount: 1.00}\n"         \
    "expiry: {policy: never}\n"
#define RULE(name) "  - {name: " name ", kind: multiplier, factor: 2}\n"

Test(reference, a_store_with_an_unknown_zone_is_not_prepared)
{
    struct jf_reference *reference = opened();
    struct jf_diagnosis diagnosis = {0};
    struct jf_entry entry = store_entry(1, JF_TEXT("Mars/Olympus"), JF_TEXT(""));
    cr_expect_eq(jf_reference_prepare(reference, &entry, &diagnosis), JF_ERROR_NOT_FOUND);
    cr_expect_gt(strlen(diagnosis.text), 10);
    entry = store_entry(1, JF_TEXT("../etc/passwd"), JF_TEXT(""));
    cr_expect_eq(jf_reference_prepare(reference, &entry, &diagnosis), JF_ERROR_INVALID);
    entry = store_entry(0, JF_TEXT("UTC"), JF_TEXT(""));
    cr_expect_eq(jf_reference_prepare(reference, &entry, &diagnosis), JF_ERROR_CORRUPT);
    cr_expect_eq(jf_reference_store_count(reference), 0);
    cr_expect_null(jf_reference_store(reference, (struct jf_store_id){1}));
    jf_reference_destroy(reference);
}

Test(reference, many_stores_are_found_and_replaced)
{
    struct jf_reference *reference = opened();
    struct jf_diagnosis diagnosis = {0};
    for (uint32_t i = 1; i <= 500; i++) {
        char region[16];
        (void)snprintf(region, sizeof region, "r%u", i % 40);
        struct jf_entry entry = store_entry(
            i * 977, i % 2 == 0 ? JF_TEXT("UTC") : JF_TEXT("Asia/Shanghai"), jf_text_from(region));
        cr_assert_eq(jf_reference_prepare(reference, &entry, &diagnosis), JF_OK);
        jf_reference_apply(reference, &entry);
    }
    cr_expect_eq(jf_reference_store_count(reference), 500);
    const struct jf_store *store = jf_reference_store(reference, (struct jf_store_id){977 * 41});
    cr_assert_not_null(store);
    cr_expect(jf_text_equal(store->region, JF_TEXT("r1")));
    cr_expect(jf_text_equal(store->zone_name, JF_TEXT("Asia/Shanghai")));
    cr_expect_eq(store->day_start_second, 3600);
    cr_expect_null(jf_reference_store(reference, (struct jf_store_id){5}));
    cr_expect_null(jf_reference_store(reference, (struct jf_store_id){0}));
    struct jf_entry entry = store_entry(977, JF_TEXT("UTC"), JF_TEXT("moved"));
    cr_assert_eq(jf_reference_prepare(reference, &entry, &diagnosis), JF_OK);
    jf_reference_apply(reference, &entry);
    cr_expect_eq(jf_reference_store_count(reference), 500);
    store = jf_reference_store(reference, (struct jf_store_id){977});
    cr_expect(jf_text_equal(store->region, JF_TEXT("moved")));
    jf_reference_destroy(reference);
}

Test(reference, a_publication_that_does_not_follow_is_corrupt)
{
    struct jf_reference *reference = opened();
    struct jf_diagnosis diagnosis = {0};
    struct jf_entry entry = publication_entry(2, HEAD, NULL, 0);
    cr_expect_eq(jf_reference_prepare(reference, &entry, &diagnosis), JF_ERROR_CORRUPT);
    entry = publication_entry(1, HEAD "rules:\n" RULE("a"), NULL, 0);
    cr_expect_eq(jf_reference_prepare(reference, &entry, &diagnosis), JF_ERROR_CORRUPT);
    const struct jf_reason_name wrong[] = {{2, JF_TEXT("a")}};
    entry = publication_entry(1, HEAD "rules:\n" RULE("a"), wrong, 1);
    cr_expect_eq(jf_reference_prepare(reference, &entry, &diagnosis), JF_ERROR_CORRUPT);
    entry = publication_entry(1, "name: [", NULL, 0);
    cr_expect_eq(jf_reference_prepare(reference, &entry, &diagnosis), JF_ERROR_INVALID);
    cr_expect_eq(jf_reference_programme_count(reference), 0);
    cr_expect_null(jf_reference_programme_newest(reference));
    cr_expect_null(jf_reference_programme_at(reference, INT64_MAX));
    jf_reference_destroy(reference);
}

Test(reference, a_prepared_programme_that_never_came_is_dropped)
{
    struct jf_reference *reference = opened();
    struct jf_diagnosis diagnosis = {0};
    struct jf_entry entry = publication_entry(1, HEAD, NULL, 0);
    cr_assert_eq(jf_reference_prepare(reference, &entry, &diagnosis), JF_OK);
    cr_assert_eq(jf_reference_prepare(reference, &entry, &diagnosis), JF_OK);
    cr_expect_eq(jf_reference_programme_count(reference), 0);
    jf_reference_apply(reference, &entry);
    cr_expect_eq(jf_reference_programme_count(reference), 1);
    cr_assert_eq(jf_reference_prepare(reference, &(struct jf_entry){.kind = JF_ENTRY_SALE}, NULL),
                 JF_OK);
    jf_reference_destroy(reference);
}

Test(reference, grounds_keep_their_numbers_over_versions)
{
    struct jf_reference *reference = opened();
    struct jf_diagnosis diagnosis = {0};
    const struct jf_reason_name first[] = {{1, JF_TEXT("a")}, {2, JF_TEXT("b")}};
    const struct jf_reason_name second[] = {{3, JF_TEXT("c")}};
    struct jf_entry entry = publication_entry(1, HEAD "rules:\n" RULE("a") RULE("b"), first, 2);
    cr_assert_eq(jf_reference_prepare(reference, &entry, &diagnosis), JF_OK, "%s", diagnosis.text);
    jf_reference_apply(reference, &entry);
    entry = publication_entry(2, HEAD "rules:\n" RULE("c") RULE("b"), second, 1);
    cr_assert_eq(jf_reference_prepare(reference, &entry, &diagnosis), JF_OK, "%s", diagnosis.text);
    jf_reference_apply(reference, &entry);
    cr_expect_eq(jf_reference_reason_count(reference), 4);
    cr_expect(jf_text_equal(jf_reference_reason_name(reference, 0), JF_TEXT("base")));
    cr_expect(jf_text_equal(jf_reference_reason_name(reference, 3), JF_TEXT("c")));
    cr_expect_eq(jf_reference_reason_name(reference, 4).size, 0);
    cr_expect_eq(jf_reference_reason_find(reference, JF_TEXT("b")), 2);
    cr_expect_eq(jf_reference_reason_find(reference, JF_TEXT("d")), UINT32_MAX);
    jf_reference_destroy(reference);
}

Test(reference, the_newest_published_in_force_decides)
{
    struct jf_reference *reference = opened();
    struct jf_diagnosis diagnosis = {0};
    static const int64_t from_day[] = {10, 30,
                                       20}; // the third is published last, in force from day 20
    for (uint32_t i = 0; i < 3; i++) {
        struct jf_entry entry = publication_entry(i + 1, HEAD, NULL, 0);
        entry.as.publication.effective_from_ms = from_day[i] * DAY_MS;
        cr_assert_eq(jf_reference_prepare(reference, &entry, &diagnosis), JF_OK);
        jf_reference_apply(reference, &entry);
    }
    cr_expect_null(jf_reference_programme_at(reference, 10 * DAY_MS - 1));
    cr_expect_eq(jf_reference_programme_at(reference, 10 * DAY_MS)->version, 1);
    cr_expect_eq(jf_reference_programme_at(reference, 20 * DAY_MS)->version, 3);
    cr_expect_eq(jf_reference_programme_at(reference, 40 * DAY_MS)->version, 3);
    cr_expect_eq(jf_reference_programme(reference, 2)->version, 2);
    cr_expect_null(jf_reference_programme(reference, 0));
    cr_expect_null(jf_reference_programme(reference, 4));
    cr_expect_eq(jf_reference_programme_newest(reference)->version, 3);
    cr_expect(jf_text_equal(jf_reference_programme(reference, 1)->yaml, jf_text_from(HEAD)));
    jf_reference_destroy(reference);
    jf_reference_destroy(NULL);
}
