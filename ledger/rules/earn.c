// What a receipt is worth: eligible money by line, base points and uplifts as exact integers over
// the programme's common denominator, then whole points (earn_whole.c).
//
// The happy path walks the lines once for eligibility, and the rules that the index lets through
// once for conditions; a rule with conditions on lines walks the lines again. Failures: excluded
// tenders above the basket (INVALID_FIELD), a number that leaves 64 bits (OVERFLOW), and the
// arena's bound (JF_ERROR_NO_MEMORY, nothing is decided).
#include "rules/earn_private.h"

#include <string.h>

#include "base/assert.h"

static enum jf_error product(int64_t a, int64_t b, int64_t *out_product)
{
    int64_t result = 0;
    if (__builtin_mul_overflow(a, b, &result)) {
        return JF_ERROR_OVERFLOW;
    }
    *out_product = result;
    return JF_OK;
}

// *sum += a × b.
static enum jf_error product_add(int64_t a, int64_t b, int64_t *sum)
{
    int64_t term = 0;
    enum jf_error error = product(a, b, &term);
    return error == JF_OK ? jf_number_add(*sum, term, sum) : error;
}

static enum jf_error arrays_allocate(struct jf_earning *earning)
{
    struct jf_arena *arena = earning->input->arena;
    uint32_t lines = earning->input->line_count;
    uint32_t rules = earning->programme->rule_count;
    uint32_t groups = earning->programme->group_count;
    uint32_t limited = earning->programme->has_rule_limits ? rules : 0;
    uint32_t weights = lines > rules + 1 ? lines : rules + 1;
    earning->eligible = jf_arena_alloc(arena, lines * sizeof *earning->eligible);
    earning->exact = jf_arena_alloc(arena, lines * sizeof *earning->exact);
    earning->shares = jf_arena_alloc(arena, lines * sizeof *earning->shares);
    earning->words = jf_arena_alloc(arena, lines * sizeof *earning->words);
    earning->weights = jf_arena_alloc(arena, weights * sizeof *earning->weights);
    earning->candidates = jf_arena_alloc(arena, rules * sizeof *earning->candidates);
    earning->limited = jf_arena_alloc(arena, limited * sizeof *earning->limited);
    earning->group_best = jf_arena_alloc(arena, groups * sizeof *earning->group_best);
    earning->group_running = jf_arena_calloc(arena, groups, sizeof *earning->group_running);
    bool has_all = earning->eligible != NULL && earning->exact != NULL && earning->shares != NULL &&
                   earning->words != NULL && earning->weights != NULL &&
                   earning->candidates != NULL && earning->limited != NULL &&
                   earning->group_best != NULL && earning->group_running != NULL;
    if (!has_all) {
        return JF_ERROR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < groups; i++) {
        earning->group_best[i] = JF_GROUP_NONE;
    }
    return JF_OK;
}

static uint32_t word_of(const struct jf_words *words, bool is_read, struct jf_text text)
{
    return is_read ? jf_words_find(words, text) : JF_WORD_NONE;
}

static bool is_excluded(const struct jf_words *words, uint32_t word)
{
    return word != JF_WORD_NONE && words->is_excluded[word];
}

static bool is_member_excluded(const struct jf_earning *earning)
{
    const struct jf_sale_facts *facts = earning->input->facts;
    const struct jf_programme *programme = earning->programme;
    JF_ASSERT(facts->member_status < 32);
    return ((programme->excluded_statuses >> facts->member_status) & 1u) != 0 ||
           (programme->excluded_tags & facts->tags) != 0;
}

// Looks up what lines are, and takes their amounts unless category, SKU or the member is excluded.
static void lines_read(struct jf_earning *earning)
{
    const struct jf_earn_input *input = earning->input;
    const struct jf_programme *programme = earning->programme;
    int64_t basket = 0;
    bool are_out = is_member_excluded(earning);
    for (uint32_t i = 0; i < input->line_count; i++) {
        const struct jf_line *line = &input->lines[i];
        JF_ASSERT(line->amount >= 0);
        JF_ASSERT(line->amount <= JF_AMOUNT_MAX);
        struct jf_rule_line words = {
            word_of(&programme->categories, programme->reads_categories, line->category),
            word_of(&programme->skus, programme->reads_skus, line->sku),
        };
        bool is_out = are_out || is_excluded(&programme->categories, words.category) ||
                      is_excluded(&programme->skus, words.sku);
        earning->words[i] = words;
        earning->eligible[i] = is_out ? 0 : line->amount;
        basket += line->amount; // 500 lines of 10^12 at most
    }
    JF_ASSERT(basket == input->basket_amount);
}

