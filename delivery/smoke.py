"""The smoke test: does a running API serve these bundles, and give their golden scores?

It needs nothing but a URL and the folder of bundles, and holds for a local process, a tagged revision that has no
traffic yet, and production. How it is let in where the API is not public: `delivery.identity`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict

from aiot_anomaly import bundle as bundles
from aiot_anomaly.bundle import Bundle
from aiot_anomaly.errors import BundleError
from aiot_anomaly.windows import as_datetime

#: how far a score may be off, relative; the processor may differ from the builder's
TOLERANCE = 1e-3
#: no bundle knows it, so the fleet's calibration applies, for which the golden scores are
DEVICE = "smoke-test"
_UNAUTHORISED = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)


class Check(BaseModel):
    """One thing that was checked.

    Attributes:
        subject: what was checked.
        passed: whether it holds.
        found: what was found and, where that is wrong, what was expected.
    """

    model_config = ConfigDict(frozen=True)

    subject: str
    passed: bool
    found: str


class SmokeReport(BaseModel):
    """What the smoke test found.

    Attributes:
        url: the API's.
        checks: in the order in which they were made; what comes after a failed readiness is not tried.
        latencies_ms: of each request that carried one golden window.
    """

    model_config = ConfigDict(frozen=True)

    url: str
    checks: tuple[Check, ...]
    latencies_ms: tuple[float, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything holds."""
        return all(c.passed for c in self.checks)

    @property
    def failures(self) -> str:
        """What does not hold, for one line."""
        return "; ".join(f"{c.subject}: {c.found}" for c in self.checks if not c.passed)

    @property
    def latency(self) -> str:
        """Median and slowest request with a golden window."""
        if not self.latencies_ms:
            return "no request was answered"
        return f"p50 {statistics.median(self.latencies_ms):.0f} ms, slowest {max(self.latencies_ms):.0f} ms"


def load(models: Path) -> list[Bundle]:
    """The bundles that the API must serve.

    Raises:
        BundleError: there is none, or one is not whole.
    """
    folders = sorted(p.parent for p in models.glob(f"*/{bundles.MANIFEST}"))
    if not folders:
        raise BundleError(f"no bundle in {models}, so there is nothing to compare the API with: name their folder")
    return [bundles.load(folder) for folder in folders]


def run(
    url: str,
    expected: Sequence[Bundle],
    *,
    headers: Mapping[str, str] | None = None,
    wait_s: float = 60.0,
    timeout_s: float = 10.0,
) -> SmokeReport:
    """Tests a running API; never raises because of what the API does.

    Args:
        url: base URL.
        expected: the bundles that it must serve.
        headers: sent with each request, for authentication.
        wait_s: how long it may take to become ready.
        timeout_s: one request.
    """
    latencies: list[float] = []
    with httpx.Client(base_url=url, headers=headers, timeout=timeout_s) as client:
        checks = [_ready(client, wait_s)]
        if checks[0].passed:
            for bundle in expected:
                checks += [_version(client, bundle), _golden(client, bundle, latencies), _refusal(client, bundle)]
    return SmokeReport(url=url, checks=tuple(checks), latencies_ms=tuple(latencies))


def _ready(client: httpx.Client, wait_s: float) -> Check:
    began = time.monotonic()
    while True:
        ready, found = _asked_ready(client)
        waited = time.monotonic() - began
        if ready:
            return Check(subject="ready", passed=True, found=f"after {waited:.1f} s")
        # written so that a time which is no number ends it too
        if not waited < wait_s:
            return Check(subject="ready", passed=False, found=f"{found}, for {waited:.0f} s")
        time.sleep(min(0.5, wait_s))


def _asked_ready(client: httpx.Client) -> tuple[bool, str]:
    try:
        response = client.get("/health/ready")
    except httpx.HTTPError as e:
        return False, f"not reached: {type(e).__name__} {e}".strip()
    if response.status_code in _UNAUTHORISED:
        # asked again all the same: a role that Terraform has just granted takes a while to be known everywhere
        return False, f"not allowed: HTTP {response.status_code}, expected a caller with roles/run.invoker"
    # any web server may answer 200, as the placeholder image does
    ready = response.is_success and _json(response).get("status") == "ready"
    return ready, f"HTTP {response.status_code} {response.text[:100]!r}"


def _version(client: httpx.Client, bundle: Bundle) -> Check:
    subject = f"{bundle.profile.name}: version"
    try:
        response = client.get(f"/v1/models/{bundle.profile.name}")
    except httpx.HTTPError as e:
        return Check(subject=subject, passed=False, found=f"{type(e).__name__} {e}")
    found = _json(response).get("version")
    if response.is_success and found == bundle.version:
        return Check(subject=subject, passed=True, found=bundle.version)
    serves = f"{found}" if response.is_success else _refused(response)
    return Check(subject=subject, passed=False, found=f"{serves}, expected {bundle.version}")


def _golden(client: httpx.Client, bundle: Bundle, latencies: list[float]) -> Check:
    subject, golden = f"{bundle.profile.name}: golden scores", bundle.golden
    worst = 0.0
    for i, (end, values, score) in enumerate(zip(golden.ends, golden.values, golden.scores, strict=True)):
        instance = {"device_id": DEVICE, "window_end": as_datetime(end).isoformat(), "values": values}
        began = time.perf_counter()
        try:
            response = client.post(f"/v1/models/{bundle.profile.name}:predict", json={"instances": [instance]})
        except httpx.HTTPError as e:
            return Check(subject=subject, passed=False, found=f"window {i}: {type(e).__name__} {e}")
        latencies.append((time.perf_counter() - began) * 1000)
        found = _score(response)
        if found is None:
            return Check(subject=subject, passed=False, found=f"window {i}: {_refused(response)}")
        off = abs(found - score) / max(abs(score), 1e-6)
        # written so that a score which is no number fails too
        if not off <= TOLERANCE:
            text = f"window {i} scores {found:.6f}, expected {score:.6f} within {TOLERANCE:g}"
            return Check(subject=subject, passed=False, found=text)
        worst = max(worst, off)
    return Check(subject=subject, passed=True, found=f"{len(golden.scores)} windows, off by {worst:.1e} at most")


def _refusal(client: httpx.Client, bundle: Bundle) -> Check:
    """A request without an instance is the client's fault, and the API must say so."""
    subject = f"{bundle.profile.name}: an invalid request"
    try:
        response = client.post(f"/v1/models/{bundle.profile.name}:predict", json={"instances": []})
    except httpx.HTTPError as e:
        return Check(subject=subject, passed=False, found=f"{type(e).__name__} {e}")
    passed = response.status_code == httpx.codes.UNPROCESSABLE_ENTITY and bool(_error_code(response))
    expected = "" if passed else f", expected HTTP {httpx.codes.UNPROCESSABLE_ENTITY} with an error code"
    return Check(subject=subject, passed=passed, found=f"{_refused(response)}{expected}")


def _score(response: httpx.Response) -> float | None:
    try:
        return float(response.json()["predictions"][0]["score"]) if response.is_success else None
    except (ValueError, KeyError, IndexError, TypeError, OverflowError, RecursionError):
        return None


def _refused(response: httpx.Response) -> str:
    return f"HTTP {response.status_code} {_error_code(response)}".strip()


def _error_code(response: httpx.Response) -> str:
    error = _json(response).get("error")
    return str(error.get("code", "")) if isinstance(error, dict) else ""


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
