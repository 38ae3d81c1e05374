// jifen void: gives back what is held. Fails: usage; the refusals of Void.
#include "jifen/v1/ledger.pb-c.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"

static const struct jf_cli_help help = {
    .usage = "jifen void HOLD-ID --at INSTANT [--id ID]",
    .about = "Gives points that jifen hold set aside back to their lots.\n",
    .example = "  jifen void 319-7-20170630-h1 --at 2017-06-30T18:02:00Z\n",
    .arguments_min = 1,
    .arguments_max = 1,
};

static enum jf_exit show(const ProtobufCMessage *message)
{
    const Jifen__V1__VoidResponse *response = (const Jifen__V1__VoidResponse *)message;
    return jf_show_outcome(response->outcome, response->replayed);
}

enum jf_exit jf_cli_void_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *id = NULL;
    Jifen__V1__VoidRequest request = JIFEN__V1__VOID_REQUEST__INIT;
    request.voided_at_ms = -1;
    const struct jf_option options[] = {
        {"--at", "INSTANT", JF_OPTION_INSTANT, &request.voided_at_ms, "when"},
        {"--id", "ID", JF_OPTION_TEXT, &id, "transaction id of the void; default a new one"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (request.voided_at_ms < 0) {
        return jf_cli_usage("void", "--at is needed");
    }
    if (id == NULL) {
        id = jf_cli_new_id("void");
        (void)fprintf(stderr, "jifen: --id %s\n", id);
    }
    request.transaction_id = (char *)(uintptr_t)id;
    request.hold_transaction_id = (char *)(uintptr_t)cli->arguments[0];
    struct jf_session_ask ask = {"/jifen.v1.Ledger/Void", &request.base,
                                 &jifen__v1__void_response__descriptor, show};
    return jf_session_ask(cli, &ask);
}
