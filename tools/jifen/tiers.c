// jifen tiers: previews or runs the recalculation. Fails: usage; refusals; a stream that ends
// before it is done.
#include "tools/jifen/tiers.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "jifen/v1/programmes.pb-c.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/json.h"
#include "tools/jifen/progress.h"
#include "tools/jifen/show.h"
#include "tools/jifen/table.h"
#include "tools/jifen/tiers_list.h"

static const struct jf_cli_help help = {
    .usage = "jifen tiers (--preview | --run ID) --as-of DATE [--list] [--csv FILE]\n"
             "       jifen tiers set (NUMBER | --card CARD) --tier NAME --operator WHO",
    .about =
        "Recalculates every member's level and activity class as of a business date. A preview "
        "writes\n"
        "nothing. A run posts\n"
        "one entry a change; broken off, it goes on where it stopped when sent again with the "
        "same\n"
        "ID, and never changes a member twice. Tills go on meanwhile.\n"
        "With --json every change is a line {\"change\":{…}}, the end "
        "{\"done\":{\"members\",\"counts\"}},\n"
        "and \"class_counts\" in it where members have activity classes.\n",
    .example = "  jifen tiers --preview --as-of 2017-06-30 --csv changes.csv\n"
               "  jifen tiers --run 2017-06 --as-of 2017-06-30\n"
               "  jifen tiers set 4711 --tier gold --until 2099-12-31 --operator anna\n",
};

struct watch {
    const struct jf_tiers_input *input;
    struct jf_tiers_result *result;
    struct jf_progress progress;
    struct jf_tiers_names names;
};

static void change_print(const struct watch *watch, const Jifen__V1__TierChange *change)
{
    struct jf_json json = {.out = stdout};
    if (watch->input->is_json) {
        jf_json_object_begin(&json, NULL);
        jf_json_message(&json, "change", &change->base);
        jf_json_object_end(&json);
        jf_json_end_line(&json);
        return;
    }
    jf_tiers_row_print(&watch->names, change);
}

static bool on_progress(void *context, const ProtobufCMessage *message)
{
    struct watch *watch = context;
    const Jifen__V1__RecalculateTiersProgress *progress =
        (const Jifen__V1__RecalculateTiersProgress *)message;
    for (size_t at = 0; watch->input->is_listed && at < progress->n_changes; at++) {
        change_print(watch, progress->changes[at]);
    }
    for (size_t at = 0; watch->input->csv != NULL && at < progress->n_changes; at++) {
        jf_tiers_csv_row(watch->input->csv, &watch->names, progress->changes[at]);
    }
    watch->progress.total = progress->members_total;
    watch->result->members = progress->members_done;
    jf_progress_show(&watch->progress, progress->members_done);
    for (size_t at = 0; at < progress->n_counts; at++) {
        const Jifen__V1__TierCount *count = progress->counts[at];
        if (count->from < JF_TIERS_LEVELS_MAX && count->to < JF_TIERS_LEVELS_MAX) {
            watch->result->counts[count->from][count->to] = count->members;
        }
    }
    for (size_t at = 0; at < progress->n_class_counts; at++) {
        const Jifen__V1__ClassCount *count = progress->class_counts[at];
        if (count->from < JF_TIERS_CLASSES_MAX && count->to < JF_TIERS_CLASSES_MAX) {
            watch->result->class_counts[count->from][count->to] = count->members;
        }
    }
    watch->result->is_done = progress->done;
    return true;
}

