// Messages are made in an arena; a sale is packed at once. Fails: no memory.
#include "bench/day_request.h"

#include <string.h>

#include "jifen/v1/ledger.pb-c.h"
#include "jifen/v1/members.pb-c.h"
#include "jifen/v1/programmes.pb-c.h"

#define SCRATCH_BYTES     16384u
#define SCRATCH_BYTES_MAX ((size_t)64 << 20)

// A terminated copy that stays. Empty where there is no memory, which the caller's bytes tell too.
static char *text_keep(struct jf_arena *arena, struct jf_text text)
{
    char *copy = jf_arena_alloc(arena, (size_t)text.size + 1);
    static char empty[] = "";
    if (copy == NULL) {
        return empty;
    }
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    return copy;
}

// In: arrays of the receipt's size. Out: messages that live in the arena.
static bool receipt_fill(struct jf_arena *arena, const struct jf_receipt *from,
                         Jifen__V1__Receipt *receipt)
{
    receipt->store = from->store.value;
    receipt->terminal = from->terminal;
    receipt->number = text_keep(arena, from->number);
    receipt->sold_at_ms = from->sold_at_ms;
    receipt->lines = jf_arena_calloc(arena, from->line_count, sizeof(Jifen__V1__Line *));
    receipt->tenders = jf_arena_calloc(arena, from->tender_count, sizeof(Jifen__V1__Tender *));
    Jifen__V1__Line *lines = jf_arena_calloc(arena, from->line_count, sizeof *lines);
    Jifen__V1__Tender *tenders = jf_arena_calloc(arena, from->tender_count, sizeof *tenders);
    if (receipt->lines == NULL || receipt->tenders == NULL || lines == NULL || tenders == NULL) {
        return false;
    }
    receipt->n_lines = from->line_count;
    receipt->n_tenders = from->tender_count;
    for (uint32_t i = 0; i < from->line_count; i++) {
        jifen__v1__line__init(&lines[i]);
        lines[i].sku = text_keep(arena, from->lines[i].sku);
        lines[i].category = text_keep(arena, from->lines[i].category);
        lines[i].quantity_milli = from->lines[i].quantity_milli;
        lines[i].amount = from->lines[i].amount;
        receipt->lines[i] = &lines[i];
    }
    for (uint32_t i = 0; i < from->tender_count; i++) {
        jifen__v1__tender__init(&tenders[i]);
        tenders[i].type = text_keep(arena, from->tenders[i].type);
        tenders[i].amount = from->tenders[i].amount;
        receipt->tenders[i] = &tenders[i];
    }
    return true;
}

enum jf_error jf_day_request_sale(const struct jf_entry *entry, struct jf_arena *arena,
                                  struct jf_text *out_bytes)
{
    struct jf_arena scratch;
    Jifen__V1__PostSaleRequest request = JIFEN__V1__POST_SALE_REQUEST__INIT;
    Jifen__V1__MemberRef member = JIFEN__V1__MEMBER_REF__INIT;
    Jifen__V1__Receipt receipt = JIFEN__V1__RECEIPT__INIT;
    jf_arena_init(&scratch, SCRATCH_BYTES, SCRATCH_BYTES_MAX);
    bool is_filled = receipt_fill(&scratch, &entry->as.sale.receipt, &receipt);
    member.by_case = JIFEN__V1__MEMBER_REF__BY_NUMBER;
    member.number = entry->member.value;
    request.transaction_id = text_keep(&scratch, entry->transaction_id);
    request.member = &member;
    request.receipt = &receipt;
    request.redeem_points = entry->as.sale.redeem_points;
    request.offline = entry->as.sale.is_offline;
    size_t size = is_filled ? jifen__v1__post_sale_request__get_packed_size(&request) : 0;
    unsigned char *bytes = is_filled ? jf_arena_alloc(arena, size) : NULL;
    if (bytes != NULL) {
        (void)jifen__v1__post_sale_request__pack(&request, bytes);
        *out_bytes = (struct jf_text){(const char *)bytes, (uint32_t)size};
    }
    jf_arena_deinit(&scratch);
    return bytes != NULL ? JF_OK : JF_ERROR_NO_MEMORY;
}

static const ProtobufCMessage *enrolment_make(struct jf_arena *arena, const struct jf_entry *entry)
{
    const struct jf_enrol_command *from = &entry->as.enrolment;
    Jifen__V1__EnrolRequest *request = jf_arena_alloc(arena, sizeof *request);
    char **cards = jf_arena_calloc(arena, from->card_count, sizeof *cards);
    if (request == NULL || cards == NULL) {
        return NULL;
    }
    jifen__v1__enrol_request__init(request);
    struct jf_civil civil = jf_date_to_civil(from->enrolled_on);
    request->transaction_id = text_keep(arena, entry->transaction_id);
    request->number = from->number.value;
    request->cards = cards;
    request->n_cards = from->card_count;
    for (uint32_t i = 0; i < from->card_count; i++) {
        cards[i] = text_keep(arena, from->cards[i]);
    }
    request->enrolled_on =
        (int32_t)(civil.year * 10000 + (int32_t)civil.month * 100 + (int32_t)civil.day);
    request->birth_month = from->birth_month;
    request->birth_day = from->birth_day;
    request->home_store = from->home_store;
    request->tags = from->tags;
    return &request->base;
}

static const ProtobufCMessage *store_make(struct jf_arena *arena, const struct jf_entry *entry)
{
    const struct jf_put_store_command *from = &entry->as.store;
    Jifen__V1__PutStoreRequest *request = jf_arena_alloc(arena, sizeof *request);
    if (request == NULL) {
        return NULL;
    }
    jifen__v1__put_store_request__init(request);
    request->transaction_id = text_keep(arena, entry->transaction_id);
    request->store = from->store.value;
    request->entity = from->entity.value;
    request->region = text_keep(arena, from->region);
    request->zone = text_keep(arena, from->zone);
    request->day_start_minute = from->day_start_minute;
    return &request->base;
}

static const ProtobufCMessage *publication_make(struct jf_arena *arena,
                                                const struct jf_entry *entry)
{
    Jifen__V1__PublishRequest *request = jf_arena_alloc(arena, sizeof *request);
    if (request == NULL) {
        return NULL;
    }
    jifen__v1__publish_request__init(request);
    request->transaction_id = text_keep(arena, entry->transaction_id);
    request->yaml = text_keep(arena, entry->as.publication.yaml);
    request->file_name = text_keep(arena, entry->as.publication.file_name);
    return &request->base;
}

enum jf_error jf_day_request_setting(const struct jf_entry *entry, struct jf_arena *arena,
                                     struct jf_day_request *out_request)
{
    struct jf_day_request made = {0};
    switch (entry->kind) {
    case JF_ENTRY_ENROLMENT:
        made = (struct jf_day_request){"/jifen.v1.Members/Enrol", enrolment_make(arena, entry),
                                       &jifen__v1__enrol_response__descriptor};
        break;
    case JF_ENTRY_STORE:
        made = (struct jf_day_request){"/jifen.v1.Programmes/PutStore", store_make(arena, entry),
                                       &jifen__v1__put_store_response__descriptor};
        break;
    case JF_ENTRY_PUBLICATION:
        made =
            (struct jf_day_request){"/jifen.v1.Programmes/Publish", publication_make(arena, entry),
                                    &jifen__v1__publish_response__descriptor};
        break;
    default:
        break;
    }
    if (made.path != NULL && made.request == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    *out_request = made;
    return JF_OK;
}
