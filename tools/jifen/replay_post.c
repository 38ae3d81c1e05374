// Posts the sales of a file of receipts, many at a time, a member's own one after the other.
//
// A receipt whose member has one under way waits behind it; everything that waits is bounded by
// reading no further. Fails: the file has changed since the first reading or cannot be read; the
// connection breaks. Refusals are listed and counted, and the replay goes on.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "tools/jifen/replay.h"
#include "tools/jifen/sale_request.h"

#define JF_CLI_REPLAY_AHEAD_MAX 16384u // receipts read and not yet sent
#define JF_CLI_REPLAY_TERMINAL  1u     // the file does not say
#define JF_BATCH_BYTES_MAX      (JF_MESSAGE_BYTES_MAX - (64u << 10))
#define JF_WRITE_PREFIX_MAX     12u // two tags and two lengths

struct jf_cli_replay_item {
    struct jf_cli_replay_item *next; // in a member's queue, the ready queue or a call
    uint32_t member;                 // index
    uint32_t lines;
    uint64_t file_line;
    char number[JF_RECEIPT_NUMBER_BYTES_MAX + 1];
    uint32_t size;
    unsigned char bytes[]; // a packed PostSaleRequest
};

struct post {
    struct jf_cli_replay *replay;
    struct jf_receipts *receipts;
    struct jf_cli_replay_item *ready_first; // their members became free, in order
    struct jf_cli_replay_item *ready_last;
    uint64_t ahead_count;
    bool has_ended;
    struct jf_sale_request request;
};

static void queue_put(struct jf_cli_replay_item **first, struct jf_cli_replay_item **last,
                      struct jf_cli_replay_item *item)
{
    item->next = NULL;
    if (*first == NULL) {
        *first = item;
    } else {
        (*last)->next = item;
    }
    *last = item;
}

static struct jf_cli_replay_item *queue_take(struct jf_cli_replay_item **first)
{
    struct jf_cli_replay_item *item = *first;
    *first = item->next;
    item->next = NULL;
    return item;
}

static struct jf_cli_replay_member *member_of(struct post *post,
                                              const struct jf_cli_replay_item *item)
{
    return &post->replay->member_states[item->member];
}

// A file that gives other receipts than at its first reading was written to, or failed to be read.
static enum jf_exit file_compare(const struct post *post)
{
    const struct jf_receipts_counts *first = &post->replay->counts;
    const struct jf_receipts_counts *now = jf_receipts_counts(post->receipts);
    if (first->receipts == now->receipts && first->lines == now->lines &&
        first->lines_bad == now->lines_bad) {
        return JF_EXIT_OK;
    }
    return jf_cli_fail(JF_EXIT_BAD_INPUT,
                       "%s changed while it was being read: first it had %" PRIu64
                       " receipts, then %" PRIu64,
                       post->replay->config.path, first->receipts, now->receipts);
}

static struct jf_cli_replay_item *item_make(struct post *post, const struct jf_receipt *receipt)
{
    char id[JF_TRANSACTION_ID_SIZE];
    uint32_t member = 0;
    if (!jf_number_map_find(&post->replay->members, receipt->member, &member)) {
        (void)jf_cli_fail(JF_EXIT_BAD_INPUT, "%s changed while it was being read",
                          post->replay->config.path);
        return NULL;
    }
    jf_sale_request_id(receipt, id);
    jf_sale_request_fill(&post->request, receipt, JF_CLI_REPLAY_TERMINAL, id);
    size_t size = protobuf_c_message_get_packed_size(&post->request.message.base);
    struct jf_cli_replay_item *item = malloc(sizeof(*item) + size);
    if (item == NULL) {
        (void)jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
        return NULL;
    }
    item->member = member;
    item->lines = receipt->line_count;
    item->file_line = receipt->file_line;
    memcpy(item->number, receipt->number, sizeof(item->number));
    item->size = (uint32_t)protobuf_c_message_pack(&post->request.message.base, item->bytes);
    item->next = NULL;
    return item;
}