enum jf_exit jf_tiers_recalculate(struct jf_session *session, const struct jf_tiers_input *input,
                                  struct jf_tiers_result *out_result)
{
    Jifen__V1__RecalculateTiersRequest request = JIFEN__V1__RECALCULATE_TIERS_REQUEST__INIT;
    request.run_id = (char *)(uintptr_t)input->run_id;
    request.as_of = input->as_of;
    request.preview = input->is_preview;
    request.list = input->is_listed || input->csv != NULL;
    struct watch watch = {.input = input, .result = out_result};
    *out_result = (struct jf_tiers_result){0};
    if (request.list) {
        enum jf_exit named = jf_tiers_names_load(session, input->as_of, &watch.names);
        if (named != JF_EXIT_OK) {
            return named;
        }
    }
    if (input->csv != NULL) {
        jf_tiers_csv_begin(input->csv);
    }
    struct jf_session_stream stream = {"/jifen.v1.Programmes/RecalculateTiers", &request.base,
                                       &jifen__v1__recalculate_tiers_progress__descriptor,
                                       on_progress, &watch};
    jf_progress_begin(&watch.progress, "tiers", 0, input->is_progress_forced);
    enum jf_exit code = jf_session_stream(session, &stream);
    jf_progress_end(&watch.progress, out_result->members);
    if (code == JF_EXIT_OK && !out_result->is_done) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "the ledger broke off; send the same again");
    }
    return code;
}

// Whether anybody has a class in the end: it is not told of where nobody has.
static bool has_classes(const struct jf_tiers_result *result)
{
    for (uint32_t pair = 0; pair < JF_TIERS_CLASSES_MAX * JF_TIERS_CLASSES_MAX; pair++) {
        uint32_t to = pair % JF_TIERS_CLASSES_MAX;
        if (to > 0 && result->class_counts[pair / JF_TIERS_CLASSES_MAX][to] > 0) {
            return true;
        }
    }
    return false;
}

static enum jf_exit classes_show(const struct jf_tiers_result *result)
{
    static const struct jf_table_column columns[] = {
        {"FROM CLASS", true}, {"TO CLASS", true}, {"MEMBERS", true}};
    struct jf_table *table = NULL;
    if (!has_classes(result)) {
        return JF_EXIT_OK;
    }
    if (jf_table_create(columns, 3, &table) != JF_OK) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    for (uint32_t pair = 0; pair < JF_TIERS_CLASSES_MAX * JF_TIERS_CLASSES_MAX; pair++) {
        uint32_t from = pair / JF_TIERS_CLASSES_MAX;
        uint32_t to = pair % JF_TIERS_CLASSES_MAX;
        if (result->class_counts[from][to] > 0) {
            jf_table_row(table);
            jf_table_number(table, from);
            jf_table_number(table, to);
            jf_table_number(table, (int64_t)result->class_counts[from][to]);
        }
    }
    return jf_show_table(table);
}

enum jf_exit jf_tiers_show(const struct jf_tiers_result *result)
{
    static const struct jf_table_column columns[] = {
        {"FROM LEVEL", true}, {"TO LEVEL", true}, {"MEMBERS", true}};
    struct jf_table *table = NULL;
    if (jf_table_create(columns, 3, &table) != JF_OK) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    for (uint32_t pair = 0; pair < JF_TIERS_LEVELS_MAX * JF_TIERS_LEVELS_MAX; pair++) {
        uint32_t from = pair / JF_TIERS_LEVELS_MAX;
        uint32_t to = pair % JF_TIERS_LEVELS_MAX;
        if (result->counts[from][to] > 0) {
            jf_table_row(table);
            jf_table_number(table, from);
            jf_table_number(table, to);
            jf_table_number(table, (int64_t)result->counts[from][to]);
        }
    }
    enum jf_exit code = jf_show_table(table);
    return code == JF_EXIT_OK ? classes_show(result) : code;
}

static void pair_print_json(struct jf_json *json, uint32_t from, uint32_t to, uint64_t members)
{
    if (members == 0) {
        return;
    }
    jf_json_object_begin(json, NULL);
    jf_json_unsigned(json, "from", from);
    jf_json_unsigned(json, "to", to);
    jf_json_unsigned(json, "members", members);
    jf_json_object_end(json);
}

