// Whether bytes are the text that the wire promises. Threads: any; pure.
#ifndef JF_RULES_UTF8_H
#define JF_RULES_UTF8_H

#include "base/text.h"

// Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). NUL
// counts as text.
bool jf_utf8_is_valid(struct jf_text text);

// The same, and no control character (U+0000 to U+001F, U+007F to U+009F): fit for names, ids and
// one line of a message.
bool jf_utf8_is_plain(struct jf_text text);

#endif
