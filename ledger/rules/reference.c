// Stores in a hash table by number, programme versions in the order of publication, and texts that
// outlive both (zones' names, regions, grounds).
//
// An entry comes in two steps. Preparing does all that can fail: it loads a zone, parses a
// programme, makes room. Applying then cannot fail. A prepared programme that is never applied (its
// entry was not written) is dropped by the next one. Failures: a zone that the tz database does not
// hold, a programme that does not parse, a publication out of sequence (a damaged journal), too
// many of either, no memory.
#include "rules/reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/limits.h"
#include "rules/reference_private.h"
#include "rules/text_table.h"

#define TABLE_FIRST 16u

struct jf_reference {
    char *zone_directory; // NULL: the system's
    struct jf_text_table zone_names;
    struct jf_zone **zones; // by the number of the name
    uint32_t zone_capacity;
    struct jf_text_table regions;
    struct jf_text_table reasons; // number 0: base
    struct jf_store *stores;      // open addressing, linear probing; id 0: empty
    uint32_t store_slots;         // power of two
    uint32_t store_count;
    struct jf_programme_version *versions; // by version - 1
    uint32_t version_count;
    uint32_t version_capacity;
    // Prepared, not applied yet.
    struct jf_programme *staged;
    char *staged_yaml;
    uint32_t staged_yaml_size;
};

enum jf_error jf_reference_create(const char *zone_directory, struct jf_reference **out_reference)
{
    struct jf_reference *reference = calloc(1, sizeof *reference);
    if (reference == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    enum jf_error error = jf_text_table_reserve(&reference->reasons, 1);
    reference->stores = calloc(TABLE_FIRST, sizeof *reference->stores);
    reference->store_slots = TABLE_FIRST;
    if (zone_directory != NULL) {
        reference->zone_directory = strdup(zone_directory);
    }
    bool is_whole = error == JF_OK && reference->stores != NULL &&
                    (zone_directory == NULL || reference->zone_directory != NULL);
    if (!is_whole) {
        jf_reference_destroy(reference);
        return JF_ERROR_NO_MEMORY;
    }
    (void)jf_text_table_add(&reference->reasons, JF_TEXT("base")); // number 0
    *out_reference = reference;
    return JF_OK;
}

// Returns: the text copied into memory of its own, NULL without memory. Never of size 0.
static char *text_copy(struct jf_text text)
{
    char *copy = malloc((size_t)text.size + 1);
    if (copy == NULL) {
        return NULL;
    }
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    return copy;
}

// Frees a table whose texts were made by text_copy.
static void copies_free(struct jf_text_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        free((void *)(uintptr_t)jf_text_table_text(table, i).data);
    }
    jf_text_table_deinit(table);
}

static void staged_drop(struct jf_reference *reference)
{
    jf_programme_destroy(reference->staged);
    free(reference->staged_yaml);
    reference->staged = NULL;
    reference->staged_yaml = NULL;
    reference->staged_yaml_size = 0;
}

void jf_reference_destroy(struct jf_reference *reference)
{
    if (reference == NULL) {
        return;
    }
    staged_drop(reference);
    for (uint32_t i = 0; i < reference->zone_names.count; i++) {
        jf_zone_destroy(reference->zones[i]);
    }
    for (uint32_t i = 0; i < reference->version_count; i++) {
        jf_programme_destroy(reference->versions[i].programme);
        free((void *)(uintptr_t)reference->versions[i].yaml.data);
    }
    free(reference->zones);
    free(reference->versions);
    free(reference->stores);
    free(reference->zone_directory);
    copies_free(&reference->zone_names);
    copies_free(&reference->regions);
    jf_text_table_deinit(&reference->reasons);
    free(reference);
}

// ---- Stores
// ---------------------------------------------------------------------------------------

static struct jf_store *store_slot(struct jf_store *slots, uint32_t slot_count,
                                   struct jf_store_id id)
{
    // Store numbers are small and dense; the multiplication spreads what is not.
    uint32_t mask = slot_count - 1;
    uint32_t slot = (id.value * 2654435769u) >> 7 & mask;
    while (slots[slot].id.value != 0 && slots[slot].id.value != id.value) {
        slot = (slot + 1) & mask;
    }
    return &slots[slot];
}

