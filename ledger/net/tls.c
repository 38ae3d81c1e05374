// A session has two memory BIOs: the socket's bytes are put into one and taken from the other.
// Failures: unreadable or mismatched files are told by name; a peer without h2 gets the alert
// no_application_protocol; a failed handshake or record leaves its alert to be sent and says
// FAILED; so does a flood of key updates, which OpenSSL would take without end.
#include "net/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define TRIM_BYTES_MIN (4u << 10)

struct jf_tls_context {
    SSL_CTX *ssl_context;
    bool is_server;
};

// A peer may ask for new keys so often, and once more for each MiB that it sends: each costs what a
// thousand records do.
#define KEY_UPDATES_MAX 32u

struct jf_tls {
    SSL *ssl;
    BIO *input;
    BIO *output;
    uint64_t read_bytes;
    uint64_t key_updates; // that the peer has sent
};

static const unsigned char alpn_h2[] = {2, 'h', '2'};
static _Thread_local char failure_text[256];

const char *jf_tls_failure(void)
{
    return failure_text;
}

static void failure_note(SSL *ssl)
{
    unsigned long code = ERR_peek_error();
    long verdict = ssl == NULL ? X509_V_OK : SSL_get_verify_result(ssl);
    if (verdict != X509_V_OK) {
        snprintf(failure_text, sizeof failure_text, "certificate: %s",
                 X509_verify_cert_error_string(verdict));
    } else if (code != 0) {
        ERR_error_string_n(code, failure_text, sizeof failure_text);
    } else {
        snprintf(failure_text, sizeof failure_text, "the peer speaks no TLS with ALPN h2");
    }
    ERR_clear_error();
}

static int alpn_select(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                       const unsigned char *offered, unsigned int offered_size, void *context)
{
    (void)ssl;
    (void)context;
    unsigned int at = 0;
    while (at < offered_size && offered[at] <= offered_size - at - 1) {
        if (offered[at] == 2 && memcmp(offered + at + 1, "h2", 2) == 0) {
            *out = offered + at + 1;
            *out_size = 2;
            return SSL_TLSEXT_ERR_OK;
        }
        at += 1u + offered[at];
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static struct jf_tls_context *context_create(bool is_server)
{
    struct jf_tls_context *context = calloc(1, sizeof *context);
    if (context == NULL) {
        return NULL;
    }
    context->is_server = is_server;
    context->ssl_context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (context->ssl_context == NULL) {
        free(context);
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context->ssl_context, TLS1_2_VERSION);
    SSL_CTX_set_options(context->ssl_context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context->ssl_context, SSL_MODE_RELEASE_BUFFERS);
    return context;
}

static enum jf_error file_failure(const char *what, const char *path,
                                  struct jf_diagnosis *diagnosis)
{
    failure_note(NULL);
    return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                       "TLS %s %s cannot be used (%s): give a readable PEM file", what, path,
                       failure_text);
}

enum jf_error jf_tls_context_create_server(const char *certificate_path, const char *key_path,
                                           struct jf_tls_context **out_context,
                                           struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(certificate_path != NULL);
    if (key_path == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "TLS certificate %s comes without a key: give the key's path too",
                           certificate_path);
    }
    struct jf_tls_context *context = context_create(true);
    if (context == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "TLS: no memory for a context");
    }
    SSL_CTX *ssl_context = context->ssl_context;
    enum jf_error error = JF_OK;
    if (SSL_CTX_use_certificate_chain_file(ssl_context, certificate_path) != 1) {
        error = file_failure("certificate", certificate_path, diagnosis);
    } else if (SSL_CTX_use_PrivateKey_file(ssl_context, key_path, SSL_FILETYPE_PEM) != 1) {
        error = file_failure("key", key_path, diagnosis);
    } else if (SSL_CTX_check_private_key(ssl_context) != 1) {
        error = file_failure("key", key_path, diagnosis);
    }
    if (error != JF_OK) {
        jf_tls_context_destroy(context);
        return error;
    }
    SSL_CTX_set_alpn_select_cb(ssl_context, alpn_select, NULL);
    *out_context = context;
    return JF_OK;
}

enum jf_error jf_tls_context_create_client(const char *authority_path,
                                           struct jf_tls_context **out_context,
                                           struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(authority_path != NULL);
    struct jf_tls_context *context = context_create(false);
    if (context == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "TLS: no memory for a context");
    }
    if (SSL_CTX_load_verify_locations(context->ssl_context, authority_path, NULL) != 1) {
        enum jf_error error = file_failure("authority", authority_path, diagnosis);
        jf_tls_context_destroy(context);
        return error;
    }
    SSL_CTX_set_verify(context->ssl_context, SSL_VERIFY_PEER, NULL);
    *out_context = context;
    return JF_OK;
}

void jf_tls_context_destroy(struct jf_tls_context *context)
{
    if (context != NULL) {
        SSL_CTX_free(context->ssl_context);
        free(context);
    }
}

static bool client_prepare(SSL *ssl, const char *server_name)
{
    struct in6_addr address;
    bool is_address = inet_pton(AF_INET, server_name, &address) == 1 ||
                      inet_pton(AF_INET6, server_name, &address) == 1;
    if (is_address) {
        if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server_name) != 1) {
            return false;
        }
    } else if (SSL_set1_host(ssl, server_name) != 1 ||
               SSL_set_tlsext_host_name(ssl, server_name) != 1) {
        return false;
    }
    return SSL_set_alpn_protos(ssl, alpn_h2, sizeof alpn_h2) == 0;
}