// The next receipt that may go in `call` now: from the ready queue, else from the file.
// Returns: as jf_pump_source.next.
static enum jf_pump_next item_next(struct post *post, uint32_t call,
                                   struct jf_cli_replay_item **out_item, enum jf_exit *out_code)
{
    while (post->ready_first != NULL || !post->has_ended) {
        struct jf_cli_replay_item *item = NULL;
        if (post->ready_first != NULL) {
            item = queue_take(&post->ready_first);
        } else {
            const struct jf_receipt *receipt = NULL;
            struct jf_diagnosis diagnosis = {0};
            if (post->ahead_count == JF_CLI_REPLAY_AHEAD_MAX) {
                return JF_PUMP_WAIT;
            }
            enum jf_error error = jf_receipts_next(post->receipts, &receipt, &diagnosis);
            if (error == JF_ERROR_NOT_FOUND) {
                post->has_ended = true;
                continue;
            }
            item = error == JF_OK ? item_make(post, receipt) : NULL;
            if (item == NULL) {
                *out_code = error == JF_OK ? JF_EXIT_BAD_INPUT : jf_cli_diagnosed(&diagnosis);
                return JF_PUMP_FAIL;
            }
            post->ahead_count++;
        }
        struct jf_cli_replay_member *member = member_of(post, item);
        if (member->call == 0 || member->call == call) {
            *out_item = item;
            return JF_PUMP_ITEM;
        }
        queue_put(&member->first, &member->last, item);
    }
    return post->ahead_count > 0 ? JF_PUMP_WAIT : JF_PUMP_END;
}

static void item_claim(struct post *post, struct jf_cli_replay_item *item, uint32_t call)
{
    member_of(post, item)->call = call;
    post->ahead_count--;
}

static enum jf_pump_next sale_next(void *context, struct jf_pump_slot *slot, enum jf_exit *out_code)
{
    struct post *post = context;
    struct jf_cli_replay_item *item = NULL;
    enum jf_pump_next next = item_next(post, slot->index + 1, &item, out_code);
    if (next != JF_PUMP_ITEM) {
        return next;
    }
    unsigned char *room = jf_pump_room(slot, item->size);
    item_claim(post, item, slot->index + 1);
    slot->item = item;
    if (room == NULL) {
        free(item);
        *out_code = jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
        return JF_PUMP_FAIL;
    }
    memcpy(room, item->bytes, item->size);
    return JF_PUMP_ITEM;
}

static uint32_t length_put(unsigned char *to, uint32_t value)
{
    uint32_t size = 0;
    for (; value >= 0x80; value >>= 7) {
        to[size++] = (unsigned char)(value | 0x80);
    }
    to[size++] = (unsigned char)value;
    return size;
}

// PostBatchRequest.writes (field 1) → Write.sale (field 1) → the packed sale, without unpacking it
// again.
static uint32_t write_put(unsigned char *to, const struct jf_cli_replay_item *item)
{
    unsigned char inner[JF_WRITE_PREFIX_MAX];
    inner[0] = 0x0a;
    uint32_t inner_size = 1 + length_put(inner + 1, item->size);
    uint32_t size = 0;
    to[size++] = 0x0a;
    size += length_put(to + size, inner_size + item->size);
    memcpy(to + size, inner, inner_size);
    memcpy(to + size + inner_size, item->bytes, item->size);
    return size + inner_size + item->size;
}

static void items_free(struct jf_cli_replay_item *item)
{
    while (item != NULL) {
        struct jf_cli_replay_item *next = item->next;
        free(item);
        item = next;
    }
}

