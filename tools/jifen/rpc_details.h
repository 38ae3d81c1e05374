// google.rpc.Status (https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto),
// of which only the jifen.v1.Refusal among its details is wanted. Threads: any; pure.
#ifndef JF_TOOLS_RPC_DETAILS_H
#define JF_TOOLS_RPC_DETAILS_H

#include <stdbool.h>

#include "base/text.h"

// In: an encoded google.rpc.Status: outside bytes.
// Returns: true and the encoded jifen.v1.Refusal within `status`; false when there is none.
bool jf_rpc_details_find_refusal(struct jf_text status, struct jf_text *out_refusal);

#endif
