// jifen.v1.Members: of a member's life only enrolment is built; everything else answers
// UNIMPLEMENTED.
#include "service/core.h"

static const struct jf_method methods[] = {
    {.path = "/jifen.v1.Members/Enrol",
     .on_message = jf_ticket_write_message,
     .request = &jifen__v1__enrol_request__descriptor,
     .decode = jf_decode_enrol},
    {.path = "/jifen.v1.Members/UpdateMember"},
    {.path = "/jifen.v1.Members/LinkCard"},
    {.path = "/jifen.v1.Members/UnlinkCard"},
    {.path = "/jifen.v1.Members/Freeze"},
    {.path = "/jifen.v1.Members/Close"},
    {.path = "/jifen.v1.Members/Merge"},
    {.path = "/jifen.v1.Members/Adjust"},
    {.path = "/jifen.v1.Members/Transfer"},
};

const struct jf_method_group jf_members_methods = {
    .service_name = "jifen.v1.Members",
    .methods = methods,
    .count = sizeof methods / sizeof methods[0],
};
