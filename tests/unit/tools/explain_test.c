// Whatever the ledger can write has sentences of its own.
#include <criterion/criterion.h>

#include "tools/jifen/explain.h"

#define BODY_FIRST 16u // fields of Entry below it belong to every kind

Test(explain, every_kind_of_step_has_a_sentence)
{
    const ProtobufCEnumDescriptor *kinds = &jifen__v1__trace_step__kind__descriptor;
    for (uint32_t i = 0; i < kinds->n_values; i++) {
        uint32_t kind = (uint32_t)kinds->values[i].value;
        bool is_step = kind != JIFEN__V1__TRACE_STEP__KIND__KIND_UNSPECIFIED;
        cr_assert_eq(jf_explain_step_is_told(kind), is_step, "%s", kinds->values[i].name);
    }
}

Test(explain, every_kind_of_entry_has_sentences)
{
    const ProtobufCMessageDescriptor *entry = &jifen__v1__entry__descriptor;
    uint32_t count = 0;
    for (uint32_t i = 0; i < entry->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &entry->fields[i];
        bool is_body = field->id >= BODY_FIRST;
        count += is_body;
        cr_assert_eq(jf_explain_body_is_told(field->id), is_body, "%s", field->name);
    }
    cr_assert_geq(count, 18);
    cr_assert_not(jf_explain_body_is_told(1000));
}

Test(explain, a_step_of_an_unknown_kind_is_told_with_its_numbers)
{
    Jifen__V1__TraceStep step = JIFEN__V1__TRACE_STEP__INIT;
    Jifen__V1__TraceStep *steps[] = {&step};
    Jifen__V1__Outcome outcome = JIFEN__V1__OUTCOME__INIT;
    Jifen__V1__Entry entry = JIFEN__V1__ENTRY__INIT;
    step.kind = (Jifen__V1__TraceStep__Kind)1000;
    outcome.trace = steps;
    outcome.n_trace = 1;
    entry.outcome = &outcome;
    struct jf_explained explained = {.entry = &entry, .outcome = &outcome};
    struct jf_say say = {.is_json = false};
    jf_explain_trace(&explained, &say); // and no more is asked of it
    cr_assert_eq(say.text.size, 0);
}
