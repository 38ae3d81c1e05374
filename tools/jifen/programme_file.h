// A programme's file, as the subcommands of `jifen programme` read it. One thread.
#ifndef JF_TOOLS_PROGRAMME_FILE_H
#define JF_TOOLS_PROGRAMME_FILE_H

#include "tools/jifen/cli.h"

// Out: *out_yaml, terminated, in static memory until the next call.
// Returns: JF_EXIT_OK; JF_EXIT_BAD_INPUT after saying what is wrong: it cannot be read, is empty,
// above 1 MiB, or no text.
enum jf_exit jf_programme_file_read(const char *path, const char **out_yaml);

// jifen programme check FILE. In: cli->arguments[1] is the file. Returns: the exit code.
enum jf_exit jf_programme_file_check(struct jf_cli *cli);

#endif
