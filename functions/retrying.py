"""Which failures of Google's APIs are tried again, and for how long."""

from __future__ import annotations

from typing import Any

from google.api_core.exceptions import (
    Aborted,
    DeadlineExceeded,
    InternalServerError,
    ResourceExhausted,
    ServiceUnavailable,
    Unknown,
)
from google.api_core.retry import Retry, if_exception_type

#: what goes away by itself
MEND_THEMSELVES = (Aborted, DeadlineExceeded, InternalServerError, ResourceExhausted, ServiceUnavailable, Unknown)


def limits(timeout_s: float) -> dict[str, Any]:
    """The arguments of a call that is over, with its retries, within `timeout_s` seconds."""
    # An attempt gets what is left of the timeout; but all of it once more where less than a second is left. So none
    # may begin then, nor a little earlier: a pause may last longer than it should.
    retry = Retry(
        predicate=if_exception_type(*MEND_THEMSELVES),
        initial=0.1,
        maximum=2.0,
        multiplier=2.0,
        timeout=max(0.0, timeout_s - 1.2),
    )
    return {"timeout": timeout_s, "retry": retry}
