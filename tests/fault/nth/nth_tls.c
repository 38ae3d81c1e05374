// OpenSSL's own memory is refused too: it asks these functions, which ask as our own objects do.
// Set before main, because OpenSSL takes them only before its first allocation.
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

static void *memory_take(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(size);
}

static void *memory_change(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return realloc(memory, size);
}

static void memory_give(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

__attribute__((constructor)) static void memory_of_openssl_set(void)
{
    if (CRYPTO_set_mem_functions(memory_take, memory_change, memory_give) != 1) {
        (void)fprintf(stderr, "OpenSSL has taken memory already\n");
        abort();
    }
}
