// The programme's section `returns`.
//
// The happy path reads its three fields, each with a default. Failures: a value that is not
// allowed, and money to deduct where no redemption says what points are worth.
#include "rules/programme_compile.h"

#define REINSTATE_DAYS_MAX 3650

enum jf_error jf_programme_compile_returns(const struct jf_reading *reading,
                                           const struct jf_yaml_returns *yaml)
{
    static const char *const shortfalls[] = {"debt", "write_off", "deduct"};
    struct jf_programme *programme = reading->programme;
    uint32_t shortfall = JF_SHORTFALL_DEBT;
    bool from_other_lots = false;
    int64_t days = 0;
    enum jf_error error = JF_OK;
    if (yaml != NULL && yaml->shortfall != NULL) {
        struct jf_value value = {reading, "returns.shortfall", yaml->shortfall};
        error = jf_value_choice(value, shortfalls, 3, &shortfall);
    }
    if (error == JF_OK && yaml != NULL && yaml->from_other_lots != NULL) {
        struct jf_value value = {reading, "returns.from_other_lots", yaml->from_other_lots};
        error = jf_value_bool(value, &from_other_lots);
    }
    if (error == JF_OK && yaml != NULL && yaml->reinstate_days != NULL) {
        struct jf_value value = {reading, "returns.reinstate_days", yaml->reinstate_days};
        error = jf_value_integer(value, 0, REINSTATE_DAYS_MAX, &days);
    }
    if (error == JF_OK && shortfall == JF_SHORTFALL_DEDUCT && programme->redemption.points == 0) {
        return jf_outline_fault(reading->outline, reading->diagnosis, "returns.shortfall",
                                "deduct needs the section redemption, which says what points are "
                                "worth");
    }
    programme->returns = (struct jf_return_terms){.shortfall = (enum jf_shortfall)shortfall,
                                                  .from_other_lots = from_other_lots,
                                                  .reinstate_days = (int32_t)days};
    return error;
}
