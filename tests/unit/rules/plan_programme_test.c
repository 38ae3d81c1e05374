// Claims about publishing and stores: what cannot be read is refused with where and why, and
// changes nothing.
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programmes.h"
#include "world.h"

static struct world world;

static void opened(void)
{
    world_open(&world, PROGRAMME_RICH);
}

static void closed(void)
{
    world_close(&world);
}

TestSuite(plan_programme, .init = opened, .fini = closed);

static struct jf_command publish_of(const char *yaml)
{
    struct jf_command command = {.kind = JF_COMMAND_PUBLISH, .transaction_id = JF_TEXT("t")};
    command.as.publish.yaml = jf_text_from(yaml);
    command.as.publish.file_name = JF_TEXT("next.yaml");
    return command;
}

static struct jf_command store_of(uint32_t store, struct jf_text zone)
{
    struct jf_command command = {.kind = JF_COMMAND_PUT_STORE, .transaction_id = JF_TEXT("t")};
    command.as.put_store =
        (struct jf_put_store_command){.store = {store}, .entity = {1}, .zone = zone};
    return command;
}

Test(plan_programme, a_programme_that_cannot_be_read_is_refused_with_file_line_and_field)
{
    struct jf_command command = publish_of("name: a\ncolour: red\n");
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_PROGRAMME_INVALID);
    cr_expect_eq(strncmp(world.refusal.detail, "next.yaml:", 10), 0, "%s", world.refusal.detail);
    cr_expect_eq(jf_reference_programme_count(world.reference), 1);
}

static void expect_refused(struct jf_command command, enum jf_refusal_code code)
{
    cr_expect_null(world_post(&world, &command));
    cr_expect_str_eq(jf_refusal_name(world.refusal.code), jf_refusal_name(code));
}

#define RULE_BYTES_MAX 64

// Publishes what uses up all numbers of names. In: whether it uses up the versions as well.
static void reference_fill(bool is_all_versions)
{
    static char yaml[sizeof PROGRAMME_RICH + JF_RULES_MAX * RULE_BYTES_MAX];
    while (jf_reference_reason_count(world.reference) < JF_REASONS_MAX) {
        uint32_t begin = jf_reference_reason_count(world.reference);
        size_t size = (size_t)snprintf(yaml, sizeof yaml, "%s", PROGRAMME_RICH);
        for (uint32_t i = begin; i < JF_REASONS_MAX && i < begin + JF_RULES_MAX / 2; i++) {
            size += (size_t)snprintf(yaml + size, sizeof yaml - size,
                                     "  - {name: n%u, kind: bonus, points: 1}\n", i);
        }
        struct jf_command command = publish_of(yaml);
        cr_assert_not_null(world_post(&world, &command), "%s", world.refusal.detail);
    }
    while (is_all_versions &&
           jf_reference_programme_count(world.reference) < JF_PROGRAMME_VERSIONS_MAX) {
        struct jf_command command = publish_of(PROGRAMME_PLAIN);
        cr_assert_not_null(world_post(&world, &command));
    }
}

#define ONE_MORE_NAME "  - {name: tea, kind: multiplier, factor: 3, when: {categories: [tea]}}\n"

Test(plan_programme, publish_refusals_come_in_their_order)
{
    reference_fill(true);
    struct jf_command command = publish_of(PROGRAMME_RICH ONE_MORE_NAME "colour: red\n");
    expect_refused(command, JF_REFUSAL_LIMIT_REACHED);
    cr_expect_eq(world.refusal.limit, JF_PROGRAMME_VERSIONS_MAX);
    world_close(&world); // versions do not go away
    world_open(&world, PROGRAMME_RICH);
    reference_fill(false);
    expect_refused(command, JF_REFUSAL_PROGRAMME_INVALID);
    command = publish_of(PROGRAMME_RICH ONE_MORE_NAME);
    expect_refused(command, JF_REFUSAL_LIMIT_REACHED);
    cr_expect_eq(world.refusal.limit, JF_REASONS_MAX);
    command = publish_of(PROGRAMME_RICH);
    cr_expect_not_null(world_post(&world, &command));
}

Test(plan_programme, a_publication_numbers_new_grounds_only)
{
    const struct jf_programme_version *first = jf_reference_programme(world.reference, 1);
    cr_expect_eq(jf_reference_reason_count(world.reference), 4);
    cr_expect(jf_text_equal(first->yaml, jf_text_from(PROGRAMME_RICH)));
    struct jf_command command = publish_of(
        PROGRAMME_RICH "  - {name: tea, kind: multiplier, factor: 3, when: {categories: [tea]}}\n");
    const struct jf_entry *entry = world_post(&world, &command);
    cr_assert_not_null(entry, "%s", world.refusal.detail);
    cr_expect_eq(entry->kind, JF_ENTRY_PUBLICATION);
    cr_expect_eq(entry->member.value, 0);
    cr_expect_eq(entry->business_date, JF_DATE_NONE);
    cr_expect_eq(entry->as.publication.version, 2);
    cr_assert_eq(entry->as.publication.reason_count, 1);
    cr_expect_eq(entry->as.publication.reasons[0].number, 4);
    cr_expect(jf_text_equal(entry->as.publication.reasons[0].name, JF_TEXT("tea")));
    cr_expect_eq(entry->as.publication.effective_from_ms,
                 (int64_t)date_of("2026-01-01") * 86400000);
    cr_expect_eq(jf_reference_programme_newest(world.reference)->version, 2);
    cr_expect_eq(jf_reference_reason_find(world.reference, JF_TEXT("tea")), 4);
}

