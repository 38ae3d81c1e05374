// Options by table: each subcommand's table is parsed, checked and printed as help by the same
// code. Fails: unknown options, missing, malformed or out-of-range values; each says which.
#include "bench/options.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/text.h"
#include "tools/jifen/decimal.h"

#define MILLISECONDS_SCALE 3u

enum jf_bench_exit jf_bench_fail(enum jf_bench_exit code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("jifen-bench: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    return code;
}

enum jf_bench_exit jf_bench_diagnosed(const struct jf_diagnosis *diagnosis)
{
    return jf_bench_fail(JF_BENCH_UNAVAILABLE, "%s", diagnosis->text);
}

uint64_t jf_bench_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t jf_bench_unix_time_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void default_format(const struct jf_bench_option *option, char *out_text, size_t size)
{
    char decimal[JF_DECIMAL_TEXT_SIZE];
    out_text[0] = '\0';
    if (option->kind == JF_BENCH_NUMBER) {
        (void)snprintf(out_text, size, "; default %" PRIu64, *(const uint64_t *)option->out);
    } else if (option->kind == JF_BENCH_SECONDS) {
        uint64_t ms = *(const uint64_t *)option->out;
        bool is_whole = ms % 1000 == 0;
        jf_decimal_format((int64_t)(is_whole ? ms / 1000 : ms), is_whole ? 0 : MILLISECONDS_SCALE,
                          false, decimal);
        (void)snprintf(out_text, size, "; default %s", decimal);
    }
}

static void option_print(const struct jf_bench_option *option)
{
    char left[64];
    char usual[64];
    (void)snprintf(left, sizeof(left), "%s%s%s", option->name, option->value == NULL ? "" : " ",
                   option->value == NULL ? "" : option->value);
    default_format(option, usual, sizeof(usual));
    (void)printf("  %-26s %s%s\n", left, option->help, usual);
}

static enum jf_bench_exit help_print(const struct jf_bench_help *help,
                                     const struct jf_bench_option *options, uint32_t option_count)
{
    (void)printf("Usage: %s\n\n%s\nOptions:\n", help->usage, help->about);
    for (uint32_t at = 0; at < option_count; at++) {
        option_print(&options[at]);
    }
    (void)printf("  %-26s %s\n\nExample:\n%s", "--help", "this text", help->example);
    return JF_BENCH_OK;
}

static enum jf_bench_exit number_take(const struct jf_bench_option *option, const char *value)
{
    bool is_seconds = option->kind == JF_BENCH_SECONDS;
    uint64_t number = 0;
    int64_t milliseconds = 0;
    enum jf_error error = JF_OK;
    if (is_seconds) {
        error = jf_decimal_parse(jf_text_from(value), MILLISECONDS_SCALE, &milliseconds);
        number = (uint64_t)milliseconds;
    } else {
        error = jf_decimal_parse_whole(jf_text_from(value), &number);
    }
    if (error == JF_OK && number >= option->min && number <= option->max) {
        *(uint64_t *)option->out = number;
        return JF_BENCH_GO_ON;
    }
    char min[JF_DECIMAL_TEXT_SIZE];
    char max[JF_DECIMAL_TEXT_SIZE];
    uint32_t scale = is_seconds ? MILLISECONDS_SCALE : 0;
    jf_decimal_format((int64_t)option->min, scale, false, min);
    jf_decimal_format((int64_t)option->max, scale, false, max);
    return jf_bench_fail(JF_BENCH_USAGE, "%s: \"%s\" is not a number from %s to %s", option->name,
                         value, min, max);
}

static enum jf_bench_exit value_take(const struct jf_bench_option *option, const char *value)
{
    struct jf_bench_list *list = option->out;
    switch (option->kind) {
    case JF_BENCH_TEXT:
        *(const char **)option->out = value;
        return JF_BENCH_GO_ON;
    case JF_BENCH_LIST:
        if (list->count == JF_BENCH_LIST_MAX) {
            return jf_bench_fail(JF_BENCH_USAGE, "%s: given more than %u times", option->name,
                                 JF_BENCH_LIST_MAX);
        }
        list->items[list->count++] = value;
        return JF_BENCH_GO_ON;
    default:
        return number_take(option, value);
    }
}

static const struct jf_bench_option *option_find(const struct jf_bench_option *options,
                                                 uint32_t option_count, const char *argument,
                                                 size_t name_size)
{
    for (uint32_t at = 0; at < option_count; at++) {
        if (strlen(options[at].name) == name_size &&
            strncmp(options[at].name, argument, name_size) == 0) {
            return &options[at];
        }
    }
    return NULL;
}

// Returns: how many arguments were used, or 0 after saying what is wrong.
static int option_take(const struct jf_bench_option *option, const char *argument,
                       const char *following)
{
    const char *equals = strchr(argument, '=');
    if (option->kind == JF_BENCH_FLAG) {
        if (equals != NULL) {
            (void)jf_bench_fail(JF_BENCH_USAGE, "%s takes no value", option->name);
            return 0;
        }
        *(bool *)option->out = true;
        return 1;
    }
    const char *value = equals == NULL ? following : equals + 1;
    if (value == NULL) {
        (void)jf_bench_fail(JF_BENCH_USAGE, "%s needs a value: %s", option->name, option->value);
        return 0;
    }
    if (value_take(option, value) != JF_BENCH_GO_ON) {
        return 0;
    }
    return equals == NULL ? 2 : 1;
}

enum jf_bench_exit jf_options_parse(const struct jf_bench_help *help,
                                    const struct jf_bench_option *options, uint32_t option_count,
                                    int argc, char **argv)
{
    JF_ASSERT(argc >= 1);
    for (int at = 1; at < argc; at++) {
        if (strcmp(argv[at], "--help") == 0) {
            return help_print(help, options, option_count);
        }
    }
    int at = 1;
    while (at < argc) {
        size_t name_size = strcspn(argv[at], "=");
        const struct jf_bench_option *option =
            option_find(options, option_count, argv[at], name_size);
        if (option == NULL) {
            return jf_bench_fail(JF_BENCH_USAGE,
                                 "there is no option %.*s; see: jifen-bench %s --help",
                                 (int)name_size, argv[at], argv[0]);
        }
        int used = option_take(option, argv[at], at + 1 < argc ? argv[at + 1] : NULL);
        if (used == 0) {
            return JF_BENCH_USAGE;
        }
        at += used;
    }
    return JF_BENCH_GO_ON;
}
