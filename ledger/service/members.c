// jifen.v1.Members: a member's life. Every call is one write; failures: as the rules refuse. Merge,
// Adjust and Transfer are not built and answer UNIMPLEMENTED.
#include "service/core.h"

static const struct jf_method methods[] = {
    {.path = "/jifen.v1.Members/Enrol",
     .on_message = jf_ticket_write_message,
     .request = &jifen__v1__enrol_request__descriptor,
     .decode = jf_decode_enrol},
    {.path = "/jifen.v1.Members/UpdateMember",
     .on_message = jf_ticket_write_message,
     .request = &jifen__v1__update_member_request__descriptor,
     .decode = jf_decode_update_member},
    {.path = "/jifen.v1.Members/LinkCard",
     .on_message = jf_ticket_write_message,
     .request = &jifen__v1__link_card_request__descriptor,
     .decode = jf_decode_link_card},
    {.path = "/jifen.v1.Members/UnlinkCard",
     .on_message = jf_ticket_write_message,
     .request = &jifen__v1__unlink_card_request__descriptor,
     .decode = jf_decode_unlink_card},
    {.path = "/jifen.v1.Members/Freeze",
     .on_message = jf_ticket_write_message,
     .request = &jifen__v1__freeze_request__descriptor,
     .decode = jf_decode_freeze},
    {.path = "/jifen.v1.Members/Close",
     .on_message = jf_ticket_write_message,
     .request = &jifen__v1__close_request__descriptor,
     .decode = jf_decode_close},
    {.path = "/jifen.v1.Members/Merge"},
    {.path = "/jifen.v1.Members/Adjust"},
    {.path = "/jifen.v1.Members/Transfer"},
};

const struct jf_method_group jf_members_methods = {
    .service_name = "jifen.v1.Members",
    .methods = methods,
    .count = sizeof methods / sizeof methods[0],
};
