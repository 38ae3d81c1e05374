// A little ledger whose every step is a function of its position, so that what a state must hold at
// position P can be worked out from P alone. REQUIRE works in child processes too, where
// Criterion's assertions do not.
#ifndef JF_TESTS_STATE_SUPPORT_H
#define JF_TESTS_STATE_SUPPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "state/kv.h"
#include "state/state.h"

#define REQUIRE(condition) ((condition) ? (void)0 : support_fail(#condition, __FILE__, __LINE__))

_Noreturn void support_fail(const char *condition, const char *file, int line);

#define SUPPORT_MEMBERS 37u

// A directory below the system's for temporary files; removed with all it holds by
// support_directory_remove.
struct support_directory {
    char parent[64];
    char path[80]; // does not exist yet
};
struct support_directory support_directory_make(void);
void support_directory_remove(struct support_directory *directory);
void support_file_write(const struct support_directory *directory, const char *name,
                        const char *content);

// Small buffers and generations, inline. The path is borrowed.
struct jf_state_config support_config(const struct support_directory *directory);

// Runs `body` in a child process. Returns: whether it returned or left with _exit(0).
bool support_child(void (*body)(void *context), void *context);

struct support_ledger {
    struct jf_state *state;
    struct jf_control *control;
    uint64_t position; // newest applied
    uint64_t now_us;
};

// Opens (with the given store of keys, where kv is not NULL) and loads totals; position as the
// state says.
enum jf_error support_open(struct support_ledger *ledger, const struct jf_state_config *config,
                           struct jf_kv *kv, struct jf_diagnosis *diagnosis);
void support_close(struct support_ledger *ledger, bool is_clean);

// Applies the step of the next position as a batch of its own.
void support_step(struct support_ledger *ledger);
void support_steps(struct support_ledger *ledger, uint64_t until);
// One turn a microsecond later, everything durable.
void support_turn(struct support_ledger *ledger);
// Everything applied is stored; flushed too where asked.
void support_settle(struct support_ledger *ledger, bool is_flushed);

struct jf_transaction_key support_transaction(uint64_t position);
struct jf_receipt_key support_receipt(uint64_t position);
struct jf_member_id support_member(uint64_t position);
// In: 512 bytes. Returns: the entry's bytes.
struct jf_text support_entry(uint64_t position, char *bytes);

// Requires the state to be what positions 1..ledger->position make it, no more and no less.
void support_verify(struct support_ledger *ledger);
// Requires the index of expiries, as stored, to be what the steps up to its position make it.
void support_expiries_verify(struct jf_state *state);

#endif
