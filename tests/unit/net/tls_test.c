// net/tls against OpenSSL's own client, over memory: what a client may do after the handshake.
#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/tls.h"

#define KEY_UPDATES_BORNE 32u // by tls.c, before anything was sent

struct pair {
    char certificate_path[64];
    char key_path[64];
    struct jf_tls_context *server_context;
    struct jf_tls *server;
    SSL_CTX *client_context;
    SSL *client;
    BIO *to_client;
    BIO *from_client;
};

static void files_make(struct pair *pair)
{
    (void)snprintf(pair->certificate_path, sizeof pair->certificate_path, "/tmp/jifen-tls-XXXXXX");
    (void)snprintf(pair->key_path, sizeof pair->key_path, "/tmp/jifen-tls-XXXXXX");
    FILE *certificate_file = fdopen(mkstemp(pair->certificate_path), "w");
    FILE *key_file = fdopen(mkstemp(pair->key_path), "w");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    cr_assert(certificate_file != NULL && key_file != NULL && key != NULL && certificate != NULL);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    cr_assert_gt(X509_sign(certificate, key, EVP_sha256()), 0);
    cr_assert_eq(PEM_write_X509(certificate_file, certificate), 1);
    cr_assert_eq(PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL), 1);
    cr_assert_eq(fclose(certificate_file), 0);
    cr_assert_eq(fclose(key_file), 0);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void server_to_client(struct pair *pair)
{
    const unsigned char *bytes = NULL;
    uint32_t size = jf_tls_pending(pair->server, &bytes);
    if (size > 0) {
        cr_assert_eq(BIO_write(pair->to_client, bytes, (int)size), (int)size);
    }
    jf_tls_pending_clear(pair->server);
}

static void client_to_server(struct pair *pair)
{
    unsigned char bytes[16384];
    int size = 0;
    while ((size = BIO_read(pair->from_client, bytes, sizeof bytes)) > 0) {
        cr_assert(jf_tls_put(pair->server, bytes, (uint32_t)size));
    }
}

static void pair_open(struct pair *pair)
{
    struct jf_diagnosis diagnosis;
    files_make(pair);
    cr_assert_eq(jf_tls_context_create_server(pair->certificate_path, pair->key_path,
                                              &pair->server_context, &diagnosis),
                 JF_OK, "%s", diagnosis.text);
    pair->server = jf_tls_open(pair->server_context, NULL);
    pair->client_context = SSL_CTX_new(TLS_client_method());
    pair->client = SSL_new(pair->client_context);
    pair->to_client = BIO_new(BIO_s_mem());
    pair->from_client = BIO_new(BIO_s_mem());
    SSL_set_bio(pair->client, pair->to_client, pair->from_client);
    cr_assert_eq(SSL_set_alpn_protos(pair->client, (const unsigned char *)"\2h2", 3), 0);
    SSL_set_connect_state(pair->client);
    enum jf_tls_result result = JF_TLS_MORE;
    for (uint32_t i = 0; i < 10 && result == JF_TLS_MORE; i++) {
        (void)SSL_do_handshake(pair->client);
        client_to_server(pair);
        result = jf_tls_handshake(pair->server);
        server_to_client(pair);
    }
    cr_assert_eq(result, JF_TLS_DONE);
}

static void pair_close(struct pair *pair)
{
    SSL_free(pair->client);
    SSL_CTX_free(pair->client_context);
    jf_tls_close(pair->server);
    jf_tls_context_destroy(pair->server_context);
    (void)unlink(pair->certificate_path);
    (void)unlink(pair->key_path);
}

// Sends so many key updates. Returns: what the server makes of them.
static enum jf_tls_result key_updates(struct pair *pair, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        cr_assert_eq(SSL_key_update(pair->client, SSL_KEY_UPDATE_REQUESTED), 1);
        cr_assert_eq(SSL_do_handshake(pair->client), 1);
    }
    client_to_server(pair);
    unsigned char bytes[4096];
    uint32_t size = 0;
    return jf_tls_read(pair->server, bytes, sizeof bytes, &size);
}

Test(tls, some_key_updates_are_taken_and_a_flood_of_them_fails)
{
    struct pair pair = {0};
    pair_open(&pair);
    cr_expect_eq(key_updates(&pair, KEY_UPDATES_BORNE), JF_TLS_MORE);
    cr_expect_eq(key_updates(&pair, 1), JF_TLS_FAILED);
    cr_expect_str_eq(jf_tls_failure(), "the peer asks for new keys again and again");
    pair_close(&pair);
}

Test(tls, each_mebibyte_earns_a_key_update)
{
    struct pair pair = {0};
    pair_open(&pair);
    cr_expect_eq(key_updates(&pair, KEY_UPDATES_BORNE), JF_TLS_MORE);
    static unsigned char data[16384];
    for (uint32_t i = 0; i < 64; i++) {
        cr_assert_eq(SSL_write(pair.client, data, sizeof data), (int)sizeof data);
        client_to_server(&pair);
        uint32_t size = 0;
        cr_assert_eq(jf_tls_read(pair.server, data, sizeof data, &size), JF_TLS_DONE);
        cr_assert_eq(size, sizeof data);
    }
    cr_expect_eq(key_updates(&pair, 1), JF_TLS_MORE);
    cr_expect_eq(key_updates(&pair, 1), JF_TLS_FAILED);
    pair_close(&pair);
}
