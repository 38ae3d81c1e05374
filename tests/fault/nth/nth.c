// A counter that all threads share, and the sentence that says what failed, which an abort prints
// too: the number alone would not lead anyone to the place.
#include "nth.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"

#define WHAT_BYTES 256u

static struct nth_plan plan;
static _Atomic uint64_t counted;
static _Atomic bool is_on;
static _Atomic bool was_reached;
static _Thread_local bool is_planner;
static _Thread_local bool is_inside; // dladdr and snprintf may ask for memory
static char what[WHAT_BYTES];

static void on_abort(int number)
{
    (void)number;
    if (what[0] != '\0') {
        static const char before[] = "nth: what had failed: ";
        (void)!write(STDERR_FILENO, before, sizeof before - 1);
        (void)!write(STDERR_FILENO, what, strlen(what));
        (void)!write(STDERR_FILENO, "\n", 1);
    }
    (void)signal(SIGABRT, SIG_DFL);
    (void)raise(SIGABRT);
}

void nth_begin(const struct nth_plan *wanted)
{
    JF_ASSERT(!atomic_load(&is_on));
    JF_ASSERT(wanted->first >= 1);
    plan = *wanted;
    plan.count = plan.count == 0 ? 1 : plan.count;
    atomic_store(&counted, 0);
    atomic_store(&was_reached, false);
    is_planner = true;
    what[0] = '\0';
    (void)signal(SIGABRT, on_abort);
    atomic_store(&is_on, true);
}

bool nth_end(void)
{
    JF_ASSERT(is_planner);
    atomic_store(&is_on, false);
    is_planner = false;
    return atomic_load(&was_reached);
}

uint64_t nth_counted(void)
{
    return atomic_load(&counted);
}

const char *nth_what(void)
{
    return what;
}

bool nth_is_on(enum nth_kind kind)
{
    return atomic_load(&is_on) && (plan.kinds & kind) != 0;
}

enum nth_manner nth_manner_now(void)
{
    return plan.manner;
}

int nth_error_now(void)
{
    return plan.error;
}

static void what_note(uint64_t number, const char *name, const void *caller)
{
    Dl_info place = {.dli_sname = NULL};
    is_inside = true;
    bool is_known = dladdr(caller, &place) != 0 && place.dli_sname != NULL;
    uintptr_t offset = is_known ? (uintptr_t)caller - (uintptr_t)place.dli_saddr : 0;
    (void)snprintf(what, sizeof what, "call %llu, %s in %s+0x%llx", (unsigned long long)number,
                   name, is_known ? place.dli_sname : "?", (unsigned long long)offset);
    is_inside = false;
}

bool nth_fails(enum nth_kind kind, const char *name, const void *caller)
{
    if (!atomic_load(&is_on) || (plan.kinds & kind) == 0 || is_inside ||
        (plan.is_this_thread && !is_planner)) {
        return false;
    }
    uint64_t number = atomic_fetch_add(&counted, 1) + 1;
    if (number < plan.first || number - plan.first >= plan.count) {
        return false;
    }
    if (number == plan.first) {
        what_note(number, name, caller);
    }
    atomic_store(&was_reached, true);
    return true;
}
