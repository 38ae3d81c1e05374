// What operators type: jifend's flags and configuration file, addresses, amounts, dates and
// instants. What was accepted is written and read back as the same.
//
// Input: a byte that chooses, then the text.
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/date.h"
#include "rules/utf8.h"
#include "server/options.h"
#include "tests/fuzz/fuzz.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/instant.h"

#define KINDS         5u
#define ARGUMENTS_MAX 16

// Words at NUL bytes. A file named by --config is the memory file that holds the last word.
static void options_check(struct jf_text text, bool has_file)
{
    static char program[] = "jifend";
    static char config[] = "--config";
    char *words = fuzz_copy_terminated(text);
    char *arguments[ARGUMENTS_MAX + 3] = {program};
    int count = 1;
    for (uint32_t at = 0; at < text.size && count < ARGUMENTS_MAX;
         at += (uint32_t)strlen(words + at) + 1) {
        arguments[count++] = words + at;
    }
    char *path = NULL;
    if (has_file) {
        char *last = count > 1 ? arguments[--count] : program;
        path = strdup(fuzz_file(jf_text_from(last)));
        arguments[count++] = config;
        arguments[count++] = path;
    }
    arguments[count] = NULL;
    struct jf_server_options options;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    enum jf_error error = jf_server_options_parse(count, arguments, &options, &diagnosis);
    if (error == JF_OK) {
        bool is_told = options.wants_help || options.wants_version;
        JF_ASSERT(is_told || options.settings.data != NULL);
        jf_server_options_deinit(&options);
    } else {
        JF_ASSERT(diagnosis.text[0] != '\0');
    }
    free(path);
    free(words);
}

static void address_check(struct jf_text text)
{
    char *terminated = fuzz_copy_terminated(text);
    char address[JF_SERVER_ADDRESS_MAX];
    uint16_t port = 0;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    enum jf_error error = jf_server_listen_parse(terminated, address, &port, &diagnosis);
    if (error == JF_OK) {
        JF_ASSERT(strlen(address) > 0);
        (void)jf_server_address_is_loopback(address);
    } else {
        JF_ASSERT(error == JF_ERROR_INVALID);
    }
    free(terminated);
}

static void decimal_check(struct jf_text text, uint32_t scale)
{
    int64_t value = 0;
    if (jf_decimal_parse(text, scale, &value) == JF_OK) {
        char written[JF_DECIMAL_TEXT_SIZE];
        int64_t again = 0;
        JF_ASSERT(value >= 0);
        jf_decimal_format(value, scale, false, written);
        enum jf_error error = jf_decimal_parse(jf_text_from(written), scale, &again);
        JF_ASSERT(error == JF_OK);
        JF_ASSERT(again == value);
        jf_decimal_format(-value, scale, true, written);
        JF_ASSERT(strlen(written) < sizeof written);
    }
    uint64_t whole = 0;
    enum jf_error error = jf_decimal_parse_whole(text, &whole);
    JF_ASSERT(error == JF_OK || error == JF_ERROR_INVALID || error == JF_ERROR_OVERFLOW);
}

static void instant_check(struct jf_text text)
{
    jf_date date = JF_DATE_NONE;
    if (jf_date_parse(text, &date)) {
        char written[JF_DATE_TEXT_SIZE];
        jf_date_format(date, written);
        JF_ASSERT(jf_text_equal(jf_text_from(written), text));
    }
    struct jf_instant instant;
    if (jf_instant_parse(text, &instant)) {
        char written[JF_INSTANT_TEXT_SIZE];
        struct jf_instant again;
        int64_t ms = jf_instant_to_ms(&instant, NULL);
        jf_instant_format(ms, written);
        bool is_shown = written[0] != '-';
        bool is_parsed = jf_instant_parse(jf_text_from(written), &again);
        JF_ASSERT(is_parsed == is_shown);
        JF_ASSERT(!is_shown || jf_instant_to_ms(&again, NULL) <= ms);
    }
    (void)jf_utf8_is_plain(text);
    (void)jf_utf8_is_valid(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input input = {bytes, size};
    uint8_t choice = fuzz_u8(&input);
    struct jf_text text = fuzz_bytes(&input, input.left);
    char *copy = fuzz_copy(text);
    text.data = copy;
    switch (choice % KINDS) {
    case 0:
        options_check(text, false);
        break;
    case 1:
        options_check(text, true);
        break;
    case 2:
        address_check(text);
        break;
    case 3:
        decimal_check(text, choice / KINDS % (JF_DECIMAL_SCALE_MAX + 1));
        break;
    default:
        instant_check(text);
        break;
    }
    free(copy);
    return 0;
}
