// Claims about the command line where memory runs out: whichever allocation of a subcommand fails,
// it ends with one of the documented exit codes, says why when that is not 0, and prints what it
// prints otherwise when it is.
//
// Each run is a process of its own, as for users; the ledger that they ask is one more.
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "directory.h"
#include "nth.h"
#include "server/server.h"
#include "tools/jifen/cli.h"

#define ARGUMENTS_MAX 24u
#define OUTPUT_BYTES  ((size_t)1 << 20)
#define PORT_WAITS    1000u
#define PORT_WAIT_US  10000u
// A run takes longer under AddressSanitizer.
#if defined(__SANITIZE_ADDRESS__)
#define STRIDE 3u
#else
#define STRIDE 1u
#endif

typedef enum jf_exit (*subcommand)(struct jf_cli *cli, int argc, char **argv);

struct row {
    subcommand run;
    const char *line; // its arguments, parted by spaces; FILE: a sample programme; RECEIPTS: a file
                      // in the scene's directory
    bool is_stable;   // prints the same each time
};

// What a run's process tells.
struct outcome {
    int code;
    bool was_reached;
    char what[256];
};

struct scene {
    char path[RIG_PATH_BYTES];
    char port_file[RIG_PATH_BYTES + 16];
    char out_file[RIG_PATH_BYTES + 16];
    char error_file[RIG_PATH_BYTES + 16];
    char receipts_file[RIG_PATH_BYTES + 16];
    char address[32];
    pid_t server;
    struct outcome *outcome; // shared
};

static void text_read(const char *path, char *out_text, size_t size)
{
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    size_t got = fread(out_text, 1, size - 1, file);
    out_text[got] = '\0';
    (void)fclose(file);
}

// --- The ledger.
// ----------------------------------------------------------------------------------

static void server_run(struct scene *scene)
{
    char data[RIG_PATH_BYTES + 16];
    int nowhere = open("/dev/null", O_WRONLY);
    (void)snprintf(data, sizeof data, "%s/data", scene->path);
    (void)dup2(nowhere, STDERR_FILENO);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    char *argv[] = {(char *)"jifend",
                    (char *)"--data",
                    data,
                    (char *)"--listen",
                    (char *)"127.0.0.1:0",
                    (char *)"--port-file",
                    scene->port_file,
                    (char *)"--segment-mib",
                    (char *)"4",
                    (char *)"--filter-mib",
                    (char *)"1",
                    (char *)"--cache-mib",
                    (char *)"8",
                    (char *)"--reserve-mib",
                    (char *)"1",
                    NULL};
    _exit(jf_server_main((int)(sizeof argv / sizeof argv[0]) - 1, argv));
}

static void scene_open(struct scene *scene, bool has_server)
{
    memset(scene, 0, sizeof *scene);
    rig_directory_make(scene->path);
    (void)snprintf(scene->port_file, sizeof scene->port_file, "%s/port", scene->path);
    (void)snprintf(scene->out_file, sizeof scene->out_file, "%s/out", scene->path);
    (void)snprintf(scene->error_file, sizeof scene->error_file, "%s/error", scene->path);
    (void)snprintf(scene->receipts_file, sizeof scene->receipts_file, "%s/receipts", scene->path);
    (void)snprintf(scene->address, sizeof scene->address, "127.0.0.1:1");
    scene->outcome = mmap(NULL, sizeof *scene->outcome, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(scene->outcome, MAP_FAILED);
    if (!has_server) {
        return;
    }
    scene->server = fork();
    cr_assert(scene->server >= 0);
    if (scene->server == 0) {
        server_run(scene);
    }
    for (uint32_t i = 0; i < PORT_WAITS && access(scene->port_file, R_OK) != 0; i++) {
        (void)usleep(PORT_WAIT_US);
    }
    char port[16];
    text_read(scene->port_file, port, sizeof port);
    port[strcspn(port, "\n")] = '\0';
    (void)snprintf(scene->address, sizeof scene->address, "127.0.0.1:%s", port);
}

static void scene_close(struct scene *scene)
{
    int status = 0;
    if (scene->server > 0) {
        cr_assert_eq(kill(scene->server, SIGTERM), 0);
        cr_assert_eq(waitpid(scene->server, &status, 0), scene->server);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "jifend: %x", (unsigned)status);
    }
    (void)munmap(scene->outcome, sizeof *scene->outcome);
    rig_directory_remove(scene->path);
}