Test(plan_programme, replaying_the_entry_gives_the_same_reference)
{
    struct jf_command command = publish_of(PROGRAMME_RICH);
    const struct jf_entry *entry = world_post(&world, &command);
    cr_assert_not_null(entry);
    struct world other;
    world_open(&other, PROGRAMME_RICH);
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(jf_reference_prepare(other.reference, entry, &diagnosis), JF_OK, "%s",
                 diagnosis.text);
    jf_reference_apply(other.reference, entry);
    cr_expect_eq(jf_reference_programme_count(other.reference), 2);
    cr_expect_eq(jf_reference_reason_count(other.reference),
                 jf_reference_reason_count(world.reference));
    world_close(&other);
}

Test(plan_programme, one_version_too_many_is_refused)
{
    for (uint32_t i = 1; i < JF_PROGRAMME_VERSIONS_MAX; i++) {
        struct jf_command command = publish_of(PROGRAMME_PLAIN);
        cr_assert_not_null(world_post(&world, &command));
    }
    struct jf_command command = publish_of(PROGRAMME_PLAIN);
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_LIMIT_REACHED);
    cr_expect_eq(world.refusal.limit, JF_PROGRAMME_VERSIONS_MAX);
}

Test(plan_programme, a_store_in_an_unknown_zone_is_refused)
{
    struct jf_command command = store_of(9, JF_TEXT("Europe/Atlantis"));
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_ZONE_UNKNOWN);
    cr_expect_gt(strlen(world.refusal.detail), 10);
    cr_expect_null(jf_reference_store(world.reference, (struct jf_store_id){9}));
}

// A link to itself stands for a disk or rights that withhold the file.
Test(plan_programme, a_store_whose_zone_file_cannot_be_read_is_refused_saying_which_and_why)
{
    char directory[] = "/tmp/jifen-zones-XXXXXX";
    char path[64];
    cr_assert_not_null(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/UTC", directory);
    cr_assert_eq(symlink(path, path), 0);
    jf_reference_destroy(world.reference);
    cr_assert_eq(jf_reference_create(directory, &world.reference), JF_OK);
    struct jf_command command = store_of(9, JF_TEXT("UTC"));
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_ZONE_UNREADABLE);
    cr_expect_not_null(strstr(world.refusal.detail, path), "%s", world.refusal.detail);
    cr_expect_not_null(strstr(world.refusal.detail, strerror(ELOOP)), "%s", world.refusal.detail);
    (void)unlink(path);
    (void)rmdir(directory);
}

static void stores_fill(void)
{
    for (uint32_t i = 4; i <= JF_STORES_MAX; i++) {
        struct jf_entry entry = {.kind = JF_ENTRY_STORE};
        entry.as.store = store_of(i, JF_TEXT("UTC")).as.put_store;
        cr_assert_eq(jf_reference_prepare(world.reference, &entry, NULL), JF_OK);
        jf_reference_apply(world.reference, &entry);
    }
}

Test(plan_programme, one_store_too_many_is_refused_and_known_ones_can_still_change)
{
    stores_fill();
    struct jf_command command = store_of(JF_STORES_MAX + 1, JF_TEXT("UTC"));
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_LIMIT_REACHED);
    command = store_of(5, JF_TEXT("Asia/Shanghai"));
    cr_expect_not_null(world_post(&world, &command));
}

Test(plan_programme, put_store_refusals_come_in_their_order)
{
    stores_fill();
    expect_refused(store_of(JF_STORES_MAX + 1, JF_TEXT("Europe/Atlantis")),
                   JF_REFUSAL_LIMIT_REACHED);
    expect_refused(store_of(5, JF_TEXT("Europe/Atlantis")), JF_REFUSAL_ZONE_UNKNOWN);
    struct jf_command command = store_of(5, JF_TEXT("Asia/Shanghai"));
    cr_expect_not_null(world_post(&world, &command));
}

Test(plan_programme, the_business_day_starts_when_the_store_says)
{
    const struct jf_store *store = jf_reference_store(world.reference, (struct jf_store_id){1});
    int64_t midnight_utc = (int64_t)date_of("2026-03-08") * 86400000; // 08:00 in Shanghai
    cr_expect_eq(jf_store_business_date(store, midnight_utc), date_of("2026-03-08"));
    cr_expect_eq(jf_store_business_date(store, midnight_utc - 4 * 3600000), date_of("2026-03-08"));
    cr_expect_eq(jf_store_business_date(store, midnight_utc - 4 * 3600000 - 1),
                 date_of("2026-03-07"));
}
