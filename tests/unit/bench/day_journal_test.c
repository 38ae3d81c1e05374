// Claims about a past day out of a journal: its sales and what they need, nothing that came before
// the first or behind the last of them, and each sale as it was asked.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "bench/day_journal.h"
#include "jifen/v1/ledger.pb-c.h"
#include "jifen/v1/members.pb-c.h"
#include "jifen/v1/programmes.pb-c.h"

#define DAY  ((jf_date)20500)
#define NEXT ((jf_date)20501)

static const struct jf_line lines[] = {{JF_TEXT("69010001"), JF_TEXT("otc"), 2000, 1250},
                                       {JF_TEXT("69020002"), JF_TEXT(""), 500, 9900}};
static const struct jf_tender tenders[] = {{JF_TEXT("cash"), 11150}};
static const struct jf_text cards[] = {JF_TEXT("card-1"), JF_TEXT("card-2")};

static struct jf_entry sale(uint64_t position, jf_date date)
{
    struct jf_entry entry = {.kind = JF_ENTRY_SALE,
                             .position = position,
                             .transaction_id = JF_TEXT("till-7-1"),
                             .member = {42},
                             .business_date = date};
    entry.as.sale.receipt = (struct jf_receipt){.store = {7},
                                                .terminal = 3,
                                                .number = JF_TEXT("R-1"),
                                                .sold_at_ms = 1771200000123,
                                                .lines = lines,
                                                .line_count = 2,
                                                .tenders = tenders,
                                                .tender_count = 1};
    entry.as.sale.redeem_points = 300;
    entry.as.sale.is_offline = true;
    return entry;
}

static struct jf_entry enrolment(uint64_t position)
{
    struct jf_entry entry = {.kind = JF_ENTRY_ENROLMENT,
                             .position = position,
                             .transaction_id = JF_TEXT("enrol-42"),
                             .business_date = DAY};
    entry.as.enrolment = (struct jf_enrol_command){.number = {42},
                                                   .cards = cards,
                                                   .card_count = 2,
                                                   .enrolled_on = 20454, // 2026-01-01
                                                   .birth_month = 2,
                                                   .birth_day = 29,
                                                   .home_store = 7,
                                                   .tags = 5};
    return entry;
}

static struct jf_entry store(uint64_t position)
{
    struct jf_entry entry = {.kind = JF_ENTRY_STORE,
                             .position = position,
                             .transaction_id = JF_TEXT("store-7"),
                             .business_date = JF_DATE_NONE};
    entry.as.store = (struct jf_put_store_command){.store = {7},
                                                   .entity = {2},
                                                   .region = JF_TEXT("east"),
                                                   .zone = JF_TEXT("Asia/Shanghai"),
                                                   .day_start_minute = 240};
    return entry;
}

static struct jf_entry publication(uint64_t position)
{
    struct jf_entry entry = {.kind = JF_ENTRY_PUBLICATION,
                             .position = position,
                             .transaction_id = JF_TEXT("rules-2"),
                             .business_date = JF_DATE_NONE};
    entry.as.publication.yaml = JF_TEXT("name: second\n");
    entry.as.publication.file_name = JF_TEXT("second.yaml");
    return entry;
}

static void walk(struct jf_day_journal *journal, jf_date date, const struct jf_entry *entries,
                 size_t count)
{
    struct jf_diagnosis diagnosis;
    jf_day_journal_begin(journal, date);
    for (size_t i = 0; i < count; i++) {
        jf_day_journal_look(journal, &entries[i]);
    }
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(jf_day_journal_take(journal, &entries[i], &diagnosis), JF_OK);
    }
}

Test(day_journal, what_came_behind_the_days_last_sale_is_not_brought_along)
{
    const struct jf_entry entries[] = {
        store(1),     publication(2), enrolment(3), sale(4, DAY - 1), sale(5, DAY), enrolment(6),
        store(7),     sale(8, NEXT),  sale(9, DAY), publication(10), // would decide the day's sales
        enrolment(11)};
    struct jf_day_journal journal;
    walk(&journal, DAY, entries, 11);
    cr_assert_eq(journal.before_position, 4);
    cr_assert_eq(journal.last_position, 9);
    cr_assert_eq(journal.sale_count, 2);
    cr_assert_eq(journal.sales[0].position, 5);
    cr_assert_eq(journal.sales[1].position, 9);
    cr_assert_eq(journal.setting_count, 2);
    cr_assert_str_eq(journal.settings[0].path, "/jifen.v1.Members/Enrol");
    cr_assert_str_eq(journal.settings[1].path, "/jifen.v1.Programmes/PutStore");
    jf_day_journal_deinit(&journal);
}

