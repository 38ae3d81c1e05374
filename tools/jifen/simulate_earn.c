// One sale, or one of its returns, under the new programme: planned by the same functions as at the
// till, with the facts that the sale's entry records.
// Fails: no memory; entries that do not belong together. What the new rules refuse earns nothing
// and is counted.
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "engine/entry_codec.h"
#include "rules/earn.h"
#include "rules/kept.h"
#include "rules/plan.h"
#include "tools/jifen/simulate.h"

static const struct jf_simulate_version *version_of(const struct jf_simulation *simulation,
                                                    uint32_t version)
{
    return version == 0 || version > simulation->version_count ? NULL
                                                               : &simulation->versions[version - 1];
}

static struct jf_sale_facts facts_mapped(const struct jf_simulation *simulation,
                                         const struct jf_sale_entry *sale)
{
    struct jf_sale_facts facts = sale->facts;
    const struct jf_simulate_version *version =
        version_of(simulation, sale->facts.programme_version);
    if (version != NULL && facts.tier < JF_TIERS_MAX) {
        facts.tier = version->tier_map[facts.tier];
    }
    if (version != NULL && facts.activity_class <= JF_CLASSES_MAX) {
        facts.activity_class = version->class_map[facts.activity_class];
    }
    return facts;
}

static jf_wide money_of(const struct jf_programme *programme, int64_t points)
{
    int64_t rate_points = 0;
    int64_t rate_amount = 0;
    if (programme == NULL || !jf_programme_redemption_rate(programme, &rate_points, &rate_amount)) {
        return 0;
    }
    return (jf_wide)points * rate_amount * JF_MONEY_FINE / rate_points;
}

static void sum_add(struct jf_simulate_sum *sum, uint32_t which, int64_t points, jf_wide money)
{
    sum->points[which] += points;
    sum->money_fine[which] += money;
}

static void cell_add(struct jf_simulation *simulation, uint32_t day, uint32_t which, uint32_t name,
                     int64_t points, const struct jf_programme *programme)
{
    JF_ASSERT(name < simulation->name_count);
    jf_wide money = money_of(programme, points);
    sum_add(&simulation->cells[(size_t)day * simulation->name_count + name], which, points, money);
    sum_add(&simulation->days[day].sum, which, points, money);
}

static uint32_t name_of(const struct jf_simulation *simulation, uint32_t which, uint32_t reason)
{
    if (which == JF_SIMULATED) {
        JF_ASSERT(reason <= JF_RULES_MAX);
        return simulation->name_of_rule[reason];
    }
    return reason < simulation->reason_count ? simulation->name_of_reason[reason] : 0;
}

// Adds what `now` is more than `before`, by rule.
struct change {
    uint32_t day;
    uint32_t which;
    const struct jf_programme *programme; // that says what the points are worth
    const struct jf_granted *before;
    uint32_t before_count;
    const struct jf_granted *now;
    uint32_t now_count;
};

static void change_add(struct jf_simulation *simulation, const struct change *change)
{
    for (uint32_t i = 0; i < change->now_count; i++) {
        cell_add(simulation, change->day, change->which,
                 name_of(simulation, change->which, change->now[i].reason), change->now[i].points,
                 change->programme);
    }
    for (uint32_t i = 0; i < change->before_count; i++) {
        cell_add(simulation, change->day, change->which,
                 name_of(simulation, change->which, change->before[i].reason),
                 -change->before[i].points, change->programme);
    }
}

// What a receipt is worth under the new rules. Refused: nothing, and counted.
static enum jf_error earn(struct jf_simulation *simulation, const struct jf_receipt *receipt,
                          const struct jf_earn_input *input, struct jf_earn_result *out_result)
{
    struct jf_refusal refusal = {.code = JF_REFUSAL_NONE};
    memset(out_result, 0, sizeof *out_result);
    if (!jf_receipt_is_known(simulation->programme, receipt, &refusal)) {
        simulation->unplanned += 1;
        return JF_OK;
    }
    enum jf_error error = jf_earn(input, out_result, &refusal);
    if (error == JF_OK && refusal.code != JF_REFUSAL_NONE) {
        memset(out_result, 0, sizeof *out_result);
        simulation->unplanned += 1;
    }
    return error;
}

