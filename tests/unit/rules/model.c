// The naive ledger. Loops over everything, every time. Nothing fails but by running out of its
// fixed arrays, which stops the test.
#include "model.h"

#include <stdlib.h>

static int64_t half_up(int64_t total, int64_t part, int64_t whole)
{
    return (2 * total * part + whole) / (2 * whole);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void move(struct model_member *member, jf_date expires_on, int entity, int64_t points)
{
    if (member->move_count == MODEL_MOVES_MAX) {
        abort();
    }
    member->moves[member->move_count++] = (struct model_move){expires_on, entity, points};
}

static int64_t held(const struct model_member *member, jf_date expires_on, int entity)
{
    int64_t sum = 0;
    for (int i = 0; i < member->move_count; i++) {
        if (member->moves[i].expires_on == expires_on && member->moves[i].entity == entity) {
            sum += member->moves[i].points;
        }
    }
    return sum;
}

static int64_t kept_amount(const struct model_line *line)
{
    if (line->is_gone) {
        return 0;
    }
    return line->quantity == 0 ? line->amount : half_up(line->amount, line->kept, line->quantity);
}

static int64_t kept_basket(const struct model_sale *sale)
{
    int64_t sum = 0;
    for (int i = 0; i < sale->line_count; i++) {
        sum += kept_amount(&sale->lines[i]);
    }
    return sum;
}

static int64_t sale_basket(const struct model_sale *sale)
{
    int64_t sum = 0;
    for (int i = 0; i < sale->line_count; i++) {
        sum += sale->lines[i].amount;
    }
    return sum;
}

// Takes `money` off the lines by their kept amounts, one minor unit at a time to whoever is
// furthest behind.
static void take_share(const struct model_sale *sale, int64_t money, int64_t eligible[])
{
    int64_t basket = kept_basket(sale);
    int64_t share[MODEL_LINES_MAX] = {0};
    int64_t left = money;
    for (int i = 0; basket > 0 && i < sale->line_count; i++) {
        share[i] = money * kept_amount(&sale->lines[i]) / basket;
        left -= share[i];
    }
    while (left > 0) {
        int best = 0;
        int64_t furthest = -1;
        for (int i = 0; i < sale->line_count; i++) {
            int64_t behind = money * kept_amount(&sale->lines[i]) - share[i] * basket;
            if (behind > furthest) {
                furthest = behind;
                best = i;
            }
        }
        share[best]++;
        left--;
    }
    for (int i = 0; i < sale->line_count; i++) {
        eligible[i] = eligible[i] > share[i] ? eligible[i] - share[i] : 0;
    }
}

static int64_t kept_redeemed(const struct model_sale *sale)
{
    int64_t basket = sale_basket(sale);
    return basket == 0 ? 0 : half_up(sale->redeemed, kept_basket(sale), basket);
}

static int64_t eligible_money(const struct model_sale *sale)
{
    int64_t eligible[MODEL_LINES_MAX] = {0};
    int64_t basket = kept_basket(sale);
    int64_t whole = sale_basket(sale);
    for (int i = 0; i < sale->line_count; i++) {
        eligible[i] = sale->lines[i].is_tobacco ? 0 : kept_amount(&sale->lines[i]);
    }
    int64_t insurance = whole == 0 ? 0 : half_up(sale->insurance, basket, whole);
    take_share(sale, smaller(insurance, basket), eligible);
    take_share(sale, smaller(kept_redeemed(sale) * 10, basket), eligible);
    int64_t sum = 0;
    for (int i = 0; i < sale->line_count; i++) {
        sum += eligible[i];
    }
    return sum;
}

static int64_t worth(const struct model_sale *sale)
{
    int64_t eligible = eligible_money(sale);
    int32_t day = jf_date_to_civil(sale->date).day;
    bool is_member_day = day == 8 || day == 18 || day == 28;
    int64_t bonus = eligible > 0 && kept_basket(sale) >= 5000 ? 20 : 0;
    return eligible * (is_member_day ? 2 : 1) / 100 + bonus;
}

static bool is_visit(const struct model_sale *sale)
{
    for (int i = 0; i < sale->line_count; i++) {
        if (!sale->lines[i].is_gone) {
            return true;
        }
    }
    return false;
}

static int window_tier(const struct model_member *member, jf_date as_of)
{
    int64_t spend = 0;
    int64_t visits = 0;
    int32_t month = jf_date_month_index(as_of);
    for (int i = 0; i < member->sale_count; i++) {
        const struct model_sale *sale = &member->sales[i];
        int32_t ago = month - jf_date_month_index(sale->date);
        if (ago == 0 || ago == 1) {
            spend += sale->spend;
            visits += is_visit(sale);
        }
    }
    if (spend >= 60000) {
        return 2;
    }
    return spend >= 20000 || visits >= 5 ? 1 : 0;
}

static enum jf_refusal_code redeem_allowed(const struct model_member *member, jf_date date,
                                           int64_t points, int64_t basket)
{
    if (points < 20) {
        return JF_REFUSAL_BELOW_MINIMUM;
    }
    if (points % 10 != 0) {
        return JF_REFUSAL_NOT_A_STEP;
    }
    if (basket >= 0 && points * 10 > basket / 2) {
        return JF_REFUSAL_ABOVE_SHARE;
    }
    return points > model_spendable(member, date) ? JF_REFUSAL_INSUFFICIENT_POINTS
                                                  : JF_REFUSAL_NONE;
}

// Spends point by point from what expires first; of one day, the lower entity. Returns: the parts.
static int spend(struct model_member *member, jf_date date, int64_t points,
                 struct model_move parts[MODEL_PARTS_MAX])
{
    int count = 0;
    while (points > 0) {
        struct model_move best = {JF_DATE_EVER, MODEL_ENTITIES_MAX, 0};
        for (int i = 0; i < member->move_count; i++) {
            struct model_move at = member->moves[i];
            bool is_sooner = at.expires_on < best.expires_on ||
                             (at.expires_on == best.expires_on && at.entity < best.entity);
            if (at.expires_on >= date && is_sooner && held(member, at.expires_on, at.entity) > 0) {
                best = at;
            }
        }
        best.points = smaller(points, held(member, best.expires_on, best.entity));
        if (best.points <= 0 || count == MODEL_PARTS_MAX) {
            abort();
        }
        move(member, best.expires_on, best.entity, -best.points);
        points -= best.points;
        parts[count++] = best;
    }
    return count;
}

static jf_date expiry(jf_date date)
{
    return jf_date_month_end(jf_date_month_index(date) + 2);
}

enum jf_refusal_code model_sell(struct model_member *member, const struct model_sale *asked)
{
    struct model_sale *sale = &member->sales[member->sale_count];
    if (member->sale_count == MODEL_SALES_MAX) {
        abort();
    }
    *sale = *asked;
    if (sale->redeemed > 0) {
        enum jf_refusal_code code =
            redeem_allowed(member, sale->date, sale->redeemed, sale_basket(sale));
        if (code != JF_REFUSAL_NONE) {
            return code;
        }
        sale->part_count = spend(member, sale->date, sale->redeemed, sale->parts);
    }
    sale->granted = worth(sale);
    sale->spend = eligible_money(sale);
    int64_t left = sale->granted;
    for (int entity = 1; entity < MODEL_ENTITIES_MAX; entity++) {
        sale->paid[entity] = smaller(left, member->debts[entity]);
        member->debts[entity] -= sale->paid[entity];
        left -= sale->paid[entity];
    }
    move(member, expiry(sale->date), sale->entity, left);
    member->sale_count++;
    for (int i = 0; i < member->sale_count; i++) {
        bool is_later = member->sales[i].date >= sale->date;
        int tier = is_later ? window_tier(member, member->sales[i].date) : 0;
        if (tier > member->tier) {
            member->tier = tier;
            member->tier_since = sale->date;
        }
    }
    return JF_REFUSAL_NONE;
}

enum jf_refusal_code model_redeem(struct model_member *member, jf_date date, int64_t points)
{
    enum jf_refusal_code code = redeem_allowed(member, date, points, -1);
    if (code == JF_REFUSAL_NONE) {
        struct model_move parts[MODEL_PARTS_MAX];
        spend(member, date, points, parts);
        member->redeemed_outside += points;
    }
    return code;
}

static void give_back(struct model_member *member, struct model_sale *sale)
{
    int64_t left = sale->redeemed - kept_redeemed(sale);
    for (int i = sale->part_count - 1; i >= 0; i--) {
        int64_t now = smaller(left, sale->parts[i].points);
        left -= now;
        move(member, sale->parts[i].expires_on, sale->parts[i].entity, now - sale->given_back[i]);
        sale->given_back[i] = now;
    }
}

// Whom the n-th point of debt, from 0, is owed to: those whom the grant paid, the last first, then
// the sale's entity.
static int creditor(const struct model_sale *sale, int64_t n)
{
    for (int entity = MODEL_ENTITIES_MAX - 1; entity >= 1; entity--) {
        if (n < sale->paid[entity]) {
            return entity;
        }
        n -= sale->paid[entity];
    }
    return sale->entity;
}

// Puts back what earlier returns took from the lot, and takes anew; moves the debt point by point.
static void take_back(struct model_member *member, struct model_sale *sale)
{
    int64_t gone = sale->granted - worth(sale);
    move(member, expiry(sale->date), sale->entity, sale->taken);
    int64_t into_lot = sale->granted;
    for (int entity = 1; entity < MODEL_ENTITIES_MAX; entity++) {
        into_lot -= sale->paid[entity];
    }
    int64_t take = smaller(gone, held(member, expiry(sale->date), sale->entity));
    take = smaller(take, into_lot);
    int64_t want = gone - take;
    int64_t stuck = 0;
    for (int64_t n = sale->owed; n < want; n++) {
        member->debts[creditor(sale, n)]++;
    }
    for (int64_t n = sale->owed; n > want; n--) {
        int whom = creditor(sale, n - 1);
        if (member->debts[whom] > 0) {
            member->debts[whom]--;
        } else {
            stuck++; // paid since
        }
    }
    sale->owed = want + stuck;
    sale->taken = gone - sale->owed;
    move(member, expiry(sale->date), sale->entity, -sale->taken);
}

enum jf_refusal_code model_return(struct model_member *member, int index, jf_date date,
                                  const int64_t back[MODEL_LINES_MAX])
{
    struct model_sale sale = member->sales[index];
    for (int i = 0; i < sale.line_count; i++) {
        struct model_line *line = &sale.lines[i];
        if (back[i] == 0) {
            continue;
        }
        if (line->is_gone || back[i] > line->kept) {
            return JF_REFUSAL_RETURN_EXCEEDS_KEPT;
        }
        line->kept = back[i] < 0 ? 0 : line->kept - back[i];
        line->is_gone = line->kept == 0;
    }
    if (date < sale.date) {
        return JF_REFUSAL_BEFORE_SALE;
    }
    member->sales[index] = sale;
    give_back(member, &member->sales[index]);
    take_back(member, &member->sales[index]);
    member->sales[index].spend = eligible_money(&sale);
    return JF_REFUSAL_NONE;
}

enum jf_refusal_code model_adjust(struct model_member *member, jf_date date, int entity,
                                  int64_t points)
{
    struct model_move parts[MODEL_PARTS_MAX];
    if (points < 0 && -points > model_spendable(member, date)) {
        return JF_REFUSAL_INSUFFICIENT_POINTS;
    }
    if (points < 0) {
        spend(member, date, -points, parts);
        return JF_REFUSAL_NONE;
    }
    for (int i = 1; i < MODEL_ENTITIES_MAX; i++) {
        int64_t paid = smaller(points, member->debts[i]);
        member->debts[i] -= paid;
        points -= paid;
    }
    move(member, expiry(date), entity, points);
    return JF_REFUSAL_NONE;
}

enum jf_refusal_code model_transfer(struct model_member *from, struct model_member *into,
                                    jf_date date, int64_t points)
{
    struct model_move parts[MODEL_PARTS_MAX];
    if (points > model_spendable(from, date)) {
        return JF_REFUSAL_INSUFFICIENT_POINTS;
    }
    int count = spend(from, date, points, parts);
    for (int i = 0; i < count; i++) {
        move(into, parts[i].expires_on, parts[i].entity, parts[i].points);
    }
    return JF_REFUSAL_NONE;
}

void model_recalculate(struct model_member *member, jf_date as_of)
{
    int tier = window_tier(member, as_of);
    if (tier < member->tier && as_of < member->tier_since) {
        return; // the level was reached later
    }
    member->tier_since = tier != member->tier ? as_of : member->tier_since;
    member->tier = tier;
}

enum jf_refusal_code model_set_aside(struct model_member *member, jf_date date, int64_t points,
                                     struct model_move parts[MODEL_PARTS_MAX], int *out_count)
{
    enum jf_refusal_code code = redeem_allowed(member, date, points, -1);
    *out_count = code == JF_REFUSAL_NONE ? spend(member, date, points, parts) : 0;
    return code;
}

void model_give(struct model_member *member, struct model_move part)
{
    move(member, part.expires_on, part.entity, part.points);
}

void model_close(struct model_member *member, jf_date today)
{
    for (int i = 0; i < member->move_count; i++) {
        struct model_move at = member->moves[i];
        int64_t left = held(member, at.expires_on, at.entity);
        if (at.expires_on >= today && left > 0) {
            move(member, at.expires_on, at.entity, -left);
        }
    }
    for (int entity = 1; entity < MODEL_ENTITIES_MAX; entity++) {
        member->debts[entity] = 0;
    }
}

void model_merge(struct model_member *from, struct model_member *into)
{
    if (into->sale_count + from->sale_count > MODEL_SALES_MAX) {
        abort();
    }
    for (int i = 0; i < from->move_count; i++) {
        model_give(into, from->moves[i]);
    }
    for (int i = 0; i < from->sale_count; i++) {
        into->sales[into->sale_count++] = from->sales[i];
    }
    for (int entity = 1; entity < MODEL_ENTITIES_MAX; entity++) {
        into->debts[entity] += from->debts[entity];
        from->debts[entity] = 0;
    }
    if (from->tier > into->tier) {
        into->tier = from->tier;
        into->tier_since = from->tier_since;
    }
    into->redeemed_outside += from->redeemed_outside;
    from->move_count = 0;
    from->sale_count = 0;
}

int64_t model_debt(const struct model_member *member)
{
    int64_t sum = 0;
    for (int entity = 1; entity < MODEL_ENTITIES_MAX; entity++) {
        sum += member->debts[entity];
    }
    return sum;
}

int64_t model_balance(const struct model_member *member)
{
    int64_t sum = -model_debt(member);
    for (int i = 0; i < member->move_count; i++) {
        sum += member->moves[i].points;
    }
    return sum;
}

int64_t model_spendable(const struct model_member *member, jf_date date)
{
    int64_t sum = 0;
    for (int i = 0; i < member->move_count; i++) {
        sum += member->moves[i].expires_on >= date ? member->moves[i].points : 0;
    }
    return sum;
}

int64_t model_visits(const struct model_member *member)
{
    int64_t visits = 0;
    for (int i = 0; i < member->sale_count; i++) {
        visits += is_visit(&member->sales[i]);
    }
    return visits;
}
