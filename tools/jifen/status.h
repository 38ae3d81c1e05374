// Parts of the status that other subcommands show too. One thread.
#ifndef JF_TOOLS_STATUS_H
#define JF_TOOLS_STATUS_H

#include "jifen/v1/operations.pb-c.h"
#include "tools/jifen/cli.h"

const char *jf_status_account(Jifen__V1__Account account); // "issued"; static
enum jf_exit jf_status_show_tiers(const Jifen__V1__StatusResponse *status);

#endif
