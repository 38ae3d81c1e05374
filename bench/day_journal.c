// The journal is read once to find the day, where none is named, and once for its sales. Fails:
// what is no ledger; a damaged journal; a day without sales.
#include "bench/day_journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/options.h"
#include "bench/tool.h"
#include "engine/entry_codec.h"
#include "jifen/v1/ledger.pb-c.h"
#include "jifen/v1/members.pb-c.h"
#include "jifen/v1/programmes.pb-c.h"
#include "journal/reader.h"
#include "rules/entry.h"

#define ARENA_BYTES     ((size_t)1 << 20)
#define ARENA_BYTES_MAX ((size_t)16 << 30)
#define ENTRY_BYTES_MAX ((size_t)64 << 20)
#define TOOL_TIMEOUT_S  3600u

typedef enum jf_error (*entry_look)(struct jf_day_journal *journal, const struct jf_entry *entry,
                                    struct jf_diagnosis *diagnosis);

static enum jf_error journal_walk(struct jf_day_journal *journal, const char *directory,
                                  entry_look look, struct jf_diagnosis *diagnosis)
{
    struct jf_journal_reader *reader = NULL;
    struct jf_arena arena;
    enum jf_error error = jf_journal_reader_open(directory, 0, &reader, diagnosis);
    if (error != JF_OK) {
        return error == JF_ERROR_NOT_FOUND
                   ? jf_diagnose(diagnosis, error,
                                 "there is no journal in %.300s: --from-journal takes a ledger's "
                                 "directory",
                                 directory)
                   : error;
    }
    jf_arena_init(&arena, ARENA_BYTES, ENTRY_BYTES_MAX);
    while (error == JF_OK && !jf_interrupt_seen()) {
        struct jf_journal_entry raw;
        struct jf_entry entry;
        error = jf_journal_reader_next(reader, &raw, diagnosis);
        if (error == JF_OK) {
            jf_arena_reset(&arena);
            error = jf_entry_decode((struct jf_text){(const char *)raw.bytes, raw.size}, &arena,
                                    &entry, diagnosis);
        }
        if (error == JF_OK) {
            error = look(journal, &entry, diagnosis);
        }
    }
    jf_arena_deinit(&arena);
    jf_journal_reader_close(reader);
    return error == JF_ERROR_NOT_FOUND ? JF_OK : error;
}

static enum jf_error day_look(struct jf_day_journal *journal, const struct jf_entry *entry,
                              struct jf_diagnosis *diagnosis)
{
    (void)diagnosis;
    if (entry->kind == JF_ENTRY_SALE && entry->business_date > journal->date) {
        journal->date = entry->business_date;
    }
    return JF_OK;
}

// ---- What is sent again ---------------------------------------------------------------

static enum jf_error no_memory(struct jf_diagnosis *diagnosis)
{
    return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for the day's sales");
}

// Room for one more element. Returns: the array, moved; NULL with the old one kept.
static void *room_make(void *array, uint64_t count, uint64_t *capacity, size_t size)
{
    if (count < *capacity) {
        return array;
    }
    uint64_t wanted = *capacity == 0 ? 1024 : *capacity * 2;
    void *grown = realloc(array, wanted * size);
    *capacity = grown == NULL ? *capacity : wanted;
    return grown;
}

// A terminated copy that stays. Empty where there is no memory, which the caller's bytes tell too.
static char *text_keep(struct jf_arena *arena, struct jf_text text)
{
    char *copy = jf_arena_alloc(arena, (size_t)text.size + 1);
    static char empty[] = "";
    if (copy == NULL) {
        return empty;
    }
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    return copy;
}

