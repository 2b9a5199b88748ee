"""How large things are: messages and states measured on the repository's own models, the rest Terraform's defaults."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np

from aiot_anomaly import messages, windows
from aiot_anomaly.detector import load, records
from aiot_anomaly.device_state import DeviceState
from aiot_anomaly.messages import Decision, Incident, Prediction, Reading, ReadingBatch
from aiot_anomaly.profile import Profile
from aiot_anomaly.stream import REMEMBERED_MESSAGES

ROOT = Path(__file__).parents[2]
#: what Pub/Sub adds to data and attributes: 20 bytes of time, and an id of 17
_ENVELOPE = 37
#: sizes are rounded up to this, so that another model, or another processor's last digits, do not change the table
_STEP = 500


@dataclass(frozen=True)
class Sizes:
    """Bytes of one of each, and the profile that they are of."""

    profile: Profile
    reading: int
    decision: int
    state: int


@cache
def measure(profile: str) -> Sizes:
    """Encodes a reading, a decision and a full state, made of the promoted bundle's golden windows."""
    detector = load(ROOT / "serving" / "models" / profile)
    of = detector.profile
    chosen = detector.bundle.golden.windows(of)
    worst = int(np.argmax(detector.bundle.golden.scores))
    scores = detector.score(chosen, detector.bundle.fleet)
    n = len(chosen)
    found = Prediction.model_validate(records(of, ["dma-0001"] * n, chosen, scores, ["fleet"] * n)[worst])
    row = dict(zip(of.sensor_names, chosen.values[worst, -1].tolist(), strict=False))
    # instruments report hundredths
    values = {name: round(value, 2) for name, value in row.items()}
    end = windows.as_datetime(int(chosen.ends[worst]))
    reading = ReadingBatch(device_id="dma-0001", readings=[Reading(timestamp=end, values=values)])
    decision = Decision(
        **found.model_dump(),
        id=messages.decision_id(profile, "dma-0001", end),
        profile=profile,
        model_version=detector.bundle.version,
        values=row,
        incident=Incident(
            id=messages.decision_id(profile, "dma-0001", end), state="ongoing", opened_at=end, peak_score=found.score
        ),
        decided_at=datetime(2026, 11, 22, 19, 0, 0, 123456, tzinfo=UTC),
    )
    state = DeviceState(
        slots=np.arange(of.history),
        values=np.zeros((of.history, len(of.sensors))),
        messages=("1" * 17,) * REMEMBERED_MESSAGES,
    )
    attributes = sum(len(name) + len(value) for name, value in messages.attributes(profile).items())
    return Sizes(
        profile=of,
        reading=_rounded(len(reading.encode()) + attributes + len("dma-0001") + _ENVELOPE),
        # its own attributes are about as long as its id, twice
        decision=_rounded(len(decision.model_dump_json()) + 2 * len(decision.id) + attributes + _ENVELOPE),
        state=_rounded(len(state.encode())),
    )


def setting(variable: str, attribute: str, environment: str | None = None) -> float:
    """A number of Terraform's settings; of a quantity such as 8Gi the GiB.

    Args:
        variable: of `terraform/variables.tf`, an object.
        attribute: of it.
        environment: a file in `terraform/environments/` that comes before the default.

    Raises:
        LookupError: there is no such variable, attribute or default.
    """
    folder = ROOT / "terraform"
    if environment is not None:
        given = (folder / "environments" / f"{environment}.tfvars").read_text(encoding="utf-8")
        found = re.search(rf"^{variable}\s*= {{.*?\b{attribute} = \"?([\d.]+)(Mi|Gi)?", given, re.MULTILINE)
        if found:
            return _quantity(found)
    text = (folder / "variables.tf").read_text(encoding="utf-8")
    block = re.search(rf'^variable "{variable}" {{\n(.*?)^}}', text, re.MULTILINE | re.DOTALL)
    found = block and re.search(rf"\b{attribute}\s*= optional\(\w+, \"?([\d.]+)(Mi|Gi)?\"?\)", block.group(1))
    if not found:
        raise LookupError(f"terraform/variables.tf has no default for {variable}.{attribute}")
    return _quantity(found)


def alert_conditions() -> int:
    """How many conditions the alert policies of `terraform/monitoring.tf` have: on metrics and on the log."""
    text = (ROOT / "terraform" / "monitoring.tf").read_text(encoding="utf-8")
    return len(re.findall(r"^      title += ", text, re.MULTILINE)) + text.count("condition_matched_log {")


def _rounded(size: int) -> int:
    return -(-size // _STEP) * _STEP


def _quantity(found: re.Match[str]) -> float:
    return float(found.group(1)) / (1024 if found.group(2) == "Mi" else 1)
