// What limits cut from whole points, by ground: a rule's cap per member and budget, then the
// programme's caps in listed order. Each gives its room to the grounds in listed order, base first,
// so that the later ones are cut.
//
// The room is found once for each limit that the receipt meets, and recorded with the sale; what is
// kept after returns is planned under the recorded room. Fails only at the arena's bound.
#include "base/assert.h"
#include "base/number.h"
#include "rules/counters.h"
#include "rules/earn_private.h"

// TraceStep.exact of a cut by a rule's own limits; caps say the number of their ground.
#define CUT_BY_RULE_CAP ((int64_t)0)
#define CUT_BY_BUDGET   ((int64_t)1 << 32)

static int32_t period_of(uint32_t kind, jf_date date)
{
    switch (kind) {
    case JF_COUNTER_CAP_DAY:
        return date;
    case JF_COUNTER_CAP_MONTH:
        return jf_date_month_index(date);
    default:
        return 0;
    }
}

static struct jf_room room_make(const struct jf_earning *earning, uint32_t kind, uint32_t ground,
                                int64_t limit)
{
    const struct jf_earn_input *input = earning->input;
    int32_t period = period_of(kind, input->business_date);
    int64_t used = 0;
    int64_t room = 0;
    if (kind != JF_ROOM_BUDGET) {
        used = jf_counters_value(input->member, kind, ground, period);
    } else if (input->control != NULL) {
        used = jf_control_issued(input->control, ground);
    }
    // More than the limit may be used since a version lowered it; less than nothing is issued where
    // the kept was worth more than the sale.
    if (jf_number_subtract(limit, used, &room) != JF_OK) {
        room = used < 0 ? INT64_MAX : 0;
    }
    return (struct jf_room){kind, ground, period, room > 0 ? room : 0};
}

// The rooms of a sale, from what the ledger holds.
static enum jf_error rooms_make(struct jf_earning *earning)
{
    const struct jf_programme *programme = earning->programme;
    uint32_t count_max = 2 * earning->limited_count + programme->cap_count;
    struct jf_room *rooms = jf_arena_alloc(earning->input->arena, count_max * sizeof *rooms);
    uint32_t count = 0;
    if (rooms == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < earning->limited_count; i++) {
        const struct jf_rule *rule = &programme->rules[earning->limited[i]];
        if (rule->cap_per_member > 0) {
            rooms[count++] =
                room_make(earning, JF_COUNTER_RULE, rule->reason, rule->cap_per_member);
        }
        if (rule->budget > 0) {
            rooms[count++] = room_make(earning, JF_ROOM_BUDGET, rule->reason, rule->budget);
        }
    }
    for (uint32_t i = 0; i < programme->cap_count; i++) {
        const struct jf_cap *cap = &programme->caps[i];
        if (cap->kind != JF_CAP_PER_RECEIPT) {
            rooms[count++] = room_make(earning, cap->kind, cap->ground, cap->points);
        }
    }
    JF_ASSERT(count <= count_max);
    earning->rooms = rooms;
    earning->room_count = count;
    return JF_OK;
}

// A room that is not there: only a damaged sale lacks it; then nothing is granted.
static int64_t room_find(const struct jf_earning *earning, uint32_t kind, uint32_t ground)
{
    for (uint32_t i = 0; i < earning->room_count; i++) {
        if (earning->rooms[i].kind == kind && earning->rooms[i].ground == ground) {
            return earning->rooms[i].room;
        }
    }
    return 0;
}

static const struct jf_rule *rule_of(const struct jf_earning *earning, uint32_t share)
{
    JF_ASSERT(share > 0);
    return &earning->programme->rules[earning->candidates[share - 1].rule];
}

// Cuts one ground's share to `room`. Returns: what it keeps.
static int64_t share_cut(const struct jf_earning *earning, struct jf_earn_shares *shares,
                         uint32_t share, int64_t room, int64_t by)
{
    int64_t cut = shares->points[share] - room;
    if (cut > 0) {
        shares->points[share] = room;
        shares->steps[shares->step_count] = (struct jf_trace_step){
            .kind = JF_TRACE_CAP,
            .reason = share == 0 ? 0 : rule_of(earning, share)->reason,
            .points = -cut,
            .exact = by,
        };
        shares->step_count += 1;
    }
    return shares->points[share];
}

static void rules_limit(const struct jf_earning *earning, struct jf_earn_shares *shares)
{
    for (uint32_t i = 1; earning->limited_count > 0 && i < shares->count; i++) {
        const struct jf_rule *rule = rule_of(earning, i);
        if (rule->cap_per_member > 0) {
            int64_t room = room_find(earning, JF_COUNTER_RULE, rule->reason);
            (void)share_cut(earning, shares, i, room, CUT_BY_RULE_CAP);
        }
        if (rule->budget > 0) {
            int64_t room = room_find(earning, JF_ROOM_BUDGET, rule->reason);
            (void)share_cut(earning, shares, i, room, CUT_BY_BUDGET);
        }
    }
}

static bool cap_has_rule(const struct jf_cap *cap, uint32_t rule)
{
    uint32_t low = 0;
    uint32_t high = cap->rule_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (cap->rules[middle] < rule) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < cap->rule_count && cap->rules[low] == rule;
}

