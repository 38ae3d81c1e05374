// Socket calls that the linker sends here: refused when it is their turn.
#include <errno.h>
#include <sys/socket.h>

#include "nth.h"

// None of them can be short.
#define FAILS(name)                                                                                \
    (nth_fails(NTH_SOCKET, name, __builtin_return_address(0)) && nth_manner_now() != NTH_SHORT_ONLY)

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __real_bind(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size);
int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog);
int __real_getsockname(int fd, struct sockaddr *address, socklen_t *size);
int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *size);

static int refuse(void)
{
    errno = nth_error_now();
    return -1;
}

int __wrap_socket(int domain, int type, int protocol)
{
    return FAILS("socket") ? refuse() : __real_socket(domain, type, protocol);
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size)
{
    return FAILS("bind") ? refuse() : __real_bind(fd, address, size);
}

int __wrap_listen(int fd, int backlog)
{
    return FAILS("listen") ? refuse() : __real_listen(fd, backlog);
}

int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
    return FAILS("getsockname") ? refuse() : __real_getsockname(fd, address, size);
}
