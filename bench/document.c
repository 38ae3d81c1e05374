// Read with Jansson. Fails: no such file; no JSON, or not what jifen-bench writes.
#include "bench/document.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum jf_error strange(const char *path, const char *what, struct jf_diagnosis *diagnosis)
{
    return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                       "%s: %s: give a file that jifen-bench wrote with --json", path, what);
}

// Returns: whether it is a figure of ours and there was room for it.
static bool figure_read(const json_t *object, struct jf_report *report)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    const char *unit = json_string_value(json_object_get(object, "unit"));
    const char *of = json_string_value(json_object_get(object, "of"));
    const json_t *value = json_object_get(object, "value");
    bool is_sound = name != NULL && unit != NULL && json_is_number(value) &&
                    strlen(name) < JF_FIGURE_NAME_SIZE &&
                    (of == NULL || strlen(of) < JF_FIGURE_NAME_SIZE) &&
                    report->figure_count < JF_FIGURES_MAX;
    if (!is_sound) {
        return false;
    }
    const json_t *least = json_object_get(object, "least");
    const json_t *most = json_object_get(object, "most");
    if (json_is_number(least) && json_is_number(most)) {
        jf_report_add(report, name, json_number_value(least), unit, of);
        jf_report_add(report, name, json_number_value(most), unit, of);
    }
    jf_report_add(report, name, json_number_value(value), unit, of);
    return true;
}

static bool series_read(const json_t *object, struct jf_report *report)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    const char *x_name = json_string_value(json_object_get(object, "x"));
    const char *y_name = json_string_value(json_object_get(object, "y"));
    const json_t *points = json_object_get(object, "points");
    size_t at = 0;
    const json_t *point = NULL;
    if (name == NULL || x_name == NULL || y_name == NULL || strlen(name) >= JF_FIGURE_NAME_SIZE) {
        return false;
    }
    json_array_foreach(points, at, point)
    {
        const json_t *x = json_array_get(point, 0);
        const json_t *y = json_array_get(point, 1);
        if (!json_is_number(x) || !json_is_number(y)) {
            return false;
        }
        jf_report_add_point(report, name, x_name, y_name, json_number_value(x),
                            json_number_value(y));
    }
    return true;
}

static enum jf_error content_read(const char *path, const json_t *root, struct jf_report *report,
                                  struct jf_diagnosis *diagnosis)
{
    const json_t *figures = json_object_get(root, "figures");
    const json_t *series = json_object_get(root, "series");
    size_t at = 0;
    const json_t *object = NULL;
    if (!json_is_array(figures)) {
        return strange(path, "it has no list of figures", diagnosis);
    }
    json_array_foreach(figures, at, object)
    {
        if (!figure_read(object, report)) {
            return strange(path, "one of its figures is malformed, or they are too many",
                           diagnosis);
        }
    }
    json_array_foreach(series, at, object)
    {
        if (!series_read(object, report)) {
            return strange(path, "one of its series is malformed", diagnosis);
        }
    }
    return JF_OK;
}

enum jf_error jf_document_read(const char *path, struct jf_document *document,
                               struct jf_report *report, struct jf_diagnosis *diagnosis)
{
    json_error_t failure;
    document->root = NULL;
    if (access(path, R_OK) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "%s: %s", path, strerror(errno));
    }
    json_t *root = json_load_file(path, 0, &failure);
    if (root == NULL) {
        return strange(path, failure.text, diagnosis);
    }
    document->root = root;
    return content_read(path, root, report, diagnosis);
}

const char *jf_document_command(const struct jf_document *document)
{
    const char *text = json_string_value(json_object_get(document->root, "command"));
    return text == NULL ? "" : text;
}

const char *jf_document_processor(const struct jf_document *document)
{
    const json_t *machine = json_object_get(document->root, "machine");
    const char *text = json_string_value(json_object_get(machine, "processor"));
    return text == NULL ? "" : text;
}

static void text_copy(const json_t *object, const char *key, char *out_text, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    (void)snprintf(out_text, size, "%s", text == NULL ? "unknown" : text);
}

void jf_document_describe(const struct jf_document *document, struct jf_report *report)
{
    const json_t *machine = json_object_get(document->root, "machine");
    struct jf_machine *out = &report->machine;
    text_copy(document->root, "command", report->command, sizeof report->command);
    text_copy(machine, "processor", out->processor, sizeof out->processor);
    text_copy(machine, "kernel", out->kernel, sizeof out->kernel);
    text_copy(machine, "file_system", out->file_system, sizeof out->file_system);
    out->cores = (uint32_t)json_integer_value(json_object_get(machine, "cores"));
    out->memory_mib = (uint64_t)json_integer_value(json_object_get(machine, "memory_mib"));
}

void jf_document_close(struct jf_document *document)
{
    json_decref(document->root);
    document->root = NULL;
}
