// Refusals: answers to a till, one list. Each has a stable code, a sentence a cashier can read, and
// facts. The service maps them to gRPC status codes; proto/README.md lists them for clients.
#ifndef JF_RULES_REFUSAL_H
#define JF_RULES_REFUSAL_H

#include <stdint.h>

// X(code, status, sentence): status is the name of the gRPC status a unary call ends with.
#define JF_REFUSALS(X)                                                                             \
    X(INVALID_FIELD, INVALID_ARGUMENT, "The request is malformed.")                                \
    X(TRANSACTION_CONFLICT, ALREADY_EXISTS,                                                        \
      "This transaction id was used before with other content.")                                   \
    X(UNKNOWN_CARD, NOT_FOUND, "The card is not known.")                                           \
    X(UNKNOWN_MEMBER, NOT_FOUND, "The member is not known.")                                       \
    X(MEMBER_MERGED, FAILED_PRECONDITION, "The member became another member.")                     \
    X(UNKNOWN_STORE, NOT_FOUND, "The store is not known.")                                         \
    X(UNKNOWN_SALE, NOT_FOUND, "The sale to be returned is not known.")                            \
    X(UNKNOWN_LINE, NOT_FOUND, "The sale has no such line.")                                       \
    X(UNKNOWN_TRANSACTION, NOT_FOUND, "The transaction is not known.")                             \
    X(UNKNOWN_REWARD, NOT_FOUND, "There is no such reward.")                                       \
    X(UNKNOWN_PROGRAMME, NOT_FOUND, "There is no such programme version.")                         \
    X(UNKNOWN_TIER, NOT_FOUND, "The programme has no level of this name.")                         \
    X(RECEIPT_TAKEN, ALREADY_EXISTS, "This receipt has earned points already.")                    \
    X(NO_PROGRAMME, FAILED_PRECONDITION, "No programme is in force at the time of the sale.")      \
    X(IN_FUTURE, FAILED_PRECONDITION, "The time given lies in the future.")                        \
    X(BEFORE_ENROLMENT, FAILED_PRECONDITION, "The sale was before the member was enrolled.")       \
    X(BEFORE_SALE, FAILED_PRECONDITION, "The return is dated before the sale.")                    \
    X(MEMBER_CLOSED, FAILED_PRECONDITION, "The membership is closed.")                             \
    X(MEMBER_FROZEN, FAILED_PRECONDITION, "The member's points are frozen.")                       \
    X(APPROVAL_NEEDED, FAILED_PRECONDITION,                                                        \
      "So many points need the approval of a second person.")                                      \
    X(BALANCE_LEFT, FAILED_PRECONDITION,                                                           \
      "The member has points, or owes some: the programme does not close such a member.")          \
    X(UNKNOWN_CATEGORY, INVALID_ARGUMENT, "The programme does not know a line's category.")        \
    X(UNKNOWN_TENDER, INVALID_ARGUMENT, "The programme does not know a means of payment.")         \
    X(BELOW_MINIMUM, FAILED_PRECONDITION,                                                          \
      "Fewer points than may be redeemed or transferred at once.")                                 \
    X(NOT_A_STEP, FAILED_PRECONDITION, "Points are redeemed in whole steps only.")                 \
    X(ABOVE_SHARE, FAILED_PRECONDITION, "Points may not pay so large a part of the receipt.")      \
    X(REWARD_NOT_VALID, FAILED_PRECONDITION, "The reward cannot be had on this date.")             \
    X(REWARD_LIMIT, FAILED_PRECONDITION, "The member has had as many of this reward as allowed.")  \
    X(REWARD_OUT_OF_STOCK, FAILED_PRECONDITION, "The reward is out of stock.")                     \
    X(OFFLINE_ABOVE_ALLOWANCE, FAILED_PRECONDITION,                                                \
      "The member lacks more points than a sale made offline may lack.")                           \
    X(INSUFFICIENT_POINTS, FAILED_PRECONDITION, "The member has too few points.")                  \
    X(HOLD_ENDED, FAILED_PRECONDITION,                                                             \
      "The hold has ended: captured, voided or past its deadline.")                                \
    X(RETURN_EXCEEDS_KEPT, FAILED_PRECONDITION, "More is returned than is left of the line.")      \
    X(MEMBER_EXISTS, ALREADY_EXISTS, "The member number is taken.")                                \
    X(CARD_TAKEN, ALREADY_EXISTS, "The card leads to a member already.")                           \
    X(PROGRAMME_INVALID, INVALID_ARGUMENT, "The programme cannot be read.")                        \
    X(ZONE_UNKNOWN, INVALID_ARGUMENT, "The time zone is not known here.")                          \
    X(ZONE_UNREADABLE, INTERNAL, "The ledger cannot read the time zone's file.")                   \
    X(LIMIT_REACHED, FAILED_PRECONDITION, "A limit of the ledger is reached.")                     \
    X(OVERFLOW, OUT_OF_RANGE, "A number would become too large.")                                  \
    X(OVERLOADED, RESOURCE_EXHAUSTED, "The ledger is busy; please try again.")                     \
    X(DISK_FULL, RESOURCE_EXHAUSTED, "The ledger's disk is full; nothing was written.")            \
    X(SHUTTING_DOWN, UNAVAILABLE, "The ledger is shutting down.")                                  \
    X(FAILED, INTERNAL, "The ledger stopped before it could answer; send the same request again.")

enum jf_refusal_code {
    JF_REFUSAL_NONE = 0,
#define JF_REFUSAL_ENUM(code, status, sentence) JF_REFUSAL_##code,
    JF_REFUSALS(JF_REFUSAL_ENUM)
#undef JF_REFUSAL_ENUM
    JF_REFUSAL_COUNT
};

#define JF_REFUSAL_DETAIL_MAX 256

struct jf_refusal {
    enum jf_refusal_code code; // JF_REFUSAL_NONE: not refused
    const char *field;         // the field at fault, "%u" in it stands for index; or NULL. Static,
                               // or in the arena of the command that was refused
    uint32_t index;            // which element of a repeated field, from 0
    int64_t needed;
    int64_t available;
    int64_t limit;
    uint64_t position; // of the entry that stands in the way; 0: none
    uint64_t fingerprint_first;
    uint64_t fingerprint_second;
    char detail[JF_REFUSAL_DETAIL_MAX]; // more words, such as a programme's file:line:field; may be
                                        // ""
};

// Returns: the stable code ("INSUFFICIENT_POINTS"), static.
const char *jf_refusal_name(enum jf_refusal_code code);
// Returns: the sentence, static.
const char *jf_refusal_sentence(enum jf_refusal_code code);

#endif