static void classes_print_json(struct jf_json *json, const struct jf_tiers_result *result)
{
    if (!has_classes(result)) {
        return;
    }
    jf_json_array_begin(json, "class_counts");
    for (uint32_t pair = 0; pair < JF_TIERS_CLASSES_MAX * JF_TIERS_CLASSES_MAX; pair++) {
        uint32_t from = pair / JF_TIERS_CLASSES_MAX;
        uint32_t to = pair % JF_TIERS_CLASSES_MAX;
        pair_print_json(json, from, to, result->class_counts[from][to]);
    }
    jf_json_array_end(json);
}

static void done_print_json(const struct jf_tiers_result *result)
{
    struct jf_json json = {.out = stdout};
    jf_json_object_begin(&json, NULL);
    jf_json_object_begin(&json, "done");
    jf_json_unsigned(&json, "members", result->members);
    jf_json_array_begin(&json, "counts");
    for (uint32_t pair = 0; pair < JF_TIERS_LEVELS_MAX * JF_TIERS_LEVELS_MAX; pair++) {
        uint32_t from = pair / JF_TIERS_LEVELS_MAX;
        uint32_t to = pair % JF_TIERS_LEVELS_MAX;
        pair_print_json(&json, from, to, result->counts[from][to]);
    }
    jf_json_array_end(&json);
    classes_print_json(&json, result);
    jf_json_object_end(&json);
    jf_json_object_end(&json);
    jf_json_end_line(&json);
}

// Runs the recalculation, and writes the CSV file, where one is asked for, to its end.
static enum jf_exit recalculate(struct jf_cli *cli, struct jf_tiers_input *input,
                                const char *csv_name, struct jf_tiers_result *result)
{
    struct jf_session *session = NULL;
    if (csv_name != NULL) {
        input->csv = fopen(csv_name, "w");
        if (input->csv == NULL) {
            return jf_cli_fail(JF_EXIT_BAD_INPUT, "%s: %s", csv_name, strerror(errno));
        }
    }
    enum jf_exit code = jf_session_open(cli, 1, &session);
    if (code == JF_EXIT_OK) {
        code = jf_tiers_recalculate(session, input, result);
    }
    jf_session_close(session);
    bool is_written = input->csv == NULL || fclose(input->csv) == 0;
    if (code == JF_EXIT_OK && !is_written) {
        code = jf_cli_fail(JF_EXIT_BAD_INPUT, "%s: %s", csv_name, strerror(errno));
    }
    return code;
}

enum jf_exit jf_cli_tiers_run(struct jf_cli *cli, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "set") == 0) {
        return jf_tiers_set_run(cli, argc, argv);
    }
    jf_date as_of = JF_DATE_NONE;
    struct jf_tiers_input input = {.run_id = NULL};
    struct jf_tiers_result result = {.is_done = false};
    const char *csv_name = NULL;
    const struct jf_option options[] = {
        {"--preview", NULL, JF_OPTION_FLAG, &input.is_preview, "write nothing"},
        {"--run", "ID", JF_OPTION_TEXT, &input.run_id, "name of the run, 1 to 32 bytes"},
        {"--as-of", "DATE", JF_OPTION_DATE, &as_of, "business date; needed"},
        {"--list", NULL, JF_OPTION_FLAG, &input.is_listed, "list every change with its reason"},
        {"--csv", "FILE", JF_OPTION_TEXT, &csv_name, "write the list to a CSV file"},
        {"--progress", NULL, JF_OPTION_FLAG, &input.is_progress_forced,
         "show progress also without a terminal"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (input.is_preview == (input.run_id != NULL) || as_of == JF_DATE_NONE) {
        return jf_cli_usage("tiers", "give --preview or --run ID, and --as-of");
    }
    input.run_id = input.is_preview ? "preview" : input.run_id;
    input.as_of = jf_wire_date_from(as_of);
    input.is_json = cli->is_json;
    code = recalculate(cli, &input, csv_name, &result);
    if (code == JF_EXIT_OK && cli->is_json) {
        done_print_json(&result);
    } else if (code == JF_EXIT_OK) {
        code = jf_tiers_show(&result);
    }
    return jf_cli_finish(code);
}
