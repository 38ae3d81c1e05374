"""What any gRPC client may send, right or wrong: methods not built, malformed messages, health and reflection."""
import threading

import grpc

import jifend
from jifend import WAIT, Case, ledger_pb2, operations_pb2, programmes_pb2, sale

from google.protobuf import descriptor_pb2  # noqa: E402
from grpc.health.v1 import health_pb2, health_pb2_grpc  # noqa: E402
from grpc.reflection.v1 import reflection_pb2, reflection_pb2_grpc  # noqa: E402
from grpc.reflection.v1alpha import reflection_pb2 as alpha_pb2, reflection_pb2_grpc as alpha_pb2_grpc  # noqa: E402

INVALID = grpc.StatusCode.INVALID_ARGUMENT
SERVICES = {"Ledger": "ledger", "Members": "members", "Programmes": "programmes", "Operations": "operations",
            "Finance": "finance"}
UNBUILT = {
    "Ledger": [],
    "Members": [],
    "Programmes": [], "Operations": [], "Finance": ["Liability", "RollForward", "ExpiryLadder"],
}


class Surface(Case):
    def raw(self, path, payload, channel=None):
        return (channel or self.channel).unary_unary(path)(payload, timeout=WAIT)

    def methods(self):
        """Every method of jifen.v1, from the generated descriptors."""
        for name, module in SERVICES.items():
            generated = __import__(f"jifen.v1.{module}_pb2", fromlist=[""])
            for method in generated.DESCRIPTOR.services_by_name[name].methods:
                yield name, method

    def test_every_method_of_the_proto_files_is_served_or_says_that_it_is_not_built(self):
        count = 0
        for name, method in self.methods():
            count += 1
            path = f"/jifen.v1.{name}/{method.name}"
            call = self.channel.unary_stream(path)(b"\xff", timeout=WAIT)
            with self.subTest(path=path):
                status = grpc.StatusCode.UNIMPLEMENTED if method.name in UNBUILT[name] else INVALID
                error = self.fails(lambda: list(call), status)
                if status == INVALID:
                    self.assertIn(method.input_type.full_name, error.details())
                else:
                    self.assertIn(f"{path} is not built", error.details())
        self.assertGreater(count, 30)

    def test_unknown_methods_are_unimplemented(self):
        for path in ("/jifen.v1.Ledger/Steal", "/jifen.v1.Nothing/PostSale", "/"):
            self.fails(lambda: self.raw(path, b""), grpc.StatusCode.UNIMPLEMENTED)

    def test_malformed_messages_name_their_type_and_write_nothing(self):
        good = sale("s1").SerializeToString()
        for payload in (b"\xff", good[:-1], b"\x0a\xff\xff\xff\xff\x0f", b"\x00", b"\x0b", b"\x12\x02\x08"):
            with self.subTest(payload=payload):
                self.fails(lambda: self.raw("/jifen.v1.Ledger/PostSale", payload), INVALID,
                           "jifen.v1.PostSaleRequest")
        status = self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT)
        self.assertEqual(status.position_last, 0)

    def test_a_nul_byte_within_a_text_is_refused_instead_of_cut(self):
        request = sale("s1")
        for change, field in ((dict(transaction_id="a\0b"), "transaction_id"), (dict(), "receipt.lines[0].sku")):
            wrong = ledger_pb2.PostSaleRequest()
            wrong.CopyFrom(request)
            if change:
                wrong.transaction_id = change["transaction_id"]
            else:
                wrong.receipt.lines[0].sku = "\0"
            self.fails(lambda: self.client.sell(wrong), INVALID, f"({field}, the text holds a NUL byte)")

    def test_text_that_is_no_utf8_is_refused(self):
        payload = sale("abc").SerializeToString().replace(b"abc", b"a\xffc")
        self.fails(lambda: self.raw("/jifen.v1.Ledger/PostSale", payload), INVALID, "transaction_id")

    def test_unknown_fields_are_ignored(self):
        self.client.chain()
        self.client.enrol(1)
        payload = sale("s1").SerializeToString() + b"\xaa\x7d\x03abc" + b"\xb0\x7d\x05"
        answer = ledger_pb2.PostSaleResponse.FromString(self.raw("/jifen.v1.Ledger/PostSale", payload))
        self.assertEqual(answer.outcome.points_granted, 10)
        self.assertTrue(self.client.sell(sale("s1")).replayed)

    def test_a_message_of_many_empty_parts_is_refused_and_costs_nothing(self):
        receipt = b"\x2a\x00" * 900000
        payload = b"\x1a" + jifend.varint(len(receipt)) + receipt
        self.fails(lambda: self.raw("/jifen.v1.Ledger/PostSale", payload), grpc.StatusCode.RESOURCE_EXHAUSTED,
                   "too many parts")
        self.fails(lambda: self.raw("/jifen.v1.Ledger/PostBatch", b"\x0a\x00" * 2000000),
                   grpc.StatusCode.RESOURCE_EXHAUSTED, "too many parts")
        fewer = b"\x1a" + jifend.varint(2000) + b"\x2a\x00" * 1000
        self.fails(lambda: self.raw("/jifen.v1.Ledger/PostSale", fewer), INVALID, "transaction_id")
        self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT)

    def test_an_oversized_message_is_refused(self):
        for size in ((4 << 20) + 1, 32 << 20):
            self.fails(lambda: self.raw("/jifen.v1.Ledger/PostSale", b"\x0a" * size),
                       grpc.StatusCode.RESOURCE_EXHAUSTED)
        programme = programmes_pb2.PublishRequest(transaction_id="p", yaml="#" * ((1 << 20) + 1))
        refusal = self.refused(lambda: self.client.programmes.Publish(programme, timeout=WAIT), INVALID,
                               "INVALID_FIELD")
        self.assertEqual((refusal.field, refusal.limit), ("yaml", 1 << 20))

    def test_a_malformed_message_ends_a_stream_after_what_came_before_was_answered(self):
        self.client.chain()
        self.client.enrol(1)
        good = [ledger_pb2.StreamRequest(write=ledger_pb2.Write(sale=sale(f"s{i}"))).SerializeToString()
                for i in range(10)]
        call = self.channel.stream_stream("/jifen.v1.Ledger/Stream")(iter([*good, b"\xff", *good]), timeout=WAIT)
        answers = []

        def read():
            for answer in call:
                answers.append(ledger_pb2.StreamResponse.FromString(answer))
        self.fails(read, INVALID, "jifen.v1.StreamRequest")
        self.assertEqual([answer.result.outcome.position for answer in answers], list(range(4, 14)))

    def test_a_deadline_that_has_passed_is_the_clients_to_see(self):
        self.client.chain()
        self.client.enrol(1)
        with self.assertRaises(grpc.RpcError) as caught:
            for i in range(1000):
                self.client.ledger.PostSale(sale(f"s{i}"), timeout=0.000001)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        # Whole or not at all: the same sale again is either told again or posted now.
        self.assertEqual(self.client.sell(sale("s0")).outcome.points_granted, 10)

    def test_health_is_checked_by_server_and_by_service(self):
        stub = health_pb2_grpc.HealthStub(self.channel)
        for name in ("", "jifen.v1.Ledger", "jifen.v1.Finance", "grpc.health.v1.Health"):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=WAIT)
            self.assertEqual(answer.status, health_pb2.HealthCheckResponse.SERVING)
        self.fails(lambda: stub.Check(health_pb2.HealthCheckRequest(service="no"), timeout=WAIT),
                   grpc.StatusCode.NOT_FOUND)

    def test_health_is_watched_until_the_server_stops(self):
        stub = health_pb2_grpc.HealthStub(self.channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=WAIT)
        unknown = stub.Watch(health_pb2.HealthCheckRequest(service="no"), timeout=WAIT)
        self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.SERVING)
        self.assertEqual(next(unknown).status, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
        cancelled = stub.Watch(health_pb2.HealthCheckRequest(), timeout=WAIT)
        next(cancelled)
        cancelled.cancel()
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.NOT_SERVING)
        self.fails(lambda: next(watch), grpc.StatusCode.UNAVAILABLE)


