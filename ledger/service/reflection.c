// grpc.reflection, versions 1 and 1alpha, whose messages are the same on the wire: each question of
// the stream is answered at once from the descriptors built into the program. Failures: what is not
// known here is an ErrorResponse with NOT_FOUND, and the stream goes on; a question that cannot be
// read ends the call.
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "service/answer.h"
#include "service/core.h"
#include "service/message.h"
#include "service/status.h"
#include "service/wire.h"

#define ASKS(kind)    GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##kind
#define ANSWERS(kind) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##kind

// Memory of one question and its answer is the call's until its end: so many questions a call may
// ask.
#define QUESTIONS_MAX 1000u

struct question {
    struct jf_service *service;
    struct jf_call *call;
    Grpc__Reflection__V1__ServerReflectionRequest *request;
};

// A call that is open.
struct jf_asker {
    struct jf_call *call;
    struct jf_asker *previous;
    struct jf_asker *next;
    uint32_t asked;
};

static bool answer_send(const struct question *question,
                        Grpc__Reflection__V1__ServerReflectionResponse *response)
{
    response->valid_host = question->request->host;
    response->original_request = question->request;
    return jf_answer_send(question->call, &response->base);
}

static bool send_error(const struct question *question, const char *text)
{
    Grpc__Reflection__V1__ErrorResponse error = GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;
    error.error_code = JF_STATUS_NOT_FOUND;
    error.error_message = (char *)(uintptr_t)text;
    Grpc__Reflection__V1__ServerReflectionResponse response =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    response.message_response_case = ANSWERS(ERROR_RESPONSE);
    response.error_response = &error;
    return answer_send(question, &response);
}

static bool send_file(const struct question *question, struct jf_text file)
{
    if (file.size == 0) {
        return send_error(question, "There is no such file or symbol here.");
    }
    ProtobufCBinaryData data = {file.size, (uint8_t *)(uintptr_t)file.data};
    Grpc__Reflection__V1__FileDescriptorResponse files =
        GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
    files.file_descriptor_proto = &data;
    files.n_file_descriptor_proto = 1;
    Grpc__Reflection__V1__ServerReflectionResponse response =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    response.message_response_case = ANSWERS(FILE_DESCRIPTOR_RESPONSE);
    response.file_descriptor_response = &files;
    return answer_send(question, &response);
}

static bool send_services(const struct question *question)
{
    Grpc__Reflection__V1__ServiceResponse services[JF_METHOD_GROUP_COUNT];
    Grpc__Reflection__V1__ServiceResponse *pointers[JF_METHOD_GROUP_COUNT];
    for (uint32_t i = 0; i < JF_METHOD_GROUP_COUNT; i++) {
        grpc__reflection__v1__service_response__init(&services[i]);
        services[i].name = (char *)(uintptr_t)jf_method_groups[i]->service_name;
        pointers[i] = &services[i];
    }
    Grpc__Reflection__V1__ListServiceResponse list =
        GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
    list.service = pointers;
    list.n_service = JF_METHOD_GROUP_COUNT;
    Grpc__Reflection__V1__ServerReflectionResponse response =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    response.message_response_case = ANSWERS(LIST_SERVICES_RESPONSE);
    response.list_services_response = &list;
    return answer_send(question, &response);
}

// proto3 has no extensions: every message that there is has none.
static bool send_extensions(const struct question *question, char *type_name)
{
    const struct jf_descriptors *descriptors = &question->service->descriptors;
    if (jf_descriptors_symbol(descriptors, jf_text_from(type_name)).size == 0) {
        return send_error(question, "There is no such type here.");
    }
    Grpc__Reflection__V1__ExtensionNumberResponse extensions =
        GRPC__REFLECTION__V1__EXTENSION_NUMBER_RESPONSE__INIT;
    extensions.base_type_name = type_name;
    Grpc__Reflection__V1__ServerReflectionResponse response =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    response.message_response_case = ANSWERS(ALL_EXTENSION_NUMBERS_RESPONSE);
    response.all_extension_numbers_response = &extensions;
    return answer_send(question, &response);
}

