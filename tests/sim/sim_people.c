// Everything is a loop over a few members. What a refused command would have released is put back
// by a mark.
#include "sim_people.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS    INT64_C(86400000)
#define CEASE_MAX 3u

static struct {
    struct sim_person *persons;     // by number
    uint32_t owners[SIM_CARDS + 1]; // by card; 0: leads to nobody
    uint32_t ceased;                // closed, or become another
    struct sim_person *mark;        // but its sales, and its moves up to where they were
    int64_t started_day;
} people;

void sim_people_create(void)
{
    memset(&people, 0, sizeof people);
    people.persons = calloc(SIM_MEMBERS + 1, sizeof *people.persons);
    people.mark = calloc(1, sizeof *people.mark);
    SIM_REQUIRE(people.persons != NULL && people.mark != NULL);
    people.started_day = (int64_t)(sim.now_us / 1000) / DAY_MS;
}

void sim_people_destroy(void)
{
    free(people.persons);
    free(people.mark);
}

struct sim_person *sim_person(uint32_t number)
{
    return &people.persons[number];
}

uint32_t sim_people_card_owner(uint32_t card_number)
{
    return people.owners[card_number];
}

enum jf_refusal_code sim_people_find(const struct jf_member_ref *ref, uint32_t card_number,
                                     uint32_t *out_number)
{
    bool is_by_card = ref->card.size > 0;
    uint32_t number = is_by_card ? people.owners[card_number] : (uint32_t)ref->number.value;
    *out_number = number;
    if (number == 0 || !people.persons[number].model.is_enrolled) {
        return is_by_card ? JF_REFUSAL_UNKNOWN_CARD : JF_REFUSAL_UNKNOWN_MEMBER;
    }
    return people.persons[number].merged_into != 0 ? JF_REFUSAL_MEMBER_MERGED : JF_REFUSAL_NONE;
}

static int64_t hold_points(const struct sim_hold *hold)
{
    int64_t sum = 0;
    for (int i = 0; i < hold->part_count; i++) {
        sum += hold->parts[i].points;
    }
    return sum;
}

int64_t sim_person_held(const struct sim_person *person)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < person->hold_count; i++) {
        sum += hold_points(&person->holds[i]);
    }
    return sum;
}

int64_t sim_person_balance(const struct sim_person *person)
{
    return model_balance(&person->model) + sim_person_held(person);
}

// ---- Marks ----------------------------------------------------------------------------

void sim_person_mark(const struct sim_person *person)
{
    struct sim_person *mark = people.mark;
    mark->hold_count = person->hold_count;
    memcpy(mark->holds, person->holds, sizeof mark->holds);
    mark->model.tier = person->model.tier;
    mark->model.tier_since = person->model.tier_since;
    mark->model.move_count = person->model.move_count;
    mark->model.sale_count = person->model.sale_count;
    memcpy(mark->model.debts, person->model.debts, sizeof mark->model.debts);
}

void sim_person_reset(struct sim_person *person)
{
    const struct sim_person *mark = people.mark;
    person->hold_count = mark->hold_count;
    memcpy(person->holds, mark->holds, sizeof person->holds);
    person->model.tier = mark->model.tier;
    person->model.tier_since = mark->model.tier_since;
    person->model.move_count = mark->model.move_count;
    person->model.sale_count = mark->model.sale_count;
    memcpy(person->model.debts, mark->model.debts, sizeof person->model.debts);
}

// ---- Holds ----------------------------------------------------------------------------

static void hold_remove(struct sim_person *person, uint32_t at)
{
    person->hold_count -= 1;
    memmove(&person->holds[at], &person->holds[at + 1],
            (person->hold_count - at) * sizeof person->holds[0]);
}

// The points of the parts behind the first `spent` ones go back.
static void hold_give_back(struct sim_person *person, const struct sim_hold *hold, int64_t spent)
{
    for (int i = 0; i < hold->part_count; i++) {
        struct model_move part = hold->parts[i];
        int64_t now = part.points < spent ? part.points : spent;
        spent -= now;
        part.points -= now;
        model_give(&person->model, part);
    }
}

