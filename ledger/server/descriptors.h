// How many files and sockets the process may have open. In: before other threads run.
#ifndef JF_SERVER_DESCRIPTORS_H
#define JF_SERVER_DESCRIPTORS_H

#include <stdint.h>

// Raises the limit as far as this user may. Returns: the limit.
uint64_t jf_server_descriptors_raise(void);

#endif
