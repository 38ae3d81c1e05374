// The soft limit is what shells give by habit (1,024); the hard one is what the machine's owner
// allows. Cannot fail: where it may not be raised, it is what it was.
#include "server/descriptors.h"

#include <sys/resource.h>

uint64_t jf_server_descriptors_raise(void)
{
    struct rlimit limit = {0};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}
