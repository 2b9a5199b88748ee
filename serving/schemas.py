"""The bodies of requests."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from aiot_anomaly.calibration import CalibrationDocument
from aiot_anomaly.messages import EARLIEST, LATEST, DeviceId, Reading

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


class InvocationsRequest(_Request):
    """What MLflow's clients send: one of the four forms, see `serving.invocations`."""

    dataframe_split: dict[str, Any] | None = Field(default=None, description="Readings: columns and data, as pandas'.")
    dataframe_records: list[dict[str, Any]] | None = Field(default=None, description="Readings, one object a row.")
    instances: list[Any] | None = Field(default=None, description="As for `:predict`, or with readings.")
    inputs: Any = Field(default=None, description="Instances, or columns, or windows alone.")
    params: dict[str, Any] | None = Field(
        default=None, description="`profile`, `sensitivity`, and `device_id` and `window_end` of what has none."
    )
