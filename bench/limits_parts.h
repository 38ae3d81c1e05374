// What bounds a ledger besides the disk, each measured for a time and added to a report: the
// library behind the state, messages, and a call that does nothing. One thread.
#ifndef JF_BENCH_LIMITS_PARTS_H
#define JF_BENCH_LIMITS_PARTS_H

#include "bench/report.h"
#include "bench/target.h"

// RocksDB with the options that the state has, in a fresh folder of `directory`: keys of 8 bytes
// and values of 150 put in batches of 1,000 without its log, ascending and at random; random keys
// asked for 256 at a time, flushed, from the page cache. Adds rocksdb.put_ascending.rate,
// rocksdb.put_random.rate, rocksdb.get_random.rate (keys a second). Errors: the database's,
// diagnosed; JF_OK early after Ctrl-C.
JF_MUST_USE enum jf_error jf_limits_store(struct jf_report *report, const char *directory,
                                          uint64_t run_us, struct jf_diagnosis *diagnosis);

// A PostSaleRequest of three lines unpacked by protobuf-c into an arena, and packed again. Adds
// protobuf.decode_sale.rate and protobuf.encode_sale.rate. Errors: JF_ERROR_NO_MEMORY, diagnosed.
JF_MUST_USE enum jf_error jf_limits_messages(struct jf_report *report, uint64_t run_us,
                                             struct jf_diagnosis *diagnosis);

// A jifend of our own is asked for its health on 4 connections, 16 calls in flight on each: our
// HTTP/2 with nothing behind it. Adds http2.empty_unary.rate and latencies. Errors: as jf_target_*
// and jf_load_run, diagnosed; JF_ERROR_INVALID where a call failed.
JF_MUST_USE enum jf_error jf_limits_call(struct jf_report *report,
                                         const struct jf_target_options *options, uint64_t run_us,
                                         struct jf_diagnosis *diagnosis);

#endif