// In: arrays of the receipt's size. Out: messages that live in the arena.
static bool receipt_fill(struct jf_arena *arena, const struct jf_receipt *from,
                         Jifen__V1__Receipt *receipt)
{
    receipt->store = from->store.value;
    receipt->terminal = from->terminal;
    receipt->number = text_keep(arena, from->number);
    receipt->sold_at_ms = from->sold_at_ms;
    receipt->lines = jf_arena_calloc(arena, from->line_count, sizeof(Jifen__V1__Line *));
    receipt->tenders = jf_arena_calloc(arena, from->tender_count, sizeof(Jifen__V1__Tender *));
    Jifen__V1__Line *lines = jf_arena_calloc(arena, from->line_count, sizeof *lines);
    Jifen__V1__Tender *tenders = jf_arena_calloc(arena, from->tender_count, sizeof *tenders);
    if (receipt->lines == NULL || receipt->tenders == NULL || lines == NULL || tenders == NULL) {
        return false;
    }
    receipt->n_lines = from->line_count;
    receipt->n_tenders = from->tender_count;
    for (uint32_t i = 0; i < from->line_count; i++) {
        jifen__v1__line__init(&lines[i]);
        lines[i].sku = text_keep(arena, from->lines[i].sku);
        lines[i].category = text_keep(arena, from->lines[i].category);
        lines[i].quantity_milli = from->lines[i].quantity_milli;
        lines[i].amount = from->lines[i].amount;
        receipt->lines[i] = &lines[i];
    }
    for (uint32_t i = 0; i < from->tender_count; i++) {
        jifen__v1__tender__init(&tenders[i]);
        tenders[i].type = text_keep(arena, from->tenders[i].type);
        tenders[i].amount = from->tenders[i].amount;
        receipt->tenders[i] = &tenders[i];
    }
    return true;
}

static enum jf_error sale_add(struct jf_day_journal *journal, const struct jf_entry *entry,
                              struct jf_diagnosis *diagnosis)
{
    struct jf_arena scratch;
    Jifen__V1__PostSaleRequest request = JIFEN__V1__POST_SALE_REQUEST__INIT;
    Jifen__V1__MemberRef member = JIFEN__V1__MEMBER_REF__INIT;
    Jifen__V1__Receipt receipt = JIFEN__V1__RECEIPT__INIT;
    struct jf_day_sale *sales =
        room_make(journal->sales, journal->sale_count, &journal->sale_capacity, sizeof *sales);
    if (sales == NULL) {
        return no_memory(diagnosis);
    }
    journal->sales = sales;
    jf_arena_init(&scratch, 16384, ENTRY_BYTES_MAX);
    bool is_filled = receipt_fill(&scratch, &entry->as.sale.receipt, &receipt);
    member.by_case = JIFEN__V1__MEMBER_REF__BY_NUMBER;
    member.number = entry->member.value;
    request.transaction_id = text_keep(&scratch, entry->transaction_id);
    request.member = &member;
    request.receipt = &receipt;
    request.redeem_points = entry->as.sale.redeem_points;
    request.offline = entry->as.sale.is_offline;
    size_t size = is_filled ? jifen__v1__post_sale_request__get_packed_size(&request) : 0;
    unsigned char *bytes = jf_arena_alloc(&journal->arena, size);
    if (is_filled && bytes != NULL) {
        (void)jifen__v1__post_sale_request__pack(&request, bytes);
        sales[journal->sale_count++] =
            (struct jf_day_sale){.sold_at_ms = entry->as.sale.receipt.sold_at_ms,
                                 .position = entry->position,
                                 .store = entry->as.sale.receipt.store.value,
                                 .size = (uint32_t)size,
                                 .bytes = bytes};
    }
    jf_arena_deinit(&scratch);
    return is_filled && bytes != NULL ? JF_OK : no_memory(diagnosis);
}

