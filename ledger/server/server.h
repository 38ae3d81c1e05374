// jifend: the ledger as a server process. Also what `jifen serve` runs.
#ifndef JF_SERVER_SERVER_H
#define JF_SERVER_SERVER_H

// Exit codes; --help lists them.
enum jf_server_exit {
    JF_SERVER_EXIT_OK = 0,
    JF_SERVER_EXIT_FAILED = 1, // the ledger failed while it ran, or could not be closed in order
    JF_SERVER_EXIT_USAGE = 2,  // flags or configuration file
    JF_SERVER_EXIT_DIRECTORY =
        3, // the data directory: foreign, held by another process, not writable
    JF_SERVER_EXIT_CORRUPT = 4, // stored data is damaged; nothing was changed
    JF_SERVER_EXIT_KERNEL =
        5, // no io_uring, no O_DIRECT on the file system, or too few descriptors
    JF_SERVER_EXIT_ADDRESS = 6, // cannot listen: address, certificate
};

// Serves until SIGTERM or SIGINT. In: argv[0] the name for messages. One call a process.
// Returns: the exit code; what went wrong has been said on stderr.
int jf_server_main(int argc, char **argv);

#endif
