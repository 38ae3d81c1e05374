// Options by table: each subcommand's table is parsed, checked and printed as help by the same
// code. Fails: unknown options, missing or malformed values, too many or too few arguments; each
// says which.
#include "tools/jifen/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/assert.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/instant.h"

struct parse {
    struct jf_cli *cli;
    const struct jf_cli_help *help;
    const struct jf_option *options;
    uint32_t option_count;
    int argc;
    char **argv;
    int at;
};

enum jf_exit jf_cli_fail(enum jf_exit code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("jifen: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    return code;
}

enum jf_exit jf_cli_usage(const char *subcommand, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fprintf(stderr, "jifen %s: ", subcommand);
    (void)vfprintf(stderr, format, arguments);
    (void)fprintf(stderr, "\nTry: jifen %s --help\n", subcommand);
    va_end(arguments);
    return JF_EXIT_USAGE;
}

enum jf_exit jf_cli_diagnosed(const struct jf_diagnosis *diagnosis)
{
    static const enum jf_exit codes[JF_ERROR_COUNT] = {
        [JF_ERROR_INVALID] = JF_EXIT_BAD_INPUT, [JF_ERROR_NOT_FOUND] = JF_EXIT_BAD_INPUT,
        [JF_ERROR_FOREIGN] = JF_EXIT_BAD_INPUT, [JF_ERROR_VERSION] = JF_EXIT_BAD_INPUT,
        [JF_ERROR_IO] = JF_EXIT_BAD_INPUT,      [JF_ERROR_EXISTS] = JF_EXIT_BAD_INPUT,
        [JF_ERROR_CORRUPT] = JF_EXIT_BROKEN,    [JF_ERROR_GAP] = JF_EXIT_BROKEN,
        [JF_ERROR_STATE] = JF_EXIT_BROKEN,
    };
    enum jf_exit code =
        codes[diagnosis->error] == 0 ? JF_EXIT_UNAVAILABLE : codes[diagnosis->error];
    return jf_cli_fail(code, "%s", diagnosis->text);
}

const char *jf_cli_new_id(const char *prefix)
{
    static char text[64];
    struct timespec now;
    uint16_t salt = 0;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)!getrandom(&salt, sizeof(salt), 0);
    uint64_t ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    (void)snprintf(text, sizeof(text), "%.32s-%016llx-%04x", prefix, (unsigned long long)ns,
                   (unsigned)salt);
    return text;
}

enum jf_exit jf_cli_finish(enum jf_exit code)
{
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        return jf_cli_fail(JF_EXIT_BAD_INPUT, "the output could not be written");
    }
    return code;
}

static void option_print(const struct jf_option *option)
{
    char left[64];
    (void)snprintf(left, sizeof(left), "%s%s%s", option->name, option->value == NULL ? "" : " ",
                   option->value == NULL ? "" : option->value);
    (void)printf("  %-26s %s\n", left, option->help);
}

static void help_print(const struct parse *parse)
{
    (void)printf("Usage: %s\n\n%s\n", parse->help->usage, parse->help->about);
    if (parse->option_count > 0) {
        (void)puts("Options:");
    }
    for (uint32_t at = 0; at < parse->option_count; at++) {
        option_print(&parse->options[at]);
    }
    (void)printf("\nOptions of every subcommand: --address HOST:PORT --tls-ca FILE "
                 "--tls-server-name NAME --json --help\n"
                 "\nExample:\n%s",
                 parse->help->example);
}

static enum jf_exit value_fail(const char *subcommand, const struct jf_option *option,
                               const char *value, const char *wanted)
{
    return jf_cli_usage(subcommand, "%s: \"%s\" is not %s", option->name, value, wanted);
}

static enum jf_exit whole_take(const char *subcommand, const struct jf_option *option,
                               const char *value)
{
    static const uint64_t max[] = {
        [JF_OPTION_U32] = UINT32_MAX, [JF_OPTION_U64] = UINT64_MAX, [JF_OPTION_POINTS] = INT64_MAX};
    uint64_t number = 0;
    if (jf_decimal_parse_whole(jf_text_from(value), &number) != JF_OK ||
        number > max[option->kind]) {
        return value_fail(subcommand, option, value, "a whole number in range");
    }
    if (option->kind == JF_OPTION_U32) {
        *(uint32_t *)option->out = (uint32_t)number;
    } else if (option->kind == JF_OPTION_U64) {
        *(uint64_t *)option->out = number;
    } else {
        *(int64_t *)option->out = (int64_t)number;
    }
    return JF_EXIT_GO_ON;
}

static enum jf_exit time_take(const char *subcommand, const struct jf_option *option,
                              const char *value)
{
    struct jf_instant instant;
    if (option->kind == JF_OPTION_DATE) {
        return jf_date_parse(jf_text_from(value), option->out)
                   ? JF_EXIT_GO_ON
                   : value_fail(subcommand, option, value, "a date such as 2017-01-18");
    }
    if (!jf_instant_parse(jf_text_from(value), &instant)) {
        return value_fail(subcommand, option, value,
                          "an instant such as 2017-01-18T10:00:00Z or 2017-01-18T18:00:00+08:00");
    }
    *(int64_t *)option->out = jf_instant_to_ms(&instant, NULL);
    return JF_EXIT_GO_ON;
}