Test(day_journal, without_a_date_it_is_the_newest_that_has_sales)
{
    const struct jf_entry entries[] = {sale(1, DAY), sale(2, NEXT), sale(3, DAY), enrolment(4)};
    struct jf_day_journal journal;
    walk(&journal, JF_DATE_NONE, entries, 4);
    cr_assert_eq(journal.date, NEXT);
    cr_assert_eq(journal.sale_count, 1);
    cr_assert_eq(journal.before_position, 1);
    jf_day_journal_deinit(&journal);
}

Test(day_journal, a_day_without_sales_has_nothing)
{
    const struct jf_entry entries[] = {store(1), enrolment(2), sale(3, DAY)};
    struct jf_day_journal journal;
    walk(&journal, NEXT, entries, 3);
    cr_assert_eq(journal.last_position, 0);
    cr_assert_eq(journal.sale_count, 0);
    cr_assert_eq(journal.setting_count, 0);
    jf_day_journal_deinit(&journal);
}

Test(day_journal, a_sale_is_asked_again_as_it_was)
{
    const struct jf_entry entries[] = {sale(1, DAY)};
    struct jf_day_journal journal;
    walk(&journal, DAY, entries, 1);
    cr_assert_eq(journal.sales[0].sold_at_ms, 1771200000123);
    cr_assert_eq(journal.sales[0].store, 7);
    Jifen__V1__PostSaleRequest *request =
        jifen__v1__post_sale_request__unpack(NULL, journal.sales[0].size, journal.sales[0].bytes);
    cr_assert_not_null(request);
    cr_assert_str_eq(request->transaction_id, "till-7-1");
    cr_assert_eq(request->member->number, 42);
    cr_assert_eq(request->redeem_points, 300);
    cr_assert(request->offline);
    const Jifen__V1__Receipt *receipt = request->receipt;
    cr_assert_eq(receipt->store, 7);
    cr_assert_eq(receipt->terminal, 3);
    cr_assert_str_eq(receipt->number, "R-1");
    cr_assert_eq(receipt->sold_at_ms, 1771200000123);
    cr_assert_eq(receipt->n_lines, 2);
    cr_assert_str_eq(receipt->lines[0]->sku, "69010001");
    cr_assert_str_eq(receipt->lines[0]->category, "otc");
    cr_assert_eq(receipt->lines[1]->quantity_milli, 500);
    cr_assert_eq(receipt->lines[1]->amount, 9900);
    cr_assert_eq(receipt->n_tenders, 1);
    cr_assert_str_eq(receipt->tenders[0]->type, "cash");
    cr_assert_eq(receipt->tenders[0]->amount, 11150);
    jifen__v1__post_sale_request__free_unpacked(request, NULL);
    jf_day_journal_deinit(&journal);
}

Test(day_journal, members_stores_and_programmes_are_put_again_as_they_were)
{
    const struct jf_entry entries[] = {sale(1, DAY), enrolment(2), store(3), publication(4),
                                       sale(5, DAY)};
    struct jf_day_journal journal;
    walk(&journal, DAY, entries, 5);
    cr_assert_eq(journal.setting_count, 3);
    const Jifen__V1__EnrolRequest *member =
        (const Jifen__V1__EnrolRequest *)(const void *)journal.settings[0].request;
    cr_assert_str_eq(member->transaction_id, "enrol-42");
    cr_assert_eq(member->number, 42);
    cr_assert_eq(member->n_cards, 2);
    cr_assert_str_eq(member->cards[1], "card-2");
    cr_assert_eq(member->enrolled_on, 20260101);
    cr_assert_eq(member->birth_month, 2);
    cr_assert_eq(member->birth_day, 29);
    cr_assert_eq(member->home_store, 7);
    cr_assert_eq(member->tags, 5);
    const Jifen__V1__PutStoreRequest *put =
        (const Jifen__V1__PutStoreRequest *)(const void *)journal.settings[1].request;
    cr_assert_eq(put->store, 7);
    cr_assert_eq(put->entity, 2);
    cr_assert_str_eq(put->region, "east");
    cr_assert_str_eq(put->zone, "Asia/Shanghai");
    cr_assert_eq(put->day_start_minute, 240);
    const Jifen__V1__PublishRequest *rules =
        (const Jifen__V1__PublishRequest *)(const void *)journal.settings[2].request;
    cr_assert_str_eq(rules->yaml, "name: second\n");
    cr_assert_str_eq(rules->file_name, "second.yaml");
    jf_day_journal_deinit(&journal);
}
