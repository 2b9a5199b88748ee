"""The roll-out: deploy without traffic, test, 10 %, watch, 100 %, watch, done; or back to where it began.

    read ── deploy, tag `candidate` ── smoke test ── 10 % ── watch ── 100 % ── watch ── tag `previous`
                                           │          └──────────┴──────┬──┴──────┘
                                    traffic untouched         traffic as it was before

Any failure, Ctrl-C and SIGTERM restore the traffic that was found. The state is in the service alone: a revision tagged
`candidate` is on trial, and the one tagged `previous` served before it. So `python -m delivery rollback --unfinished`
ends what a killed process left half done, and `rollback` finds where to go back to.

A watch waits until what happened in it can be read (`delay_s`), and ends early where the new revision fails. Too few
requests are no reason to stop, on purpose: the golden windows held, and a fleet that sends little at night must not
block a delivery. The report says so. `when_quiet="rollback"` decides the other way.

The placeholder that Terraform starts with carries no labels of delivery. There is nothing to compare with and nobody
to protect, so the first delivery goes from the smoke test to 100 % at once.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from delivery.cloud_run import CloudRun
from delivery.errors import ChoiceError, CloudRunError, DeliveryError
from delivery.request_metrics import RequestMetrics
from delivery.service import Snapshot, Target
from delivery.smoke import SmokeReport
from delivery.verdict import Limits, RequestCount, Verdict, judge

CANDIDATE = "candidate"
PREVIOUS = "previous"
#: a change by somebody else may come between reading and restoring, or the API not answer for a moment
RESTORE_ATTEMPTS = 5
#: what a person runs where that did not work
FINISH = "python -m delivery rollback --unfinished"
_DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")

#: tests a URL; the second argument is the audience of the ID token
Smoke = Callable[[str, str], SmokeReport]


class Policy(BaseModel):
    """How careful a roll-out is.

    Attributes:
        percent: share of the first step.
        watch_s: how long each step is watched.
        delay_s: how much later Cloud Monitoring shows what happened.
        poll_s: how often it is asked.
        baseline_s: how far back the old revision's requests are counted.
        limits: what the new revision must hold.
        when_quiet: what too few requests mean.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    percent: int = Field(default=10, ge=1, le=99)
    watch_s: float = Field(default=180, ge=0)
    delay_s: float = Field(default=240, ge=0)
    poll_s: float = Field(default=20, gt=0)
    baseline_s: float = Field(default=3600, ge=0)
    limits: Limits = Limits()
    when_quiet: Literal["go-on", "rollback"] = "go-on"


class Outcome(BaseModel):
    """How a roll-out ended.

    Attributes:
        promoted: whether the new revision serves all traffic.
        revision: the new one; empty where none was made.
        before: the revision that served before.
        because: one sentence.
        smoke: what the smoke test found, if it ran.
        verdicts: of each watch, by percent.
    """

    model_config = ConfigDict(frozen=True)

    promoted: bool
    revision: str
    before: str
    because: str
    smoke: SmokeReport | None = None
    verdicts: Mapping[int, Verdict] = Field(default_factory=dict)


class _FailedError(DeliveryError):
    """The new revision does not hold what it must."""