// Gathers up to `batch` receipts for one call, bounded by the size of a message.
static enum jf_pump_next batch_gather(struct post *post, struct jf_pump_slot *slot,
                                      enum jf_exit *out_code, uint32_t *out_size)
{
    struct jf_cli_replay_item *first = NULL;
    struct jf_cli_replay_item *last = NULL;
    enum jf_pump_next next = JF_PUMP_ITEM;
    uint32_t size = 0;
    for (uint32_t count = 0; count < post->replay->config.batch; count++) {
        struct jf_cli_replay_item *item = NULL;
        next = item_next(post, slot->index + 1, &item, out_code);
        if (next != JF_PUMP_ITEM) {
            break;
        }
        item_claim(post, item, slot->index + 1);
        queue_put(&first, &last, item);
        size += item->size + JF_WRITE_PREFIX_MAX;
        if (size > JF_BATCH_BYTES_MAX - JF_MESSAGE_BYTES_MAX / 8) {
            break; // a receipt is far smaller than an eighth of a message
        }
    }
    slot->item = first;
    *out_size = size;
    if (next == JF_PUMP_FAIL) {
        items_free(first);
        return next;
    }
    return first == NULL ? next : JF_PUMP_ITEM;
}

static enum jf_pump_next batch_next(void *context, struct jf_pump_slot *slot,
                                    enum jf_exit *out_code)
{
    struct post *post = context;
    uint32_t size = 0;
    enum jf_pump_next next = batch_gather(post, slot, out_code, &size);
    if (next != JF_PUMP_ITEM) {
        return next;
    }
    unsigned char *room = jf_pump_room(slot, size);
    if (room == NULL) {
        items_free(slot->item);
        *out_code = jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
        return JF_PUMP_FAIL;
    }
    uint32_t used = 0;
    for (const struct jf_cli_replay_item *item = slot->item; item != NULL; item = item->next) {
        used += write_put(room + used, item);
    }
    slot->size = used;
    return JF_PUMP_ITEM;
}

static void outcome_note(struct post *post, const struct jf_cli_replay_item *item,
                         const Jifen__V1__Outcome *outcome, bool is_replayed)
{
    struct jf_cli_replay *replay = post->replay;
    replay->posted += !is_replayed;
    replay->replayed += is_replayed;
    replay->points_granted += outcome->points_granted;
    if (outcome->balance != NULL) {
        member_of(post, item)->available = outcome->balance->available;
    }
}

static void refusal_note(struct post *post, const struct jf_cli_replay_item *item,
                         struct jf_text why)
{
    struct jf_cli_replay *replay = post->replay;
    if (replay->refused++ < JF_CLI_REPLAY_SHOWN_MAX) {
        (void)fprintf(stderr, "%s:%" PRIu64 ": receipt %s was refused: %.*s\n", replay->config.path,
                      item->file_line, item->number, (int)why.size, why.data);
    }
}

// The member is free: what waited behind this receipt may go, in its order.
static void item_release(struct post *post, struct jf_cli_replay_item *item)
{
    struct jf_cli_replay_member *member = member_of(post, item);
    member->call = 0;
    while (member->first != NULL) {
        queue_put(&post->ready_first, &post->ready_last, queue_take(&member->first));
    }
    free(item);
}

static enum jf_exit answer_broken(void)
{
    return jf_cli_fail(JF_EXIT_UNAVAILABLE, "the ledger's answer cannot be read");
}

static enum jf_exit sale_reply(void *context, struct jf_pump_slot *slot,
                               const struct jf_reply *reply)
{
    struct post *post = context;
    struct jf_cli_replay_item *item = slot->item;
    enum jf_exit code = JF_EXIT_OK;
    if (reply->status == JF_STATUS_OK) {
        const Jifen__V1__PostSaleResponse *response =
            (const Jifen__V1__PostSaleResponse *)jf_session_decode(
                post->replay->session, &jifen__v1__post_sale_response__descriptor, reply->bytes);
        if (response == NULL || response->outcome == NULL) {
            code = answer_broken();
        } else {
            outcome_note(post, item, response->outcome, response->replayed);
        }
        jf_session_forget(post->replay->session);
    } else {
        refusal_note(post, item, reply->message);
    }
    jf_pump_advance(slot->pump, 1);
    item_release(post, item);
    return code;
}

