// Happy path: scratch directory, jifend, connection, questions, SIGTERM, directory removed.
// Fails: each step says why; jf_target_close cleans up after any of them.
#include "bench/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "jifen/v1/operations.pb-c.h"

#define RING_ENTRIES     1024u
#define READY_TIMEOUT_US 600000000u // a long tail may have to be recovered
#define STOP_TIMEOUT_US  120000000u
#define ASK_TIMEOUT_US   120000000u
#define VERIFY_STALL_NS  60000000000u
#define TURN_US          50000u
#define PROCESS_OPTIONS  (JF_BENCH_LIST_MAX + JF_TARGET_EXTRA_MAX)

// "127.0.0.1:7700" or "[::1]:7700".
static enum jf_error address_parse(struct jf_target *target, struct jf_diagnosis *diagnosis)
{
    const char *address = target->options->address;
    const char *colon = strrchr(address, ':');
    size_t size = colon == NULL ? 0 : (size_t)(colon - address);
    bool is_bracketed = size > 2 && address[0] == '[' && address[size - 1] == ']';
    const char *host = is_bracketed ? address + 1 : address;
    size -= is_bracketed ? 2 : 0;
    char *end = NULL;
    unsigned long port = colon == NULL ? 0 : strtoul(colon + 1, &end, 10);
    if (size == 0 || size >= sizeof(target->host) || port == 0 || port > UINT16_MAX || *end != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "--address %s: HOST:PORT is needed, such as 127.0.0.1:7700", address);
    }
    memcpy(target->host, host, size);
    target->host[size] = '\0';
    target->server = (struct jf_client_config){.address = target->host, .port = (uint16_t)port};
    return JF_OK;
}

static enum jf_error own_prepare(struct jf_target *target, struct jf_diagnosis *diagnosis)
{
    const struct jf_target_options *options = target->options;
    if (options->jifend != NULL) {
        (void)snprintf(target->program, sizeof(target->program), "%s", options->jifend);
    } else {
        enum jf_error error = jf_process_sibling("jifend", target->program, diagnosis);
        if (error != JF_OK) {
            return error;
        }
    }
    (void)snprintf(target->host, sizeof(target->host), "127.0.0.1");
    target->server = (struct jf_client_config){.address = target->host};
    return jf_scratch_create(&target->scratch,
                             options->directory == NULL ? "." : options->directory, diagnosis);
}

enum jf_error jf_target_open(struct jf_target *target, const struct jf_target_options *options,
                             struct jf_diagnosis *diagnosis)
{
    memset(target, 0, sizeof(*target));
    target->options = options;
    enum jf_error error = options->address != NULL ? address_parse(target, diagnosis)
                                                   : own_prepare(target, diagnosis);
    if (error == JF_OK) {
        error = jf_ring_init(&target->ring, RING_ENTRIES, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_clients_create(&target->ring, &target->clients, diagnosis);
    }
    return error;
}

static void disconnect(struct jf_target *target)
{
    if (target->control != NULL) {
        jf_client_close(target->control);
        target->control = NULL;
        jf_clients_turn(target->clients, 0);
    }
}

void jf_target_close(struct jf_target *target)
{
    disconnect(target);
    jf_process_kill(&target->process);
    jf_clients_destroy(target->clients);
    target->clients = NULL;
    jf_ring_deinit(&target->ring);
    jf_scratch_remove(&target->scratch);
}

static enum jf_error own_start(struct jf_target *target, struct jf_diagnosis *diagnosis)
{
    const char *options[PROCESS_OPTIONS];
    uint32_t count = 0;
    const struct jf_bench_list *users = &target->options->jifend_options;
    for (uint32_t at = 0; at < users->count; at++) {
        options[count++] = users->items[at];
    }
    for (uint32_t at = 0; at < target->extra_count; at++) {
        options[count++] = target->extra[at];
    }
    const struct jf_process_config config = {.program = target->program,
                                             .directory = target->scratch.path,
                                             .listen = "127.0.0.1:0",
                                             .options = options,
                                             .option_count = count,
                                             .ready_timeout_us = READY_TIMEOUT_US};
    enum jf_error error = jf_process_start(&target->process, &config, diagnosis);
    if (error == JF_OK) {
        target->server.port = target->process.port;
    }
    return error;
}

enum jf_error jf_target_start(struct jf_target *target, struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(target->control == NULL);
    if (target->options->address == NULL) {
        enum jf_error error = own_start(target, diagnosis);
        if (error != JF_OK) {
            return error;
        }
    }
    return jf_client_open(target->clients, &target->server, &target->control, diagnosis);
}

enum jf_error jf_target_stop(struct jf_target *target, struct jf_diagnosis *diagnosis)
{
    disconnect(target);
    return jf_process_stop(&target->process, STOP_TIMEOUT_US, diagnosis);
}

void jf_target_kill(struct jf_target *target)
{
    jf_process_kill(&target->process);
    disconnect(target);
}

static enum jf_error answer_unpack(const char *path, const struct jf_client_answer *answer,
                                   const ProtobufCMessageDescriptor *response,
                                   ProtobufCMessage **out_response, struct jf_diagnosis *diagnosis)
{
    if (answer->status != JF_STATUS_OK) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "%s: status %d: %s", path, (int)answer->status,
                           answer->message);
    }
    *out_response = protobuf_c_message_unpack(response, NULL, answer->size, answer->bytes);
    return *out_response == NULL
               ? jf_diagnose(diagnosis, JF_ERROR_IO, "%s: the answer is malformed", path)
               : JF_OK;
}