class Reflection(Case):
    def ask(self, *questions, messages=reflection_pb2, stubs=reflection_pb2_grpc):
        stub = stubs.ServerReflectionStub(self.channel)
        requests = [messages.ServerReflectionRequest(**question) for question in questions]
        answers = list(stub.ServerReflectionInfo(iter(requests), timeout=WAIT))
        self.assertEqual([answer.original_request for answer in answers], requests)
        return answers

    def file(self, **question):
        [answer] = self.ask(question)
        [encoded] = answer.file_descriptor_response.file_descriptor_proto
        return descriptor_pb2.FileDescriptorProto.FromString(encoded)

    def test_services_are_listed_in_both_versions(self):
        for messages, stubs in ((reflection_pb2, reflection_pb2_grpc), (alpha_pb2, alpha_pb2_grpc)):
            [answer] = self.ask(dict(list_services="*"), messages=messages, stubs=stubs)
            names = {service.name for service in answer.list_services_response.service}
            self.assertEqual(names, {f"jifen.v1.{name}" for name in SERVICES} | {
                "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection"})

    def test_files_are_found_by_name_with_everything_they_import(self):
        left, seen = ["jifen/v1/ledger.proto", "jifen/v1/operations.proto", "grpc/health/v1/health.proto"], set()
        while left:
            name = left.pop()
            if name not in seen:
                seen.add(name)
                left += self.file(file_by_filename=name).dependency
        self.assertIn("jifen/v1/common.proto", seen)

    def test_symbols_of_every_kind_are_found(self):
        for symbol, file in (("jifen.v1.Ledger", "ledger"), ("jifen.v1.Ledger.PostSale", "ledger"),
                             (".jifen.v1.PostSaleRequest", "ledger"), ("jifen.v1.Account", "common"),
                             ("jifen.v1.TraceStep.Kind", "common"), ("jifen.v1.Entry", "entry")):
            with self.subTest(symbol=symbol):
                self.assertEqual(self.file(file_containing_symbol=symbol).name, f"jifen/v1/{file}.proto")

    def test_what_is_not_there_is_not_found_and_the_stream_goes_on(self):
        wrong = [dict(file_by_filename="no.proto"), dict(file_containing_symbol="jifen.v1.No"),
                 dict(file_containing_symbol="jifen.v1."), dict(file_containing_symbol=""),
                 dict(file_containing_symbol="jifen.v1.Ledger.PostSale.more"), dict(file_by_filename=""),
                 dict(all_extension_numbers_of_type="no.Type"), dict(),
                 dict(file_containing_extension=reflection_pb2.ExtensionRequest(containing_type="x"))]
        right = [dict(all_extension_numbers_of_type="jifen.v1.Member")]
        answers = self.ask(*wrong, *right)
        self.assertEqual([answer.error_response.error_code for answer in answers], [5] * len(wrong) + [0])
        self.assertEqual(answers[-1].all_extension_numbers_response.base_type_name, "jifen.v1.Member")

    def test_a_reflection_stream_left_open_does_not_hold_up_the_shutdown(self):
        stub = reflection_pb2_grpc.ServerReflectionStub(self.channel)
        release = threading.Event()

        def questions():
            yield reflection_pb2.ServerReflectionRequest(list_services="")
            release.wait(WAIT)
        call = stub.ServerReflectionInfo(questions(), timeout=WAIT)
        next(call)
        self.assertEqual(self.server.stop(), 0)
        self.fails(lambda: next(call), grpc.StatusCode.UNAVAILABLE)
        release.set()


jifend.main()