const struct jf_store *jf_reference_store(const struct jf_reference *reference,
                                          struct jf_store_id id)
{
    if (id.value == 0) {
        return NULL;
    }
    const struct jf_store *store = store_slot(reference->stores, reference->store_slots, id);
    return store->id.value == 0 ? NULL : store;
}

uint32_t jf_reference_store_count(const struct jf_reference *reference)
{
    return reference->store_count;
}

// Keeps the table at most half full with one more store.
static enum jf_error stores_reserve(struct jf_reference *reference)
{
    if (reference->store_count + 1 <= reference->store_slots / 2) {
        return JF_OK;
    }
    uint32_t slot_count = reference->store_slots * 2;
    struct jf_store *slots = calloc(slot_count, sizeof *slots);
    if (slots == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < reference->store_slots; i++) {
        const struct jf_store *store = &reference->stores[i];
        if (store->id.value != 0) {
            *store_slot(slots, slot_count, store->id) = *store;
        }
    }
    free(reference->stores);
    reference->stores = slots;
    reference->store_slots = slot_count;
    return JF_OK;
}

// Adds a copy of the text unless it is there.
static enum jf_error copy_obtain(struct jf_text_table *table, struct jf_text text)
{
    if (jf_text_table_find(table, text) != JF_TEXT_TABLE_NONE) {
        return JF_OK;
    }
    char *copy = text_copy(text);
    if (copy == NULL || jf_text_table_reserve(table, 1) != JF_OK) {
        free(copy);
        return JF_ERROR_NO_MEMORY;
    }
    (void)jf_text_table_add(table, (struct jf_text){copy, text.size});
    return JF_OK;
}

static enum jf_error zones_reserve(struct jf_reference *reference)
{
    if (reference->zone_names.count < reference->zone_capacity) {
        return JF_OK;
    }
    uint32_t capacity = reference->zone_capacity == 0 ? TABLE_FIRST : reference->zone_capacity * 2;
    struct jf_zone **zones = realloc(reference->zones, capacity * sizeof(struct jf_zone *));
    if (zones == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    reference->zones = zones;
    reference->zone_capacity = capacity;
    return JF_OK;
}

static enum jf_error zone_obtain(struct jf_reference *reference, struct jf_text name,
                                 struct jf_diagnosis *diagnosis)
{
    if (jf_text_table_find(&reference->zone_names, name) != JF_TEXT_TABLE_NONE) {
        return JF_OK;
    }
    if (zones_reserve(reference) != JF_OK) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for a time zone");
    }
    struct jf_zone *zone = NULL;
    enum jf_error error = jf_zone_load(reference->zone_directory, name, &zone, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (copy_obtain(&reference->zone_names, name) != JF_OK) {
        jf_zone_destroy(zone);
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for a time zone");
    }
    reference->zones[reference->zone_names.count - 1] = zone;
    return JF_OK;
}

static enum jf_error store_prepare(struct jf_reference *reference,
                                   const struct jf_put_store_command *command,
                                   struct jf_diagnosis *diagnosis)
{
    if (command->store.value == 0) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT, "a store entry has no store number");
    }
    bool is_new = jf_reference_store(reference, command->store) == NULL;
    if (is_new && reference->store_count >= JF_STORES_MAX) {
        return jf_diagnose(diagnosis, JF_ERROR_LIMIT, "at most %u stores are kept", JF_STORES_MAX);
    }
    enum jf_error error = zone_obtain(reference, command->zone, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    error = copy_obtain(&reference->regions, command->region);
    if (error == JF_OK) {
        error = stores_reserve(reference);
    }
    return error == JF_OK ? JF_OK : jf_diagnose(diagnosis, error, "no memory for a store");
}