// Adds up excluded tenders, and notes for conditions which tenders paid something.
static enum jf_error tenders_read(struct jf_earning *earning, int64_t *out_excluded,
                                  struct jf_refusal *out_refusal)
{
    const struct jf_earn_input *input = earning->input;
    const struct jf_words *words = &earning->programme->tenders;
    int64_t excluded = 0;
    earning->receipt.tender_count = 0;
    for (uint32_t i = 0; earning->programme->reads_tenders && i < input->tender_count; i++) {
        const struct jf_tender *tender = &input->tenders[i];
        JF_ASSERT(tender->amount >= 0);
        uint32_t word = jf_words_find(words, tender->type);
        if (word == JF_WORD_NONE || tender->amount == 0) {
            continue;
        }
        earning->receipt.tenders[earning->receipt.tender_count] = word;
        earning->receipt.tender_count += 1;
        if (!words->is_excluded[word]) {
            continue;
        }
        if (tender->amount > input->basket_amount - excluded) {
            *out_refusal = (struct jf_refusal){.code = JF_REFUSAL_INVALID_FIELD,
                                               .field = "receipt.tenders[%u].amount",
                                               .index = i,
                                               .needed = tender->amount,
                                               .limit = input->basket_amount - excluded};
            return JF_ERROR_INVALID;
        }
        excluded += tender->amount;
    }
    *out_excluded = excluded;
    return JF_OK;
}

// Takes from every line its share, by amount, of money that earns nothing. In: earning->weights
// hold the amounts of the lines that it paid, 0 for the others.
static enum jf_error share_take(struct jf_earning *earning, int64_t money)
{
    const struct jf_earn_input *input = earning->input;
    jf_wide sum = 0;
    for (uint32_t i = 0; i < input->line_count; i++) {
        sum += earning->weights[i];
    }
    if (money == 0 || sum == 0) {
        return JF_OK; // of a sale of which nothing that points may pay is kept, they paid no line
    }
    enum jf_error error =
        jf_number_apportion(money, earning->weights, input->line_count, earning->shares);
    for (uint32_t i = 0; error == JF_OK && i < input->line_count; i++) {
        int64_t left = earning->eligible[i] - earning->shares[i];
        earning->eligible[i] = left > 0 ? left : 0;
    }
    return error;
}

// Excluded tenders pay every line.
static enum jf_error tenders_take(struct jf_earning *earning, int64_t excluded)
{
    const struct jf_earn_input *input = earning->input;
    for (uint32_t i = 0; i < input->line_count; i++) {
        earning->weights[i] = input->lines[i].amount;
    }
    return share_take(earning, excluded);
}

// Points pay the lines that they may pay; where the programme says so, these earn all the same.
static enum jf_error redeemed_take(struct jf_earning *earning)
{
    const struct jf_earn_input *input = earning->input;
    const struct jf_redemption_terms *terms = &earning->programme->redemption;
    if (terms->earns_on_redeemed || input->redeemed_value == 0) {
        return JF_OK;
    }
    for (uint32_t i = 0; i < input->line_count; i++) {
        const struct jf_line *line = &input->lines[i];
        bool is_payable = jf_words_find(&terms->excluded, line->category) == JF_WORD_NONE;
        earning->weights[i] = is_payable ? line->amount : 0;
    }
    return share_take(earning, input->redeemed_value);
}

static enum jf_error eligible_find(struct jf_earning *earning, struct jf_refusal *out_refusal)
{
    int64_t excluded = 0;
    lines_read(earning);
    enum jf_error error = tenders_read(earning, &excluded, out_refusal);
    if (error == JF_OK) {
        error = tenders_take(earning, excluded);
    }
    if (error == JF_OK) {
        error = redeemed_take(earning);
    }
    for (uint32_t i = 0; error == JF_OK && i < earning->input->line_count; i++) {
        earning->eligible_total += earning->eligible[i];
        error = product(earning->eligible[i], earning->programme->base_weight, &earning->exact[i]);
    }
    if (error == JF_OK) {
        error =
            product(earning->eligible_total, earning->programme->base_weight, &earning->base_exact);
    }
    return error;
}

// The eligible money of the lines that a rule is about.
static int64_t eligible_matched(const struct jf_earning *earning, const struct jf_rule *rule)
{
    if (!jf_rule_is_of_lines(rule)) {
        return earning->eligible_total;
    }
    int64_t matched = 0;
    for (uint32_t i = 0; i < earning->input->line_count; i++) {
        if (jf_rule_matches_line(rule, earning->words[i])) {
            matched += earning->eligible[i];
        }
    }
    return matched;
}

static enum jf_error running_start(struct jf_earning *earning, uint32_t group)
{
    uint32_t lines = earning->input->line_count;
    int64_t *running = jf_arena_alloc(earning->input->arena, lines * sizeof *running);
    if (running == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < lines; i++) {
        // Fits: eligible_find has checked the sum over all lines.
        running[i] = earning->eligible[i] * earning->programme->base_weight;
    }
    earning->group_running[group] = running;
    return JF_OK;
}

