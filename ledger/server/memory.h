// The process's way with memory, set once at start. In: before other threads run.
#ifndef JF_SERVER_MEMORY_H
#define JF_SERVER_MEMORY_H

void jf_server_memory_tune(void);

#endif
