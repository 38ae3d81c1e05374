// One blocking call: starts it, turns until it is done or its time has passed. The call's own
// deadline ends it, so that the loop always ends.
#include <stdlib.h>
#include <string.h>

#include "net/client_local.h"

#define TURN_US 50000u

struct unary {
    struct jf_client_answer *answer;
    bool is_done;
    bool is_out_of_memory;
};

static void on_message(void *context, struct jf_client_call *call, const unsigned char *bytes,
                       uint32_t size)
{
    (void)call;
    struct unary *unary = context;
    if (unary->answer->bytes != NULL) {
        return; // a unary method answers once; more is the server's mistake
    }
    unary->answer->bytes = malloc(size == 0 ? 1 : size);
    if (unary->answer->bytes == NULL) {
        unary->is_out_of_memory = true;
        return;
    }
    memcpy(unary->answer->bytes, bytes, size);
    unary->answer->size = size;
}

static void message_set(struct jf_client_answer *answer, struct jf_text text)
{
    struct jf_text cut = jf_grpc_cut(text, sizeof answer->message - 1);
    if (cut.size > 0) {
        memcpy(answer->message, cut.data, cut.size);
    }
    answer->message[cut.size] = 0;
}

static void on_done(void *context, struct jf_client_call *call,
                    const struct jf_client_result *result)
{
    (void)call;
    struct unary *unary = context;
    unary->is_done = true;
    unary->answer->status = result->status;
    unary->answer->retry_after_ms = result->retry_after_ms;
    message_set(unary->answer, result->message);
    if (result->status == JF_STATUS_OK && unary->answer->bytes == NULL) {
        unary->answer->status = JF_STATUS_INTERNAL;
        message_set(unary->answer, JF_TEXT("the server answered without a message"));
    }
}

static const struct jf_client_events unary_events = {on_message, on_done};

// Returns: whether the call is under way.
static bool unary_start(struct jf_client *client, struct jf_text path, struct jf_text request,
                        uint64_t timeout_us, struct unary *unary)
{
    struct jf_client_call *call =
        jf_client_call_start(client, path, &unary_events, unary, timeout_us);
    if (call == NULL) {
        return false;
    }
    unsigned char *room = jf_client_call_send(call, request.size);
    if (room == NULL) {
        jf_client_call_cancel(call);
        return false;
    }
    if (request.size > 0) {
        memcpy(room, request.data, request.size);
    }
    jf_client_call_half_close(call);
    return true;
}

enum jf_error jf_client_call_unary(struct jf_client *client, struct jf_text path,
                                   struct jf_text request, uint64_t timeout_us,
                                   struct jf_client_answer *out_answer)
{
    memset(out_answer, 0, sizeof *out_answer);
    struct unary unary = {.answer = out_answer};
    struct jf_clients *clients = client->clients;
    if (!unary_start(client, path, request, timeout_us, &unary)) {
        const char *failure = jf_client_failure(client);
        if (failure == NULL) {
            return JF_ERROR_NO_MEMORY;
        }
        out_answer->status = JF_STATUS_UNAVAILABLE;
        message_set(out_answer, jf_text_from(failure));
        return JF_OK;
    }
    while (!unary.is_done) {
        jf_clients_turn(clients, TURN_US);
    }
    if (unary.is_out_of_memory || out_answer->status != JF_STATUS_OK) {
        free(out_answer->bytes);
        out_answer->bytes = NULL;
        out_answer->size = 0;
    }
    return unary.is_out_of_memory ? JF_ERROR_NO_MEMORY : JF_OK;
}

void jf_client_answer_deinit(struct jf_client_answer *answer)
{
    free(answer->bytes);
    answer->bytes = NULL;
    answer->size = 0;
}
