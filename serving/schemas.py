"""The bodies of requests and responses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

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

_NO_PARAMETERS = "Vertex AI clients send it; there is no parameter yet, so it must be empty"


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Instance(_Request):
    """One window of one device."""

    device_id: DeviceId
    window_end: Time = Field(description="Time of the window's last row; fractions of a second are dropped.")
    values: Values = Field(description="T rows of F values, columns as `input_names`, in physical units.")
    calibration: CalibrationDocument | None = Field(
        default=None, description="The device's own; without it the bundle's for the device, then the fleet's."
    )


class PredictRequest(_Request):
    """Windows of any devices of one profile."""

    instances: Annotated[
        list[Any], WithJsonSchema({"type": "array", "items": {"$ref": "#/components/schemas/Instance"}})
    ] = Field(min_length=1, max_length=MOST_INSTANCES)
    parameters: dict[str, Any] | None = Field(default=None, max_length=0, description=_NO_PARAMETERS)


class DetectRequest(_Request):
    """Raw readings of one device, in any order, gaps and all."""

    device_id: DeviceId
    readings: list[Reading] = Field(min_length=1, max_length=MOST_READINGS)
    last_only: bool = Field(default=False, description="Answer the last complete window alone.")
    calibration: CalibrationDocument | None = None


class PredictResponse(BaseModel):
    """One prediction for each instance, in their order."""

    model: str
    version: str
    predictions: list[Prediction]


class DetectResponse(BaseModel):
    """One prediction for each complete window, in order of time, and what became of each reading."""

    model: str
    version: str
    device_id: str
    outcomes: dict[SeriesOutcome, int]
    predictions: list[Prediction]


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
