// jifen follow: the ledger's entries from a position on, each as soon as it is durable.
// Fails: usage; a kind that there is not; no connection, or one that broke: then it says from where
// to go on.
#include <inttypes.h>
#include <string.h>

#include "tools/jifen/decimal.h"
#include "tools/jifen/feed.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/json.h"

#define KINDS_MAX 64u

static const struct jf_cli_help help = {
    .usage = "jifen follow [--from POSITION] [--kinds KIND,KIND...] [--once]",
    .about =
        "Prints every entry of the ledger from a position on, in order, and then each new one as\n"
        "soon as it is on disk, until Ctrl-C. At its end it says from where to go on.\n"
        "A slow reader holds up nobody but itself. With --json each entry is a line: a\n"
        "FollowResponse, whose entry is an EntryView.\n"
        "KINDS: sale, return, redemption, enrolment, publication, store, tier_change and others;\n"
        "see EntryView in proto/jifen/v1/ledger.proto.\n",
    .example = "  jifen follow --from 1 --once\n"
               "  jifen follow --from 120031 --kinds sale,return --json\n",
};

struct output {
    bool is_json;
};

static void number_print(int64_t number, int width)
{
    char text[JF_DECIMAL_TEXT_SIZE];
    jf_decimal_format(number, 0, true, text);
    (void)printf("  %*s", width, number == 0 ? "-" : text);
}

static void entry_print(const Jifen__V1__EntryView *entry)
{
    static const Jifen__V1__Outcome no_outcome = JIFEN__V1__OUTCOME__INIT;
    const Jifen__V1__Outcome *outcome = entry->outcome == NULL ? &no_outcome : entry->outcome;
    char date[JF_DATE_TEXT_SIZE];
    char at[JF_INSTANT_TEXT_SIZE];
    jf_wire_date_format(outcome->business_date, date);
    jf_instant_format((int64_t)(entry->recorded_at_us / 1000), at);
    char member[24] = "-";
    if (outcome->member != 0) {
        (void)snprintf(member, sizeof(member), "%" PRIu64, outcome->member);
    }
    (void)printf("%10" PRIu64 "  %s  %-13s  %10s  %12s", entry->position, at, entry->kind, date,
                 member);
    number_print(outcome->points_granted, 9);
    number_print(-outcome->points_redeemed, 9);
    (void)printf("  %s\n", entry->transaction_id);
}

static bool on_entry(void *context, const Jifen__V1__FollowResponse *response)
{
    const struct output *output = context;
    if (output->is_json) {
        struct jf_json json = {.out = stdout};
        jf_json_message(&json, NULL, &response->base);
        jf_json_end_line(&json);
    } else {
        entry_print(response->entry);
    }
    return fflush(stdout) == 0;
}

// Parts the list in place. Returns: false where it is too long or has an empty part.
static bool kinds_part(char *text, char **kinds, uint32_t *out_count)
{
    uint32_t count = 0;
    for (char *at = text; at != NULL && count < KINDS_MAX;) {
        char *comma = strchr(at, ',');
        if (comma != NULL) {
            *comma = '\0';
        }
        if (*at == '\0') {
            return false;
        }
        kinds[count++] = at;
        at = comma == NULL ? NULL : comma + 1;
        if (at == NULL) {
            *out_count = count;
            return true;
        }
    }
    return false;
}

static enum jf_exit follow(struct jf_cli *cli, struct jf_feed *feed, bool is_once)
{
    struct jf_session *session = NULL;
    enum jf_exit code = jf_session_open(cli, 1, &session);
    if (code == JF_EXIT_OK && is_once) {
        code = jf_feed_durable(session, &feed->until_position);
    }
    bool is_begun = code == JF_EXIT_OK && !(is_once && feed->until_position == 0);
    if (is_begun && !cli->is_json) {
        (void)printf("%10s  %-20s  %-13s  %10s  %12s  %9s  %9s  %s\n", "POSITION", "RECORDED",
                     "KIND", "DATE", "MEMBER", "GRANTED", "REDEEMED", "TRANSACTION");
    }
    if (is_begun) {
        code = jf_feed_run(session, feed);
    }
    jf_session_close(session);
    if (is_begun && code != JF_EXIT_REFUSED) {
        (void)fflush(stdout);
        (void)fprintf(stderr, "jifen: go on with --from %" PRIu64 "\n", feed->next_position);
    }
    return jf_cli_finish(code);
}

enum jf_exit jf_cli_follow_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *kinds_text = NULL;
    bool is_once = false;
    struct output output = {.is_json = false};
    struct jf_feed feed = {.on_entry = on_entry, .context = &output};
    const struct jf_option options[] = {
        {"--from", "POSITION", JF_OPTION_U64, &feed.from_position, "first entry; default 1"},
        {"--kinds", "KIND,KIND...", JF_OPTION_TEXT, &kinds_text, "only entries of these kinds"},
        {"--once", NULL, JF_OPTION_FLAG, &is_once, "end with what is there now"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    char text[1024];
    char *kinds[KINDS_MAX];
    if (kinds_text != NULL) {
        int size = snprintf(text, sizeof(text), "%s", kinds_text);
        if ((size_t)size >= sizeof(text) || !kinds_part(text, kinds, &feed.kind_count)) {
            return jf_cli_usage("follow", "--kinds: \"%s\" is not KIND,KIND...", kinds_text);
        }
        feed.kinds = kinds;
    }
    output.is_json = cli->is_json;
    return follow(cli, &feed, is_once);
}
