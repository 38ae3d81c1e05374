// jifen restore: a ledger is made from a backup, up to its end, a position or an instant.
// Fails: usage; a directory that is not empty; a position that the backup does not reach; a backup
// that is damaged (exit 5). Nothing is left that could be taken for a ledger.
#include <inttypes.h>
#include <string.h>

#include "engine/restore.h"
#include "tools/jifen/cli.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/json.h"
#include "tools/jifen/stages.h"

static const struct jf_cli_help help = {
    .usage = "jifen restore BACKUP --data DATA [--to POSITION|TIME] [--quick] [--progress]",
    .about =
        "Makes the ledger in DATA, a new or empty directory, from BACKUP: all of it, or up to a\n"
        "position, or up to what was recorded by an instant. What came later is cut off: the "
        "restored ledger\n"
        "is a new generation and goes on from there. Every file is checked against the backup's "
        "list, every\n"
        "block against the chain, and the state against a replay of the journal (not with "
        "--quick) before DATA\n"
        "comes into being. A restore that was cut off leaves DATA.restoring; the same command "
        "goes on with it.\n"
        "With --json: {\"last_position\",\"generation\",\"compared\",\"members\",\"digest\"}.\n",
    .example = "  jifen restore /mnt/backup/jifen --data /var/lib/jifen-restored\n"
               "  jifen restore /mnt/backup/jifen --data /var/lib/jifen-restored --to 120031\n"
               "  jifen restore /mnt/backup/jifen --data /var/lib/jifen-restored --to "
               "2026-06-18T09:30:00Z\n",
    .arguments_min = 1,
    .arguments_max = 1,
};

// A number is a position, anything else an instant. Returns: false when it is neither.
static bool target_parse(const char *text, struct jf_restore_input *input)
{
    size_t size = strlen(text);
    struct jf_instant instant;
    if (size > 0 && size < 19 && strspn(text, "0123456789") == size) {
        input->to_position = 0;
        for (const char *at = text; *at != '\0'; at++) {
            input->to_position = input->to_position * 10 + (uint64_t)(*at - '0');
        }
        return true;
    }
    if (!jf_instant_parse(jf_text_from(text), &instant)) {
        return false;
    }
    int64_t ms = jf_instant_to_ms(&instant, NULL);
    input->to_time_us = ms < 0 ? 0 : (uint64_t)ms * 1000;
    return true;
}

static void digest_format(const unsigned char digest[16], char out_text[33])
{
    for (uint32_t at = 0; at < 16; at++) {
        (void)snprintf(out_text + (size_t)2 * at, 3, "%02x", digest[at]);
    }
}

static void result_json(const struct jf_restore_result *result)
{
    char digest[33];
    struct jf_json json = {.out = stdout};
    digest_format(result->digest, digest);
    jf_json_object_begin(&json, NULL);
    jf_json_unsigned(&json, "last_position", result->last_position);
    jf_json_unsigned(&json, "generation", result->generation);
    jf_json_bool(&json, "compared", result->is_compared);
    jf_json_unsigned(&json, "members", result->members);
    jf_json_string(&json, "digest", digest);
    jf_json_object_end(&json);
    jf_json_end_line(&json);
}

static void result_print(const struct jf_restore_result *result, const char *data)
{
    char members[JF_DECIMAL_TEXT_SIZE];
    char digest[33];
    (void)printf("Restored to %s: positions up to %" PRIu64 ", generation %" PRIu64 ".\n", data,
                 result->last_position, result->generation);
    if (result->is_compared) {
        digest_format(result->digest, digest);
        jf_decimal_format((int64_t)result->members, 0, true, members);
        (void)printf("All ties with a replay of its journal: %s members, digest %s.\n", members,
                     digest);
    } else {
        (void)printf("Its state was not compared with a replay: jifen verify --data %s does it.\n",
                     data);
    }
}

enum jf_exit jf_cli_restore_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *to = NULL;
    struct jf_stages stages = {.is_forced = false};
    struct jf_restore_input input = {.to_position = UINT64_MAX,
                                     .to_time_us = UINT64_MAX,
                                     .report = jf_stages_show,
                                     .context = &stages};
    const struct jf_option options[] = {
        {"--data", "DATA", JF_OPTION_TEXT, &input.data, "the new data directory"},
        {"--to", "POSITION|TIME", JF_OPTION_TEXT, &to,
         "last position kept, or an instant; without an offset: UTC"},
        {"--quick", NULL, JF_OPTION_FLAG, &input.is_quick,
         "do not compare the state with a replay of the journal"},
        {"--progress", NULL, JF_OPTION_FLAG, &stages.is_forced,
         "show progress also without a terminal"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (input.data == NULL) {
        return jf_cli_usage("restore", "--data DATA is needed: the new directory");
    }
    if (to != NULL && !target_parse(to, &input)) {
        return jf_cli_usage("restore",
                            "--to: \"%s\" is neither a position nor an instant such as "
                            "2026-06-18T09:30:00Z",
                            to);
    }
    input.backup = cli->arguments[0];
    struct jf_diagnosis diagnosis = {0};
    struct jf_restore_result result = {0};
    enum jf_error error = jf_restore_run(&input, &result, &diagnosis);
    jf_stages_end(&stages);
    if (error != JF_OK) {
        return jf_cli_finish(jf_cli_diagnosed(&diagnosis));
    }
    if (result.is_work_left) {
        (void)fprintf(stderr, "jifen: %s.restoring could not be removed: remove it\n", input.data);
    }
    if (cli->is_json) {
        result_json(&result);
    } else {
        result_print(&result, input.data);
    }
    return jf_cli_finish(JF_EXIT_OK);
}
