// What a programme says of members beside earning and spending: closing. Failures: a value that is
// not allowed.
#include "rules/programme_compile.h"

static enum jf_error close_compile(const struct jf_reading *reading,
                                   const struct jf_yaml_close *yaml)
{
    static const char *const policies[] = {"forfeit", "refuse"};
    _Static_assert(JF_CLOSE_FORFEIT == 0 && JF_CLOSE_REFUSE == 1, "policies are in their order");
    uint32_t policy = JF_CLOSE_FORFEIT;
    enum jf_error error = JF_OK;
    if (yaml != NULL && yaml->balance != NULL) {
        error = jf_value_choice((struct jf_value){reading, "close.balance", yaml->balance},
                                policies, 2, &policy);
    }
    reading->programme->close = (enum jf_close_policy)policy;
    return error;
}

enum jf_error jf_programme_compile_life(const struct jf_reading *reading,
                                        const struct jf_yaml_programme *yaml)
{
    return close_compile(reading, yaml->close);
}
