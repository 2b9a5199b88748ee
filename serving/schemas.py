"""The bodies of requests and responses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from aiot_anomaly.bundle import ThresholdReport
from aiot_anomaly.calibration import CalibrationDocument
from aiot_anomaly.detection import SeriesOutcome
from aiot_anomaly.messages import EARLIEST, LATEST, DeviceId, Prediction, Reading
from aiot_anomaly.profile import Profile, Sensor

MOST_INSTANCES = 1024
MOST_READINGS = 10_000


def time_of(value: object) -> datetime:
    """The time that a text names; a ValueError that says what was expected if it names none."""
    if not isinstance(value, str):
        raise ValueError("expected an ISO 8601 time with an offset, such as 2026-11-22T19:00:00Z")
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("expected an ISO 8601 time with an offset, such as 2026-11-22T19:00:00Z") from None
    if time.tzinfo is None:
        raise ValueError("expected an offset from UTC, such as a final Z")
    if not EARLIEST <= time < LATEST:
        raise ValueError(f"expected a time from {EARLIEST.year} until {LATEST.year}")
    return time


Time = Annotated[datetime, PlainValidator(time_of), WithJsonSchema({"type": "string", "format": "date-time"})]

#: checked by `serving.window_values`, which is a hundred times faster for it
Values = Annotated[Any, WithJsonSchema({"type": "array", "items": {"type": "array", "items": {"type": "number"}}})]

#: how easily a window is called anomalous: 50 is the model's own threshold, 100 a quarter of it, 0 four times it
Sensitivity = Annotated[
    float,
    Field(
        ge=0,
        le=100,
        strict=True,
        description="Moves the threshold: 50 is the model's own, 75 half, 100 a quarter, 25 twice and 0 four times it. "
        "A score of 1.0 is the moved threshold.",
    ),
]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Parameters(_Request):
    """What holds for all instances of a request."""

    sensitivity: Sensitivity | None = None


class Instance(_Request):
    """One window of one device."""

    device_id: DeviceId
    window_end: Time = Field(description="Time of the window's last row; fractions of a second are dropped.")
    values: Values = Field(description="T rows of F values, columns as `input_names`, in physical units.")
    calibration: CalibrationDocument | None = Field(
        default=None, description="The device's own; without it the bundle's for the device, then the fleet's."
    )
    sensitivity: Sensitivity | None = None


class PredictRequest(_Request):
    """Windows of any devices of one profile."""

    instances: Annotated[
        list[Any], WithJsonSchema({"type": "array", "items": {"$ref": "#/components/schemas/Instance"}})
    ] = Field(min_length=1, max_length=MOST_INSTANCES)
    parameters: Parameters | None = Field(
        default=None, description="For all instances; what an instance says itself goes before it."
    )


class DetectRequest(_Request):
    """Raw readings of one device, in any order, gaps and all."""

    device_id: DeviceId
    readings: list[Reading] = Field(min_length=1, max_length=MOST_READINGS)
    last_only: bool = Field(default=False, description="Answer the last complete window alone.")
    calibration: CalibrationDocument | None = None
    sensitivity: Sensitivity | None = None


class CalibrateRequest(_Request):
    """Raw readings of one device in normal operation, in any order, gaps and all."""

    device_id: DeviceId
    readings: list[Reading] = Field(min_length=1, max_length=MOST_READINGS)


class PredictResponse(BaseModel):
    """One prediction for each instance, in their order."""

    model: str
    version: str
    predictions: list[Prediction]


class Undecided(BaseModel):
    """Where a prediction would stand, if there were readings enough for one."""

    device_id: str
    window_end: AwareDatetime
    is_anomaly: Literal[False]
    score: None
    severity: None
    reason: Literal["insufficient_history"]
    readings_needed: int = Field(ge=1, description="Further readings, without a gap, until there is a prediction.")


class DetectResponse(BaseModel):
    """One prediction for each complete window, in order of time, and what became of each reading.

    With `last_only`, and no complete window, it says so in its place.
    """

    model: str
    version: str
    device_id: str
    outcomes: dict[SeriesOutcome, int]
    readings_needed: int = Field(
        ge=0,
        description="Further readings, without a gap, until the next prediction; 0 where the last reading has one.",
    )
    predictions: list[Prediction | Undecided]


class InvocationsRequest(_Request):
    """What MLflow's clients send: one of the four forms, see `serving.invocations`."""

    dataframe_split: dict[str, Any] | None = Field(default=None, description="Readings: columns and data, as pandas'.")
    dataframe_records: list[dict[str, Any]] | None = Field(default=None, description="Readings, one object a row.")
    instances: list[Any] | None = Field(default=None, description="As for `:predict`, or with readings.")
    inputs: Any = Field(default=None, description="Instances, or columns, or windows alone.")
    params: dict[str, Any] | None = Field(
        default=None, description="`profile`, `sensitivity`, and `device_id` and `window_end` of what has none."
    )


class InvocationsResponse(BaseModel):
    """One prediction for each row, instance or window, in their order."""

    predictions: list[Prediction | Undecided]
    model: str
    version: str


class CalibrateResponse(BaseModel):
    """What is normal for one device: to be sent along as `calibration` of its instances, or of its readings."""

    model: str
    version: str
    device_id: str
    windows: int = Field(description="Complete windows that it was computed from.")
    outcomes: dict[SeriesOutcome, int]
    calibration: CalibrationDocument


class ModelName(BaseModel):
    """A model that is served."""

    name: str
    version: str
    title: str


class ModelList(BaseModel):
    """All models that are served."""

    models: list[ModelName]


class WindowDescription(BaseModel):
    """What a window is made of, in grid intervals."""

    steps: int
    step: int
    aggregate: int
    stride: int
    interval_s: int
    readings_needed: int = Field(description="Readings without a gap that the first window of a device needs.")


class ModelDescription(ModelName):
    """Everything that a client needs to know of a model."""

    description: str
    sensors: list[Sensor]
    input_names: list[str] = Field(description="The columns of a window: the sensors, then the derived inputs.")
    window: WindowDescription
    threshold: ThresholdReport
    metrics: dict[str, float]
    training_range: tuple[AwareDatetime, AwareDatetime]
    mlflow_run_id: str
    git_commit: str
    data_fingerprint: str
    devices: int = Field(description="Devices that the bundle has a calibration for.")
    profile: Profile


class Alive(BaseModel):
    """The process answers."""

    status: str


class Ready(Alive):
    """The models are loaded and gave their golden scores."""

    models: dict[str, str] = Field(description="Version by name.")


class ErrorDetail(BaseModel):
    """What was refused and why."""

    code: str = Field(description="Stable; clients may compare it.")
    message: str
    details: dict[str, Any]


class ErrorBody(BaseModel):
    """The one shape of every error."""

    error: ErrorDetail
