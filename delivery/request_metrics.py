"""How many requests a revision answered, and how, as Cloud Monitoring counted them.

Cloud Run's metric `run.googleapis.com/request_count` is sampled once a minute and can be read minutes later; a reader
that asks too early sees nothing, which is not the same as no requests (see `delivery.rollout`).
"""

from __future__ import annotations

from datetime import UTC, datetime

import grpc
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud import monitoring_v3
from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport

from delivery.errors import CloudRunError
from delivery.verdict import RequestCount

METRIC = "run.googleapis.com/request_count"


class RequestMetrics:
    """Reads the request counts of one service.

    Args:
        project: id of the project.
        region: of the service.
        service: its short name.
        endpoint: host:port of a stand-in, which is spoken to without credentials; None is Google Cloud.
    """

    def __init__(self, project: str, region: str, service: str, *, endpoint: str | None = None) -> None:
        self._project = project
        self._filter = (
            f'metric.type = "{METRIC}" AND resource.type = "cloud_run_revision"'
            f' AND resource.labels.location = "{region}" AND resource.labels.service_name = "{service}"'
        )
        if endpoint:
            transport = MetricServiceGrpcTransport(channel=grpc.insecure_channel(endpoint))
            self._client = monitoring_v3.MetricServiceClient(transport=transport)
        else:
            try:
                self._client = monitoring_v3.MetricServiceClient()
            except GoogleAuthError as e:
                raise CloudRunError(f"Cloud Monitoring: {e}") from e

    def count(self, revision: str, since: datetime) -> RequestCount:
        """What a revision answered from `since` until now, as far as it can be read already.

        Raises:
            CloudRunError: the counts cannot be read.
        """
        interval = monitoring_v3.TimeInterval(start_time=since, end_time=datetime.now(UTC))
        requests = failures = 0
        try:
            for series in self._client.list_time_series(
                request={
                    "name": f"projects/{self._project}",
                    "filter": f'{self._filter} AND resource.labels.revision_name = "{revision}"',
                    "interval": interval,
                    "view": monitoring_v3.ListTimeSeriesRequest.TimeSeriesView.FULL,
                }
            ):
                answered = sum(point.value.int64_value for point in series.points)
                requests += answered
                if series.metric.labels["response_code_class"] == "5xx":
                    failures += answered
        except (exceptions.GoogleAPIError, GoogleAuthError) as e:
            raise CloudRunError(
                f"the request counts of {revision} cannot be read: {e}; reading them needs roles/monitoring.viewer"
            ) from e
        return RequestCount(requests=requests, failures=failures)
