// Failed assertions: one line to standard error, then abort, so that the supervisor restarts the
// process and recovery decides what is true.
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void jf_assert_fail(const char *condition, const char *file, int line)
{
    fprintf(stderr, "jifen: bug: assertion failed: %s (%s:%d)\n", condition, file, line);
    abort();
}
