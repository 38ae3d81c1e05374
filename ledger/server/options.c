// Defaults, then the file, then the flags; then each value against its range.
// Failures name the flag or the file's field, what was given and what is allowed.
#include "server/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cyaml/cyaml.h>

#include "base/limits.h"
#include "engine/engine.h"

#define MIB                 ((uint64_t)1 << 20)
#define CONNECTIONS_DEFAULT 8192u
#define STREAMS_DEFAULT     1024u
#define SCRUB_DAYS_DEFAULT  7u

const char jf_server_help[] =
    "Usage: jifend --data DIR [FLAG…]\n"
    "\n"
    "Serves the Jifen ledger in DIR over gRPC until SIGTERM or SIGINT.\n"
    "\n"
    "  --data DIR               the ledger's directory; created when absent\n"
    "  --listen ADDRESS:PORT    where to listen (127.0.0.1:7700); port 0: any free one\n"
    "  --port-file FILE         write the port there once calls are taken\n"
    "  --tls-cert FILE          certificate chain, PEM; with --tls-key\n"
    "  --tls-key FILE           private key, PEM\n"
    "  --insecure               allow an address that others can reach without TLS\n"
    "  --cache-mib N            memory for members' records (256)\n"
    "  --filter-mib N           memory of the filter over transaction ids and receipts, a power "
    "of\n"
    "                           two, 1 to 65536 (64); 2 bytes an id keep look-ups on disk rare\n"
    "  --segment-mib N          size of a journal segment, 4 to 1024 (64)\n"
    "  --reserve-mib N          free disk space below which writes are refused (256)\n"
    "  --checkpoint-entries N   write the state to disk after so many entries (1000000)\n"
    "  --checkpoint-seconds N   … or so many seconds (60)\n"
    "  --digest-every N         record a digest of the state at every N-th position (1000000)\n"
    "  --scrub-days N           read everything at rest once in N days, 0 to 365 (7); 0: never\n"
    "  --queue-length N         requests that may wait, a power of two, 64 to 65536 (16384)\n"
    "  --connections N          clients at a time, 1 to 65536 (8192); further ones are closed\n"
    "  --streams N              calls at a time on one connection, 1 to 65536 (1024)\n"
    "  --archive DIR            compress journal segments that are not needed any more into DIR\n"
    "  --zone-dir DIR           the time zone database (/usr/share/zoneinfo)\n"
    "  --config FILE            YAML with the same words, _ for -; flags go before it\n"
    "  --version, --help\n"
    "\n"
    "Example:\n"
    "  jifend --data /var/lib/jifen --listen 127.0.0.1:7700\n"
    "\n"
    "Exit codes:\n"
    "  0  stopped in order          4  stored data is damaged; nothing was changed\n"
    "  1  the ledger failed         5  no io_uring, no O_DIRECT, or too few descriptors\n"
    "  2  wrong flags or file       6  cannot listen: address, port, certificate\n"
    "  3  the data directory: not a ledger, another version's, or held by another process\n";

#define FLAGS (CYAML_FLAG_OPTIONAL)
#define TEXT_FIELD(name)                                                                           \
    CYAML_FIELD_STRING_PTR(#name, CYAML_FLAG_POINTER | FLAGS, struct jf_server_settings, name, 1,  \
                           4096)
#define NUMBER_FIELD(name) CYAML_FIELD_UINT(#name, FLAGS, struct jf_server_settings, name)

static const cyaml_schema_field_t settings_fields[] = {
    TEXT_FIELD(data),
    TEXT_FIELD(listen),
    TEXT_FIELD(port_file),
    TEXT_FIELD(tls_cert),
    TEXT_FIELD(tls_key),
    TEXT_FIELD(zone_dir),
    TEXT_FIELD(scrub_days),
    TEXT_FIELD(archive),
    NUMBER_FIELD(cache_mib),
    NUMBER_FIELD(segment_mib),
    NUMBER_FIELD(reserve_mib),
    NUMBER_FIELD(checkpoint_entries),
    NUMBER_FIELD(checkpoint_seconds),
    NUMBER_FIELD(digest_every),
    NUMBER_FIELD(queue_length),
    NUMBER_FIELD(filter_mib),
    NUMBER_FIELD(connections),
    NUMBER_FIELD(streams),
    CYAML_FIELD_BOOL("insecure", FLAGS, struct jf_server_settings, insecure),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t settings_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct jf_server_settings, settings_fields),
};

