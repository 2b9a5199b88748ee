"""The bodies of answers, as they are described: most are written without these, see `serving.encoding`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from aiot_anomaly.bundle import ThresholdReport
from aiot_anomaly.calibration import CalibrationDocument
from aiot_anomaly.detection import SeriesOutcome
from aiot_anomaly.messages import Prediction
from aiot_anomaly.profile import Profile, Sensor


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
