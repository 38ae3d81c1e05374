// What a day at the tills amounts to, as text or JSON. Fails: as the calls it makes.
#include <inttypes.h>

#include "tools/jifen/decimal.h"
#include "tools/jifen/demo.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/json.h"
#include "tools/jifen/sale_request.h"
#include "tools/jifen/show.h"
#include "tools/jifen/status.h"
#include "tools/jifen/table.h"

static enum jf_exit status_get(struct jf_demo *demo, const Jifen__V1__StatusResponse **out_status)
{
    Jifen__V1__StatusRequest request = JIFEN__V1__STATUS_REQUEST__INIT;
    const ProtobufCMessage *message = NULL;
    enum jf_exit code = jf_session_call(demo->session, "/jifen.v1.Operations/Status", &request.base,
                                        &jifen__v1__status_response__descriptor, &message);
    *out_status = (const Jifen__V1__StatusResponse *)message;
    return code;
}

static enum jf_exit member_get(struct jf_demo *demo, uint64_t number,
                               const Jifen__V1__Member **out_member)
{
    Jifen__V1__MemberRef member;
    Jifen__V1__GetMemberRequest request = JIFEN__V1__GET_MEMBER_REQUEST__INIT;
    const ProtobufCMessage *message = NULL;
    struct jf_local_time local = jf_zone_local(demo->replay.zone, demo->replay.last_sold_at_ms);
    if (!jf_member_ref_fill(number, NULL, &member)) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "there is no member 0");
    }
    request.member = &member;
    request.as_of = jf_wire_date_from(local.date);
    enum jf_exit code = jf_session_call(demo->session, "/jifen.v1.Ledger/GetMember", &request.base,
                                        &jifen__v1__get_member_response__descriptor, &message);
    if (code == JF_EXIT_OK) {
        *out_member = ((const Jifen__V1__GetMemberResponse *)message)->member;
    }
    return code;
}

static uint64_t change_count(const struct jf_tiers_result *result)
{
    uint64_t changes = 0;
    for (uint32_t pair = 0; pair < JF_TIERS_LEVELS_MAX * JF_TIERS_LEVELS_MAX; pair++) {
        uint32_t from = pair / JF_TIERS_LEVELS_MAX;
        uint32_t to = pair % JF_TIERS_LEVELS_MAX;
        changes += from == to ? 0 : result->counts[from][to];
    }
    return changes;
}

static void points_row(struct jf_table *table, const char *what, int64_t points)
{
    jf_table_row(table);
    jf_table_text(table, what);
    jf_table_number(table, points);
}

// Points issued by rule are summed over entities; what returns took back is off them already.
static int64_t issued_by(const Jifen__V1__StatusResponse *status, uint32_t reason)
{
    int64_t points = 0;
    for (size_t at = 0; at < status->n_totals; at++) {
        const Jifen__V1__ControlTotal *total = status->totals[at];
        if (total->account == JIFEN__V1__ACCOUNT__ACCOUNT_ISSUED && total->reason == reason) {
            points -= total->points;
        }
    }
    return points;
}

static bool is_first_of_reason(const Jifen__V1__StatusResponse *status, size_t index)
{
    const Jifen__V1__ControlTotal *total = status->totals[index];
    for (size_t at = 0; at < index; at++) {
        if (status->totals[at]->account == total->account &&
            status->totals[at]->reason == total->reason) {
            return false;
        }
    }
    return total->account == JIFEN__V1__ACCOUNT__ACCOUNT_ISSUED;
}

static enum jf_exit points_show(const struct jf_demo *demo, const Jifen__V1__StatusResponse *status)
{
    static const struct jf_table_column columns[] = {{"POINTS", false}, {"NUMBER", true}};
    struct jf_table *table = NULL;
    if (jf_table_create(columns, 2, &table) != JF_OK) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    points_row(table, "granted by the receipts", demo->replay.points_granted);
    points_row(table, "clawed back by returns", -demo->points_clawed_back);
    for (size_t at = 0; at < status->n_totals; at++) {
        char name[96];
        const Jifen__V1__ControlTotal *total = status->totals[at];
        if (is_first_of_reason(status, at)) {
            (void)snprintf(name, sizeof(name), "issued, net of returns: %.64s",
                           total->reason_name[0] == '\0' ? "base" : total->reason_name);
            points_row(table, name, issued_by(status, total->reason));
        }
    }
    points_row(table, "redeemed", -demo->points_redeemed);
    if (demo->points_given_back != 0) {
        points_row(table, "given back by returns", demo->points_given_back);
    }
    points_row(table, "owed to members", demo->verify.balance_sum);
    (void)putchar('\n');
    return jf_show_table(table);
}