static enum jf_error granted_keep(struct jf_simulate_sale *sale, uint32_t which,
                                  const struct jf_granted *granted, uint32_t count)
{
    struct jf_granted *copy = malloc((count + 1) * sizeof *copy);
    if (copy == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    if (count > 0) {
        memcpy(copy, granted, count * sizeof *copy);
    }
    free(sale->granted[which]);
    sale->granted[which] = copy;
    sale->granted_count[which] = count;
    return JF_OK;
}

static enum jf_error rooms_keep(struct jf_simulate_sale *sale, const struct jf_earn_result *earned)
{
    sale->rooms = malloc((earned->room_count + 1) * sizeof *sale->rooms);
    if (sale->rooms == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    if (earned->room_count > 0) {
        memcpy(sale->rooms, earned->rooms, earned->room_count * sizeof *sale->rooms);
    }
    sale->room_count = earned->room_count;
    return JF_OK;
}

static enum jf_error sale_keep(struct jf_simulate_sale *kept, const struct jf_entry *entry,
                               struct jf_text bytes, const struct jf_earn_result *earned)
{
    const struct jf_sale_entry *sale = &entry->as.sale;
    kept->bytes = malloc(bytes.size);
    if (kept->bytes == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    memcpy(kept->bytes, bytes.data, bytes.size);
    kept->size = bytes.size;
    enum jf_error error = rooms_keep(kept, earned);
    if (error == JF_OK) {
        error = granted_keep(kept, JF_GRANTED, sale->granted, sale->granted_count);
    }
    return error == JF_OK ? granted_keep(kept, JF_SIMULATED, earned->granted, earned->granted_count)
                          : error;
}

static const struct jf_programme *programme_of(const struct jf_simulation *simulation,
                                               uint32_t which, uint32_t version)
{
    const struct jf_simulate_version *decided = version_of(simulation, version);
    return which == JF_SIMULATED ? simulation->programme
                                 : (decided == NULL ? NULL : decided->programme);
}

static int64_t basket_of(const struct jf_receipt *receipt)
{
    int64_t basket = 0;
    for (uint32_t i = 0; i < receipt->line_count; i++) {
        basket += receipt->lines[i].amount;
    }
    return basket;
}

static enum jf_error sale_add(struct jf_simulation *simulation, const struct jf_entry *entry,
                              struct jf_text bytes)
{
    const struct jf_sale_entry *sale = &entry->as.sale;
    const struct jf_receipt *receipt = &sale->receipt;
    uint32_t day = (uint32_t)(entry->business_date - simulation->from);
    struct jf_sale_facts facts = facts_mapped(simulation, sale);
    int64_t basket = basket_of(receipt);
    int64_t paid = entry->redeemed_value < basket ? entry->redeemed_value : basket;
    struct jf_member *member = NULL;
    enum jf_error error = jf_simulate_member(simulation, entry->member.value, &member);
    if (error != JF_OK) {
        return error;
    }
    struct jf_earn_input input = {.programme = simulation->programme,
                                  .facts = &facts,
                                  .business_date = entry->business_date,
                                  .store = receipt->store,
                                  .lines = receipt->lines,
                                  .line_count = receipt->line_count,
                                  .tenders = receipt->tenders,
                                  .tender_count = receipt->tender_count,
                                  .basket_amount = basket,
                                  .redeemed_value = paid,
                                  .member = member,
                                  .control = simulation->control,
                                  .arena = &simulation->arena};
    struct jf_earn_result earned;
    error = earn(simulation, receipt, &input, &earned);
    if (error != JF_OK) {
        return error;
    }
    simulation->days[day].sales += 1;
    struct change granted = {.day = day,
                             .which = JF_GRANTED,
                             .programme =
                                 programme_of(simulation, JF_GRANTED, entry->programme_version),
                             .now = sale->granted,
                             .now_count = sale->granted_count};
    struct change simulated = {.day = day,
                               .which = JF_SIMULATED,
                               .programme = simulation->programme,
                               .now = earned.granted,
                               .now_count = earned.granted_count};
    change_add(simulation, &granted);
    change_add(simulation, &simulated);
    struct jf_simulate_count count = {.member = entry->member.value,
                                      .date = entry->business_date,
                                      .now = earned.granted,
                                      .now_count = earned.granted_count};
    error = jf_simulate_count(simulation, &count);
    if (error != JF_OK) {
        return error;
    }
    uint32_t index = 0;
    if (!jf_number_map_find(&simulation->returned, entry->position, &index)) {
        return JF_OK;
    }
    return sale_keep(&simulation->sales[index], entry, bytes, &earned);
}

// What is kept, under the new rules.
static enum jf_error kept_earn(struct jf_simulation *simulation,
                               const struct jf_simulate_sale *kept_sale,
                               const struct jf_entry *sale, const struct jf_return_entry *body,
                               struct jf_earn_result *earned)
{
    struct jf_sale_facts facts = facts_mapped(simulation, &sale->as.sale);
    facts.rooms = kept_sale->rooms;
    facts.room_count = kept_sale->room_count;
    const struct jf_programme *terms =
        programme_of(simulation, JF_GRANTED, sale->as.sale.facts.programme_version);
    struct jf_kept_input input = {.programme = simulation->programme,
                                  .terms = terms == NULL ? simulation->programme : terms,
                                  .sale = &sale->as.sale,
                                  .lines = body->kept,
                                  .arena = &simulation->arena};
    struct jf_kept kept;
    memset(earned, 0, sizeof *earned);
    enum jf_error error = jf_kept_make(&input, &kept);
    if (error != JF_OK || kept.line_count == 0) {
        return error;
    }
    struct jf_earn_input earn_input = {.programme = simulation->programme,
                                       .facts = &facts,
                                       .business_date = sale->business_date,
                                       .store = sale->as.sale.receipt.store,
                                       .lines = kept.lines,
                                       .line_count = kept.line_count,
                                       .tenders = kept.tenders,
                                       .tender_count = sale->as.sale.receipt.tender_count,
                                       .basket_amount = kept.basket,
                                       .redeemed_value = kept.value,
                                       .arena = &simulation->arena};
    return earn(simulation, &sale->as.sale.receipt, &earn_input, earned);
}

static enum jf_error return_change(struct jf_simulation *simulation, struct jf_simulate_sale *kept,
                                   struct change *change)
{
    change->before = kept->granted[change->which];
    change->before_count = kept->granted_count[change->which];
    change_add(simulation, change);
    return granted_keep(kept, change->which, change->now, change->now_count);
}

static enum jf_error return_add(struct jf_simulation *simulation, const struct jf_entry *entry)
{
    const struct jf_return_entry *body = &entry->as.sale_return;
    uint32_t day = (uint32_t)(entry->business_date - simulation->from);
    uint32_t index = 0;
    if (!jf_number_map_find(&simulation->returned, body->sale_position, &index) ||
        simulation->sales[index].bytes == NULL) {
        return JF_OK; // of a sale before the days asked for
    }
    struct jf_simulate_sale *kept = &simulation->sales[index];
    struct jf_text bytes = {(const char *)kept->bytes, kept->size};
    struct jf_entry sale;
    struct jf_earn_result earned;
    struct jf_diagnosis diagnosis;
    enum jf_error error = jf_entry_decode(bytes, &simulation->arena, &sale, &diagnosis);
    if (error == JF_OK && body->kept_count != sale.as.sale.receipt.line_count) {
        error = JF_ERROR_CORRUPT;
    }
    if (error == JF_OK) {
        error = kept_earn(simulation, kept, &sale, body, &earned);
    }
    if (error != JF_OK) {
        return error;
    }
    simulation->days[day].returns += 1;
    struct change granted = {.day = day,
                             .which = JF_GRANTED,
                             .programme =
                                 programme_of(simulation, JF_GRANTED, sale.programme_version),
                             .now = body->granted,
                             .now_count = body->granted_count};
    struct change simulated = {.day = day,
                               .which = JF_SIMULATED,
                               .programme = simulation->programme,
                               .now = earned.granted,
                               .now_count = earned.granted_count};
    struct jf_simulate_count count = {.member = sale.member.value,
                                      .date = sale.business_date,
                                      .before = kept->granted[JF_SIMULATED],
                                      .before_count = kept->granted_count[JF_SIMULATED],
                                      .now = earned.granted,
                                      .now_count = earned.granted_count};
    error = jf_simulate_count(simulation, &count);
    if (error == JF_OK) {
        error = return_change(simulation, kept, &granted);
    }
    return error == JF_OK ? return_change(simulation, kept, &simulated) : error;
}

enum jf_error jf_simulate_add(struct jf_simulation *simulation, const struct jf_entry *entry,
                              struct jf_text bytes)
{
    if (entry->business_date < simulation->from || entry->business_date > simulation->to) {
        return JF_OK;
    }
    if (entry->kind == JF_ENTRY_SALE) {
        return sale_add(simulation, entry, bytes);
    }
    return entry->kind == JF_ENTRY_RETURN ? return_add(simulation, entry) : JF_OK;
}
