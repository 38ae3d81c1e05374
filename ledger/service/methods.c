// Groups are numbered through. Failures: none.
#include "service/methods.h"

#include "base/assert.h"

const struct jf_method_group *const jf_method_groups[JF_METHOD_GROUP_COUNT] = {
    &jf_ledger_methods,     &jf_members_methods,
    &jf_programmes_methods, &jf_operations_methods,
    &jf_finance_methods,    &jf_health_methods,
    &jf_reflection_methods, &jf_reflection_v1alpha_methods,
};

uint32_t jf_method_count(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < JF_METHOD_GROUP_COUNT; i++) {
        count += jf_method_groups[i]->count;
    }
    JF_ASSERT(count <= JF_METHODS_MAX);
    return count;
}

const struct jf_method *jf_method_at(uint32_t tag)
{
    for (uint32_t i = 0; i < JF_METHOD_GROUP_COUNT; i++) {
        const struct jf_method_group *group = jf_method_groups[i];
        if (tag < group->count) {
            return &group->methods[tag];
        }
        tag -= group->count;
    }
    JF_ASSERT(tag == 0 && "a tag of no method");
    return NULL;
}

bool jf_method_serves(struct jf_text service_name)
{
    for (uint32_t i = 0; i < JF_METHOD_GROUP_COUNT; i++) {
        if (jf_text_equal(service_name, jf_text_from(jf_method_groups[i]->service_name))) {
            return true;
        }
    }
    return false;
}
