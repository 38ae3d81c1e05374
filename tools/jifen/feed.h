// The ledger's change feed, as subcommands read it: from a position on, up to a position or until
// Ctrl-C.
//
// One thread. Ctrl-C is caught while a feed is read, and ends it in order.
#ifndef JF_TOOLS_FEED_H
#define JF_TOOLS_FEED_H

#include "jifen/v1/operations.pb-c.h"
#include "tools/jifen/session.h"

// In: response->entry is never NULL. Returns: false to end the feed.
typedef bool (*jf_feed_entry)(void *context, const Jifen__V1__FollowResponse *response);

struct jf_feed {
    uint64_t from_position;
    uint64_t until_position; // ends behind it; 0: never
    char **kinds;            // as Operations.Follow takes them
    uint32_t kind_count;     // 0: all
    bool is_stored;          // with the entries' bytes
    jf_feed_entry on_entry;
    void (*on_position)(void *context, uint64_t position); // how far it is; NULL: not wanted
    void *context;
    // Out:
    uint64_t next_position; // from where to go on; also after a failure
    bool is_interrupted;    // by Ctrl-C
};

// Returns: JF_EXIT_OK when it ended as wanted, also by Ctrl-C; else said why.
enum jf_exit jf_feed_run(struct jf_session *session, struct jf_feed *feed);

// The newest entry that is durable now. Returns: JF_EXIT_OK; else said why.
enum jf_exit jf_feed_durable(struct jf_session *session, uint64_t *out_position);

#endif
