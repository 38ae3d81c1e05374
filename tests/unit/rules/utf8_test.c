// Claims about texts: what RFC 3629 forbids is refused, at every place of a sequence.
#include <criterion/criterion.h>

#include "rules/utf8.h"

static bool plain(const char *text)
{
    return jf_utf8_is_plain(jf_text_from(text));
}

Test(utf8, malformed_sequences_are_refused)
{
    static const char *const texts[] = {
        "\x80",             // continuation alone
        "\xC0\xAF",         // overlong /
        "\xC1\xBF",         // overlong
        "\xE0\x9F\xBF",     // overlong
        "\xF0\x8F\xBF\xBF", // overlong
        "\xED\xA0\x80",     // surrogate
        "\xF4\x90\x80\x80", // above U+10FFFF
        "\xF5\x80\x80\x80", // no lead byte
        "\xC3",             // cut
        "\xE4\xBA",         // cut
        "\xF0\x9F\x98",     // cut
        "\xC3(",            // no continuation
        "\xE4\xBA(",        // no continuation
        "ok\xFF",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_expect_not(plain(texts[i]), "case %zu", i);
        cr_expect_not(jf_utf8_is_valid(jf_text_from(texts[i])), "case %zu", i);
    }
}

Test(utf8, control_characters_are_no_plain_text)
{
    cr_expect_not(plain("a\nb"));
    cr_expect_not(plain("\x1f"));
    cr_expect_not(plain("\x7f"));
    cr_expect_not(plain("a\xC2\x80"));
    cr_expect_not(plain("\xC2\x9F"));
    cr_expect(jf_utf8_is_valid(jf_text_from("\x7f\xC2\x80")));
    cr_expect_not(jf_utf8_is_plain((struct jf_text){"a\0b", 3}));
    cr_expect(jf_utf8_is_valid((struct jf_text){"a\0b\n", 4}));
}

Test(utf8, text_of_every_length_of_sequence_is_plain)
{
    cr_expect(plain(""));
    cr_expect(plain("store-01 ~"));
    cr_expect(plain("\xC2\xA0\xDF\xBF"));
    cr_expect(plain("\xE7\xA7\xAF\xE5\x88\x86\xED\x9F\xBF\xEE\x80\x80"));
    cr_expect(plain("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"));
}