static void store_apply(struct jf_reference *reference, const struct jf_put_store_command *command)
{
    uint32_t zone = jf_text_table_find(&reference->zone_names, command->zone);
    uint32_t region = jf_text_table_find(&reference->regions, command->region);
    JF_ASSERT(zone != JF_TEXT_TABLE_NONE); // prepared
    JF_ASSERT(region != JF_TEXT_TABLE_NONE);
    struct jf_store *store = store_slot(reference->stores, reference->store_slots, command->store);
    reference->store_count += store->id.value == 0 ? 1 : 0;
    JF_ASSERT(reference->store_count < reference->store_slots);
    *store = (struct jf_store){
        .id = command->store,
        .entity = command->entity,
        .day_start_second = command->day_start_minute * 60,
        .zone = reference->zones[zone],
        .region = jf_text_table_text(&reference->regions, region),
        .zone_name = jf_text_table_text(&reference->zone_names, zone),
    };
}

// ---- Programmes
// -----------------------------------------------------------------------------------

const struct jf_programme_version *jf_reference_programme_at(const struct jf_reference *reference,
                                                             int64_t at_ms)
{
    for (uint32_t i = reference->version_count; i > 0; i--) {
        if (reference->versions[i - 1].effective_from_ms <= at_ms) {
            return &reference->versions[i - 1];
        }
    }
    return NULL;
}

const struct jf_programme_version *jf_reference_programme(const struct jf_reference *reference,
                                                          uint32_t version)
{
    bool is_known = version >= 1 && version <= reference->version_count;
    return is_known ? &reference->versions[version - 1] : NULL;
}

const struct jf_programme_version *jf_reference_programme_newest(
    const struct jf_reference *reference)
{
    return jf_reference_programme(reference, reference->version_count);
}

uint32_t jf_reference_programme_count(const struct jf_reference *reference)
{
    return reference->version_count;
}

uint32_t jf_reference_reason_count(const struct jf_reference *reference)
{
    return reference->reasons.count;
}

struct jf_text jf_reference_reason_name(const struct jf_reference *reference, uint32_t number)
{
    if (number >= reference->reasons.count) {
        return (struct jf_text){NULL, 0};
    }
    return jf_text_table_text(&reference->reasons, number);
}

uint32_t jf_reference_reason_find(const struct jf_reference *reference, struct jf_text name)
{
    return jf_text_table_find(&reference->reasons, name);
}

// What planning never gets wrong, and a damaged journal may: versions and grounds are numbered in
// sequence.
static enum jf_error sequence_check(const struct jf_reference *reference,
                                    const struct jf_publication_entry *publication,
                                    struct jf_diagnosis *diagnosis)
{
    if (reference->version_count >= JF_PROGRAMME_VERSIONS_MAX) {
        return jf_diagnose(diagnosis, JF_ERROR_LIMIT, "at most %u programme versions are kept",
                           JF_PROGRAMME_VERSIONS_MAX);
    }
    if (publication->version != reference->version_count + 1) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                           "programme version %u follows version %u: restore the journal",
                           publication->version, reference->version_count);
    }
    for (uint32_t i = 0; i < publication->reason_count; i++) {
        if (publication->reasons[i].number != reference->reasons.count + i) {
            return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                               "programme version %u gives ground %u out of sequence: restore the "
                               "journal",
                               publication->version, publication->reasons[i].number);
        }
    }
    return JF_OK;
}

static bool reason_is_listed(const struct jf_reference *reference,
                             const struct jf_publication_entry *publication, struct jf_text name)
{
    if (jf_reference_reason_find(reference, name) != JF_TEXT_TABLE_NONE) {
        return true;
    }
    for (uint32_t i = 0; i < publication->reason_count; i++) {
        if (jf_text_equal(publication->reasons[i].name, name)) {
            return true;
        }
    }
    return false;
}

static enum jf_error reasons_check(const struct jf_reference *reference,
                                   const struct jf_publication_entry *publication,
                                   const struct jf_programme *programme,
                                   struct jf_diagnosis *diagnosis)
{
    for (uint32_t i = 0; i < jf_programme_ground_count(programme); i++) {
        struct jf_text name = jf_programme_ground_name(programme, i);
        if (!reason_is_listed(reference, publication, name)) {
            return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                               "programme version %u numbers no ground for \"%.*s\": restore "
                               "the journal",
                               publication->version, (int)name.size, name.data);
        }
    }
    return JF_OK;
}

