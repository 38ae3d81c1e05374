// Every limit of the ledger with its reason. Sizes that follow from others are derived, and
// relations are asserted at compile time. The README's table of limits repeats what a user can
// meet.
#ifndef JF_BASE_LIMITS_H
#define JF_BASE_LIMITS_H

// What a client sends.
#define JF_MESSAGE_BYTES_MAX        (4u << 20) // one gRPC message; the usual gRPC default
#define JF_BATCH_COUNT_MAX          8192u      // requests in one PostBatch
#define JF_TRANSACTION_ID_BYTES_MAX 64u        // store-terminal-date-number fits twice
#define JF_CARD_BYTES_MAX           64u
#define JF_CARDS_PER_ENROL_MAX      16u
#define JF_RECEIPT_NUMBER_BYTES_MAX 32u
#define JF_SKU_BYTES_MAX            32u
#define JF_CATEGORY_BYTES_MAX       64u
#define JF_TENDER_TYPE_BYTES_MAX    32u
#define JF_OPERATOR_BYTES_MAX       64u
#define JF_LINES_PER_RECEIPT_MAX    500u
#define JF_TENDERS_PER_RECEIPT_MAX  16u
#define JF_HISTORY_PAGE_MAX         1000u
#define JF_AMOUNT_MAX                                                                              \
    ((int64_t)1000000000000) // 10^12 minor units a line: far above any receipt, far below int64
#define JF_POINTS_MAX         ((int64_t)1000000000000000) // 10^15 points a grant or a redemption
#define JF_QUANTITY_MILLI_MAX ((int64_t)1000000000000)    // 10^9 units in thousandths

// Descriptors that connections may not take: RocksDB's tables, twice while a verification replays
// into a second state, the journal's segments, followers' and backups' readers.
#define JF_DESCRIPTORS_RESERVED 640u
#define JF_CONNECTIONS_MIN      16u // fewer are no server

// The wire: what a server bears of its peers.
#define JF_NET_HANDSHAKE_US 10000000u  // TLS, preface and SETTINGS; a request's headers; a message
#define JF_NET_IDLE_US      900000000u // without a call and without bytes; a till's break is shorter
// Flow control: what a client may send ahead on one stream and on one connection. Bytes of a
// connection are credited back as soon as they are here; what holds them back are the budgets
// below.
#define JF_NET_STREAM_WINDOW_BYTES     (1 << 20)
#define JF_NET_CONNECTION_WINDOW_BYTES (8 << 20)
// Request bytes held in incomplete or paused messages, and response bytes not yet in the socket.
// Past them a call ends with RESOURCE_EXHAUSTED. One connection takes at most 32 MiB of either, all
// together 128 MiB, so that a server holds at most 256 MiB for its peers' slowness.
#define JF_NET_CONNECTION_BYTES_MAX (32u << 20)
#define JF_NET_BYTES_MAX            (128u << 20)
// Calls whose clients went away and whose answers are still computed count too.
#define JF_NET_CALLS_MAX 65536u
// When half of them are open, a connection may open no more than its part of the other half: few
// that take much leave every other connection some.
#define JF_NET_CALLS_SHARED         (JF_NET_CALLS_MAX / 2)
#define JF_NET_CALLS_KEPT           4096u // free calls kept warm
#define JF_NET_CALL_ARENA_BYTES     4096u
#define JF_NET_CALL_ARENA_BYTES_MAX (64u << 20)
#define JF_NET_ARENA_KEPT_BYTES     (64u << 10)
#define JF_NET_HEADER_BYTES_MAX     (16u << 10) // announced; past it the call is refused
#define JF_NET_HEADER_BYTES_CUT     (64u << 10) // past it the connection is closed
#define JF_NET_PATH_BYTES_MAX       256u        // of an unknown path, for the answer
#define JF_NET_MESSAGE_TEXT_MAX     1024u       // of grpc-message, before encoding
#define JF_NET_DETAILS_BYTES_MAX    4096u       // clients take 8 KiB of trailers
#define JF_NET_OPENS_PER_TURN       8u // of accepted connections; the others wait for the next turn
#define JF_NET_SWEEP_US             100000u
#define JF_NET_STALL_US             30000000u // a socket or a finished answer that does not move
#define JF_NET_LINGER_US            1000000u
#define JF_NET_LINGER_DEAF_US       100000u // for GOAWAY to arrive at a client that floods
// A request may take longer than the handshake's time by what it weighs: 512 kbit/s are asked for.
#define JF_NET_REQUEST_BYTES_PER_S (64u << 10)
// When less than an eighth is left of connections, calls or bytes, those who hold it are given a
// quarter of the time, and who only waits, ten seconds: a till connects again when it has a sale.
#define JF_NET_FULL_SHARE       8u
#define JF_NET_PATIENCE_DIVISOR 4u
#define JF_NET_IDLE_CROWDED_US  10000000u

