// What must come of an operation, by the naive model as it stands.
#ifndef SIM_PREDICT_H
#define SIM_PREDICT_H

#include "sim_people.h"

enum sim_fate {
    SIM_POSTED,
    SIM_REFUSED,
    SIM_UNCHANGED, // no entry: a job finds nothing to do
    SIM_EITHER, // posted or unchanged: the model does not know how much of what expired was posted
};

struct sim_prediction {
    enum sim_fate fate;
    enum jf_refusal_code code;
    int64_t granted;
    int64_t redeemed;
};

void sim_predict_create(void);
void sim_predict_destroy(void);
bool sim_predict_is_ready(void); // programme and stores are there

// Unless it is refused, the model moves on and the op is the member's whom it meant.
struct sim_prediction sim_predict(struct sim_op *op);
// The same for a sale, and the model stays as it is.
struct sim_prediction sim_predict_quote(struct sim_op *op);

#endif
