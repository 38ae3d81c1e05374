// Members as a naive ledger has them, around what the model of the rules knows: who exists under
// which number and card, who is frozen, closed or has become another, and the points set aside.
#ifndef SIM_PEOPLE_H
#define SIM_PEOPLE_H

#include "sim_client.h"

#define SIM_HOLDS_MAX      16u // README, Limits
#define SIM_HOLD_PARTS_MAX 64
#define SIM_NOW_DAYS       5 // a seed's time is less

struct sim_hold {
    const struct sim_op *op;
    int64_t deadline_ms;
    int part_count;
    struct model_move parts[MODEL_PARTS_MAX];
};

struct sim_person {
    struct model_member model;
    bool is_frozen;
    bool is_closed;
    uint32_t merged_into; // 0: has not become another
    bool has_absorbed;    // another has become this one
    uint32_t hold_count;
    struct sim_hold holds[SIM_HOLDS_MAX];
};

void sim_people_create(void);
void sim_people_destroy(void);

struct sim_person *sim_person(uint32_t number);
// Whom a command means. Returns: JF_REFUSAL_NONE, or what it is refused with.
enum jf_refusal_code sim_people_find(const struct jf_member_ref *ref, uint32_t card_number,
                                     uint32_t *out_number);
// Whom a card leads to; 0: nobody.
uint32_t sim_people_card_owner(uint32_t card_number);

int64_t sim_person_held(const struct sim_person *person);
int64_t sim_person_balance(const struct sim_person *person); // what is set aside included

// Holds past their deadline go back, as every command does that spends or moves.
void sim_person_release(struct sim_person *person, int64_t at_ms);

// A person as it was before a command that is refused, or only quoted. One mark at a time.
void sim_person_mark(const struct sim_person *person);
void sim_person_reset(struct sim_person *person);

// What must come of the command; unless it is refused, it is done.
enum jf_refusal_code sim_people_enrol(uint32_t number);
enum jf_refusal_code sim_people_hold(struct sim_person *person, const struct sim_op *op);
// Out: the points captured.
enum jf_refusal_code sim_people_capture(const struct sim_op *op, int64_t *out_points);
enum jf_refusal_code sim_people_void(const struct sim_op *op);
enum jf_refusal_code sim_people_link(uint32_t number, uint32_t card_number);
void sim_people_unlink(uint32_t card_number);
enum jf_refusal_code sim_people_freeze(struct sim_person *person, bool is_thaw);
enum jf_refusal_code sim_people_close(struct sim_person *person);
enum jf_refusal_code sim_people_merge(uint32_t from, uint32_t into);

// Who has the hold now. 0: it has ended.
uint32_t sim_people_hold_owner(const struct sim_op *hold);

// For those who draw: whether members may still cease to be in this seed, and whether a day is
// so near to the ledger's own clock that what it means depends on the hour.
bool sim_people_may_cease(void);
bool sim_people_is_about_now(jf_date date);

#endif
