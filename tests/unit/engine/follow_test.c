// The change feed over real files: every durable entry once and in order, from any position on,
// beside writes that go on; a follower that nobody reads from holds up nothing.
#include "engine/follow.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>

#include "bench_ledger.h"
#include "engine/entry_codec.h"

static const struct jf_line line_100 = {
    .sku = {"A1", 2}, .category = {"DRUG", 4}, .quantity_milli = 1000, .amount = 10000};

struct reader {
    pthread_mutex_t mutex;
    pthread_cond_t news;
    bool has_news;
    struct jf_follower *follower;
};

static void wake(void *context)
{
    struct reader *reader = context;
    pthread_mutex_lock(&reader->mutex);
    reader->has_news = true;
    pthread_cond_signal(&reader->news);
    pthread_mutex_unlock(&reader->mutex);
}

static enum jf_error render_whole(void *context, struct jf_text entry, struct jf_arena *arena,
                                  struct jf_text *out_message)
{
    (void)context;
    (void)arena;
    *out_message = entry;
    return JF_OK;
}

static enum jf_error render_fails(void *context, struct jf_text entry, struct jf_arena *arena,
                                  struct jf_text *out_message)
{
    (void)context;
    (void)entry;
    (void)arena;
    (void)out_message;
    return JF_ERROR_CORRUPT;
}

// Larger than any entry of the tests, so that chunks fill up soon.
static enum jf_error render_large(void *context, struct jf_text entry, struct jf_arena *arena,
                                  struct jf_text *out_message)
{
    (void)context;
    (void)entry;
    char *bytes = jf_arena_calloc(arena, 1, JF_FOLLOW_CHUNK_BYTES + 1);
    *out_message = (struct jf_text){bytes, JF_FOLLOW_CHUNK_BYTES + 1};
    return bytes == NULL ? JF_ERROR_NO_MEMORY : JF_OK;
}

static struct jf_follow_input input_make(struct reader *reader, uint64_t from)
{
    return (struct jf_follow_input){
        .from_position = from, .render = render_whole, .wake = wake, .wake_context = reader};
}

static void reader_start(struct reader *reader, struct ledger *ledger,
                         const struct jf_follow_input *input)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    pthread_mutex_init(&reader->mutex, NULL);
    pthread_cond_init(&reader->news, NULL);
    reader->has_news = false;
    enum jf_error error = jf_follower_start(ledger->engine, input, &reader->follower, &diagnosis);
    cr_assert_eq(error, JF_OK, "%s", diagnosis.text);
}

static void news_wait(struct reader *reader)
{
    pthread_mutex_lock(&reader->mutex);
    while (!reader->has_news) {
        pthread_cond_wait(&reader->news, &reader->mutex);
    }
    reader->has_news = false;
    pthread_mutex_unlock(&reader->mutex);
}

static struct jf_follow_item item_wait(struct reader *reader)
{
    struct jf_follow_item item = {.position = 0};
    while (!jf_follower_take(reader->follower, &item)) {
        news_wait(reader);
    }
    return item;
}

static struct jf_follow_state end_wait(struct reader *reader)
{
    struct jf_follow_state state;
    for (;;) {
        jf_follower_state(reader->follower, &state);
        if (state.is_ended) {
            return state;
        }
        news_wait(reader);
    }
}

static void sales_post(struct ledger *ledger, uint32_t from, uint32_t count)
{
    for (uint32_t i = from; i < from + count; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "s%u", i);
        struct jf_command sale = command_sale(id, 7, &line_100);
        cr_assert_eq(ledger_write(ledger, &sale)->status, JF_WRITE_POSTED);
        jf_arena_reset(&ledger->arena);
    }
}

// Publication 1, store 2, enrolment 3.
static void start(struct ledger *ledger)
{
    ledger_start(ledger);
    struct jf_command enrol = command_enrol("e1", 7, NULL);
    cr_assert_eq(ledger_write(ledger, &enrol)->status, JF_WRITE_POSTED);
}

