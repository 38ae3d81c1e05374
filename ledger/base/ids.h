// Ids are one-field structs, so that a member's number cannot be passed as a store's.
#ifndef JF_BASE_IDS_H
#define JF_BASE_IDS_H

#include <stdint.h>

struct jf_member_id {
    uint64_t value; // 0: none
};

struct jf_store_id {
    uint32_t value; // 0: none
};

struct jf_entity_id {
    uint32_t value; // 0: none
};

#endif
