"""A call of Google's APIs, through the wrapper that their clients put around each method."""

from __future__ import annotations

import time

import pytest
from google.api_core.exceptions import GoogleAPICallError, PermissionDenied, RetryError, ServiceUnavailable
from google.api_core.gapic_v1.method import wrap_method

from functions import retrying


def test_what_mends_itself_is_tried_again_and_no_attempt_may_last_beyond_the_timeout() -> None:
    begin, latest = time.monotonic(), list[float]()

    def attempt(*, timeout: float, metadata: object) -> None:
        latest.append(time.monotonic() - begin + timeout)
        raise ServiceUnavailable("not now")

    with pytest.raises(RetryError, match="not now"):
        wrap_method(attempt)(**retrying.limits(2))
    assert len(latest) > 1
    assert max(latest) < 2.5


@pytest.mark.parametrize(("error", "timeout_s"), [(PermissionDenied, 5), (ServiceUnavailable, 0.5)])
def test_what_does_not_mend_itself_or_has_no_time_is_tried_once(
    error: type[GoogleAPICallError], timeout_s: float
) -> None:
    timeouts = []

    def attempt(*, timeout: float, metadata: object) -> None:
        timeouts.append(timeout)
        raise error("no")

    with pytest.raises((error, RetryError), match="no"):
        wrap_method(attempt)(**retrying.limits(timeout_s))
    assert timeouts == [timeout_s]
