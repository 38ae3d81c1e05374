// The table of methods: which path is served by what. Each RPC service's file has its own rows.
#ifndef JF_SERVICE_METHODS_H
#define JF_SERVICE_METHODS_H

#include "service/decode.h"
#include "service/service.h"

typedef void (*jf_method_message)(struct jf_service *service, struct jf_call *call,
                                  struct jf_text bytes);
struct jf_ticket;
typedef void (*jf_method_answer)(struct jf_service *service, struct jf_ticket *ticket);
typedef void (*jf_method_event)(struct jf_service *service, struct jf_call *call);

// One row. A method without on_message is not built: it answers UNIMPLEMENTED.
struct jf_method {
    const char *path;
    jf_method_message on_message;
    const ProtobufCMessageDescriptor *request; // unary: what the bytes are unpacked as
    jf_decoder decode;                         // single writes: message to command
    jf_method_answer answer;                   // single writes: NULL for an outcome and `replayed`
    bool is_quote;                             // single writes: planned and not written
    jf_method_event on_half_close;             // client streams
    jf_method_event on_gone;                   // NULL: finished when the engine has answered
    bool is_client_stream;
    bool is_server_stream;
};

struct jf_method_group {
    const char *service_name; // "jifen.v1.Ledger"
    const struct jf_method *methods;
    uint32_t count;
};

extern const struct jf_method_group jf_ledger_methods;
extern const struct jf_method_group jf_members_methods;
extern const struct jf_method_group jf_programmes_methods;
extern const struct jf_method_group jf_operations_methods;
extern const struct jf_method_group jf_finance_methods;
extern const struct jf_method_group jf_health_methods;
extern const struct jf_method_group jf_reflection_methods;
extern const struct jf_method_group jf_reflection_v1alpha_methods;

#define JF_METHOD_GROUP_COUNT 8u
extern const struct jf_method_group *const jf_method_groups[JF_METHOD_GROUP_COUNT];

#define JF_METHODS_MAX 64u

// By the number that net is given as the method's tag: groups in their order, then rows.
uint32_t jf_method_count(void);
const struct jf_method *jf_method_at(uint32_t tag);

// Whether a service of that full name is served here.
bool jf_method_serves(struct jf_text service_name);

#endif
