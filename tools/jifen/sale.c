// jifen sale and jifen quote: one receipt, posted or only asked about.
// Fails: usage; the refusals of PostSale (see proto/jifen/v1/ledger.proto).
#include <inttypes.h>
#include <string.h>

#include "tools/jifen/decimal.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/json.h"
#include "tools/jifen/sale_request.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"

#define SALE_OPTIONS                                                                               \
    "(--member NUMBER | --card CARD) --store N --number TEXT --at INSTANT --line LINE... "         \
    "[options]"
#define SALE_FIELDS                                                                                \
    "A LINE is SKU:CATEGORY:QUANTITY:AMOUNT, such as 995211:GROCERY:2:12.34, with the amount\n"    \
    "after discounts; CATEGORY may be empty. A TENDER is TYPE:AMOUNT, such as cash:12.34.\n"
#define SALE_EXAMPLE                                                                               \
    " --member 4711 --store 319 --number R-1001 --at 2017-01-18T10:00:00Z \\\n"                    \
    "      --line 995211:GROCERY:1:1.88 --line 849021:'DRUG GM':1:3.99 --tender cash:5.87\n"

static const struct jf_cli_help sale_help = {
    .usage = "jifen sale " SALE_OPTIONS,
    .about =
        "Posts one receipt: spends points on it if asked, grants what it earns, and shows how.\n"
        "The same sale sent again changes nothing and gets the first answer.\n" SALE_FIELDS,
    .example = "  jifen sale" SALE_EXAMPLE,
};

static const struct jf_cli_help quote_help = {
    .usage = "jifen quote " SALE_OPTIONS,
    .about = "Shows what a sale would earn and redeem, and posts nothing.\n" SALE_FIELDS,
    .example = "  jifen quote" SALE_EXAMPLE,
};

struct sale_input {
    uint64_t member;
    const char *card;
    const char *number;
    const char *id;
    int64_t redeem_points;
    uint32_t terminal;
    bool is_offline;
    bool is_quote;
    struct jf_cli_list lines;
    struct jf_cli_list tenders;
};

struct sale {
    struct sale_input input;
    struct jf_receipt receipt;
    struct jf_sale_request request;
    char default_id[JF_TRANSACTION_ID_SIZE];
    Jifen__V1__Tender tenders[JF_TENDERS_PER_RECEIPT_MAX];
    Jifen__V1__Tender *tender_pointers[JF_TENDERS_PER_RECEIPT_MAX];
    char tender_types[JF_TENDERS_PER_RECEIPT_MAX][JF_TENDER_TYPE_BYTES_MAX + 1];
};

static struct sale sale_memory; // too large for the stack; one command line, one sale

static enum jf_exit lines_take(struct sale *sale, const char *name)
{
    const struct jf_cli_list *lines = &sale->input.lines;
    if (lines->count == 0 || lines->count > JF_LINES_PER_RECEIPT_MAX) {
        return jf_cli_usage(name, "a receipt has 1 to %u lines (--line)", JF_LINES_PER_RECEIPT_MAX);
    }
    for (uint32_t at = 0; at < lines->count; at++) {
        if (!jf_sale_line_parse(lines->items[at], &sale->receipt.lines[at])) {
            return jf_cli_usage(name, "--line: \"%s\" is not SKU:CATEGORY:QUANTITY:AMOUNT",
                                lines->items[at]);
        }
    }
    sale->receipt.line_count = lines->count;
    return JF_EXIT_OK;
}

static bool tender_take(struct sale *sale, uint32_t at)
{
    const char *text = sale->input.tenders.items[at];
    const char *colon = strrchr(text, ':');
    Jifen__V1__Tender *tender = &sale->tenders[at];
    jifen__v1__tender__init(tender);
    size_t size = colon == NULL ? 0 : (size_t)(colon - text);
    if (size == 0 || size > JF_TENDER_TYPE_BYTES_MAX ||
        jf_decimal_parse(jf_text_from(colon + 1), JF_DECIMAL_MONEY_SCALE, &tender->amount) !=
            JF_OK) {
        return false;
    }
    memcpy(sale->tender_types[at], text, size);
    tender->type = sale->tender_types[at];
    sale->tender_pointers[at] = tender;
    return true;
}

static enum jf_exit tenders_take(struct sale *sale, const char *name)
{
    const struct jf_cli_list *tenders = &sale->input.tenders;
    if (tenders->count > JF_TENDERS_PER_RECEIPT_MAX) {
        return jf_cli_usage(name, "a receipt has at most %u tenders", JF_TENDERS_PER_RECEIPT_MAX);
    }
    for (uint32_t at = 0; at < tenders->count; at++) {
        if (!tender_take(sale, at)) {
            return jf_cli_usage(name, "--tender: \"%s\" is not TYPE:AMOUNT", tenders->items[at]);
        }
    }
    sale->request.receipt.tenders = sale->tender_pointers;
    sale->request.receipt.n_tenders = tenders->count;
    return JF_EXIT_OK;
}

// The receipt's own names, so that sending it again is known as a repetition. The instant and not
// a date: only the store's zone and day start tell the business date, and the same number may come
// again the next day. Returns: false where they are longer than an id may be.
static bool default_id_make(struct sale *sale)
{
    char at[JF_INSTANT_TEXT_SIZE] = "";
    jf_instant_format(sale->receipt.sold_at_ms, at); // "2017-01-18 10:00:00Z"
    int size = snprintf(sale->default_id, sizeof(sale->default_id),
                        "%" PRIu32 "-%" PRIu32 "-%.4s%.2s%.2sT%.2s%.2s%.2sZ-%s",
                        sale->receipt.store, sale->input.terminal, at, at + 5, at + 8, at + 11,
                        at + 14, at + 17, sale->receipt.number);
    return size > 0 && (size_t)size < sizeof(sale->default_id);
}

