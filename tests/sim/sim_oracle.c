// See sim_oracle.h. The happy path: a turn's answers are put into the order of the positions that
// they saw; what was posted moves the model on and must be what the model says; what was refused
// must be refused by the model as it stands there; what was read must be what it holds. Any
// difference ends the seed.
#include "sim_oracle.h"

#include <stdlib.h>
#include <string.h>

#include "engine/entry_codec.h"
#include "rules/entry.h"
#include "sim_disk.h"
#include "sim_predict.h"

#define DIGEST_KIND 34u // entries of the engine's own: what the state was
#define EVENTS_MAX  (1024u * 4u)

// One answer: of a write, or of a question.
struct event {
    uint64_t position; // that it saw
    bool is_posted;    // it is that position
    uint32_t order;
    struct sim_call *call;
    uint32_t write; // of the call
};

static struct {
    uint64_t position;
    uint64_t revealed; // the highest that an answer has let anybody see
    struct event *events;
    uint32_t event_count;
    struct jf_arena arena;
} oracle;

void sim_oracle_create(void)
{
    memset(&oracle, 0, sizeof oracle);
    oracle.events = calloc(EVENTS_MAX, sizeof *oracle.events);
    SIM_REQUIRE(oracle.events != NULL);
    sim_predict_create();
    jf_arena_init(&oracle.arena, 65536, (size_t)64 << 20);
}

void sim_oracle_destroy(void)
{
    sim_predict_destroy();
    free(oracle.events);
    jf_arena_deinit(&oracle.arena);
}

uint64_t sim_oracle_position(void)
{
    return oracle.position;
}

uint64_t sim_oracle_revealed(void)
{
    return oracle.revealed > oracle.position ? oracle.revealed : oracle.position;
}

bool sim_oracle_is_ready(void)
{
    return sim_predict_is_ready();
}

// ---- What was posted ------------------------------------------------------------------

static void outcome_check(const struct sim_op *op, const struct sim_prediction *says,
                          struct jf_text outcome)
{
    struct jf_entry entry;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    jf_arena_reset(&oracle.arena);
    if (jf_entry_decode_outcome(outcome, &oracle.arena, &entry, &diagnosis) != JF_OK) {
        sim_fail("the answer to %s cannot be read: %s", op->id, diagnosis.text);
    }
    if (entry.points_granted != says->granted || entry.points_redeemed != says->redeemed) {
        sim_fail("%s granted %lld and redeemed %lld points, the model says %lld and %lld", op->id,
                 (long long)entry.points_granted, (long long)entry.points_redeemed,
                 (long long)says->granted, (long long)says->redeemed);
    }
    int64_t sum = 0;
    for (uint32_t i = 0; i < entry.posting_count; i++) {
        sum += entry.postings[i].points;
    }
    if (sum != 0) {
        sim_fail("the postings of %s sum to %lld", op->id, (long long)sum);
    }
}

static void outcome_keep(struct sim_op *op, struct jf_text outcome)
{
    op->outcome = malloc((size_t)outcome.size + 1);
    SIM_REQUIRE(op->outcome != NULL);
    memcpy(op->outcome, outcome.data, outcome.size);
    op->outcome_size = outcome.size;
}

// The next entry is the op's. The model's position may skip what nobody asked for: the engine's own
// entries.
static void posted(struct sim_op *op, uint64_t position, struct jf_text outcome)
{
    if (op->position != 0) {
        sim_fail("%s is entry %llu and entry %llu", op->id, (unsigned long long)op->position,
                 (unsigned long long)position);
    }
    struct sim_prediction says = sim_predict(op);
    if (says.fate != SIM_POSTED && says.fate != SIM_EITHER) {
        sim_fail("%s was posted as entry %llu, the model says %s", op->id,
                 (unsigned long long)position,
                 says.fate == SIM_REFUSED ? jf_refusal_name(says.code) : "that nothing changes");
    }
    op->position = position;
    oracle.position = position;
    outcome_keep(op, outcome);
    outcome_check(op, &says, outcome);
}

static void replayed(const struct sim_op *op, const struct jf_write *write)
{
    bool is_same = op->position == write->position && op->outcome_size == write->outcome.size &&
                   memcmp(op->outcome, write->outcome.data, op->outcome_size) == 0;
    if (!is_same) {
        sim_fail("%s was answered again as entry %llu, first as %llu%s", op->id,
                 (unsigned long long)write->position, (unsigned long long)op->position,
                 op->position == write->position ? ", with other bytes" : "");
    }
    sim.counts->retries += 1;
}

