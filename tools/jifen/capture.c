// jifen capture: spends what is held. Fails: usage; the refusals of Capture.
#include "jifen/v1/ledger.pb-c.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"

static const struct jf_cli_help help = {
    .usage = "jifen capture HOLD-ID --at INSTANT [--points N] [--id ID]",
    .about =
        "Spends points that jifen hold set aside: all, or --points of them, and the rest goes\n"
        "back. Either way the hold has ended.\n",
    .example = "  jifen capture 319-7-20170630-h1 --at 2017-06-30T18:01:00Z --points 300\n",
    .arguments_min = 1,
    .arguments_max = 1,
};

static enum jf_exit show(const ProtobufCMessage *message)
{
    const Jifen__V1__CaptureResponse *response = (const Jifen__V1__CaptureResponse *)message;
    return jf_show_outcome(response->outcome, response->replayed);
}

enum jf_exit jf_cli_capture_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *id = NULL;
    Jifen__V1__CaptureRequest request = JIFEN__V1__CAPTURE_REQUEST__INIT;
    request.captured_at_ms = -1;
    const struct jf_option options[] = {
        {"--at", "INSTANT", JF_OPTION_INSTANT, &request.captured_at_ms, "when"},
        {"--points", "N", JF_OPTION_POINTS, &request.points, "how many; default all"},
        {"--id", "ID", JF_OPTION_TEXT, &id, "transaction id of the capture; default a new one"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (request.captured_at_ms < 0) {
        return jf_cli_usage("capture", "--at is needed");
    }
    if (id == NULL) {
        id = jf_cli_new_id("capture");
        (void)fprintf(stderr, "jifen: --id %s\n", id);
    }
    request.transaction_id = (char *)(uintptr_t)id;
    request.hold_transaction_id = (char *)(uintptr_t)cli->arguments[0];
    struct jf_session_ask ask = {"/jifen.v1.Ledger/Capture", &request.base,
                                 &jifen__v1__capture_response__descriptor, show};
    return jf_session_ask(cli, &ask);
}