enum jf_error jf_target_ask(struct jf_target *target, const char *path,
                            const ProtobufCMessage *request,
                            const ProtobufCMessageDescriptor *response,
                            ProtobufCMessage **out_response, struct jf_diagnosis *diagnosis)
{
    struct jf_client_answer answer = {0};
    size_t size = protobuf_c_message_get_packed_size(request);
    unsigned char *bytes = malloc(size + 1);
    if (bytes == NULL || target->control == NULL) {
        free(bytes);
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "%s: no memory or connection", path);
    }
    (void)protobuf_c_message_pack(request, bytes);
    const struct jf_text text = {(const char *)bytes, (uint32_t)size};
    enum jf_error error =
        jf_client_call_unary(target->control, jf_text_from(path), text, ASK_TIMEOUT_US, &answer);
    free(bytes);
    if (error != JF_OK) {
        return jf_diagnose(diagnosis, error, "%s: %s", path, jf_error_text(error));
    }
    error = answer_unpack(path, &answer, response, out_response, diagnosis);
    jf_client_answer_deinit(&answer);
    return error;
}

enum jf_error jf_target_tell(struct jf_target *target, const char *path,
                             const ProtobufCMessage *request,
                             const ProtobufCMessageDescriptor *response,
                             struct jf_diagnosis *diagnosis)
{
    ProtobufCMessage *answer = NULL;
    enum jf_error error = jf_target_ask(target, path, request, response, &answer, diagnosis);
    if (error == JF_OK) {
        protobuf_c_message_free_unpacked(answer, NULL);
    }
    return error;
}

enum jf_error jf_target_status(struct jf_target *target, struct jf_target_status *out_status,
                               struct jf_diagnosis *diagnosis)
{
    const Jifen__V1__StatusRequest request = JIFEN__V1__STATUS_REQUEST__INIT;
    ProtobufCMessage *answer = NULL;
    enum jf_error error =
        jf_target_ask(target, "/jifen.v1.Operations/Status", &request.base,
                      &jifen__v1__status_response__descriptor, &answer, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    const Jifen__V1__StatusResponse *status = (const Jifen__V1__StatusResponse *)(void *)answer;
    *out_status = (struct jf_target_status){.position_last = status->position_last,
                                            .position_flushed = status->position_flushed,
                                            .members = status->members,
                                            .members_cached = status->members_cached,
                                            .cache_bytes = status->cache_bytes,
                                            .sales = status->sales,
                                            .overloads = status->overloads,
                                            .recovered_entries = status->recovered_entries,
                                            .recovery_us = status->recovery_us};
    protobuf_c_message_free_unpacked(answer, NULL);
    return JF_OK;
}

enum jf_error jf_target_checkpoint(struct jf_target *target, struct jf_diagnosis *diagnosis)
{
    const Jifen__V1__CheckpointRequest request = JIFEN__V1__CHECKPOINT_REQUEST__INIT;
    return jf_target_tell(target, "/jifen.v1.Operations/Checkpoint", &request.base,
                          &jifen__v1__checkpoint_response__descriptor, diagnosis);
}

struct verification {
    bool is_done;
    bool has_verdict;
    bool ties;
    enum jf_status status;
    uint64_t moved_ns;
    char text[256]; // the difference, or why the call ended
};

static void on_verify_message(void *context, struct jf_client_call *call,
                              const unsigned char *bytes, uint32_t size)
{
    (void)call;
    struct verification *verification = context;
    verification->moved_ns = jf_bench_now_ns();
    Jifen__V1__VerifyProgress *progress = jifen__v1__verify_progress__unpack(NULL, size, bytes);
    if (progress != NULL && progress->done) {
        verification->has_verdict = true;
        verification->ties = progress->ties;
        (void)snprintf(verification->text, sizeof(verification->text), "%s", progress->difference);
    }
    jifen__v1__verify_progress__free_unpacked(progress, NULL);
}

static void on_verify_done(void *context, struct jf_client_call *call,
                           const struct jf_client_result *result)
{
    (void)call;
    struct verification *verification = context;
    verification->is_done = true;
    verification->status = result->status;
    if (result->status != JF_STATUS_OK) {
        (void)snprintf(verification->text, sizeof(verification->text), "%.*s",
                       (int)result->message.size,
                       result->message.size == 0 ? "" : result->message.data);
    }
}

static const struct jf_client_events verify_events = {on_verify_message, on_verify_done};

enum jf_error jf_target_verify(struct jf_target *target, struct jf_diagnosis *diagnosis)
{
    struct verification verification = {.moved_ns = jf_bench_now_ns()};
    struct jf_client_call *call = jf_client_call_start(
        target->control, JF_TEXT("/jifen.v1.Operations/Verify"), &verify_events, &verification, 0);
    if (call == NULL || jf_client_call_send(call, 0) == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "Verify: the call cannot be made");
    }
    jf_client_call_half_close(call);
    while (!verification.is_done) {
        jf_clients_turn(target->clients, TURN_US);
        bool is_stalled = jf_bench_now_ns() - verification.moved_ns > VERIFY_STALL_NS;
        if (!verification.is_done && (is_stalled || jf_interrupt_seen())) {
            jf_client_call_cancel(call);
        }
    }
    if (verification.status != JF_STATUS_OK || !verification.has_verdict) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "Verify: no verdict: %s", verification.text);
    }
    return verification.ties
               ? JF_OK
               : jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                             "the ledger does not tie: %s; keep its directory and run jifen verify",
                             verification.text);
}