// --- A subcommand.
// --------------------------------------------------------------------------------

static int arguments_split(const struct scene *scene, char *line, char *argv[ARGUMENTS_MAX])
{
    static char sample[] = NTH_SAMPLES "/programme-us-drug.yaml";
    int argc = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        cr_assert(argc < (int)ARGUMENTS_MAX - 1);
        bool is_receipts = strcmp(word, "RECEIPTS") == 0;
        char *named = is_receipts ? (char *)(uintptr_t)scene->receipts_file : sample;
        argv[argc++] = is_receipts || strcmp(word, "FILE") == 0 ? named : word;
    }
    argv[argc] = NULL;
    return argc;
}

static void output_to(const char *path, int fd)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    (void)dup2(file, fd);
    (void)close(file);
}

static void row_run(const struct scene *scene, const struct row *row, uint64_t number)
{
    struct nth_plan plan = {.kinds = NTH_MEMORY, .first = number};
    struct jf_cli cli = {.address = scene->address};
    char *argv[ARGUMENTS_MAX];
    char line[512];
    (void)snprintf(line, sizeof line, "%s", row->line);
    int argc = arguments_split(scene, line, argv);
    output_to(scene->out_file, STDOUT_FILENO);
    output_to(scene->error_file, STDERR_FILENO);
    nth_begin(&plan);
    scene->outcome->code = (int)row->run(&cli, argc, argv);
    scene->outcome->was_reached = nth_end();
    (void)snprintf(scene->outcome->what, sizeof scene->outcome->what, "%s", nth_what());
    (void)fflush(NULL);
    _exit(EXIT_SUCCESS);
}

// Returns: a hash of what it printed.
static uint64_t row_once(const struct scene *scene, const struct row *row, uint64_t number)
{
    int status = 0;
    memset(scene->outcome, 0, sizeof *scene->outcome);
    (void)fflush(NULL);
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        row_run(scene, row, number);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    char *text = malloc(OUTPUT_BYTES);
    cr_assert_not_null(text);
    text_read(scene->error_file, text, OUTPUT_BYTES);
    const struct outcome *outcome = scene->outcome;
    cr_assert(WIFEXITED(status), "%s: allocation %llu: status %x: %s", row->line,
              (unsigned long long)number, (unsigned)status, text);
    cr_assert(outcome->code >= JF_EXIT_OK && outcome->code <= JF_EXIT_DOUBTFUL, "%s: %s: exit %d",
              row->line, outcome->what, outcome->code);
    cr_assert(outcome->code == JF_EXIT_OK || text[0] != '\0', "%s: %s: exit %d without a word",
              row->line, outcome->what, outcome->code);
    cr_assert(outcome->was_reached || outcome->code == JF_EXIT_OK, "%s: exit %d: %s", row->line,
              outcome->code, text);
    text_read(scene->out_file, text, OUTPUT_BYTES);
    uint64_t hash = jf_hash64(text, strlen(text));
    free(text);
    return hash;
}

static void every_allocation_fails(const struct scene *scene, const struct row *row)
{
    uint64_t number = 1;
    uint64_t whole = row_once(scene, row, UINT64_MAX);
    for (;; number += STRIDE) {
        uint64_t hash = row_once(scene, row, number);
        const struct outcome *outcome = scene->outcome;
        cr_assert(!row->is_stable || outcome->code != JF_EXIT_OK || hash == whole,
                  "%s: %s: prints something else and ends with 0", row->line, outcome->what);
        if (!outcome->was_reached) {
            break;
        }
    }
    cr_log_info("%s: %llu allocations", row->line, (unsigned long long)number - 1);
}