static enum jf_exit value_take(const char *subcommand, const struct jf_option *option,
                               const char *value)
{
    struct jf_cli_list *list = option->out;
    switch (option->kind) {
    case JF_OPTION_TEXT:
        *(const char **)option->out = value;
        return JF_EXIT_GO_ON;
    case JF_OPTION_LIST:
        if (list->count == JF_CLI_LIST_MAX) {
            return jf_cli_usage(subcommand, "%s: given more than %u times", option->name,
                                JF_CLI_LIST_MAX);
        }
        list->items[list->count++] = value;
        return JF_EXIT_GO_ON;
    case JF_OPTION_DATE:
    case JF_OPTION_INSTANT:
        return time_take(subcommand, option, value);
    default:
        return whole_take(subcommand, option, value);
    }
}

static bool option_matches(const struct jf_option *option, const char *argument, size_t name_size)
{
    return strlen(option->name) == name_size && strncmp(option->name, argument, name_size) == 0;
}

static const struct jf_option *option_find(const struct parse *parse, const char *argument,
                                           size_t name_size, const struct jf_option *globals,
                                           uint32_t global_count)
{
    for (uint32_t at = 0; at < parse->option_count; at++) {
        if (option_matches(&parse->options[at], argument, name_size)) {
            return &parse->options[at];
        }
    }
    for (uint32_t at = 0; at < global_count; at++) {
        if (option_matches(&globals[at], argument, name_size)) {
            return &globals[at];
        }
    }
    return NULL;
}

static enum jf_exit option_take(struct parse *parse, const char *argument)
{
    struct jf_cli *cli = parse->cli;
    const struct jf_option globals[] = {
        {"--address", "HOST:PORT", JF_OPTION_TEXT, &cli->address, ""},
        {"--tls-ca", "FILE", JF_OPTION_TEXT, &cli->tls_ca, ""},
        {"--tls-server-name", "NAME", JF_OPTION_TEXT, &cli->tls_server_name, ""},
        {"--json", NULL, JF_OPTION_FLAG, &cli->is_json, ""},
        {"--help", NULL, JF_OPTION_FLAG, &cli->is_help_wanted, ""},
    };
    const char *subcommand = parse->argv[0];
    const char *equals = strchr(argument, '=');
    size_t name_size = equals == NULL ? strlen(argument) : (size_t)(equals - argument);
    const struct jf_option *option =
        option_find(parse, argument, name_size, globals, JF_OPTION_COUNT(globals));
    if (option == NULL) {
        return jf_cli_usage(subcommand, "there is no option %.*s", (int)name_size, argument);
    }
    if (option->kind == JF_OPTION_FLAG) {
        if (equals != NULL) {
            return jf_cli_usage(subcommand, "%s takes no value", option->name);
        }
        *(bool *)option->out = true;
        return JF_EXIT_GO_ON;
    }
    if (equals == NULL && parse->at == parse->argc) {
        return jf_cli_usage(subcommand, "%s needs a value: %s", option->name, option->value);
    }
    const char *value = equals == NULL ? parse->argv[parse->at++] : equals + 1;
    return value_take(subcommand, option, value);
}

static enum jf_exit arguments_take(struct parse *parse)
{
    struct jf_cli *cli = parse->cli;
    bool has_options_ended = false;
    while (parse->at < parse->argc) {
        const char *argument = parse->argv[parse->at++];
        bool is_option = !has_options_ended && strncmp(argument, "--", 2) == 0;
        if (is_option && argument[2] == '\0') {
            has_options_ended = true;
        } else if (is_option) {
            enum jf_exit code = option_take(parse, argument);
            if (code != JF_EXIT_GO_ON) {
                return code;
            }
        } else if (cli->argument_count == JF_CLI_ARGUMENTS_MAX ||
                   cli->argument_count == parse->help->arguments_max) {
            return jf_cli_usage(parse->argv[0], "\"%s\" is one argument too many", argument);
        } else {
            cli->arguments[cli->argument_count++] = argument;
        }
    }
    return JF_EXIT_GO_ON;
}

enum jf_exit jf_cli_parse(struct jf_cli *cli, const struct jf_cli_help *help,
                          const struct jf_option *options, uint32_t option_count, int argc,
                          char **argv)
{
    JF_ASSERT(argc >= 1);
    JF_ASSERT(help->arguments_max <= JF_CLI_ARGUMENTS_MAX);
    struct parse parse = {cli, help, options, option_count, argc, argv, 1};
    enum jf_exit code = arguments_take(&parse);
    if (cli->is_help_wanted) {
        help_print(&parse);
        return jf_cli_finish(JF_EXIT_OK);
    }
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (cli->argument_count < help->arguments_min) {
        return jf_cli_usage(argv[0], "something is missing; usage: %s", help->usage);
    }
    return JF_EXIT_GO_ON;
}
