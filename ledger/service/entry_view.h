// Stored entries as what people and programs read: jifen.v1.Entry → jifen.v1.EntryView. Threads:
// any.
#ifndef JF_SERVICE_ENTRY_VIEW_H
#define JF_SERVICE_ENTRY_VIEW_H

#include "base/arena.h"
#include "base/error.h"
#include "jifen/v1/ledger.pb-c.h"

// In: bytes of an encoded jifen.v1.Entry. Out: a view in `arena`.
// Errors: JF_ERROR_CORRUPT when the bytes are no entry; JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_entry_view(struct jf_text bytes, struct jf_arena *arena,
                                        Jifen__V1__EntryView **out_view);

#endif
