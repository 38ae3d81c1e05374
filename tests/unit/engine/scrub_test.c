// The scrubber beside a running ledger: what it finds, tells, passes over and remembers.
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_ledger.h"
#include "engine/scrub_private.h"

#define TEXT_BYTES (900u << 10) // of a programme: five of them fill a segment

static const struct jf_line line_100 = {
    .sku = {"A1", 2}, .category = {"DRUG", 4}, .quantity_milli = 1000, .amount = 10000};

struct told {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    uint32_t count;
    char texts[4][JF_DIAGNOSIS_TEXT_MAX];
};

static void on_damage(void *context, const char *text)
{
    struct told *told = context;
    pthread_mutex_lock(&told->mutex);
    if (told->count < 4) {
        snprintf(told->texts[told->count], sizeof told->texts[0], "%s", text);
    }
    told->count += 1;
    pthread_cond_broadcast(&told->condition);
    pthread_mutex_unlock(&told->mutex);
}

static void told_wait(struct told *told, uint32_t count)
{
    pthread_mutex_lock(&told->mutex);
    while (told->count < count) {
        pthread_cond_wait(&told->condition, &told->mutex);
    }
    pthread_mutex_unlock(&told->mutex);
}

static void make(struct ledger *ledger, struct told *told)
{
    memset(told, 0, sizeof *told);
    pthread_mutex_init(&told->mutex, NULL);
    pthread_cond_init(&told->condition, NULL);
    ledger_make(ledger);
    ledger->config.on_damage = on_damage;
    ledger->config.on_damage_context = told;
}

// Publishes programmes with long comments until `segments` of 4 MiB are full.
static void segments_fill(struct ledger *ledger, uint32_t segments)
{
    char *yaml = malloc(TEXT_BYTES);
    cr_assert_not_null(yaml);
    size_t size = strlen(LEDGER_PROGRAMME);
    memcpy(yaml, LEDGER_PROGRAMME, size);
    memset(yaml + size, 'x', TEXT_BYTES - size);
    yaml[size] = '#';
    yaml[TEXT_BYTES - 1] = '\n';
    for (uint32_t i = 0; i < segments * 5; i++) {
        char id[16];
        snprintf(id, sizeof id, "long-%u", i);
        struct jf_command publish = {.kind = JF_COMMAND_PUBLISH,
                                     .transaction_id = jf_text_from(id)};
        publish.as.publish.yaml = (struct jf_text){yaml, TEXT_BYTES};
        cr_assert_eq(ledger_write(ledger, &publish)->status, JF_WRITE_POSTED);
        jf_arena_reset(&ledger->arena);
    }
    free(yaml);
}

static void segment_flip(const struct ledger *ledger, uint32_t segment, off_t offset)
{
    char path[128];
    unsigned char byte = 0;
    snprintf(path, sizeof path, "%s/journal/segment-%016x.jfl", ledger->directory, segment);
    int fd = open(path, O_RDWR);
    cr_assert_geq(fd, 0);
    cr_assert_eq(pread(fd, &byte, 1, offset), 1);
    byte ^= 0x10;
    cr_assert_eq(pwrite(fd, &byte, 1, offset), 1);
    cr_assert_eq(fsync(fd), 0);
    close(fd);
}

static const struct jf_scrub_status *status_of(struct ledger *ledger)
{
    struct jf_request request = {.kind = JF_REQUEST_STATUS};
    jf_arena_reset(&ledger->arena);
    ledger_ask(ledger, &request);
    cr_assert_not_null(request.answer.status);
    return &request.answer.status->scrub;
}

