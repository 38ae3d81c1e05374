// jifen backup: a ledger's directory is copied into another, the first time whole, then what is
// new. A running ledger is asked for a snapshot, which lives as long as the call.
// Fails: usage; no ledger, or one that goes away meanwhile; a directory that is something else;
// damage on either side (exit 5); a full disk, after which the same command goes on.
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "engine/backup.h"
#include "engine/clock.h"
#include "jifen/v1/operations.pb-c.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/json.h"
#include "tools/jifen/session.h"
#include "tools/jifen/stages.h"

#define REMOVED_LOOK_NS   10000000
#define REMOVED_LOOKS_MAX 300u

static const struct jf_cli_help help = {
    .usage = "jifen backup DIR [--data DATA | --check] [--progress]",
    .about =
        "Takes a backup of the running ledger into DIR while tills go on, on the ledger's own "
        "machine; or of\n"
        "the stopped ledger in DATA. A second backup into the same DIR copies only what is new. "
        "The journal\n"
        "is verified on the way. A backup that was cut off leaves the one before it whole; the "
        "same command\n"
        "goes on with it. --check reads a backup and compares every checksum.\n"
        "With --json: "
        "{\"first_position\",\"last_position\",\"state_position\",\"files\",\"bytes\",\n"
        "\"files_copied\",\"bytes_copied\"}.\n",
    .example = "  jifen backup /mnt/backup/jifen\n"
               "  jifen backup /mnt/backup/jifen --data /var/lib/jifen\n"
               "  jifen backup /mnt/backup/jifen --check\n",
    .arguments_min = 1,
    .arguments_max = 1,
};

static void result_json(const struct jf_backup_result *result)
{
    struct jf_json json = {.out = stdout};
    jf_json_object_begin(&json, NULL);
    jf_json_unsigned(&json, "first_position", result->first_position);
    jf_json_unsigned(&json, "last_position", result->last_position);
    jf_json_unsigned(&json, "state_position", result->state_position);
    jf_json_unsigned(&json, "files", result->files);
    jf_json_unsigned(&json, "bytes", result->bytes);
    jf_json_unsigned(&json, "files_copied", result->files_copied);
    jf_json_unsigned(&json, "bytes_copied", result->bytes_copied);
    jf_json_object_end(&json);
    jf_json_end_line(&json);
}

static void result_print(const struct jf_backup_result *result, const char *directory,
                         bool is_check)
{
    char files[JF_DECIMAL_TEXT_SIZE];
    char mib[JF_DECIMAL_TEXT_SIZE];
    jf_decimal_format((int64_t)result->files, 0, true, files);
    jf_decimal_format((int64_t)(result->bytes >> 20), 0, true, mib);
    if (is_check) {
        (void)printf("The backup in %s is whole: %s files, %s MiB", directory, files, mib);
    } else {
        (void)printf("Backup taken into %s: %s files, %s MiB", directory, files, mib);
        jf_decimal_format((int64_t)result->files_copied, 0, true, files);
        jf_decimal_format((int64_t)(result->bytes_copied >> 20), 0, true, mib);
        (void)printf(", of which %s files, %s MiB are new", files, mib);
    }
    (void)printf(".\nPositions %" PRIu64 " to %" PRIu64 "; its state holds those up to %" PRIu64
                 ".\n",
                 result->first_position, result->last_position, result->state_position);
    if (!is_check && result->files_copied < result->files) {
        (void)printf("What was there already was not read again; --check does.\n");
    }
}

// ---- Of a running ledger --------------------------------------------------------------

// The session's thread keeps the call, and with it the snapshot, alive; a second one copies.
struct live {
    struct jf_backup_input input;
    struct jf_backup_result result;
    struct jf_diagnosis diagnosis;
    enum jf_error error;
    char source[4096];
    pthread_t thread;
    bool is_started;
    _Atomic bool is_done;
    _Atomic bool is_broken_off; // the ledger has gone
};

static struct live live; // the session asks without a context whether it is over

static bool is_over(void)
{
    return atomic_load(&live.is_done);
}

static bool is_broken_off(void *context)
{
    (void)context;
    return atomic_load(&live.is_broken_off);
}

static void *live_copy(void *context)
{
    (void)context;
    live.error = jf_backup_take(&live.input, &live.result, &live.diagnosis);
    atomic_store(&live.is_done, true);
    return NULL;
}

