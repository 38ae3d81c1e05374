// Slots of requests go round: filled, submitted, answered, filled again, so that the ledger thread
// never waits for commands while there are free slots.
// Fails: no memory; an engine that does not open or stops; a refused command.
#include "bench/inproc.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/null_store.h"
#include "bench/options.h"
#include "bench/random.h"
#include "engine/file_copy.h"
#include "journal/reader.h"

#define STORES         100u
#define CATEGORIES     20u
#define AMOUNT_MAX     20000u
#define WAIT_MS        100
#define ENROLLED_ON    20454 // 2026-01-01, days since 1970
#define SLOT_ARENA_MAX ((size_t)64 << 20)
#define ID_BYTES       24u

// Of programme_bytes.c, made at build time from tools/samples/programme-pharmacy.yaml.
extern const unsigned char jf_bench_programme_bytes[];
extern const uint32_t jf_bench_programme_bytes_size;

// What one command borrows.
struct jf_inproc_sale {
    char id[ID_BYTES];
    struct jf_line lines[JF_INPROC_LINES];
};

// Writes the next command of a slot.
typedef void (*command_fill)(struct jf_inproc *ledger, struct jf_inproc_sale *sale,
                             struct jf_command *command);

// A letter and the number in hexadecimal: the same size for all.
static struct jf_text id_write(struct jf_inproc_sale *sale, char letter, uint64_t number)
{
    static const char digits[] = "0123456789abcdef";
    sale->id[0] = letter;
    for (uint32_t i = 0; i < 16; i++) {
        sale->id[16 - i] = digits[number >> (4 * i) & 15];
    }
    return (struct jf_text){sale->id, 17};
}

static uint64_t member_draw(struct jf_inproc *ledger)
{
    uint64_t bits = jf_random_next(&ledger->random);
    return ledger->theta == 0
               ? bits % ledger->member_count
               : jf_zipf_place(jf_zipf_rank(&ledger->zipf, bits), ledger->member_count);
}

static void sale_fill(struct jf_inproc *ledger, struct jf_inproc_sale *sale,
                      struct jf_command *command)
{
    static const char categories[CATEGORIES][4] = {"OTC", "RX",  "c02", "c03", "c04", "c05", "c06",
                                                   "c07", "c08", "c09", "c10", "c11", "c12", "c13",
                                                   "c14", "c15", "c16", "c17", "c18", "c19"};
    for (uint32_t i = 0; i < JF_INPROC_LINES; i++) {
        uint64_t bits = jf_random_next(&ledger->random);
        sale->lines[i] = (struct jf_line){.sku = JF_TEXT("6901234567892"),
                                          .category = jf_text_from(categories[bits % CATEGORIES]),
                                          .quantity_milli = 1000,
                                          .amount = 1 + (int64_t)(bits >> 32) % AMOUNT_MAX};
    }
    uint64_t bits = jf_random_next(&ledger->random);
    struct jf_text id = id_write(sale, 's', ledger->next++);
    *command = (struct jf_command){.kind = JF_COMMAND_SALE, .transaction_id = id};
    command->as.sale =
        (struct jf_sale_command){.member = {.number = {1 + member_draw(ledger)}},
                                 .receipt = {.store = {1 + (uint32_t)(bits % STORES)},
                                             .terminal = 1,
                                             .number = id,
                                             .sold_at_ms = ledger->sold_at_ms,
                                             .lines = sale->lines,
                                             .line_count = JF_INPROC_LINES}};
}

static void enrolment_fill(struct jf_inproc *ledger, struct jf_inproc_sale *sale,
                           struct jf_command *command)
{
    uint64_t number = ++ledger->next;
    *command = (struct jf_command){.kind = JF_COMMAND_ENROL,
                                   .transaction_id = id_write(sale, 'e', number)};
    command->as.enrol = (struct jf_enrol_command){.number = {number},
                                                  .enrolled_on = ENROLLED_ON,
                                                  .birth_month = (uint8_t)(number % 12 + 1),
                                                  .birth_day = (uint8_t)(number % 28 + 1)};
}

static void store_fill(struct jf_inproc *ledger, struct jf_inproc_sale *sale,
                       struct jf_command *command)
{
    uint64_t number = ++ledger->next;
    *command = (struct jf_command){.kind = JF_COMMAND_PUT_STORE,
                                   .transaction_id = id_write(sale, 't', number)};
    command->as.put_store = (struct jf_put_store_command){.store = {(uint32_t)number},
                                                          .entity = {1},
                                                          .region = JF_TEXT("east"),
                                                          .zone = JF_TEXT("Asia/Shanghai")};
}

static void programme_fill(struct jf_inproc *ledger, struct jf_inproc_sale *sale,
                           struct jf_command *command)
{
    *command = (struct jf_command){.kind = JF_COMMAND_PUBLISH,
                                   .transaction_id = id_write(sale, 'p', ++ledger->next)};
    command->as.publish = (struct jf_publish_command){
        .yaml = {(const char *)jf_bench_programme_bytes, jf_bench_programme_bytes_size},
        .file_name = JF_TEXT("programme-pharmacy.yaml")};
}

