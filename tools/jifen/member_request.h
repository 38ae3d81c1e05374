// What subcommands about a member read from their command line. One thread.
#ifndef JF_TOOLS_MEMBER_REQUEST_H
#define JF_TOOLS_MEMBER_REQUEST_H

#include "jifen/v1/common.pb-c.h"
#include "tools/jifen/cli.h"

// The member named by the argument of that index, or by --card where there is none. Returns: false
// unless exactly one of them is given and the argument is a number.
bool jf_member_ref_take(const struct jf_cli *cli, uint32_t index, const char *card,
                        Jifen__V1__MemberRef *out_member);

// "MM-DD", a day of a leap year. Returns: false (output untouched) for anything else.
bool jf_birthday_parse(const char *text, uint32_t *out_month, uint32_t *out_day);

// "0,5,63", numbers of tags; "" for none. Returns: false (output untouched) for anything else.
bool jf_tags_parse(const char *text, uint64_t *out_tags);

// Returns: `id`, or a new one that begins with `prefix` and is told on stderr, so that the command
// can be repeated.
char *jf_transaction_id_take(const char *id, const char *prefix);

#endif
