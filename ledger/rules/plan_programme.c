// Reference data as entries: a programme is parsed, a store's zone is loaded, and the entry says
// what became known. Both leave the reference prepared, so that applying the entry cannot fail.
// Refused, in order: a programme for LIMIT_REACHED (versions), PROGRAMME_INVALID with file, line
// and field, LIMIT_REACHED (names of rules over all versions); a store for LIMIT_REACHED (stores;
// not where one is replaced), ZONE_UNKNOWN, ZONE_UNREADABLE.
#include <stdio.h>

#include "rules/plan_private.h"
#include "rules/reference_private.h"

static bool refuse_because(struct jf_plan_work *work, enum jf_refusal_code code,
                           const struct jf_diagnosis *diagnosis)
{
    jf_plan_refuse(work, code);
    (void)snprintf(work->refusal->detail, sizeof work->refusal->detail, "%.*s",
                   JF_REFUSAL_DETAIL_MAX - 1, diagnosis->text);
    return false;
}

// A failure to prepare: what the client sent is refused with `code`, a lack of memory is a failure.
static bool stop_because(struct jf_plan_work *work, enum jf_refusal_code code,
                         const struct jf_diagnosis *diagnosis, enum jf_error error)
{
    switch (error) {
    case JF_ERROR_NO_MEMORY:
        return jf_plan_fail(work, error);
    case JF_ERROR_LIMIT:
        return refuse_because(work, JF_REFUSAL_LIMIT_REACHED, diagnosis);
    default:
        return refuse_because(work, code, diagnosis);
    }
}

// Numbers the grounds' names that no version before had. A name keeps its number over all versions.
static bool reasons_number(struct jf_plan_work *work, const struct jf_programme *programme)
{
    const struct jf_reference *reference = work->input->reference;
    struct jf_publication_entry *publication = &work->entry->as.publication;
    uint32_t ground_count = jf_programme_ground_count(programme);
    struct jf_reason_name *reasons = jf_plan_alloc(work, ground_count, sizeof *reasons);
    if (reasons == NULL) {
        return false;
    }
    uint32_t next = jf_reference_reason_count(reference);
    for (uint32_t i = 0; i < ground_count; i++) {
        struct jf_text name = jf_programme_ground_name(programme, i);
        if (jf_reference_reason_find(reference, name) != UINT32_MAX) {
            continue;
        }
        if (next >= JF_REASONS_MAX) {
            return jf_plan_refuse_limit(work, JF_REASONS_MAX,
                                        "names of rules, caps and rewards over all versions");
        }
        bool is_copied = false;
        name = jf_arena_copy_text(work->input->arena, name, &is_copied);
        if (!is_copied) {
            return jf_plan_fail(work, JF_ERROR_NO_MEMORY);
        }
        reasons[publication->reason_count] = (struct jf_reason_name){next, name};
        publication->reason_count++;
        next++;
    }
    publication->reasons = reasons;
    return true;
}

bool jf_plan_publish(struct jf_plan_work *work)
{
    const struct jf_publish_command *command = &work->command->as.publish;
    struct jf_reference *reference = work->input->reference;
    struct jf_programme *programme = NULL;
    struct jf_diagnosis diagnosis = {0};
    // The limit first: it does not depend on the text.
    if (jf_reference_programme_count(reference) >= JF_PROGRAMME_VERSIONS_MAX) {
        return jf_plan_refuse_limit(work, JF_PROGRAMME_VERSIONS_MAX, "programme versions");
    }
    enum jf_error error =
        jf_programme_parse(command->yaml, command->file_name, &programme, &diagnosis);
    if (error != JF_OK) {
        return error == JF_ERROR_NO_MEMORY
                   ? jf_plan_fail(work, error)
                   : refuse_because(work, JF_REFUSAL_PROGRAMME_INVALID, &diagnosis);
    }
    struct jf_entry *entry = work->entry;
    entry->kind = JF_ENTRY_PUBLICATION;
    entry->as.publication = (struct jf_publication_entry){
        .version = jf_reference_programme_count(reference) + 1,
        .yaml = command->yaml,
        .file_name = command->file_name,
        .effective_from_ms = jf_programme_effective_from_ms(programme),
    };
    entry->programme_version = entry->as.publication.version;
    if (!reasons_number(work, programme)) {
        jf_programme_destroy(programme);
        return false;
    }
    error = jf_reference_stage(reference, entry, programme, &diagnosis);
    return error == JF_OK ? true
                          : stop_because(work, JF_REFUSAL_PROGRAMME_INVALID, &diagnosis, error);
}

bool jf_plan_put_store(struct jf_plan_work *work)
{
    struct jf_diagnosis diagnosis = {0};
    struct jf_entry *entry = work->entry;
    entry->kind = JF_ENTRY_STORE;
    entry->as.store = work->command->as.put_store;
    enum jf_error error = jf_reference_prepare(work->input->reference, entry, &diagnosis);
    // A zone whose file the disk or its rights withhold is not the client's mistake.
    enum jf_refusal_code code =
        error == JF_ERROR_IO ? JF_REFUSAL_ZONE_UNREADABLE : JF_REFUSAL_ZONE_UNKNOWN;
    return error == JF_OK ? true : stop_because(work, code, &diagnosis, error);
}
