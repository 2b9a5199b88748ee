"""Requests by revision, as the metrics client reads them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from delivery import smoke
from delivery.errors import CloudRunError
from delivery.request_metrics import RequestMetrics
from delivery.service import Target
from delivery.verdict import RequestCount
from local.cloud_run.provision import PROJECT, REGION
from local.cloud_run.registry import FAULTY


def test_answers_are_counted_by_revision_and_5xx_are_failures(delivered, models):
    image = delivered.stand_in.registry.push(models.first, FAULTY)
    state = delivered.cloud.deploy(delivered.cloud.read(), image, {})
    revision = state.latest_created
    delivered.cloud.route(state, [Target(revision=revision, percent=100)])
    golden = smoke.load(models.first)[0].golden
    window = {"device_id": "a", "window_end": "2026-01-01T00:00:00Z", "values": golden.values[0]}
    began = datetime.now(UTC)
    for _ in range(3):
        assert httpx.get(f"{delivered.url}/health/live").status_code == 200
    assert httpx.get(f"{delivered.url}/no-such").status_code == 404
    predict = f"{delivered.url}/v1/models/skab:predict"
    assert [httpx.post(predict, json={"instances": [window]}).status_code for _ in range(4)] == [200, 500, 200, 500]
    assert delivered.metrics.count("another", began) == RequestCount()
    deadline = time.monotonic() + 10
    while delivered.metrics.count(revision, began).requests < 8:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert delivered.metrics.count(revision, began) == RequestCount(requests=8, failures=2)
    assert delivered.metrics.count(revision, datetime.now(UTC) + timedelta(seconds=1)) == RequestCount()


def test_counts_that_cannot_be_read_are_an_error_and_not_zero(deaf):
    metrics = RequestMetrics(PROJECT, REGION, "api", endpoint=deaf)
    with pytest.raises(CloudRunError, match="request counts of api-1 cannot be read"):
        metrics.count("api-1", datetime.now(UTC))
