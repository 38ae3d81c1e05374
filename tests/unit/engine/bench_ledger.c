// The fixture of the engine's tests. Failures of set-up fail the test that asked for it.
#include "bench_ledger.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The clock of the tests: a millisecond passes with each look.
static uint64_t clock_read(void *context)
{
    struct ledger *ledger = context;
    ledger->clock_us += 1000;
    return ledger->clock_us;
}

void ledger_make(struct ledger *ledger)
{
    memset(ledger, 0, sizeof *ledger);
    snprintf(ledger->directory, sizeof ledger->directory, "/tmp/jifen-engine-XXXXXX");
    cr_assert_not_null(mkdtemp(ledger->directory));
    ledger->config = jf_engine_config_default();
    ledger->config.data_directory = ledger->directory;
    ledger->config.segment_bytes = (uint64_t)4 << 20;
    ledger->config.reserve_bytes = 0;
    ledger->config.cache_bytes = (uint64_t)8 << 20;
    ledger->config.filter_bytes = (uint64_t)1 << 20;
    ledger->config.write_buffer_bytes = (uint64_t)8 << 20;
    ledger->config.block_cache_bytes = (uint64_t)4 << 20;
    ledger->config.lane_queue_length = 64;
    ledger->config.clock_us = clock_read;
    ledger->config.clock_context = ledger;
    ledger->clock_us = (uint64_t)LEDGER_NOW_MS * 1000;
    jf_arena_init(&ledger->arena, 65536, (size_t)64 << 20);
    pthread_mutex_init(&ledger->mutex, NULL);
    pthread_cond_init(&ledger->answered, NULL);
}

static void wake(void *context)
{
    struct ledger *ledger = context;
    pthread_mutex_lock(&ledger->mutex);
    pthread_cond_signal(&ledger->answered);
    pthread_mutex_unlock(&ledger->mutex);
}

void ledger_open(struct ledger *ledger)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    enum jf_error error =
        jf_engine_open(&ledger->config, &ledger->engine, &ledger->opening, &diagnosis);
    cr_assert_eq(error, JF_OK, "%s", diagnosis.text);
    error = jf_engine_lane_open(ledger->engine, wake, ledger, &ledger->lane);
    cr_assert_eq(error, JF_OK);
}

void ledger_close(struct ledger *ledger)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    jf_engine_lane_close(ledger->lane);
    cr_assert_eq(jf_engine_close(ledger->engine, &diagnosis), JF_OK, "%s", diagnosis.text);
    ledger->lane = NULL;
    ledger->engine = NULL;
}

