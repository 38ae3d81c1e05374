// Step (1) of the refusal order for the commands of a member's life: their fields, in the order of
// their numbers in proto/jifen/v1/members.proto. Refused with INVALID_FIELD.
#include "base/assert.h"
#include "rules/command_field.h"

static bool update_member_check(const struct jf_update_member_command *command,
                                struct jf_refusal *out)
{
    return member_ref_check(&command->member, out) &&
           birthday_check(command->birth_month, command->birth_day, out);
}

static bool link_card_check(const struct jf_link_card_command *command, struct jf_refusal *out)
{
    return member_ref_check(&command->member, out) &&
           text_check(FIELD("card", 0), command->card, 1, JF_CARD_BYTES_MAX);
}

static bool merge_check(const struct jf_merge_command *command, struct jf_refusal *out)
{
    return party_check(&command->from, "from", "from.card", out) &&
           party_check(&command->into, "into", "into.card", out);
}

static bool adjust_check(const struct jf_adjust_command *command, struct jf_refusal *out)
{
    if (!member_ref_check(&command->member, out) ||
        !number_check(FIELD("points", 0), command->points, -JF_POINTS_MAX, JF_POINTS_MAX)) {
        return false;
    }
    if (command->points == 0) {
        return refuse(out, "points", 0, 0, "above 0 for a credit, below 0 for a debit");
    }
    return text_check(FIELD("reason_code", 0), command->reason_code, 1, JF_NAME_BYTES_MAX) &&
           text_check(FIELD("operator", 0), command->operator_name, 1, JF_OPERATOR_BYTES_MAX) &&
           text_check(FIELD("approver", 0), command->approver, 0, JF_OPERATOR_BYTES_MAX) &&
           number_check(FIELD("entity", 0), command->entity.value, 1, JF_ENTITIES_MAX - 1) &&
           instant_check(FIELD("adjusted_at_ms", 0), command->adjusted_at_ms);
}

static bool transfer_check(const struct jf_transfer_command *command, struct jf_refusal *out)
{
    return party_check(&command->from, "from", "from.card", out) &&
           party_check(&command->to, "to", "to.card", out) &&
           number_check(FIELD("points", 0), command->points, 1, JF_POINTS_MAX) &&
           text_check(FIELD("operator", 0), command->operator_name, 1, JF_OPERATOR_BYTES_MAX) &&
           instant_check(FIELD("transferred_at_ms", 0), command->transferred_at_ms);
}

bool jf_command_check_life(const struct jf_command *command, struct jf_refusal *out)
{
    switch (command->kind) {
    case JF_COMMAND_UPDATE_MEMBER:
        return update_member_check(&command->as.update_member, out);
    case JF_COMMAND_LINK_CARD:
        return link_card_check(&command->as.link_card, out);
    case JF_COMMAND_UNLINK_CARD:
        return text_check(FIELD("card", 0), command->as.unlink_card.card.card, 1,
                          JF_CARD_BYTES_MAX);
    case JF_COMMAND_FREEZE:
        return member_ref_check(&command->as.freeze.member, out);
    case JF_COMMAND_CLOSE:
        return member_ref_check(&command->as.close.member, out);
    case JF_COMMAND_MERGE:
        return merge_check(&command->as.merge, out);
    case JF_COMMAND_ADJUST:
        return adjust_check(&command->as.adjust, out);
    case JF_COMMAND_TRANSFER:
        return transfer_check(&command->as.transfer, out);
    default:
        break;
    }
    JF_ASSERT(false); // jf_command_check sends only these
    return false;
}
