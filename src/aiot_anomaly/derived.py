"""Derived inputs: what a window holds beside the sensors themselves, each computed causally from one sensor."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from aiot_anomaly.configuration import Frozen, Name

Float = NDArray[np.float64]


class Change(Frozen):
    """Derived input: the sensor's change over `span` grid intervals, in the sensor's unit."""

    kind: Literal["change"]
    name: Name
    sensor: Name
    span: int = Field(ge=1, le=10_000)
    #: a device's normal deviation of it is taken as this at least, in the sensor's unit: a few quiet minutes do not
    #: show how fast a temperature may change in normal operation
    floor: float = Field(default=0.0, ge=0)
    #: scoring by what was removed only: how much it counts beside the other inputs
    weight: float = Field(default=1.0, ge=0)

    @property
    def memory(self) -> int:
        """Grid intervals that it looks back."""
        return self.span

    def of(self, held: Float) -> Float:
        """Of the sensor's values (n,), NaN where missing, the derived input (n,), NaN where history is missing."""
        result = np.full_like(held, np.nan)
        result[self.span :] = held[self.span :] - held[: -self.span]
        return result

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """The least and the most that it can be, of a sensor between `low` and `high`."""
        return low - high, high - low


class Log(Frozen):
    """Derived input: the natural logarithm of a quantity that is never negative, over some past grid intervals.

    What multiplies a sensor (a share that is not metered) shifts its logarithm, as much on a large device as on a
    small one.
    """

    kind: Literal["log"]
    name: Name
    sensor: Name
    #: of what: the values' mean, or the mean absolute step from one value to the next
    quantity: Literal["mean", "steps"] = "mean"
    #: over how many values
    span: int = Field(default=1, ge=1, le=10_000)
    #: the last of them is so many grid intervals back
    ago: int = Field(default=0, ge=0, le=10_000)
    #: added before the logarithm is taken, in the sensor's unit: what is so small that it makes no difference
    offset: float = Field(gt=0)
    #: a device's normal deviation of it is taken as this at least: 0.05 is 5 %
    floor: float = Field(default=0.05, ge=0)
    #: scoring by what was removed only: how much it counts beside the other inputs
    weight: float = Field(default=1.0, ge=0)

    @model_validator(mode="after")
    def _has_steps(self) -> Log:
        if self.quantity == "steps" and self.span < 2:
            raise ValueError(f"{self.name} is of the steps between {self.span} values; expected a span of at least 2")
        return self

    @property
    def memory(self) -> int:
        """Grid intervals that it looks back."""
        return self.ago + self.span - 1

    def of(self, held: Float) -> Float:
        """Of the sensor's values (n,), NaN where missing, the derived input (n,), NaN where history is missing."""
        rows, count = (held, self.span) if self.quantity == "mean" else (np.abs(np.diff(held)), self.span - 1)
        result = np.full_like(held, np.nan)
        n = len(held) - self.memory
        if n > 0:
            # one by one, so that the last bit of a row does not depend on how many rows there are
            total = np.zeros(n)
            for k in range(count):
                total += rows[k : k + n]
            result[self.memory :] = self.taken(total / count)
        return result

    def taken(self, quantity: Float) -> Float:
        """The logarithm of a quantity in the sensor's unit; below 0 counts as 0."""
        return np.asarray(np.log(np.maximum(quantity, 0.0) + self.offset))

    def undone(self, logarithm: Float) -> Float:
        """The quantity that a logarithm is of, in the sensor's unit."""
        return np.maximum(np.exp(logarithm) - self.offset, 0.0)

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """The least and the most that it can be, of a sensor between `low` and `high`."""
        least, most = (low, high) if self.quantity == "mean" else (0.0, high - low)
        return float(self.taken(np.array(least))), float(self.taken(np.array(most)))


Derived = Annotated[Change | Log, Field(discriminator="kind")]
