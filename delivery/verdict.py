"""Whether a new revision fails more than the old one: counts in, verdict out.

The question is put so that a rare, small or old difference does not end a roll-out, and a real one does: *if each
request to the new revision failed with the old one's rate plus a tolerance, how likely are at least so many failures?*
That is the upper tail of a binomial distribution; below `significance`, the new revision is failing. Without requests
to an old revision, as at the first deployment, the tolerance alone is the rate to hold.

The question is put again at each look during a watch, so over twenty looks a sound revision is sent back somewhat more
often than `significance` says; that errs on the careful side. The old rate is taken as exact: it comes from an hour.

Failures are answers of class 5xx. An answer of class 4xx is not counted: anybody can cause it without a token.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RequestCount(BaseModel):
    """Requests that a revision answered, and those of them that it answered with 5xx."""

    model_config = ConfigDict(frozen=True)

    requests: int = Field(default=0, ge=0)
    failures: int = Field(default=0, ge=0)

    @property
    def rate(self) -> float:
        """Share of failures; 0.0 without requests."""
        return self.failures / self.requests if self.requests else 0.0

    def __str__(self) -> str:
        return f"{self.failures:,} of {self.requests:,} failed"


class Limits(BaseModel):
    """What a new revision must hold.

    Attributes:
        least_requests: with fewer, silence proves nothing and the verdict is `too_few`.
        tolerance: how much higher the rate of failures may be.
        significance: how unlikely the failures must be to count.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    least_requests: int = Field(default=100, ge=1)
    tolerance: float = Field(default=0.01, gt=0, lt=1)
    significance: float = Field(default=0.01, gt=0, lt=1)


class Verdict(BaseModel):
    """A decision and the sentence that explains it."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["healthy", "failing", "too_few"]
    because: str


def judge(new: RequestCount, old: RequestCount, limits: Limits | None = None) -> Verdict:
    """Compares the new revision with the old one."""
    limits = limits or Limits()
    allowed = old.rate + limits.tolerance
    likelihood = tail(new.failures, new.requests, allowed)
    beside = f"{new} (old: {old})" if old.requests else f"{new} (no old revision to compare with)"
    if new.failures and likelihood < limits.significance:
        return Verdict(kind="failing", because=f"{beside}; at a rate of {allowed:.1%} that has p = {likelihood:.1g}")
    if new.requests < limits.least_requests:
        return Verdict(kind="too_few", because=f"{beside}; expected at least {limits.least_requests} requests")
    return Verdict(kind="healthy", because=beside)


def tail(successes: int, trials: int, probability: float) -> float:
    """P(X ≥ successes) for X binomial with `trials` and `probability`."""
    if successes <= 0 or probability >= 1:
        return 1.0
    total = 0.0
    for k in range(successes, trials + 1):
        term = math.exp(
            math.lgamma(trials + 1)
            - math.lgamma(k + 1)
            - math.lgamma(trials - k + 1)
            + k * math.log(probability)
            + (trials - k) * math.log1p(-probability)
        )
        total += term
        # past the mean the terms only shrink
        if k > trials * probability and term < total * 1e-12:
            break
    return min(1.0, total)
