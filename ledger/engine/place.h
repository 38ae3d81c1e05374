// Where a new directory may be made. Any thread; nothing is kept.
#ifndef JF_ENGINE_PLACE_H
#define JF_ENGINE_PLACE_H

#include "base/error.h"

// Looks at the directories above `path`, which need not be there itself. Errors, each diagnosed
// with the directory and what to do: NOT_FOUND (the one it is to be made in is missing), INVALID
// (one of them is a ledger or a backup, whose own files a directory inside would mix with), IO.
JF_MUST_USE enum jf_error jf_place_check(const char *path, struct jf_diagnosis *diagnosis);

#endif
