// What jifend is told: flags, and a configuration file under them. Texts belong to argv or to the
// options.
#ifndef JF_SERVER_OPTIONS_H
#define JF_SERVER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define JF_SERVER_ADDRESS_MAX 64u

// What the file may hold: the same words as the flags, with _ for -. 0 and NULL: not given.
struct jf_server_settings {
    char *data;
    char *listen;
    char *port_file;
    char *tls_cert;
    char *tls_key;
    char *zone_dir;
    char *scrub_days; // a number; 0 is one too
    char *archive;    // NULL: segments stay in the journal
    uint64_t cache_mib;
    uint64_t segment_mib;
    uint64_t reserve_mib;
    uint64_t checkpoint_entries;
    uint64_t checkpoint_seconds;
    uint64_t digest_every;
    uint64_t queue_length;
    uint64_t filter_mib;
    uint64_t connections;
    uint64_t streams;
    bool insecure;
};

struct jf_server_options {
    struct jf_server_settings settings;  // complete: defaults filled in
    char address[JF_SERVER_ADDRESS_MAX]; // numeric, of settings.listen
    uint16_t port;
    uint32_t scrub_days; // of settings.scrub_days
    bool wants_help;
    bool wants_version;
    struct jf_server_settings *file; // what the file's texts belong to; NULL: no file
};

// Reads flags, and first the file that --config names; flags go before the file.
// Errors: JF_ERROR_INVALID, diagnosed with flag or file, line and field, and what is allowed;
// JF_ERROR_IO for a file that cannot be read.
JF_MUST_USE enum jf_error jf_server_options_parse(int argc, char **argv,
                                                  struct jf_server_options *out_options,
                                                  struct jf_diagnosis *diagnosis);
void jf_server_options_deinit(struct jf_server_options *options);

// In: "ADDRESS:PORT", "[ADDRESS]:PORT" for IPv6; address numeric, or "localhost".
// Out: address as text and port (0: the system chooses).
JF_MUST_USE enum jf_error jf_server_listen_parse(const char *text,
                                                 char out_address[JF_SERVER_ADDRESS_MAX],
                                                 uint16_t *out_port,
                                                 struct jf_diagnosis *diagnosis);
// In: numeric. Whether only this machine can reach it.
bool jf_server_address_is_loopback(const char *address);

extern const char jf_server_help[];

#endif