static ProtobufCMessage *enrolment_make(struct jf_arena *arena, const struct jf_entry *entry)
{
    const struct jf_enrol_command *from = &entry->as.enrolment;
    Jifen__V1__EnrolRequest *request = jf_arena_alloc(arena, sizeof *request);
    char **cards = jf_arena_calloc(arena, from->card_count, sizeof *cards);
    if (request == NULL || cards == NULL) {
        return NULL;
    }
    jifen__v1__enrol_request__init(request);
    struct jf_civil civil = jf_date_to_civil(from->enrolled_on);
    request->transaction_id = text_keep(arena, entry->transaction_id);
    request->number = from->number.value;
    request->cards = cards;
    request->n_cards = from->card_count;
    for (uint32_t i = 0; i < from->card_count; i++) {
        cards[i] = text_keep(arena, from->cards[i]);
    }
    request->enrolled_on =
        (int32_t)(civil.year * 10000 + (int32_t)civil.month * 100 + (int32_t)civil.day);
    request->birth_month = from->birth_month;
    request->birth_day = from->birth_day;
    request->home_store = from->home_store;
    request->tags = from->tags;
    return &request->base;
}

static ProtobufCMessage *store_make(struct jf_arena *arena, const struct jf_entry *entry)
{
    const struct jf_put_store_command *from = &entry->as.store;
    Jifen__V1__PutStoreRequest *request = jf_arena_alloc(arena, sizeof *request);
    if (request == NULL) {
        return NULL;
    }
    jifen__v1__put_store_request__init(request);
    request->transaction_id = text_keep(arena, entry->transaction_id);
    request->store = from->store.value;
    request->entity = from->entity.value;
    request->region = text_keep(arena, from->region);
    request->zone = text_keep(arena, from->zone);
    request->day_start_minute = from->day_start_minute;
    return &request->base;
}

static ProtobufCMessage *publication_make(struct jf_arena *arena, const struct jf_entry *entry)
{
    Jifen__V1__PublishRequest *request = jf_arena_alloc(arena, sizeof *request);
    if (request == NULL) {
        return NULL;
    }
    jifen__v1__publish_request__init(request);
    request->transaction_id = text_keep(arena, entry->transaction_id);
    request->yaml = text_keep(arena, entry->as.publication.yaml);
    request->file_name = text_keep(arena, entry->as.publication.file_name);
    return &request->base;
}

static enum jf_error setting_add(struct jf_day_journal *journal, struct jf_day_setting setting,
                                 struct jf_diagnosis *diagnosis)
{
    struct jf_day_setting *settings = room_make(journal->settings, journal->setting_count,
                                                &journal->setting_capacity, sizeof *settings);
    if (settings == NULL) {
        return no_memory(diagnosis);
    }
    journal->settings = settings;
    if (setting.request == NULL) {
        return no_memory(diagnosis);
    }
    settings[journal->setting_count++] = setting;
    return JF_OK;
}

static enum jf_error entry_take(struct jf_day_journal *journal, const struct jf_entry *entry,
                                struct jf_diagnosis *diagnosis)
{
    bool is_sale = entry->kind == JF_ENTRY_SALE && entry->business_date == journal->date;
    if (is_sale && journal->sale_count == 0) {
        journal->before_position = entry->position - 1;
    }
    if (is_sale) {
        return sale_add(journal, entry, diagnosis);
    }
    if (journal->sale_count == 0) {
        return JF_OK; // the copy has it
    }
    struct jf_arena *arena = &journal->arena;
    switch (entry->kind) {
    case JF_ENTRY_ENROLMENT:
        return setting_add(journal,
                           (struct jf_day_setting){"/jifen.v1.Members/Enrol",
                                                   enrolment_make(arena, entry),
                                                   &jifen__v1__enrol_response__descriptor},
                           diagnosis);
    case JF_ENTRY_STORE:
        return setting_add(journal,
                           (struct jf_day_setting){"/jifen.v1.Programmes/PutStore",
                                                   store_make(arena, entry),
                                                   &jifen__v1__put_store_response__descriptor},
                           diagnosis);
    case JF_ENTRY_PUBLICATION:
        return setting_add(journal,
                           (struct jf_day_setting){"/jifen.v1.Programmes/Publish",
                                                   publication_make(arena, entry),
                                                   &jifen__v1__publish_response__descriptor},
                           diagnosis);
    default:
        return JF_OK;
    }
}