// Refusals that come from where the ledger stands, not from what was asked.
static bool is_of_circumstance(enum jf_refusal_code code)
{
    return code == JF_REFUSAL_FAILED || code == JF_REFUSAL_OVERLOADED ||
           code == JF_REFUSAL_DISK_FULL || code == JF_REFUSAL_SHUTTING_DOWN ||
           (code == JF_REFUSAL_ZONE_UNREADABLE && !sim_disk_is_on());
}

static void refused(struct sim_op *op, enum jf_refusal_code code)
{
    if (op->position != 0) {
        sim_fail("%s is entry %llu, and was refused: %s", op->id, (unsigned long long)op->position,
                 jf_refusal_name(code));
    }
    struct sim_prediction says = sim_predict(op);
    if (says.code != code) {
        sim_fail("%s (command %d) was refused: %s; the model says %s", op->id,
                 (int)op->command.kind, jf_refusal_name(code), jf_refusal_name(says.code));
    }
}

// Nothing was written: a job's question may be asked again, and is answered anew.
static void unchanged(struct sim_op *op)
{
    struct sim_prediction says = sim_predict(op);
    if (op->position != 0 || (says.fate != SIM_UNCHANGED && says.fate != SIM_EITHER)) {
        sim_fail("%s changed nothing, the model says otherwise", op->id);
    }
}

static void conflict_check(const struct sim_op *op, const struct jf_write *write)
{
    bool is_conflict = write->status == JF_WRITE_REFUSED &&
                       write->refusal->code == JF_REFUSAL_TRANSACTION_CONFLICT;
    if (!is_conflict) {
        sim_fail("%s with other content was not refused as a conflict", op->id);
    }
}

// An answer may come where those to what it saw did not, because the ledger stopped between the
// two. What it saw must then be found after the start.
static bool is_ahead(uint64_t position)
{
    oracle.revealed = position > oracle.revealed ? position : oracle.revealed;
    return position > oracle.position;
}

static void write_check(struct sim_call *call, uint32_t index)
{
    struct sim_op *op = call->ops[index];
    const struct jf_write *write = &call->writes[index];
    sim.counts->answers += 1;
    if (call->is_altered) {
        conflict_check(op, write);
    } else if (write->status == JF_WRITE_POSTED) {
        posted(op, write->position, write->outcome);
    } else if (write->status == JF_WRITE_REPLAYED) {
        replayed(op, write);
    } else if (write->status == JF_WRITE_REFUSED) {
        refused(op, write->refusal->code);
    } else if (write->status == JF_WRITE_UNCHANGED) {
        unchanged(op);
    } else {
        sim_fail("%s was answered with status %d", op->id, (int)write->status);
    }
}

// ---- What was read --------------------------------------------------------------------

static void same(const char *what, const struct sim_call *call, int64_t ledger, int64_t model)
{
    if (ledger != model) {
        sim_fail("question %s of member %llu at entry %llu: the ledger says %lld, the model %lld",
                 what, (unsigned long long)call->request.query.member.number.value,
                 (unsigned long long)oracle.position, (long long)ledger, (long long)model);
    }
}

// What a return gave back to a lot that was over is posted as expired at once; the model judges it
// only when asked.
static int64_t expired_points(const struct jf_member *member)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < member->lot_count; i++) {
        sum += member->lots[i].expired;
    }
    return sum;
}

// Of one that has become another the ledger reads what is left: nothing.
static void member_check(const struct sim_call *call)
{
    const struct jf_read_answer *answer = &call->request.answer;
    uint32_t number = 0;
    enum jf_refusal_code code =
        sim_people_find(&call->request.query.member, call->quoted.card_number, &number);
    code = code == JF_REFUSAL_MEMBER_MERGED ? JF_REFUSAL_NONE : code;
    if (answer->refusal != NULL) {
        same("refusal", call, answer->refusal->code, code);
        return;
    }
    const struct sim_person *person = sim_person(number);
    const struct model_member *model = &person->model;
    const struct jf_member *member = answer->member;
    jf_date date = call->request.query.as_of;
    same("refusal", call, JF_REFUSAL_NONE, code);
    same("number", call, (int64_t)member->number.value, number);
    same("frozen", call, member->status == JF_MEMBER_FROZEN, person->is_frozen);
    same("closed", call, member->status == JF_MEMBER_CLOSED, person->is_closed);
    same("merged", call, member->status == JF_MEMBER_MERGED, person->merged_into != 0);
    same("balance", call, jf_member_balance(member) + expired_points(member),
         sim_person_balance(person));
    same("held", call, jf_member_held(member), sim_person_held(person));
    same("debt", call, jf_member_debt(member), model_debt(model));
    same("spendable", call, jf_member_balance_on(member, date).available,
         model_spendable(model, date));
    if (person->merged_into == 0) {
        same("tier", call, member->tier, model->tier);
        same("visits", call, member->visits, model_visits(model));
    }
}