static enum jf_error versions_reserve(struct jf_reference *reference)
{
    if (reference->version_count < reference->version_capacity) {
        return JF_OK;
    }
    uint32_t capacity =
        reference->version_capacity == 0 ? TABLE_FIRST : reference->version_capacity * 2;
    struct jf_programme_version *versions =
        realloc(reference->versions, capacity * sizeof *versions);
    if (versions == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    reference->versions = versions;
    reference->version_capacity = capacity;
    return JF_OK;
}

static enum jf_error staged_keep(struct jf_reference *reference,
                                 const struct jf_publication_entry *publication)
{
    enum jf_error error = versions_reserve(reference);
    if (error == JF_OK) {
        error = jf_text_table_reserve(&reference->reasons, publication->reason_count);
    }
    if (error != JF_OK) {
        return error;
    }
    reference->staged_yaml = text_copy(publication->yaml);
    reference->staged_yaml_size = publication->yaml.size;
    return reference->staged_yaml == NULL ? JF_ERROR_NO_MEMORY : JF_OK;
}

enum jf_error jf_reference_stage(struct jf_reference *reference, const struct jf_entry *entry,
                                 struct jf_programme *programme, struct jf_diagnosis *diagnosis)
{
    const struct jf_publication_entry *publication = &entry->as.publication;
    staged_drop(reference);
    reference->staged = programme;
    enum jf_error error = sequence_check(reference, publication, diagnosis);
    if (error == JF_OK) {
        error = reasons_check(reference, publication, programme, diagnosis);
    }
    if (error == JF_OK && staged_keep(reference, publication) != JF_OK) {
        error = jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for a programme");
    }
    if (error != JF_OK) {
        staged_drop(reference);
    }
    return error;
}

static enum jf_error publication_prepare(struct jf_reference *reference,
                                         const struct jf_entry *entry,
                                         struct jf_diagnosis *diagnosis)
{
    const struct jf_publication_entry *publication = &entry->as.publication;
    struct jf_programme *programme = NULL;
    enum jf_error error =
        jf_programme_parse(publication->yaml, publication->file_name, &programme, diagnosis);
    return error == JF_OK ? jf_reference_stage(reference, entry, programme, diagnosis) : error;
}

// Grounds get the entry's numbers; their names are borrowed from the programme, which stays for
// ever.
static void reasons_apply(struct jf_reference *reference, struct jf_programme *programme)
{
    for (uint32_t i = 0; i < jf_programme_ground_count(programme); i++) {
        struct jf_text name = jf_programme_ground_name(programme, i);
        uint32_t number = jf_text_table_find(&reference->reasons, name);
        if (number == JF_TEXT_TABLE_NONE) {
            number = jf_text_table_add(&reference->reasons, name);
        }
        jf_programme_set_ground(programme, i, number);
    }
}

static void publication_apply(struct jf_reference *reference, const struct jf_entry *entry)
{
    const struct jf_publication_entry *publication = &entry->as.publication;
    JF_ASSERT(reference->staged != NULL); // prepared
    JF_ASSERT(publication->version == reference->version_count + 1);
    JF_ASSERT(reference->version_count < reference->version_capacity);
    reasons_apply(reference, reference->staged);
    reference->versions[reference->version_count] = (struct jf_programme_version){
        .version = publication->version,
        .position = entry->position,
        .effective_from_ms = publication->effective_from_ms,
        .programme = reference->staged,
        .yaml = {reference->staged_yaml, reference->staged_yaml_size},
    };
    reference->version_count++;
    reference->staged = NULL;
    reference->staged_yaml = NULL;
}

enum jf_error jf_reference_prepare(struct jf_reference *reference, const struct jf_entry *entry,
                                   struct jf_diagnosis *diagnosis)
{
    if (entry->kind == JF_ENTRY_STORE) {
        return store_prepare(reference, &entry->as.store, diagnosis);
    }
    if (entry->kind == JF_ENTRY_PUBLICATION) {
        return publication_prepare(reference, entry, diagnosis);
    }
    return JF_OK;
}

void jf_reference_apply(struct jf_reference *reference, const struct jf_entry *entry)
{
    if (entry->kind == JF_ENTRY_STORE) {
        store_apply(reference, &entry->as.store);
    } else if (entry->kind == JF_ENTRY_PUBLICATION) {
        publication_apply(reference, entry);
    }
}