// Called by the ledger thread.
static void wake(void *context)
{
    const struct jf_inproc *ledger = context;
    uint64_t one = 1;
    if (write(ledger->wake_fd, &one, sizeof one) != sizeof one) {
        return; // the counter is full: it is awake already
    }
}

static void wait_for_answers(struct jf_inproc *ledger)
{
    struct pollfd answers = {.fd = ledger->wake_fd, .events = POLLIN};
    uint64_t count = 0;
    if (!jf_lane_has_answers(ledger->lane) && poll(&answers, 1, WAIT_MS) > 0 &&
        read(ledger->wake_fd, &count, sizeof count) < 0) {
        return; // another look shows what there is
    }
}

static enum jf_error slot_submit(struct jf_inproc *ledger, struct jf_inproc_slot *slot,
                                 uint32_t count, command_fill fill, struct jf_diagnosis *diagnosis)
{
    jf_arena_reset(&slot->arena);
    struct jf_write *writes = jf_arena_calloc(&slot->arena, count, sizeof *writes);
    if (writes == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for a batch");
    }
    for (uint32_t i = 0; i < count; i++) {
        fill(ledger, &slot->sales[i], &writes[i].command);
    }
    slot->request = (struct jf_request){.kind = JF_REQUEST_WRITE,
                                        .arena = &slot->arena,
                                        .origin = slot,
                                        .writes = writes,
                                        .write_count = count};
    enum jf_error error = jf_lane_submit(ledger->lane, &slot->request);
    if (error != JF_OK) {
        return jf_engine_has_failed(ledger->engine, diagnosis)
                   ? error
                   : jf_diagnose(diagnosis, error, "the lane takes no more");
    }
    slot->is_free = false;
    jf_lane_flush(ledger->lane);
    return JF_OK;
}

static enum jf_error answers_check(const struct jf_request *request, struct jf_diagnosis *diagnosis)
{
    for (uint32_t i = 0; i < request->write_count; i++) {
        const struct jf_write *write = &request->writes[i];
        if (write->status != JF_WRITE_POSTED) {
            const struct jf_refusal *refusal = write->refusal;
            return jf_diagnose(diagnosis, JF_ERROR_INVALID, "a command was not posted: %s %s",
                               refusal == NULL ? "" : jf_refusal_name(refusal->code),
                               refusal == NULL ? "" : refusal->detail);
        }
    }
    return JF_OK;
}

static enum jf_error answers_take(struct jf_inproc *ledger, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = JF_OK;
    for (struct jf_request *request = jf_lane_collect(ledger->lane); request != NULL;
         request = jf_lane_collect(ledger->lane)) {
        struct jf_inproc_slot *slot = request->origin;
        error = error == JF_OK ? answers_check(request, diagnosis) : error;
        ledger->posted += request->write_count;
        slot->is_free = true;
    }
    return error;
}

static struct jf_inproc_slot *slot_free(struct jf_inproc *ledger)
{
    for (uint32_t i = 0; i < ledger->slot_count; i++) {
        if (ledger->slots[i].is_free) {
            return &ledger->slots[i];
        }
    }
    return NULL;
}

static enum jf_error commands_post(struct jf_inproc *ledger, uint64_t count, command_fill fill,
                                   struct jf_diagnosis *diagnosis)
{
    uint64_t end = ledger->posted + count;
    uint64_t given = ledger->posted;
    enum jf_error error = JF_OK;
    while (error == JF_OK && ledger->posted < end) {
        bool goes_on = given < end && !jf_interrupt_seen();
        struct jf_inproc_slot *slot = goes_on ? slot_free(ledger) : NULL;
        if (slot != NULL) {
            uint64_t left = end - given;
            uint32_t size = left < ledger->batch_size ? (uint32_t)left : ledger->batch_size;
            error = slot_submit(ledger, slot, size, fill, diagnosis);
            given += size;
        } else if (jf_lane_outstanding(ledger->lane) == 0) {
            return JF_OK; // interrupted
        } else {
            wait_for_answers(ledger);
        }
        error = error == JF_OK ? answers_take(ledger, diagnosis) : error;
    }
    return error;
}

static enum jf_error slots_make(struct jf_inproc *ledger, struct jf_diagnosis *diagnosis)
{
    ledger->slots = calloc(ledger->slot_count, sizeof *ledger->slots);
    bool is_made = ledger->slots != NULL;
    for (uint32_t i = 0; is_made && i < ledger->slot_count; i++) {
        struct jf_inproc_slot *slot = &ledger->slots[i];
        jf_arena_init(&slot->arena, (size_t)1 << 20, SLOT_ARENA_MAX);
        slot->sales = calloc(ledger->batch_size, sizeof *slot->sales);
        slot->is_free = true;
        is_made = slot->sales != NULL;
    }
    ledger->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return is_made && ledger->wake_fd >= 0
               ? JF_OK
               : jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for the batches");
}

