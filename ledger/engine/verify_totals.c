// Control totals: the accounts, counters and counts of the state against those of the replay, and
// the accounts against the members' balances. A difference is a verdict; a record that cannot be
// read is an error.
#include "engine/verify_private.h"

// ---- Accounts -------------------------------------------------------------------------

static bool rows_are_of_one_account(const struct jf_control_row *a, const struct jf_control_row *b)
{
    return a->account == b->account && a->entity.value == b->entity.value && a->reason == b->reason;
}

// Both lists ascend without gaps in what they share, so the first row that is not the same tells.
static void accounts_compare(struct jf_verification *run, const struct jf_control *live,
                             const struct jf_control *replayed)
{
    const struct jf_control_row *a = NULL;
    const struct jf_control_row *b = NULL;
    uint32_t live_count = jf_control_rows(live, &a);
    uint32_t replayed_count = jf_control_rows(replayed, &b);
    uint32_t shorter = live_count < replayed_count ? live_count : replayed_count;
    uint32_t i = 0;
    while (i < shorter && rows_are_of_one_account(&a[i], &b[i]) && a[i].points == b[i].points) {
        i++;
    }
    if (i < shorter && rows_are_of_one_account(&a[i], &b[i])) {
        jf_verify_differ(run,
                         "control account %d of entity %u, ground %u: %lld in the state, %lld from "
                         "the journal",
                         (int)a[i].account, a[i].entity.value, a[i].reason, (long long)a[i].points,
                         (long long)b[i].points);
    } else if (i < live_count || i < replayed_count) {
        const struct jf_control_row *row = i < live_count ? &a[i] : &b[i];
        jf_verify_differ(run,
                         "control accounts: %u in the state, %u from the journal; the first that "
                         "is not in both is account %d of entity %u, ground %u, or one after it",
                         live_count, replayed_count, (int)row->account, row->entity.value,
                         row->reason);
    }
}

// ---- Counters of the chain ------------------------------------------------------------

static void counter_differ(struct jf_verification *run, const struct jf_counter *counter,
                           int64_t live, int64_t replayed)
{
    if (counter->kind == JF_COUNTER_LEVEL) {
        jf_verify_differ(run,
                         "members on level %d under programme version %u: %lld in the state, %lld "
                         "from the journal",
                         (int)counter->period, counter->ground, (long long)live,
                         (long long)replayed);
    } else {
        jf_verify_differ(run,
                         "rewards redeemed of ground %u: %lld in the state, %lld from the journal",
                         counter->ground, (long long)live, (long long)replayed);
    }
}

static int64_t counter_value(const struct jf_control *control, const struct jf_counter *key)
{
    const struct jf_counter *counters = NULL;
    uint32_t count = jf_control_chain_counters(control, &counters);
    for (uint32_t i = 0; i < count; i++) {
        if (counters[i].kind == key->kind && counters[i].ground == key->ground &&
            counters[i].period == key->period) {
            return counters[i].value;
        }
    }
    return 0; // a counter of 0 is not kept
}

// In: is_live_walked says whose counters are walked; the other's are looked up. Counters are few:
// levels and limited rewards.
static void counters_compare(struct jf_verification *run, const struct jf_control *walked,
                             const struct jf_control *other, bool is_live_walked)
{
    const struct jf_counter *counters = NULL;
    uint32_t count = jf_control_chain_counters(walked, &counters);
    for (uint32_t i = 0; i < count; i++) {
        int64_t value = counter_value(other, &counters[i]);
        if (value != counters[i].value) {
            counter_differ(run, &counters[i], is_live_walked ? counters[i].value : value,
                           is_live_walked ? value : counters[i].value);
        }
    }
}

// ---- Counts ---------------------------------------------------------------------------

static void counts_compare(struct jf_verification *run, const struct jf_control_counts *live,
                           const struct jf_control_counts *replayed)
{
    const struct {
        const char *name;
        uint64_t live;
        uint64_t replayed;
    } counts[] = {
        {"entries", live->entries, replayed->entries},
        {"members", live->members, replayed->members},
        {"sales", live->sales, replayed->sales},
        {"returns", live->returns, replayed->returns},
        {"redemptions", live->redemptions, replayed->redemptions},
        {"lines of sales", live->lines, replayed->lines},
        {"last position", live->last_position, replayed->last_position},
    };
    for (uint32_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (counts[i].live != counts[i].replayed) {
            jf_verify_differ(run, "count of %s: %llu in the state, %llu from the journal",
                             counts[i].name, (unsigned long long)counts[i].live,
                             (unsigned long long)counts[i].replayed);
        }
    }
}

enum jf_error jf_verify_totals(struct jf_verification *run, struct jf_diagnosis *diagnosis)
{
    struct jf_control *live = NULL;
    const struct jf_control *replayed = run->effects.control;
    enum jf_error error = jf_control_create(&live);
    if (error == JF_OK) {
        error = jf_state_scan_control(run->input->scan, live, diagnosis);
    }
    if (error == JF_OK) {
        accounts_compare(run, live, replayed);
        counters_compare(run, live, replayed, true);
        counters_compare(run, replayed, live, false);
        int64_t liability = jf_control_liability(live);
        if (liability != run->result->balance_sum) {
            jf_verify_differ(run, "members hold %lld points, the control accounts say %lld",
                             (long long)run->result->balance_sum, (long long)liability);
        }
        counts_compare(run, jf_control_counts(live), jf_control_counts(replayed));
    }
    jf_control_destroy(live);
    return error;
}
