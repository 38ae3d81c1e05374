// See support.h. A step touches one member, notes one transaction, one receipt, an entry; a
// member's first step notes a card; every 10th step changes the transaction of the step before as a
// return would; each says whether its member has points that expire on one of four days; every 25th
// is a reference.
#include "support.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "state/state_private.h"

_Noreturn void support_fail(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
    abort();
}

struct support_directory support_directory_make(void)
{
    struct support_directory directory;
    snprintf(directory.parent, sizeof directory.parent, "/tmp/jifen-state-XXXXXX");
    REQUIRE(mkdtemp(directory.parent) != NULL);
    snprintf(directory.path, sizeof directory.path, "%s/state", directory.parent);
    return directory;
}

static int file_remove(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void support_directory_remove(struct support_directory *directory)
{
    REQUIRE(nftw(directory->parent, file_remove, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

void support_file_write(const struct support_directory *directory, const char *name,
                        const char *content)
{
    char path[160];
    (void)mkdir(directory->path, 0750);
    snprintf(path, sizeof path, "%s/%s", directory->path, name);
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    REQUIRE(fputs(content, file) >= 0);
    REQUIRE(fclose(file) == 0);
}

struct jf_state_config support_config(const struct support_directory *directory)
{
    return (struct jf_state_config){
        .directory = directory->path,
        .ledger_id = {1, 2, 3},
        .cache_bytes = 1 << 20,
        .filter_bytes = 4096,
        .write_buffer_bytes = 1 << 20,
        .block_cache_bytes = 1 << 20,
        .generation_entries = 10,
        .generation_us = 1000000,
        .generations_max = 4,
        .flush_entries = 1000000000,
        .flush_us = UINT64_MAX,
        .is_inline = true,
    };
}

bool support_child(void (*body)(void *context), void *context)
{
    fflush(NULL);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        body(context);
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

enum jf_error support_open(struct support_ledger *ledger, const struct jf_state_config *config,
                           struct jf_kv *kv, struct jf_diagnosis *diagnosis)
{
    *ledger = (struct support_ledger){.now_us = 1000};
    enum jf_error error = kv == NULL ? jf_state_open(config, &ledger->state, diagnosis)
                                     : jf_state_open_kv(config, kv, &ledger->state, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    REQUIRE(jf_control_create(&ledger->control) == JF_OK);
    error = jf_state_load_control(ledger->state, ledger->control, diagnosis);
    ledger->position = jf_state_applied(ledger->state);
    return error;
}

void support_close(struct support_ledger *ledger, bool is_clean)
{
    struct jf_diagnosis diagnosis = {0};
    REQUIRE(jf_state_close(ledger->state, is_clean, &diagnosis) == JF_OK);
    jf_control_destroy(ledger->control);
    *ledger = (struct support_ledger){0};
}

struct jf_member_id support_member(uint64_t position)
{
    return (struct jf_member_id){1 + position * 7 % SUPPORT_MEMBERS};
}

static jf_date date_of(uint64_t position)
{
    return (jf_date)(20000 + position / 20);
}

static struct jf_hash128 hash_of(const char *kind, uint64_t position)
{
    char text[64];
    int size = snprintf(text, sizeof text, "%s-%llu", kind, (unsigned long long)position);
    return jf_hash128(text, (size_t)size);
}

struct jf_transaction_key support_transaction(uint64_t position)
{
    return (struct jf_transaction_key){hash_of("transaction", position), date_of(position)};
}

struct jf_receipt_key support_receipt(uint64_t position)
{
    return (struct jf_receipt_key){date_of(position),
                                   {(uint32_t)(position % 5 + 1)},
                                   (uint32_t)(position % 3),
                                   hash_of("receipt", position)};
}

struct jf_text support_entry(uint64_t position, char *bytes)
{
    size_t size = position * 37 % 400;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)('a' + (position + i) % 26);
    }
    return (struct jf_text){bytes, (uint32_t)size};
}

static struct jf_text card_of(struct jf_member_id member, char text[32])
{
    snprintf(text, 32, "card-%llu", (unsigned long long)member.value);
    return jf_text_from(text);
}

static bool is_changing_before(uint64_t position)
{
    return position % 10 == 0;
}

static bool is_reference(uint64_t position)
{
    return position % 25 == 0;
}

// Four days; what a step of a member says of a day stands until the member's next step says
// otherwise.
static jf_date expiry_of(uint64_t position)
{
    return (jf_date)(21000 + position % 4);
}

static bool is_expiring(uint64_t position)
{
    return position % 3 != 0;
}

static void control_step(struct jf_control *control, uint64_t position)
{
    struct jf_control_row rows[2] = {
        {JF_ACCOUNT_AVAILABLE, {1}, 0, (int64_t)(position * (position + 1) / 2)},
        {JF_ACCOUNT_ISSUED, {1}, 3, -(int64_t)(position * (position + 1) / 2)},
    };
    struct jf_control_content content = {
        .rows = rows,
        .row_count = 2,
        .counts = {.entries = position, .last_position = position},
    };
    REQUIRE(jf_control_load(control, &content) == JF_OK);
}

// Each step grants `position` points into the lot of its member's only expiry.
static void member_step(struct jf_member *member, struct jf_member_id id, uint64_t position)
{
    member->number = id;
    member->status = JF_MEMBER_ACTIVE;
    member->last_position = position;
    member->visits += 1;
    if (member->lot_count == 0) {
        member->lots[member->lot_count++] = (struct jf_lot){.expires_on = 30000, .entity = {1}};
    }
    member->lots[0].granted += (int64_t)position;
    member->lots[0].remaining += (int64_t)position;
}

static void notes_step(struct jf_state *state, uint64_t position)
{
    struct jf_transaction_key key = support_transaction(position);
    jf_state_note_transaction(state, key, (struct jf_transaction_row){position, 0, key.date});
    if (is_changing_before(position)) {
        struct jf_transaction_key before = support_transaction(position - 1);
        jf_state_note_transaction(state, before,
                                  (struct jf_transaction_row){position - 1, position, before.date});
    }
    struct jf_receipt_key receipt = support_receipt(position);
    jf_state_note_receipt(state, &receipt, position);
    if (is_reference(position)) {
        jf_state_note_reference(state, position, (struct jf_hash128){position, position});
    }
    jf_state_note_expiry(state, expiry_of(position), support_member(position),
                         is_expiring(position));
}

void support_step(struct support_ledger *ledger)
{
    struct jf_state *state = ledger->state;
    uint64_t position = ledger->position + 1;
    struct jf_member_id id = support_member(position);
    REQUIRE(jf_state_members_fetch(state, &id, 1) == JF_OK);
    struct jf_member *member = jf_state_member(state, id);
    bool is_new = member == NULL;
    if (is_new) {
        REQUIRE(jf_state_member_create(state, id, &member) == JF_OK);
    }
    struct jf_member_capacity room = {.lots = 1, .months = 1, .debts = 1};
    REQUIRE(jf_state_member_room(state, id, room, &member) == JF_OK);
    char bytes[512];
    struct jf_text entry = support_entry(position, bytes);
    REQUIRE(jf_state_note_reserve(state, entry.size, is_new ? 1 : 0, 1) == JF_OK);
    member_step(member, id, position);
    jf_state_member_touch(state, member);
    control_step(ledger->control, position);
    jf_state_note_entry(state, position, entry.data, entry.size);
    notes_step(state, position);
    if (is_new) {
        char text[32];
        jf_state_note_card(state, card_of(id, text), id);
    }
    jf_state_batch_end(state);
    ledger->position = position;
}

void support_turn(struct support_ledger *ledger)
{
    struct jf_diagnosis diagnosis = {0};
    ledger->now_us += 1;
    REQUIRE(jf_state_turn(ledger->state, ledger->control, ledger->now_us, ledger->position,
                          &diagnosis) == JF_OK);
}

static void pause_shortly(void)
{
    struct timespec span = {0, 100000};
    (void)nanosleep(&span, NULL);
}

void support_steps(struct support_ledger *ledger, uint64_t until)
{
    while (ledger->position < until) {
        support_step(ledger);
        support_turn(ledger);
        for (uint32_t i = 0; i < 100000 && jf_state_is_behind(ledger->state); i++) {
            pause_shortly();
            support_turn(ledger);
        }
        REQUIRE(!jf_state_is_behind(ledger->state));
    }
}

void support_settle(struct support_ledger *ledger, bool is_flushed)
{
    jf_state_checkpoint(ledger->state);
    for (uint32_t i = 0; i < 100000; i++) {
        support_turn(ledger);
        uint64_t reached =
            is_flushed ? jf_state_flushed(ledger->state) : jf_state_stored(ledger->state);
        if (reached == ledger->position) {
            support_turn(ledger);
            return;
        }
        pause_shortly();
    }
    fprintf(stderr, "position %llu, stored %llu, flushed %llu\n",
            (unsigned long long)ledger->position,
            (unsigned long long)jf_state_stored(ledger->state),
            (unsigned long long)jf_state_flushed(ledger->state));
    REQUIRE(!"settled in time");
}

// ---- Verifying ------------------------------------------------------------------------

static void transaction_verify(struct jf_state *state, uint64_t position, uint64_t last)
{
    struct jf_transaction_key keys[2] = {support_transaction(position),
                                         support_transaction(position)};
    keys[1].date += 400; // the same id, sent with another date
    struct jf_transaction_row rows[2] = {{0}, {0}};
    REQUIRE(jf_state_transactions_find(state, keys, 2, rows) == JF_OK);
    uint64_t change = position + 1;
    bool is_changed = is_changing_before(change) && change <= last;
    for (uint32_t i = 0; i < 2; i++) {
        REQUIRE(rows[i].position == position);
        REQUIRE(rows[i].date == date_of(position));
        REQUIRE(rows[i].follow_up_position == (is_changed ? change : 0));
    }
}

static void position_verify(struct jf_state *state, uint64_t position, uint64_t last)
{
    transaction_verify(state, position, last);
    struct jf_receipt_key key = support_receipt(position);
    uint64_t found = 0;
    REQUIRE(jf_state_receipts_find(state, &key, 1, &found) == JF_OK);
    REQUIRE(found == position);
    struct jf_arena arena;
    jf_arena_init(&arena, 1024, 1 << 20);
    char bytes[512];
    struct jf_text entry = {NULL, 0};
    REQUIRE(jf_state_entry_read(state, position, &arena, &entry) == JF_OK);
    REQUIRE(jf_text_equal(entry, support_entry(position, bytes)));
    jf_arena_deinit(&arena);
}

static void absence_verify(struct jf_state *state, uint64_t position)
{
    struct jf_transaction_key key = support_transaction(position);
    struct jf_transaction_row row = {.position = 1};
    REQUIRE(jf_state_transactions_find(state, &key, 1, &row) == JF_OK);
    REQUIRE(row.position == 0);
    struct jf_receipt_key receipt = support_receipt(position);
    uint64_t found = 1;
    REQUIRE(jf_state_receipts_find(state, &receipt, 1, &found) == JF_OK);
    REQUIRE(found == 0);
    struct jf_arena arena;
    jf_arena_init(&arena, 1024, 1 << 20);
    struct jf_text entry = {NULL, 0};
    REQUIRE(jf_state_entry_read(state, position, &arena, &entry) == JF_ERROR_NOT_FOUND);
    jf_arena_deinit(&arena);
}

static void member_verify(struct jf_state *state, struct jf_member_id id, uint64_t last)
{
    uint64_t last_position = 0;
    uint32_t visits = 0;
    int64_t points = 0;
    for (uint64_t position = 1; position <= last; position++) {
        if (support_member(position).value == id.value) {
            last_position = position;
            visits += 1;
            points += (int64_t)position;
        }
    }
    char text[32];
    struct jf_text card = card_of(id, text);
    struct jf_member_id owner = {99};
    REQUIRE(jf_state_cards_find(state, &card, 1, &owner) == JF_OK);
    REQUIRE(owner.value == (visits == 0 ? 0 : id.value));
    REQUIRE(jf_state_members_fetch(state, &id, 1) == JF_OK);
    const struct jf_member *member = jf_state_member(state, id);
    REQUIRE((member == NULL) == (visits == 0));
    if (member != NULL) {
        REQUIRE(member->last_position == last_position);
        REQUIRE(member->visits == visits);
        REQUIRE(member->lots[0].remaining == points);
    }
    jf_state_batch_end(state);
}

static void references_verify(struct jf_state *state, uint64_t last)
{
    struct jf_arena arena;
    jf_arena_init(&arena, 1024, 1 << 20);
    const uint64_t *positions = NULL;
    uint32_t count = 0;
    REQUIRE(jf_state_reference_positions(state, &arena, &positions, &count) == JF_OK);
    REQUIRE(count == last / 25);
    for (uint32_t i = 0; i < count; i++) {
        REQUIRE(positions[i] == (i + 1) * 25);
    }
    jf_arena_deinit(&arena);
}

// Whether the member has points that expire on the day, by the newest step that spoke of both.
static bool is_expiring_at(struct jf_member_id id, jf_date day, uint64_t last)
{
    for (uint64_t position = last; position > 0; position--) {
        if (support_member(position).value == id.value && expiry_of(position) == day) {
            return is_expiring(position);
        }
    }
    return false;
}

void support_expiries_verify(struct jf_state *state)
{
    struct jf_diagnosis diagnosis = {0};
    struct jf_state_scan *scan = NULL;
    uint64_t last = 0;
    REQUIRE(jf_state_scan_open(state, (struct jf_member_id){0}, &scan, &last) == JF_OK);
    jf_date day = 0;
    struct jf_member_id id = {0};
    for (jf_date wanted = 21000; wanted < 21004; wanted++) {
        for (uint64_t number = 1; number <= SUPPORT_MEMBERS; number++) {
            if (is_expiring_at((struct jf_member_id){number}, wanted, last)) {
                REQUIRE(jf_state_scan_expiry(scan, 21004, &day, &id, &diagnosis) == JF_OK);
                REQUIRE(day == wanted);
                REQUIRE(id.value == number);
            }
        }
    }
    REQUIRE(jf_state_scan_expiry(scan, 21004, &day, &id, &diagnosis) == JF_ERROR_NOT_FOUND);
    jf_state_scan_expiry_rewind(scan);
    REQUIRE(jf_state_scan_expiry(scan, 21000, &day, &id, &diagnosis) == JF_ERROR_NOT_FOUND);
    jf_state_scan_close(scan);
}

void support_verify(struct support_ledger *ledger)
{
    uint64_t last = ledger->position;
    for (uint64_t position = 1; position <= last; position++) {
        position_verify(ledger->state, position, last);
    }
    for (uint64_t position = last + 1; position <= last + 20; position++) {
        absence_verify(ledger->state, position);
    }
    for (uint64_t number = 1; number <= SUPPORT_MEMBERS; number++) {
        member_verify(ledger->state, (struct jf_member_id){number}, last);
    }
    references_verify(ledger->state, last);
    support_expiries_verify(ledger->state);
    REQUIRE(jf_control_counts(ledger->control)->last_position == last);
    REQUIRE(jf_control_liability(ledger->control) == (int64_t)(last * (last + 1) / 2));
}
