// io/ring.h without a kernel, for the targets of net/: operations are kept, and done when the test
// says so. Links are fed here as the kernel would feed them, through their own completions. One
// thread.
#ifndef JF_TESTS_FUZZ_RING_FAKE_H
#define JF_TESTS_FUZZ_RING_FAKE_H

#include "net/link.h"

// How many bytes a send takes at most from now on; 0: sends stay in flight.
void ring_fake_send_max(uint32_t bytes_max);

// Gives bytes to a link. In: up to JF_HUB_BUFFER_BYTES. Returns: false where the link does not
// receive now (it is paused, or gone).
bool ring_fake_receive(struct jf_link *link, const unsigned char *bytes, uint32_t size);

// The peer closes, or resets, the connection.
void ring_fake_hang_up(struct jf_link *link, bool is_reset);

uint32_t ring_fake_in_flight(void); // operations not completed

#endif
