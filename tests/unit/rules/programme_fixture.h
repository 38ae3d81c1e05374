// Programmes for tests: a small valid document with lines added, parsed and released.
#ifndef PROGRAMME_FIXTURE_H
#define PROGRAMME_FIXTURE_H

#include "base/error.h"
#include "base/text.h"
#include "rules/programme.h"

// The head of most tests' programmes: 1 point for 1.00, floor by receipt, never expiring. Lines 1
// to 4.
#define FIXTURE_HEAD                                                                               \
    "name: p\n"                                                                                    \
    "effective_from: 2026-01-01T00:00:00Z\n"                                                       \
    "earn: {points: 1, per_amount: 1.00}\n"                                                        \
    "expiry: {policy: never}\n"

// Parses terminated text that must be valid; the test fails otherwise. The caller destroys.
struct jf_programme *fixture_programme(const char *yaml);

// Parses text that must be refused with an INVALID or LIMIT error. Returns: the diagnosis, static.
const char *fixture_fault(const char *yaml);

// Reads a file of tools/samples. Returns: heap memory for the caller to free; *out_size without its
// NUL.
char *fixture_sample(const char *name, size_t *out_size);

#endif