Test(follow, brings_every_entry_once_and_in_order_also_those_to_come)
{
    struct ledger ledger;
    struct reader reader;
    start(&ledger);
    sales_post(&ledger, 0, 10);
    struct jf_follow_input input = input_make(&reader, 0);
    reader_start(&reader, &ledger, &input);
    for (uint64_t position = 1; position <= 13; position++) {
        cr_assert_eq(item_wait(&reader).position, position);
    }
    sales_post(&ledger, 10, 50);
    for (uint64_t position = 14; position <= 63; position++) {
        struct jf_follow_item item = item_wait(&reader);
        uint32_t kind = 0;
        cr_assert_eq(item.position, position);
        cr_assert_eq(jf_entry_find_kind(item.message, &kind), JF_OK);
        cr_assert_eq(kind, JF_ENTRY_SALE);
    }
    jf_follower_release(reader.follower);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(follow, goes_on_from_any_position_also_one_ahead)
{
    struct ledger ledger;
    struct reader behind;
    struct reader ahead;
    start(&ledger);
    struct jf_follow_input input = input_make(&behind, 3);
    reader_start(&behind, &ledger, &input);
    input = input_make(&ahead, 6);
    reader_start(&ahead, &ledger, &input);
    sales_post(&ledger, 0, 4);
    for (uint64_t position = 3; position <= 7; position++) {
        cr_assert_eq(item_wait(&behind).position, position);
    }
    cr_assert_eq(item_wait(&ahead).position, 6);
    cr_assert_eq(item_wait(&ahead).position, 7);
    jf_follower_release(behind.follower);
    jf_follower_release(ahead.follower);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(follow, filters_by_kind_and_says_how_far_it_has_looked)
{
    struct ledger ledger;
    struct reader reader;
    start(&ledger);
    struct jf_follow_input input = input_make(&reader, 1);
    input.kinds = UINT64_C(1) << JF_ENTRY_ENROLMENT;
    reader_start(&reader, &ledger, &input);
    cr_assert_eq(item_wait(&reader).position, 3);
    sales_post(&ledger, 0, 5);
    struct jf_command enrol = command_enrol("e2", 8, NULL);
    cr_assert_eq(ledger_write(&ledger, &enrol)->status, JF_WRITE_POSTED);
    cr_assert_eq(item_wait(&reader).position, 9);
    struct jf_follow_item item;
    struct jf_follow_state state = {.looked_position = 0};
    sales_post(&ledger, 5, 1);
    while (state.looked_position < 10) { // the follower passes over it when it pleases
        cr_assert_not(jf_follower_take(reader.follower, &item));
        jf_follower_state(reader.follower, &state);
    }
    cr_assert_eq(state.looked_position, 10);
    jf_follower_release(reader.follower);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(follow, one_that_nobody_reads_from_holds_up_nothing_and_loses_nothing)
{
    struct ledger ledger;
    struct reader stuck;
    struct reader reading;
    start(&ledger);
    struct jf_follow_input input = input_make(&stuck, 1);
    input.render = render_large;
    reader_start(&stuck, &ledger, &input);
    input = input_make(&reading, 1);
    reader_start(&reading, &ledger, &input);
    sales_post(&ledger, 0, 200);
    for (uint64_t position = 1; position <= 203; position++) {
        cr_assert_eq(item_wait(&reading).position, position);
    }
    for (uint64_t position = 1; position <= 203; position++) {
        struct jf_follow_item item = item_wait(&stuck);
        cr_assert_eq(item.position, position);
        cr_assert_eq(item.message.size, JF_FOLLOW_CHUNK_BYTES + 1);
    }
    jf_follower_release(stuck.follower);
    jf_follower_release(reading.follower);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(follow, more_than_the_bound_are_refused_and_a_place_that_was_left_is_free_again)
{
    struct ledger ledger;
    struct reader readers[JF_FOLLOWERS_MAX + 1];
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    start(&ledger);
    for (uint32_t i = 0; i < JF_FOLLOWERS_MAX; i++) {
        struct jf_follow_input input = input_make(&readers[i], 1);
        reader_start(&readers[i], &ledger, &input);
    }
    struct reader *last = &readers[JF_FOLLOWERS_MAX];
    struct jf_follow_input input = input_make(last, 1);
    cr_assert_eq(jf_follower_start(ledger.engine, &input, &last->follower, &diagnosis),
                 JF_ERROR_BUSY);
    cr_assert_neq(diagnosis.text[0], '\0');
    jf_follower_release(readers[3].follower);
    reader_start(last, &ledger, &input);
    cr_assert_eq(item_wait(last).position, 1);
    for (uint32_t i = 0; i <= JF_FOLLOWERS_MAX; i++) {
        jf_follower_release(i == 3 ? NULL : readers[i].follower);
    }
    ledger_close(&ledger);
    ledger_remove(&ledger);
}

Test(follow, ends_when_it_is_stopped_and_when_an_entry_cannot_be_rendered)
{
    struct ledger ledger;
    struct reader stopped;
    struct reader broken;
    start(&ledger);
    struct jf_follow_input input = input_make(&stopped, 100);
    reader_start(&stopped, &ledger, &input);
    jf_follower_stop(stopped.follower);
    cr_assert_eq(end_wait(&stopped).error, JF_ERROR_CLOSED);
    input = input_make(&broken, 1);
    input.render = render_fails;
    reader_start(&broken, &ledger, &input);
    struct jf_follow_state state = end_wait(&broken);
    cr_assert_eq(state.error, JF_ERROR_CORRUPT);
    cr_assert(strstr(state.diagnosis.text, "entry 1 ") != NULL, "%s", state.diagnosis.text);
    jf_follower_release(stopped.follower);
    jf_follower_release(broken.follower);
    ledger_close(&ledger);
    ledger_remove(&ledger);
}
