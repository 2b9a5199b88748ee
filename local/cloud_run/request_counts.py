"""The requests that were answered, as Cloud Monitoring tells of them: in samples, and late."""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import Any

import grpc
from google.api import metric_pb2
from google.cloud.monitoring_v3 import types

from local.cloud_run.errors import RefusalError
from local.cloud_run.rpc import service, unary

METRIC = "run.googleapis.com/request_count"
_LABEL = re.compile(r'resource\.labels\.(\w+)\s*=\s*"([^"]*)"')


class RequestCounts:
    """Counts by revision and status.

    Args:
        sample_s: length of a sample; a minute in the cloud.
        delay_s: how much later a sample can be read; minutes in the cloud.
    """

    def __init__(self, sample_s: float, delay_s: float) -> None:
        self._sample_s, self._delay_s = sample_s, delay_s
        self._counts: Counter[tuple[str, str, int, int]] = Counter()

    def answered(self, service_name: str, revision: str, status: int) -> None:
        """A request was answered just now."""
        self._counts[service_name, revision, status, int(time.time() // self._sample_s)] += 1

    def service(self) -> Any:
        """The gRPC service."""
        return service(
            "google.monitoring.v3.MetricService",
            ListTimeSeries=unary(self._list, types.ListTimeSeriesRequest.pb().FromString),
        )

    async def _list(self, request: Any) -> Any:
        if f'"{METRIC}"' not in request.filter or request.HasField("aggregation"):
            raise RefusalError(grpc.StatusCode.UNIMPLEMENTED, f"only {METRIC} without aggregation is kept here")
        wanted = dict(_LABEL.findall(request.filter))
        begin, end = (t.ToMicroseconds() / 1e6 for t in (request.interval.start_time, request.interval.end_time))
        series: dict[tuple[str, str, int], Any] = {}
        for (name, revision, status, sample), count in sorted(self._counts.items(), reverse=True):
            closes = (sample + 1) * self._sample_s
            readable = closes + self._delay_s <= time.time() and begin < closes <= end
            named = wanted.get("service_name", name) == name and wanted.get("revision_name", revision) == revision
            if readable and named:
                found = series.setdefault((name, revision, status), _series(name, revision, status))
                point = found.points.add()
                point.interval.start_time.FromMicroseconds(int((closes - self._sample_s) * 1e6))
                point.interval.end_time.FromMicroseconds(int(closes * 1e6))
                point.value.int64_value = count
        return types.ListTimeSeriesResponse.pb()(time_series=series.values())


def _series(name: str, revision: str, status: int) -> Any:
    series = types.TimeSeries.pb()(
        metric_kind=metric_pb2.MetricDescriptor.DELTA, value_type=metric_pb2.MetricDescriptor.INT64
    )
    series.metric.type = METRIC
    series.metric.labels.update({"response_code": str(status), "response_code_class": f"{status // 100}xx"})
    series.resource.type = "cloud_run_revision"
    series.resource.labels.update({"service_name": name, "revision_name": revision})
    return series