// Keeps the first error that cyaml tells: the others say where it was.
__attribute__((format(printf, 3, 0))) static void file_complaint(cyaml_log_t level, void *context,
                                                                 const char *format,
                                                                 va_list arguments)
{
    char *text = context;
    size_t size = strlen(text);
    if (level >= CYAML_LOG_ERROR && size < 200) {
        vsnprintf(text + size, 256 - size, format, arguments);
        char *line_end = strchr(text, '\n'); // none where the text was cut
        if (line_end != NULL) {
            *line_end = ' ';
        }
    }
}

static cyaml_config_t file_config(char *complaint)
{
    return (cyaml_config_t){.log_fn = file_complaint,
                            .log_ctx = complaint,
                            .log_level = CYAML_LOG_ERROR,
                            .mem_fn = cyaml_mem};
}

static enum jf_error file_load(const char *path, struct jf_server_options *options,
                               struct jf_diagnosis *diagnosis)
{
    char complaint[256] = "";
    cyaml_config_t config = file_config(complaint);
    cyaml_data_t *loaded = NULL;
    cyaml_err_t code = cyaml_load_file(path, &config, &settings_schema, &loaded, NULL);
    if (code == CYAML_ERR_FILE_OPEN) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "--config %s: the file cannot be opened", path);
    }
    if (code != CYAML_OK) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID, "--config %s: %s (%s)", path,
                           cyaml_strerror(code), complaint);
    }
    options->file = (struct jf_server_settings *)loaded;
    if (options->file != NULL) {
        options->settings = *options->file;
    }
    return JF_OK;
}

void jf_server_options_deinit(struct jf_server_options *options)
{
    if (options->file != NULL) {
        char complaint[256] = "";
        cyaml_config_t config = file_config(complaint);
        cyaml_free(&config, &settings_schema, options->file, 0);
        options->file = NULL;
    }
}

enum flag {
    FLAG_HELP = 1,
    FLAG_VERSION,
    FLAG_CONFIG,
    FLAG_INSECURE,
    FLAG_TEXT = 100, // and the field's place in settings_fields
    FLAG_NUMBER = 200,
};

struct value_flag {
    const char *name;
    size_t offset; // in jf_server_settings
};

static const struct value_flag text_flags[] = {
    {"data", offsetof(struct jf_server_settings, data)},
    {"listen", offsetof(struct jf_server_settings, listen)},
    {"port-file", offsetof(struct jf_server_settings, port_file)},
    {"tls-cert", offsetof(struct jf_server_settings, tls_cert)},
    {"tls-key", offsetof(struct jf_server_settings, tls_key)},
    {"zone-dir", offsetof(struct jf_server_settings, zone_dir)},
    {"scrub-days", offsetof(struct jf_server_settings, scrub_days)},
    {"archive", offsetof(struct jf_server_settings, archive)},
};

struct number_flag {
    const char *name;
    size_t offset;
    uint64_t smallest;
    uint64_t largest;
    bool is_power_of_two;
};

static const struct number_flag number_flags[] = {
    {"cache-mib", offsetof(struct jf_server_settings, cache_mib), 8, 1u << 20, false},
    {"segment-mib", offsetof(struct jf_server_settings, segment_mib), 4, 1024, false},
    {"reserve-mib", offsetof(struct jf_server_settings, reserve_mib), 1, 1u << 20, false},
    {"checkpoint-entries", offsetof(struct jf_server_settings, checkpoint_entries), 1000,
     1000000000, false},
    {"checkpoint-seconds", offsetof(struct jf_server_settings, checkpoint_seconds), 1, 86400,
     false},
    {"digest-every", offsetof(struct jf_server_settings, digest_every), JF_DIGEST_EVERY_MIN,
     JF_DIGEST_EVERY_MAX, false},
    {"queue-length", offsetof(struct jf_server_settings, queue_length), 64, 65536, true},
    {"filter-mib", offsetof(struct jf_server_settings, filter_mib), 1, 65536, true},
    {"connections", offsetof(struct jf_server_settings, connections), 1, 65536, false},
    {"streams", offsetof(struct jf_server_settings, streams), 1, 65536, false},
};

