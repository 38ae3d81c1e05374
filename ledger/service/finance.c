// jifen.v1.Finance: not built in this version; every method answers UNIMPLEMENTED.
#include "service/core.h"

static const struct jf_method methods[] = {
    {.path = "/jifen.v1.Finance/Liability"},
    {.path = "/jifen.v1.Finance/RollForward"},
    {.path = "/jifen.v1.Finance/ExpiryLadder"},
};

const struct jf_method_group jf_finance_methods = {
    .service_name = "jifen.v1.Finance",
    .methods = methods,
    .count = sizeof methods / sizeof methods[0],
};
