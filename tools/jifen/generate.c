// jifen generate: an invented chain's receipts, always the same for the same options. Integers
// only.
//
// Each day has its number of receipts; minutes get their share of it by an hourly profile, in
// order, so the file is in the order of time. A member shops at the home store nine times in ten,
// all members come, some more often than others. Fails: usage; the output cannot be written.
#include <inttypes.h>

#include "tools/jifen/cli.h"

#define JF_GENERATE_MINUTES      1440u
#define JF_GENERATE_MEMBERS_MAX  100000000u
#define JF_GENERATE_STORES_MAX   60000u
#define JF_GENERATE_DAYS_MAX     3660u
#define JF_GENERATE_VISIT_DAYS   5u // a member comes every so many days
#define JF_GENERATE_MEMBER_DAY   5u // halves: two and a half times as many
#define JF_GENERATE_FIRST_MEMBER 100000u
#define JF_GENERATE_FIRST_STORE  1000u

static const struct jf_cli_help help = {
    .usage = "jifen generate [options] > FILE.csv",
    .about = "Writes the receipts of an invented chain as CSV, in the shape that jifen replay "
             "reads. The\n"
             "same options give the same file. The 8th, 18th and 28th are member days with two and "
             "a half\n"
             "times the receipts.\n",
    .example =
        "  jifen generate --stores 50 --members 20000 --days 7 --start 2017-06-05 > week.csv\n",
};

struct chain {
    uint32_t stores;
    uint32_t members;
    uint32_t days;
    uint64_t seed;
    jf_date start;
    uint64_t random; // state
    uint64_t receipt;
    uint64_t round; // the member that came last in going round
    uint32_t stride;
};

