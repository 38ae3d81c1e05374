// Everything is in proportion to money or quantity kept, half-up, and computed from the sale as it
// was: so the order and the number of returns cannot matter. Fails only where the arena's bound is
// met.
#include "rules/kept.h"

#include "base/assert.h"
#include "base/number.h"
#include "rules/programme_private.h"

static int64_t share_half_up(int64_t total, int64_t part, int64_t whole)
{
    JF_ASSERT(part <= whole);
    int64_t share = 0;
    enum jf_error error = jf_number_share(total, part, whole, JF_ROUND_HALF_UP, &share);
    JF_ASSERT(error == JF_OK); // part ≤ whole: the share is at most the total
    return share;
}

int64_t jf_kept_amount(const struct jf_line *line, const struct jf_kept_line *kept)
{
    if (kept->is_gone) {
        return 0;
    }
    if (line->quantity_milli == 0) {
        return line->amount;
    }
    return share_half_up(line->amount, kept->quantity_milli, line->quantity_milli);
}

static enum jf_error lines_keep(const struct jf_kept_input *input, struct jf_kept *kept)
{
    const struct jf_receipt *receipt = &input->sale->receipt;
    struct jf_line *lines = jf_arena_alloc(input->arena, receipt->line_count * sizeof *lines);
    if (lines == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < receipt->line_count; i++) {
        const struct jf_line *line = &receipt->lines[i];
        kept->sale_basket += line->amount;
        if (input->lines[i].is_gone) {
            continue;
        }
        lines[kept->line_count] = *line;
        lines[kept->line_count].quantity_milli = input->lines[i].quantity_milli;
        lines[kept->line_count].amount = jf_kept_amount(line, &input->lines[i]);
        kept->basket += lines[kept->line_count].amount;
        kept->line_count++;
    }
    kept->lines = lines;
    return JF_OK;
}

static bool tender_is_excluded(const struct jf_programme *programme, struct jf_text type)
{
    uint32_t word = jf_words_find(&programme->tenders, type);
    return word != JF_WORD_NONE && programme->tenders.is_excluded[word];
}

static enum jf_error tenders_keep(const struct jf_kept_input *input, struct jf_kept *kept)
{
    const struct jf_receipt *receipt = &input->sale->receipt;
    size_t bytes = (size_t)receipt->tender_count * sizeof *kept->tenders;
    struct jf_tender *tenders = jf_arena_alloc(input->arena, bytes);
    if (tenders == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    int64_t room = kept->basket; // several tenders rounded up must not pass what is kept
    for (uint32_t i = 0; i < receipt->tender_count; i++) {
        struct jf_tender *tender = &tenders[i];
        *tender = receipt->tenders[i];
        if (kept->sale_basket > 0) {
            tender->amount = share_half_up(tender->amount, kept->basket, kept->sale_basket);
        }
        if (tender_is_excluded(input->programme, tender->type)) {
            tender->amount = tender->amount < room ? tender->amount : room;
            room -= tender->amount;
        }
    }
    kept->tenders = tenders;
    return JF_OK;
}

int64_t jf_kept_value(const struct jf_programme *terms, int64_t points, int64_t basket)
{
    const struct jf_redemption_terms *redemption = &terms->redemption;
    int64_t value = 0;
    if (points == 0 || redemption->points == 0 ||
        jf_number_share(points, redemption->amount, redemption->points, JF_ROUND_HALF_UP, &value) !=
            JF_OK) {
        return 0;
    }
    return value < basket ? value : basket;
}

enum jf_error jf_kept_make(const struct jf_kept_input *input, struct jf_kept *out_kept)
{
    struct jf_kept kept = {.lines = NULL};
    enum jf_error error = lines_keep(input, &kept);
    if (error == JF_OK) {
        error = tenders_keep(input, &kept);
    }
    if (error != JF_OK) {
        return error;
    }
    int64_t redeemed = input->sale->redeem_points;
    if (redeemed > 0 && kept.sale_basket > 0) {
        kept.redeemed = share_half_up(redeemed, kept.basket, kept.sale_basket);
    }
    kept.value = jf_kept_value(input->terms, kept.redeemed, kept.basket);
    *out_kept = kept;
    return JF_OK;
}
