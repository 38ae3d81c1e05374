// What the files that draw operations share. For sim_client*.c only.
#ifndef SIM_CLIENT_PRIVATE_H
#define SIM_CLIENT_PRIVATE_H

#include "sim_client.h"

// A new operation, the next in order.
struct sim_op *sim_op_make(enum jf_command_kind kind, uint32_t member);
// One of the kind that was made before. Returns: NULL where none was hit upon.
struct sim_op *sim_op_draw(enum jf_command_kind kind);
jf_date sim_date_draw(void);
int64_t sim_noon_ms(jf_date date);
// Names the op's member: by number, or by the card of that number.
void sim_member_name(struct sim_op *op, struct jf_member_ref *ref);

// sim_client_people.c: holds and what ends them, cards, status, merges, and what jobs ask.
// Returns: whether an operation was made.
bool sim_people_op_make(uint32_t member);

#endif
