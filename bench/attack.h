// Clients that abuse a server on the wire, in a process of their own that has what the processor's
// others leave: they are many machines elsewhere, and what is measured is what they cost the
// server, not its neighbours.
#ifndef JF_BENCH_ATTACK_H
#define JF_BENCH_ATTACK_H

#include <stdint.h>
#include <sys/types.h>

struct jf_attack; // one kind

// Returns: NULL past the last.
const struct jf_attack *jf_attack_at(uint32_t index);
const char *jf_attack_name(const struct jf_attack *attack);

// Attacks 127.0.0.1 until it is stopped, connecting anew whenever it is cut off; dies with us.
// Returns: the process, or -1 with errno.
pid_t jf_attack_start(const struct jf_attack *attack, uint16_t port);
void jf_attack_stop(pid_t pid);

#endif