class Rollout:
    """One roll-out of one image.

    Args:
        cloud: the service.
        metrics: its request counts.
        smoke: tests the new revision.
        policy: how careful to be.
        say: told what happens, one line each.
    """

    def __init__(
        self,
        cloud: CloudRun,
        metrics: RequestMetrics,
        smoke: Smoke,
        policy: Policy | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._cloud, self._metrics, self._smoke = cloud, metrics, smoke
        self._policy, self._say = policy or Policy(), say
        self._report: SmokeReport | None = None
        self._verdicts: dict[int, Verdict] = {}

    def run(self, image: str, labels: Mapping[str, str]) -> Outcome:
        """Rolls out an image; the service is as it was before, unless the outcome is `promoted`.

        Args:
            image: by digest.
            labels: of the revision, see `delivery.labels`.

        Raises:
            ChoiceError: the image is not named by digest.
            CloudRunError: the service cannot be read, or the traffic could not be restored.
            KeyboardInterrupt: as it came; the traffic is restored.
        """
        if not _DIGEST.fullmatch(image):
            raise ChoiceError(f"found image {image}, expected one by digest, REPOSITORY@sha256:<64 hexadecimal digits>")
        began = datetime.now(UTC)
        found = self._cloud.read()
        before = serving(found)
        if found.tagged(CANDIDATE):
            self._say(f"an earlier roll-out was cut off; {before} is taken as what serves")
            found = self._cloud.route(found, (Target(revision=before, percent=100),))
        self._say(f"{before} serves; deploying {image} without traffic")
        try:
            new = self._cloud.deploy(found, image, labels)
        except CloudRunError as e:
            return self._outcome(False, "", before, f"not deployed, traffic untouched: {e}")
        revision = new.latest_created
        if found.share(revision):
            return self._unchanged(new, revision)
        try:
            self._try(new, found, revision, before, began)
        except _FailedError as e:
            self._say(str(e))
            self._restore(found, revision)
            return self._outcome(False, revision, before, f"{e}; {before} serves as before")
        except BaseException:
            # a candidate that nobody watches must not serve, whatever happened
            self._restore(found, revision)
            raise
        return self._outcome(True, revision, before, f"{revision} serves all traffic")

    def _try(self, new: Snapshot, found: Snapshot, revision: str, before: str, began: datetime) -> None:
        since = began - timedelta(seconds=self._policy.baseline_s)
        old = Target(revision=before, tag=PREVIOUS)
        tagged = self._cloud.route(new, (*_untagged(found.traffic), Target(revision=revision, tag=CANDIDATE)))
        self._test(tagged.url_of(CANDIDATE), tagged.url)
        compared = bool(self._cloud.revision(before).bundles)
        if not compared:
            self._say(f"{before} is no delivery, so there is nothing to compare with: all traffic at once")
        state = tagged
        for percent in [self._policy.percent, 100] if compared else [100]:
            self._say(f"{percent} % of the traffic to {revision}")
            shared = (
                Target(revision=revision, percent=percent, tag=CANDIDATE),
                old.model_copy(update={"percent": 100 - percent}),
            )
            state = self._cloud.route(state, shared)
            verdict = self._watch(revision, before if compared else None, since)
            self._verdicts[percent] = verdict
            self._say(f"at {percent} %: {verdict.kind.replace('_', ' ')}: {verdict.because}")
            if verdict.kind == "failing" or (verdict.kind == "too_few" and self._policy.when_quiet == "rollback"):
                raise _FailedError(f"at {percent} %: {verdict.because}")
        # nobody wants to go back to a placeholder
        self._cloud.route(state, (Target(revision=revision, percent=100), *((old,) if compared else ())))

    def _test(self, url: str, audience: str) -> None:
        self._say(f"smoke test of {url}")
        self._report = self._smoke(url, audience)
        if not self._report.passed:
            raise _FailedError(f"the smoke test failed: {self._report.failures}")
        self._say(f"smoke test passed: {self._report.latency}")

    def _watch(self, revision: str, before: str | None, since: datetime) -> Verdict:
        """The verdict after the watch, or as soon as the new revision fails."""
        began, policy = datetime.now(UTC), self._policy
        until = time.monotonic() + policy.watch_s + policy.delay_s
        self._say(f"watching for {policy.watch_s:.0f} s, and {policy.delay_s:.0f} s more until all of it is counted")
        while True:
            left = until - time.monotonic()
            old = self._metrics.count(before, since) if before else RequestCount()
            verdict = judge(self._metrics.count(revision, began), old, policy.limits)
            if verdict.kind == "failing" or left <= 0:
                return verdict
            time.sleep(min(policy.poll_s, left))

    def _unchanged(self, state: Snapshot, revision: str) -> Outcome:
        """The same commit and image again: Cloud Run made no revision."""
        self._report = self._smoke(state.url, state.url)
        because = f"{revision} serves this image already"
        if not self._report.passed:
            return self._outcome(False, revision, revision, f"{because}, and fails: {self._report.failures}")
        return self._outcome(True, revision, revision, because)

    def _restore(self, found: Snapshot, revision: str) -> None:
        """Gives the traffic back as it was found, unless the candidate is out of it already."""
        for attempt in range(RESTORE_ATTEMPTS):
            try:
                state = self._cloud.read()
                if revision not in {t.revision for t in state.traffic}:
                    return
                self._say(f"back to {serving(found)}")
                self._cloud.route(state, found.traffic)
            except CloudRunError as e:
                if attempt + 1 == RESTORE_ATTEMPTS:
                    raise CloudRunError(f"{revision} may still get traffic, run: {FINISH}; {e}") from e
                time.sleep(0.2)
            else:
                return

    def _outcome(self, promoted: bool, revision: str, before: str, because: str) -> Outcome:
        return Outcome(
            promoted=promoted,
            revision=revision,
            before=before,
            because=because,
            smoke=self._report,
            verdicts=self._verdicts,
        )


def serving(state: Snapshot) -> str:
    """The revision that serves, or served before a roll-out that was cut off."""
    candidate = state.tagged(CANDIDATE)
    others = [t for t in state.traffic if t.revision != candidate]
    # at the last watch the candidate has all of the traffic, and only the tag tells what served before
    return max(others or state.traffic, key=lambda t: (t.percent, t.tag == PREVIOUS)).revision


def _untagged(traffic: Sequence[Target]) -> tuple[Target, ...]:
    return tuple(t for t in traffic if t.tag != CANDIDATE)
