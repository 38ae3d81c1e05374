// jifen programme simulate: the ledger's own sales again, under another programme.
//
// The feed is read twice: once for returns, to know which sales must be kept in mind, once for
// sales and returns together. Fails: usage; a file that cannot be read or is no programme; no
// connection, or one that breaks; an entry that cannot be read.
#include "tools/jifen/simulate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "engine/entry_codec.h"
#include "jifen/v1/programmes.pb-c.h"
#include "tools/jifen/feed.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/programme_file.h"
#include "tools/jifen/progress.h"

#define ENTRY_ARENA_CHUNK ((size_t)256 << 10)
#define ENTRY_ARENA_MAX   ((size_t)64 << 20)

struct reading {
    struct jf_simulation *simulation;
    struct jf_session *session;
    struct jf_progress progress;
    uint64_t until_position;
    bool is_progress_forced;
    enum jf_error error;
    uint64_t error_position;
};

static enum jf_exit no_memory(void)
{
    return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
}

// Finds a name, or adds it. In: room for it.
static uint32_t name_add(struct jf_simulation *simulation, const char *name)
{
    for (uint32_t i = 0; i < simulation->name_count; i++) {
        if (strcmp(simulation->names[i], name) == 0) {
            return i;
        }
    }
    (void)snprintf(simulation->names[simulation->name_count], sizeof(simulation->names[0]), "%.64s",
                   name);
    return simulation->name_count++;
}

static bool names_make(struct jf_simulation *simulation,
                       const Jifen__V1__GetProgrammeResponse *newest)
{
    uint32_t rules = jf_programme_rule_count(simulation->programme);
    size_t most = (size_t)rules + newest->n_reasons + 1;
    simulation->names = calloc(most, sizeof(*simulation->names));
    simulation->name_of_reason = calloc(newest->n_reasons + 1, sizeof(uint32_t));
    if (simulation->names == NULL || simulation->name_of_reason == NULL) {
        return false;
    }
    simulation->name_of_rule[0] = name_add(simulation, "base");
    for (uint32_t rule = 0; rule < rules; rule++) {
        char name[JF_NAME_BYTES_MAX + 1];
        struct jf_text text = jf_programme_ground_name(simulation->programme, rule);
        (void)snprintf(name, sizeof(name), "%.*s", (int)text.size, text.data);
        simulation->name_of_rule[rule + 1] = name_add(simulation, name);
    }
    for (size_t i = 0; i < newest->n_reasons; i++) {
        if (newest->reasons[i]->number == i) {
            simulation->name_of_reason[i] = name_add(simulation, newest->reasons[i]->name);
        }
    }
    simulation->reason_count = (uint32_t)newest->n_reasons;
    return true;
}

static bool sums_make(struct jf_simulation *simulation)
{
    size_t days = (size_t)(simulation->to - simulation->from) + 1;
    JF_ASSERT(days <= JF_SIMULATE_DAYS_MAX);
    simulation->days = calloc(days, sizeof(*simulation->days));
    simulation->cells = calloc(days * simulation->name_count, sizeof(*simulation->cells));
    return simulation->days != NULL && simulation->cells != NULL;
}

// Levels go by name; one that the new programme does not have becomes the highest not above it.
static void tiers_map(const struct jf_simulation *simulation,
                      const Jifen__V1__GetProgrammeResponse *published,
                      struct jf_simulate_version *version)
{
    uint32_t count = jf_programme_tier_count(simulation->programme);
    for (uint32_t tier = 0; tier < JF_TIERS_MAX; tier++) {
        version->tier_map[tier] = tier < count ? tier : count - 1;
        for (uint32_t level = 0; level < count && tier < published->n_tier_names; level++) {
            if (jf_text_equal(jf_programme_tier_name(simulation->programme, level),
                              jf_text_from(published->tier_names[tier]))) {
                version->tier_map[tier] = level;
            }
        }
    }
}

// Activity classes go by name too; one that the new programme does not have is none.
static void classes_map(const struct jf_simulation *simulation,
                        const Jifen__V1__GetProgrammeResponse *published,
                        struct jf_simulate_version *version)
{
    uint32_t count = jf_programme_class_count(simulation->programme);
    for (uint32_t number = 1; number <= JF_CLASSES_MAX; number++) {
        for (uint32_t other = 1; other <= count && number <= published->n_class_names; other++) {
            if (jf_text_equal(jf_programme_class_name(simulation->programme, other),
                              jf_text_from(published->class_names[number - 1]))) {
                version->class_map[number] = other;
            }
        }
    }
}