static enum jf_exit request_make(struct sale *sale, const char *name)
{
    struct sale_input *input = &sale->input;
    enum jf_exit code = lines_take(sale, name);
    if (code != JF_EXIT_OK) {
        return code;
    }
    if (sale->receipt.store == 0 || input->number == NULL || sale->receipt.sold_at_ms < 0) {
        return jf_cli_usage(name, "--store, --number and --at are needed");
    }
    if (strlen(input->number) > JF_RECEIPT_NUMBER_BYTES_MAX) {
        return jf_cli_usage(name, "--number is longer than %u bytes", JF_RECEIPT_NUMBER_BYTES_MAX);
    }
    (void)snprintf(sale->receipt.number, sizeof(sale->receipt.number), "%s", input->number);
    if (!default_id_make(sale) && input->id == NULL && !input->is_quote) {
        return jf_cli_usage(name,
                            "give --id: store, terminal, instant and number are together "
                            "longer than %u bytes",
                            JF_TRANSACTION_ID_BYTES_MAX);
    }
    jf_sale_request_fill(&sale->request, &sale->receipt, input->terminal,
                         input->id == NULL ? sale->default_id : input->id);
    if (!jf_member_ref_fill(input->member, input->card, &sale->request.member)) {
        return jf_cli_usage(name, "give --member or --card, and not both");
    }
    sale->request.message.redeem_points = input->redeem_points;
    sale->request.message.offline = input->is_offline;
    return tenders_take(sale, name);
}

static enum jf_exit answer_show(const struct jf_cli *cli, const ProtobufCMessage *message)
{
    const Jifen__V1__PostSaleResponse *response = (const Jifen__V1__PostSaleResponse *)message;
    if (cli->is_json) {
        struct jf_json json = {.out = stdout};
        jf_json_message(&json, NULL, message);
        jf_json_end_line(&json);
        return JF_EXIT_OK;
    }
    // A second session, because the first one's answer lives until its next call.
    struct jf_session *names = NULL;
    const ProtobufCMessage *programme = NULL;
    Jifen__V1__GetProgrammeRequest request = JIFEN__V1__GET_PROGRAMME_REQUEST__INIT;
    enum jf_exit code = jf_show_outcome(response->outcome, response->replayed);
    if (code == JF_EXIT_OK && jf_session_open(cli, 1, &names) == JF_EXIT_OK) {
        code = jf_session_call(names, "/jifen.v1.Programmes/Get", &request.base,
                               &jifen__v1__get_programme_response__descriptor, &programme);
    }
    if (code == JF_EXIT_OK) {
        code = jf_show_trace(response->outcome, (const Jifen__V1__GetProgrammeResponse *)programme);
    }
    jf_session_close(names);
    return code;
}

static enum jf_exit sale_run(struct jf_cli *cli, const struct jf_cli_help *help, int argc,
                             char **argv)
{
    struct sale *sale = &sale_memory;
    struct sale_input *input = &sale->input;
    sale->receipt.sold_at_ms = -1;
    const struct jf_option options[] = {
        {"--member", "NUMBER", JF_OPTION_U64, &input->member, "the member"},
        {"--card", "CARD", JF_OPTION_TEXT, &input->card, "or one of the member's cards"},
        {"--store", "N", JF_OPTION_U32, &sale->receipt.store, "the store"},
        {"--terminal", "N", JF_OPTION_U32, &input->terminal, "the till; default 0"},
        {"--number", "TEXT", JF_OPTION_TEXT, &input->number, "the receipt's number"},
        {"--at", "INSTANT", JF_OPTION_INSTANT, &sale->receipt.sold_at_ms, "when it was sold"},
        {"--line", "LINE", JF_OPTION_LIST, &input->lines, "a line; up to 500"},
        {"--tender", "TENDER", JF_OPTION_LIST, &input->tenders, "a means of payment; up to 16"},
        {"--redeem", "POINTS", JF_OPTION_POINTS, &input->redeem_points, "points to spend on it"},
        {"--offline", NULL, JF_OPTION_FLAG, &input->is_offline, "it was sold offline"},
        {"--id", "ID", JF_OPTION_TEXT, &input->id,
         "transaction id; default STORE-TERMINAL-INSTANT-NUMBER"},
        {"--quote", NULL, JF_OPTION_FLAG, &input->is_quote, "only ask: post nothing"},
    };
    struct jf_session *session = NULL;
    const ProtobufCMessage *response = NULL;
    enum jf_exit code = jf_cli_parse(cli, help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    code = request_make(sale, argv[0]);
    if (code == JF_EXIT_OK) {
        code = jf_session_open(cli, 1, &session);
    }
    if (code == JF_EXIT_OK) {
        code = jf_session_call(
            session, input->is_quote ? "/jifen.v1.Ledger/Quote" : "/jifen.v1.Ledger/PostSale",
            &sale->request.message.base, &jifen__v1__post_sale_response__descriptor, &response);
    }
    if (code == JF_EXIT_OK) {
        code = answer_show(cli, response);
    }
    jf_session_close(session);
    return jf_cli_finish(code);
}

enum jf_exit jf_cli_sale_run(struct jf_cli *cli, int argc, char **argv)
{
    return sale_run(cli, &sale_help, argc, argv);
}

enum jf_exit jf_cli_quote_run(struct jf_cli *cli, int argc, char **argv)
{
    sale_memory.input.is_quote = true;
    return sale_run(cli, &quote_help, argc, argv);
}