// In a group that multiplies, a rule adds (factor − 1) times what its group has made of the base so
// far. It always counts, and goes to the lines at once. The denominator makes each division whole.
static enum jf_error uplift_multiplied(struct jf_earning *earning, const struct jf_rule *rule,
                                       int64_t *out_uplift)
{
    if (earning->group_running[rule->group] == NULL) {
        enum jf_error error = running_start(earning, rule->group);
        if (error != JF_OK) {
            return error;
        }
    }
    int64_t *running = earning->group_running[rule->group];
    int64_t more = rule->factor.numerator - rule->factor.denominator;
    int64_t uplift = 0;
    enum jf_error error = JF_OK;
    for (uint32_t i = 0; error == JF_OK && i < earning->input->line_count; i++) {
        if (!jf_rule_matches_line(rule, earning->words[i])) {
            continue;
        }
        jf_wide scaled = (jf_wide)running[i] * more;
        int64_t added = 0;
        JF_ASSERT(scaled % rule->factor.denominator == 0);
        error = jf_number_divide(scaled, rule->factor.denominator, JF_ROUND_FLOOR, &added);
        if (error == JF_OK) {
            error = jf_number_add(running[i], added, &running[i]);
        }
        if (error == JF_OK) {
            error = jf_number_add(earning->exact[i], added, &earning->exact[i]);
        }
        if (error == JF_OK) {
            error = jf_number_add(uplift, added, &uplift);
        }
    }
    if (error == JF_OK) {
        *out_uplift = uplift;
    }
    return error;
}

static enum jf_stack stack_of(const struct jf_programme *programme, const struct jf_rule *rule)
{
    return rule->group == JF_GROUP_NONE ? JF_STACK_ADD : programme->groups[rule->group].stack;
}

static enum jf_error uplift_find(struct jf_earning *earning, const struct jf_rule *rule,
                                 int64_t *out_uplift)
{
    if (stack_of(earning->programme, rule) == JF_STACK_MULTIPLY) {
        return uplift_multiplied(earning, rule, out_uplift);
    }
    int64_t matched = eligible_matched(earning, rule);
    if (!rule->is_bonus) {
        return product(matched, rule->uplift_weight, out_uplift);
    }
    // Nothing eligible, no bonus: what is wholly returned leaves nothing behind.
    return product(matched > 0 ? rule->bonus_points : 0, earning->programme->denominator,
                   out_uplift);
}

static void candidate_add(struct jf_earning *earning, uint32_t number, int64_t uplift)
{
    const struct jf_rule *rule = &earning->programme->rules[number];
    uint32_t at = earning->candidate_count;
    JF_ASSERT(uplift > 0);
    earning->candidates[at] = (struct jf_earn_candidate){.exact = uplift, .rule = number};
    earning->candidate_count += 1;
    if (stack_of(earning->programme, rule) != JF_STACK_BEST) {
        return;
    }
    uint32_t best = earning->group_best[rule->group];
    if (best == JF_GROUP_NONE) {
        earning->group_best[rule->group] = at;
    } else if (earning->candidates[best].exact < uplift) {
        earning->candidates[best].is_outdone = true;
        earning->group_best[rule->group] = at;
    } else {
        earning->candidates[at].is_outdone = true;
    }
}

static bool matches_some_line(const struct jf_earning *earning, const struct jf_rule *rule)
{
    bool is_matched = !jf_rule_is_of_lines(rule);
    for (uint32_t i = 0; !is_matched && i < earning->input->line_count; i++) {
        is_matched = jf_rule_matches_line(rule, earning->words[i]);
    }
    return is_matched;
}

static enum jf_error rule_match(struct jf_earning *earning, uint32_t number)
{
    const struct jf_rule *rule = &earning->programme->rules[number];
    if (!jf_rule_matches_receipt(rule, &earning->receipt) || !matches_some_line(earning, rule)) {
        return JF_OK;
    }
    // Also where it adds nothing now: what is kept after a return may share money otherwise.
    if (rule->cap_per_member > 0 || rule->budget > 0) {
        earning->limited[earning->limited_count] = number;
        earning->limited_count += 1;
    }
    int64_t uplift = 0;
    enum jf_error error = uplift_find(earning, rule, &uplift);
    if (error == JF_OK && uplift > 0) {
        candidate_add(earning, number, uplift);
    }
    return error;
}

