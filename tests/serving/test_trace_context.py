"""Log lines name the trace of their request."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from serving.logs import JsonFormatter
from serving.trace_context import Trace, Traced, current, of_headers

ID = "105445aa7843bc8bf206b12000100000"


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("traceparent", f"00-{ID}-00f067aa0ba902b7-01", Trace(ID, "00f067aa0ba902b7", sampled=True)),
        ("traceparent", f"00-{ID}-00f067aa0ba902b7-00", Trace(ID, "00f067aa0ba902b7")),
        ("traceparent", f"cc-{ID}-00f067aa0ba902b7-01-what-comes-later", Trace(ID, "00f067aa0ba902b7", sampled=True)),
        ("traceparent", f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        ("traceparent", f"00-{ID}-{'0' * 16}-01", None),
        ("traceparent", f"00-{ID}-01", None),
        ("x-cloud-trace-context", f"{ID}/1;o=1", Trace(ID, "0000000000000001", sampled=True)),
        ("x-cloud-trace-context", f"{ID.upper()}/18446744073709551615", Trace(ID, "f" * 16)),
        ("x-cloud-trace-context", f"{ID}/99999999999999999999;o=0", Trace(ID)),
        ("x-cloud-trace-context", ID, Trace(ID)),
        ("x-cloud-trace-context", f"{'0' * 32}/1;o=1", None),
        ("x-cloud-trace-context", "x" * 5_000, None),
    ],
)
def test_a_trace_is_read_from_either_header(header, value, expected):
    assert of_headers([(b"host", b"a"), (header.encode(), value.encode())]) == expected


def test_the_w3c_header_comes_first():
    cloud = (b"x-cloud-trace-context", b"f" * 32)
    found = of_headers([cloud, (b"traceparent", f"00-{ID}-00f067aa0ba902b7-01".encode())])
    assert found
    assert found.id == ID
    assert of_headers([cloud, (b"traceparent", b"nonsense")]) == Trace("f" * 32)


def _logged(project: str, *headers: tuple[bytes, bytes]) -> dict[str, object]:
    """A line that a route logs, in a thread as the service works."""
    line = logging.LogRecord("serving", logging.INFO, __file__, 1, "said", None, None)

    async def route(_scope, _receive, _send):
        found.append(await asyncio.to_thread(JsonFormatter(project).format, line))

    async def request():
        await Traced(route)({"type": "http", "headers": list(headers)}, None, None)  # type: ignore[arg-type]

    found: list[str] = []
    asyncio.run(request())
    parsed: dict[str, object] = json.loads(found[0])
    return parsed


def test_a_line_names_the_trace_as_cloud_logging_reads_it():
    line = _logged("my-project", (b"x-cloud-trace-context", f"{ID}/1;o=1".encode()))
    assert line["message"] == "said"
    assert line["logging.googleapis.com/trace"] == f"projects/my-project/traces/{ID}"
    assert line["logging.googleapis.com/spanId"] == "0000000000000001"
    assert line["logging.googleapis.com/trace_sampled"] is True


def test_without_a_project_the_id_stands_alone_and_without_a_trace_nothing():
    assert _logged("", (b"traceparent", f"00-{ID}-00f067aa0ba902b7-01".encode()))["logging.googleapis.com/trace"] == ID
    assert not [name for name in _logged("my-project") if "trace" in name]
    assert current() is None
