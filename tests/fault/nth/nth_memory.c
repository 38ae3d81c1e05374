// Memory, pages and threads that the linker sends here: refused when it is their turn, as the
// library would refuse them.
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "nth.h"

#define FAILS(name) nth_fails(NTH_MEMORY, name, __builtin_return_address(0))

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *bytes, size_t size);
void *__wrap_realloc(void *bytes, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__real_cyaml_mem(void *context, void *bytes, size_t size);
void *__wrap_cyaml_mem(void *context, void *bytes, size_t size);
DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
DIR *__real_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *context), void *context);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *context), void *context);

static void *refuse(void)
{
    errno = ENOMEM;
    return NULL;
}

void *__wrap_malloc(size_t size)
{
    return FAILS("malloc") ? refuse() : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return FAILS("calloc") ? refuse() : __real_calloc(count, size);
}

void *__wrap_realloc(void *bytes, size_t size)
{
    return FAILS("realloc") ? refuse() : __real_realloc(bytes, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return FAILS("aligned_alloc") ? refuse() : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return FAILS("strdup") ? refuse() : __real_strdup(text);
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (FAILS("mmap")) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return __real_mmap(at, size, protection, flags, fd, offset);
}

// libcyaml's own, which its callers name as the memory to use. Size 0 frees.
void *__wrap_cyaml_mem(void *context, void *bytes, size_t size)
{
    return size > 0 && FAILS("cyaml_mem") ? refuse() : __real_cyaml_mem(context, bytes, size);
}

DIR *__wrap_opendir(const char *path)
{
    return FAILS("opendir") ? refuse() : __real_opendir(path);
}

DIR *__wrap_fdopendir(int fd)
{
    return FAILS("fdopendir") ? refuse() : __real_fdopendir(fd);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    return FAILS("fopen") ? refuse() : __real_fopen(path, mode);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *context), void *context)
{
    return FAILS("pthread_create") ? EAGAIN
                                   : __real_pthread_create(thread, attributes, run, context);
}
