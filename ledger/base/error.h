// Error codes, one list. An error is what a function could not do; a refusal (rules/refusal.h) is
// an answer to a till; a bug is an assertion. Threads: any.
//
// Functions that can say more than a code take a `struct jf_diagnosis *`, filled on failure only:
// it names the thing, the place and the remedy in one sentence that an operator can act on.
#ifndef JF_BASE_ERROR_H
#define JF_BASE_ERROR_H

#include <stddef.h>

#define JF_ERRORS(X)                                                                               \
    X(JF_OK, "no error")                                                                           \
    X(JF_ERROR_NO_MEMORY, "out of memory")                                                         \
    X(JF_ERROR_LIMIT, "a documented limit was exceeded")                                           \
    X(JF_ERROR_INVALID, "invalid input")                                                           \
    X(JF_ERROR_OVERFLOW, "a number would leave the 64-bit range")                                  \
    X(JF_ERROR_NOT_FOUND, "not found")                                                             \
    X(JF_ERROR_EXISTS, "already exists")                                                           \
    X(JF_ERROR_IO, "an input or output operation failed")                                          \
    X(JF_ERROR_NO_SPACE, "no space left on the device")                                            \
    X(JF_ERROR_NO_URING, "io_uring is not available")                                              \
    X(JF_ERROR_NO_DIRECT, "the file system does not support O_DIRECT")                             \
    X(JF_ERROR_LOCKED, "another process holds the directory")                                      \
    X(JF_ERROR_FOREIGN, "the data belongs to another ledger or is no ledger at all")               \
    X(JF_ERROR_VERSION, "the format version is not supported")                                     \
    X(JF_ERROR_CORRUPT, "stored data is damaged")                                                  \
    X(JF_ERROR_GAP, "the journal no longer holds what recovery needs")                             \
    X(JF_ERROR_STATE, "the state database failed")                                                 \
    X(JF_ERROR_BUSY, "a queue is full")                                                            \
    X(JF_ERROR_CLOSED, "already closed or shutting down")                                          \
    X(JF_ERROR_UNSUPPORTED, "not supported in this version")

enum jf_error {
#define JF_ERROR_ENUM(code, text) code,
    JF_ERRORS(JF_ERROR_ENUM)
#undef JF_ERROR_ENUM
    JF_ERROR_COUNT
};

#define JF_MUST_USE __attribute__((warn_unused_result))

#define JF_DIAGNOSIS_TEXT_MAX 512

// One sentence about a failure. Caller-owned; text is always terminated.
struct jf_diagnosis {
    enum jf_error error;
    char text[JF_DIAGNOSIS_TEXT_MAX];
};

// Returns: the code's text, static; "unknown error" for values outside the list.
const char *jf_error_text(enum jf_error error);

// Returns: the code's name, such as "JF_ERROR_IO", static.
const char *jf_error_name(enum jf_error error);

// Fills `diagnosis` (may be NULL) with printf-style text, cut at JF_DIAGNOSIS_TEXT_MAX - 1 bytes.
// Returns: `error`, so that `return jf_diagnose(...)` reads well.
enum jf_error jf_diagnose(struct jf_diagnosis *diagnosis, enum jf_error error, const char *format,
                          ...) __attribute__((format(printf, 3, 4)));

// clang's analyzer sees one file at a time: it is told that a diagnosis is never of JF_OK, so that
// it does not follow failures into the code after success.
#ifdef __clang_analyzer__
static inline enum jf_error jf_diagnosed(enum jf_error answer, enum jf_error error)
{
    if (answer != error || error == JF_OK) {
        __builtin_unreachable();
    }
    return error;
}
#define jf_diagnose(diagnosis, error, ...)                                                         \
    jf_diagnosed((jf_diagnose)((diagnosis), (error), __VA_ARGS__), (error))
#endif

#endif
