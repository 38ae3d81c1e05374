// jifend. Everything is in server/run.c, which `jifen serve` runs, too.
#include "server/server.h"

int main(int argc, char **argv)
{
    return jf_server_main(argc, argv);
}
