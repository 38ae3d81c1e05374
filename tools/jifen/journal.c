// jifen journal: prints, verifies or repairs the journal's files.
// Fails: usage; a directory that is no journal; damage (exit 5, naming file, offset and block).
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "jifen/v1/entry.pb-c.h"
#include "journal/reader.h"
#include "journal/repair.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/json.h"
#include "tools/jifen/cli.h"
#include "tools/jifen/progress.h"

static const struct jf_cli_help help = {
    .usage = "jifen journal (print | verify | repair) DIR [--from POSITION] [--limit N] [--write]",
    .about =
        "Reads the journal of a data directory, also beside a running ledger; changes nothing.\n"
        "print shows entries, one a line; with --json the whole of each, {\"position\",\"entry\"}, "
        "as in\n"
        "proto/jifen/v1/entry.proto. verify checks every block: checksums, chain, place, padding.\n"
        "Whether the state agrees with the journal is told by: jifen verify --data DIR\n"
        "repair makes damaged headers of blocks again, where payload and neighbours prove what "
        "they\n"
        "were: the body must give the checksum that the next block names. Without --write it only\n"
        "looks for the first one and says what it would do; with it the ledger must be stopped. "
        "Any\n"
        "other damage is mended by putting the file back from a backup or an archive.\n"
        "With --json: {\"file\",\"offset\",\"block\",\"fields\",\"bytes\",\"exact\",\"written\"} "
        "for each header.\n"
        "Exit codes: 0 the journal is whole (now); 5 it is not; 3 a ledger runs there.\n",
    .example = "  jifen journal print /var/lib/jifen --from 1000 --limit 20\n"
               "  jifen journal verify /var/lib/jifen\n"
               "  jifen journal repair /var/lib/jifen --write\n",
    .arguments_min = 2,
    .arguments_max = 2,
};

#define JF_PATH_SIZE           4096u
#define JF_REPAIR_RING_ENTRIES 64u

// A data directory holds the journal in journal/; the journal's own directory is accepted too.
static const char *journal_directory(const char *data, char out_path[JF_PATH_SIZE])
{
    struct stat found;
    int size = snprintf(out_path, JF_PATH_SIZE, "%s/journal", data);
    if (size > 0 && (uint32_t)size < JF_PATH_SIZE && stat(out_path, &found) == 0 &&
        S_ISDIR(found.st_mode)) {
        return out_path;
    }
    return data;
}

static const char *body_name(const Jifen__V1__Entry *entry)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
        &jifen__v1__entry__descriptor, (unsigned)entry->body_case);
    return entry->body_case == JIFEN__V1__ENTRY__BODY__NOT_SET || field == NULL ? "?" : field->name;
}

static void entry_print(const struct jf_journal_entry *raw, const Jifen__V1__Entry *entry,
                        bool is_json)
{
    char at[JF_INSTANT_TEXT_SIZE];
    struct jf_json json = {.out = stdout};
    if (is_json) {
        jf_json_object_begin(&json, NULL);
        jf_json_unsigned(&json, "position", raw->position);
        jf_json_message(&json, "entry", &entry->base);
        jf_json_object_end(&json);
        jf_json_end_line(&json);
        return;
    }
    jf_instant_format((int64_t)(entry->recorded_at_us / 1000), at);
    (void)printf("%10" PRIu64 "  %s  %-12s member %-12" PRIu64 " %s", raw->position, at,
                 body_name(entry), entry->member, entry->transaction_id);
    if (entry->outcome != NULL) {
        (void)printf("  granted %" PRId64 ", redeemed %" PRId64, entry->outcome->points_granted,
                     entry->outcome->points_redeemed);
    }
    (void)putchar('\n');
}

