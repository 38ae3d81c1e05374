// jifen store put: creates or replaces a store. Fails: usage; refusals ZONE_UNKNOWN,
// ZONE_UNREADABLE, LIMIT_REACHED.
#include <string.h>

#include "jifen/v1/programmes.pb-c.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"

static const struct jf_cli_help help = {
    .usage = "jifen store put NUMBER --entity N --zone ZONE [options]",
    .about = "Creates a store or replaces what is known of it. Sales of a store are refused before "
             "that.\n",
    .example = "  jifen store put 319 --entity 1 --zone America/New_York --region east --day-start "
               "04:00\n",
    .arguments_min = 2,
    .arguments_max = 2,
};

static enum jf_exit show(const ProtobufCMessage *message)
{
    const Jifen__V1__PutStoreResponse *response = (const Jifen__V1__PutStoreResponse *)message;
    return jf_show_outcome(response->outcome, response->replayed);
}

// "HH:MM", before noon.
static bool day_start_parse(const char *text, uint32_t *out_minute)
{
    uint64_t hour = 0;
    uint64_t minute = 0;
    if (strlen(text) != 5 || text[2] != ':' ||
        jf_decimal_parse_whole((struct jf_text){text, 2}, &hour) != JF_OK ||
        jf_decimal_parse_whole((struct jf_text){text + 3, 2}, &minute) != JF_OK || hour > 11 ||
        minute > 59) {
        return false;
    }
    *out_minute = (uint32_t)(hour * 60 + minute);
    return true;
}

enum jf_exit jf_cli_store_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *zone = NULL;
    const char *region = "";
    const char *day_start = "00:00";
    const char *id = NULL;
    uint64_t number = 0;
    Jifen__V1__PutStoreRequest request = JIFEN__V1__PUT_STORE_REQUEST__INIT;
    const struct jf_option options[] = {
        {"--entity", "N", JF_OPTION_U32, &request.entity, "legal entity, 1 to 255; needed"},
        {"--zone", "ZONE", JF_OPTION_TEXT, &zone, "IANA time zone, such as Asia/Shanghai; needed"},
        {"--region", "TEXT", JF_OPTION_TEXT, &region, "region, for rules; up to 64 bytes"},
        {"--day-start", "HH:MM", JF_OPTION_TEXT, &day_start,
         "when the business day starts, before noon; default 00:00"},
        {"--id", "ID", JF_OPTION_TEXT, &id, "transaction id; default a new one"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (strcmp(cli->arguments[0], "put") != 0 ||
        jf_decimal_parse_whole(jf_text_from(cli->arguments[1]), &number) != JF_OK || number == 0 ||
        number > UINT32_MAX) {
        return jf_cli_usage("store", "usage: %s", help.usage);
    }
    if (request.entity == 0 || zone == NULL) {
        return jf_cli_usage("store", "--entity and --zone are needed");
    }
    if (!day_start_parse(day_start, &request.day_start_minute)) {
        return jf_cli_usage("store", "--day-start: \"%s\" is not HH:MM before noon", day_start);
    }
    request.store = (uint32_t)number;
    request.zone = (char *)(uintptr_t)zone;
    request.region = (char *)(uintptr_t)region;
    request.transaction_id = (char *)(uintptr_t)(id == NULL ? jf_cli_new_id("store") : id);
    struct jf_session_ask ask = {"/jifen.v1.Programmes/PutStore", &request.base,
                                 &jifen__v1__put_store_response__descriptor, show};
    return jf_session_ask(cli, &ask);
}