static enum jf_exit version_get(struct jf_session *session, uint32_t number,
                                const Jifen__V1__GetProgrammeResponse **out_response)
{
    const ProtobufCMessage *message = NULL;
    Jifen__V1__GetProgrammeRequest request = JIFEN__V1__GET_PROGRAMME_REQUEST__INIT;
    request.version = number;
    enum jf_exit code = jf_session_call(session, "/jifen.v1.Programmes/Get", &request.base,
                                        &jifen__v1__get_programme_response__descriptor, &message);
    *out_response = (const Jifen__V1__GetProgrammeResponse *)message;
    return code;
}

static enum jf_exit versions_get(struct jf_session *session, struct jf_simulation *simulation)
{
    const Jifen__V1__GetProgrammeResponse *response = NULL;
    enum jf_exit code = version_get(session, 0, &response);
    if (code != JF_EXIT_OK) {
        return code;
    }
    uint32_t count = response->versions;
    simulation->versions = calloc((size_t)count + 1, sizeof(*simulation->versions));
    if (simulation->versions == NULL || !names_make(simulation, response) ||
        !sums_make(simulation)) {
        return no_memory();
    }
    for (uint32_t i = 0; i < count && code == JF_EXIT_OK; i++) {
        struct jf_diagnosis diagnosis = {.error = JF_OK};
        code = version_get(session, i + 1, &response);
        if (code != JF_EXIT_OK) {
            return code;
        }
        tiers_map(simulation, response, &simulation->versions[i]);
        classes_map(simulation, response, &simulation->versions[i]);
        if (jf_programme_parse(jf_text_from(response->yaml), JF_TEXT("programme"),
                               &simulation->versions[i].programme, &diagnosis) != JF_OK) {
            simulation->versions[i].programme = NULL; // a later program's: its points have no value
        }
        simulation->version_count = i + 1;
    }
    return code;
}

static void on_position(void *context, uint64_t position)
{
    struct reading *reading = context;
    jf_progress_show(&reading->progress, position);
}

static bool on_return(void *context, const Jifen__V1__FollowResponse *response)
{
    struct reading *reading = context;
    uint32_t index = 0;
    if (response->entry->outcome == NULL ||
        response->entry->outcome->business_date > jf_wire_date_from(reading->simulation->to)) {
        return true;
    }
    reading->error =
        jf_number_map_add(&reading->simulation->returned, response->entry->sale_position, &index);
    reading->error_position = response->position;
    return reading->error == JF_OK;
}

static bool on_entry(void *context, const Jifen__V1__FollowResponse *response)
{
    struct reading *reading = context;
    struct jf_simulation *simulation = reading->simulation;
    struct jf_text bytes = {(const char *)response->stored.data, (uint32_t)response->stored.len};
    struct jf_diagnosis diagnosis;
    struct jf_entry entry;
    reading->error = jf_entry_decode(bytes, &simulation->arena, &entry, &diagnosis);
    if (reading->error == JF_OK) {
        entry.position = response->position;
        reading->error = jf_simulate_add(simulation, &entry, bytes);
    }
    reading->error_position = response->position;
    jf_arena_reset(&simulation->arena);
    return reading->error == JF_OK;
}

// Reads the feed to where it ended when the simulation began.
static enum jf_exit feed_read(struct reading *reading, const char *what, struct jf_feed *feed)
{
    feed->from_position = 1;
    feed->until_position = reading->until_position;
    feed->on_position = on_position;
    feed->context = reading;
    jf_progress_begin(&reading->progress, what, reading->until_position,
                      reading->is_progress_forced);
    enum jf_exit code = jf_feed_run(reading->session, feed);
    jf_progress_end(&reading->progress, feed->next_position - 1);
    if (reading->error == JF_ERROR_NO_MEMORY || reading->error == JF_ERROR_LIMIT) {
        return no_memory();
    }
    if (reading->error != JF_OK) {
        return jf_cli_fail(JF_EXIT_BROKEN, "entry %" PRIu64 " cannot be read: %s",
                           reading->error_position, jf_error_text(reading->error));
    }
    if (code == JF_EXIT_OK && feed->is_interrupted) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "broken off; nothing was changed");
    }
    return code;
}

