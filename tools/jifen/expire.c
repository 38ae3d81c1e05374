// jifen expire: posts what has expired by a date. Fails: usage; refusals; a stream that ends before
// it is done.
#include <inttypes.h>

#include "jifen/v1/programmes.pb-c.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/json.h"
#include "tools/jifen/progress.h"
#include "tools/jifen/session.h"

static const struct jf_cli_help help = {
    .usage = "jifen expire --as-of DATE [--run ID] [--progress]",
    .about = "Posts the points whose last day is before a business date as expired, one entry a "
             "member. No\n"
             "balance depends on it: points past their last day cannot be spent, posted or not. "
             "Only members\n"
             "with such points are looked at. Broken off, it goes on where it stopped when sent "
             "again with\n"
             "the same ID, and posts nothing twice. Tills go on meanwhile.\n"
             "With --json: {\"done\":{\"run\",\"members\",\"points_expired\"}}.\n",
    .example = "  jifen expire --as-of 2017-07-01\n"
               "  jifen expire --as-of 2017-07-01 --run 2017-07 --json\n",
};

struct watch {
    struct jf_progress progress;
    uint64_t members;
    uint64_t points_expired;
    bool is_done;
};

static bool on_progress(void *context, const ProtobufCMessage *message)
{
    struct watch *watch = context;
    const Jifen__V1__ExpireProgress *progress = (const Jifen__V1__ExpireProgress *)message;
    watch->progress.total = progress->members_total;
    watch->members = progress->members_done;
    watch->points_expired = progress->points_expired;
    watch->is_done = progress->done;
    jf_progress_show(&watch->progress, progress->members_done);
    return true;
}

static void done_print(const struct jf_cli *cli, const char *run_id, const struct watch *watch)
{
    if (cli->is_json) {
        struct jf_json json = {.out = stdout};
        jf_json_object_begin(&json, NULL);
        jf_json_object_begin(&json, "done");
        jf_json_string(&json, "run", run_id);
        jf_json_unsigned(&json, "members", watch->members);
        jf_json_unsigned(&json, "points_expired", watch->points_expired);
        jf_json_object_end(&json);
        jf_json_object_end(&json);
        jf_json_end_line(&json);
        return;
    }
    char members[JF_DECIMAL_TEXT_SIZE];
    char points[JF_DECIMAL_TEXT_SIZE];
    jf_decimal_format((int64_t)watch->members, 0, true, members);
    jf_decimal_format((int64_t)watch->points_expired, 0, true, points);
    (void)printf("%s points posted as expired; %s members looked at (run %s).\n", points, members,
                 run_id);
}

static enum jf_exit expire(struct jf_session *session, const char *run_id, jf_date as_of,
                           struct watch *watch)
{
    Jifen__V1__ExpireRequest request = JIFEN__V1__EXPIRE_REQUEST__INIT;
    request.run_id = (char *)(uintptr_t)run_id;
    request.as_of = jf_wire_date_from(as_of);
    struct jf_session_stream stream = {"/jifen.v1.Programmes/Expire", &request.base,
                                       &jifen__v1__expire_progress__descriptor, on_progress, watch};
    enum jf_exit code = jf_session_stream(session, &stream);
    jf_progress_end(&watch->progress, watch->members);
    if (code == JF_EXIT_OK && !watch->is_done) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "the ledger broke off; send the same again");
    }
    return code;
}

enum jf_exit jf_cli_expire_run(struct jf_cli *cli, int argc, char **argv)
{
    jf_date as_of = JF_DATE_NONE;
    const char *run_id = NULL;
    bool is_progress_forced = false;
    struct jf_session *session = NULL;
    struct watch watch = {.is_done = false};
    char date[JF_DATE_TEXT_SIZE];
    const struct jf_option options[] = {
        {"--as-of", "DATE", JF_OPTION_DATE, &as_of, "business date; needed"},
        {"--run", "ID", JF_OPTION_TEXT, &run_id,
         "name of the run, 1 to 32 bytes; left out: the date"},
        {"--progress", NULL, JF_OPTION_FLAG, &is_progress_forced,
         "show progress also without a terminal"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (as_of == JF_DATE_NONE) {
        return jf_cli_usage("expire", "give --as-of DATE");
    }
    jf_date_format(as_of, date);
    run_id = run_id == NULL ? date : run_id;
    code = jf_session_open(cli, 1, &session);
    if (code == JF_EXIT_OK) {
        jf_progress_begin(&watch.progress, "expiry", 0, is_progress_forced);
        code = expire(session, run_id, as_of, &watch);
    }
    if (code == JF_EXIT_OK) {
        done_print(cli, run_id, &watch);
    }
    jf_session_close(session);
    return jf_cli_finish(code);
}