static void transaction_check(const struct sim_call *call)
{
    const struct jf_read_query *query = &call->request.query;
    const struct jf_read_answer *answer = &call->request.answer;
    const struct sim_op *op =
        query->transaction_id.size > 0 ? sim_op_find(query->transaction_id) : NULL;
    if (answer->refusal != NULL) {
        bool is_there = op != NULL ? op->position != 0
                                   : query->position != 0 && query->position <= oracle.position;
        same("absence of an entry", call, 0, is_there);
        return;
    }
    struct jf_entry entry;
    struct jf_text outcome = {NULL, 0};
    jf_arena_reset(&oracle.arena);
    SIM_REQUIRE(jf_entry_decode(answer->entries[0], &oracle.arena, &entry, NULL) == JF_OK);
    SIM_REQUIRE(jf_entry_find_outcome(answer->entries[0], &outcome) == JF_OK);
    const struct sim_op *found = sim_op_find(entry.transaction_id);
    if (found == NULL) {
        return; // the engine's own
    }
    same("position of an entry", call, (int64_t)entry.position, (int64_t)found->position);
    same("entry asked for", call, op == NULL || op == found, true);
    same("bytes of an outcome", call, outcome.size, found->outcome_size);
    same("bytes of an outcome", call, memcmp(outcome.data, found->outcome, outcome.size), 0);
}

static bool is_about(const struct sim_op *op, uint32_t number)
{
    bool has_member =
        op->command.kind != JF_COMMAND_PUBLISH && op->command.kind != JF_COMMAND_PUT_STORE;
    return has_member && op->position != 0 && (op->member == number || op->other == number);
}

// The newest entry about the member below `before` and at most `visible`. 0: none.
static uint64_t history_next(uint32_t number, uint64_t before)
{
    uint64_t newest = 0;
    for (uint32_t i = 0; i < sim_op_count(); i++) {
        const struct sim_op *op = sim_op_at(i);
        if (is_about(op, number) && op->position < before && op->position > newest) {
            newest = op->position;
        }
    }
    return newest;
}

static void history_check(const struct sim_call *call)
{
    const struct jf_read_query *query = &call->request.query;
    const struct jf_read_answer *answer = &call->request.answer;
    uint32_t number = (uint32_t)query->member.number.value;
    const struct sim_person *person = sim_person(number);
    if (answer->refusal != NULL || person->merged_into != 0 || person->has_absorbed) {
        return; // of two that became one, each entry is in the history of whom it was
    }
    uint64_t before = call->request.visible_position + 1;
    before = query->before_position != 0 && query->before_position < before ? query->before_position
                                                                            : before;
    for (uint32_t i = 0; i < query->limit; i++) {
        struct jf_entry entry = {.position = 0};
        uint64_t expected = history_next(number, before);
        if (i < answer->entry_count) {
            jf_arena_reset(&oracle.arena);
            SIM_REQUIRE(jf_entry_decode(answer->entries[i], &oracle.arena, &entry, NULL) == JF_OK);
        }
        same("history", call, (int64_t)entry.position, (int64_t)expected);
        if (expected == 0) {
            return;
        }
        before = expected;
    }
}

static void status_check(const struct sim_call *call)
{
    const struct jf_status_answer *status = call->request.answer.status;
    int64_t liability = 0;
    int64_t model = 0;
    for (uint32_t i = 0; i < status->row_count; i++) {
        const struct jf_control_row *row = &status->rows[i];
        bool is_counted = row->account <= JF_ACCOUNT_DEBT || row->account == JF_ACCOUNT_EXPIRED;
        liability += is_counted ? row->points : 0;
    }
    for (uint32_t number = 1; number <= SIM_MEMBERS; number++) {
        model += sim_person_balance(sim_person(number));
    }
    same("liability", call, liability, model);
    same("durable position", call, status->position_durable <= status->position_last, true);
    same("last position", call, (int64_t)status->position_last,
         (int64_t)call->request.visible_position);
}

// A quote answers as the sale would, and changes nothing.
static void quote_check(struct sim_call *call)
{
    struct sim_op *op = &call->quoted;
    const struct jf_write *write = &call->writes[0];
    struct sim_prediction says = sim_predict_quote(op);
    if (write->status == JF_WRITE_REFUSED) {
        same("refusal of a quote", call, write->refusal->code, says.code);
        return;
    }
    same("refusal of a quote", call, JF_REFUSAL_NONE, says.code);
    outcome_check(op, &says, write->outcome);
}

