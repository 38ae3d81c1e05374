// Whole points from exact ones: rounded once, shared over grounds and lines by largest remainder,
// and told.
//
// The happy path: one rounding (or one a line), one apportioning over grounds, what limits cut, one
// apportioning over lines, the trace. Failures: more points than JF_POINTS_MAX or 64 bits hold
// (OVERFLOW), and the arena's bound (JF_ERROR_NO_MEMORY).
#include "rules/earn_private.h"

#include "base/assert.h"

#define STEPS_BESIDE_RULES 3 // ELIGIBLE, BASE, ROUNDED

// Rounds line by line. Out: line_points.
static enum jf_error lines_round(const struct jf_earning *earning, int64_t *line_points,
                                 int64_t *out_points)
{
    int64_t points = 0;
    for (uint32_t i = 0; i < earning->input->line_count; i++) {
        enum jf_error error = jf_number_divide(earning->exact[i], earning->programme->denominator,
                                               earning->programme->rounding, &line_points[i]);
        if (error == JF_OK) {
            error = jf_number_add(points, line_points[i], &points);
        }
        if (error != JF_OK) {
            return error;
        }
    }
    *out_points = points;
    return JF_OK;
}

static enum jf_error receipt_round(const struct jf_earning *earning, int64_t *out_points)
{
    return jf_number_divide(earning->total_exact, earning->programme->denominator,
                            earning->programme->rounding, out_points);
}

// The points by line: as rounded, shared by what the lines are worth exactly, or, where lines were
// rounded and limits cut, by what they had before.
static enum jf_error lines_share(const struct jf_earning *earning, bool is_cut, int64_t points,
                                 int64_t *line_points)
{
    bool is_per_line = earning->programme->rounding_scope == JF_ROUND_PER_LINE;
    if (is_per_line && !is_cut) {
        return JF_OK;
    }
    for (uint32_t i = 0; i < earning->input->line_count; i++) {
        earning->weights[i] = is_per_line ? line_points[i] : earning->exact[i];
    }
    return jf_number_apportion(points, earning->weights, earning->input->line_count, line_points);
}

// Whole points by ground: index 0 is the base, then the candidates; those outdone have none.
static enum jf_error grounds_share(const struct jf_earning *earning, int64_t points,
                                   int64_t *out_shares)
{
    uint32_t count = earning->candidate_count + 1;
    earning->weights[0] = earning->base_exact;
    for (uint32_t i = 1; i < count; i++) {
        const struct jf_earn_candidate *candidate = &earning->candidates[i - 1];
        earning->weights[i] = candidate->is_outdone ? 0 : candidate->exact;
    }
    return jf_number_apportion(points, earning->weights, count, out_shares);
}

static uint32_t granted_write(const struct jf_earning *earning, const int64_t *shares,
                              struct jf_granted *granted)
{
    uint32_t count = 0;
    if (shares[0] > 0) {
        granted[count] = (struct jf_granted){0, shares[0]};
        count += 1;
    }
    for (uint32_t i = 0; i < earning->candidate_count; i++) {
        const struct jf_rule *rule = &earning->programme->rules[earning->candidates[i].rule];
        if (shares[i + 1] > 0) {
            granted[count] = (struct jf_granted){rule->reason, shares[i + 1]};
            count += 1;
        }
    }
    return count;
}

static uint32_t rules_trace(const struct jf_earning *earning, const int64_t *shares,
                            bool are_outdone, struct jf_trace_step *steps)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < earning->candidate_count; i++) {
        const struct jf_earn_candidate *candidate = &earning->candidates[i];
        const struct jf_rule *rule = &earning->programme->rules[candidate->rule];
        if (candidate->is_outdone != are_outdone) {
            continue;
        }
        enum jf_trace_kind kind = rule->is_bonus ? JF_TRACE_BONUS : JF_TRACE_MULTIPLIER;
        steps[count] = (struct jf_trace_step){
            .kind = are_outdone ? JF_TRACE_OUTDONE : kind,
            .reason = rule->reason,
            .points = shares[i + 1],
            .exact = candidate->exact,
        };
        count += 1;
    }
    return count;
}

