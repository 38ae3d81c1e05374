// jifen archive: segments of a stopped ledger's journal that are not needed any more are
// compressed. Fails: usage; a ledger that runs; an archive that holds something else; a damaged
// segment (exit 5); no room. Nothing is dropped that was not compared.
#include <inttypes.h>

#include "engine/archive.h"
#include "tools/jifen/cli.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/json.h"
#include "tools/jifen/stages.h"

static const struct jf_cli_help help = {
    .usage = "jifen archive --data DATA [--to DIR] [--progress]",
    .about =
        "Compresses the segments of a stopped ledger's journal that a start does not need any "
        "more, compares\n"
        "them, and drops them from the journal. Journal and archive still read as one: verify, "
        "journal, follow\n"
        "and backup find the archive by the link DATA/journal/archive. A running ledger archives "
        "by itself\n"
        "when it is started with: jifend --archive DIR\n"
        "An archived segment is a .zst file that zstd -d unpacks, too.\n"
        "With --json: "
        "{\"segments\",\"bytes_before\",\"bytes_after\",\"oldest_segment\",\"first_position\","
        "\"kept\"}:\n"
        "kept says by what the oldest segment is still needed.\n",
    .example = "  jifen archive --data /var/lib/jifen --to /mnt/archive/jifen\n",
};

static void result_json(const struct jf_archive_result *result)
{
    struct jf_json json = {.out = stdout};
    jf_json_object_begin(&json, NULL);
    jf_json_unsigned(&json, "segments", result->segments);
    jf_json_unsigned(&json, "bytes_before", result->bytes_before);
    jf_json_unsigned(&json, "bytes_after", result->bytes_after);
    jf_json_unsigned(&json, "oldest_segment", result->oldest_segment);
    jf_json_unsigned(&json, "first_position", result->first_position);
    jf_json_string(&json, "kept", result->kept);
    jf_json_object_end(&json);
    jf_json_end_line(&json);
}

static void result_print(const struct jf_archive_result *result)
{
    if (result->segments == 0) {
        (void)printf("Nothing can be archived: %s.\n", result->kept);
        return;
    }
    char segments[JF_DECIMAL_TEXT_SIZE];
    char before[JF_DECIMAL_TEXT_SIZE];
    char after[JF_DECIMAL_TEXT_SIZE];
    jf_decimal_format((int64_t)result->segments, 0, true, segments);
    jf_decimal_format((int64_t)(result->bytes_before >> 20), 0, true, before);
    jf_decimal_format((int64_t)(result->bytes_after >> 20), 0, true, after);
    (void)printf("Archived %s segments: %s MiB became %s MiB. The journal itself begins with "
                 "segment %" PRIu64 ", position %" PRIu64 ".\n",
                 segments, before, after, result->oldest_segment, result->first_position);
}

enum jf_exit jf_cli_archive_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *data = NULL;
    const char *to = NULL;
    struct jf_stages stages = {.is_forced = false};
    const struct jf_option options[] = {
        {"--data", "DATA", JF_OPTION_TEXT, &data, "the data directory of a stopped ledger"},
        {"--to", "DIR", JF_OPTION_TEXT, &to, "the archive; default DATA/journal/archive"},
        {"--progress", NULL, JF_OPTION_FLAG, &stages.is_forced,
         "show progress also without a terminal"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (data == NULL) {
        return jf_cli_usage("archive", "--data DATA is needed; a running ledger archives when it "
                                       "is started with jifend --archive DIR");
    }
    struct jf_diagnosis diagnosis = {0};
    struct jf_archive_result result = {0};
    enum jf_error error =
        jf_archive_directory(data, to, jf_stages_show, &stages, &result, &diagnosis);
    jf_stages_end(&stages);
    if (error != JF_OK) {
        return jf_cli_finish(jf_cli_diagnosed(&diagnosis));
    }
    if (cli->is_json) {
        result_json(&result);
    } else {
        result_print(&result);
    }
    return jf_cli_finish(JF_EXIT_OK);
}
