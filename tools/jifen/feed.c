// One streaming call; heartbeats say how far it is where nothing that is wanted comes.
// Fails: as calls fail. What was handed over before stays good, and next_position says where to go
// on.
#include "tools/jifen/feed.h"

#include <signal.h>

#include "base/assert.h"

static volatile sig_atomic_t is_interrupted;

static void on_signal(int number)
{
    (void)number;
    is_interrupted = 1;
}

struct reading {
    struct jf_feed *feed;
    bool has_ended;
};

static bool is_behind_end(const struct jf_feed *feed)
{
    return feed->until_position != 0 && feed->next_position > feed->until_position;
}

static bool on_message(void *context, const ProtobufCMessage *message)
{
    struct reading *reading = context;
    struct jf_feed *feed = reading->feed;
    const Jifen__V1__FollowResponse *response = (const Jifen__V1__FollowResponse *)message;
    bool is_wanted = feed->until_position == 0 || response->position <= feed->until_position;
    if (response->entry != NULL && is_wanted) {
        reading->has_ended = !feed->on_entry(feed->context, response);
    }
    if (response->position >= feed->next_position) {
        feed->next_position = response->position + 1;
    }
    if (feed->on_position != NULL) {
        feed->on_position(feed->context, response->position);
    }
    reading->has_ended = reading->has_ended || is_behind_end(feed) || is_interrupted != 0;
    return !reading->has_ended;
}

static bool is_over(void)
{
    return is_interrupted != 0;
}

enum jf_exit jf_feed_run(struct jf_session *session, struct jf_feed *feed)
{
    JF_ASSERT(feed->on_entry != NULL);
    Jifen__V1__FollowRequest request = JIFEN__V1__FOLLOW_REQUEST__INIT;
    request.from_position = feed->from_position;
    request.kinds = feed->kinds;
    request.n_kinds = feed->kind_count;
    request.heartbeat = true;
    request.stored = feed->is_stored;
    struct reading reading = {.feed = feed};
    struct jf_session_stream stream = {"/jifen.v1.Operations/Follow", &request.base,
                                       &jifen__v1__follow_response__descriptor, on_message,
                                       &reading};
    feed->next_position = feed->from_position == 0 ? 1 : feed->from_position;
    if (is_behind_end(feed)) {
        return JF_EXIT_OK;
    }
    struct sigaction before;
    struct sigaction action = {.sa_handler = on_signal};
    is_interrupted = 0;
    (void)sigaction(SIGINT, &action, &before);
    jf_session_set_over(session, is_over);
    enum jf_exit code = jf_session_stream(session, &stream);
    jf_session_set_over(session, NULL);
    (void)sigaction(SIGINT, &before, NULL);
    feed->is_interrupted = is_interrupted != 0;
    if (code == JF_EXIT_OK && !reading.has_ended && !feed->is_interrupted) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "the ledger ended the feed");
    }
    return code;
}

enum jf_exit jf_feed_durable(struct jf_session *session, uint64_t *out_position)
{
    Jifen__V1__StatusRequest request = JIFEN__V1__STATUS_REQUEST__INIT;
    const ProtobufCMessage *response = NULL;
    enum jf_exit code = jf_session_call(session, "/jifen.v1.Operations/Status", &request.base,
                                        &jifen__v1__status_response__descriptor, &response);
    if (code == JF_EXIT_OK) {
        *out_position = ((const Jifen__V1__StatusResponse *)response)->position_durable;
    }
    return code;
}
