"""OpenTelemetry traces, to a collector that speaks OTLP; and log lines that name the trace, from a real process."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from serving import spans
from tests.serving.process import started

ID = "105445aa7843bc8bf206b12000100000"
CALLER = "00f067aa0ba902b7"


@pytest.fixture
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    received: list[ExportTraceServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.path == "/v1/traces"
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parameter's name is given
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    server.server_close()


def test_a_request_is_a_span_of_its_callers_trace_and_its_log_line_names_it(models_dir, collector, instance):
    endpoint, received = collector
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "ACCESS_LOG": "1", "GOOGLE_CLOUD_PROJECT": "my-project"}
    with started(models_dir, **environment) as service:
        answer = httpx.post(
            f"{service.url}/v1/models/tiny:predict",
            json={"instances": [instance]},
            headers={"traceparent": f"00-{ID}-{CALLER}-01"},
        )
        assert answer.status_code == 200
        # what has not been sent yet is sent at the end
        lines = [json.loads(line) for line in service.stop().splitlines()]
    resources = [r for request in received for r in request.resource_spans]
    (name,) = {a.value.string_value for r in resources for a in r.resource.attributes if a.key == "service.name"}
    assert name == "aiot-anomaly-serving"
    (span,) = [s for r in resources for scope in r.scope_spans for s in scope.spans]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (ID, CALLER)
    assert "/v1/models/tiny:predict" in span.name
    attributes = {a.key: a.value for a in span.attributes}
    (version,) = attributes["http.response.header.x_model_version"].array_value.values
    assert version.string_value == "tiny-1"
    (line,) = [x for x in lines if x["logger"] == "serving.access" and x["path"].endswith(":predict")]
    assert line["logging.googleapis.com/trace"] == f"projects/my-project/traces/{ID}"
    assert line["logging.googleapis.com/spanId"] == CALLER


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False), ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False), ({"OTEL_SERVICE_NAME": "a"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a"}, True), ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_SDK_DISABLED": "true"}, False),
    ],
)  # fmt: skip
def test_traces_are_made_where_somebody_takes_them(environment, expected):
    assert spans.wanted(environment) == expected
