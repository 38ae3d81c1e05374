// jifen status and jifen checkpoint. Fails: usage; no connection; a disk that is full refuses a
// checkpoint.
#include <inttypes.h>

#include "jifen/v1/operations.pb-c.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"
#include "tools/jifen/status.h"
#include "tools/jifen/table.h"

static const struct jf_cli_help status_help = {
    .usage = "jifen status",
    .about = "Shows what the ledger holds, how far it is on disk, and its control accounts.\n",
    .example = "  jifen status\n  jifen status --json\n",
};

static const struct jf_cli_help checkpoint_help = {
    .usage = "jifen checkpoint",
    .about = "Writes the state to disk now, so that a restart has less to replay. Nothing is lost "
             "without it.\n",
    .example = "  jifen checkpoint\n",
};

const char *jf_status_account(Jifen__V1__Account account)
{
    static const char *const names[] = {"?",        "available",  "pending",  "held",
                                        "debt",     "issued",     "redeemed", "expired",
                                        "adjusted", "written off"};
    return (size_t)account < 10 ? names[account] : "?";
}

static enum jf_exit totals_show(const Jifen__V1__StatusResponse *status)
{
    static const struct jf_table_column columns[] = {
        {"ACCOUNT", false}, {"ENTITY", true}, {"GROUND", false}, {"POINTS", true}};
    struct jf_table *table = NULL;
    if (status->n_totals == 0) {
        return JF_EXIT_OK;
    }
    if (jf_table_create(columns, 4, &table) != JF_OK) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    for (size_t at = 0; at < status->n_totals; at++) {
        const Jifen__V1__ControlTotal *total = status->totals[at];
        jf_table_row(table);
        jf_table_text(table, jf_status_account(total->account));
        jf_table_number(table, total->entity);
        jf_table_text(table, total->reason_name);
        jf_table_number(table, total->points);
    }
    (void)putchar('\n');
    return jf_show_table(table);
}

enum jf_exit jf_status_show_tiers(const Jifen__V1__StatusResponse *status)
{
    static const struct jf_table_column columns[] = {{"TIER", false}, {"MEMBERS", true}};
    struct jf_table *table = NULL;
    if (status->n_tiers == 0) {
        return JF_EXIT_OK;
    }
    if (jf_table_create(columns, 2, &table) != JF_OK) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    for (size_t at = 0; at < status->n_tiers; at++) {
        char name[80];
        (void)snprintf(name, sizeof(name), "%" PRIu32 " %.64s", status->tiers[at]->tier,
                       status->tiers[at]->name);
        jf_table_row(table);
        jf_table_text(table, name);
        jf_table_number(table, (int64_t)status->tiers[at]->members);
    }
    (void)putchar('\n');
    return jf_show_table(table);
}

static void figure(struct jf_table *table, const char *name, uint64_t number)
{
    jf_table_row(table);
    jf_table_text(table, name);
    jf_table_number(table, (int64_t)number);
}

static enum jf_exit figures_show(const Jifen__V1__StatusResponse *status)
{
    static const struct jf_table_column columns[] = {{"FIGURE", false}, {"NUMBER", true}};
    struct jf_table *table = NULL;
    if (jf_table_create(columns, 2, &table) != JF_OK) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    figure(table, "members", status->members);
    figure(table, "members in the cache", status->members_cached);
    figure(table, "stores", status->stores);
    figure(table, "programme version", status->programme_version);
    figure(table, "sales", status->sales);
    figure(table, "lines", status->lines);
    figure(table, "returns", status->returns);
    figure(table, "redemptions", status->redemptions);
    figure(table, "newest entry", status->position_last);
    figure(table, "durable up to", status->position_durable);
    figure(table, "in the state database up to", status->position_stored);
    figure(table, "not replayed at a restart up to", status->position_flushed);
    figure(table, "newest digest", status->digest_position);
    figure(table, "cache, bytes", status->cache_bytes);
    figure(table, "connections", status->connections);
    figure(table, "calls since start", status->calls);
    figure(table, "answers given again since start", status->replayed_answers);
    figure(table, "refusals since start", status->refusals);
    figure(table, "overloads since start", status->overloads);
    figure(table, "entries replayed at start", status->recovered_entries);
    return jf_show_table(table);
}

static enum jf_exit status_show(const ProtobufCMessage *message)
{
    const Jifen__V1__StatusResponse *status = (const Jifen__V1__StatusResponse *)message;
    uint64_t minutes = status->uptime_us / 60000000u;
    (void)printf("Ledger %s, jifend %s, up for %" PRIu64 " h %02" PRIu64 " min.\n",
                 status->ledger_id, status->version, minutes / 60, minutes % 60);
    if (status->read_only) {
        (void)printf("READ ONLY: %s\n", status->read_only_reason);
    }
    if (status->damages > 0) {
        (void)printf("DAMAGED, in %" PRIu64 " place%s: %s\n", status->damages,
                     status->damages == 1 ? "" : "s", status->damage);
    }
    if (status->scrubbed_us > 0) {
        char at[JF_INSTANT_TEXT_SIZE];
        jf_instant_format((int64_t)(status->scrubbed_us / 1000), at);
        (void)printf("Everything at rest was last read by %s.\n", at);
    }
    (void)putchar('\n');
    enum jf_exit code = figures_show(status);
    if (code == JF_EXIT_OK) {
        code = jf_status_show_tiers(status);
    }
    return code == JF_EXIT_OK ? totals_show(status) : code;
}

static enum jf_exit checkpoint_show(const ProtobufCMessage *message)
{
    const Jifen__V1__CheckpointResponse *response = (const Jifen__V1__CheckpointResponse *)message;
    (void)printf("A restart replays from position %" PRIu64 " on.\n",
                 response->position_flushed + 1);
    return JF_EXIT_OK;
}

enum jf_exit jf_cli_status_run(struct jf_cli *cli, int argc, char **argv)
{
    Jifen__V1__StatusRequest request = JIFEN__V1__STATUS_REQUEST__INIT;
    enum jf_exit code = jf_cli_parse(cli, &status_help, NULL, 0, argc, argv);
    struct jf_session_ask ask = {"/jifen.v1.Operations/Status", &request.base,
                                 &jifen__v1__status_response__descriptor, status_show};
    return code == JF_EXIT_GO_ON ? jf_session_ask(cli, &ask) : code;
}

enum jf_exit jf_cli_checkpoint_run(struct jf_cli *cli, int argc, char **argv)
{
    Jifen__V1__CheckpointRequest request = JIFEN__V1__CHECKPOINT_REQUEST__INIT;
    enum jf_exit code = jf_cli_parse(cli, &checkpoint_help, NULL, 0, argc, argv);
    struct jf_session_ask ask = {"/jifen.v1.Operations/Checkpoint", &request.base,
                                 &jifen__v1__checkpoint_response__descriptor, checkpoint_show};
    return code == JF_EXIT_GO_ON ? jf_session_ask(cli, &ask) : code;
}
