"""Pub/Sub messages: the readings that devices send and the decisions that leave.

A reading message is JSON, its `ordering_key` the device id, its attributes `profile` and `schema_version`:

    {"device_id": "dma-07", "readings": [{"timestamp": "2026-11-22T19:00:00Z", "values": {"inflow_lps": 12.31}}]}

Ground truth never travels in a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from aiot_anomaly.errors import MessageError
from aiot_anomaly.profile import Profile

SCHEMA_VERSION = "1"
#: times that a reading or a window can have; others are a mistake, such as a clock that was never set
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
DeviceId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
Outcome = Literal["decided", "warming_up", "duplicate", "late", "gap"]
OUTCOMES: tuple[Outcome, ...] = ("decided", "warming_up", "duplicate", "late", "gap")
IncidentState = Literal["opened", "ongoing", "closed"]
NoticeReason = Literal["silent", "sending", "gap"]
#: what an incident is about: windows that are not as they should be, or a device that sends nothing any more
IncidentKind = Literal["anomaly", "silent"]


def _iso(value: object) -> object:
    # pydantic would also take numbers, and guess whether they are seconds or milliseconds
    if not isinstance(value, (str, datetime)) or (isinstance(value, str) and "T" not in value.upper()):
        raise ValueError("expected an ISO 8601 time such as 2026-11-22T19:00:00Z")
    return value


#: an ISO 8601 time with its zone
Time = Annotated[AwareDatetime, BeforeValidator(_iso)]
#: a number, and not a text or a truth value that could be read as one
Number = Annotated[float, Field(strict=True)]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Reading(_Message):
    """All values of one device at one time; a sensor that is absent or null is missing."""

    timestamp: Time
    values: dict[str, Number | None] = Field(max_length=256)


class ReadingBatch(_Message):
    """The data of one Pub/Sub message: readings of one device."""

    device_id: DeviceId
    readings: list[Reading] = Field(min_length=1, max_length=10_000)

    def encode(self) -> bytes:
        """JSON in UTF-8."""
        return self.model_dump_json().encode()


class Incident(_Message):
    """The incident that a decision or a notice belongs to."""

    id: str
    kind: IncidentKind = "anomaly"
    state: IncidentState
    opened_at: AwareDatetime
    #: 0 where nothing was scored
    peak_score: float
    #: that explained most of the highest score, the first one most of all
    sensors: list[str] = []
    #: beyond the device's budget of alarms for the day: recorded, and nobody is told
    suppressed: bool = False


class Contribution(_Message):
    """How much of the score one sensor explains; shares of a decision sum to 1."""

    sensor: str
    share: float = Field(ge=0, le=1)


class Expected(_Message):
    """What the model expected of a sensor, in its unit, at the window's end."""

    value: float
    lower: float
    upper: float


class Prediction(_Message):
    """What the API answers for one window. `score` 1.0 is the threshold on every device and profile."""

    device_id: DeviceId
    window_end: AwareDatetime
    is_anomaly: bool
    score: float = Field(ge=0)
    severity: float = Field(ge=0, le=1)
    reason: Literal["anomaly", "normal", "out_of_range", "insufficient_history"]
    #: whose calibration was used: the one that came with the window, the bundle's for this device, or the fleet's
    calibration: Literal["device", "bundle", "fleet"]
    contributions: list[Contribution]
    expected: dict[str, Expected]
    out_of_range: list[str] = []
    #: share of each sensor's readings in the window that were missing, so that the last one was held; where known
    filled: dict[str, Annotated[float, Field(ge=0, le=1)]] | None = None


class Decision(Prediction):
    """The data of a message on `decisions`: a prediction, where it is from, and its incident."""

    id: str
    profile: str
    model_version: str
    #: the values that were decided on, at the window's end, in the sensors' units
    values: dict[str, float | None]
    incident: Incident | None = None
    #: names the device's own calibration, where it was used
    calibration_id: str | None = None
    #: somebody said that the device was worked on at the window's end, so that no incident was opened
    maintenance: bool = False
    #: when the function made the decision
    decided_at: AwareDatetime


class Notice(_Message):
    """What is told of a device beside its decisions, on the same topic, with the attribute `notice`.

    `silent`: it stopped sending. `sending`: it sends again. `gap`: no reading came for longer than its profile allows,
    and there is no decision until its window is full again.
    """

    id: str
    profile: str
    device_id: DeviceId
    reason: NoticeReason
    #: silent, sending: when its last message before the silence was published. gap: time of the last reading before it
    since: AwareDatetime
    #: gap: time of the first reading after it; absent where it still goes on
    until: AwareDatetime | None = None
    incident: Incident | None = None
    #: when the function noticed
    decided_at: AwareDatetime


def decision_id(profile: str, device_id: str, window_end: datetime) -> str:
    """Deterministic: the same window of the same device has the same id, whatever model decided it."""
    return f"{profile}/{device_id}/{window_end.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def notice_id(profile: str, device_id: str, reason: NoticeReason, at: datetime) -> str:
    """Deterministic, as `decision_id` is; no decision has the same."""
    return f"{profile}/{device_id}/{reason}/{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def parse_readings(data: bytes) -> ReadingBatch:
    """Reads the data of a message.

    Raises:
        MessageError: it is not JSON or not of the contract's form; the text names the first fault.
    """
    try:
        return ReadingBatch.model_validate_json(data)
    except ValidationError as e:
        fault = e.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(p) for p in fault["loc"]) or "message"
        raise MessageError(f"{where}: {fault['msg']}", code="malformed_message") from None


def check_against(batch: ReadingBatch, profile: Profile, now: datetime) -> None:
    """Refuses what no retry can mend: sensors that the profile does not know, clocks ahead of ours or at zero.

    Raises:
        MessageError: `unknown_sensor`, `future_timestamp` or `invalid_timestamp`.
    """
    known = frozenset(profile.sensor_names)
    for reading in batch.readings:
        unknown = reading.values.keys() - known
        if unknown:
            raise MessageError(
                f"unknown sensor {', '.join(sorted(unknown))}; "
                f"profile {profile.name} has {', '.join(profile.sensor_names)}",
                code="unknown_sensor",
            )
        if reading.timestamp < EARLIEST:
            raise MessageError(
                f"timestamp {reading.timestamp.isoformat()} is before {EARLIEST.year}: the device's clock is not set",
                code="invalid_timestamp",
            )
        ahead = (reading.timestamp - now).total_seconds()
        if ahead > profile.stream.future_skew_s:
            raise MessageError(
                f"timestamp {reading.timestamp.isoformat()} is {ahead:.0f} s in the future; "
                f"profile {profile.name} allows {profile.stream.future_skew_s} s",
                code="future_timestamp",
            )


def attributes(profile: str) -> Mapping[str, str]:
    """The attributes of a reading message."""
    return {"profile": profile, "schema_version": SCHEMA_VERSION}