static enum jf_exit entries_print(struct jf_journal_reader *reader, uint64_t limit, bool is_json)
{
    struct jf_journal_entry raw;
    struct jf_diagnosis diagnosis = {0};
    for (uint64_t count = 0; count < limit; count++) {
        enum jf_error error = jf_journal_reader_next(reader, &raw, &diagnosis);
        if (error == JF_ERROR_NOT_FOUND) {
            return JF_EXIT_OK;
        }
        if (error != JF_OK) {
            return jf_cli_diagnosed(&diagnosis);
        }
        Jifen__V1__Entry *entry = jifen__v1__entry__unpack(NULL, raw.size, raw.bytes);
        if (entry == NULL) {
            return jf_cli_fail(JF_EXIT_BROKEN,
                               "the entry at position %" PRIu64 " cannot be decoded, though its "
                               "block is whole: a newer program wrote it, or memory failed",
                               raw.position);
        }
        entry_print(&raw, entry, is_json);
        jifen__v1__entry__free_unpacked(entry, NULL);
        if (ferror(stdout) != 0) {
            return JF_EXIT_OK; // told by jf_cli_finish
        }
    }
    return JF_EXIT_OK;
}

static enum jf_exit journal_print(const char *directory, uint64_t from, uint64_t limit,
                                  bool is_json)
{
    struct jf_journal_reader *reader = NULL;
    struct jf_diagnosis diagnosis = {0};
    if (jf_journal_reader_open(directory, from, &reader, &diagnosis) != JF_OK) {
        return jf_cli_diagnosed(&diagnosis);
    }
    enum jf_exit code = entries_print(reader, limit, is_json);
    jf_journal_reader_close(reader);
    return code;
}

static void on_verified(uint64_t bytes_done, uint64_t bytes_total, void *context)
{
    struct jf_progress *progress = context;
    progress->total = bytes_total;
    jf_progress_show(progress, bytes_done);
}

static void verification_json(const struct jf_journal_verification *found)
{
    struct jf_json json = {.out = stdout};
    jf_json_object_begin(&json, NULL);
    jf_json_bool(&json, "ties", true);
    jf_json_unsigned(&json, "segments", found->segments);
    jf_json_unsigned(&json, "blocks", found->blocks);
    jf_json_unsigned(&json, "entries", found->entries);
    jf_json_unsigned(&json, "payload_bytes", found->payload_bytes);
    jf_json_unsigned(&json, "first_position", found->first_position);
    jf_json_unsigned(&json, "last_position", found->last_position);
    jf_json_unsigned(&json, "first_sequence", found->first_sequence);
    jf_json_unsigned(&json, "last_sequence", found->last_sequence);
    jf_json_unsigned(&json, "torn_blocks", found->torn_blocks);
    jf_json_unsigned(&json, "torn_bytes", found->torn_bytes);
    jf_json_unsigned(&json, "damaged_superblock_copies", found->damaged_superblock_copies);
    jf_json_object_end(&json);
    jf_json_end_line(&json);
}

static enum jf_exit journal_verify(const char *directory, bool is_json)
{
    struct jf_journal_verification found;
    struct jf_diagnosis diagnosis = {0};
    struct jf_progress progress;
    jf_progress_begin(&progress, "bytes", 0, false);
    enum jf_error error = jf_journal_verify(directory, on_verified, &progress, &found, &diagnosis);
    jf_progress_end(&progress, progress.total);
    if (error != JF_OK) {
        return jf_cli_diagnosed(&diagnosis);
    }
    if (is_json) {
        verification_json(&found);
        return JF_EXIT_OK;
    }
    (void)printf("The journal is whole: positions %" PRIu64 " to %" PRIu64 ", %" PRIu64
                 " entries in %" PRIu64 " blocks and %" PRIu64 " segments.\n",
                 found.first_position, found.last_position, found.entries, found.blocks,
                 found.segments);
    if (found.damaged_superblock_copies > 0) {
        (void)printf("Of the 4 copies in SUPERBLOCK %" PRIu32 " are damaged, the others are whole: "
                     "the next start writes all of them again.\n",
                     found.damaged_superblock_copies);
    }
    if (found.torn_bytes > 0) {
        (void)printf("Behind its end lie %" PRIu64 " bytes of writes that did not finish: nobody "
                     "was answered for them.\n",
                     found.torn_bytes);
    }
    return JF_EXIT_OK;
}