static int file_remove(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

void ledger_remove(struct ledger *ledger)
{
    nftw(ledger->directory, file_remove, 16, FTW_DEPTH | FTW_PHYS);
    jf_arena_deinit(&ledger->arena);
}

void ledger_ask(struct ledger *ledger, struct jf_request *request)
{
    request->arena = &ledger->arena;
    cr_assert_eq(jf_lane_submit(ledger->lane, request), JF_OK);
    jf_lane_flush(ledger->lane);
    pthread_mutex_lock(&ledger->mutex);
    while (!jf_lane_has_answers(ledger->lane)) {
        pthread_cond_wait(&ledger->answered, &ledger->mutex);
    }
    pthread_mutex_unlock(&ledger->mutex);
    cr_assert_eq(jf_lane_collect(ledger->lane), request);
}

struct jf_write *ledger_write(struct ledger *ledger, const struct jf_command *command)
{
    memset(&ledger->write, 0, sizeof ledger->write);
    ledger->write.command = *command;
    struct jf_request request = {
        .kind = JF_REQUEST_WRITE, .writes = &ledger->write, .write_count = 1};
    ledger_ask(ledger, &request);
    return &ledger->write;
}

void ledger_begin(struct ledger *ledger)
{
    ledger_open(ledger);
    struct jf_command publish = {.kind = JF_COMMAND_PUBLISH, .transaction_id = JF_TEXT("publish")};
    publish.as.publish.yaml = JF_TEXT(LEDGER_PROGRAMME);
    publish.as.publish.file_name = JF_TEXT("test.yaml");
    struct jf_write *write = ledger_write(ledger, &publish);
    cr_assert_eq(write->status, JF_WRITE_POSTED, "%s",
                 write->refusal == NULL ? "" : write->refusal->detail);
    struct jf_command store = {.kind = JF_COMMAND_PUT_STORE, .transaction_id = JF_TEXT("store")};
    store.as.put_store = (struct jf_put_store_command){
        .store = {1}, .entity = {1}, .zone = JF_TEXT("Asia/Shanghai")};
    cr_assert_eq(ledger_write(ledger, &store)->status, JF_WRITE_POSTED);
}

void ledger_start(struct ledger *ledger)
{
    ledger_make(ledger);
    ledger_begin(ledger);
}

struct jf_command command_enrol(const char *id, uint64_t number, const struct jf_text *card)
{
    struct jf_command command = {.kind = JF_COMMAND_ENROL, .transaction_id = jf_text_from(id)};
    command.as.enrol.number.value = number;
    command.as.enrol.enrolled_on = 20000; // 2024-10-04
    command.as.enrol.cards = card;
    command.as.enrol.card_count = card == NULL ? 0 : 1;
    return command;
}

struct jf_command command_sale(const char *id, uint64_t member, const struct jf_line *line)
{
    struct jf_command command = {.kind = JF_COMMAND_SALE, .transaction_id = jf_text_from(id)};
    command.as.sale.member.number.value = member;
    command.as.sale.receipt = (struct jf_receipt){.store = {1},
                                                  .terminal = 1,
                                                  .number = jf_text_from(id),
                                                  .sold_at_ms = LEDGER_NOW_MS - 60000,
                                                  .lines = line,
                                                  .line_count = 1};
    return command;
}

struct jf_command command_redeem(const char *id, uint64_t member, int64_t points)
{
    struct jf_command command = {.kind = JF_COMMAND_REDEEM, .transaction_id = jf_text_from(id)};
    command.as.redeem.member.number.value = member;
    command.as.redeem.store.value = 1;
    command.as.redeem.redeemed_at_ms = LEDGER_NOW_MS - 30000;
    command.as.redeem.points = points;
    return command;
}

struct jf_command command_hold(const char *id, uint64_t member, int64_t points)
{
    struct jf_command command = {.kind = JF_COMMAND_HOLD, .transaction_id = jf_text_from(id)};
    command.as.hold.member.number.value = member;
    command.as.hold.store.value = 1;
    command.as.hold.held_at_ms = LEDGER_NOW_MS - 30000;
    command.as.hold.points = points;
    command.as.hold.deadline_ms = LEDGER_NOW_MS + 60000;
    return command;
}

struct jf_command command_capture(const char *id, const char *hold_id, int64_t points)
{
    struct jf_command command = {.kind = JF_COMMAND_CAPTURE, .transaction_id = jf_text_from(id)};
    command.as.capture.hold_transaction_id = jf_text_from(hold_id);
    command.as.capture.captured_at_ms = LEDGER_NOW_MS - 20000;
    command.as.capture.points = points;
    return command;
}

struct jf_command command_void(const char *id, const char *hold_id)
{
    struct jf_command command = {.kind = JF_COMMAND_VOID, .transaction_id = jf_text_from(id)};
    command.as.void_hold.hold_transaction_id = jf_text_from(hold_id);
    command.as.void_hold.voided_at_ms = LEDGER_NOW_MS - 20000;
    return command;
}

struct jf_command command_return_all(const char *id, const char *sale_id)
{
    struct jf_command command = {.kind = JF_COMMAND_RETURN, .transaction_id = jf_text_from(id)};
    command.as.sale_return.sale_transaction_id = jf_text_from(sale_id);
    command.as.sale_return.store.value = 1;
    command.as.sale_return.returned_at_ms = LEDGER_NOW_MS - 20000;
    command.as.sale_return.is_all = true;
    return command;
}
