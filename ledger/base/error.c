// The texts of error codes, and the one place where a diagnosis is formatted.
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"

struct error_row {
    const char *name;
    const char *text;
};

static const struct error_row error_rows[JF_ERROR_COUNT] = {
#define JF_ERROR_ROW(code, text) {#code, text},
    JF_ERRORS(JF_ERROR_ROW)
#undef JF_ERROR_ROW
};

const char *jf_error_text(enum jf_error error)
{
    if ((unsigned)error >= JF_ERROR_COUNT) {
        return "unknown error";
    }
    return error_rows[error].text;
}

const char *jf_error_name(enum jf_error error)
{
    if ((unsigned)error >= JF_ERROR_COUNT) {
        return "unknown";
    }
    return error_rows[error].name;
}

// In parentheses: the header may wrap calls in a macro of the same name.
enum jf_error(jf_diagnose)(struct jf_diagnosis *diagnosis, enum jf_error error, const char *format,
                           ...)
{
    JF_ASSERT(error != JF_OK);
    JF_ASSERT(format != NULL);
    if (diagnosis == NULL) {
        return error;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(diagnosis->text, sizeof diagnosis->text, format, arguments);
    va_end(arguments);
    diagnosis->error = error;
    return error;
}
