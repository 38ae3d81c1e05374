// Claims about decoding: what a message says is what the command says, and what is missing is seen.
#include <criterion/criterion.h>

#include "service/decode.h"
#include "service/message.h"

static struct jf_arena arena;

static void arena_start(void)
{
    jf_arena_init(&arena, 4096, 1 << 20);
}

static void arena_end(void)
{
    jf_arena_deinit(&arena);
}

TestSuite(decode, .init = arena_start, .fini = arena_end);

Test(decode, a_member_that_is_not_named_says_which_field)
{
    Jifen__V1__MemberRef message = JIFEN__V1__MEMBER_REF__INIT;
    struct jf_member_ref member;
    char empty[] = "";
    cr_assert_str_eq(jf_decode_member_ref(NULL, &member), "member");
    cr_assert_str_eq(jf_decode_member_ref(&message, &member), "member");
    message.by_case = JIFEN__V1__MEMBER_REF__BY_NUMBER;
    cr_assert_str_eq(jf_decode_member_ref(&message, &member), "member.number");
    message.by_case = JIFEN__V1__MEMBER_REF__BY_CARD;
    message.card = empty;
    cr_assert_str_eq(jf_decode_member_ref(&message, &member), "member.card");
    cr_assert(member.number.value == 0 && member.card.size == 0);
}

Test(decode, a_date_is_given_left_out_or_none)
{
    jf_date date = 1;
    cr_assert(jf_decode_date(0, &date));
    cr_assert_eq(date, JF_DATE_NONE);
    cr_assert(jf_decode_date(19700102, &date));
    cr_assert_eq(date, 1);
    static const int32_t none[] = {20170229, 20170432, 20171301, 20170100, 1, -20170101, 22000101};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        cr_assert_not(jf_decode_date(none[i], &date), "%d", none[i]);
    }
}

Test(decode, a_write_that_says_nothing_is_no_command)
{
    struct jf_command command;
    struct jf_refusal refusal;
    Jifen__V1__Write write = JIFEN__V1__WRITE__INIT;
    cr_assert(jf_decode_write(NULL, &arena, &command));
    cr_assert_eq(command.kind, JF_COMMAND_NONE);
    cr_assert(jf_decode_write(&write, &arena, &command));
    cr_assert_eq(command.kind, JF_COMMAND_NONE);
    cr_assert_not(jf_command_check(&command, true, &refusal));
    cr_assert_str_eq(refusal.field, "write");
}

Test(decode, a_hold_its_capture_and_its_void_are_taken_over_field_by_field)
{
    char id[] = "id";
    char of[] = "of";
    char reward[] = "mug";
    Jifen__V1__Write write = JIFEN__V1__WRITE__INIT;
    Jifen__V1__HoldRequest hold = JIFEN__V1__HOLD_REQUEST__INIT;
    hold.transaction_id = id;
    hold.store = 3;
    hold.terminal = 4;
    hold.held_at_ms = 5;
    hold.points = 6;
    hold.deadline_ms = 7;
    hold.reward = reward;
    write.write_case = JIFEN__V1__WRITE__WRITE_HOLD;
    write.hold = &hold;
    struct jf_command command;
    cr_assert(jf_decode_write(&write, &arena, &command));
    cr_assert_eq(command.kind, JF_COMMAND_HOLD);
    const struct jf_hold_command *held = &command.as.hold;
    cr_assert(held->store.value == 3 && held->terminal == 4 && held->held_at_ms == 5);
    cr_assert(held->points == 6 && held->deadline_ms == 7);
    cr_assert(jf_text_equal(held->reward, JF_TEXT("mug")));
    cr_assert(jf_text_equal(command.transaction_id, JF_TEXT("id")));

    Jifen__V1__CaptureRequest capture = JIFEN__V1__CAPTURE_REQUEST__INIT;
    capture.hold_transaction_id = of;
    capture.captured_at_ms = 8;
    capture.points = 9;
    write.write_case = JIFEN__V1__WRITE__WRITE_CAPTURE;
    write.capture = &capture;
    cr_assert(jf_decode_write(&write, &arena, &command));
    cr_assert_eq(command.kind, JF_COMMAND_CAPTURE);
    cr_assert(command.as.capture.captured_at_ms == 8 && command.as.capture.points == 9);
    cr_assert(jf_text_equal(command.as.capture.hold_transaction_id, JF_TEXT("of")));

    Jifen__V1__VoidRequest nothing = JIFEN__V1__VOID_REQUEST__INIT;
    nothing.hold_transaction_id = of;
    nothing.voided_at_ms = 10;
    write.write_case = JIFEN__V1__WRITE__WRITE_VOID_HOLD;
    write.void_hold = &nothing;
    cr_assert(jf_decode_write(&write, &arena, &command));
    cr_assert_eq(command.kind, JF_COMMAND_VOID);
    cr_assert_eq(command.as.void_hold.voided_at_ms, 10);
    cr_assert(jf_text_equal(command.as.void_hold.hold_transaction_id, JF_TEXT("of")));
}