static int sale_compare(const void *a, const void *b)
{
    const struct jf_day_sale *left = a;
    const struct jf_day_sale *right = b;
    if (left->sold_at_ms != right->sold_at_ms) {
        return left->sold_at_ms < right->sold_at_ms ? -1 : 1;
    }
    return left->position < right->position ? -1 : 1;
}

enum jf_error jf_day_journal_read(struct jf_day_journal *journal, const char *data_directory,
                                  jf_date date, struct jf_diagnosis *diagnosis)
{
    char directory[JF_PATH_SIZE];
    char text[JF_DATE_TEXT_SIZE] = "any day";
    jf_arena_init(&journal->arena, ARENA_BYTES, ARENA_BYTES_MAX);
    (void)snprintf(directory, sizeof directory, "%s/journal", data_directory);
    journal->date = date == JF_DATE_NONE ? JF_DATE_MIN : date;
    enum jf_error error =
        date == JF_DATE_NONE ? journal_walk(journal, directory, day_look, diagnosis) : JF_OK;
    if (error == JF_OK) {
        error = journal_walk(journal, directory, entry_take, diagnosis);
    }
    if (error == JF_OK && journal->sale_count == 0 && !jf_interrupt_seen()) {
        if (journal->date != JF_DATE_MIN) {
            jf_date_format(journal->date, text);
        }
        return jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND,
                           "the ledger in %.300s has no sale of %s: give another --date",
                           data_directory, text);
    }
    if (journal->sale_count > 1) {
        qsort(journal->sales, journal->sale_count, sizeof journal->sales[0], sale_compare);
    }
    return error;
}

void jf_day_journal_deinit(struct jf_day_journal *journal)
{
    free(journal->sales);
    free(journal->settings);
    jf_arena_deinit(&journal->arena);
    *journal = (struct jf_day_journal){0};
}

// ---- The copy -------------------------------------------------------------------------

enum jf_error jf_day_journal_restore(const struct jf_day_journal *journal,
                                     const char *data_directory, const char *jifen,
                                     const struct jf_target *target, struct jf_diagnosis *diagnosis)
{
    static char output[JF_TOOL_OUTPUT_SIZE];
    char backup[JF_PATH_SIZE + 8];
    char data[JF_PATH_SIZE + 8];
    char position[24];
    (void)snprintf(backup, sizeof backup, "%s/backup", target->scratch.path);
    (void)snprintf(data, sizeof data, "%s/data", target->scratch.path);
    (void)snprintf(position, sizeof position, "%" PRIu64, journal->before_position);
    const char *const take[] = {jifen, "backup", backup, "--data", data_directory, NULL};
    const char *const restore[] = {jifen,  "restore", backup,    "--data", data,
                                   "--to", position,  "--quick", NULL};
    const struct jf_tool_command taking = {.arguments = take};
    const struct jf_tool_command restoring = {.arguments = restore};
    enum jf_error error = jf_tool_run(&taking, TOOL_TIMEOUT_S, output, diagnosis);
    return error == JF_OK ? jf_tool_run(&restoring, TOOL_TIMEOUT_S, output, diagnosis) : error;
}

enum jf_error jf_day_journal_settle(const struct jf_day_journal *journal, struct jf_target *target,
                                    struct jf_diagnosis *diagnosis)
{
    enum jf_error error = JF_OK;
    for (uint64_t i = 0; i < journal->setting_count && error == JF_OK && !jf_interrupt_seen();
         i++) {
        const struct jf_day_setting *setting = &journal->settings[i];
        error =
            jf_target_tell(target, setting->path, setting->request, setting->response, diagnosis);
    }
    return error;
}
