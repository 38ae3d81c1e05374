// jifen rebuild: the state of a stopped ledger, made anew from its journal.
// Fails: usage; a directory without a journal; a ledger that runs there (exit 3); a journal that is
// damaged or no longer begins with the first entry (exit 5). The old state is then as it was.
#include <inttypes.h>

#include "engine/rebuild.h"
#include "tools/jifen/cli.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/json.h"
#include "tools/jifen/progress.h"

#define MIB ((uint64_t)1 << 20)

static const struct jf_cli_help help = {
    .usage = "jifen rebuild --data DIR [--keep] [options]",
    .about =
        "Makes the state of a stopped ledger anew from its journal: for a state that is damaged,\n"
        "of another version, or gone. The journal is checked block by block and not changed. The\n"
        "new state is made in DIR/state.rebuilding, beside the old one, and takes its place only\n"
        "when it is whole and on disk; so there must be room for both. Cut off at any moment, it\n"
        "leaves the old state or the new one in place, and run again it goes on where it stopped.\n"
        "Needs a journal that still begins with the first entry; otherwise restore a backup.\n"
        "With --json: {\"entries\",\"resumed_from\",\"members\",\"elapsed_us\","
        "\"entries_per_second\"}.\n"
        "\n"
        "Exit codes: 0 done; 3 a ledger runs there, or the disk is full; 4 no journal there; 5 "
        "the\n"
        "journal is damaged (file and offset are said) or does not begin with entry 1.\n",
    .example = "  jifen rebuild --data /var/lib/jifen\n"
               "  jifen verify --data /var/lib/jifen\n",
};

static void on_progress(void *context, uint64_t first, uint64_t position, uint64_t last)
{
    struct jf_progress *progress = context;
    progress->total = last - first;
    jf_progress_show(progress, position - first);
}

static uint64_t rate_of(const struct jf_rebuild_result *result)
{
    uint64_t replayed = result->last_position - result->resumed_position;
    return result->elapsed_us == 0 ? 0 : replayed * 1000000u / result->elapsed_us;
}

static void result_print(const struct jf_rebuild_result *result, const char *data, bool is_kept)
{
    char entries[JF_DECIMAL_TEXT_SIZE];
    char members[JF_DECIMAL_TEXT_SIZE];
    char seconds[JF_DECIMAL_TEXT_SIZE];
    char rate[JF_DECIMAL_TEXT_SIZE];
    jf_decimal_format((int64_t)(result->last_position - result->resumed_position), 0, true,
                      entries);
    jf_decimal_format((int64_t)result->members, 0, true, members);
    jf_decimal_format((int64_t)(result->elapsed_us / 1000), 3, true, seconds);
    jf_decimal_format((int64_t)rate_of(result), 0, true, rate);
    if (result->resumed_position > 0) {
        (void)printf("An earlier run had come to entry %" PRIu64 ": this one went on there.\n",
                     result->resumed_position);
    }
    (void)printf("Replayed %s entries in %s s: %s entries/s.\n", entries, seconds, rate);
    (void)printf("The state holds %s members, as of entry %" PRIu64 ".%s%s%s\n", members,
                 result->last_position, is_kept && result->had_state ? " The old one is in " : "",
                 is_kept && result->had_state ? data : "",
                 is_kept && result->had_state ? "/" JF_OLD_DIRECTORY "." : "");
}

static void result_json(const struct jf_rebuild_result *result)
{
    struct jf_json json = {.out = stdout};
    jf_json_object_begin(&json, NULL);
    jf_json_unsigned(&json, "entries", result->last_position);
    jf_json_unsigned(&json, "resumed_from", result->resumed_position);
    jf_json_unsigned(&json, "members", result->members);
    jf_json_unsigned(&json, "elapsed_us", result->elapsed_us);
    jf_json_unsigned(&json, "entries_per_second", rate_of(result));
    jf_json_object_end(&json);
    jf_json_end_line(&json);
}

enum jf_exit jf_cli_rebuild_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *data = NULL;
    const char *zones = NULL;
    bool is_kept = false;
    bool is_progress_forced = false;
    uint32_t cache_mib = 256;
    uint32_t filter_mib = 64;
    const struct jf_option options[] = {
        {"--data", "DIR", JF_OPTION_TEXT, &data, "the data directory of a stopped ledger"},
        {"--keep", NULL, JF_OPTION_FLAG, &is_kept, "move the old state to DIR/state.old"},
        {"--cache-mib", "N", JF_OPTION_U32, &cache_mib, "memory for members and writes; 256"},
        {"--filter-mib", "N", JF_OPTION_U32, &filter_mib, "as jifend is started with; 64"},
        {"--zone-dir", "DIR", JF_OPTION_TEXT, &zones, "the time zone database"},
        {"--progress", NULL, JF_OPTION_FLAG, &is_progress_forced,
         "show progress also without a terminal"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (data == NULL || cache_mib == 0 || filter_mib == 0) {
        return jf_cli_usage("rebuild", "usage: %s", help.usage);
    }
    struct jf_progress progress;
    struct jf_rebuild_result result;
    struct jf_diagnosis diagnosis = {0};
    struct jf_rebuild_config config = {.data_directory = data,
                                       .zone_directory = zones,
                                       .cache_bytes = cache_mib * MIB,
                                       .filter_bytes = filter_mib * MIB,
                                       .is_old_kept = is_kept,
                                       .report = on_progress,
                                       .report_context = &progress};
    jf_progress_begin(&progress, "entries", 0, is_progress_forced);
    enum jf_error error = jf_rebuild_directory(&config, &result, &diagnosis);
    jf_progress_end(&progress, progress.total);
    if (error != JF_OK) {
        return jf_cli_diagnosed(&diagnosis);
    }
    if (cli->is_json) {
        result_json(&result);
    } else {
        result_print(&result, data, is_kept);
    }
    return jf_cli_finish(JF_EXIT_OK);
}
