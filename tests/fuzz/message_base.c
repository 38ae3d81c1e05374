// The world that every input finds: a programme with something of everything, three stores of two
// entities, and members with lots, debts, holds, counters, cards, frozen, closed and merged. Sales
// are named s1, s2 …, holds h1, h2, cards c1, c2 ….
#include <string.h>

#include "base/assert.h"
#include "tests/fuzz/message.h"

static const char programme[] =
    "name: fuzz\n"
    "effective_from: 2026-01-01T00:00:00Z\n"
    "earn: {points: 1, per_amount: 1.00}\n"
    "exclusions: {categories: [tobacco], tenders: [insurance]}\n"
    "rounding: {mode: half_up, scope: line}\n"
    "expiry: {policy: month_end, months: 12}\n"
    "pending_days: 1\n"
    "redemption: {points: 10, amount: 1.00, minimum: 20, step: 10, share_max: 50%,\n"
    "  excluded_categories: [books], offline_allowance: 200}\n"
    "returns: {shortfall: debt, from_other_lots: true, reinstate_days: 30}\n"
    "adjustments: {limit: 1000}\n"
    "groups:\n"
    "  - {name: occasion, stack: best}\n"
    "  - {name: extra, stack: multiply}\n"
    "rules:\n"
    "  - {name: member-day, kind: multiplier, factor: 2, group: occasion,\n"
    "     when: {days_of_month: [8, 18, 28]}}\n"
    "  - {name: birthday, kind: multiplier, factor: 3, group: occasion, when: {birthday: month}}\n"
    "  - {name: tonic, kind: multiplier, factor: 1.5, group: extra, when: {categories: [tonic]}}\n"
    "  - {name: morning, kind: multiplier, factor: 4/3, group: extra,\n"
    "     when: {times: [{from: \"06:00\", to: \"12:30\"}]}}\n"
    "  - {name: first, kind: bonus, points: 50, cap_per_member: 50, when: {first_purchase: true}}\n"
    "  - {name: basket, kind: bonus, points: 20, budget: 1000, when: {basket_min: 50.00}}\n"
    "caps:\n"
    "  - {name: daily, per: member_day, points: 500}\n"
    "  - {name: monthly, per: member_month, points: 2000, rules: [member-day, birthday]}\n"
    "  - {name: each, per: receipt, points: 300}\n"
    "rewards:\n"
    "  - {code: mug, points: 50, stock: 20, per_member: 2}\n"
    "  - {code: bag, points: 10, valid_from: 2026-06-01, valid_to: 2027-06-30}\n"
    "tiers:\n"
    "  window: {kind: rolling_months, months: 12}\n"
    "  grace_days: 30\n"
    "  down: one_level\n"
    "  levels:\n"
    "    - name: plain\n"
    "    - {name: silver, spend: 200.00, visits: 5, require: any, factor: 1.1}\n"
    "    - {name: gold, spend: 2000.00, factor: 1.25}\n"
    "classes:\n"
    "  window_months: 6\n"
    "  levels:\n"
    "    - {name: A, visits_per_month: 3}\n"
    "    - {name: B, visits: 1, every_months: 2}\n"
    "    - name: C\n"
    "    - {name: D, none_for_months: 6}\n";

#define DAY_MS    INT64_C(86400000)
#define ENROLLED  20454 // 2026-01-01
#define LINES_MAX 2u

static bool (*post_command)(struct jf_command *command);

static void post(struct jf_command *command)
{
    bool is_posted = post_command(command);
    JF_ASSERT(is_posted);
}

static void store(uint32_t number, uint32_t entity, const char *zone, uint32_t day_start_minute,
                  const char *id)
{
    struct jf_command command = {.kind = JF_COMMAND_PUT_STORE, .transaction_id = jf_text_from(id)};
    command.as.put_store = (struct jf_put_store_command){.store = {number},
                                                         .entity = {entity},
                                                         .region = JF_TEXT("north"),
                                                         .zone = jf_text_from(zone),
                                                         .day_start_minute = day_start_minute};
    post(&command);
}

static void enrol(uint64_t number, const char *card, uint32_t birth_month, const char *id)
{
    struct jf_text cards[] = {jf_text_from(card)};
    struct jf_command command = {.kind = JF_COMMAND_ENROL, .transaction_id = jf_text_from(id)};
    command.as.enrol = (struct jf_enrol_command){.number = {number},
                                                 .cards = cards,
                                                 .card_count = 1,
                                                 .enrolled_on = ENROLLED,
                                                 .birth_month = birth_month,
                                                 .birth_day = birth_month,
                                                 .home_store = 1,
                                                 .tags = number};
    post(&command);
}