// Asks the rules that may match, in listed order.
static enum jf_error rules_match(struct jf_earning *earning)
{
    const struct jf_programme *programme = earning->programme;
    struct jf_rule_set set;
    jf_rule_index_find(&programme->index, &earning->receipt, earning->words,
                       earning->input->line_count, programme->rule_count, &set);
    enum jf_error error = JF_OK;
    for (uint32_t word = 0; word < (programme->rule_count + 63) / 64; word++) {
        for (uint64_t bits = set.words[word]; error == JF_OK && bits != 0; bits &= bits - 1) {
            error = rule_match(earning, word * 64 + (uint32_t)__builtin_ctzll(bits));
        }
    }
    return error;
}

// A bonus reaches the lines in whole points, so that rounding each line does not nibble at it.
static enum jf_error bonus_spread(struct jf_earning *earning, const struct jf_rule *rule)
{
    uint32_t lines = earning->input->line_count;
    for (uint32_t i = 0; i < lines; i++) {
        bool is_matched = jf_rule_matches_line(rule, earning->words[i]);
        earning->weights[i] = is_matched ? earning->eligible[i] : 0;
    }
    enum jf_error error =
        jf_number_apportion(rule->bonus_points, earning->weights, lines, earning->shares);
    for (uint32_t i = 0; error == JF_OK && i < lines; i++) {
        error =
            product_add(earning->shares[i], earning->programme->denominator, &earning->exact[i]);
    }
    return error;
}

static enum jf_error multiplier_spread(struct jf_earning *earning, const struct jf_rule *rule)
{
    enum jf_error error = JF_OK;
    for (uint32_t i = 0; error == JF_OK && i < earning->input->line_count; i++) {
        if (jf_rule_matches_line(rule, earning->words[i])) {
            error = product_add(earning->eligible[i], rule->uplift_weight, &earning->exact[i]);
        }
    }
    return error;
}

// Brings what counts to the lines, and adds everything up.
static enum jf_error uplifts_spread(struct jf_earning *earning)
{
    enum jf_error error = JF_OK;
    int64_t total = earning->base_exact;
    for (uint32_t i = 0; error == JF_OK && i < earning->candidate_count; i++) {
        const struct jf_earn_candidate *candidate = &earning->candidates[i];
        const struct jf_rule *rule = &earning->programme->rules[candidate->rule];
        if (candidate->is_outdone) {
            continue;
        }
        error = jf_number_add(total, candidate->exact, &total);
        if (error == JF_OK && stack_of(earning->programme, rule) != JF_STACK_MULTIPLY) {
            error = rule->is_bonus ? bonus_spread(earning, rule) : multiplier_spread(earning, rule);
        }
    }
    earning->total_exact = total;
    return error;
}

static void receipt_read(struct jf_earning *earning)
{
    const struct jf_earn_input *input = earning->input;
    struct jf_rule_receipt *receipt = &earning->receipt;
    jf_rule_receipt_init(receipt, input->business_date);
    receipt->facts = input->facts;
    receipt->basket_amount = input->basket_amount;
    receipt->store = input->store.value;
    receipt->region = word_of(&earning->programme->regions, earning->programme->reads_regions,
                              input->facts->region);
}

static enum jf_error earning_run(struct jf_earning *earning, struct jf_earn_result *out_result,
                                 struct jf_refusal *out_refusal)
{
    enum jf_error error = arrays_allocate(earning);
    if (error == JF_OK) {
        error = eligible_find(earning, out_refusal);
    }
    if (error == JF_OK) {
        error = rules_match(earning);
    }
    if (error == JF_OK) {
        error = uplifts_spread(earning);
    }
    return error == JF_OK ? jf_earn_make_whole(earning, out_result) : error;
}

enum jf_error jf_earn(const struct jf_earn_input *input, struct jf_earn_result *out_result,
                      struct jf_refusal *out_refusal)
{
    JF_ASSERT(input->store.value != 0);
    JF_ASSERT(input->line_count <= JF_LINES_PER_RECEIPT_MAX);
    JF_ASSERT(input->tender_count <= JF_TENDERS_PER_RECEIPT_MAX);
    JF_ASSERT(input->redeemed_value >= 0);
    JF_ASSERT(input->redeemed_value <= input->basket_amount);
    struct jf_earning earning;
    earning.input = input;
    earning.programme = input->programme;
    earning.candidate_count = 0;
    earning.limited_count = 0;
    earning.rooms = NULL;
    earning.room_count = 0;
    earning.eligible_total = 0;
    receipt_read(&earning);
    out_refusal->code = JF_REFUSAL_NONE;
    enum jf_error error = earning_run(&earning, out_result, out_refusal);
    if (error == JF_ERROR_OVERFLOW) {
        *out_refusal = (struct jf_refusal){.code = JF_REFUSAL_OVERFLOW, .limit = JF_POINTS_MAX};
    }
    return error == JF_ERROR_NO_MEMORY ? error : JF_OK;
}
