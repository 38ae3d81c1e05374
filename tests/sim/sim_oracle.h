// What must be true: a naive model of what was asked, moved on entry by entry in the order of
// positions, against which every answer is held. The model of sales, redemptions and returns is the
// one that tests the rules (tests/unit/rules/model.c): written apart from rules/, without lots or
// plans.
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include "sim_client.h"

void sim_oracle_create(void);
void sim_oracle_destroy(void);

// Up to where the model knows the entries: everything before was answered for, or found.
uint64_t sim_oracle_position(void);
// Up to where any answer has let anybody see: at least the position.
uint64_t sim_oracle_revealed(void);
bool sim_oracle_is_ready(void); // programme and stores are there

// Holds a turn's answers against the model, in the order in which they were planned. Releases them.
void sim_oracle_answers(struct sim_call **calls, uint32_t count);

// An entry that was found after a crash: it must be the next one, and one that was asked for.
void sim_oracle_found(uint64_t position, struct jf_text bytes);

#endif
