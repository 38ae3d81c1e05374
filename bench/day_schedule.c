// Each store that sold has a line of its own, whatever its number. Fails: no memory.
#include "bench/day_schedule.h"

#include <stdlib.h>

#include "base/assert.h"

#define MS_PER_S   1000.0
#define S_PER_HOUR 3600.0
#define LAST_S     0.001 // the last sale lies within the run

static int sale_compare(const void *a, const void *b)
{
    const struct jf_day_sale *left = a;
    const struct jf_day_sale *right = b;
    if (left->sold_at_ms != right->sold_at_ms) {
        return left->sold_at_ms < right->sold_at_ms ? -1 : 1;
    }
    return left->position < right->position ? -1 : 1;
}

static int store_compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right ? 1 : 0;
}

// Out: the stores' numbers, ascending, each once. Returns: how many.
static uint32_t stores_find(const struct jf_day_sale *sales, uint64_t count, uint32_t *out_stores)
{
    uint32_t distinct = 0;
    for (uint64_t i = 0; i < count; i++) {
        out_stores[i] = sales[i].store;
    }
    qsort(out_stores, count, sizeof *out_stores, store_compare);
    for (uint64_t i = 0; i < count; i++) {
        if (distinct == 0 || out_stores[i] != out_stores[distinct - 1]) {
            out_stores[distinct++] = out_stores[i];
        }
    }
    return distinct;
}

enum jf_error jf_day_schedule_make(struct jf_day_sale *sales, uint64_t count, double speed,
                                   struct jf_day_schedule *out_schedule)
{
    JF_ASSERT(count >= 1);
    JF_ASSERT(speed > 0);
    struct jf_day_replayed *replayed = calloc(count, sizeof *replayed);
    uint32_t *stores = calloc(count, sizeof *stores);
    if (replayed == NULL || stores == NULL) {
        free(replayed);
        free(stores);
        return JF_ERROR_NO_MEMORY;
    }
    qsort(sales, count, sizeof *sales, sale_compare);
    uint32_t distinct = stores_find(sales, count, stores);
    for (uint64_t i = 0; i < count; i++) {
        const uint32_t *store =
            bsearch(&sales[i].store, stores, distinct, sizeof *stores, store_compare);
        double since_first_ms = (double)(sales[i].sold_at_ms - sales[0].sold_at_ms);
        JF_ASSERT(store != NULL);
        replayed[i] = (struct jf_day_replayed){.at_s = since_first_ms / MS_PER_S / speed,
                                               .store = (uint32_t)(store - stores),
                                               .size = sales[i].size,
                                               .bytes = sales[i].bytes};
    }
    free(stores);
    double seconds = replayed[count - 1].at_s + LAST_S;
    *out_schedule = (struct jf_day_schedule){.sales = replayed,
                                             .count = count,
                                             .store_count = distinct,
                                             .seconds = seconds,
                                             .hours = seconds * speed / S_PER_HOUR};
    return JF_OK;
}

void jf_day_schedule_deinit(struct jf_day_schedule *schedule)
{
    free(schedule->sales);
    *schedule = (struct jf_day_schedule){0};
}