static void member_row(struct jf_table *table, const Jifen__V1__Member *member)
{
    static const Jifen__V1__Balance nothing = JIFEN__V1__BALANCE__INIT;
    const Jifen__V1__Balance *balance = member->balance == NULL ? &nothing : member->balance;
    char number[24];
    (void)snprintf(number, sizeof(number), "%" PRIu64, member->number);
    jf_table_row(table);
    jf_table_text(table, number);
    jf_table_text(table, member->tier_name);
    jf_table_number(table, member->visits);
    jf_table_number(table, balance->available);
    jf_table_number(table, balance->expiring_points);
    jf_table_wire_date(table, balance->expiring_on, "-");
}

static uint32_t member_count(const struct jf_demo *demo)
{
    return demo->largest_count < JF_DEMO_MEMBERS ? demo->largest_count : JF_DEMO_MEMBERS;
}

static enum jf_exit members_show(struct jf_demo *demo)
{
    static const struct jf_table_column columns[] = {{"MEMBER", true},          {"TIER", false},
                                                     {"VISITS", true},          {"BALANCE", true},
                                                     {"OF WHICH EXPIRE", true}, {"AFTER", false}};
    struct jf_table *table = NULL;
    if (jf_table_create(columns, 6, &table) != JF_OK) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    enum jf_exit code = JF_EXIT_OK;
    for (uint32_t at = 0; at < member_count(demo) && code == JF_EXIT_OK; at++) {
        const Jifen__V1__Member *member = NULL;
        code = member_get(demo, demo->largest[at].number, &member);
        if (code == JF_EXIT_OK && member != NULL) {
            member_row(table, member);
        }
    }
    if (code != JF_EXIT_OK) {
        jf_table_destroy(table);
        return code;
    }
    (void)putchar('\n');
    return jf_show_table(table);
}

static enum jf_exit verdict(const struct jf_demo *demo)
{
    return demo->verify.ties ? jf_cli_replay_verdict(&demo->replay) : JF_EXIT_BROKEN;
}

static enum jf_exit text_report(struct jf_demo *demo)
{
    const Jifen__V1__StatusResponse *status = NULL;
    jf_cli_replay_show(&demo->replay);
    (void)printf("\nThen %" PRIu32 " members redeemed, %" PRIu32 " returns were posted (one of a "
                 "whole receipt), and the tiers\nrecalculated: the preview found %" PRIu64
                 " to change, the run changed %" PRIu64 ".\n",
                 demo->redemptions, demo->returns_posted, change_count(&demo->preview),
                 change_count(&demo->run));
    enum jf_exit code = status_get(demo, &status);
    if (code == JF_EXIT_OK) {
        code = points_show(demo, status);
    }
    if (code == JF_EXIT_OK) {
        code = jf_status_show_tiers(status);
    }
    if (code == JF_EXIT_OK) {
        code = members_show(demo);
    }
    (void)putchar('\n');
    enum jf_exit tie_code = jf_verify_show(&demo->verify, false);
    code = tie_code == JF_EXIT_OK ? code : tie_code;
    return code == JF_EXIT_OK ? verdict(demo) : code;
}

static enum jf_exit json_report(struct jf_demo *demo)
{
    struct jf_json json = {.out = stdout};
    const Jifen__V1__StatusResponse *status = NULL;
    enum jf_exit code = status_get(demo, &status);
    if (code != JF_EXIT_OK) {
        return code;
    }
    jf_json_object_begin(&json, NULL);
    jf_cli_replay_json(&demo->replay, &json, "replay");
    jf_json_unsigned(&json, "redemptions", demo->redemptions);
    jf_json_number(&json, "points_redeemed", demo->points_redeemed);
    jf_json_unsigned(&json, "returns", demo->returns_posted);
    jf_json_number(&json, "points_clawed_back", demo->points_clawed_back);
    jf_json_number(&json, "points_given_back", demo->points_given_back);
    jf_json_unsigned(&json, "tier_changes", change_count(&demo->run));
    jf_json_message(&json, "status", &status->base);
    jf_json_array_begin(&json, "members");
    for (uint32_t at = 0; at < member_count(demo) && code == JF_EXIT_OK; at++) {
        const Jifen__V1__Member *member = NULL;
        code = member_get(demo, demo->largest[at].number, &member);
        if (code == JF_EXIT_OK && member != NULL) {
            jf_json_message(&json, NULL, &member->base);
        }
    }
    jf_json_array_end(&json);
    jf_verify_json(&demo->verify, &json, "verify");
    jf_json_object_end(&json);
    jf_json_end_line(&json);
    return code == JF_EXIT_OK ? verdict(demo) : code;
}

enum jf_exit jf_demo_report(struct jf_demo *demo, bool is_json)
{
    return is_json ? json_report(demo) : text_report(demo);
}
