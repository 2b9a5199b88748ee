"""What one measurement saw."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from aiot_anomaly.series import Float

OK, OVERLOADED = 200, 503
#: in place of a status: the server closed the connection; had not answered when the measurement was given up; or was
#: not asked, as it still owed an answer on each connection
LOST, UNANSWERED, TURNED_AWAY = 0, -1, -2


@dataclass(frozen=True)
class Run:
    """Requests that were answered within a time.

    Attributes:
        seconds: that it took.
        latencies: (n,) seconds of each request that was answered with 200, in the order in which they were sent.
        statuses: how many requests were answered with each status.
        delays: (m,) seconds by which the generator itself sent late; empty where nothing was scheduled.
        retry_after: how many of the 503 said when to come back.
    """

    seconds: float
    latencies: Float
    statuses: Counter[int]
    delays: Float
    retry_after: int = 0

    @property
    def rate(self) -> float:
        """Requests answered with 200 a second."""
        return len(self.latencies) / self.seconds

    @property
    def failed(self) -> dict[int, int]:
        """How many requests that were sent had neither 200 nor 503, by status."""
        return {status: n for status, n in self.statuses.items() if status not in {OK, OVERLOADED, TURNED_AWAY}}


def quantile_ms(latencies: Float, q: float) -> float:
    """The latency that a share `q` of the requests did not exceed, in milliseconds; NaN without requests."""
    return 1e3 * float(np.quantile(latencies, q, method="higher")) if len(latencies) else float("nan")
