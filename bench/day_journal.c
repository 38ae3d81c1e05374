// The journal is walked twice: to find the day and where its last sale stands, then for its sales
// and for what they need, up to there. Fails: what is no ledger; a damaged journal; a day without
// sales.
#include "bench/day_journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "bench/options.h"
#include "bench/tool.h"
#include "engine/entry_codec.h"
#include "journal/reader.h"

#define ARENA_BYTES     ((size_t)1 << 20)
#define ARENA_BYTES_MAX ((size_t)16 << 30)
#define ENTRY_BYTES_MAX ((size_t)64 << 20)
#define TOOL_TIMEOUT_S  3600u
#define ROOM_FIRST      1024u

void jf_day_journal_begin(struct jf_day_journal *journal, jf_date date)
{
    *journal = (struct jf_day_journal){.date = date, .is_newest = date == JF_DATE_NONE};
    jf_arena_init(&journal->arena, ARENA_BYTES, ARENA_BYTES_MAX);
}

void jf_day_journal_look(struct jf_day_journal *journal, const struct jf_entry *entry)
{
    if (entry->kind != JF_ENTRY_SALE) {
        return;
    }
    if (journal->is_newest && entry->business_date > journal->date) {
        journal->date = entry->business_date;
    }
    if (entry->business_date == journal->date) {
        journal->last_position = entry->position;
    }
}

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
    uint64_t wanted = *capacity == 0 ? ROOM_FIRST : *capacity * 2;
    void *grown = realloc(array, wanted * size);
    *capacity = grown == NULL ? *capacity : wanted;
    return grown;
}

static enum jf_error sale_add(struct jf_day_journal *journal, const struct jf_entry *entry,
                              struct jf_diagnosis *diagnosis)
{
    struct jf_text bytes = {0};
    struct jf_day_sale *sales =
        room_make(journal->sales, journal->sale_count, &journal->sale_capacity, sizeof *sales);
    if (sales == NULL) {
        return no_memory(diagnosis);
    }
    journal->sales = sales;
    if (jf_day_request_sale(entry, &journal->arena, &bytes) != JF_OK) {
        return no_memory(diagnosis);
    }
    if (journal->sale_count == 0) {
        journal->before_position = entry->position - 1;
    }
    sales[journal->sale_count++] =
        (struct jf_day_sale){.sold_at_ms = entry->as.sale.receipt.sold_at_ms,
                             .position = entry->position,
                             .store = entry->as.sale.receipt.store.value,
                             .size = bytes.size,
                             .bytes = (const unsigned char *)bytes.data};
    return JF_OK;
}

static enum jf_error setting_add(struct jf_day_journal *journal, const struct jf_entry *entry,
                                 struct jf_diagnosis *diagnosis)
{
    struct jf_day_request made = {0};
    if (jf_day_request_setting(entry, &journal->arena, &made) != JF_OK) {
        return no_memory(diagnosis);
    }
    if (made.request == NULL) {
        return JF_OK;
    }
    struct jf_day_request *settings = room_make(journal->settings, journal->setting_count,
                                                &journal->setting_capacity, sizeof *settings);
    if (settings == NULL) {
        return no_memory(diagnosis);
    }
    journal->settings = settings;
    settings[journal->setting_count++] = made;
    return JF_OK;
}

enum jf_error jf_day_journal_take(struct jf_day_journal *journal, const struct jf_entry *entry,
                                  struct jf_diagnosis *diagnosis)
{
    if (entry->position > journal->last_position) {
        return JF_OK; // the day did not know it
    }
    if (entry->kind == JF_ENTRY_SALE && entry->business_date == journal->date) {
        return sale_add(journal, entry, diagnosis);
    }
    // What came before the day's first sale the copy has.
    return journal->sale_count == 0 ? JF_OK : setting_add(journal, entry, diagnosis);
}

// ---- The walk -------------------------------------------------------------------------

static enum jf_error entry_next(struct jf_journal_reader *reader, struct jf_arena *arena,
                                struct jf_entry *out_entry, struct jf_diagnosis *diagnosis)
{
    struct jf_journal_entry raw;
    enum jf_error error = jf_journal_reader_next(reader, &raw, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    jf_arena_reset(arena);
    return jf_entry_decode((struct jf_text){(const char *)raw.bytes, raw.size}, arena, out_entry,
                           diagnosis);
}

// In: until: the last position that is wanted. is_look: for the first walk.
static enum jf_error journal_walk(struct jf_day_journal *journal, const char *directory,
                                  uint64_t until, bool is_look, struct jf_diagnosis *diagnosis)
{
    struct jf_journal_reader *reader = NULL;
    struct jf_arena arena;
    struct jf_entry entry = {.position = 0};
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
    while (error == JF_OK && entry.position < until && !jf_interrupt_seen()) {
        error = entry_next(reader, &arena, &entry, diagnosis);
        if (error == JF_OK && is_look) {
            jf_day_journal_look(journal, &entry);
        } else if (error == JF_OK) {
            error = jf_day_journal_take(journal, &entry, diagnosis);
        }
    }
    jf_arena_deinit(&arena);
    jf_journal_reader_close(reader);
    if (jf_interrupt_seen()) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "reading %.300s was interrupted", directory);
    }
    return error == JF_ERROR_NOT_FOUND ? JF_OK : error;
}

static enum jf_error nothing_sold(const struct jf_day_journal *journal, const char *data_directory,
                                  struct jf_diagnosis *diagnosis)
{
    char text[JF_DATE_TEXT_SIZE];
    if (journal->is_newest) {
        return jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND,
                           "the ledger in %.300s has no sale at all: --from-journal takes one "
                           "that sales were posted to",
                           data_directory);
    }
    jf_date_format(journal->date, text);
    return jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND,
                       "the ledger in %.300s has no sale of %s: give another --date",
                       data_directory, text);
}

enum jf_error jf_day_journal_read(struct jf_day_journal *journal, const char *data_directory,
                                  jf_date date, struct jf_diagnosis *diagnosis)
{
    char directory[JF_PATH_SIZE];
    (void)snprintf(directory, sizeof directory, "%s/journal", data_directory);
    jf_day_journal_begin(journal, date);
    enum jf_error error = journal_walk(journal, directory, UINT64_MAX, true, diagnosis);
    if (error == JF_OK && journal->last_position == 0) {
        return nothing_sold(journal, data_directory, diagnosis);
    }
    if (error == JF_OK) {
        error = journal_walk(journal, directory, journal->last_position, false, diagnosis);
    }
    JF_ASSERT(error != JF_OK || journal->sale_count > 0);
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
        const struct jf_day_request *setting = &journal->settings[i];
        error =
            jf_target_tell(target, setting->path, setting->request, setting->response, diagnosis);
    }
    return error;
}
