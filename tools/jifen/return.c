// jifen return: some or all of a sale's lines come back. Fails: usage; the refusals of PostReturn.
#include <string.h>

#include "tools/jifen/decimal.h"
#include "tools/jifen/sale_request.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"

static const struct jf_cli_help help = {
    .usage =
        "jifen return --sale ID --store N --at INSTANT (--all | --line N[:QUANTITY]...) [options]",
    .about = "Takes back lines of a sale. Lines are counted from 1; without QUANTITY all that is "
             "kept of\n"
             "the line comes back. Points follow what is kept of the sale.\n"
             "Repeat with the --id that was printed if you do not know whether it arrived.\n",
    .example =
        "  jifen return --sale 319-31198705046 --store 319 --at 2017-01-20T18:00:00Z --line 1\n",
};

struct line_list {
    Jifen__V1__ReturnLine lines[JF_LINES_PER_RECEIPT_MAX];
    Jifen__V1__ReturnLine *pointers[JF_LINES_PER_RECEIPT_MAX];
};

static enum jf_exit show(const ProtobufCMessage *message)
{
    const Jifen__V1__PostReturnResponse *response = (const Jifen__V1__PostReturnResponse *)message;
    return jf_show_outcome(response->outcome, response->replayed);
}

// "N" or "N:QUANTITY".
static bool line_parse(const char *text, Jifen__V1__ReturnLine *out_line)
{
    const char *colon = strchr(text, ':');
    uint32_t size = colon == NULL ? (uint32_t)strlen(text) : (uint32_t)(colon - text);
    uint64_t number = 0;
    if (jf_decimal_parse_whole((struct jf_text){text, size}, &number) != JF_OK || number == 0 ||
        number > JF_LINES_PER_RECEIPT_MAX) {
        return false;
    }
    jifen__v1__return_line__init(out_line);
    out_line->line_number = (uint32_t)number;
    out_line->whole = colon == NULL;
    return colon == NULL || jf_decimal_parse(jf_text_from(colon + 1), JF_DECIMAL_QUANTITY_SCALE,
                                             &out_line->quantity_milli) == JF_OK;
}

static enum jf_exit lines_take(const struct jf_cli_list *texts, struct line_list *list,
                               Jifen__V1__PostReturnRequest *request)
{
    if (texts->count > JF_LINES_PER_RECEIPT_MAX) {
        return jf_cli_usage("return", "a receipt has at most %u lines", JF_LINES_PER_RECEIPT_MAX);
    }
    for (uint32_t at = 0; at < texts->count; at++) {
        if (!line_parse(texts->items[at], &list->lines[at])) {
            return jf_cli_usage("return", "--line: \"%s\" is not N or N:QUANTITY",
                                texts->items[at]);
        }
        list->pointers[at] = &list->lines[at];
    }
    request->lines = list->pointers;
    request->n_lines = texts->count;
    return JF_EXIT_OK;
}

enum jf_exit jf_cli_return_run(struct jf_cli *cli, int argc, char **argv)
{
    static struct line_list list;
    struct jf_cli_list texts = {.count = 0};
    const char *sale = NULL;
    const char *id = NULL;
    bool is_all = false;
    Jifen__V1__PostReturnRequest request = JIFEN__V1__POST_RETURN_REQUEST__INIT;
    request.returned_at_ms = -1;
    const struct jf_option options[] = {
        {"--sale", "ID", JF_OPTION_TEXT, &sale, "transaction id of the sale"},
        {"--store", "N", JF_OPTION_U32, &request.store, "where it is returned"},
        {"--terminal", "N", JF_OPTION_U32, &request.terminal, "the till; default 0"},
        {"--at", "INSTANT", JF_OPTION_INSTANT, &request.returned_at_ms, "when"},
        {"--all", NULL, JF_OPTION_FLAG, &is_all, "everything that is kept"},
        {"--line", "N[:QUANTITY]", JF_OPTION_LIST, &texts, "a line; may be given again"},
        {"--id", "ID", JF_OPTION_TEXT, &id, "transaction id of the return; default a new one"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (sale == NULL || request.store == 0 || request.returned_at_ms < 0) {
        return jf_cli_usage("return", "--sale, --store and --at are needed");
    }
    if (is_all == (texts.count > 0)) {
        return jf_cli_usage("return", "give --all or --line, and not both");
    }
    code = lines_take(&texts, &list, &request);
    if (code != JF_EXIT_OK) {
        return code;
    }
    if (id == NULL) {
        id = jf_cli_new_id("return");
        (void)fprintf(stderr, "jifen: --id %s\n", id);
    }
    request.transaction_id = (char *)(uintptr_t)id;
    request.sale_transaction_id = (char *)(uintptr_t)sale;
    request.all = is_all;
    struct jf_session_ask ask = {"/jifen.v1.Ledger/PostReturn", &request.base,
                                 &jifen__v1__post_return_response__descriptor, show};
    return jf_session_ask(cli, &ask);
}