struct repairing {
    struct jf_progress progress;
    bool is_written;
    bool is_json;
};

static void on_repair(void *context, const struct jf_repair *repair)
{
    const struct repairing *repairing = context;
    if (repairing->is_json) {
        struct jf_json json = {.out = stdout};
        jf_json_object_begin(&json, NULL);
        jf_json_string(&json, "file", repair->file_name);
        jf_json_unsigned(&json, "offset", repair->offset);
        jf_json_unsigned(&json, "block", repair->sequence);
        jf_json_string(&json, "fields", repair->fields);
        jf_json_unsigned(&json, "bytes", repair->bytes_changed);
        jf_json_bool(&json, "exact", repair->is_exact);
        jf_json_bool(&json, "written", repairing->is_written);
        jf_json_object_end(&json);
        jf_json_end_line(&json);
        return;
    }
    (void)printf("%s, offset %" PRIu64 ", block %" PRIu64 ": the header %s made again: %" PRIu32
                 " of its bytes, in: %s.\n"
                 "Proof: block %" PRIu64 " names the checksum of this body%s.\n",
                 repair->file_name, repair->offset, repair->sequence,
                 repairing->is_written ? "is" : "can be", repair->bytes_changed, repair->fields,
                 repair->sequence + 1,
                 repair->is_exact ? ", and the header's own checksum agrees"
                                  : "; the header's own checksum is what was damaged");
}

static void on_walked(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
    struct repairing *repairing = context;
    on_verified(bytes_done, bytes_total, &repairing->progress);
}

static enum jf_exit journal_repair(const char *directory, bool is_written, bool is_json)
{
    uint32_t count = 0;
    struct jf_ring ring = {.is_open = false};
    struct jf_diagnosis diagnosis = {0};
    struct repairing repairing = {.is_written = is_written, .is_json = is_json};
    struct jf_repair_config config = {.directory = directory,
                                      .is_written = is_written,
                                      .report = on_repair,
                                      .progress = on_walked,
                                      .context = &repairing};
    jf_progress_begin(&repairing.progress, "bytes", 0, false);
    enum jf_error error = jf_ring_init(&ring, JF_REPAIR_RING_ENTRIES, &diagnosis);
    if (error == JF_OK) {
        error = jf_journal_repair(&config, &ring, &count, &diagnosis);
    }
    jf_ring_deinit(&ring);
    jf_progress_end(&repairing.progress, repairing.progress.total);
    if (error != JF_OK) {
        return jf_cli_diagnosed(&diagnosis);
    }
    if (count > 0 && !is_written) {
        return jf_cli_fail(JF_EXIT_BROKEN, "nothing was changed; stop the ledger and run it again "
                                           "with --write. There may be more behind this one");
    }
    if (!is_json) {
        (void)printf("The journal is whole; %" PRIu32 " headers were made again.\n", count);
    }
    return JF_EXIT_OK;
}

enum jf_exit jf_cli_journal_run(struct jf_cli *cli, int argc, char **argv)
{
    uint64_t from = 0;
    uint64_t limit = UINT64_MAX;
    bool is_written = false;
    char path[JF_PATH_SIZE];
    const struct jf_option options[] = {
        {"--from", "POSITION", JF_OPTION_U64, &from, "print: begin here; default the oldest"},
        {"--limit", "N", JF_OPTION_U64, &limit, "print: at most so many"},
        {"--write", NULL, JF_OPTION_FLAG, &is_written, "repair: change the files"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    const char *directory = journal_directory(cli->arguments[1], path);
    if (strcmp(cli->arguments[0], "print") == 0) {
        return jf_cli_finish(journal_print(directory, from, limit, cli->is_json));
    }
    if (strcmp(cli->arguments[0], "verify") == 0) {
        return jf_cli_finish(journal_verify(directory, cli->is_json));
    }
    if (strcmp(cli->arguments[0], "repair") == 0) {
        return jf_cli_finish(journal_repair(directory, is_written, cli->is_json));
    }
    return jf_cli_usage("journal", "usage: %s", help.usage);
}
