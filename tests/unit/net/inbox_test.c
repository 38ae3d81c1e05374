// net/inbox: messages in every cut, and what must never be held.
#include <criterion/criterion.h>

#include "base/assert.h"
#include "net/grpc.h"
#include "net/inbox.h"

#define MESSAGE_MAX 1000u

static struct jf_budget budget;
static struct jf_inbox inbox;

static void set_up(void)
{
    budget = (struct jf_budget){.bytes_max = 1 << 20};
    inbox = (struct jf_inbox){.message_bytes_max = MESSAGE_MAX, .budget = &budget};
}

static void tear_down(void)
{
    jf_buffer_clear(&inbox.buffer, 0, &budget);
    JF_ASSERT(budget.used_bytes == 0);
}

TestSuite(inbox, .init = set_up, .fini = tear_down);

static uint32_t frame_write(unsigned char *to, uint32_t size, unsigned char fill)
{
    jf_grpc_prefix_write(to, size);
    memset(to + JF_GRPC_PREFIX_BYTES, fill, size);
    return JF_GRPC_PREFIX_BYTES + size;
}

Test(inbox, refuses_a_size_above_the_bound_and_holds_nothing)
{
    unsigned char prefix[5];
    jf_grpc_prefix_write(prefix, MESSAGE_MAX + 1);
    struct jf_span input = {prefix, 5};
    struct jf_span message;
    cr_expect_eq(jf_inbox_next(&inbox, &input, &message), JF_INBOX_TOO_LARGE);
    cr_expect_eq(jf_inbox_collect(&inbox, (struct jf_span){prefix, 5}), JF_INBOX_TOO_LARGE);
    cr_expect_leq(inbox.buffer.capacity, JF_BUFFER_KEPT_BYTES);
}

Test(inbox, refuses_compressed_and_malformed_flags)
{
    unsigned char frame[8] = {1, 0, 0, 0, 3, 'a', 'b', 'c'};
    struct jf_span message;
    struct jf_span input = {frame, 8};
    cr_expect_eq(jf_inbox_next(&inbox, &input, &message), JF_INBOX_COMPRESSED);
    cr_expect_not(jf_inbox_is_whole(&inbox, (struct jf_span){frame, 8}, &message));
    frame[0] = 2;
    input = (struct jf_span){frame, 8};
    cr_expect_eq(jf_inbox_next(&inbox, &input, &message), JF_INBOX_MALFORMED);
    cr_expect_eq(jf_inbox_collect(&inbox, (struct jf_span){frame, 8}), JF_INBOX_MALFORMED);
}

Test(inbox, refuses_when_the_budget_is_exhausted)
{
    static unsigned char bytes[100005];
    frame_write(bytes, 100000, 'x');
    inbox.message_bytes_max = 200000;
    budget.bytes_max = 50000;
    struct jf_span input = {bytes, 60000};
    struct jf_span message;
    cr_expect_eq(jf_inbox_next(&inbox, &input, &message), JF_INBOX_NO_MEMORY);
}

Test(inbox, collect_tells_bytes_after_the_message)
{
    unsigned char bytes[32];
    uint32_t size = frame_write(bytes, 3, 'x');
    cr_expect_eq(jf_inbox_collect(&inbox, (struct jf_span){bytes, size}), JF_INBOX_MESSAGE);
    cr_expect_eq(jf_inbox_message(&inbox).size, 3);
    cr_expect_eq(jf_inbox_collect(&inbox, (struct jf_span){bytes, 1}), JF_INBOX_EXTRA);
}

Test(inbox, whole_message_is_not_copied)
{
    unsigned char bytes[32];
    uint32_t size = frame_write(bytes, 10, 'x');
    struct jf_span input = {bytes, size};
    struct jf_span message;
    cr_assert(jf_inbox_is_whole(&inbox, input, &message));
    cr_expect_eq(message.bytes, bytes + 5);
    cr_expect_eq(message.size, 10);
    cr_assert_eq(jf_inbox_next(&inbox, &input, &message), JF_INBOX_MESSAGE);
    cr_expect_eq(message.bytes, bytes + 5);
    cr_expect_eq(input.size, 0);
    cr_expect_null(inbox.buffer.bytes);
}

// Feeds bytes from..to. Returns: how many of the messages that came next are as expected, added to
// `count`.
static uint32_t piece_feed(const unsigned char *bytes, uint32_t from, uint32_t to, uint32_t count)
{
    static const uint32_t expected[] = {7, 0, 12};
    struct jf_span input = {bytes + from, to - from};
    struct jf_span message;
    while (jf_inbox_next(&inbox, &input, &message) == JF_INBOX_MESSAGE) {
        JF_ASSERT(count < 3);
        JF_ASSERT(message.size == expected[count]);
        JF_ASSERT(message.size == 0 || message.bytes[message.size - 1] == (count == 0 ? 'a' : 'c'));
        count += 1;
    }
    return count;
}

// Three messages, one of them empty, cut at every pair of places.
Test(inbox, messages_are_the_same_however_they_are_cut)
{
    unsigned char bytes[64];
    uint32_t size = frame_write(bytes, 7, 'a');
    size += frame_write(bytes + size, 0, 0);
    size += frame_write(bytes + size, 12, 'c');
    for (uint32_t cut = 0; cut < (size + 1) * (size + 1); cut++) {
        uint32_t first = cut / (size + 1);
        uint32_t second = cut % (size + 1) > first ? cut % (size + 1) : first;
        uint32_t count = piece_feed(bytes, 0, first, 0);
        count = piece_feed(bytes, first, second, count);
        count = piece_feed(bytes, second, size, count);
        cr_assert_eq(count, 3, "cut at %u and %u", first, second);
        cr_assert(jf_inbox_is_empty(&inbox));
    }
}
