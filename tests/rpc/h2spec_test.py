"""What HTTP/2 (RFC 7540, RFC 9113) and HPACK (RFC 7541) ask of a server, case by case, named by section.

Usage: h2spec_test.py DIRECTORY_OF_PROGRAMS [unittest arguments]
The sections are those that the tool h2spec covers. A case sends its frames and then asks, with two PINGs, whether
the connection lives; nothing is waited for by time. Expectations:
    goaway(codes)   GOAWAY with one of the codes, and the connection is closed
    reset(codes)    RST_STREAM with one of the codes on the stream; the connection answers another call
    answered()      the call on the stream is answered, grpc-status 0
    lives()         no error at all: both PINGs and another call are answered
    ignored()       as lives(), and nothing at all was said on the stream
Where a stream error is asked for and nghttp2 makes it a connection error, goaway() says so: section 5.4.1 of RFC 9113
allows it. Where frames on a closed stream are ignored, a comment says why.
"""
import socket
import struct
import sys
import unittest

from wire import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, PRIORITY, PUSH, RST,
                  SETTINGS, WINDOW, HpackDecoder, Server, ended, frame, frames_read, greeting, literal, message,
                  request_headers, whole_call)

NO_ERROR, PROTOCOL, INTERNAL, FLOW_CONTROL, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE, REFUSED, CANCEL, \
    COMPRESSION = range(10)
PADDED, WITH_PRIORITY = 8, 32
FIRST, SECOND = b"ping-1..", b"ping-2.."
UNARY, STREAM = "/test.Echo/Unary", "/test.Echo/Stream"


def number32(value):
    return struct.pack(">I", value)