void sim_person_release(struct sim_person *person, int64_t at_ms)
{
    for (uint32_t i = person->hold_count; i > 0; i--) {
        if (person->holds[i - 1].deadline_ms < at_ms) {
            hold_give_back(person, &person->holds[i - 1], 0);
            hold_remove(person, i - 1);
        }
    }
}

static int part_sum(const struct sim_person *person)
{
    int sum = 0;
    for (uint32_t i = 0; i < person->hold_count; i++) {
        sum += person->holds[i].part_count;
    }
    return sum;
}

enum jf_refusal_code sim_people_hold(struct sim_person *person, const struct sim_op *op)
{
    struct sim_hold hold = {.op = op, .deadline_ms = op->deadline_ms};
    if (person->is_closed || person->is_frozen) {
        return person->is_closed ? JF_REFUSAL_MEMBER_CLOSED : JF_REFUSAL_MEMBER_FROZEN;
    }
    sim_person_release(person, op->command.as.hold.held_at_ms);
    enum jf_refusal_code code =
        model_set_aside(&person->model, op->date, op->points, hold.parts, &hold.part_count);
    if (code != JF_REFUSAL_NONE) {
        return code;
    }
    if (person->hold_count == SIM_HOLDS_MAX ||
        part_sum(person) + hold.part_count > SIM_HOLD_PARTS_MAX) {
        return JF_REFUSAL_LIMIT_REACHED;
    }
    person->holds[person->hold_count++] = hold;
    return JF_REFUSAL_NONE;
}

static struct sim_hold *hold_find(const struct sim_op *hold, struct sim_person **out_person)
{
    for (uint32_t number = 1; number <= SIM_MEMBERS; number++) {
        struct sim_person *person = &people.persons[number];
        for (uint32_t i = 0; i < person->hold_count; i++) {
            if (person->holds[i].op == hold) {
                *out_person = person;
                return &person->holds[i];
            }
        }
    }
    return NULL;
}

uint32_t sim_people_hold_owner(const struct sim_op *hold)
{
    struct sim_person *person = NULL;
    return hold_find(hold, &person) == NULL ? 0 : (uint32_t)(person - people.persons);
}

// Ends a hold of which `points` are spent; -1: all that it has. Out: how many that were.
static enum jf_refusal_code hold_end(const struct sim_op *op, int64_t at_ms, int64_t points,
                                     int64_t *out_points)
{
    struct sim_person *person = NULL;
    if (op->hold_op->position == 0) {
        return JF_REFUSAL_UNKNOWN_TRANSACTION;
    }
    struct sim_hold *found = hold_find(op->hold_op, &person);
    if (found == NULL || found->deadline_ms < at_ms) {
        return JF_REFUSAL_HOLD_ENDED;
    }
    int64_t all = hold_points(found);
    if (points > all) {
        return JF_REFUSAL_INSUFFICIENT_POINTS;
    }
    *out_points = points < 0 ? all : points;
    hold_give_back(person, found, *out_points);
    hold_remove(person, (uint32_t)(found - person->holds));
    sim_person_release(person, at_ms);
    return JF_REFUSAL_NONE;
}

enum jf_refusal_code sim_people_capture(const struct sim_op *op, int64_t *out_points)
{
    return hold_end(op, op->command.as.capture.captured_at_ms, op->points == 0 ? -1 : op->points,
                    out_points);
}

enum jf_refusal_code sim_people_void(const struct sim_op *op)
{
    int64_t points = 0;
    return hold_end(op, op->command.as.void_hold.voided_at_ms, 0, &points);
}

// ---- Life -----------------------------------------------------------------------------

enum jf_refusal_code sim_people_enrol(uint32_t number)
{
    if (people.persons[number].model.is_enrolled) {
        return JF_REFUSAL_MEMBER_EXISTS;
    }
    if (people.owners[number] != 0) {
        return JF_REFUSAL_CARD_TAKEN;
    }
    people.persons[number].model.is_enrolled = true;
    people.owners[number] = number;
    return JF_REFUSAL_NONE;
}

