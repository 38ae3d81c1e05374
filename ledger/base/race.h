// What ThreadSanitizer has to be told. It follows C11 atomics and pthreads by itself, but sees
// neither the inline assembly of Concurrency Kit nor what the kernel writes. Outside its build
// nothing of this is left.
//
// Use it only where two threads are ordered by something that ThreadSanitizer cannot see, and say
// by what.
#ifndef JF_BASE_RACE_H
#define JF_BASE_RACE_H

#if defined(__SANITIZE_THREAD__)

#include <sanitizer/tsan_interface.h>

void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);

// Before handing over through `place`: everything done so far happens before …
#define JF_RACE_RELEASE(place) __tsan_release(place)
// … whatever follows this, in the thread that has taken from `place`.
#define JF_RACE_ACQUIRE(place) __tsan_acquire(place)
// Reads between them are ordered by other means. Never around code of the caller.
#define JF_RACE_READS_HIDE() AnnotateIgnoreReadsBegin(__FILE__, __LINE__)
#define JF_RACE_READS_SHOW() AnnotateIgnoreReadsEnd(__FILE__, __LINE__)

#else

#define JF_RACE_RELEASE(place) ((void)(place))
#define JF_RACE_ACQUIRE(place) ((void)(place))
#define JF_RACE_READS_HIDE()   ((void)0)
#define JF_RACE_READS_SHOW()   ((void)0)

#endif

#endif
