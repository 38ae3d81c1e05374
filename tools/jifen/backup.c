// jifen backup: a ledger's directory is copied into another, the first time whole, then what is
// new. Fails: usage; a directory that is something else; damage on either side (exit 5); a full
// disk, after which the same command goes on.
#include <inttypes.h>

#include "engine/backup.h"
#include "engine/clock.h"
#include "tools/jifen/cli.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/json.h"
#include "tools/jifen/stages.h"

static const struct jf_cli_help help = {
    .usage = "jifen backup DIR (--data DATA | --check) [--progress]",
    .about =
        "Takes a backup of the ledger in DATA into DIR. A second backup into the same DIR copies "
        "only what is\n"
        "new. The journal is verified on the way. A backup that was cut off leaves the one before "
        "it whole;\n"
        "the same command goes on with it. --check reads a backup and compares every checksum.\n"
        "With --json: "
        "{\"first_position\",\"last_position\",\"state_position\",\"files\",\"bytes\",\n"
        "\"files_copied\",\"bytes_copied\"}.\n",
    .example = "  jifen backup /mnt/backup/jifen --data /var/lib/jifen\n"
               "  jifen backup /mnt/backup/jifen --check\n",
    .arguments_min = 1,
    .arguments_max = 1,
};

static void result_json(const struct jf_backup_result *result)
{
    struct jf_json json = {.out = stdout};
    jf_json_object_begin(&json, NULL);
    jf_json_unsigned(&json, "first_position", result->first_position);
    jf_json_unsigned(&json, "last_position", result->last_position);
    jf_json_unsigned(&json, "state_position", result->state_position);
    jf_json_unsigned(&json, "files", result->files);
    jf_json_unsigned(&json, "bytes", result->bytes);
    jf_json_unsigned(&json, "files_copied", result->files_copied);
    jf_json_unsigned(&json, "bytes_copied", result->bytes_copied);
    jf_json_object_end(&json);
    jf_json_end_line(&json);
}

static void result_print(const struct jf_backup_result *result, const char *directory,
                         bool is_check)
{
    char files[JF_DECIMAL_TEXT_SIZE];
    char mib[JF_DECIMAL_TEXT_SIZE];
    jf_decimal_format((int64_t)result->files, 0, true, files);
    jf_decimal_format((int64_t)(result->bytes >> 20), 0, true, mib);
    if (is_check) {
        (void)printf("The backup in %s is whole: %s files, %s MiB", directory, files, mib);
    } else {
        (void)printf("Backup taken into %s: %s files, %s MiB", directory, files, mib);
        jf_decimal_format((int64_t)result->files_copied, 0, true, files);
        jf_decimal_format((int64_t)(result->bytes_copied >> 20), 0, true, mib);
        (void)printf(", of which %s files, %s MiB are new", files, mib);
    }
    (void)printf(".\nPositions %" PRIu64 " to %" PRIu64 "; its state holds those up to %" PRIu64
                 ".\n",
                 result->first_position, result->last_position, result->state_position);
}

enum jf_exit jf_cli_backup_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *data = NULL;
    bool is_check = false;
    struct jf_stages stages = {.is_forced = false};
    const struct jf_option options[] = {
        {"--data", "DATA", JF_OPTION_TEXT, &data, "the data directory of a stopped ledger"},
        {"--check", NULL, JF_OPTION_FLAG, &is_check, "check the backup that is in DIR"},
        {"--progress", NULL, JF_OPTION_FLAG, &stages.is_forced,
         "show progress also without a terminal"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (is_check == (data != NULL)) {
        return jf_cli_usage("backup", "one of --data and --check is needed");
    }
    const char *directory = cli->arguments[0];
    struct jf_diagnosis diagnosis = {0};
    struct jf_backup_result result = {0};
    struct jf_backup_input input = {.source = data,
                                    .directory = directory,
                                    .until_position = UINT64_MAX,
                                    .taken_us = jf_clock_unix_us(NULL),
                                    .report = jf_stages_show,
                                    .context = &stages};
    enum jf_error error =
        is_check ? jf_backup_check(directory, jf_stages_show, &stages, &result, &diagnosis)
                 : jf_backup_take(&input, &result, &diagnosis);
    jf_stages_end(&stages);
    if (error != JF_OK) {
        return jf_cli_finish(jf_cli_diagnosed(&diagnosis));
    }
    if (cli->is_json) {
        result_json(&result);
    } else {
        result_print(&result, directory, is_check);
    }
    return jf_cli_finish(JF_EXIT_OK);
}
