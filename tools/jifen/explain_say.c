// Sentences on paper: wrapped to a readable width, or as JSON. Cannot fail; what stdout does not
// take is noticed at the end (jf_cli_finish).
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/number.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/explain.h"
#include "tools/jifen/instant.h"

#define LINE_WIDTH 96u

void jf_say_add(struct jf_say *say, const char *format, ...)
{
    char text[JF_DESCRIPTION_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    jf_describe(&say->text, "%s", text);
}

void jf_say_points(struct jf_say *say, int64_t points)
{
    char text[JF_DECIMAL_TEXT_SIZE];
    jf_decimal_format(points, 0, true, text);
    jf_say_add(say, "%s point%s", text, points == 1 || points == -1 ? "" : "s");
}

void jf_say_money(struct jf_say *say, int64_t amount)
{
    char text[JF_DECIMAL_TEXT_SIZE];
    jf_decimal_format(amount, JF_DECIMAL_MONEY_SCALE, true, text);
    jf_say_add(say, "%s", text);
}

void jf_say_date(struct jf_say *say, int32_t wire)
{
    char text[JF_DATE_TEXT_SIZE];
    jf_wire_date_format(wire, text);
    jf_say_add(say, "%s", text);
}

void jf_say_instant(struct jf_say *say, int64_t unix_ms)
{
    char text[JF_INSTANT_TEXT_SIZE];
    jf_instant_format(unix_ms, text);
    jf_say_add(say, "%s", text);
}

void jf_say_text(struct jf_say *say, const char *text)
{
    jf_say_add(say, "\"%s\"", text);
}

void jf_say_exact(struct jf_say *say, int64_t exact, uint64_t denominator)
{
    char text[JF_DECIMAL_TEXT_SIZE];
    jf_wide over = (jf_wide)(denominator == 0 ? 1 : denominator);
    jf_wide milli = (jf_wide)exact * 1000;
    bool is_whole = milli % over == 0;
    milli /= over;
    if (milli > INT64_MAX || milli < INT64_MIN) {
        jf_say_add(say, "very many points");
        return;
    }
    jf_decimal_format((int64_t)milli, JF_DECIMAL_QUANTITY_SCALE, true, text);
    size_t size = strlen(text);
    while (text[size - 1] == '0') {
        text[--size] = '\0';
    }
    if (text[size - 1] == '.') {
        text[--size] = '\0';
    }
    jf_say_add(say, "%s%s points", is_whole ? "" : "about ", text);
}

void jf_say_begin(struct jf_say *say, const ProtobufCMessage *entry)
{
    say->json = (struct jf_json){.out = stdout};
    if (say->is_json) {
        jf_json_object_begin(&say->json, NULL);
        jf_json_message(&say->json, "entry", entry);
        jf_json_array_begin(&say->json, "sections");
    }
}

static void section_close(struct jf_say *say)
{
    if (say->is_open && say->is_json) {
        jf_json_array_end(&say->json);
        jf_json_object_end(&say->json);
    }
    say->is_open = false;
}

void jf_say_end(struct jf_say *say)
{
    section_close(say);
    if (say->is_json) {
        jf_json_array_end(&say->json);
        jf_json_object_end(&say->json);
        jf_json_end_line(&say->json);
    }
}

void jf_say_section(struct jf_say *say, const char *title)
{
    bool is_first = !say->is_begun;
    section_close(say);
    say->is_open = true;
    say->is_begun = true;
    if (say->is_json) {
        jf_json_object_begin(&say->json, NULL);
        jf_json_string(&say->json, "title", title);
        jf_json_array_begin(&say->json, "sentences");
        return;
    }
    (void)printf("%s%s\n", is_first ? "" : "\n", title);
}

// Columns that a text takes: bytes that do not continue a character.
static uint32_t columns(const char *text, size_t size)
{
    uint32_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return count;
}

static void wrapped_print(const char *text)
{
    uint32_t column = 2;
    (void)fputs("-", stdout);
    while (*text != '\0') {
        size_t size = strcspn(text, " ");
        uint32_t width = columns(text, size);
        if (column + 1 + width > LINE_WIDTH && column > 2) {
            (void)fputs("\n ", stdout);
            column = 2;
        }
        (void)printf(" %.*s", (int)size, text);
        column += 1 + width;
        text += size;
        text += strspn(text, " ");
    }
    (void)putchar('\n');
}

void jf_say_sentence(struct jf_say *say)
{
    jf_describe(&say->text, ".");
    if (say->is_json) {
        jf_json_string(&say->json, NULL, say->text.text);
    } else {
        wrapped_print(say->text.text);
    }
    say->text = (struct jf_description){.size = 0};
}
