// The clients: what they ask, again and again until they know the answer. An operation is one
// transaction id with its content; a call is one request on a lane, which carries some of them, or
// a question.
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "engine/engine.h"
#include "model.h"
#include "sim.h"

#define SIM_MEMBERS     6u // numbers 1..6
#define SIM_CARDS       9u // "card-1".."card-9"; a member is enrolled with the card of its number
#define SIM_OPS_MAX     4096u
#define SIM_CALL_WRITES 12u
#define SIM_LANES       2u

// What is asked. All content that the command points to lies beside it.
struct sim_op {
    struct jf_command command;
    char id[24];
    char receipt_number[24];
    char card_text[24];
    struct jf_text card;
    uint32_t card_number; // of the card by which the member is named, or which is linked; 0: none
    struct jf_line lines[MODEL_LINES_MAX];
    struct jf_tender tender;
    struct jf_return_line return_lines[MODEL_LINES_MAX];
    uint32_t member; // of a posted one: whose entry it is
    uint32_t other;  // who is given points, or ceases to be; 0: nobody
    uint32_t home;   // of a posted sale: who has it now
    // In the model's words:
    struct model_sale sale;
    int64_t back[MODEL_LINES_MAX];
    jf_date date;
    int64_t points;
    struct sim_op *sale_op;    // of a return
    struct sim_op *receipt_op; // of a sale: whose receipt it shows again
    struct sim_op *hold_op;    // of a capture or void
    int64_t deadline_ms;       // of a hold
    int model_index;           // of a posted sale
    // What is known:
    bool is_sent;
    uint64_t position; // 0: nothing is known of an entry
    char *outcome;     // first answer
    uint32_t outcome_size;
};

struct sim_call {
    struct jf_request request;
    struct jf_write writes[SIM_CALL_WRITES];
    struct sim_op *ops[SIM_CALL_WRITES]; // NULL: not by an op (a quote)
    struct sim_op quoted;
    struct jf_arena arena;
    bool is_taken;
    bool is_altered; // the same ids with other content: only conflicts are right
    char text[24];
};

void sim_client_create(void);
void sim_client_destroy(void);

// Sends some requests, as drawn. Returns: how many.
uint32_t sim_client_step(struct jf_lane *const lanes[SIM_LANES]);
void sim_call_release(struct sim_call *call);

// Every transaction id ever made, in order.
uint32_t sim_op_count(void);
struct sim_op *sim_op_at(uint32_t index);
struct sim_op *sim_op_find(struct jf_text transaction_id); // NULL: nobody asked this

// A call for the simulation's own questions: taken, to be filled and submitted by the caller.
struct sim_call *sim_call_take(enum jf_request_kind kind);
// Adds the op to the call as a write.
void sim_call_add(struct sim_call *call, struct sim_op *op);

#endif