static bool cap_covers(const struct jf_earning *earning, const struct jf_cap *cap, uint32_t share)
{
    if (cap->is_of_all) {
        return true;
    }
    return share == 0 ? cap->has_base : cap_has_rule(cap, earning->candidates[share - 1].rule);
}

static void cap_limit(const struct jf_earning *earning, const struct jf_cap *cap,
                      struct jf_earn_shares *shares)
{
    int64_t room =
        cap->kind == JF_CAP_PER_RECEIPT ? cap->points : room_find(earning, cap->kind, cap->ground);
    for (uint32_t i = 0; i < shares->count; i++) {
        if (cap_covers(earning, cap, i)) {
            room -= share_cut(earning, shares, i, room, cap->ground);
        }
    }
}

// Each limit of a rule cuts once; each cap cuts one ground in part and others wholly, and what is
// cut wholly is not cut again.
uint32_t jf_earn_limit_steps(const struct jf_earning *earning)
{
    return 2 * earning->limited_count + earning->candidate_count + 1 +
           earning->programme->cap_count;
}

enum jf_error jf_earn_limit(struct jf_earning *earning, struct jf_earn_shares *shares)
{
    const struct jf_earn_input *input = earning->input;
    if (input->member == NULL) {
        earning->rooms = input->facts->rooms;
        earning->room_count = input->facts->room_count;
    } else {
        enum jf_error error = rooms_make(earning);
        if (error != JF_OK) {
            return error;
        }
    }
    uint32_t steps_before = shares->step_count;
    rules_limit(earning, shares);
    for (uint32_t i = 0; i < earning->programme->cap_count; i++) {
        cap_limit(earning, &earning->programme->caps[i], shares);
    }
    JF_ASSERT(shares->step_count - steps_before <= jf_earn_limit_steps(earning));
    return JF_OK;
}

// ---- What grants count
// -----------------------------------------------------------------------------

static bool cap_has_ground(const struct jf_programme *programme, const struct jf_cap *cap,
                           uint32_t ground)
{
    if (cap->is_of_all || (ground == 0 && cap->has_base)) {
        return true;
    }
    for (uint32_t i = 0; i < cap->rule_count; i++) {
        if (programme->rules[cap->rules[i]].reason == ground) {
            return true;
        }
    }
    return false;
}

static bool has_member_cap(const struct jf_programme *programme, uint32_t ground)
{
    for (uint32_t i = 0; programme->has_rule_limits && i < programme->rule_count; i++) {
        if (programme->rules[i].reason == ground) {
            return programme->rules[i].cap_per_member > 0;
        }
    }
    return false;
}

static void delta_add(struct jf_counted *counted, struct jf_counter_delta delta)
{
    if (delta.delta != 0) {
        counted->deltas[counted->count] = delta;
        counted->count += 1;
    }
}

enum jf_error jf_earn_counted(const struct jf_programme *programme, jf_date business_date,
                              const struct jf_granted *granted, uint32_t granted_count,
                              struct jf_arena *arena, struct jf_counted *out_counted)
{
    // Twice: jf_earn_counted_subtract adds what only the other counts.
    uint32_t count_max = 2 * (programme->cap_count + programme->rule_count);
    struct jf_counted counted = {NULL, 0};
    if (programme->cap_count == 0 && !programme->has_rule_limits) {
        *out_counted = counted;
        return JF_OK;
    }
    counted.deltas = jf_arena_alloc(arena, count_max * sizeof *counted.deltas);
    if (counted.deltas == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < programme->cap_count; i++) {
        const struct jf_cap *cap = &programme->caps[i];
        int64_t points = 0;
        for (uint32_t j = 0; cap->kind != JF_CAP_PER_RECEIPT && j < granted_count; j++) {
            points += cap_has_ground(programme, cap, granted[j].reason) ? granted[j].points : 0;
        }
        delta_add(&counted, (struct jf_counter_delta){cap->kind, cap->ground,
                                                      period_of(cap->kind, business_date), points});
    }
    for (uint32_t j = 0; j < granted_count; j++) {
        if (has_member_cap(programme, granted[j].reason)) {
            delta_add(&counted, (struct jf_counter_delta){JF_COUNTER_RULE, granted[j].reason, 0,
                                                          granted[j].points});
        }
    }
    JF_ASSERT(counted.count <= count_max / 2);
    *out_counted = counted;
    return JF_OK;
}

void jf_earn_counted_subtract(struct jf_counted *after, const struct jf_counted *before)
{
    uint32_t count = after->count;
    for (uint32_t i = 0; i < before->count; i++) {
        struct jf_counter_delta gone = before->deltas[i];
        uint32_t at = 0;
        while (at < count &&
               (after->deltas[at].kind != gone.kind || after->deltas[at].ground != gone.ground)) {
            at++;
        }
        if (at < count) {
            after->deltas[at].delta -= gone.delta;
        } else {
            gone.delta = -gone.delta;
            after->deltas[after->count] = gone;
            after->count += 1;
        }
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < after->count; i++) {
        if (after->deltas[i].delta != 0) {
            after->deltas[kept] = after->deltas[i];
            kept++;
        }
    }
    after->count = kept;
}
