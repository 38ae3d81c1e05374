// Names and sentences of the refusals, from the one list. Nothing here fails; values outside the
// list (which only a bug makes) get a name that says so.
#include "rules/refusal.h"

static const char *const names[] = {[JF_REFUSAL_NONE] = "NONE",
#define REFUSAL_NAME(code, status, sentence) [JF_REFUSAL_##code] = #code,
                                    JF_REFUSALS(REFUSAL_NAME)
#undef REFUSAL_NAME
};

static const char *const sentences[] = {[JF_REFUSAL_NONE] = "",
#define REFUSAL_SENTENCE(code, status, sentence) [JF_REFUSAL_##code] = sentence,
                                        JF_REFUSALS(REFUSAL_SENTENCE)
#undef REFUSAL_SENTENCE
};

_Static_assert(sizeof names / sizeof names[0] == JF_REFUSAL_COUNT, "a name for each refusal");
_Static_assert(sizeof sentences / sizeof sentences[0] == JF_REFUSAL_COUNT,
               "a sentence for each refusal");

const char *jf_refusal_name(enum jf_refusal_code code)
{
    return (unsigned)code < JF_REFUSAL_COUNT ? names[code] : "UNLISTED";
}

const char *jf_refusal_sentence(enum jf_refusal_code code)
{
    return (unsigned)code < JF_REFUSAL_COUNT ? sentences[code] : "An unlisted refusal.";
}