static void message_note(int is_sent, int version, int type, const void *bytes, size_t size,
                         SSL *ssl, void *context)
{
    (void)version;
    (void)ssl;
    const unsigned char *message = bytes;
    struct jf_tls *tls = context;
    if (is_sent == 0 && type == SSL3_RT_HANDSHAKE && size > 0 && message[0] == SSL3_MT_KEY_UPDATE) {
        tls->key_updates += 1;
    }
}

struct jf_tls *jf_tls_open(struct jf_tls_context *context, const char *server_name)
{
    JF_ASSERT(context->is_server == (server_name == NULL));
    struct jf_tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL) {
        return NULL;
    }
    tls->ssl = SSL_new(context->ssl_context);
    tls->input = BIO_new(BIO_s_mem());
    tls->output = BIO_new(BIO_s_mem());
    if (tls->ssl == NULL || tls->input == NULL || tls->output == NULL) {
        SSL_free(tls->ssl);
        BIO_free(tls->input);
        BIO_free(tls->output);
        free(tls);
        return NULL;
    }
    SSL_set_bio(tls->ssl, tls->input, tls->output);
    SSL_set_msg_callback(tls->ssl, message_note);
    SSL_set_msg_callback_arg(tls->ssl, tls);
    if (context->is_server) {
        SSL_set_accept_state(tls->ssl);
    } else {
        SSL_set_connect_state(tls->ssl);
        if (!client_prepare(tls->ssl, server_name)) {
            jf_tls_close(tls);
            return NULL;
        }
    }
    return tls;
}

void jf_tls_close(struct jf_tls *tls)
{
    if (tls != NULL) {
        SSL_free(tls->ssl);
        free(tls);
    }
}

bool jf_tls_put(struct jf_tls *tls, const unsigned char *bytes, uint32_t size)
{
    JF_ASSERT(size <= INT32_MAX);
    return BIO_write(tls->input, bytes, (int)size) == (int)size;
}

static enum jf_tls_result result_of(SSL *ssl, int code)
{
    int error = SSL_get_error(ssl, code);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        return JF_TLS_MORE;
    }
    if (error == SSL_ERROR_ZERO_RETURN) {
        return JF_TLS_CLOSED;
    }
    failure_note(ssl);
    return JF_TLS_FAILED;
}

enum jf_tls_result jf_tls_handshake(struct jf_tls *tls)
{
    ERR_clear_error();
    int code = SSL_do_handshake(tls->ssl);
    if (code != 1) {
        return result_of(tls->ssl, code);
    }
    const unsigned char *protocol = NULL;
    unsigned int protocol_size = 0;
    SSL_get0_alpn_selected(tls->ssl, &protocol, &protocol_size);
    if (protocol_size != 2 || memcmp(protocol, "h2", 2) != 0) {
        failure_note(NULL);
        return JF_TLS_FAILED;
    }
    return JF_TLS_DONE;
}

enum jf_tls_result jf_tls_read(struct jf_tls *tls, unsigned char *bytes, uint32_t capacity,
                               uint32_t *out_size)
{
    JF_ASSERT(capacity > 0 && capacity <= INT32_MAX);
    ERR_clear_error();
    int code = SSL_read(tls->ssl, bytes, (int)capacity);
    if (tls->key_updates > KEY_UPDATES_MAX + (tls->read_bytes >> 20)) {
        snprintf(failure_text, sizeof failure_text, "the peer asks for new keys again and again");
        return JF_TLS_FAILED;
    }
    if (code <= 0) {
        return result_of(tls->ssl, code);
    }
    tls->read_bytes += (uint32_t)code;
    *out_size = (uint32_t)code;
    return JF_TLS_DONE;
}

bool jf_tls_write(struct jf_tls *tls, const unsigned char *bytes, uint32_t size)
{
    if (size == 0) {
        return true;
    }
    JF_ASSERT(size <= INT32_MAX);
    ERR_clear_error();
    return SSL_write(tls->ssl, bytes, (int)size) == (int)size;
}

uint32_t jf_tls_pending(struct jf_tls *tls, const unsigned char **out_bytes)
{
    char *bytes = NULL;
    long size = BIO_get_mem_data(tls->output, &bytes);
    JF_ASSERT(size >= 0 && size <= INT32_MAX);
    *out_bytes = (const unsigned char *)bytes;
    return (uint32_t)size;
}

void jf_tls_pending_clear(struct jf_tls *tls)
{
    (void)BIO_reset(tls->output);
}

// Memory BIOs keep their largest size for ever.
static void bio_trim(BIO *bio)
{
    BUF_MEM *held = NULL;
    BIO_get_mem_ptr(bio, &held);
    if (held == NULL || held->length > 0 || held->max <= TRIM_BYTES_MIN) {
        return;
    }
    BUF_MEM *fresh = BUF_MEM_new();
    if (fresh != NULL) {
        BIO_set_mem_buf(bio, fresh, BIO_CLOSE); // frees the one before
    }
}

void jf_tls_trim(struct jf_tls *tls)
{
    JF_ASSERT(BIO_pending(tls->output) == 0);
    if (BIO_pending(tls->input) == 0) {
        bio_trim(tls->input);
    }
    bio_trim(tls->output);
}