static enum jf_exit sales_read(struct reading *reading)
{
    char kind_return[] = "return";
    char kind_sale[] = "sale";
    char *kinds[] = {kind_return, kind_sale};
    struct jf_simulation *simulation = reading->simulation;
    struct jf_feed returns = {.kinds = kinds, .kind_count = 1, .on_entry = on_return};
    struct jf_feed all = {.kinds = kinds, .kind_count = 2, .is_stored = true, .on_entry = on_entry};
    enum jf_exit code = jf_feed_durable(reading->session, &reading->until_position);
    if (code != JF_EXIT_OK || reading->until_position == 0) {
        return code;
    }
    code = feed_read(reading, "returns", &returns);
    if (code != JF_EXIT_OK) {
        return code;
    }
    simulation->sales = calloc((size_t)simulation->returned.count + 1, sizeof(*simulation->sales));
    return simulation->sales == NULL ? no_memory() : feed_read(reading, "sales", &all);
}

static void simulation_free(struct jf_simulation *simulation)
{
    for (uint32_t i = 0; i < simulation->version_count; i++) {
        jf_programme_destroy(simulation->versions[i].programme);
    }
    for (uint32_t i = 0; simulation->sales != NULL && i < simulation->returned.count; i++) {
        free(simulation->sales[i].bytes);
        free(simulation->sales[i].granted[JF_GRANTED]);
        free(simulation->sales[i].granted[JF_SIMULATED]);
        free(simulation->sales[i].rooms);
    }
    free(simulation->versions);
    free(simulation->names);
    free(simulation->name_of_reason);
    free(simulation->days);
    free(simulation->cells);
    free(simulation->sales);
    jf_number_map_deinit(&simulation->returned);
    jf_simulate_limits_free(simulation);
    jf_arena_deinit(&simulation->arena);
    jf_programme_destroy(simulation->programme);
}

static enum jf_exit simulate(struct jf_cli *cli, const struct jf_simulate_input *input,
                             struct jf_simulation *simulation)
{
    struct jf_session *session = NULL;
    enum jf_exit code = jf_session_open(cli, 1, &session);
    if (code == JF_EXIT_OK) {
        code = versions_get(session, simulation);
    }
    if (code == JF_EXIT_OK) {
        struct reading reading = {.simulation = simulation,
                                  .session = session,
                                  .is_progress_forced = input->is_progress_forced};
        code = sales_read(&reading);
    }
    jf_session_close(session);
    if (code == JF_EXIT_OK) {
        struct jf_simulate_output output = {
            .file_name = cli->arguments[1], .is_json = cli->is_json, .is_csv = input->is_csv};
        code = jf_simulate_show(simulation, &output);
    }
    return jf_cli_finish(code);
}

enum jf_exit jf_simulate_run(struct jf_cli *cli, const struct jf_simulate_input *input)
{
    const char *path = cli->arguments[1];
    const char *yaml = NULL;
    if (input->from == JF_DATE_NONE || input->to == JF_DATE_NONE || input->to < input->from) {
        return jf_cli_usage("programme", "simulate needs --from DATE and --to DATE, in this order");
    }
    if ((uint32_t)(input->to - input->from) >= JF_SIMULATE_DAYS_MAX) {
        return jf_cli_usage("programme", "simulate looks at most at %u days", JF_SIMULATE_DAYS_MAX);
    }
    if (cli->is_json && input->is_csv) {
        return jf_cli_usage("programme", "--json or --csv, not both");
    }
    enum jf_exit code = jf_programme_file_read(path, &yaml);
    if (code != JF_EXIT_OK || yaml == NULL) {
        return code;
    }
    struct jf_simulation simulation = {.from = input->from, .to = input->to};
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    if (jf_programme_parse(jf_text_from(yaml), jf_text_from(path), &simulation.programme,
                           &diagnosis) != JF_OK) {
        return jf_cli_diagnosed(&diagnosis);
    }
    jf_arena_init(&simulation.arena, ENTRY_ARENA_CHUNK, ENTRY_ARENA_MAX);
    if (jf_control_create(&simulation.control) != JF_OK) {
        simulation_free(&simulation);
        return no_memory();
    }
    code = simulate(cli, input, &simulation);
    simulation_free(&simulation);
    return code;
}
