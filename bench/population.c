// Stores and programme one by one, members by many concurrent calls.
// Fails: a programme that cannot be read or is refused; a refused store or member.
#include "bench/population.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "bench/load.h"
#include "bench/sale.h"
#include "jifen/v1/members.pb-c.h"
#include "jifen/v1/programmes.pb-c.h"

#define ENROL_CONNECTIONS 4u
#define ENROL_CALLS       64u
#define ENROLLED_ON       20260101
#define ID_SIZE           40u

// Of programme_bytes.c, made at build time from tools/samples/programme-pharmacy.yaml.
extern const unsigned char jf_bench_programme_bytes[];
extern const uint32_t jf_bench_programme_bytes_size;

static enum jf_error stores_put(struct jf_target *target, uint64_t count,
                                struct jf_diagnosis *diagnosis)
{
    static char region[] = "east";
    static char zone[] = "Asia/Shanghai";
    for (uint64_t at = 0; at < count && !jf_interrupt_seen(); at++) {
        char id[ID_SIZE];
        Jifen__V1__PutStoreRequest request = JIFEN__V1__PUT_STORE_REQUEST__INIT;
        request.store = (uint32_t)(JF_SALE_STORE_FIRST + at);
        (void)snprintf(id, sizeof(id), "bench-store-%" PRIu32, request.store);
        request.transaction_id = id;
        request.entity = 1;
        request.region = region;
        request.zone = zone;
        enum jf_error error = jf_target_tell(target, "/jifen.v1.Programmes/PutStore", &request.base,
                                             &jifen__v1__put_store_response__descriptor, diagnosis);
        if (error != JF_OK) {
            return error;
        }
    }
    return JF_OK;
}

// Out: terminated text, to be freed.
static enum jf_error programme_read(const char *path, char **out_text,
                                    struct jf_diagnosis *diagnosis)
{
    char *text = calloc(1, JF_PROGRAMME_BYTES_MAX + 1);
    if (text == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for a programme");
    }
    if (path == NULL) {
        memcpy(text, jf_bench_programme_bytes, jf_bench_programme_bytes_size);
        *out_text = text;
        return JF_OK;
    }
    FILE *file = fopen(path, "re");
    size_t size = file == NULL ? 0 : fread(text, 1, JF_PROGRAMME_BYTES_MAX, file);
    if (file != NULL) {
        (void)fclose(file);
    }
    if (size == 0) {
        free(text);
        return jf_diagnose(diagnosis, JF_ERROR_IO, "--programme %s: it cannot be read or is empty",
                           path);
    }
    *out_text = text;
    return JF_OK;
}

static enum jf_error programme_publish(struct jf_target *target, const char *path,
                                       struct jf_diagnosis *diagnosis)
{
    char id[ID_SIZE];
    char *text = NULL;
    static char sample_name[] = "programme-pharmacy.yaml";
    enum jf_error error = programme_read(path, &text, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    Jifen__V1__PublishRequest request = JIFEN__V1__PUBLISH_REQUEST__INIT;
    (void)snprintf(id, sizeof(id), "bench-programme-%016" PRIx64, jf_hash64(text, strlen(text)));
    request.transaction_id = id;
    request.yaml = text;
    request.file_name = path == NULL ? sample_name : (char *)(uintptr_t)path;
    error = jf_target_tell(target, "/jifen.v1.Programmes/Publish", &request.base,
                           &jifen__v1__publish_response__descriptor, diagnosis);
    free(text);
    return error;
}

struct enrolment {
    uint64_t next;
    uint64_t count;
    char id[ID_SIZE];
    Jifen__V1__EnrolRequest request;
};

static uint32_t enrolment_next(void *context)
{
    struct enrolment *enrolment = context;
    if (enrolment->next == enrolment->count) {
        return UINT32_MAX;
    }
    Jifen__V1__EnrolRequest *request = &enrolment->request;
    request->number = JF_SALE_MEMBER_FIRST + enrolment->next;
    request->birth_month = (uint32_t)(enrolment->next % 12 + 1);
    request->birth_day = (uint32_t)(enrolment->next % 28 + 1);
    request->enrolled_on = ENROLLED_ON;
    (void)snprintf(enrolment->id, sizeof(enrolment->id), "bench-enrol-%" PRIu64, request->number);
    request->transaction_id = enrolment->id;
    enrolment->next += 1;
    return (uint32_t)jifen__v1__enrol_request__get_packed_size(request);
}

static void enrolment_write(void *context, unsigned char *out_bytes)
{
    struct enrolment *enrolment = context;
    (void)jifen__v1__enrol_request__pack(&enrolment->request, out_bytes);
}

static enum jf_error members_enrol(struct jf_target *target, uint64_t count,
                                   struct jf_diagnosis *diagnosis)
{
    static struct jf_load_result result;
    struct enrolment enrolment = {.count = count, .request = JIFEN__V1__ENROL_REQUEST__INIT};
    const struct jf_load_source source = {.path = JF_TEXT("/jifen.v1.Members/Enrol"),
                                          .context = &enrolment,
                                          .next = enrolment_next,
                                          .write = enrolment_write,
                                          .read = jf_answer_write,
                                          .answers_per_request = 1};
    const struct jf_load_config config = {.server = &target->server,
                                          .source = &source,
                                          .connections = ENROL_CONNECTIONS,
                                          .calls = ENROL_CALLS,
                                          .answers_max = count,
                                          .what = "members"};
    enum jf_error error = jf_load_run(&config, target->clients, &result, diagnosis);
    if (error == JF_OK && !jf_interrupt_seen() &&
        (!jf_load_is_good(&config, &result) || result.answers.accepted != count)) {
        return jf_diagnose(diagnosis, JF_ERROR_IO,
                           "%" PRIu64 " of %" PRIu64 " members could be enrolled: %s",
                           result.answers.accepted, count, result.failure);
    }
    return error;
}

enum jf_error jf_population_make(struct jf_target *target, const struct jf_population *population,
                                 struct jf_diagnosis *diagnosis)
{
    enum jf_error error = stores_put(target, population->store_count, diagnosis);
    if (error == JF_OK && !jf_interrupt_seen()) {
        error = programme_publish(target, population->programme_path, diagnosis);
    }
    if (error == JF_OK && !jf_interrupt_seen()) {
        error = members_enrol(target, population->member_count, diagnosis);
    }
    return error;
}