def setting(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", name, value) for name, value in pairs))


def opened(stream=1, path=UNARY, flags=END_HEADERS, more=b""):
    return frame(HEADERS, flags, stream, request_headers(path) + more)


def asked(block, stream=1, flags=END_HEADERS):
    """A call whose header block is given, with its message."""
    return frame(HEADERS, flags, stream, block) + frame(DATA, END_STREAM, stream, message(b"hello"))


def fields(*pairs):
    return b"".join(literal(name, value) for name, value in pairs)


PSEUDO = ((":method", "POST"), (":scheme", "http"), (":path", UNARY), (":authority", "test"))
PLAIN = (("te", "trailers"), ("content-type", "application/grpc"))
# Keeps an answered stream open: its DATA may not be sent.
SHUT = setting((4, 0))


class Expectation:
    def __init__(self, kind, codes=(), stream=1):
        self.kind, self.codes, self.stream = kind, codes, stream


def goaway(*codes):
    return Expectation("goaway", codes)


def reset(*codes, stream=1):
    return Expectation("reset", codes, stream)


def answered(stream=1):
    return Expectation("answered", (), stream)


def lives():
    return Expectation("lives")


def ignored(stream=1):
    return Expectation("ignored", (), stream)


def has(kind, flag=0):
    return lambda frames: any(f[0] == kind and f[1] & flag == flag for f in frames)


def count(kind, number, flag=0):
    return lambda frames: sum(f[0] == kind and f[1] & flag == flag for f in frames) >= number


CASES = []


def case(name, expectation, *steps, hello=greeting()):
    """In: steps: bytes to send, or a predicate over the frames that have come, to be waited for."""
    CASES.append((name, expectation, hello, steps))


# 3.5 Connection preface
case("3_5_a_preface_and_empty_settings_are_accepted", lives())
case("3_5_settings_may_follow_in_pieces", lives(), frame(SETTINGS)[:5], frame(SETTINGS)[5:], hello=PREFACE)
case("3_5_a_first_frame_that_is_not_settings_is_an_error", goaway(PROTOCOL), frame(PING, 0, 0, FIRST), hello=PREFACE)

# 4.1 Frame format
case("4_1_unknown_types_are_ignored", lives(), frame(22, 0xff, 0, b"unknown!"))
case("4_1_unknown_flags_are_ignored", lives(), frame(PING, 0x16, 0, b"flagged!"), has(PING, ACK))
case("4_1_the_reserved_bit_is_ignored", answered(), opened(1 | 1 << 31), frame(DATA, END_STREAM, 1 | 1 << 31,
                                                                              message(b"hello")))

# 4.2 Frame size
case("4_2_data_of_16_kib_is_taken", answered(), opened(), frame(DATA, END_STREAM, 1, message(b"x" * 16379)))
case("4_2_larger_data_is_an_error", goaway(FRAME_SIZE), opened(), frame(DATA, END_STREAM, 1, message(b"x" * 16380)))
case("4_2_larger_headers_are_an_error", goaway(FRAME_SIZE),
     frame(HEADERS, END_HEADERS, 1, request_headers(more=[("x", "v" * 16384)])))
case("4_2_a_larger_frame_of_unknown_type_is_an_error", goaway(FRAME_SIZE), frame(22, 0, 0, b"x" * 16385))

# 4.3 Header compression
case("4_3_a_broken_header_block_is_an_error", goaway(COMPRESSION), frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff"))
case("4_3_priority_within_a_header_block_is_an_error", goaway(PROTOCOL), opened(flags=0),
     frame(PRIORITY, 0, 1, number32(0) + b"\x10"))
case("4_3_headers_of_another_stream_within_a_block_are_an_error", goaway(PROTOCOL), opened(flags=0), opened(3))

# 5.1 Stream states
case("5_1_data_on_an_idle_stream_is_an_error", goaway(PROTOCOL), frame(DATA, END_STREAM, 1, message(b"x")))
case("5_1_reset_of_an_idle_stream_is_an_error", goaway(PROTOCOL), frame(RST, 0, 1, number32(CANCEL)))
case("5_1_window_update_of_an_idle_stream_is_an_error", goaway(PROTOCOL), frame(WINDOW, 0, 1, number32(100)))
case("5_1_continuation_of_an_idle_stream_is_an_error", goaway(PROTOCOL),
     frame(CONTINUATION, END_HEADERS, 1, request_headers()))
case("5_1_data_on_a_half_closed_stream_is_an_error", goaway(STREAM_CLOSED), SHUT, whole_call(1),
     has(HEADERS), frame(DATA, END_STREAM, 1, b"more"))
case("5_1_headers_on_a_half_closed_stream_are_an_error", goaway(STREAM_CLOSED), SHUT, whole_call(1), has(HEADERS),
     opened(1, flags=END_HEADERS | END_STREAM))
case("5_1_continuation_on_a_half_closed_stream_is_an_error", goaway(PROTOCOL, STREAM_CLOSED), SHUT, whole_call(1),
     has(HEADERS), frame(CONTINUATION, END_HEADERS, 1, request_headers()))
# Closed streams are not remembered, or each connection would hold some kilobytes for them; RFC 9113 asks an endpoint
# to bear late frames after a reset. So both are ignored alike; their flow-control credit comes back (see the flood
# of late DATA in abuse_test.py), and a flood of them ends the connection.
case("5_1_data_after_the_clients_reset_is_ignored", ignored(), opened(path=STREAM), frame(RST, 0, 1, number32(CANCEL)),
     frame(DATA, 0, 1, b"late"))
case("5_1_headers_after_the_clients_reset_are_ignored", ignored(), opened(path=STREAM),
     frame(RST, 0, 1, number32(CANCEL)), opened(1, flags=END_HEADERS | END_STREAM))
case("5_1_continuation_after_the_clients_reset_is_an_error", goaway(PROTOCOL), opened(path=STREAM),
     frame(RST, 0, 1, number32(CANCEL)), frame(CONTINUATION, END_HEADERS, 1, request_headers()))
case("5_1_data_on_a_closed_stream_is_ignored", lives(), whole_call(1), ended(1), frame(DATA, 0, 1, b"late"))
case("5_1_headers_on_a_closed_stream_are_ignored", lives(), whole_call(1), ended(1),
     opened(1, flags=END_HEADERS | END_STREAM))
case("5_1_continuation_on_a_closed_stream_is_an_error", goaway(PROTOCOL), whole_call(1), ended(1),
     frame(CONTINUATION, END_HEADERS, 1, request_headers()))
case("5_1_window_update_on_a_closed_stream_is_ignored", lives(), whole_call(1), ended(1), frame(WINDOW, 0, 1, number32(9)))
case("5_1_reset_of_a_closed_stream_is_ignored", lives(), whole_call(1), ended(1), frame(RST, 0, 1, number32(CANCEL)))

# 5.1.1 Stream identifiers
case("5_1_1_an_even_stream_is_an_error", goaway(PROTOCOL), opened(2))
case("5_1_1_a_stream_below_an_earlier_one_is_an_error", goaway(PROTOCOL, STREAM_CLOSED), opened(5, STREAM), opened(4))
# An odd one below is one that was skipped and is closed by that: frames on closed streams are ignored.
case("5_1_1_a_skipped_stream_is_closed", ignored(3), opened(5, STREAM), opened(3))

# 5.1.2 Stream concurrency: the echo server allows 256
TOO_MANY = b"".join(opened(n, STREAM) for n in range(1, 514, 2))
case("5_1_2_a_stream_too_many_is_refused", reset(REFUSED, stream=513), TOO_MANY,
     frame(RST, 0, 1, number32(CANCEL)))
case("5_1_2_a_stream_too_many_of_a_client_that_knows_the_bound_is_an_error", goaway(PROTOCOL), has(SETTINGS),
     frame(SETTINGS, ACK), TOO_MANY)

# 5.3 Priority, which RFC 9113 has deprecated: taken and without effect
case("5_3_1_headers_that_depend_on_themselves_are_an_error", goaway(PROTOCOL),
     frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1, number32(1) + b"\x10" + request_headers()))
case("5_3_1_priority_of_a_stream_on_itself_has_no_effect", lives(), frame(PRIORITY, 0, 1, number32(1) + b"\x10"))

# 5.4 Errors
case("5_4_1_a_connection_error_is_told_and_the_connection_closed", goaway(FRAME_SIZE), frame(PING, 0, 0, b"short"))

# 5.5 Extensions
case("5_5_frames_of_extensions_are_ignored", lives(), frame(0xfa, 0, 0, b"extension"), frame(0xfa, 0, 1, b"extension"))
case("5_5_an_extension_within_a_header_block_is_an_error", goaway(PROTOCOL), opened(flags=0), frame(0xfa, 0, 0, b"x"))

# 6.1 DATA
case("6_1_data_is_taken", answered(), whole_call(1))
case("6_1_data_in_several_frames_is_taken", answered(), opened(), frame(DATA, 0, 1, message(b"hello")[:4]),
     frame(DATA, END_STREAM, 1, message(b"hello")[4:]))
case("6_1_padded_data_is_taken", answered(), opened(), frame(DATA, END_STREAM | PADDED, 1,
                                                             b"\x04" + message(b"hello") + bytes(4)))
case("6_1_data_of_no_stream_is_an_error", goaway(PROTOCOL), frame(DATA, END_STREAM, 0, b"x"))
case("6_1_padding_beyond_the_payload_is_an_error", goaway(PROTOCOL), opened(),
     frame(DATA, END_STREAM | PADDED, 1, b"\x09" + b"short"))

# 6.2 HEADERS
case("6_2_padded_headers_are_taken", answered(), asked(b"\x05" + request_headers() + bytes(5), flags=END_HEADERS | PADDED))
case("6_2_headers_with_priority_are_taken", answered(),
     asked(number32(0) + b"\x0f" + request_headers(), flags=END_HEADERS | WITH_PRIORITY))
case("6_2_headers_of_no_stream_are_an_error", goaway(PROTOCOL), opened(0))
case("6_2_padding_beyond_the_block_is_an_error", goaway(PROTOCOL), frame(HEADERS, END_HEADERS | PADDED, 1, b"\xff" + b"\x82"))
case("6_2_an_unfinished_block_followed_by_another_stream_is_an_error", goaway(PROTOCOL), opened(flags=0),
     opened(3, flags=END_HEADERS | END_STREAM))

# 6.3 PRIORITY
for weight, dependency in ((0, 0), (255, 0), (15, 3), (15, 3 | 1 << 31)):
    case(f"6_3_priority_{weight}_on_{dependency & 0xff}{'_alone' if dependency >> 31 else ''}_is_taken", answered(),
         frame(PRIORITY, 0, 1, number32(dependency) + bytes([weight])), whole_call(1))
case("6_3_priority_of_an_idle_stream_leaves_lower_ones_usable", answered(), frame(PRIORITY, 0, 5, number32(0) + b"\x0f"),
     whole_call(1))
case("6_3_priority_of_a_half_closed_stream_is_taken", lives(), SHUT, whole_call(1), has(HEADERS),
     frame(PRIORITY, 0, 1, number32(0) + b"\x0f"))
case("6_3_priority_of_a_closed_stream_is_taken", lives(), whole_call(1), ended(1),
     frame(PRIORITY, 0, 1, number32(0) + b"\x0f"))
case("6_3_priority_of_no_stream_is_an_error", goaway(PROTOCOL), frame(PRIORITY, 0, 0, number32(0) + b"\x0f"))
case("6_3_priority_of_another_length_is_an_error", goaway(FRAME_SIZE), frame(PRIORITY, 0, 1, b"four"))

# 6.4 RST_STREAM
case("6_4_reset_ends_a_call", lives(), opened(path=STREAM), frame(RST, 0, 1, number32(CANCEL)))
case("6_4_reset_of_a_half_closed_stream_is_taken", lives(), SHUT, whole_call(1), has(HEADERS),
     frame(RST, 0, 1, number32(CANCEL)))
case("6_4_reset_of_no_stream_is_an_error", goaway(PROTOCOL), frame(RST, 0, 0, number32(CANCEL)))
case("6_4_reset_of_an_idle_stream_is_an_error", goaway(PROTOCOL), frame(RST, 0, 7, number32(CANCEL)))
case("6_4_reset_of_another_length_is_an_error", goaway(FRAME_SIZE), opened(path=STREAM), frame(RST, 0, 1, b"abc"))

# 6.5 SETTINGS
case("6_5_settings_are_acknowledged", lives(), setting((3, 100)), count(SETTINGS, 2, ACK))
case("6_5_an_acknowledgement_with_a_payload_is_an_error", goaway(FRAME_SIZE), frame(SETTINGS, ACK, 0, bytes(6)))
case("6_5_settings_of_a_stream_are_an_error", goaway(PROTOCOL), frame(SETTINGS, 0, 1, bytes(6)))
case("6_5_settings_of_another_length_are_an_error", goaway(FRAME_SIZE), frame(SETTINGS, 0, 0, bytes(5)))
case("6_5_2_push_that_is_neither_0_nor_1_is_an_error", goaway(PROTOCOL), setting((2, 2)))
case("6_5_2_an_initial_window_above_the_largest_is_an_error", goaway(FLOW_CONTROL), setting((4, 1 << 31)))
case("6_5_2_a_frame_size_below_16_kib_is_an_error", goaway(PROTOCOL), setting((5, 16383)))
case("6_5_2_a_frame_size_above_16_mib_is_an_error", goaway(PROTOCOL), setting((5, 1 << 24)))
case("6_5_2_unknown_settings_are_ignored", lives(), setting((0xff, 1)), count(SETTINGS, 2, ACK))
case("6_5_3_the_last_of_several_values_counts", answered(), setting((4, 100), (4, 0), (4, 65535)), whole_call(1))
case("6_5_3_many_settings_in_one_frame_are_an_error", goaway(11), setting(*[(3, 100)] * 33))

# 6.7 PING
case("6_7_a_ping_comes_back", lives(), frame(PING, 0, 0, b"back-it!"), lambda frames: (PING, ACK, 0, b"back-it!") in frames)
case("6_7_an_acknowledgement_is_not_answered", lives(), frame(PING, ACK, 0, b"no-reply"))
case("6_7_ping_of_a_stream_is_an_error", goaway(PROTOCOL), frame(PING, 0, 1, FIRST))
case("6_7_ping_of_another_length_is_an_error", goaway(FRAME_SIZE), frame(PING, 0, 0, b"sixsix"))

# 6.8 GOAWAY
case("6_8_goaway_of_a_stream_is_an_error", goaway(PROTOCOL), frame(GOAWAY, 0, 1, bytes(8)))
case("6_8_goaway_lets_open_calls_be_answered", answered(), opened(), frame(GOAWAY, 0, 0, bytes(8)),
     frame(DATA, END_STREAM, 1, message(b"hello")))

# 6.9 WINDOW_UPDATE
case("6_9_window_of_the_connection_is_taken", lives(), frame(WINDOW, 0, 0, number32(1)))
case("6_9_window_of_a_stream_is_taken", answered(), opened(), frame(WINDOW, 0, 1, number32(1)),
     frame(DATA, END_STREAM, 1, message(b"hello")))
case("6_9_window_of_a_half_closed_stream_is_taken", answered(), setting((4, 1)), whole_call(1), has(DATA),
     frame(WINDOW, 0, 1, number32(100)))
case("6_9_an_increment_of_0_on_the_connection_is_an_error", goaway(PROTOCOL), frame(WINDOW, 0, 0, number32(0)))
case("6_9_an_increment_of_0_on_a_stream_is_an_error", goaway(PROTOCOL), opened(path=STREAM), frame(WINDOW, 0, 1, number32(0)))
case("6_9_an_update_of_another_length_is_an_error", goaway(FRAME_SIZE), frame(WINDOW, 0, 0, b"abc"))
case("6_9_1_a_connection_window_above_the_largest_is_an_error", goaway(FLOW_CONTROL),
     frame(WINDOW, 0, 0, number32((1 << 31) - 1)) * 2)
case("6_9_1_a_stream_window_above_the_largest_is_an_error", reset(FLOW_CONTROL), opened(path=STREAM),
     frame(WINDOW, 0, 1, number32((1 << 31) - 1)) * 2)
# RFC 9113 asks for a connection error; nghttp2 ends the streams that overflow, which are the ones that suffer.
case("6_9_2_an_initial_window_that_overflows_a_stream_is_an_error", reset(FLOW_CONTROL), opened(path=STREAM),
     frame(WINDOW, 0, 1, number32(1 << 30)), setting((4, (1 << 31) - 1)))

# 6.10 CONTINUATION
case("6_10_continuation_is_taken", answered(), frame(HEADERS, 0, 1, request_headers()[:9]),
     frame(CONTINUATION, END_HEADERS, 1, request_headers()[9:]), frame(DATA, END_STREAM, 1, message(b"hello")))
case("6_10_several_continuations_are_taken", answered(), frame(HEADERS, 0, 1, request_headers()[:9]),
     frame(CONTINUATION, 0, 1, request_headers()[9:30]), frame(CONTINUATION, END_HEADERS, 1, request_headers()[30:]),
     frame(DATA, END_STREAM, 1, message(b"hello")))
case("6_10_another_frame_within_a_block_is_an_error", goaway(PROTOCOL), frame(HEADERS, 0, 1, request_headers()[:9]),
     frame(CONTINUATION, 0, 1, request_headers()[9:]), frame(DATA, END_STREAM, 1, b"x"))
case("6_10_continuation_of_no_stream_is_an_error", goaway(PROTOCOL), opened(flags=0), frame(CONTINUATION, 0, 0, b""))
case("6_10_continuation_after_a_whole_block_is_an_error", goaway(PROTOCOL), opened(path=STREAM),
     frame(CONTINUATION, END_HEADERS, 1, literal("x", "y")))
case("6_10_continuation_after_the_last_continuation_is_an_error", goaway(PROTOCOL), opened(path=STREAM, flags=0),
     frame(CONTINUATION, END_HEADERS, 1, literal("x", "y")) * 2)
case("6_10_continuation_after_data_is_an_error", goaway(PROTOCOL), opened(path=STREAM), frame(DATA, 0, 1, message(b"x")),
     frame(CONTINUATION, END_HEADERS, 1, literal("x", "y")))

# 7 Error codes
case("7_an_unknown_code_in_goaway_is_without_effect", answered(), opened(), frame(GOAWAY, 0, 0, bytes(4) + number32(0xff)),
     frame(DATA, END_STREAM, 1, message(b"hello")))
case("7_an_unknown_code_in_a_reset_is_without_effect", lives(), opened(path=STREAM), frame(RST, 0, 1, number32(0xff)))

# 8.1 Requests
case("8_1_trailers_of_a_request_are_taken", answered(), opened(), frame(DATA, 0, 1, message(b"hello")),
     frame(HEADERS, END_HEADERS | END_STREAM, 1, literal("x-checksum", "5")))
case("8_1_a_second_block_without_the_end_is_an_error", reset(PROTOCOL), opened(path=STREAM),
     frame(HEADERS, END_HEADERS, 1, literal("x", "y")))
for name, pairs in (
        ("8_1_2_upper_case_names_are_an_error", (*PSEUDO, *PLAIN, ("X-Test", "1"))),
        ("8_1_2_1_unknown_pseudo_headers_are_an_error", (*PSEUDO, (":test", "1"), *PLAIN)),
        ("8_1_2_1_pseudo_headers_of_answers_are_an_error", (*PSEUDO, (":status", "200"), *PLAIN)),
        ("8_1_2_1_pseudo_headers_after_plain_ones_are_an_error", (*PSEUDO[:3], *PLAIN, PSEUDO[3])),
        ("8_1_2_2_headers_of_the_connection_are_an_error", (*PSEUDO, *PLAIN, ("connection", "keep-alive"))),
        ("8_1_2_2_te_other_than_trailers_is_an_error", (*PSEUDO, ("te", "trailers, deflate"), PLAIN[1])),
        ("8_1_2_3_an_empty_path_is_an_error", (PSEUDO[0], PSEUDO[1], (":path", ""), *PLAIN)),
        ("8_1_2_3_no_method_is_an_error", (*PSEUDO[1:], *PLAIN)),
        ("8_1_2_3_no_scheme_is_an_error", (PSEUDO[0], *PSEUDO[2:], *PLAIN)),
        ("8_1_2_3_no_path_is_an_error", (*PSEUDO[:2], PSEUDO[3], *PLAIN)),
        ("8_1_2_3_two_methods_are_an_error", (PSEUDO[0], *PSEUDO, *PLAIN)),
        ("8_1_2_3_two_schemes_are_an_error", (PSEUDO[1], *PSEUDO, *PLAIN)),
        ("8_1_2_3_two_paths_are_an_error", (PSEUDO[2], *PSEUDO, *PLAIN)),
        ("8_1_2_6_a_content_length_that_is_none_is_an_error", (*PSEUDO, *PLAIN, ("content-length", "ten")))):
    case(name, reset(PROTOCOL), frame(HEADERS, END_HEADERS, 1, fields(*pairs)))
case("8_1_2_1_pseudo_headers_in_trailers_are_an_error", reset(PROTOCOL), opened(path=STREAM),
     frame(HEADERS, END_HEADERS | END_STREAM, 1, literal(":method", "POST")))
case("8_1_2_6_a_content_length_unlike_the_data_is_an_error", reset(PROTOCOL),
     opened(more=literal("content-length", "1")), frame(DATA, END_STREAM, 1, message(b"hello")))
case("8_1_2_6_a_content_length_unlike_the_data_together_is_an_error", reset(PROTOCOL),
     opened(more=literal("content-length", "1")), frame(DATA, 0, 1, b"\0"), frame(DATA, END_STREAM, 1, message(b"hello")[1:]))
case("8_2_push_from_a_client_is_an_error", goaway(PROTOCOL), opened(path=STREAM),
     frame(PUSH, END_HEADERS, 1, number32(2) + request_headers()))

# RFC 7541: representations that must be understood. Indexes of the static table: 3 is :method POST, 31 content-type.
REST = fields(PSEUDO[1], PSEUDO[2], PSEUDO[3], *PLAIN)
HUFFMAN_TEST = b"\x83\x49\x50\x9f"  # "test"


def understood(name, block):
    case(f"hpack_{name}_is_understood", answered(), asked(block))


understood("6_1_an_indexed_field", b"\x83" + REST)
understood("6_2_1_a_literal_that_is_indexed_with_an_indexed_name", b"\x43\x04POST" + REST)
understood("6_2_1_a_huffman_value_that_is_indexed_with_an_indexed_name", b"\x83" + REST + b"\x7a" + HUFFMAN_TEST)
understood("6_2_1_a_literal_that_is_indexed_with_a_new_name", b"\x83" + REST + b"\x40\x04test\x04test")
understood("6_2_1_a_huffman_literal_that_is_indexed_with_a_new_name", b"\x83" + REST + b"\x40" + HUFFMAN_TEST * 2)
understood("6_2_2_a_literal_not_indexed_with_an_indexed_name", b"\x03\x04POST" + REST)
understood("6_2_2_a_huffman_literal_not_indexed_with_an_indexed_name", b"\x83" + REST + b"\x0f\x2b" + HUFFMAN_TEST)
understood("6_2_2_a_literal_not_indexed_with_a_new_name", b"\x83" + REST + b"\x00\x04test\x04test")
understood("6_2_2_a_huffman_literal_not_indexed_with_a_new_name", b"\x83" + REST + b"\x00" + HUFFMAN_TEST * 2)
understood("6_2_3_a_literal_never_indexed_with_an_indexed_name", b"\x13\x04POST" + REST)
understood("6_2_3_a_huffman_literal_never_indexed_with_an_indexed_name", b"\x83" + REST + b"\x1f\x2b" + HUFFMAN_TEST)
understood("6_2_3_a_literal_never_indexed_with_a_new_name", b"\x83" + REST + b"\x10\x04test\x04test")
understood("6_2_3_a_huffman_literal_never_indexed_with_a_new_name", b"\x83" + REST + b"\x10" + HUFFMAN_TEST * 2)
understood("6_3_a_table_size_update", b"\x30\x83" + REST)
understood("6_3_several_table_size_updates", b"\x20\x30\x83" + REST)
understood("2_3_2_a_field_of_the_dynamic_table", b"\x83" + REST + b"\x40\x04test\x04test" + b"\xbe")


def misread(name, block):
    case(f"hpack_{name}_is_an_error", goaway(COMPRESSION), asked(block))


GOOD = b"\x83" + REST
misread("2_3_3_an_index_beyond_the_tables", GOOD + b"\xc6")
misread("2_3_3_a_name_beyond_the_tables", GOOD + b"\x7e\x04test")
misread("4_2_a_table_size_update_at_the_end", GOOD + b"\x21")
misread("5_1_an_integer_that_overflows", GOOD + b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f")
misread("5_2_padding_of_more_than_7_bits", GOOD + b"\x00\x84\x49\x50\x9f\xff\x04test")
misread("5_2_padding_with_zeros", GOOD + b"\x00\x83\x49\x50\x90\x04test")
misread("5_2_the_end_symbol", GOOD + b"\x00\x84\xff\xff\xff\xff\x04test")
misread("5_2_a_string_beyond_the_block", GOOD + b"\x00\x7f\xff\xff\x03test")
misread("6_1_index_0", GOOD + b"\x80")
misread("6_3_a_table_size_above_the_announced_one", b"\x3f\xe2\x1f" + GOOD)


class Protocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        code, out, errors = cls.server.stop()
        if (code, errors) != (0, ""):
            raise AssertionError(f"the server ended with {code}: {errors} {out}")

    def pinged(self, raw, payload):
        """Returns: the frames up to the PING's answer, or up to the connection's end."""
        try:
            raw.sendall(frame(PING, 0, 0, payload))
        except OSError:
            pass
        return frames_read(raw, lambda frames: (PING, ACK, 0, payload) in frames)

    def walk(self, expectation, hello, steps):
        with self.server.connect() as raw:
            frames = []
            try:
                raw.sendall(hello)
                for step in steps:
                    if callable(step):
                        frames += frames_read(raw, lambda new: step(frames + new))
                    else:
                        raw.sendall(step)
            except OSError:
                pass
            # A PING overtakes what waits; what the first let pass is there before the second.
            frames += self.pinged(raw, FIRST)
            frames += self.pinged(raw, SECOND)
            self.judge(raw, expectation, frames)

    def judge(self, raw, expectation, frames):
        codes = [struct.unpack(">I", f[3][4:8])[0] for f in frames if f[0] == GOAWAY]
        lives = (PING, ACK, 0, SECOND) in frames
        on_stream = [f for f in frames if f[2] == expectation.stream]
        if expectation.kind == "goaway":
            self.assertFalse(lives, "the connection must not live on")
            self.assertEqual(len(codes), 1, frames)
            self.assertIn(codes[0], expectation.codes)
            self.assertEqual(raw.recv(1), b"")
            return
        self.assertEqual(codes, [], frames)
        if expectation.kind == "answered":
            self.assert_status(on_stream, frames)
            return
        self.assertTrue(lives, frames)
        if expectation.kind == "reset":
            reasons = [struct.unpack(">I", f[3])[0] for f in on_stream if f[0] == RST]
            self.assertEqual(len(reasons), 1, frames)
            self.assertIn(reasons[0], expectation.codes)
        if expectation.kind == "ignored":
            self.assertEqual(on_stream, [])
        if expectation.kind == "lives":
            self.assertEqual([f for f in frames if f[0] == RST], [])
        raw.sendall(setting((4, 65535)) + whole_call(901))
        more = frames_read(raw, ended(901))
        self.assertIn((DATA, 0, 901, message(b"hello")), more)

    def assert_status(self, on_stream, frames):
        decoder = HpackDecoder()
        headers = {}
        for kind, _, stream, payload in frames:
            if kind == HEADERS:
                decoded = decoder.decode(payload)
                headers.update(decoded if stream == on_stream[0][2] else {})
        self.assertEqual((headers[":status"], headers["grpc-status"]), ("200", "0"))

    def test_3_5_a_preface_of_another_protocol_is_closed(self):
        for junk in (b"INVALID CONNECTION PREFACE\r\n\r\n", PREFACE[:-1] + b"x"):
            with self.server.connect() as raw:
                raw.sendall(junk)
                raw.shutdown(socket.SHUT_WR)
                self.assertEqual(frames_read(raw), [])

    def test_3_5_the_servers_settings_come_first(self):
        with self.server.connect() as raw:
            raw.sendall(greeting() + whole_call(1))
            self.assertEqual(frames_read(raw, ended(1))[0][:3], (SETTINGS, 0, 0))

    def test_6_9_1_no_more_is_sent_than_the_window_has(self):
        with self.server.connect() as raw:
            raw.sendall(PREFACE + setting((4, 1)) + whole_call(1))
            frames = frames_read(raw, has(DATA)) + self.pinged(raw, FIRST)
            self.assertEqual([f[3] for f in frames if f[0] == DATA], [message(b"hello")[:1]])

    def test_6_9_2_a_new_initial_window_adjusts_open_streams(self):
        with self.server.connect() as raw:
            raw.sendall(PREFACE + SHUT + whole_call(1))
            frames = self.pinged(raw, FIRST)
            self.assertFalse(has(DATA)(frames))
            raw.sendall(setting((4, 1)))
            frames = frames_read(raw, has(DATA)) + self.pinged(raw, SECOND)
            self.assertEqual([f[3] for f in frames if f[0] == DATA], [message(b"hello")[:1]])

    def test_6_9_2_a_window_may_become_negative(self):
        with self.server.connect() as raw:
            raw.sendall(PREFACE + setting((4, 3)) + whole_call(1))
            frames_read(raw, has(DATA))
            raw.sendall(setting((4, 2)) + frame(WINDOW, 0, 1, number32(1)))
            self.assertFalse(has(DATA)(self.pinged(raw, FIRST)))
            raw.sendall(frame(WINDOW, 0, 1, number32(1)))
            frames = frames_read(raw, has(DATA)) + self.pinged(raw, SECOND)
            self.assertEqual([f[3] for f in frames if f[0] == DATA], [message(b"hello")[3:4]])

    def test_8_get_and_head_are_answered(self):
        for method in ("GET", "HEAD"):
            with self.server.connect() as raw:
                raw.sendall(greeting() + frame(HEADERS, END_HEADERS | END_STREAM, 1, request_headers(method=method)))
                frames = frames_read(raw, ended(1))
                block = next(f[3] for f in frames if f[0] == HEADERS)
                self.assertEqual(HpackDecoder().decode(block)[":status"], "405")


def tests_add():
    for name, expectation, hello, steps in CASES:
        def run(self, expectation=expectation, hello=hello, steps=steps):
            self.walk(expectation, hello, steps)
        assert not hasattr(Protocol, f"test_{name}"), name
        setattr(Protocol, f"test_{name}", run)


tests_add()

if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
