// Counters are few, and looked up once for each cap of a sale: binary search in one array. Nothing
// here fails. A counter that was dropped for its age meets later deltas as if it were 0, and never
// falls below.
#include "rules/counters.h"

#include <string.h>

#include "base/assert.h"
#include "base/number.h"

static int counter_compare(const struct jf_counter *counter, uint32_t kind, uint32_t ground,
                           int32_t period)
{
    if (counter->kind != kind) {
        return counter->kind < kind ? -1 : 1;
    }
    if (counter->ground != ground) {
        return counter->ground < ground ? -1 : 1;
    }
    return (counter->period > period) - (counter->period < period);
}

// Returns: the index of the first counter not before the one named.
static uint32_t lower_bound(const struct jf_member *member, uint32_t kind, uint32_t ground,
                            int32_t period)
{
    uint32_t low = 0;
    uint32_t high = member->counter_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (counter_compare(&member->counters[middle], kind, ground, period) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct jf_member *member, uint32_t index, uint32_t kind, uint32_t ground,
                  int32_t period)
{
    return index < member->counter_count &&
           counter_compare(&member->counters[index], kind, ground, period) == 0;
}

int64_t jf_counters_value(const struct jf_member *member, uint32_t kind, uint32_t ground,
                          int32_t period)
{
    uint32_t index = lower_bound(member, kind, ground, period);
    return is_at(member, index, kind, ground, period) ? member->counters[index].value : 0;
}

static void counter_remove(struct jf_member *member, uint32_t index)
{
    JF_ASSERT(index < member->counter_count);
    struct jf_counter *counter = &member->counters[index];
    memmove(counter, counter + 1, (member->counter_count - index - 1) * sizeof *counter);
    member->counter_count--;
}

static void delta_apply(struct jf_member *member, const struct jf_counter_delta *delta)
{
    uint32_t index = lower_bound(member, delta->kind, delta->ground, delta->period);
    bool is_there = is_at(member, index, delta->kind, delta->ground, delta->period);
    struct jf_counter *counter = &member->counters[index];
    int64_t value = is_there ? counter->value : 0;
    if (jf_number_add(value, delta->delta, &value) != JF_OK) {
        value = INT64_MAX; // no planned entry comes near it
    }
    if (value <= 0) {
        if (is_there) {
            counter_remove(member, index);
        }
        return;
    }
    if (!is_there) {
        JF_ASSERT(member->counter_count < member->counter_capacity);
        memmove(counter + 1, counter, (member->counter_count - index) * sizeof *counter);
        member->counter_count++;
        *counter = (struct jf_counter){
            .kind = delta->kind, .ground = delta->ground, .period = delta->period};
    }
    counter->value = value;
}

static int32_t kept_of(uint32_t kind)
{
    return kind == JF_COUNTER_CAP_DAY ? JF_COUNTER_DAYS_KEPT : JF_COUNTER_MONTHS_KEPT;
}

// Drops the counters of one kind that lie too far before the newest of it.
static void old_drop(struct jf_member *member, uint32_t kind)
{
    int32_t newest = INT32_MIN;
    for (uint32_t i = 0; i < member->counter_count; i++) {
        const struct jf_counter *counter = &member->counters[i];
        newest = counter->kind == kind && counter->period > newest ? counter->period : newest;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < member->counter_count; i++) {
        const struct jf_counter *counter = &member->counters[i];
        if (counter->kind == kind && counter->period < newest - kept_of(kind)) {
            continue;
        }
        member->counters[kept] = *counter;
        kept++;
    }
    member->counter_count = (uint16_t)kept;
}

// Drops the oldest day, or without days the oldest month. Returns: whether there was one.
static bool oldest_drop(struct jf_member *member)
{
    uint32_t oldest = member->counter_count;
    for (uint32_t i = 0; i < member->counter_count; i++) {
        const struct jf_counter *counter = &member->counters[i];
        if (counter->kind > JF_COUNTER_CAP_MONTH) {
            break; // sorted: no days or months follow
        }
        if (oldest == member->counter_count ||
            (counter->kind == member->counters[oldest].kind &&
             counter->period < member->counters[oldest].period)) {
            oldest = i;
        }
    }
    if (oldest == member->counter_count) {
        return false;
    }
    counter_remove(member, oldest);
    return true;
}

void jf_counters_apply(struct jf_member *member, const struct jf_counter_delta *deltas,
                       uint32_t delta_count)
{
    bool has_days = false;
    bool has_months = false;
    for (uint32_t i = 0; i < delta_count; i++) {
        if (deltas[i].kind == JF_COUNTER_REWARD_STOCK) {
            continue;
        }
        has_days = has_days || deltas[i].kind == JF_COUNTER_CAP_DAY;
        has_months = has_months || deltas[i].kind == JF_COUNTER_CAP_MONTH;
        delta_apply(member, &deltas[i]);
    }
    if (has_days) {
        old_drop(member, JF_COUNTER_CAP_DAY);
    }
    if (has_months) {
        old_drop(member, JF_COUNTER_CAP_MONTH);
    }
    // Somebody who buys every day under many caps: the oldest room is worth least. Counters that
    // have no day or month stay, and planning refuses more of them than fit.
    bool is_dropped = true;
    while (member->counter_count > JF_COUNTERS_PER_MEMBER_MAX && is_dropped) {
        is_dropped = oldest_drop(member);
    }
}
