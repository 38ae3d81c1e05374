// Where to listen. Numeric addresses only: a name that resolves to something else tomorrow is no
// configuration. Failures: no port, a port out of range, an address that is none.
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "server/options.h"

static bool port_parse(const char *text, uint16_t *out_port)
{
    uint32_t value = 0;
    if (text[0] == '\0' || strlen(text) > 5) {
        return false;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        value = value * 10 + (uint32_t)(*at - '0');
    }
    *out_port = (uint16_t)value;
    return value <= UINT16_MAX;
}

static bool is_numeric(const char *address)
{
    struct in6_addr parsed;
    return inet_pton(AF_INET, address, &parsed) == 1 || inet_pton(AF_INET6, address, &parsed) == 1;
}

enum jf_error jf_server_listen_parse(const char *text, char out_address[JF_SERVER_ADDRESS_MAX],
                                     uint16_t *out_port, struct jf_diagnosis *diagnosis)
{
    const char *colon = strrchr(text, ':');
    size_t size = colon == NULL ? 0 : (size_t)(colon - text);
    bool is_bracketed = size >= 2 && text[0] == '[' && text[size - 1] == ']';
    const char *from = is_bracketed ? text + 1 : text;
    size -= is_bracketed ? 2 : 0;
    char address[JF_SERVER_ADDRESS_MAX] = "";
    uint16_t port = 0;
    if (size > 0 && size < sizeof address) {
        memcpy(address, from, size);
        address[size] = '\0';
    }
    if (strcmp(address, "localhost") == 0) {
        memcpy(address, "127.0.0.1", sizeof "127.0.0.1");
    }
    bool is_ambiguous = !is_bracketed && strchr(address, ':') != NULL;
    if (!is_numeric(address) || is_ambiguous || !port_parse(colon + 1, &port)) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "--listen %s: a numeric address and a port are needed, such as "
                           "127.0.0.1:7700 or [::1]:7700",
                           text);
    }
    memcpy(out_address, address, sizeof address);
    *out_port = port;
    return JF_OK;
}

bool jf_server_address_is_loopback(const char *address)
{
    struct in_addr four;
    if (inet_pton(AF_INET, address, &four) == 1) {
        return ntohl(four.s_addr) >> 24 == 127;
    }
    struct in6_addr six;
    return inet_pton(AF_INET6, address, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}