struct sale {
    const char *id; // also the receipt's number
    uint64_t member;
    uint32_t store;
    int64_t days_ago;
    int64_t amount;
    int64_t redeem;
};

static void sell(const struct sale *sale)
{
    const struct jf_line lines[LINES_MAX] = {
        {JF_TEXT("sku-1"), JF_TEXT("food"), 3000, sale->amount},
        {JF_TEXT("sku-2"), JF_TEXT("tonic"), 0, sale->amount / 2}};
    const struct jf_tender tenders[] = {{JF_TEXT("cash"), sale->amount},
                                        {JF_TEXT("insurance"), sale->amount / 10}};
    struct jf_command command = {.kind = JF_COMMAND_SALE, .transaction_id = jf_text_from(sale->id)};
    command.as.sale.member.number.value = sale->member;
    command.as.sale.redeem_points = sale->redeem;
    command.as.sale.receipt =
        (struct jf_receipt){.store = {sale->store},
                            .terminal = 1,
                            .number = jf_text_from(sale->id),
                            .sold_at_ms = MESSAGE_BASE_NOW_MS - sale->days_ago * DAY_MS,
                            .lines = lines,
                            .line_count = LINES_MAX,
                            .tenders = tenders,
                            .tender_count = 2};
    post(&command);
}

static void hold(const char *id, uint64_t member, int64_t points, const char *reward)
{
    struct jf_command command = {.kind = JF_COMMAND_HOLD, .transaction_id = jf_text_from(id)};
    command.as.hold = (struct jf_hold_command){.member.number = {member},
                                               .store = {2},
                                               .terminal = 1,
                                               .held_at_ms = MESSAGE_BASE_NOW_MS,
                                               .points = points,
                                               .deadline_ms = MESSAGE_BASE_NOW_MS + DAY_MS / 24,
                                               .reward = jf_text_from(reward)};
    post(&command);
}

static void endings(void)
{
    struct jf_command frozen = {.kind = JF_COMMAND_FREEZE, .transaction_id = JF_TEXT("f3")};
    frozen.as.freeze.member.number.value = 3;
    post(&frozen);
    struct jf_command closed = {.kind = JF_COMMAND_CLOSE, .transaction_id = JF_TEXT("x4")};
    closed.as.close.member.number.value = 4;
    post(&closed);
    struct jf_command merged = {.kind = JF_COMMAND_MERGE, .transaction_id = JF_TEXT("m5")};
    merged.as.merge.from.number.value = 5;
    merged.as.merge.into.number.value = 1;
    post(&merged);
    // Member 6 owes: the points of s6 were spent before it came back.
    struct jf_command returned = {.kind = JF_COMMAND_RETURN, .transaction_id = JF_TEXT("r6")};
    returned.as.sale_return = (struct jf_return_command){.sale_transaction_id = JF_TEXT("s6"),
                                                         .store = {2},
                                                         .terminal = 1,
                                                         .returned_at_ms = MESSAGE_BASE_NOW_MS,
                                                         .is_all = true};
    post(&returned);
}

void message_base_post(bool (*accepts)(struct jf_command *command))
{
    post_command = accepts;
    store(1, 1, "Asia/Shanghai", 240, "p1");
    store(2, 1, "UTC", 0, "p2");
    store(3, 2, "America/New_York", 0, "p3");
    struct jf_command publish = {.kind = JF_COMMAND_PUBLISH, .transaction_id = JF_TEXT("v1")};
    publish.as.publish.yaml = jf_text_from(programme);
    publish.as.publish.file_name = JF_TEXT("fuzz.yaml");
    post(&publish);
    static const char *const enrolments[] = {"e1", "e2", "e3", "e4", "e5", "e6"};
    static const char *const cards[] = {"c1", "c2", "c3", "c4", "c5", "c6"};
    for (uint32_t i = 0; i < 6; i++) {
        enrol(i + 1, cards[i], i + 7, enrolments[i]);
    }
    static const struct sale sales[] = {
        {"s1", 1, 1, 40, 30000, 0}, {"s2", 1, 3, 10, 12000, 50}, {"s3", 2, 2, 5, 20000, 0},
        {"s4", 3, 2, 4, 5000, 0},   {"s5", 5, 1, 3, 7000, 0},    {"s6", 6, 2, 20, 5000, 0},
        {"s7", 6, 2, 2, 4000, 50},  {"s8", 4, 3, 300, 9000, 0},
    };
    for (uint32_t i = 0; i < sizeof sales / sizeof sales[0]; i++) {
        sell(&sales[i]);
    }
    hold("h1", 2, 30, "");
    hold("h2", 2, 50, "mug");
    hold("h3", 1, 20, "");
    endings();
}
