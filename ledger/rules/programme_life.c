// What a programme says of members beside earning and spending: closing, adjustments, transfers.
// Failures: a value that is not allowed.
#include "rules/programme_compile.h"
#include "rules/programme_expiry.h"

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

// Without the section nobody needs a second person; with it everybody does, unless it says a limit.
static enum jf_error adjustments_compile(const struct jf_reading *reading,
                                         const struct jf_yaml_adjustments *yaml)
{
    struct jf_adjustment_terms *terms = &reading->programme->adjustments;
    *terms = (struct jf_adjustment_terms){.limit = yaml == NULL ? -1 : 0,
                                          .expiry = reading->programme->expiry};
    enum jf_error error = JF_OK;
    if (yaml != NULL && yaml->limit != NULL) {
        error = jf_value_integer((struct jf_value){reading, "adjustments.limit", yaml->limit}, 0,
                                 JF_POINTS_MAX, &terms->limit);
    }
    if (error == JF_OK && yaml != NULL && yaml->expiry != NULL) {
        error = jf_expiry_compile(reading, "adjustments.expiry", yaml->expiry, &terms->expiry);
    }
    return error;
}

static enum jf_error transfers_compile(const struct jf_reading *reading,
                                       const struct jf_yaml_transfers *yaml)
{
    struct jf_transfer_terms *terms = &reading->programme->transfers;
    *terms = (struct jf_transfer_terms){.is_allowed = true, .minimum = 1};
    enum jf_error error = JF_OK;
    if (yaml != NULL && yaml->allowed != NULL) {
        error = jf_value_bool((struct jf_value){reading, "transfers.allowed", yaml->allowed},
                              &terms->is_allowed);
    }
    if (error == JF_OK && yaml != NULL && yaml->minimum != NULL) {
        error = jf_value_integer((struct jf_value){reading, "transfers.minimum", yaml->minimum}, 1,
                                 JF_POINTS_MAX, &terms->minimum);
    }
    return error;
}

// In: the programme's expiry is filled.
enum jf_error jf_programme_compile_life(const struct jf_reading *reading,
                                        const struct jf_yaml_programme *yaml)
{
    enum jf_error error = close_compile(reading, yaml->close);
    if (error == JF_OK) {
        error = adjustments_compile(reading, yaml->adjustments);
    }
    return error == JF_OK ? transfers_compile(reading, yaml->transfers) : error;
}