Test(decode, a_sale_without_a_receipt_is_refused_by_the_rules)
{
    Jifen__V1__MemberRef member = JIFEN__V1__MEMBER_REF__INIT;
    Jifen__V1__PostSaleRequest message = JIFEN__V1__POST_SALE_REQUEST__INIT;
    char id[] = "id";
    member.by_case = JIFEN__V1__MEMBER_REF__BY_NUMBER;
    member.number = 7;
    message.transaction_id = id;
    message.member = &member;
    struct jf_command command;
    struct jf_refusal refusal;
    cr_assert(jf_decode_sale(&message.base, &arena, &command));
    cr_assert_not(jf_command_check(&command, true, &refusal));
    cr_assert_str_eq(refusal.field, "receipt.store");
}

Test(decode, arrays_need_room_in_the_arena)
{
    Jifen__V1__Receipt receipt = JIFEN__V1__RECEIPT__INIT;
    Jifen__V1__PostSaleRequest message = JIFEN__V1__POST_SALE_REQUEST__INIT;
    message.receipt = &receipt;
    receipt.n_lines = 100; // not looked at: there is no room for what they become
    struct jf_arena full;
    struct jf_command command = {.kind = JF_COMMAND_NONE};
    jf_arena_init(&full, 1024, 1024);
    cr_assert_not(jf_decode_sale(&message.base, &full, &command));
    cr_assert_eq(command.kind, JF_COMMAND_NONE);
    jf_arena_deinit(&full);
}

Test(decode, a_sale_is_decoded_field_by_field)
{
    Jifen__V1__Line line = JIFEN__V1__LINE__INIT;
    Jifen__V1__Line *lines[] = {&line};
    Jifen__V1__Tender tender = JIFEN__V1__TENDER__INIT;
    Jifen__V1__Tender *tenders[] = {&tender};
    Jifen__V1__Receipt receipt = JIFEN__V1__RECEIPT__INIT;
    Jifen__V1__MemberRef member = JIFEN__V1__MEMBER_REF__INIT;
    Jifen__V1__PostSaleRequest message = JIFEN__V1__POST_SALE_REQUEST__INIT;
    char texts[][8] = {"id", "card", "sku", "food", "no", "cash"};
    message.transaction_id = texts[0];
    message.member = &member;
    member.by_case = JIFEN__V1__MEMBER_REF__BY_CARD;
    member.card = texts[1];
    line.sku = texts[2];
    line.category = texts[3];
    line.quantity_milli = 2500;
    line.amount = 999;
    tender.type = texts[5];
    tender.amount = 1000;
    receipt.store = 3;
    receipt.terminal = 4;
    receipt.number = texts[4];
    receipt.sold_at_ms = 1484672400000;
    receipt.lines = lines;
    receipt.n_lines = 1;
    receipt.tenders = tenders;
    receipt.n_tenders = 1;
    message.receipt = &receipt;
    message.redeem_points = 100;
    message.offline = 1;
    struct jf_command command;
    cr_assert(jf_decode_sale(&message.base, &arena, &command));
    const struct jf_sale_command *sale = &command.as.sale;
    cr_assert_eq(command.kind, JF_COMMAND_SALE);
    cr_assert(jf_text_equal(command.transaction_id, JF_TEXT("id")));
    cr_assert(jf_text_equal(sale->member.card, JF_TEXT("card")));
    cr_assert(sale->receipt.store.value == 3 && sale->receipt.terminal == 4);
    cr_assert(jf_text_equal(sale->receipt.number, JF_TEXT("no")));
    cr_assert_eq(sale->receipt.sold_at_ms, 1484672400000);
    cr_assert(sale->receipt.line_count == 1 && sale->receipt.tender_count == 1);
    cr_assert(jf_text_equal(sale->receipt.lines[0].sku, JF_TEXT("sku")));
    cr_assert(jf_text_equal(sale->receipt.lines[0].category, JF_TEXT("food")));
    cr_assert(sale->receipt.lines[0].quantity_milli == 2500);
    cr_assert(sale->receipt.lines[0].amount == 999);
    cr_assert(jf_text_equal(sale->receipt.tenders[0].type, JF_TEXT("cash")));
    cr_assert(sale->receipt.tenders[0].amount == 1000);
    cr_assert(sale->redeem_points == 100 && sale->is_offline);
}

