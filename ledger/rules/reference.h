// Reference data that planning reads: stores, programme versions, the names of grounds. Built only
// by applying STORE and PUBLICATION entries in order. One owner thread (the ledger thread).
#ifndef JF_RULES_REFERENCE_H
#define JF_RULES_REFERENCE_H

#include "base/error.h"
#include "base/zone.h"
#include "rules/entry.h"
#include "rules/programme.h"

struct jf_store {
    struct jf_store_id id;
    struct jf_entity_id entity;
    uint32_t day_start_second;
    const struct jf_zone *zone; // shared, owned by the reference
    struct jf_text region;      // owned by the reference
    struct jf_text zone_name;   // owned by the reference
};

struct jf_programme_version {
    uint32_t version; // 1, 2, 3 …
    uint64_t position;
    int64_t effective_from_ms;
    struct jf_programme *programme; // owned by the reference
    struct jf_text yaml;            // owned by the reference
};

struct jf_reference;

// In: zone_directory as for jf_zone_load (copied).
JF_MUST_USE enum jf_error jf_reference_create(const char *zone_directory,
                                              struct jf_reference **out_reference);
void jf_reference_destroy(struct jf_reference *reference); // NULL is accepted

// Returns: the store, valid until the reference changes; NULL when unknown. O(1).
const struct jf_store *jf_reference_store(const struct jf_reference *reference,
                                          struct jf_store_id id);
uint32_t jf_reference_store_count(const struct jf_reference *reference);

// The newest published of the versions in force at an instant (effective_from_ms ≤ at_ms); NULL:
// none.
const struct jf_programme_version *jf_reference_programme_at(const struct jf_reference *reference,
                                                             int64_t at_ms);
// By number; NULL: none.
const struct jf_programme_version *jf_reference_programme(const struct jf_reference *reference,
                                                          uint32_t version);
// The newest published, whatever its instant; NULL: none.
const struct jf_programme_version *jf_reference_programme_newest(
    const struct jf_reference *reference);
uint32_t jf_reference_programme_count(const struct jf_reference *reference);

// Grounds: number 0 is "base".
uint32_t jf_reference_reason_count(const struct jf_reference *reference);
struct jf_text jf_reference_reason_name(const struct jf_reference *reference, uint32_t number);
// Returns: the number of a name, or UINT32_MAX.
uint32_t jf_reference_reason_find(const struct jf_reference *reference, struct jf_text name);

// Loads (or shares) the zone of a store entry / parses the programme of a publication ahead of
// applying, so that applying cannot fail: called by planning (a failure becomes a refusal) and by
// replay (a failure is an error).
JF_MUST_USE enum jf_error jf_reference_prepare(struct jf_reference *reference,
                                               const struct jf_entry *entry,
                                               struct jf_diagnosis *diagnosis);

// Applies a prepared STORE or PUBLICATION entry; other kinds do nothing. Cannot fail after prepare.
void jf_reference_apply(struct jf_reference *reference, const struct jf_entry *entry);

#endif