#define TEXT_FLAGS   (sizeof text_flags / sizeof text_flags[0])
#define NUMBER_FLAGS (sizeof number_flags / sizeof number_flags[0])
#define PLAIN_FLAGS  4u

static void flags_list(struct option out_list[PLAIN_FLAGS + TEXT_FLAGS + NUMBER_FLAGS + 1])
{
    struct option *at = out_list;
    *at++ = (struct option){"help", no_argument, NULL, FLAG_HELP};
    *at++ = (struct option){"version", no_argument, NULL, FLAG_VERSION};
    *at++ = (struct option){"config", required_argument, NULL, FLAG_CONFIG};
    *at++ = (struct option){"insecure", no_argument, NULL, FLAG_INSECURE};
    for (size_t i = 0; i < TEXT_FLAGS; i++) {
        *at++ = (struct option){text_flags[i].name, required_argument, NULL, FLAG_TEXT + (int)i};
    }
    for (size_t i = 0; i < NUMBER_FLAGS; i++) {
        *at++ =
            (struct option){number_flags[i].name, required_argument, NULL, FLAG_NUMBER + (int)i};
    }
    *at = (struct option){0};
}

static enum jf_error number_take(struct jf_server_settings *settings,
                                 const struct number_flag *flag, const char *text,
                                 struct jf_diagnosis *diagnosis)
{
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value == 0) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "--%s %s: a whole number from %llu to %llu is needed", flag->name, text,
                           (unsigned long long)flag->smallest, (unsigned long long)flag->largest);
    }
    memcpy((char *)settings + flag->offset, &(uint64_t){value}, sizeof(uint64_t));
    return JF_OK;
}

static enum jf_error flag_take(struct jf_server_options *options, int flag,
                               struct jf_diagnosis *diagnosis)
{
    if (flag >= FLAG_NUMBER) {
        return number_take(&options->settings, &number_flags[flag - FLAG_NUMBER], optarg,
                           diagnosis);
    }
    if (flag >= FLAG_TEXT) {
        memcpy((char *)&options->settings + text_flags[flag - FLAG_TEXT].offset, &optarg,
               sizeof optarg);
        return JF_OK;
    }
    options->wants_help = options->wants_help || flag == FLAG_HELP;
    options->wants_version = options->wants_version || flag == FLAG_VERSION;
    options->settings.insecure = options->settings.insecure || flag == FLAG_INSECURE;
    return JF_OK;
}

// In: only_config: the first pass, which loads the file and leaves the rest to the second.
static enum jf_error flags_take(int argc, char **argv, bool only_config,
                                struct jf_server_options *options, struct jf_diagnosis *diagnosis)
{
    struct option list[PLAIN_FLAGS + TEXT_FLAGS + NUMBER_FLAGS + 1];
    flags_list(list);
    opterr = 0;
    optind = 0; // glibc: start again
    int flag;
    while ((flag = getopt_long(argc, argv, ":", list, NULL)) != -1) {
        if (flag == '?' || flag == ':') {
            return jf_diagnose(diagnosis, JF_ERROR_INVALID, "%s: %s; see --help", argv[optind - 1],
                               flag == '?' ? "no such flag" : "a value is missing");
        }
        enum jf_error error = JF_OK;
        if (only_config && flag == FLAG_CONFIG && options->file != NULL) {
            error = jf_diagnose(diagnosis, JF_ERROR_INVALID, "--config is given twice");
        } else if (only_config && flag == FLAG_CONFIG) {
            error = file_load(optarg, options, diagnosis);
        } else if (!only_config && flag != FLAG_CONFIG) {
            error = flag_take(options, flag, diagnosis);
        }
        if (error != JF_OK) {
            return error;
        }
    }
    if (optind < argc) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID, "%s: not a flag; see --help", argv[optind]);
    }
    return JF_OK;
}