Test(decode, enrolment_keeps_cards_in_their_order)
{
    Jifen__V1__EnrolRequest message = JIFEN__V1__ENROL_REQUEST__INIT;
    char texts[][4] = {"b", "a"};
    char *cards[] = {texts[0], texts[1]};
    message.number = 9;
    message.cards = cards;
    message.n_cards = 2;
    message.enrolled_on = 19700103;
    message.tags = UINT64_MAX;
    struct jf_command command;
    cr_assert(jf_decode_enrol(&message.base, &arena, &command));
    const struct jf_enrol_command *enrol = &command.as.enrol;
    cr_assert(enrol->card_count == 2 && jf_text_equal(enrol->cards[0], JF_TEXT("b")));
    cr_assert(enrol->enrolled_on == 2 && enrol->tags == UINT64_MAX && enrol->number.value == 9);
}

Test(decode, unpacking_tells_malformed_from_too_large)
{
    const ProtobufCMessageDescriptor *descriptor = &jifen__v1__post_sale_request__descriptor;
    ProtobufCMessage *message = NULL;
    cr_assert_eq(jf_message_unpack(descriptor, JF_TEXT("\xff"), &arena, &message),
                 JF_ERROR_INVALID);
    struct jf_arena full;
    jf_arena_init(&full, 1024, 1024);
    cr_assert_not_null(jf_arena_alloc(&full, 1024));
    cr_assert_eq(jf_message_unpack(descriptor, JF_TEXT("\x0a\x01x"), &full, &message),
                 JF_ERROR_NO_MEMORY);
    jf_arena_deinit(&full);
    cr_assert_eq(jf_message_unpack(descriptor, JF_TEXT("\x0a\x01x"), &arena, &message), JF_OK);
    cr_assert_str_eq(((const Jifen__V1__PostSaleRequest *)message)->transaction_id, "x");
}

Test(decode, a_nul_in_a_write_is_noted_with_its_field_and_refuses_it)
{
    const ProtobufCMessageDescriptor *descriptor = &jifen__v1__stream_request__descriptor;
    struct jf_text bytes = JF_TEXT("\x0a\x06\x0a\x04\x0a\x02x\x00");
    struct jf_command command = {.kind = JF_COMMAND_SALE, .transaction_id = JF_TEXT("x")};
    cr_assert(jf_decode_nul(descriptor, JF_TEXT("\x0a\x05\x0a\x03\x0a\x01x"), 2, &arena, &command));
    cr_assert_null(command.nul_field);
    cr_assert(jf_decode_nul(descriptor, bytes, 2, &arena, &command));
    cr_assert_str_eq(command.nul_field, "transaction_id");
    struct jf_refusal refusal;
    cr_assert_not(jf_command_check(&command, true, &refusal));
    cr_assert_eq(refusal.code, JF_REFUSAL_INVALID_FIELD);
    cr_assert_str_eq(refusal.field, "transaction_id");
    struct jf_arena full;
    jf_arena_init(&full, 1024, 1024);
    cr_assert_not_null(jf_arena_alloc(&full, 1024));
    cr_assert_not(jf_decode_nul(descriptor, bytes, 2, &full, &command));
    jf_arena_deinit(&full);
}
