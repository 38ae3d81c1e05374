// The day's commands and questions: for nth_day.c and nth_ledger.c.
#ifndef JF_TESTS_NTH_DAY_H
#define JF_TESTS_NTH_DAY_H

#include "nth_ledger.h"

// 2026-06-15 12:00:00 UTC, when the day begins.
#define NTH_NOW_MS  INT64_C(1781524800000)
#define NTH_MEMBERS 4u

#endif