// SplitMix64 (Steele, Lea, Flood 2014): one addition and two multiplications a number.
static uint64_t random_next(struct chain *chain)
{
    chain->random += 0x9e3779b97f4a7c15u;
    uint64_t value = chain->random;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

static uint32_t random_below(struct chain *chain, uint32_t bound)
{
    return (uint32_t)((random_next(chain) >> 32) * bound >> 32);
}

struct department {
    const char *name;
    uint32_t weight;      // of 100
    uint32_t skus;        // how many articles
    uint32_t price_cents; // the dearest costs four times as much
};

static const struct department departments[] = {
    {"GROCERY", 44, 900, 99},   {"DRUG GM", 17, 400, 249}, {"PRODUCE", 10, 120, 79},
    {"COSMETICS", 6, 200, 399}, {"MEAT", 8, 90, 349},      {"PASTRY", 6, 60, 149},
    {"FUEL", 4, 3, 289},        {"SPIRITS", 3, 80, 899},   {"COUPON", 2, 20, 100},
};

// Parts of 1,000 by hour of the day.
static const uint32_t hour_weights[24] = {0,  0,  0,  0,  0,  0,  6,   24, 44, 58, 68, 76,
                                          84, 72, 60, 62, 74, 96, 104, 82, 52, 28, 10, 0};

static const struct department *department_pick(struct chain *chain)
{
    uint32_t rest = random_below(chain, 100);
    uint32_t at = 0;
    while (rest >= departments[at].weight) {
        rest -= departments[at].weight;
        at++;
    }
    return &departments[at];
}

static void line_write(struct chain *chain, const char *head)
{
    const struct department *department = department_pick(chain);
    uint32_t article = random_below(chain, department->skus);
    uint32_t sku = (uint32_t)(department - departments + 1) * 100000u + article;
    uint32_t price =
        department->price_cents + article * department->price_cents * 3 / department->skus;
    uint32_t quantity = random_below(chain, 10) < 8 ? 1 : 2 + random_below(chain, 3);
    uint32_t gross = price * quantity;
    uint32_t discount = random_below(chain, 4) == 0 ? gross / (5 + random_below(chain, 6)) : 0;
    (void)printf("%s,%" PRIu32 ",%s,%" PRIu32 ",%" PRIu32 ".%02" PRIu32 ",%" PRIu32 ".%02" PRIu32
                 "\n",
                 head, sku, department->name, quantity, (gross - discount) / 100,
                 (gross - discount) % 100, discount / 100, discount % 100);
}

// Two receipts in three go round all members, so that everybody comes; the third to those who come
// more often.
static uint32_t member_pick(struct chain *chain)
{
    if (chain->receipt % 3 != 0) {
        chain->round = (chain->round + chain->stride) % chain->members;
        return (uint32_t)chain->round;
    }
    uint32_t first = random_below(chain, chain->members);
    uint32_t second = random_below(chain, chain->members);
    return first < second ? first : second;
}

// The first number from 7919 on that shares no divisor with `members`: steps of it visit every
// member once.
static uint32_t stride_of(uint32_t members)
{
    uint32_t stride = 7919;
    for (;; stride++) {
        uint32_t larger = members;
        uint32_t smaller = stride;
        while (smaller != 0) {
            uint32_t rest = larger % smaller;
            larger = smaller;
            smaller = rest;
        }
        if (larger == 1) {
            return stride;
        }
    }
}

static void receipt_write(struct chain *chain, const char *date, uint32_t second_of_day)
{
    char head[96];
    uint32_t member = member_pick(chain);
    uint32_t store =
        random_below(chain, 10) == 0 ? random_below(chain, chain->stores) : member % chain->stores;
    (void)snprintf(head, sizeof(head),
                   "%" PRIu64 ",%" PRIu32 ",%" PRIu32 ",%sT%02" PRIu32 ":%02" PRIu32 ":%02" PRIu32,
                   ++chain->receipt, JF_GENERATE_FIRST_STORE + store,
                   JF_GENERATE_FIRST_MEMBER + member, date, second_of_day / 3600,
                   second_of_day / 60 % 60, second_of_day % 60);
    uint32_t lines = 1 + random_below(chain, 3);
    lines += random_below(chain, 4) == 0 ? random_below(chain, 8) : 0;
    for (uint32_t at = 0; at < lines; at++) {
        line_write(chain, head);
    }
}

static bool is_member_day(jf_date date)
{
    int32_t day = jf_date_to_civil(date).day;
    return day == 8 || day == 18 || day == 28;
}

static void day_write(struct chain *chain, jf_date date)
{
    char text[JF_DATE_TEXT_SIZE];
    jf_date_format(date, text);
    uint64_t receipts = chain->members / JF_GENERATE_VISIT_DAYS;
    if (is_member_day(date)) {
        receipts = receipts * JF_GENERATE_MEMBER_DAY / 2;
    }
    // What is due by the end of each minute, so that no remainder is lost: weights sum to 1,000 an
    // hour's worth.
    uint64_t weight = 0;
    uint64_t written = 0;
    for (uint32_t minute = 0; minute < JF_GENERATE_MINUTES; minute++) {
        weight += hour_weights[minute / 60];
        uint64_t due = receipts * weight / (60u * 1000u);
        uint32_t count = (uint32_t)(due - written);
        for (uint32_t at = 0; at < count; at++) {
            uint32_t second = (uint32_t)((uint64_t)at * 60u / count);
            receipt_write(chain, text, minute * 60 + second);
        }
        written = due;
    }
}

enum jf_exit jf_cli_generate_run(struct jf_cli *cli, int argc, char **argv)
{
    struct chain chain = {.stores = 50,
                          .members = 20000,
                          .days = 7,
                          .seed = 1,
                          .start = jf_date_from_civil((struct jf_civil){2017, 6, 5})};
    const struct jf_option options[] = {
        {"--stores", "N", JF_OPTION_U32, &chain.stores, "default 50"},
        {"--members", "N", JF_OPTION_U32, &chain.members, "default 20000"},
        {"--days", "N", JF_OPTION_U32, &chain.days, "default 7"},
        {"--start", "DATE", JF_OPTION_DATE, &chain.start, "first day; default 2017-06-05"},
        {"--seed", "N", JF_OPTION_U64, &chain.seed, "another number, another file; default 1"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (chain.stores < 1 || chain.stores > JF_GENERATE_STORES_MAX || chain.members < 1 ||
        chain.members > JF_GENERATE_MEMBERS_MAX || chain.days < 1 ||
        chain.days > JF_GENERATE_DAYS_MAX) {
        return jf_cli_usage("generate", "--stores is 1 to %u, --members 1 to %u, --days 1 to %u",
                            JF_GENERATE_STORES_MAX, JF_GENERATE_MEMBERS_MAX, JF_GENERATE_DAYS_MAX);
    }
    chain.random = chain.seed;
    chain.stride = stride_of(chain.members);
    (void)puts("receipt_id,store_id,member_id,sold_at,sku,category,quantity,amount,discount");
    for (uint32_t day = 0; day < chain.days && ferror(stdout) == 0; day++) {
        day_write(&chain, chain.start + (jf_date)day);
    }
    return jf_cli_finish(JF_EXIT_OK);
}
