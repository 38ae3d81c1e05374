// Nothing here fails but for texts that are not what they should be.
#include "tools/jifen/member_request.h"

#include "tools/jifen/decimal.h"
#include "tools/jifen/sale_request.h"

#define TAG_COUNT 64u

bool jf_member_ref_take(const struct jf_cli *cli, uint32_t index, const char *card,
                        Jifen__V1__MemberRef *out_member)
{
    uint64_t number = 0;
    if (cli->argument_count > index &&
        jf_decimal_parse_whole(jf_text_from(cli->arguments[index]), &number) != JF_OK) {
        return false;
    }
    return jf_member_ref_fill(number, card, out_member);
}

bool jf_birthday_parse(const char *text, uint32_t *out_month, uint32_t *out_day)
{
    char date_text[16];
    jf_date date = 0;
    if (snprintf(date_text, sizeof(date_text), "2000-%.6s", text) != 10 ||
        !jf_date_parse(jf_text_from(date_text), &date)) {
        return false;
    }
    struct jf_civil civil = jf_date_to_civil(date);
    *out_month = (uint32_t)civil.month;
    *out_day = (uint32_t)civil.day;
    return true;
}

bool jf_tags_parse(const char *text, uint64_t *out_tags)
{
    uint64_t tags = 0;
    struct jf_text rest = jf_text_from(text);
    while (rest.size > 0) {
        uint32_t size = 0;
        while (size < rest.size && rest.data[size] != ',') {
            size++;
        }
        uint64_t tag = 0;
        if (jf_decimal_parse_whole((struct jf_text){rest.data, size}, &tag) != JF_OK ||
            tag >= TAG_COUNT) {
            return false;
        }
        tags |= (uint64_t)1 << tag;
        size += size < rest.size ? 1 : 0;
        rest = (struct jf_text){rest.data + size, rest.size - size};
    }
    *out_tags = tags;
    return true;
}

char *jf_transaction_id_take(const char *id, const char *prefix)
{
    if (id == NULL) {
        id = jf_cli_new_id(prefix);
        (void)fprintf(stderr, "jifen: --id %s\n", id);
    }
    return (char *)(uintptr_t)id;
}