static bool on_snapshot(void *context, const ProtobufCMessage *message)
{
    (void)context;
    const Jifen__V1__BackupProgress *progress = (const Jifen__V1__BackupProgress *)message;
    if (progress->directory[0] == '\0' || live.is_started) {
        return true;
    }
    int size = snprintf(live.source, sizeof(live.source), "%s", progress->directory);
    if (size < 0 || (size_t)size >= sizeof(live.source) || access(live.source, R_OK | X_OK) != 0) {
        live.error = jf_diagnose(&live.diagnosis, JF_ERROR_IO,
                                 "the ledger's snapshot %.300s cannot be read from here: run it on "
                                 "the ledger's machine, as its user",
                                 progress->directory);
        return false;
    }
    live.input.source = live.source;
    live.input.until_position = progress->position;
    live.is_started = pthread_create(&live.thread, NULL, live_copy, NULL) == 0;
    if (!live.is_started) {
        live.error = jf_diagnose(&live.diagnosis, JF_ERROR_NO_MEMORY, "no thread for the copying");
    }
    return live.is_started;
}

// The ledger removes the snapshot when it sees the call's end. Waited for, so that the next backup
// can be taken at once.
static void snapshot_wait_removed(void)
{
    const struct timespec pause = {.tv_nsec = REMOVED_LOOK_NS};
    for (uint32_t look = 0; look < REMOVED_LOOKS_MAX && access(live.source, F_OK) == 0; look++) {
        (void)nanosleep(&pause, NULL);
    }
}

// Returns: JF_EXIT_OK when the copying has ended, for better or worse; else why the ledger would
// not have it.
static enum jf_exit live_take(const struct jf_cli *cli, const struct jf_backup_input *input,
                              struct jf_stages *stages)
{
    Jifen__V1__BackupRequest request = JIFEN__V1__BACKUP_REQUEST__INIT;
    struct jf_session_stream stream = {"/jifen.v1.Operations/Backup", &request.base,
                                       &jifen__v1__backup_progress__descriptor, on_snapshot, NULL};
    struct jf_session *session = NULL;
    live.input = *input;
    live.input.is_live = true;
    live.input.is_cancelled = is_broken_off;
    enum jf_exit code = jf_session_open(cli, 1, &session);
    if (code != JF_EXIT_OK) {
        return code;
    }
    jf_session_set_over(session, is_over);
    code = jf_session_stream(session, &stream);
    atomic_store(&live.is_broken_off, true);
    if (live.is_started) {
        (void)pthread_join(live.thread, NULL);
    }
    jf_session_close(session);
    if (live.is_started && code == JF_EXIT_OK) {
        snapshot_wait_removed();
    }
    jf_stages_end(stages);
    return code;
}

static enum jf_error take(const struct jf_cli *cli, const struct jf_backup_input *input,
                          struct jf_stages *stages, struct jf_diagnosis *diagnosis,
                          enum jf_exit *out_code)
{
    *out_code = live_take(cli, input, stages);
    bool is_taken = atomic_load(&live.is_done) && live.error == JF_OK;
    if (!is_taken && *out_code != JF_EXIT_OK) {
        return JF_OK; // said already
    }
    *out_code = JF_EXIT_OK;
    *diagnosis = live.diagnosis;
    return live.error;
}

enum jf_exit jf_cli_backup_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *data = NULL;
    bool is_check = false;
    struct jf_stages stages = {.is_forced = false};
    const struct jf_option options[] = {
        {"--data", "DATA", JF_OPTION_TEXT, &data, "the data directory of a stopped ledger"},
        {"--check", NULL, JF_OPTION_FLAG, &is_check, "check the backup that is in DIR"},
        {"--progress", NULL, JF_OPTION_FLAG, &stages.is_forced,
         "show progress also without a terminal"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (is_check && data != NULL) {
        return jf_cli_usage("backup", "--data and --check exclude each other");
    }
    const char *directory = cli->arguments[0];
    struct jf_diagnosis diagnosis = {0};
    struct jf_backup_result result = {0};
    struct jf_backup_input input = {.source = data,
                                    .directory = directory,
                                    .until_position = UINT64_MAX,
                                    .taken_us = jf_clock_unix_us(NULL),
                                    .report = jf_stages_show,
                                    .context = &stages};
    enum jf_error error = JF_OK;
    code = JF_EXIT_OK;
    if (is_check) {
        error = jf_backup_check(directory, jf_stages_show, &stages, &result, &diagnosis);
    } else if (data != NULL) {
        error = jf_backup_take(&input, &result, &diagnosis);
    } else {
        error = take(cli, &input, &stages, &diagnosis, &code);
        result = live.result;
    }
    jf_stages_end(&stages);
    if (error != JF_OK || code != JF_EXIT_OK) {
        return jf_cli_finish(error != JF_OK ? jf_cli_diagnosed(&diagnosis) : code);
    }
    if (cli->is_json) {
        result_json(&result);
    } else {
        result_print(&result, directory, is_check);
    }
    return jf_cli_finish(JF_EXIT_OK);
}
