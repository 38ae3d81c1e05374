// Operations of a member's life, drawn: holds, captures and voids, cards, freezing and closing, two
// members made one, and what the jobs ask of a member.
#include <stdio.h>

#include "sim_client_private.h"
#include "sim_people.h"

#define DEADLINE_DAYS 24u

static void hold_make(uint32_t member)
{
    struct sim_op *op = sim_op_make(JF_COMMAND_HOLD, member);
    op->date = sim_date_draw();
    op->points = 20 + (int64_t)sim_draw(12) * 10 + (sim_draw(20) == 0 ? 3 : 0);
    jf_date last = op->date + 1 + (jf_date)sim_draw(DEADLINE_DAYS);
    op->deadline_ms = sim_noon_ms(sim_people_is_about_now(last) ? last + SIM_NOW_DAYS : last);
    op->command.as.hold = (struct jf_hold_command){.store = {1 + sim_draw(2)},
                                                   .terminal = 1,
                                                   .held_at_ms = sim_noon_ms(op->date),
                                                   .points = op->points,
                                                   .deadline_ms = op->deadline_ms};
    sim_member_name(op, &op->command.as.hold.member);
}

// Mostly within the hold's time.
static jf_date ending_date(const struct sim_op *hold)
{
    return sim_draw(4) == 0 ? sim_date_draw() : hold->date + (jf_date)sim_draw(3);
}

// Mostly one that is open: the newest is.
static struct sim_op *hold_draw(void)
{
    for (uint32_t i = sim_op_count(); i > 0 && sim_draw(200) > 0; i--) {
        struct sim_op *op = sim_op_at(i - 1);
        if (op->command.kind == JF_COMMAND_HOLD && sim_people_hold_owner(op) != 0 &&
            sim_draw(3) > 0) {
            return op;
        }
    }
    return sim_op_draw(JF_COMMAND_HOLD);
}

static bool capture_make(void)
{
    struct sim_op *hold = hold_draw();
    if (hold == NULL) {
        return false;
    }
    struct sim_op *op = sim_op_make(JF_COMMAND_CAPTURE, hold->member);
    op->hold_op = hold;
    op->date = ending_date(hold);
    op->points = sim_draw(2) == 0 ? 0 : 1 + (int64_t)sim_draw((uint32_t)hold->points + 10);
    op->command.as.capture =
        (struct jf_capture_command){.hold_transaction_id = jf_text_from(hold->id),
                                    .captured_at_ms = sim_noon_ms(op->date),
                                    .points = op->points};
    return true;
}

static bool void_make(void)
{
    struct sim_op *hold = hold_draw();
    if (hold == NULL) {
        return false;
    }
    struct sim_op *op = sim_op_make(JF_COMMAND_VOID, hold->member);
    op->hold_op = hold;
    op->date = ending_date(hold);
    op->command.as.void_hold = (struct jf_void_command){
        .hold_transaction_id = jf_text_from(hold->id), .voided_at_ms = sim_noon_ms(op->date)};
    return true;
}

static void card_name(struct sim_op *op)
{
    op->card_number = 1 + sim_draw(SIM_CARDS);
    snprintf(op->card_text, sizeof op->card_text, "card-%u", op->card_number);
    op->card = jf_text_from(op->card_text);
}

static void link_make(uint32_t member)
{
    struct sim_op *op = sim_op_make(JF_COMMAND_LINK_CARD, member);
    card_name(op);
    op->command.as.link_card.member.number.value = member;
    op->command.as.link_card.card = op->card;
}

static void unlink_make(uint32_t member)
{
    struct sim_op *op = sim_op_make(JF_COMMAND_UNLINK_CARD, member);
    card_name(op);
    op->command.as.unlink_card.card.card = op->card;
}

static void freeze_make(uint32_t member)
{
    struct sim_op *op = sim_op_make(JF_COMMAND_FREEZE, member);
    op->command.as.freeze.is_thaw = sim_draw(3) > 0;
    sim_member_name(op, &op->command.as.freeze.member);
}

static void close_make(uint32_t member)
{
    struct sim_op *op = sim_op_make(JF_COMMAND_CLOSE, member);
    sim_member_name(op, &op->command.as.close.member);
}

static void merge_make(uint32_t member)
{
    struct sim_op *op = sim_op_make(JF_COMMAND_MERGE, member);
    op->other = 1 + sim_draw(SIM_MEMBERS);
    op->command.as.merge.from.number.value = op->other;
    sim_member_name(op, &op->command.as.merge.into);
}

static void tier_make(uint32_t member)
{
    struct sim_op *op = sim_op_make(JF_COMMAND_TIER_CHANGE, member);
    op->date = sim_date_draw();
    op->command.as.tier_change =
        (struct jf_tier_change_command){JF_TEXT("run"), {member}, op->date};
}

static void expire_make(uint32_t member)
{
    struct sim_op *op = sim_op_make(JF_COMMAND_EXPIRE, member);
    op->date = sim_date_draw();
    op->command.as.expire = (struct jf_expire_command){JF_TEXT("run"), {member}, op->date};
}

bool sim_people_op_make(uint32_t member)
{
    uint32_t what = sim_draw(24);
    if (what < 7) {
        hold_make(member);
    } else if (what < 11) {
        return capture_make();
    } else if (what < 13) {
        return void_make();
    } else if (what < 15) {
        link_make(member);
    } else if (what == 15) {
        unlink_make(member);
    } else if (what < 18) {
        freeze_make(member);
    } else if (what < 21) {
        tier_make(member);
    } else if (what < 23) {
        expire_make(member);
    } else if (sim_people_may_cease() && sim_draw(2) == 0) {
        merge_make(member);
    } else if (sim_people_may_cease() && sim_draw(3) == 0) {
        close_make(member);
    } else {
        return false;
    }
    return true;
}
