// A ledger that may fail to open, to answer and to close, and a day at it: one command of every
// kind that clients send, and every read. A day that was held up by a failure goes on where it
// stopped; at its end the ledger must be the same as after a day without one.
//
// One thread. Nothing here fails the test but what no single failure may cause.
#ifndef JF_TESTS_NTH_LEDGER_H
#define JF_TESTS_NTH_LEDGER_H

#include <pthread.h>

#include "engine/engine.h"

struct nth_ledger {
    struct jf_engine_config config;
    struct jf_engine *engine; // NULL: closed
    struct jf_lane *lane;
    struct jf_engine_opening opening;
    struct jf_diagnosis diagnosis; // of the last failure
    struct jf_arena arena;         // emptied by each step of a day
    pthread_mutex_t mutex;
    pthread_cond_t answered;
    _Atomic uint64_t clock_us; // a millisecond passes with each look
};

void nth_ledger_init(struct nth_ledger *ledger, const char *path);
void nth_ledger_deinit(struct nth_ledger *ledger); // closed

// Returns: JF_OK with engine and lane; else closed again, and `diagnosis` says why.
enum jf_error nth_ledger_open(struct nth_ledger *ledger);
// Returns: what jf_engine_close returned. Closed in any case.
enum jf_error nth_ledger_close(struct nth_ledger *ledger);

// Returns: JF_OK when it was answered (refusals are answers); JF_ERROR_CLOSED when the engine has
// failed.
enum jf_error nth_ledger_ask(struct nth_ledger *ledger, struct jf_request *request);

#define NTH_DAY_STEPS 40u // more than a day has

// One step of the day. In: 0 … nth_day_steps() - 1, in order.
// Returns: JF_OK when it was done (again: an id that was posted before is answered as then);
// JF_ERROR_NO_MEMORY, JF_ERROR_NO_SPACE when the ledger refused it for lack of those;
// JF_ERROR_CLOSED when the ledger has failed. Any other outcome fails the test.
enum jf_error nth_day_step(struct nth_ledger *ledger, uint32_t step);
uint32_t nth_day_steps(void);
// A sale of one line, at the day's beginning. In: id: lives as long as the command.
struct jf_command nth_day_sale(const char *id, uint64_t member, const struct jf_line *line);
// The same of writes in one request. In: name: for messages.
enum jf_error nth_day_write(struct nth_ledger *ledger, const char *name, struct jf_write *writes,
                            uint32_t count);
// What finance, the tills and the journal see, as one number: the same for the same day, whatever
// was refused on the way. Nothing may fail meanwhile.
uint64_t nth_ledger_fingerprint(struct nth_ledger *ledger);

#endif