static void question_check(struct sim_call *call)
{
    sim.counts->questions += 1;
    switch (call->request.kind) {
    case JF_REQUEST_GET_MEMBER:
        member_check(call);
        break;
    case JF_REQUEST_GET_TRANSACTION:
        transaction_check(call);
        break;
    case JF_REQUEST_HISTORY:
        history_check(call);
        break;
    case JF_REQUEST_STATUS:
        status_check(call);
        break;
    case JF_REQUEST_QUOTE:
        quote_check(call);
        break;
    default:
        break;
    }
}

// ---- Order ----------------------------------------------------------------------------

static void event_add(struct event event)
{
    SIM_REQUIRE(oracle.event_count < EVENTS_MAX);
    event.order = oracle.event_count;
    oracle.events[oracle.event_count++] = event;
}

// What a write saw that was not posted: what was posted before it in its call; else all that was
// before the call's first entry; else what the call saw.
static uint64_t write_saw(const struct sim_call *call, uint32_t index)
{
    for (uint32_t i = index; i > 0; i--) {
        if (call->writes[i - 1].status == JF_WRITE_POSTED) {
            return call->writes[i - 1].position;
        }
    }
    for (uint32_t i = index + 1; i < call->request.write_count; i++) {
        if (call->writes[i].status == JF_WRITE_POSTED) {
            return call->writes[i].position - 1;
        }
    }
    return call->request.visible_position;
}

static void call_spread(struct sim_call *call)
{
    if (call->request.kind != JF_REQUEST_WRITE) {
        event_add((struct event){.position = call->request.visible_position, .call = call});
        return;
    }
    for (uint32_t i = 0; i < call->request.write_count; i++) {
        bool is_posted = call->writes[i].status == JF_WRITE_POSTED;
        uint64_t position = is_posted ? call->writes[i].position : write_saw(call, i);
        event_add(
            (struct event){.position = position, .is_posted = is_posted, .call = call, .write = i});
    }
}

static int event_compare(const void *a, const void *b)
{
    const struct event *first = a;
    const struct event *second = b;
    if (first->position != second->position) {
        return first->position < second->position ? -1 : 1;
    }
    if (first->is_posted != second->is_posted) {
        return first->is_posted ? -1 : 1;
    }
    return first->order < second->order ? -1 : 1;
}

static enum jf_refusal_code event_refusal(const struct event *event)
{
    const struct jf_request *request = &event->call->request;
    const struct jf_refusal *refusal = request->answer.refusal;
    if (request->write_count > 0) {
        const struct jf_write *write = &request->writes[event->write];
        refusal = write->status == JF_WRITE_REFUSED ? write->refusal : NULL;
    }
    return refusal == NULL ? JF_REFUSAL_NONE : refusal->code;
}

void sim_oracle_answers(struct sim_call **calls, uint32_t count)
{
    oracle.event_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        call_spread(calls[i]);
    }
    qsort(oracle.events, oracle.event_count, sizeof *oracle.events, event_compare);
    for (uint32_t i = 0; i < oracle.event_count; i++) {
        struct event *event = &oracle.events[i];
        if (is_of_circumstance(event_refusal(event)) ||
            (!event->is_posted && is_ahead(event->position))) {
            continue;
        }
        if (event->call->request.kind == JF_REQUEST_WRITE) {
            write_check(event->call, event->write);
        } else {
            question_check(event->call);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        sim_call_release(calls[i]);
    }
}

void sim_oracle_found(uint64_t position, struct jf_text bytes)
{
    struct jf_entry entry;
    struct jf_text outcome = {NULL, 0};
    struct jf_arena arena;
    uint32_t kind = 0;
    SIM_REQUIRE(jf_entry_find_kind(bytes, &kind) == JF_OK);
    if (kind == DIGEST_KIND) {
        oracle.position = position;
        return;
    }
    jf_arena_init(&arena, 65536, (size_t)16 << 20);
    SIM_REQUIRE(jf_entry_decode(bytes, &arena, &entry, NULL) == JF_OK);
    SIM_REQUIRE(jf_entry_find_outcome(bytes, &outcome) == JF_OK);
    if (entry.position != position) {
        sim_fail("entry %llu says that it is %llu", (unsigned long long)position,
                 (unsigned long long)entry.position);
    }
    struct sim_op *op = sim_op_find(entry.transaction_id);
    if (op == NULL || !op->is_sent) {
        sim_fail("entry %llu is %.*s, which nobody asked for", (unsigned long long)position,
                 (int)entry.transaction_id.size, entry.transaction_id.data);
    }
    posted(op, position, outcome);
    sim.counts->unknown_landed += 1;
    jf_arena_deinit(&arena);
}
