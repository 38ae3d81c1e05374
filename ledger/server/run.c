// Open the ledger, listen, say so, turn until told to stop; then stop accepting, answer what was
// accepted, flush, close. One network thread, this one. Failures: each start that fails says what
// and what to do, and has its exit code. A ledger that fails while it runs answers what it can,
// says so and exits 1. A signal during recovery ends the process at once, which is harmless:
// recovery only repeats what is in the journal.
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/limits.h"
#include "engine/clock.h"
#include "engine/jobs.h"
#include "server/descriptors.h"
#include "server/memory.h"
#include "server/options.h"
#include "service/service.h"

#define MIB               ((uint64_t)1 << 20)
#define RING_ENTRIES      4096u
#define TURN_US           100000u   // how soon signals, jobs and a failed engine are noticed
#define DRAIN_US          30000000u // for clients that do not read their answers
#define DRAIN_FAILED_US   3000000u
#define RECOVERY_QUIET_US 2000000u
#define RECOVERY_SAY_US   1000000u
#define DAY_US            (24 * 3600 * (uint64_t)1000000)

struct server {
    const char *name; // argv[0]
    struct jf_server_options options;
    struct jf_ring ring;
    struct jf_engine *engine;
    struct jf_service *service;
    struct jf_net *net;
    struct jf_engine_opening opening;
    uint64_t started_us;
    uint64_t recovery_said_us;
    uint64_t draining_us; // since when; 0: not
    bool has_failed;
};

// What the signal handler reaches: the number of signals, and the ring that it wakes.
static atomic_uint stop_signals;
static struct jf_ring *_Atomic signalled_ring;

static void on_signal(int number)
{
    (void)number;
    int error = errno;
    atomic_fetch_add(&stop_signals, 1);
    struct jf_ring *ring = atomic_load(&signalled_ring);
    if (ring != NULL) {
        jf_ring_wake(ring);
    }
    errno = error;
}

static void signals_take(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, NULL);
}

__attribute__((format(printf, 2, 3))) static void say(const struct server *server,
                                                      const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s: %s\n", server->name, text);
}

static int exit_of(enum jf_error error)
{
    switch (error) {
    case JF_OK:
        return JF_SERVER_EXIT_OK;
    case JF_ERROR_CORRUPT:
    case JF_ERROR_GAP:
        return JF_SERVER_EXIT_CORRUPT;
    case JF_ERROR_NO_URING:
    case JF_ERROR_NO_DIRECT:
        return JF_SERVER_EXIT_KERNEL;
    case JF_ERROR_FOREIGN:
    case JF_ERROR_LOCKED:
    case JF_ERROR_VERSION:
    case JF_ERROR_NOT_FOUND:
    case JF_ERROR_EXISTS:
    case JF_ERROR_INVALID:
    case JF_ERROR_IO:
    case JF_ERROR_NO_SPACE:
        return JF_SERVER_EXIT_DIRECTORY;
    default:
        return JF_SERVER_EXIT_FAILED;
    }
}

// Seconds with one decimal, without floating point: "12.3 s".
static const char *seconds_text(uint64_t us, char out_text[32])
{
    snprintf(out_text, 32, "%" PRIu64 ".%" PRIu64 " s", us / 1000000, us / 100000 % 10);
    return out_text;
}

static void on_recovery(void *context, uint64_t position, uint64_t last_position)
{
    struct server *server = context;
    if (atomic_load(&stop_signals) > 0) {
        say(server, "stopped while recovering; nothing is lost, the next start recovers again");
        _exit(JF_SERVER_EXIT_OK);
    }
    uint64_t now_us = jf_clock_monotonic_us();
    bool is_quiet = now_us - server->started_us < RECOVERY_QUIET_US ||
                    now_us - server->recovery_said_us < RECOVERY_SAY_US;
    if (is_quiet || position == 0 || position > last_position) {
        return;
    }
    server->recovery_said_us = now_us;
    // Positions count from the ledger's beginning; what was replayed by now is not known here, so
    // the rate is taken over what is left since the first report.
    static uint64_t first_position;
    static uint64_t first_us;
    if (first_us == 0) {
        first_position = position;
        first_us = now_us;
        say(server, "recovering: at position %" PRIu64 " of %" PRIu64, position, last_position);
        return;
    }
    uint64_t done = position - first_position;
    uint64_t left_us = done == 0 ? 0 : (now_us - first_us) * (last_position - position) / done;
    say(server, "recovering: at position %" PRIu64 " of %" PRIu64 ", about %" PRIu64 " s left",
        position, last_position, left_us / 1000000 + 1);
}

