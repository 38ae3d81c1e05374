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
    default:
        break;
    }
    JF_ASSERT(false); // jf_command_check sends only these
    return false;
}