Test(scrub, flipped_byte_in_an_old_segment_is_told_and_selling_goes_on)
{
    struct ledger ledger;
    struct told told;
    make(&ledger, &told);
    ledger.config.scrub_period_us = 1; // one pass after the other
    ledger_begin(&ledger);
    segments_fill(&ledger, 1);
    segment_flip(&ledger, 1, 300);
    told_wait(&told, 1);
    cr_assert_not_null(strstr(told.texts[0], "segment-0000000000000001.jfl"), "%s", told.texts[0]);
    cr_assert_not_null(strstr(told.texts[0], "offset 0"), "%s", told.texts[0]);
    cr_assert_not_null(strstr(told.texts[0], "backup"), "%s", told.texts[0]);
    cr_assert_geq(status_of(&ledger)->damage_count, 1);
    cr_assert_str_eq(status_of(&ledger)->damage, told.texts[0]);
    struct jf_command enrol = command_enrol("e1", 7, NULL);
    cr_assert_eq(ledger_write(&ledger, &enrol)->status, JF_WRITE_POSTED);
    struct jf_command sale = command_sale("s1", 7, &line_100);
    cr_assert_eq(ledger_write(&ledger, &sale)->status, JF_WRITE_POSTED);
    segment_flip(&ledger, 1, 300); // mended
    while (status_of(&ledger)->damage_count > 0) {
        told_wait(&told, 1);
    }
    cr_assert_str_eq(status_of(&ledger)->damage, "");
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(scrub, each_damaged_segment_of_a_pass_is_told)
{
    struct ledger ledger;
    struct told told;
    make(&ledger, &told);
    ledger_begin(&ledger);
    segments_fill(&ledger, 3);
    ledger_close(&ledger);
    segment_flip(&ledger, 1, 20);      // the header of its first block
    segment_flip(&ledger, 2, 5 << 12); // the payload of its first
    ledger.config.scrub_period_us = UINT64_MAX / 2;
    ledger_open(&ledger);
    told_wait(&told, 2);
    while (status_of(&ledger)->passed_us == 0) {
    }
    cr_assert_eq(told.count, 2);
    cr_assert_not_null(strstr(told.texts[0], "segment-0000000000000001.jfl"), "%s", told.texts[0]);
    cr_assert_not_null(strstr(told.texts[1], "segment-0000000000000002.jfl"), "%s", told.texts[1]);
    ledger_close(&ledger);
    // What was found is still known after a restart, and nothing is read again before it is due.
    ledger_open(&ledger);
    cr_assert_eq(status_of(&ledger)->damage_count, 2);
    cr_assert_str_eq(status_of(&ledger)->damage, told.texts[0]);
    ledger_close(&ledger);
    cr_assert_eq(told.count, 2);
    ledger_remove(&ledger);
}

Test(scrub, whole_ledger_gives_no_alarm_while_it_is_written)
{
    struct ledger ledger;
    struct told told;
    make(&ledger, &told);
    ledger.config.scrub_period_us = 1;
    ledger.config.checkpoint_entries = 50; // tables come and go
    ledger_begin(&ledger);
    struct jf_command enrol = command_enrol("e1", 7, NULL);
    cr_assert_eq(ledger_write(&ledger, &enrol)->status, JF_WRITE_POSTED);
    uint32_t sold = 0;
    for (uint64_t passed_us = 0, passes = 0; passes < 20 || sold < 500; sold++) {
        char id[16];
        snprintf(id, sizeof id, "s%u", sold);
        struct jf_command sale = command_sale(id, 7, &line_100);
        cr_assert_eq(ledger_write(&ledger, &sale)->status, JF_WRITE_POSTED);
        uint64_t now_us = status_of(&ledger)->passed_us;
        passes += now_us != passed_us ? 1 : 0;
        passed_us = now_us;
    }
    cr_assert_eq(told.count, 0, "%s", told.texts[0]);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(scrub, lost_state_is_told_once_a_pass_and_does_not_stop_it)
{
    char directory[] = "/tmp/jifen-scrub-XXXXXX";
    cr_assert_not_null(mkdtemp(directory));
    struct jf_scrub_reading reading = {.journal_directory = directory,
                                       .state_directory = directory};
    struct jf_scrub_memory memory = {.begun_us = 1};
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    uint64_t bytes = 0;
    uint32_t failures = 0;
    for (uint32_t i = 0; i < 2; i++) {
        cr_assert_neq(memory.part, JF_SCRUB_DONE);
        failures += jf_scrub_read(&reading, &memory, 1 << 20, &bytes, &diagnosis) != JF_OK;
    }
    cr_assert_eq(memory.part, JF_SCRUB_DONE);
    cr_assert_geq(failures, 1);
    rmdir(directory);
}

Test(scrub, place_and_findings_come_back_from_the_file)
{
    char directory[] = "/tmp/jifen-scrub-XXXXXX";
    cr_assert_not_null(mkdtemp(directory));
    struct jf_scrub_memory memory = {.begun_us = 17,
                                     .part = JF_SCRUB_STATE,
                                     .position = 9,
                                     .segment = 3,
                                     .has_found = true,
                                     .place = {.family = 2, .key_size = 3, .key = {0, 0xab, 0xff}},
                                     .status = {.passed_us = 5, .damage_count = 2}};
    snprintf(memory.status.damage, sizeof memory.status.damage, "segment x, offset 4096: bad");
    jf_scrub_memory_save(directory, &memory);
    struct jf_scrub_memory back;
    jf_scrub_memory_load(directory, &back);
    cr_assert_eq(back.begun_us, 17);
    cr_assert_eq(back.part, JF_SCRUB_STATE);
    cr_assert(back.position == 9 && back.segment == 3 && back.has_found);
    cr_assert_eq(back.place.family, 2);
    cr_assert_eq(back.place.key_size, 3);
    cr_assert_eq(memcmp(back.place.key, memory.place.key, 3), 0);
    cr_assert(back.status.passed_us == 5 && back.status.damage_count == 2);
    cr_assert_str_eq(back.status.damage, memory.status.damage);
    char path[64];
    snprintf(path, sizeof path, "%s/scrub", directory);
    static const char *const others[] = {"", "jifen-scrub 2\nbegun_us 5\n", "jifen-scrub 1\nx 1\n",
                                         "jifen-scrub 1\npart 7\n"};
    for (uint32_t i = 0; i < 4; i++) {
        FILE *file = fopen(path, "w");
        cr_assert_not_null(file);
        fputs(others[i], file);
        fclose(file);
        jf_scrub_memory_load(directory, &back);
        cr_assert_eq(back.begun_us, 0, "what is not understood counts as none");
    }
    unlink(path);
    rmdir(directory);
}
