// protobuf-c packs each. Nothing fails: a message that does not fit is a bug of the test.
#include "message.h"

#include <stdio.h>

#include "base/assert.h"
#include "grpc/health/v1/health.pb-c.h"
#include "jifen/v1/members.pb-c.h"
#include "jifen/v1/operations.pb-c.h"
#include "jifen/v1/programmes.pb-c.h"

#define AMOUNT      15000 // 150.00
#define ENROLLED_ON 20241004
#define HOLD_MS     60000
#define IDS_MAX     9u
#define ID_BYTES    80u

// protobuf-c takes texts that may be written to.
static char *text(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

static void pack(struct rig_message *out, const char *path, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    JF_ASSERT(size <= sizeof out->bytes);
    out->path = path;
    out->size = (uint32_t)protobuf_c_message_pack(message, out->bytes);
}

struct jf_text rig_message_text(const struct rig_message *message)
{
    return (struct jf_text){(const char *)message->bytes, message->size};
}

static Jifen__V1__MemberRef member_ref(uint64_t member)
{
    Jifen__V1__MemberRef ref = JIFEN__V1__MEMBER_REF__INIT;
    ref.by_case = JIFEN__V1__MEMBER_REF__BY_NUMBER;
    ref.number = member;
    return ref;
}

// A sale and all that it points to.
struct sale {
    char id[ID_BYTES];
    Jifen__V1__PostSaleRequest request;
    Jifen__V1__MemberRef member;
    Jifen__V1__Receipt receipt;
    Jifen__V1__Line line;
    Jifen__V1__Line *lines[1];
};

static void sale_fill(struct sale *sale, const char *id, uint64_t member, int64_t now_ms)
{
    (void)snprintf(sale->id, sizeof sale->id, "%s", id);
    jifen__v1__line__init(&sale->line);
    sale->line.sku = text("A1");
    sale->line.category = text("DRUG");
    sale->line.quantity_milli = 1000;
    sale->line.amount = AMOUNT;
    sale->lines[0] = &sale->line;
    jifen__v1__receipt__init(&sale->receipt);
    sale->receipt.store = 1;
    sale->receipt.terminal = 1;
    sale->receipt.number = sale->id;
    sale->receipt.sold_at_ms = now_ms;
    sale->receipt.lines = sale->lines;
    sale->receipt.n_lines = 1;
    sale->member = member_ref(member);
    jifen__v1__post_sale_request__init(&sale->request);
    sale->request.transaction_id = sale->id;
    sale->request.member = &sale->member;
    sale->request.receipt = &sale->receipt;
}

void rig_publish(struct rig_message *out, const char *id)
{
    Jifen__V1__PublishRequest request = JIFEN__V1__PUBLISH_REQUEST__INIT;
    request.transaction_id = text(id);
    request.yaml = text(RIG_PROGRAMME);
    request.file_name = text("test.yaml");
    pack(out, "/jifen.v1.Programmes/Publish", &request.base);
}

void rig_put_store(struct rig_message *out, const char *id, uint32_t store)
{
    Jifen__V1__PutStoreRequest request = JIFEN__V1__PUT_STORE_REQUEST__INIT;
    request.transaction_id = text(id);
    request.store = store;
    request.entity = 1;
    request.zone = text("Asia/Shanghai");
    pack(out, "/jifen.v1.Programmes/PutStore", &request.base);
}

void rig_enrol(struct rig_message *out, const char *id, uint64_t member)
{
    Jifen__V1__EnrolRequest request = JIFEN__V1__ENROL_REQUEST__INIT;
    request.transaction_id = text(id);
    request.number = member;
    request.enrolled_on = ENROLLED_ON;
    pack(out, "/jifen.v1.Members/Enrol", &request.base);
}

void rig_sale(struct rig_message *out, const char *id, uint64_t member, int64_t now_ms)
{
    struct sale sale;
    sale_fill(&sale, id, member, now_ms);
    pack(out, "/jifen.v1.Ledger/PostSale", &sale.request.base);
}

void rig_quote(struct rig_message *out, uint64_t member, int64_t now_ms)
{
    struct sale sale;
    sale_fill(&sale, "quote", member, now_ms);
    sale.request.transaction_id = text("");
    pack(out, "/jifen.v1.Ledger/Quote", &sale.request.base);
}

void rig_return_all(struct rig_message *out, const char *id, const char *sale_id, int64_t now_ms)
{
    Jifen__V1__PostReturnRequest request = JIFEN__V1__POST_RETURN_REQUEST__INIT;
    request.transaction_id = text(id);
    request.sale_transaction_id = text(sale_id);
    request.store = 1;
    request.returned_at_ms = now_ms;
    request.all = 1;
    pack(out, "/jifen.v1.Ledger/PostReturn", &request.base);
}

void rig_redeem(struct rig_message *out, const char *id, uint64_t member, int64_t now_ms)
{
    Jifen__V1__MemberRef ref = member_ref(member);
    Jifen__V1__RedeemRequest request = JIFEN__V1__REDEEM_REQUEST__INIT;
    request.transaction_id = text(id);
    request.member = &ref;
    request.store = 1;
    request.redeemed_at_ms = now_ms;
    request.points = 100;
    pack(out, "/jifen.v1.Ledger/Redeem", &request.base);
}

void rig_hold(struct rig_message *out, const char *id, uint64_t member, int64_t now_ms)
{
    Jifen__V1__MemberRef ref = member_ref(member);
    Jifen__V1__HoldRequest request = JIFEN__V1__HOLD_REQUEST__INIT;
    request.transaction_id = text(id);
    request.member = &ref;
    request.store = 1;
    request.held_at_ms = now_ms;
    request.points = 100;
    request.deadline_ms = now_ms + HOLD_MS;
    pack(out, "/jifen.v1.Ledger/Hold", &request.base);
}

void rig_capture(struct rig_message *out, const char *id, const char *hold_id, int64_t now_ms)
{
    Jifen__V1__CaptureRequest request = JIFEN__V1__CAPTURE_REQUEST__INIT;
    request.transaction_id = text(id);
    request.hold_transaction_id = text(hold_id);
    request.captured_at_ms = now_ms;
    pack(out, "/jifen.v1.Ledger/Capture", &request.base);
}

void rig_batch(struct rig_message *out, const char *id, uint64_t member, uint32_t count,
               int64_t now_ms)
{
    struct sale sales[IDS_MAX];
    Jifen__V1__Write writes[IDS_MAX];
    Jifen__V1__Write *pointers[IDS_MAX];
    Jifen__V1__PostBatchRequest request = JIFEN__V1__POST_BATCH_REQUEST__INIT;
    JF_ASSERT(count >= 1 && count <= IDS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        char one[ID_BYTES];
        (void)snprintf(one, sizeof one, "%s%u", id, i);
        sale_fill(&sales[i], one, member, now_ms);
        jifen__v1__write__init(&writes[i]);
        writes[i].write_case = JIFEN__V1__WRITE__WRITE_SALE;
        writes[i].sale = &sales[i].request;
        pointers[i] = &writes[i];
    }
    request.writes = pointers;
    request.n_writes = count;
    pack(out, "/jifen.v1.Ledger/PostBatch", &request.base);
}

void rig_stream_sale(struct rig_message *out, const char *id, uint64_t member, int64_t now_ms)
{
    struct sale sale;
    Jifen__V1__Write write = JIFEN__V1__WRITE__INIT;
    Jifen__V1__StreamRequest request = JIFEN__V1__STREAM_REQUEST__INIT;
    sale_fill(&sale, id, member, now_ms);
    write.write_case = JIFEN__V1__WRITE__WRITE_SALE;
    write.sale = &sale.request;
    request.write = &write;
    pack(out, "/jifen.v1.Ledger/Stream", &request.base);
}

void rig_get_member(struct rig_message *out, uint64_t member)
{
    Jifen__V1__MemberRef ref = member_ref(member);
    Jifen__V1__GetMemberRequest request = JIFEN__V1__GET_MEMBER_REQUEST__INIT;
    request.member = &ref;
    pack(out, "/jifen.v1.Ledger/GetMember", &request.base);
}

void rig_history(struct rig_message *out, uint64_t member)
{
    Jifen__V1__MemberRef ref = member_ref(member);
    Jifen__V1__HistoryRequest request = JIFEN__V1__HISTORY_REQUEST__INIT;
    request.member = &ref;
    pack(out, "/jifen.v1.Ledger/History", &request.base);
}

void rig_get_transaction(struct rig_message *out, const char *id)
{
    Jifen__V1__GetTransactionRequest request = JIFEN__V1__GET_TRANSACTION_REQUEST__INIT;
    request.by_case = JIFEN__V1__GET_TRANSACTION_REQUEST__BY_TRANSACTION_ID;
    request.transaction_id = text(id);
    pack(out, "/jifen.v1.Ledger/GetTransaction", &request.base);
}

void rig_get_programme(struct rig_message *out)
{
    Jifen__V1__GetProgrammeRequest request = JIFEN__V1__GET_PROGRAMME_REQUEST__INIT;
    pack(out, "/jifen.v1.Programmes/Get", &request.base);
}

void rig_status(struct rig_message *out)
{
    Jifen__V1__StatusRequest request = JIFEN__V1__STATUS_REQUEST__INIT;
    pack(out, "/jifen.v1.Operations/Status", &request.base);
}

void rig_health(struct rig_message *out)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    pack(out, "/grpc.health.v1.Health/Check", &request.base);
}