static uint32_t trace_write(const struct jf_earning *earning, const int64_t *shares, int64_t points,
                            struct jf_trace_step *steps)
{
    uint32_t count = 0;
    steps[count++] = (struct jf_trace_step){
        .kind = JF_TRACE_ELIGIBLE,
        .amount = earning->eligible_total,
        .exact = earning->input->basket_amount - earning->eligible_total,
    };
    steps[count++] = (struct jf_trace_step){
        .kind = JF_TRACE_BASE,
        .points = shares[0],
        .exact = earning->base_exact,
    };
    count += rules_trace(earning, shares, false, steps + count);
    count += rules_trace(earning, shares, true, steps + count);
    steps[count++] = (struct jf_trace_step){
        .kind = JF_TRACE_ROUNDED,
        .points = points,
        .exact = earning->total_exact,
    };
    return count;
}

// Rounds, shares over grounds, tells it, and lets limits cut. Out: the points of lines and grounds.
static enum jf_error points_find(struct jf_earning *earning, struct jf_earn_shares *shares,
                                 int64_t *line_points, int64_t *out_points)
{
    int64_t rounded = 0;
    int64_t points = 0;
    enum jf_error error = earning->programme->rounding_scope == JF_ROUND_PER_LINE
                              ? lines_round(earning, line_points, &rounded)
                              : receipt_round(earning, &rounded);
    if (error == JF_OK && rounded > JF_POINTS_MAX) {
        error = JF_ERROR_OVERFLOW;
    }
    if (error == JF_OK) {
        error = grounds_share(earning, rounded, shares->points);
    }
    if (error == JF_OK) {
        shares->step_count = trace_write(earning, shares->points, rounded, shares->steps);
        error = jf_earn_limit(earning, shares);
    }
    for (uint32_t i = 0; error == JF_OK && i < shares->count; i++) {
        points += shares->points[i]; // at most what was rounded
    }
    *out_points = points;
    return error == JF_OK ? lines_share(earning, points < rounded, points, line_points) : error;
}

enum jf_error jf_earn_make_whole(struct jf_earning *earning, struct jf_earn_result *out_result)
{
    _Static_assert(JF_RULES_MAX + STEPS_BESIDE_RULES <= JF_TRACE_STEPS_MAX,
                   "every rule has a step");
    struct jf_arena *arena = earning->input->arena;
    uint32_t grounds = earning->candidate_count + 1;
    uint32_t step_count = grounds + STEPS_BESIDE_RULES + jf_earn_limit_steps(earning);
    struct jf_earn_shares shares = {.count = grounds};
    shares.steps = jf_arena_alloc(arena, step_count * sizeof *shares.steps);
    shares.points = jf_arena_alloc(arena, grounds * sizeof *shares.points);
    struct jf_granted *granted = jf_arena_alloc(arena, grounds * sizeof *granted);
    int64_t *line_points = jf_arena_alloc(arena, earning->input->line_count * sizeof *line_points);
    if (shares.steps == NULL || granted == NULL || shares.points == NULL || line_points == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    int64_t points = 0;
    enum jf_error error = points_find(earning, &shares, line_points, &points);
    if (error != JF_OK) {
        return error;
    }
    *out_result = (struct jf_earn_result){
        .eligible = earning->eligible_total,
        .points = points,
        .granted = granted,
        .granted_count = granted_write(earning, shares.points, granted),
        .trace = shares.steps,
        .trace_count = shares.step_count,
        .line_points = line_points,
        .denominator = (uint64_t)earning->programme->denominator,
        .rooms = earning->rooms,
        .room_count = earning->room_count,
    };
    return JF_OK;
}
