// Keeps a number of calls under way at a time until a source has no more: retries what the ledger
// is too busy for, measures, shows progress.
//
// One thread. The source fills a slot; the slot is the source's until its reply was given.
#ifndef JF_TOOLS_PUMP_H
#define JF_TOOLS_PUMP_H

#include "base/histogram.h"
#include "tools/jifen/progress.h"
#include "tools/jifen/session.h"

#define JF_PUMP_CALLS_MAX 4096u

struct jf_pump;

struct jf_pump_slot {
    struct jf_pump *pump;
    uint32_t index;
    void *item; // the source's own
    // The request. The source calls jf_pump_room and writes there.
    unsigned char *bytes;
    uint32_t size;
    uint32_t capacity;
    // private
    bool is_busy;
    bool is_waiting; // to be sent again
    uint32_t attempts;
    uint64_t start_ns; // of the first attempt
    uint64_t due_ns;
};

enum jf_pump_next {
    JF_PUMP_ITEM, // the slot holds a request
    JF_PUMP_WAIT, // nothing can go before a reply has come
    JF_PUMP_END,  // no more
    JF_PUMP_FAIL, // *out_code says how to exit
};

struct jf_pump_source {
    const char *path;
    void *context;
    enum jf_pump_next (*next)(void *context, struct jf_pump_slot *slot, enum jf_exit *out_code);
    // Status OK, or a refusal; what stops everything never comes here.
    // Returns: JF_EXIT_OK, or an exit code that stops everything, after having said why.
    enum jf_exit (*reply)(void *context, struct jf_pump_slot *slot, const struct jf_reply *reply);
    // After everything stopped: the slot's request will not be answered. May be NULL.
    void (*abandon)(void *context, struct jf_pump_slot *slot);
};

struct jf_pump_config {
    uint32_t concurrency; // 1..JF_PUMP_CALLS_MAX
    const char *what;     // for the progress line
    uint64_t total;
    bool is_progress_forced;
};

struct jf_pump_result {
    struct jf_histogram latency_ns;
    uint64_t elapsed_ns;
    uint64_t retries;
};

// Returns: JF_EXIT_OK when the source has ended and all are answered; else the exit code, after
// saying why. *out_result is filled either way; NULL is accepted. After a failure the session is
// only good for closing.
enum jf_exit jf_pump_run(struct jf_session *session, const struct jf_pump_source *source,
                         const struct jf_pump_config *config, struct jf_pump_result *out_result);

// Room for a request of `size` bytes in the slot; sets its size. Returns: NULL out of memory.
unsigned char *jf_pump_room(struct jf_pump_slot *slot, uint32_t size);
// Packs a message into the slot. Returns: false out of memory.
bool jf_pump_pack(struct jf_pump_slot *slot, const ProtobufCMessage *message);

// How much of `total` is done, for the progress line.
void jf_pump_advance(struct jf_pump *pump, uint64_t count);

#endif