static bool question_answer(const struct question *question)
{
    const struct jf_descriptors *descriptors = &question->service->descriptors;
    const Grpc__Reflection__V1__ServerReflectionRequest *request = question->request;
    switch (request->message_request_case) {
    case ASKS(FILE_BY_FILENAME):
        return send_file(question,
                         jf_descriptors_file(descriptors, jf_text_from(request->file_by_filename)));
    case ASKS(FILE_CONTAINING_SYMBOL):
        return send_file(question, jf_descriptors_symbol(
                                       descriptors, jf_text_from(request->file_containing_symbol)));
    case ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE):
        return send_extensions(question, request->all_extension_numbers_of_type);
    case ASKS(LIST_SERVICES):
        return send_services(question);
    case ASKS(FILE_CONTAINING_EXTENSION):
        return send_error(question, "There are no extensions here.");
    default:
        return send_error(question, "The request asks nothing.");
    }
}

static struct jf_asker *asker_of(struct jf_service *service, struct jf_call *call)
{
    struct jf_asker *asker = jf_call_context(call);
    if (asker != NULL) {
        return asker;
    }
    asker = jf_arena_calloc(jf_call_arena(call), 1, sizeof *asker);
    if (asker == NULL) {
        return NULL;
    }
    asker->call = call;
    asker->next = service->askers;
    if (asker->next != NULL) {
        asker->next->previous = asker;
    }
    service->askers = asker;
    jf_call_set_context(call, asker);
    return asker;
}

static void asker_leave(struct jf_service *service, struct jf_call *call)
{
    struct jf_asker *asker = jf_call_context(call);
    if (asker == NULL) {
        return;
    }
    if (asker->previous != NULL) {
        asker->previous->next = asker->next;
    } else {
        service->askers = asker->next;
    }
    if (asker->next != NULL) {
        asker->next->previous = asker->previous;
    }
}

static void reflection_message(struct jf_service *service, struct jf_call *call,
                               struct jf_text bytes)
{
    struct jf_asker *asker = asker_of(service, call);
    if (asker == NULL || ++asker->asked > QUESTIONS_MAX) {
        asker_leave(service, call);
        jf_status_finish(call, JF_STATUS_RESOURCE_EXHAUSTED,
                         "At most %u questions a call: open another one.", QUESTIONS_MAX);
        return;
    }
    static const ProtobufCMessageDescriptor *const descriptor =
        &grpc__reflection__v1__server_reflection_request__descriptor;
    ProtobufCMessage *message;
    enum jf_error error = jf_message_unpack(descriptor, bytes, jf_call_arena(call), &message);
    if (error != JF_OK) {
        char text[JF_STATUS_TEXT_MAX];
        asker_leave(service, call);
        enum jf_status status = jf_ticket_unpack_failure(error, descriptor->name, text);
        jf_status_finish(call, status, "%s", text);
        return;
    }
    char path[JF_WIRE_PATH_MAX];
    if (jf_wire_find_nul(descriptor, bytes, 0, path)) {
        asker_leave(service, call);
        jf_status_finish_field(call, path, 0, JF_NUL_DETAIL);
        return;
    }
    struct question question = {service, call,
                                (Grpc__Reflection__V1__ServerReflectionRequest *)message};
    if (!question_answer(&question)) {
        asker_leave(service, call);
        jf_status_finish(call, JF_STATUS_RESOURCE_EXHAUSTED,
                         "There is no memory for the answer: read the earlier ones first.");
    }
}

static void reflection_half_close(struct jf_service *service, struct jf_call *call)
{
    asker_leave(service, call);
    jf_ticket_finish_ok(call);
}

static void reflection_gone(struct jf_service *service, struct jf_call *call)
{
    asker_leave(service, call);
    jf_status_finish(call, JF_STATUS_CANCELLED, "The client has gone.");
}

void jf_reflection_drain(struct jf_service *service)
{
    while (service->askers != NULL) {
        struct jf_call *call = service->askers->call;
        asker_leave(service, call);
        jf_status_finish_code(call, JF_REFUSAL_SHUTTING_DOWN);
    }
}

static const struct jf_method methods_v1[] = {
    {.path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
     .on_message = reflection_message,
     .on_half_close = reflection_half_close,
     .on_gone = reflection_gone,
     .is_client_stream = true,
     .is_server_stream = true},
};

static const struct jf_method methods_v1alpha[] = {
    {.path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
     .on_message = reflection_message,
     .on_half_close = reflection_half_close,
     .on_gone = reflection_gone,
     .is_client_stream = true,
     .is_server_stream = true},
};

const struct jf_method_group jf_reflection_methods = {
    .service_name = "grpc.reflection.v1.ServerReflection",
    .methods = methods_v1,
    .count = 1,
};

const struct jf_method_group jf_reflection_v1alpha_methods = {
    .service_name = "grpc.reflection.v1alpha.ServerReflection",
    .methods = methods_v1alpha,
    .count = 1,
};
