// jifen programme: publishes rules from a YAML file, shows what is published, and checks a file.
// Fails: usage; a file that cannot be read, is empty or above 1 MiB; refusals PROGRAMME_INVALID
// (with line and field).
#include <inttypes.h>
#include <string.h>

#include "jifen/v1/programmes.pb-c.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/programme_file.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"
#include "tools/jifen/simulate.h"
#include "tools/jifen/table.h"

static const struct jf_cli_help help = {
    .usage = "jifen programme publish FILE [--id ID] | jifen programme show [--version N]\n"
             "       jifen programme check FILE\n"
             "       jifen programme simulate FILE --from DATE --to DATE [--csv]",
    .about =
        "publish sends a programme (YAML) to the ledger, which checks it and says what is "
        "wrong by\n"
        "line and field. It decides sales from its effective_from on.\n"
        "show prints the text of a version, and the names of the grounds on which points are "
        "issued.\n"
        "check reads a programme without any ledger and tells what can never take effect:\n"
        "contradicting conditions, calendars that never come, rules that are always outdone; and "
        "rules\n"
        "of different groups that add up on the same day.\n"
        "Each finding is FILE:LINE: FIELD: SEVERITY: what. Exit code 4 with an error, 6 with\n"
        "nothing worse than a warning, 0 else.\n"
        "simulate plans the ledger's own sales of these business dates, and their returns, under\n"
        "the file's rules, and sets points and money against what was granted, day by day and\n"
        "rule by rule. Nothing is written. Members keep the levels, tags and birthdays that they\n"
        "had. --csv prints a row a day and rule.\n",
    .example =
        "  jifen programme check tools/samples/programme-us-drug.yaml\n"
        "  jifen programme publish tools/samples/programme-us-drug.yaml\n"
        "  jifen programme show\n"
        "  jifen programme simulate tools/samples/programme-us-drug.yaml --from 2017-01-01 \\\n"
        "      --to 2017-01-31\n",
    .arguments_min = 1,
    .arguments_max = 2,
};

static enum jf_exit publish_show(const ProtobufCMessage *message)
{
    const Jifen__V1__PublishResponse *response = (const Jifen__V1__PublishResponse *)message;
    (void)printf("Version %" PRIu32 ". ", response->version);
    return jf_show_outcome(response->outcome, response->replayed);
}

static enum jf_exit publish(const struct jf_cli *cli, const char *id)
{
    Jifen__V1__PublishRequest request = JIFEN__V1__PUBLISH_REQUEST__INIT;
    const char *path = cli->arguments[1];
    const char *slash = strrchr(path, '/');
    const char *yaml = NULL;
    enum jf_exit code = jf_programme_file_read(path, &yaml);
    if (code != JF_EXIT_OK) {
        return code;
    }
    request.transaction_id = (char *)(uintptr_t)(id == NULL ? jf_cli_new_id("publish") : id);
    request.yaml = (char *)(uintptr_t)yaml;
    request.file_name = (char *)(uintptr_t)(slash == NULL ? path : slash + 1);
    struct jf_session_ask ask = {"/jifen.v1.Programmes/Publish", &request.base,
                                 &jifen__v1__publish_response__descriptor, publish_show};
    return jf_session_ask(cli, &ask);
}

static enum jf_exit get_show(const ProtobufCMessage *message)
{
    static const struct jf_table_column columns[] = {{"GROUND", true}, {"NAME", false}};
    const Jifen__V1__GetProgrammeResponse *response =
        (const Jifen__V1__GetProgrammeResponse *)message;
    struct jf_table *table = NULL;
    char from[JF_INSTANT_TEXT_SIZE];
    jf_instant_format(response->effective_from_ms, from);
    (void)printf("# Version %" PRIu32 " of %" PRIu32 ", in force from %s\n%s\n", response->version,
                 response->versions, from, response->yaml);
    if (jf_table_create(columns, 2, &table) != JF_OK) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    for (size_t at = 0; at < response->n_reasons; at++) {
        jf_table_row(table);
        jf_table_number(table, response->reasons[at]->number);
        jf_table_text(table, response->reasons[at]->name);
    }
    return jf_show_table(table);
}

enum jf_exit jf_cli_programme_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *id = NULL;
    Jifen__V1__GetProgrammeRequest request = JIFEN__V1__GET_PROGRAMME_REQUEST__INIT;
    struct jf_simulate_input simulated = {.from = JF_DATE_NONE, .to = JF_DATE_NONE};
    const struct jf_option options[] = {
        {"--version", "N", JF_OPTION_U32, &request.version, "show: this one; default the newest"},
        {"--id", "ID", JF_OPTION_TEXT, &id, "publish: transaction id; default a new one"},
        {"--from", "DATE", JF_OPTION_DATE, &simulated.from, "simulate: first business date"},
        {"--to", "DATE", JF_OPTION_DATE, &simulated.to, "simulate: last business date"},
        {"--csv", NULL, JF_OPTION_FLAG, &simulated.is_csv, "simulate: a row a day and rule"},
        {"--progress", NULL, JF_OPTION_FLAG, &simulated.is_progress_forced,
         "simulate: show progress also without a terminal"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (strcmp(cli->arguments[0], "publish") == 0 && cli->argument_count == 2) {
        return publish(cli, id);
    }
    if (strcmp(cli->arguments[0], "check") == 0 && cli->argument_count == 2) {
        return jf_programme_file_check(cli);
    }
    if (strcmp(cli->arguments[0], "simulate") == 0 && cli->argument_count == 2) {
        return jf_simulate_run(cli, &simulated);
    }
    if (strcmp(cli->arguments[0], "show") != 0 || cli->argument_count != 1) {
        return jf_cli_usage("programme", "usage: %s", help.usage);
    }
    struct jf_session_ask ask = {"/jifen.v1.Programmes/Get", &request.base,
                                 &jifen__v1__get_programme_response__descriptor, get_show};
    return jf_session_ask(cli, &ask);
}