static void defaults_fill(struct jf_server_settings *settings)
{
    struct jf_engine_config engine = jf_engine_config_default();
    const struct jf_server_settings defaults = {
        .cache_mib = engine.cache_bytes / MIB,
        .segment_mib = engine.segment_bytes / MIB,
        .reserve_mib = engine.reserve_bytes / MIB,
        .checkpoint_entries = engine.checkpoint_entries,
        .checkpoint_seconds = engine.checkpoint_us / 1000000,
        .digest_every = engine.digest_every,
        .queue_length = engine.lane_queue_length,
        .filter_mib = engine.filter_bytes / MIB,
        .connections = CONNECTIONS_DEFAULT,
        .streams = STREAMS_DEFAULT,
    };
    static char listen_default[] = "127.0.0.1:7700";
    settings->listen = settings->listen == NULL ? listen_default : settings->listen;
    for (size_t i = 0; i < NUMBER_FLAGS; i++) {
        size_t offset = number_flags[i].offset;
        uint64_t value;
        memcpy(&value, (char *)settings + offset, sizeof value);
        if (value == 0) {
            memcpy((char *)settings + offset, (const char *)&defaults + offset, sizeof value);
        }
    }
}

static enum jf_error numbers_check(const struct jf_server_settings *settings,
                                   struct jf_diagnosis *diagnosis)
{
    for (size_t i = 0; i < NUMBER_FLAGS; i++) {
        const struct number_flag *flag = &number_flags[i];
        uint64_t value;
        memcpy(&value, (const char *)settings + flag->offset, sizeof value);
        if (value < flag->smallest || value > flag->largest) {
            return jf_diagnose(diagnosis, JF_ERROR_INVALID, "--%s %llu: %llu to %llu is allowed",
                               flag->name, (unsigned long long)value,
                               (unsigned long long)flag->smallest,
                               (unsigned long long)flag->largest);
        }
        if (flag->is_power_of_two && (value & (value - 1)) != 0) {
            return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                               "--%s %llu: a power of two is needed, such as 64 or 16384",
                               flag->name, (unsigned long long)value);
        }
    }
    return JF_OK;
}

static enum jf_error scrub_days_parse(struct jf_server_options *options,
                                      struct jf_diagnosis *diagnosis)
{
    const char *text = options->settings.scrub_days;
    if (text == NULL) {
        options->scrub_days = SCRUB_DAYS_DEFAULT;
        return JF_OK;
    }
    char *end = NULL;
    unsigned long days = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || days > JF_SCRUB_DAYS_MAX) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "--scrub-days %s: a whole number from 0 (never) to %u is needed", text,
                           JF_SCRUB_DAYS_MAX);
    }
    options->scrub_days = (uint32_t)days;
    return JF_OK;
}

static enum jf_error settings_check(struct jf_server_options *options,
                                    struct jf_diagnosis *diagnosis)
{
    const struct jf_server_settings *settings = &options->settings;
    if (settings->data == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "--data DIR is needed: the ledger's directory; see --help");
    }
    if ((settings->tls_cert == NULL) != (settings->tls_key == NULL)) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "--tls-cert and --tls-key are given together or not at all");
    }
    enum jf_error error = scrub_days_parse(options, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    error = jf_server_listen_parse(settings->listen, options->address, &options->port, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    bool is_open = !jf_server_address_is_loopback(options->address) && settings->tls_cert == NULL;
    if (is_open && !settings->insecure) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "--listen %s: others can reach this address, so TLS is needed: give "
                           "--tls-cert and --tls-key, or --insecure if the network is trusted",
                           settings->listen);
    }
    return numbers_check(settings, diagnosis);
}

enum jf_error jf_server_options_parse(int argc, char **argv, struct jf_server_options *out_options,
                                      struct jf_diagnosis *diagnosis)
{
    struct jf_server_options options = {.port = 0};
    enum jf_error error = flags_take(argc, argv, true, &options, diagnosis);
    if (error == JF_OK) {
        error = flags_take(argc, argv, false, &options, diagnosis);
    }
    if (error == JF_OK && !options.wants_help && !options.wants_version) {
        defaults_fill(&options.settings);
        error = settings_check(&options, diagnosis);
    }
    if (error != JF_OK) {
        jf_server_options_deinit(&options);
        return error;
    }
    *out_options = options;
    return JF_OK;
}