static void result_note(struct post *post, const struct jf_cli_replay_item *item,
                        const Jifen__V1__WriteResult *result)
{
    char why[512];
    if (result->outcome != NULL) {
        outcome_note(post, item, result->outcome, result->replayed);
        return;
    }
    const Jifen__V1__Refusal *refusal = result->refusal;
    int size = snprintf(why, sizeof(why), "%s: %s", refusal == NULL ? "?" : refusal->code,
                        refusal == NULL ? "" : refusal->message);
    (void)size;
    refusal_note(post, item, jf_text_from(why));
}

static enum jf_exit batch_reply(void *context, struct jf_pump_slot *slot,
                                const struct jf_reply *reply)
{
    struct post *post = context;
    struct jf_session *session = post->replay->session;
    struct jf_cli_replay_item *item = slot->item;
    if (reply->status != JF_STATUS_OK) { // refused whole: our own mistake
        items_free(item);
        return jf_session_explain(session, reply);
    }
    const Jifen__V1__PostBatchResponse *response =
        (const Jifen__V1__PostBatchResponse *)jf_session_decode(
            session, &jifen__v1__post_batch_response__descriptor, reply->bytes);
    size_t at = 0;
    while (item != NULL && response != NULL && at < response->n_results) {
        struct jf_cli_replay_item *next = item->next;
        result_note(post, item, response->results[at++]);
        item_release(post, item);
        jf_pump_advance(slot->pump, 1);
        item = next;
    }
    bool is_whole = item == NULL && response != NULL && at == response->n_results;
    items_free(item);
    jf_session_forget(session);
    return is_whole ? JF_EXIT_OK : answer_broken();
}

static void call_abandon(void *context, struct jf_pump_slot *slot)
{
    (void)context;
    items_free(slot->item);
}

// After a failure receipts may still wait.
static void post_clear(struct post *post)
{
    items_free(post->ready_first);
    for (uint32_t at = 0; at < post->replay->members.count; at++) {
        struct jf_cli_replay_member *member = &post->replay->member_states[at];
        items_free(member->first);
        member->first = NULL;
        member->call = 0;
    }
    jf_receipts_close(post->receipts);
    free(post);
}

enum jf_exit jf_cli_replay_post(struct jf_cli_replay *replay)
{
    struct post *post = calloc(1, sizeof(*post));
    if (post == NULL) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    bool is_batch = replay->config.batch > 1;
    struct jf_diagnosis diagnosis = {0};
    struct jf_receipts_config file = {replay->config.path, replay->zone, NULL, NULL};
    struct jf_pump_config config = {.concurrency = replay->config.concurrency,
                                    .what = "receipts",
                                    .total = replay->counts.receipts,
                                    .is_progress_forced = replay->config.is_progress_forced};
    struct jf_pump_source source = {
        .path = is_batch ? "/jifen.v1.Ledger/PostBatch" : "/jifen.v1.Ledger/PostSale",
        .context = post,
        .next = is_batch ? batch_next : sale_next,
        .reply = is_batch ? batch_reply : sale_reply,
        .abandon = call_abandon,
    };
    post->replay = replay;
    enum jf_exit code = JF_EXIT_OK;
    if (jf_receipts_open(&file, &post->receipts, &diagnosis) != JF_OK) {
        code = jf_cli_diagnosed(&diagnosis);
    } else {
        code = jf_pump_run(replay->session, &source, &config, &replay->pump);
        code = code == JF_EXIT_OK ? file_compare(post) : code;
    }
    if (replay->refused > JF_CLI_REPLAY_SHOWN_MAX) {
        (void)fprintf(stderr, "... and %" PRIu64 " more receipts were refused\n",
                      replay->refused - JF_CLI_REPLAY_SHOWN_MAX);
    }
    post_clear(post);
    return code;
}
