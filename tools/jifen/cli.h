// What all subcommands share: exit codes, options by table, help, messages.
//
// One thread. A subcommand describes itself by a `struct jf_cli_help` and a table of options, lets
// jf_cli_parse fill its variables, and returns an exit code.
#ifndef JF_TOOLS_CLI_H
#define JF_TOOLS_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/date.h"
#include "base/error.h"

// Documented in `jifen help`: scripts rely on them.
enum jf_exit {
    JF_EXIT_OK = 0,
    JF_EXIT_REFUSED = 1,     // the ledger said no
    JF_EXIT_USAGE = 2,       // the command line is wrong
    JF_EXIT_UNAVAILABLE = 3, // no connection, or the ledger cannot answer now
    JF_EXIT_BAD_INPUT = 4,   // the input file cannot be read, or some of its lines are bad
    JF_EXIT_BROKEN = 5,      // something does not tie, or stored data is damaged
    JF_EXIT_DOUBTFUL = 6,    // the input is good, and a check warns of it
    JF_EXIT_GO_ON = -1,      // of jf_cli_parse only: run the subcommand
};

#define JF_CLI_ARGUMENTS_MAX 8u
#define JF_CLI_LIST_MAX      512u

struct jf_cli {
    const char *address;         // HOST:PORT
    const char *tls_ca;          // NULL: plain text
    const char *tls_server_name; // NULL: the host of `address`
    bool is_json;
    bool is_help_wanted;
    const char *arguments[JF_CLI_ARGUMENTS_MAX]; // what is not an option
    uint32_t argument_count;
};

struct jf_cli_list {
    const char *items[JF_CLI_LIST_MAX];
    uint32_t count;
};

enum jf_option_kind {
    JF_OPTION_FLAG,    // bool
    JF_OPTION_TEXT,    // const char *
    JF_OPTION_U32,     // uint32_t
    JF_OPTION_U64,     // uint64_t
    JF_OPTION_POINTS,  // int64_t, whole
    JF_OPTION_DATE,    // jf_date
    JF_OPTION_INSTANT, // int64_t, Unix milliseconds; without an offset: UTC
    JF_OPTION_LIST,    // struct jf_cli_list, may be given again
};

struct jf_option {
    const char *name;  // "--card"
    const char *value; // "CARD"; NULL for flags
    enum jf_option_kind kind;
    void *out; // of the kind's type, holds the default
    const char *help;
};

struct jf_cli_help {
    const char *usage;   // "jifen enrol NUMBER --enrolled-on DATE [options]"
    const char *about;   // sentences, lines ended by \n
    const char *example; // commands that work as they stand
    uint32_t arguments_min;
    uint32_t arguments_max;
};

// In: argv[0] is the subcommand's name. Out: the options' variables, cli.
// Returns: JF_EXIT_GO_ON; JF_EXIT_OK after printing help; JF_EXIT_USAGE after saying what is wrong.
enum jf_exit jf_cli_parse(struct jf_cli *cli, const struct jf_cli_help *help,
                          const struct jf_option *options, uint32_t option_count, int argc,
                          char **argv);

#define JF_OPTION_COUNT(options) ((uint32_t)(sizeof(options) / sizeof((options)[0])))

// Prints "jifen: " and the text on stderr. Returns: `code`.
enum jf_exit jf_cli_fail(enum jf_exit code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// The same for wrong usage, with a hint at --help.
enum jf_exit jf_cli_usage(const char *subcommand, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Says what `diagnosis` says. Returns: the exit code that fits its error.
enum jf_exit jf_cli_diagnosed(const struct jf_diagnosis *diagnosis);

// Returns: a transaction id that no earlier call made, such as "redeem-18c2f0a1b2c3d4e5-1a2b";
// static memory.
const char *jf_cli_new_id(const char *prefix);

// Flushes stdout. Returns: `code`, or JF_EXIT_BAD_INPUT when what was printed could not be written.
enum jf_exit jf_cli_finish(enum jf_exit code);

// The subcommands: argv[0] is their name.
#define JF_CLI_SUBCOMMANDS(X)                                                                      \
    X(serve, "start the ledger; is jifend, with its exit codes")                                   \
    X(status, "what the ledger holds and how it is")                                               \
    X(programme, "publish, check, simulate or show the rules of the programme")                    \
    X(store, "put a store: legal entity, time zone, business day")                                 \
    X(enrol, "enrol a member")                                                                     \
    X(member, "show a member: balance, tier, lots")                                                \
    X(update, "replace what is known of a member, or erase what leads to a person")                \
    X(card, "link a card to a member, or unlink it")                                               \
    X(freeze, "stop a member from redeeming")                                                      \
    X(thaw, "let a frozen member redeem again")                                                    \
    X(close, "end a membership")                                                                   \
    X(merge, "make two members one")                                                               \
    X(adjust, "credit or debit points by hand")                                                    \
    X(transfer, "move points from one member to another")                                          \
    X(history, "show what happened to a member, newest first")                                     \
    X(quote, "what a sale would earn, without posting it")                                         \
    X(sale, "post a sale")                                                                         \
    X(redeem, "spend points outside a sale")                                                       \
    X(hold, "set points aside until they are captured or voided")                                  \
    X(capture, "spend points that are held")                                                       \
    X(void, "give back points that are held")                                                      \
    X(return, "take back lines of a sale, or all of it")                                           \
    X(explain, "an entry in sentences: which rules counted, and why")                              \
    X(follow, "every entry as it comes, from a position on")                                       \
    X(tiers, "preview or run the recalculation of tiers")                                          \
    X(expire, "post what has expired by a date")                                                   \
    X(replay, "post the receipts of a CSV file")                                                   \
    X(generate, "write a CSV file of receipts of an invented chain")                               \
    X(demo, "a day at the tills: replay, redeem, return, recalculate, verify")                     \
    X(journal, "print or verify the journal, also of a running one; or repair it")                 \
    X(verify, "check that members, lots, accounts and journal tie")                                \
    X(backup, "copy a ledger to a safe place: first whole, then what is new")                      \
    X(restore, "make a ledger from a backup, up to a position or an instant")                      \
    X(rebuild, "make the state of a stopped ledger anew from its journal")                         \
    X(archive, "compress what of the journal is not needed any more")                              \
    X(checkpoint, "write the state to disk now")

#define JF_CLI_DECLARE(name, summary)                                                              \
    enum jf_exit jf_cli_##name##_run(struct jf_cli *cli, int argc, char **argv);
JF_CLI_SUBCOMMANDS(JF_CLI_DECLARE)
#undef JF_CLI_DECLARE

#endif