void rig_checkpoint(struct rig_message *out)
{
    Jifen__V1__CheckpointRequest request = JIFEN__V1__CHECKPOINT_REQUEST__INIT;
    pack(out, "/jifen.v1.Operations/Checkpoint", &request.base);
}

void rig_verify(struct rig_message *out)
{
    Jifen__V1__VerifyRequest request = JIFEN__V1__VERIFY_REQUEST__INIT;
    pack(out, "/jifen.v1.Operations/Verify", &request.base);
}

void rig_tiers(struct rig_message *out, const char *run_id, int32_t as_of)
{
    Jifen__V1__RecalculateTiersRequest request = JIFEN__V1__RECALCULATE_TIERS_REQUEST__INIT;
    request.run_id = text(run_id);
    request.as_of = as_of;
    request.list = 1;
    pack(out, "/jifen.v1.Programmes/RecalculateTiers", &request.base);
}

void rig_expire(struct rig_message *out, const char *run_id, int32_t as_of)
{
    Jifen__V1__ExpireRequest request = JIFEN__V1__EXPIRE_REQUEST__INIT;
    request.run_id = text(run_id);
    request.as_of = as_of;
    pack(out, "/jifen.v1.Programmes/Expire", &request.base);
}

void rig_follow(struct rig_message *out, uint64_t from_position)
{
    Jifen__V1__FollowRequest request = JIFEN__V1__FOLLOW_REQUEST__INIT;
    request.from_position = from_position;
    pack(out, "/jifen.v1.Operations/Follow", &request.base);
}