Test(nth_cli, subcommands_without_a_ledger_end_in_order_whichever_allocation_fails)
{
    static const struct row rows[] = {
        {jf_cli_programme_run, "programme check FILE", true},
        {jf_cli_programme_run, "programme check FILE --json", true},
    };
    struct scene scene;
    scene_open(&scene, false);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        every_allocation_fails(&scene, &rows[i]);
    }
    scene_close(&scene);
}

Test(nth_cli, subcommands_that_ask_a_ledger_end_in_order_whichever_allocation_fails)
{
    static const struct row first[] = {
        {jf_cli_programme_run, "programme publish FILE --id publish", false},
        {jf_cli_store_run, "store put 1 --entity 1 --zone America/New_York", false},
        {jf_cli_enrol_run, "enrol 7 --enrolled-on 2017-01-01", false},
    };
    static const struct row rows[] = {
        {jf_cli_status_run, "status", false},
        {jf_cli_status_run, "status --json", false},
        {jf_cli_programme_run, "programme publish FILE --id publish", true},
        {jf_cli_programme_run, "programme show", true},
        {jf_cli_sale_run,
         "sale --id s1 --member 7 --store 1 --number r1 --at 2017-01-18T10:00:00Z "
         "--line A1:GROCERY:1:12.34",
         false},
        {jf_cli_member_run, "member 7 --as-of 2017-01-18", true},
        {jf_cli_history_run, "history 7", true},
        {jf_cli_explain_run, "explain s1", true},
        {jf_cli_tiers_run, "tiers --preview --as-of 2017-01-18 --list", false},
    };
    struct scene scene;
    scene_open(&scene, true);
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        (void)row_once(&scene, &first[i], UINT64_MAX);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        every_allocation_fails(&scene, &rows[i]);
    }
    scene_close(&scene);
}

// Twelve receipts of two lines each, of three members in two stores.
static void receipts_write(const struct scene *scene)
{
    FILE *file = fopen(scene->receipts_file, "w");
    cr_assert_not_null(file);
    (void)fprintf(file, "receipt_id,store_id,member_id,sold_at,sku,category,quantity,amount\n");
    for (unsigned i = 0; i < 12; i++) {
        for (unsigned line = 0; line < 2; line++) {
            (void)fprintf(file, "%u,%u,%u,2017-01-1%uT10:%02u:00,A%u,GROCERY,1,%u.50\n", 100 + i,
                          1 + i % 2, 1 + i % 3, 1 + i / 4, i, line, 3 + i);
        }
    }
    cr_assert_eq(fclose(file), 0);
}

// Whatever a run that failed left out, the next posts; the last finds all there.
Test(nth_cli, a_replay_ends_in_order_whichever_allocation_fails_and_is_whole_when_run_again)
{
    static const struct row publish = {jf_cli_programme_run, "programme publish FILE --id publish",
                                       false};
    static const struct row rows[] = {
        {jf_cli_replay_run, "replay RECEIPTS --concurrency 4 --connections 2", false},
        {jf_cli_replay_run, "replay RECEIPTS --concurrency 2 --connections 1 --batch 5", false},
    };
    static const struct row again = {jf_cli_replay_run, "replay RECEIPTS --json", false};
    char told[4096];
    struct scene scene;
    scene_open(&scene, true);
    receipts_write(&scene);
    (void)row_once(&scene, &publish, UINT64_MAX);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        every_allocation_fails(&scene, &rows[i]);
    }
    (void)row_once(&scene, &again, UINT64_MAX);
    text_read(scene.out_file, told, sizeof told);
    cr_assert_not_null(strstr(told, "\"posted\":0,\"replayed\":12,\"refused\":0"), "%s", told);
    scene_close(&scene);
}