enum jf_refusal_code sim_people_link(uint32_t number, uint32_t card_number)
{
    if (people.persons[number].is_closed) {
        return JF_REFUSAL_MEMBER_CLOSED;
    }
    if (people.owners[card_number] != 0) {
        return JF_REFUSAL_CARD_TAKEN;
    }
    people.owners[card_number] = number;
    return JF_REFUSAL_NONE;
}

void sim_people_unlink(uint32_t card_number)
{
    people.owners[card_number] = 0;
}

enum jf_refusal_code sim_people_freeze(struct sim_person *person, bool is_thaw)
{
    if (person->is_closed) {
        return JF_REFUSAL_MEMBER_CLOSED;
    }
    person->is_frozen = !is_thaw;
    return JF_REFUSAL_NONE;
}

static int64_t now_ms(void)
{
    return (int64_t)(sim.now_us / 1000);
}

enum jf_refusal_code sim_people_close(struct sim_person *person)
{
    if (person->is_closed) {
        return JF_REFUSAL_MEMBER_CLOSED;
    }
    sim_person_release(person, INT64_MAX);
    model_close(&person->model, (jf_date)(now_ms() / DAY_MS));
    person->is_closed = true;
    person->is_frozen = false;
    people.ceased += 1;
    return JF_REFUSAL_NONE;
}

// Of the holds that are not past their deadline.
static uint32_t holds_left(const struct sim_person *person)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < person->hold_count; i++) {
        count += person->holds[i].deadline_ms >= now_ms();
    }
    return count;
}

static int parts_left(const struct sim_person *person)
{
    int count = 0;
    for (uint32_t i = 0; i < person->hold_count; i++) {
        count += person->holds[i].deadline_ms >= now_ms() ? person->holds[i].part_count : 0;
    }
    return count;
}

// Sales, cards and holds of `from` are `into`'s now.
static void belongings_move(uint32_t from, uint32_t into, int sales_before)
{
    struct sim_person *gone = &people.persons[from];
    struct sim_person *left = &people.persons[into];
    for (uint32_t i = 0; i < sim_op_count(); i++) {
        struct sim_op *op = sim_op_at(i);
        if (op->command.kind == JF_COMMAND_SALE && op->position != 0 && op->home == from) {
            op->home = into;
            op->model_index += sales_before;
        }
    }
    for (uint32_t card = 1; card <= SIM_CARDS; card++) {
        people.owners[card] = people.owners[card] == from ? into : people.owners[card];
    }
    for (uint32_t i = 0; i < gone->hold_count; i++) {
        left->holds[left->hold_count++] = gone->holds[i];
    }
    gone->hold_count = 0;
}

enum jf_refusal_code sim_people_merge(uint32_t from, uint32_t into)
{
    struct sim_person *gone = &people.persons[from];
    struct sim_person *left = &people.persons[into];
    if (from == into) {
        return JF_REFUSAL_INVALID_FIELD;
    }
    if (gone->is_closed || left->is_closed) {
        return JF_REFUSAL_MEMBER_CLOSED;
    }
    if (gone->is_frozen) {
        return JF_REFUSAL_MEMBER_FROZEN;
    }
    if (holds_left(gone) + holds_left(left) > SIM_HOLDS_MAX ||
        parts_left(gone) + parts_left(left) > SIM_HOLD_PARTS_MAX) {
        return JF_REFUSAL_LIMIT_REACHED;
    }
    sim_person_release(left, now_ms());
    sim_person_release(gone, now_ms());
    int sales_before = left->model.sale_count;
    model_merge(&gone->model, &left->model);
    belongings_move(from, into, sales_before);
    gone->merged_into = into;
    left->has_absorbed = true;
    people.ceased += 1;
    return JF_REFUSAL_NONE;
}

bool sim_people_may_cease(void)
{
    return people.ceased < CEASE_MAX;
}

bool sim_people_is_about_now(jf_date date)
{
    return date >= people.started_day - 1 && date < people.started_day + SIM_NOW_DAYS;
}
