// jifen: one program, one subcommand a file. Finds the subcommand and hands over.
// Fails: no or an unknown subcommand (exit 2, with the nearest help).
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tools/jifen/cli.h"

struct subcommand {
    const char *name;
    const char *summary;
    enum jf_exit (*run)(struct jf_cli *cli, int argc, char **argv);
};

static const struct subcommand subcommands[] = {
#define JF_CLI_ROW(name, summary) {#name, summary, jf_cli_##name##_run},
    JF_CLI_SUBCOMMANDS(JF_CLI_ROW)
#undef JF_CLI_ROW
};

#define SUBCOMMAND_COUNT (sizeof(subcommands) / sizeof(subcommands[0]))

static const char help_text[] =
    "\n"
    "Options of every subcommand:\n"
    "  --address HOST:PORT        the ledger; default 127.0.0.1:7700, or $JIFEN_ADDRESS\n"
    "  --tls-ca FILE              speak TLS, trusting the authorities of this PEM file\n"
    "  --tls-server-name NAME     the name on the ledger's certificate, if not HOST\n"
    "  --json                     for programs: one JSON document a line. Answers of the ledger "
    "are\n"
    "                             the messages of proto/jifen/v1 with their field names; whole\n"
    "                             numbers stay numbers; units and dates are as documented there\n"
    "  --help                     the subcommand's options and an example\n"
    "\n"
    "Amounts are decimals with two digits (12.34), which are minor units / 100, also under a\n"
    "programme whose currency_digits is not 2. Dates are 2017-01-18, instants "
    "2017-01-18T10:00:00Z.\n"
    "\n"
    "Exit codes:\n"
    "  0  done\n"
    "  1  refused by the ledger: the reason is on stderr\n"
    "  2  wrong usage\n"
    "  3  no connection, or the ledger cannot answer now\n"
    "  4  the input cannot be read, or some of its lines are bad (the rest was used)\n"
    "  5  something does not tie, or stored data is damaged\n"
    "  6  the input is good, and a check warns of it\n"
    "\n"
    "Example:\n"
    "  jifen serve --data /var/lib/jifen &\n"
    "  jifen programme publish tools/samples/programme-us-drug.yaml\n"
    "  jifen replay receipts.csv.gz\n";

static enum jf_exit help_print(void)
{
    (void)puts("jifen: the loyalty-points ledger at the command line\n\n"
               "Usage: jifen SUBCOMMAND [options]\n\nSubcommands:");
    for (size_t at = 0; at < SUBCOMMAND_COUNT; at++) {
        (void)printf("  %-12s %s\n", subcommands[at].name, subcommands[at].summary);
    }
    (void)puts("  help         this text, or the help of a subcommand\n"
               "  version      the program's version");
    (void)fputs(help_text, stdout);
    return jf_cli_finish(JF_EXIT_OK);
}

static enum jf_exit version_print(const struct jf_cli *cli)
{
    (void)printf(cli->is_json ? "{\"version\":\"%s\"}\n" : "jifen %s\n", JF_VERSION);
    return jf_cli_finish(JF_EXIT_OK);
}

static bool is_word(const char *argument, const char *word)
{
    return strcmp(argument, word) == 0 ||
           (strncmp(argument, "--", 2) == 0 && strcmp(argument + 2, word) == 0);
}

static enum jf_exit dispatch(struct jf_cli *cli, int argc, char **argv)
{
    for (size_t at = 0; at < SUBCOMMAND_COUNT; at++) {
        if (strcmp(subcommands[at].name, argv[0]) == 0) {
            return subcommands[at].run(cli, argc, argv);
        }
    }
    return jf_cli_fail(JF_EXIT_USAGE, "there is no subcommand \"%s\"; see: jifen help", argv[0]);
}

int main(int argc, char **argv)
{
    struct jf_cli cli = {.address = getenv("JIFEN_ADDRESS")};
    if (cli.address == NULL || cli.address[0] == '\0') {
        cli.address = "127.0.0.1:7700";
    }
    // A reader that goes away (jifen ... | head) must be noticed as a write error, not kill in
    // silence.
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        (void)help_print();
        return JF_EXIT_USAGE;
    }
    if (is_word(argv[1], "version")) {
        cli.is_json = argc > 2 && strcmp(argv[2], "--json") == 0;
        return (int)version_print(&cli);
    }
    if (is_word(argv[1], "help")) {
        cli.is_help_wanted = argc > 2;
        return (int)(argc > 2 ? dispatch(&cli, 1, argv + 2) : help_print());
    }
    return (int)dispatch(&cli, argc - 1, argv + 1);
}
