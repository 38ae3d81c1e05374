// Assertions: on in every build. They state what only a bug can break; client input and stored
// bytes are checked with errors instead. A failed assertion prints where and stops the process at
// once: a ledger that no longer knows what it holds must not write.
#ifndef JF_BASE_ASSERT_H
#define JF_BASE_ASSERT_H

// In: the condition's text and place. Returns: never.
_Noreturn void jf_assert_fail(const char *condition, const char *file, int line);

#define JF_ASSERT(condition)                                                                       \
    ((condition) ? (void)0 : jf_assert_fail(#condition, __FILE__, __LINE__))

#endif
