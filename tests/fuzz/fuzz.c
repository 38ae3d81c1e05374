// The cursor over an input, and blocks and files made of its bytes. Fails: without memory it stops,
// as a finding.
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"

struct jf_text fuzz_bytes(struct fuzz_input *input, size_t size_max)
{
    size_t size = input->left < size_max ? input->left : size_max;
    struct jf_text bytes = {(const char *)input->at, (uint32_t)size};
    input->at += size;
    input->left -= size;
    return bytes;
}

static uint64_t number(struct fuzz_input *input, size_t size)
{
    unsigned char all[8] = {0};
    struct jf_text bytes = fuzz_bytes(input, size);
    if (bytes.size > 0) {
        memcpy(all, bytes.data, bytes.size);
    }
    return jf_load_u64(all);
}

uint8_t fuzz_u8(struct fuzz_input *input)
{
    return (uint8_t)number(input, 1);
}

uint16_t fuzz_u16(struct fuzz_input *input)
{
    return (uint16_t)number(input, 2);
}

uint64_t fuzz_u64(struct fuzz_input *input)
{
    return number(input, 8);
}

static char *copy(struct jf_text bytes, size_t room)
{
    char *block = malloc(room);
    JF_ASSERT(block != NULL);
    if (bytes.size > 0) {
        memcpy(block, bytes.data, bytes.size);
    }
    return block;
}

char *fuzz_copy(struct jf_text bytes)
{
    return copy(bytes, bytes.size > 0 ? bytes.size : 1);
}

char *fuzz_copy_terminated(struct jf_text bytes)
{
    char *block = copy(bytes, (size_t)bytes.size + 1);
    block[bytes.size] = '\0';
    return block;
}

const char *fuzz_file(struct jf_text bytes)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        JF_ASSERT(fd >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    int code = ftruncate(fd, 0);
    JF_ASSERT(code == 0);
    ssize_t put = bytes.size == 0 ? 0 : pwrite(fd, bytes.data, bytes.size, 0);
    JF_ASSERT(put == (ssize_t)bytes.size);
    return path;
}
