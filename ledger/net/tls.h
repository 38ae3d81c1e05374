// TLS 1.2 and 1.3 by OpenSSL over memory: ciphertext in, plain text out and the other way round;
// the socket is somebody else's. ALPN is h2 and nothing else. One thread a session; a context may
// serve many.
#ifndef JF_NET_TLS_H
#define JF_NET_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct jf_tls_context;
struct jf_tls;

enum jf_tls_result {
    JF_TLS_DONE,   // it is done; for reads: bytes were read
    JF_TLS_MORE,   // more ciphertext is needed first
    JF_TLS_CLOSED, // the peer has closed the session in order
    JF_TLS_FAILED, // broken; an alert may be waiting to be sent
};

// In: PEM files (certificate: chain, leaf first). Errors: JF_ERROR_INVALID naming the file and
// OpenSSL's reason, JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_tls_context_create_server(const char *certificate_path,
                                                       const char *key_path,
                                                       struct jf_tls_context **out_context,
                                                       struct jf_diagnosis *diagnosis);
// In: authority_path: PEM file of the authorities to trust. Errors: as above.
JF_MUST_USE enum jf_error jf_tls_context_create_client(const char *authority_path,
                                                       struct jf_tls_context **out_context,
                                                       struct jf_diagnosis *diagnosis);
void jf_tls_context_destroy(struct jf_tls_context *context); // NULL is accepted

// In: server_name: for clients, the name or numeric address that the certificate must carry; NULL
// for servers. Returns: NULL when out of memory.
struct jf_tls *jf_tls_open(struct jf_tls_context *context, const char *server_name);
void jf_tls_close(struct jf_tls *tls); // NULL is accepted

// Ciphertext from the socket. Returns: false when out of memory.
bool jf_tls_put(struct jf_tls *tls, const unsigned char *bytes, uint32_t size);
// Goes on with the handshake: DONE once it is complete and h2 was agreed.
enum jf_tls_result jf_tls_handshake(struct jf_tls *tls);
// Plain text that has come. *out_size is set with DONE.
enum jf_tls_result jf_tls_read(struct jf_tls *tls, unsigned char *bytes, uint32_t capacity,
                               uint32_t *out_size);
// Encrypts all of it. Returns: false when the session is broken.
bool jf_tls_write(struct jf_tls *tls, const unsigned char *bytes, uint32_t size);
// Ciphertext for the socket: *out_bytes until the next call. Returns: its size.
uint32_t jf_tls_pending(struct jf_tls *tls, const unsigned char **out_bytes);
// Frees the room for records that are long gone. Nothing may be pending.
void jf_tls_trim(struct jf_tls *tls);
void jf_tls_pending_clear(struct jf_tls *tls);

// Why it failed, as OpenSSL says it. Static until the next failure of this thread.
const char *jf_tls_failure(void);

#endif
