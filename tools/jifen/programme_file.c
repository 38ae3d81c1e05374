// Reads and checks a programme's file without a ledger.
// Fails: a file that cannot be read, is empty, too large or no text; a programme that would be
// refused; then what the check found decides the exit code.
#include "tools/jifen/programme_file.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "rules/programme_check.h"
#include "tools/jifen/json.h"

static char yaml_text[JF_PROGRAMME_BYTES_MAX + 1];

enum jf_exit jf_programme_file_read(const char *path, const char **out_yaml)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return jf_cli_fail(JF_EXIT_BAD_INPUT, "%s cannot be opened: %s", path, strerror(errno));
    }
    size_t size = fread(yaml_text, 1, sizeof(yaml_text), file);
    bool has_failed = ferror(file) != 0;
    (void)fclose(file);
    if (has_failed) {
        return jf_cli_fail(JF_EXIT_BAD_INPUT, "%s cannot be read: %s", path, strerror(errno));
    }
    if (size > JF_PROGRAMME_BYTES_MAX) {
        return jf_cli_fail(JF_EXIT_BAD_INPUT, "%s is larger than 1 MiB", path);
    }
    if (memchr(yaml_text, '\0', size) != NULL) {
        return jf_cli_fail(JF_EXIT_BAD_INPUT, "%s holds a zero byte: it is no YAML text", path);
    }
    yaml_text[size] = '\0';
    if (strspn(yaml_text, " \t\r\n") == size) {
        return jf_cli_fail(JF_EXIT_BAD_INPUT, "%s is empty: a programme in YAML is needed", path);
    }
    *out_yaml = yaml_text;
    return JF_EXIT_OK;
}

struct findings {
    const char *file_name;
    bool is_json;
    struct jf_json json;
    uint32_t counts[JF_FINDING_ERROR + 1];
};

static void on_finding(void *context, const struct jf_finding *finding)
{
    struct findings *findings = context;
    const char *severity = jf_finding_severity_name(finding->severity);
    findings->counts[finding->severity] += 1;
    if (!findings->is_json) {
        (void)printf("%s:%" PRIu32 ": %s: %s: %s\n", findings->file_name, finding->line,
                     finding->field, severity, finding->words->text);
        return;
    }
    struct jf_json *json = &findings->json;
    jf_json_object_begin(json, NULL);
    jf_json_unsigned(json, "line", finding->line);
    jf_json_string(json, "field", finding->field);
    jf_json_string(json, "severity", severity);
    jf_json_string(json, "message", finding->words->text);
    jf_json_object_end(json);
}

static jf_date today(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (jf_date)(now.tv_sec / 86400);
}

// What would be refused at publication is an error too, and the only one that is told.
static enum jf_exit refused_print(const struct findings *findings,
                                  const struct jf_diagnosis *diagnosis)
{
    if (findings->is_json) {
        struct jf_json json = {.out = stdout};
        jf_json_object_begin(&json, NULL);
        jf_json_object_begin(&json, "error");
        jf_json_string(&json, "message", diagnosis->text);
        jf_json_object_end(&json);
        jf_json_object_end(&json);
        jf_json_end_line(&json);
    }
    return jf_cli_diagnosed(diagnosis);
}

static void counts_print(struct findings *findings)
{
    const uint32_t *counts = findings->counts;
    struct jf_json *json = &findings->json;
    if (!findings->is_json) {
        (void)printf("%s: %" PRIu32 " error%s, %" PRIu32 " warning%s, %" PRIu32 " note%s\n",
                     findings->file_name, counts[JF_FINDING_ERROR],
                     counts[JF_FINDING_ERROR] == 1 ? "" : "s", counts[JF_FINDING_WARNING],
                     counts[JF_FINDING_WARNING] == 1 ? "" : "s", counts[JF_FINDING_NOTE],
                     counts[JF_FINDING_NOTE] == 1 ? "" : "s");
        return;
    }
    jf_json_array_end(json);
    jf_json_unsigned(json, "errors", counts[JF_FINDING_ERROR]);
    jf_json_unsigned(json, "warnings", counts[JF_FINDING_WARNING]);
    jf_json_unsigned(json, "notes", counts[JF_FINDING_NOTE]);
    jf_json_object_end(json);
    jf_json_end_line(json);
}

enum jf_exit jf_programme_file_check(struct jf_cli *cli)
{
    const char *path = cli->arguments[1];
    const char *yaml = NULL;
    enum jf_exit code = jf_programme_file_read(path, &yaml);
    if (code != JF_EXIT_OK || yaml == NULL) {
        return code;
    }
    struct findings findings = {
        .file_name = path, .is_json = cli->is_json, .json = {.out = stdout}};
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    // Read once before anything is printed, so that what is refused is told alone.
    struct jf_programme *programme = NULL;
    if (jf_programme_parse(jf_text_from(yaml), jf_text_from(path), &programme, &diagnosis) !=
        JF_OK) {
        return jf_cli_finish(refused_print(&findings, &diagnosis));
    }
    jf_programme_destroy(programme);
    if (findings.is_json) {
        jf_json_object_begin(&findings.json, NULL);
        jf_json_string(&findings.json, "file", path);
        jf_json_array_begin(&findings.json, "findings");
    }
    struct jf_programme_check_input input = {.yaml = jf_text_from(yaml),
                                             .file_name = jf_text_from(path),
                                             .today = today(),
                                             .on_finding = on_finding,
                                             .context = &findings};
    if (jf_programme_check(&input, &diagnosis) != JF_OK) {
        return jf_cli_diagnosed(&diagnosis);
    }
    counts_print(&findings);
    if (findings.counts[JF_FINDING_ERROR] > 0) {
        return jf_cli_finish(JF_EXIT_BAD_INPUT);
    }
    return jf_cli_finish(findings.counts[JF_FINDING_WARNING] > 0 ? JF_EXIT_DOUBTFUL : JF_EXIT_OK);
}
