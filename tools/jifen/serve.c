// jifen serve: is jifend. Options, messages and exit codes are jifend's own
// (ledger/server/server.h).
#include "server/server.h"
#include "tools/jifen/cli.h"

enum jf_exit jf_cli_serve_run(struct jf_cli *cli, int argc, char **argv)
{
    char name[] = "jifen serve";
    char help[] = "--help";
    char *help_arguments[] = {name, help, NULL};
    if (cli->is_help_wanted && argc == 1) { // jifen help serve
        return (enum jf_exit)jf_server_main(2, help_arguments);
    }
    argv[0] = name;
    return (enum jf_exit)jf_server_main(argc, argv);
}