// Programme, stores, members: each kind numbers its commands from 1.
static enum jf_error population_post(struct jf_inproc *ledger, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = commands_post(ledger, 1, programme_fill, diagnosis);
    ledger->next = 0;
    if (error == JF_OK) {
        error = commands_post(ledger, STORES, store_fill, diagnosis);
    }
    ledger->next = 0;
    if (error == JF_OK) {
        error = commands_post(ledger, ledger->member_count, enrolment_fill, diagnosis);
    }
    ledger->next = 0;
    ledger->posted = 0;
    return error;
}

enum jf_error jf_inproc_open(struct jf_inproc *ledger, const char *parent, uint64_t cache_bytes,
                             struct jf_diagnosis *diagnosis)
{
    char data[JF_PATH_SIZE + 8];
    struct jf_engine_config config = jf_engine_config_default();
    ledger->wake_fd = -1;
    enum jf_error error = jf_scratch_create(&ledger->scratch, parent, diagnosis);
    error = error == JF_OK ? slots_make(ledger, diagnosis) : error;
    (void)snprintf(data, sizeof data, "%s/data", ledger->scratch.path);
    config.data_directory = data;
    config.cache_bytes = cache_bytes;
    if (ledger->is_without_state) {
        config.store_open = jf_null_store_open;
        config.scrub_period_us = 0;
    }
    if (ledger->theta > 0) {
        jf_zipf_init(&ledger->zipf, ledger->member_count, ledger->theta);
    }
    if (error == JF_OK) {
        error = jf_engine_open(&config, &ledger->engine, NULL, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_engine_lane_open(ledger->engine, wake, ledger, &ledger->lane);
    }
    ledger->sold_at_ms = jf_bench_unix_time_ms();
    return error == JF_OK ? population_post(ledger, diagnosis) : error;
}

enum jf_error jf_inproc_post(struct jf_inproc *ledger, uint64_t count,
                             struct jf_diagnosis *diagnosis)
{
    return commands_post(ledger, count, sale_fill, diagnosis);
}

struct tables {
    int fd;
    uint64_t bytes;
};

static enum jf_error table_add(void *context, const char *name, struct jf_diagnosis *diagnosis)
{
    struct tables *tables = context;
    struct stat status;
    size_t size = strlen(name);
    (void)diagnosis;
    if (size > 4 && strcmp(name + size - 4, ".sst") == 0 &&
        fstatat(tables->fd, name, &status, 0) == 0) {
        tables->bytes += (uint64_t)status.st_size;
    }
    return JF_OK;
}

static enum jf_error rest_look(const char *data, struct jf_inproc_rest *out_rest,
                               struct jf_diagnosis *diagnosis)
{
    char path[JF_PATH_SIZE + 24];
    struct jf_journal_end end = {0};
    struct jf_journal_end_search search = {.until_position = UINT64_MAX};
    struct tables tables = {.fd = -1};
    (void)snprintf(path, sizeof path, "%s/data/journal", data);
    enum jf_error error = jf_journal_find_end(path, &search, &end, diagnosis);
    (void)snprintf(path, sizeof path, "%s/data/state", data);
    if (error == JF_OK) {
        error = jf_folder_open(AT_FDCWD, path, &tables.fd, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_folder_list(tables.fd, table_add, &tables, diagnosis);
        (void)close(tables.fd);
    }
    uint64_t segment_bytes = jf_engine_config_default().segment_bytes;
    *out_rest = (struct jf_inproc_rest){
        .entries = end.last_position,
        .journal_bytes = end.block.sequence == 0 ? 0
                                                 : (end.block.segment - 1) * segment_bytes +
                                                       end.block.offset + end.block.length,
        .state_bytes = tables.bytes};
    return error;
}

enum jf_error jf_inproc_settle(struct jf_inproc *ledger, struct jf_inproc_rest *out_rest,
                               struct jf_diagnosis *diagnosis)
{
    jf_engine_lane_close(ledger->lane);
    ledger->lane = NULL;
    enum jf_error error = jf_engine_close(ledger->engine, diagnosis);
    ledger->engine = NULL;
    return error == JF_OK ? rest_look(ledger->scratch.path, out_rest, diagnosis) : error;
}

void jf_inproc_close(struct jf_inproc *ledger)
{
    struct jf_diagnosis ignored;
    while (ledger->lane != NULL && jf_lane_outstanding(ledger->lane) > 0) {
        wait_for_answers(ledger);
        (void)answers_take(ledger, &ignored);
    }
    jf_engine_lane_close(ledger->lane);
    (void)jf_engine_close(ledger->engine, &ignored);
    for (uint32_t i = 0; ledger->slots != NULL && i < ledger->slot_count; i++) {
        jf_arena_deinit(&ledger->slots[i].arena);
        free(ledger->slots[i].sales);
    }
    free(ledger->slots);
    if (ledger->wake_fd >= 0) {
        (void)close(ledger->wake_fd);
    }
    jf_scratch_remove(&ledger->scratch);
}
