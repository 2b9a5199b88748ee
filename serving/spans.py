"""OpenTelemetry traces, for a deployment that names where to send them.

The standard variables rule: `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`) turns them on, and
`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS` … mean what they
mean everywhere. Nothing of OpenTelemetry is imported before, as it would cost every start a third of a second.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp

#: asked too often and by nobody who waits
_UNTRACED = "health,metrics,ping"


def wanted(environment: Mapping[str, str]) -> bool:
    """True if this environment names a collector of traces."""
    named = any(environment.get(f"OTEL_EXPORTER_OTLP_{n}") for n in ("ENDPOINT", "TRACES_ENDPOINT"))
    return named and environment.get("OTEL_SDK_DISABLED", "").lower() != "true"


def traced(app: ASGIApp) -> ASGIApp:
    """The app with a span for each request, a child of the caller's, sent in the background and at the end."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - see above
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware  # noqa: PLC0415 - see above
    from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource  # noqa: PLC0415 - see above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - see above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - see above

    resource = Resource({SERVICE_NAME: "aiot-anomaly-serving"}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource)  # it sends what it still has when the process ends
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OpenTelemetryMiddleware(
        app,
        tracer_provider=provider,
        excluded_urls=_UNTRACED,
        exclude_spans=["receive", "send"],
        http_capture_headers_server_response=["X-Model-Version"],
    )