// In the scrubber's thread.
static void on_damage(void *context, const char *text)
{
    say(context, "DAMAGED at rest: %s. What is whole is served on; what is damaged is not", text);
}

static void on_archive_failure(void *context, const struct jf_diagnosis *diagnosis)
{
    say(context, "nothing can be archived now, and nothing is dropped: %s", diagnosis->text);
}

static enum jf_error engine_open(struct server *server, struct jf_diagnosis *diagnosis)
{
    const struct jf_server_settings *settings = &server->options.settings;
    struct jf_engine_config config = jf_engine_config_default();
    config.data_directory = settings->data;
    config.zone_directory = settings->zone_dir;
    config.archive_directory = settings->archive;
    config.on_archive_failure = on_archive_failure;
    config.on_archive_context = server;
    config.cache_bytes = settings->cache_mib * MIB;
    config.filter_bytes = settings->filter_mib * MIB;
    config.segment_bytes = settings->segment_mib * MIB;
    config.reserve_bytes = settings->reserve_mib * MIB;
    config.checkpoint_entries = settings->checkpoint_entries;
    config.checkpoint_us = settings->checkpoint_seconds * 1000000;
    config.digest_every = settings->digest_every;
    config.lane_queue_length = (uint32_t)settings->queue_length;
    config.scrub_period_us = server->options.scrub_days * DAY_US;
    config.on_damage = on_damage;
    config.on_damage_context = server;
    config.on_recovery = on_recovery;
    config.on_recovery_context = server;
    enum jf_error error = jf_engine_open(&config, &server->engine, &server->opening, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    error = jf_snapshot_clean(settings->data, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (server->opening.was_created) {
        say(server, "a new ledger was made in %s", settings->data);
    }
    if (server->opening.blocks_cut > 0) {
        say(server,
            "the journal's torn end was cut: %" PRIu64 " blocks, %" PRIu64
            " bytes that nobody was answered for",
            server->opening.blocks_cut, server->opening.bytes_cut);
    }
    if (server->opening.superblock_copies_damaged > 0) {
        say(server,
            "of the 4 copies in the journal's SUPERBLOCK %u were damaged: all were written "
            "again from the others",
            server->opening.superblock_copies_damaged);
    }
    return JF_OK;
}

// Connections that would take the ledger's own descriptors are not accepted: it could not open its
// next segment, and would have to stop.
static enum jf_error connections_bound(struct server *server, struct jf_diagnosis *diagnosis)
{
    uint64_t limit = jf_server_descriptors_raise();
    if (limit < JF_DESCRIPTORS_RESERVED + JF_CONNECTIONS_MIN) {
        return jf_diagnose(diagnosis, JF_ERROR_LIMIT,
                           "no more than %" PRIu64
                           " files may be open here: at least %u are needed; "
                           "raise the limit (ulimit -n, LimitNOFILE=)",
                           limit, JF_DESCRIPTORS_RESERVED + JF_CONNECTIONS_MIN);
    }
    uint64_t spare = limit - JF_DESCRIPTORS_RESERVED;
    struct jf_server_settings *settings = &server->options.settings;
    if (settings->connections > spare) {
        say(server,
            "no more than %" PRIu64 " files may be open here: %" PRIu64
            " connections are taken at a time instead of %" PRIu64,
            limit, spare, settings->connections);
        settings->connections = spare;
    }
    return JF_OK;
}

static enum jf_error net_open(struct server *server, struct jf_diagnosis *diagnosis)
{
    enum jf_error error =
        jf_service_create(server->engine, &server->ring, jf_clock_monotonic_us, &server->service);
    if (error != JF_OK) {
        return jf_diagnose(diagnosis, error, "the service cannot start: %s", jf_error_text(error));
    }
    const struct jf_server_settings *settings = &server->options.settings;
    struct jf_net_config config = {.address = server->options.address,
                                   .port = server->options.port,
                                   .tls_certificate_path = settings->tls_cert,
                                   .tls_key_path = settings->tls_key,
                                   .connections_max = (uint32_t)settings->connections,
                                   .streams_per_connection_max = (uint32_t)settings->streams,
                                   .idle_timeout_us = JF_NET_IDLE_US,
                                   .handshake_timeout_us = JF_NET_HANDSHAKE_US};
    error = jf_net_create(&config, jf_service_handler(server->service), &server->ring, &server->net,
                          diagnosis);
    if (error == JF_OK) {
        jf_service_set_net(server->service, server->net);
    }
    return error;
}

static void wake(void *context)
{
    jf_ring_wake(context);
}

// How many members there are, asked as a client would.
static uint64_t members_count(struct server *server)
{
    struct jf_lane *lane = NULL;
    struct jf_arena arena;
    uint64_t members = 0;
    if (jf_engine_lane_open(server->engine, wake, &server->ring, &lane) != JF_OK) {
        return 0;
    }
    jf_arena_init(&arena, 16384, (size_t)64 << 20);
    struct jf_request request = {.kind = JF_REQUEST_STATUS, .arena = &arena};
    if (jf_lane_submit(lane, &request) == JF_OK) {
        jf_lane_flush(lane);
        while (jf_lane_collect(lane) == NULL) {
            jf_ring_wait(&server->ring, TURN_US, NULL, NULL);
        }
        members = request.answer.status == NULL ? 0 : request.answer.status->counts.members;
    }
    jf_engine_lane_close(lane);
    jf_arena_deinit(&arena);
    return members;
}

// Whole or not at all: written beside and renamed.
static enum jf_error port_file_write(const struct server *server, struct jf_diagnosis *diagnosis)
{
    const char *path = server->options.settings.port_file;
    if (path == NULL) {
        return JF_OK;
    }
    char beside[4096];
    int size = snprintf(beside, sizeof beside, "%s.new", path);
    FILE *file = size < 0 || (size_t)size >= sizeof beside ? NULL : fopen(beside, "w");
    bool is_written = file != NULL && fprintf(file, "%u\n", jf_net_port(server->net)) > 0;
    if (file != NULL && fclose(file) != 0) {
        is_written = false;
    }
    if (!is_written || rename(beside, path) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "--port-file %s: %s", path, strerror(errno));
    }
    return JF_OK;
}

static void say_ready(struct server *server)
{
    char took[32];
    bool is_six = strchr(server->options.address, ':') != NULL;
    say(server,
        "ready on %s%s%s:%u%s, %" PRIu64 " members, position %" PRIu64 ", recovered %" PRIu64
        " entries in %s",
        is_six ? "[" : "", server->options.address, is_six ? "]" : "", jf_net_port(server->net),
        server->options.settings.tls_cert == NULL ? "" : " with TLS", members_count(server),
        server->opening.last_position, server->opening.replayed_entries,
        seconds_text(server->opening.recovery_us, took));
}

static void drain_begin(struct server *server)
{
    struct jf_diagnosis diagnosis = {.text = ""};
    server->has_failed = jf_engine_has_failed(server->engine, &diagnosis);
    if (!server->has_failed && atomic_load(&stop_signals) == 0) {
        return;
    }
    if (server->has_failed) {
        say(server, "the ledger has failed and takes nothing more: %s", diagnosis.text);
    } else {
        say(server, "stopping: answering what was accepted");
    }
    server->draining_us = jf_clock_monotonic_us();
    jf_service_drain(server->service);
    jf_net_drain(server->net);
}

// Returns: whether there is nothing left to answer, or too long a wait for it.
static bool drain_is_over(struct server *server)
{
    bool is_idle = jf_net_is_idle(server->net) && jf_service_is_idle(server->service);
    uint64_t bound_us = server->has_failed ? DRAIN_FAILED_US : DRAIN_US;
    return is_idle || jf_clock_monotonic_us() - server->draining_us > bound_us;
}

static void serve(struct server *server)
{
    while (server->draining_us == 0) {
        jf_net_turn(server->net, TURN_US);
        drain_begin(server);
    }
    while (!drain_is_over(server)) {
        jf_net_turn(server->net, TURN_US);
    }
}

// Returns: the exit code.
static int server_close(struct server *server)
{
    struct jf_diagnosis diagnosis = {.text = ""};
    if (server->service != NULL && !jf_service_is_idle(server->service)) {
        // The ledger thread does not answer: nothing that it owns may be taken away under it.
        say(server, "the ledger does not stop; what was acknowledged is on disk");
        _exit(JF_SERVER_EXIT_FAILED);
    }
    jf_net_destroy(server->net);
    jf_service_destroy(server->service);
    enum jf_error error = jf_engine_close(server->engine, &diagnosis);
    atomic_store(&signalled_ring, NULL);
    jf_ring_deinit(&server->ring);
    if (server->has_failed) {
        return JF_SERVER_EXIT_FAILED; // said when it was noticed
    }
    if (error != JF_OK) {
        say(server, "the ledger could not be closed in order: %s", diagnosis.text);
        return JF_SERVER_EXIT_FAILED;
    }
    return JF_SERVER_EXIT_OK;
}

// Returns: the exit code; everything is closed again.
static int run(struct server *server)
{
    struct jf_diagnosis diagnosis = {.text = ""};
    int code;
    server->started_us = jf_clock_monotonic_us();
    enum jf_error error = connections_bound(server, &diagnosis);
    code = JF_SERVER_EXIT_KERNEL;
    if (error != JF_OK) {
        goto done;
    }
    error = jf_ring_init(&server->ring, RING_ENTRIES, &diagnosis);
    if (error == JF_OK) {
        atomic_store(&signalled_ring, &server->ring);
        error = engine_open(server, &diagnosis);
    }
    code = exit_of(error);
    if (error != JF_OK) {
        goto done;
    }
    error = net_open(server, &diagnosis);
    code = error == JF_OK ? JF_SERVER_EXIT_OK : JF_SERVER_EXIT_ADDRESS;
    if (error != JF_OK) {
        goto done;
    }
    say_ready(server);
    error = port_file_write(server, &diagnosis);
    code = error == JF_OK ? JF_SERVER_EXIT_OK : JF_SERVER_EXIT_USAGE;
    if (error != JF_OK) {
        goto done;
    }
    serve(server);
done:
    if (error != JF_OK) {
        say(server, "%s", diagnosis.text[0] != '\0' ? diagnosis.text : jf_error_text(error));
    }
    int closed = server_close(server);
    if (code == JF_SERVER_EXIT_OK && closed == JF_SERVER_EXIT_OK) {
        say(server, "stopped");
    }
    return code != JF_SERVER_EXIT_OK ? code : closed;
}

int jf_server_main(int argc, char **argv)
{
    static struct server server; // the ring's address stays the same for the signal handler
    const char *slash = strrchr(argv[0], '/');
    server.name = slash == NULL ? argv[0] : slash + 1;
    struct jf_diagnosis diagnosis;
    enum jf_error error = jf_server_options_parse(argc, argv, &server.options, &diagnosis);
    if (error != JF_OK) {
        say(&server, "%s", diagnosis.text);
        return JF_SERVER_EXIT_USAGE;
    }
    int code = JF_SERVER_EXIT_OK;
    if (server.options.wants_help) {
        fputs(jf_server_help, stdout);
    } else if (server.options.wants_version) {
        printf("jifend %s\n", JF_VERSION);
    } else {
        jf_server_memory_tune(server.options.settings.cache_mib * MIB);
        signals_take();
        code = run(&server);
    }
    jf_server_options_deinit(&server.options);
    return code;
}