// Free disk space without which a state's database is not opened for writing.
#define JF_STATE_ROOM_BYTES_MIN (1u << 20)

// What may wait for the ledger, besides a number of requests (--queue-length).
#define JF_LANE_WRITES_MAX                                                                         \
    (4u * JF_BATCH_COUNT_MAX)                     // of batches: a large request waits for no more
#define JF_LANE_BYTES_MAX   ((uint64_t)256 << 20) // of requests, taken apart
#define JF_LANE_SMALL_BYTES (16u << 10)           // a till's request, which only its number bounds

// What a programme holds.
#define JF_PROGRAMME_BYTES_MAX     (1u << 20) // YAML text; also one journal entry
#define JF_PROGRAMME_VERSIONS_MAX  4096u      // kept in memory for returns
#define JF_RULES_MAX               1000u
#define JF_REWARDS_MAX             1000u
#define JF_CAPS_MAX                16u // each may keep a counter of a member for every day
#define JF_TIERS_MAX               16u
#define JF_CLASSES_MAX             16u // activity classes; shop practice has four
#define JF_CATEGORIES_PER_LIST_MAX 1024u
#define JF_NAME_BYTES_MAX          64u // of programmes, rules, groups, tiers
#define JF_STORES_MAX              65536u
#define JF_ENTITIES_MAX            256u
#define JF_REASONS_MAX             65536u // named grounds for issuing points, over all versions

// What a member holds.
#define JF_LOTS_PER_MEMBER_MAX   1024u // a lot a day (pending days, expiry by day) over 2 years
#define JF_MONTHS_PER_MEMBER_MAX 37u   // tier windows: 36 months and the current one
#define JF_DEBTS_PER_MEMBER_MAX  16u   // entities a member owes to
#define JF_COUNTERS_PER_MEMBER_MAX                                                                 \
    256u // caps and rewards in use: a season of days, two years of months
#define JF_HOLDS_PER_MEMBER_MAX      16u // payments in progress at the same time
#define JF_HOLD_PARTS_PER_MEMBER_MAX 64u // lots that they set aside
#define JF_CARDS_PER_MEMBER_MAX      64u // a household's, after merging too

// What one entry holds.
#define JF_POSTINGS_PER_ENTRY_MAX 2048u
#define JF_TRACE_STEPS_MAX        2048u
#define JF_COUNTED_PER_ENTRY_MAX  (JF_RULES_MAX + JF_CAPS_MAX) // every limit of a programme

// The journal.
#define JF_SECTOR_BYTES         4096u      // unit of O_DIRECT writes and of padding
#define JF_BLOCK_BYTES_MAX      (2u << 20) // one durable write
#define JF_ENTRY_BYTES_MAX      (JF_PROGRAMME_BYTES_MAX + (64u << 10))
#define JF_BLOCKS_IN_FLIGHT_MAX 8u // writes not yet durable
#define JF_SEGMENT_BYTES_MIN    (4u << 20)
#define JF_SEGMENT_BYTES_MAX    (1u << 30)

#define JF_DIGEST_EVERY_MIN 16u // positions from digest to digest: below, little else is written
#define JF_DIGEST_EVERY_MAX 1000000000u
#define JF_SCRUB_DAYS_MAX   365u // damage must be found while a backup has the good bytes

_Static_assert(JF_ENTRY_BYTES_MAX + JF_SECTOR_BYTES <= JF_BLOCK_BYTES_MAX,
               "the largest entry fits into one block");
_Static_assert(JF_BLOCK_BYTES_MAX <= JF_SEGMENT_BYTES_MIN, "the largest block fits any segment");

#endif
