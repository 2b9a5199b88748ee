"""The profile: what one kind of device measures and how its data becomes windows and alarms.

A profile is written as YAML in `aiot_anomaly/profiles/` (read by `aiot_anomaly.profile_store`, where a
person edits it) and travels as JSON inside the bundle, so the service and the function need no YAML.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from pydantic import Field, model_validator

from aiot_anomaly.configuration import Frozen, Name
from aiot_anomaly.derived import Derived

Direction = Literal["up", "down", "both"]


class Sensor(Frozen):
    """One measured quantity of the device."""

    name: Name
    unit: str
    #: lowest and highest value that the sensor can truthfully report, in `unit`; others count as missing
    valid_range: tuple[float, float]
    #: the way in which an anomaly moves the sensor
    direction: Direction = "both"
    #: smallest deviation worth an alarm, in `unit`: the sensors' relative weights where `direction` counts
    smallest_deviation: float = Field(gt=0)
    #: False where the level drifts by nature (a room's temperature) and only a derived input is scored
    score_level: bool = True

    @model_validator(mode="after")
    def _range_is_ordered(self) -> Sensor:
        low, high = self.valid_range
        if low >= high:
            raise ValueError(f"valid_range of {self.name} is [{low}, {high}]; expected low < high")
        return self


class Imputation(Frozen):
    """How missing values are filled, causally."""

    method: Literal["hold"] = "hold"
    #: longest run of missing grid intervals that is filled; a longer one breaks the window
    longest_gap: int = Field(ge=0)


class Window(Frozen):
    """What the model sees at once. All lengths are in grid intervals (`Profile.interval_s`)."""

    #: rows of a window
    steps: int = Field(ge=2, le=2_000)
    #: distance between two rows of a window
    step: int = Field(default=1, ge=1)
    #: each row is the mean of this many trailing grid intervals
    aggregate: int = Field(default=1, ge=1)
    #: a window is evaluated at every `stride`-th point of the grid (counted from 1970-01-01T00:00Z)
    stride: int = Field(default=1, ge=1)
    #: and so many points later: of hourly readings, with a stride of 24, 23 is the last of each day in UTC
    phase: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _phase_is_within_the_stride(self) -> Window:
        if self.phase >= self.stride:
            raise ValueError(f"window.phase is {self.phase}; expected less than the stride, {self.stride}")
        return self


class Season(Frozen):
    """Which hours are alike: the calibration keeps one level for each slot."""

    #: "none": one level; "hour_of_week": 24 hours × (working day, weekend), in `utc_offset_h`
    kind: Literal["none", "hour_of_week"] = "none"
    utc_offset_h: float = Field(default=0.0, ge=-14, le=14)

    @property
    def slots(self) -> int:
        """How many levels the calibration keeps for each input."""
        return 48 if self.kind == "hour_of_week" else 1


class Scoring(Frozen):
    """How residuals become one number; see `aiot_anomaly.training.graph`."""

    #: "two_sided": distances of the level and of what the network cannot explain, see `aiot_anomaly.scoring`;
    #: "removed": how much a denoising network takes away, see `aiot_anomaly.removal`
    kind: Literal["two_sided", "removed"] = "two_sided"
    #: the last rows of the window over which residuals are averaged
    last_steps: int = Field(ge=1)
    #: standardised inputs are clipped to ± this many deviations
    clip: float = Field(default=10.0, gt=0)
    #: added to the diagonal of the covariance of standardised inputs
    ridge: float = Field(default=0.1, gt=0)
    #: two_sided only: how much the level's distance counts beside that of the network's residual
    level_weight: float = Field(default=1.0, ge=0)
    #: True: inputs are made uncorrelated by the device's own covariance before the network sees them. Where sensors
    #: move together, as flow and pressures do, what breaks that bond is small, and stands out in no sensor by itself
    whiten: bool = False
    #: how a device's normal residuals are judged: with more than one, each of so many parts of its rows with the level
    #: of the others, where the level has many parts and its own rows would flatter it; 1, with that of the same rows
    folds: int = Field(default=1, ge=1, le=10)
    #: removed only: what counts of the whole window, beside 1 for its last rows
    whole_window: float = Field(default=1.0, ge=0)


class Threshold(Frozen):
    """How the alarm threshold is set from held-back normal rows; see `aiot_anomaly.training.thresholds`."""

    #: "quantile" of the held-back normal scores; "peaks": the same quantile from a tail fitted to the highest scores;
    #: "conformal": the quantile that holds for the next window, too, however few there were; "budget": so high that
    #: few enough incidents open. Not given: "budget" where there is one, else "quantile"
    method: Literal["quantile", "peaks", "conformal", "budget"] | None = None
    #: the share of normal windows that is to lie below the threshold
    quantile: float = Field(gt=0.5, lt=1)
    #: the threshold is what the method gives times this factor
    margin: float = Field(default=1.0, ge=1)
    #: a threshold at which held-back normal windows open at most so many incidents a device in 30 days
    false_incidents_per_month: float | None = Field(default=None, gt=0)
    #: the first share of each device's windows after training whose labels may draw the cost curve of missed events
    #: against false alarms; it is no part of the test then. Not given: none, and labels enter metrics alone
    validation: float | None = Field(default=None, gt=0, lt=1)

    @model_validator(mode="after")
    def _budget_is_given(self) -> Threshold:
        if self.method == "budget" and self.false_incidents_per_month is None:
            raise ValueError("threshold.method is budget; expected false_incidents_per_month, which is the budget")
        return self

    @property
    def rule(self) -> Literal["quantile", "peaks", "conformal", "budget"]:
        """The method, where none is given the usual one."""
        return self.method or ("quantile" if self.false_incidents_per_month is None else "budget")


class Incidents(Frozen):
    """When anomalous decisions become an incident, and when it ends."""

    #: opened when `k` of the last `n` decisions were anomalous
    k: int = Field(ge=1)
    n: int = Field(ge=1)
    #: closed after this many consecutive normal decisions
    quiet: int = Field(ge=1)
    #: of one device and day (UTC) that somebody is told of, unless the model's threshold came with a budget of its own
    most_per_day: int = Field(default=3, ge=1)

    @model_validator(mode="after")
    def _k_of_n(self) -> Incidents:
        if self.k > self.n:
            raise ValueError(f"incidents open after {self.k} of {self.n} decisions; expected k <= n")
        return self


class Stream(Frozen):
    """What the stream tolerates."""

    #: a hole in the grid is waited for until a reading this much younger has come, in seconds
    allowed_lateness_s: int = Field(default=0, ge=0)
    #: a timestamp further ahead of the clock than this is refused, in seconds
    future_skew_s: int = Field(default=300, ge=0)
    #: a device that sent no message for this long is silent: its last windows are closed, and an incident is opened.
    #: Not given: ten intervals, or a quarter of an hour if that is longer; never less than `allowed_lateness_s`
    silent_after_s: int | None = Field(default=None, ge=1)
    #: a device that nobody calibrated gets its own calibration once its quiet readings span this long beyond a window.
    #: Not given: 125 evaluated windows, at least an hour, or two weeks where hours are not alike
    learning_s: int | None = Field(default=None, ge=1)


class Profile(Frozen):
    """One kind of device."""

    name: Name
    title: str
    description: str
    sensors: tuple[Sensor, ...] = Field(min_length=1, max_length=256)
    #: distance between two readings: the grid on which everything is computed, in seconds
    interval_s: int = Field(ge=1)
    derived: tuple[Derived, ...] = ()
    window: Window
    imputation: Imputation
    season: Season = Season()
    scoring: Scoring
    threshold: Threshold
    incidents: Incidents
    stream: Stream = Stream()

    @model_validator(mode="after")
    def _is_consistent(self) -> Profile:
        names = [*self.sensor_names, *(d.name for d in self.derived)]
        doubled = sorted({n for n in names if names.count(n) > 1})
        if doubled:
            raise ValueError(f"input names used twice: {', '.join(doubled)}")
        for d in self.derived:
            if d.sensor not in self.sensor_names:
                raise ValueError(
                    f"derived input {d.name} is of unknown sensor {d.sensor}; sensors: {self.sensor_names}"
                )
        unscored = [
            s.name for s in self.sensors if not s.score_level and s.name not in {d.sensor for d in self.derived}
        ]
        if unscored:
            raise ValueError(f"sensors without a scored input: {unscored}; give each a derived input or score_level")
        if self.scoring.last_steps > self.window.steps:
            raise ValueError(f"scoring.last_steps is {self.scoring.last_steps}, the window has {self.window.steps}")
        # or windows would end in some of the hours only, and nothing be known of the hours of their other rows
        evaluated_hourly = 3600 % (self.interval_s * self.window.stride) == 0
        if self.season.kind == "hour_of_week" and not evaluated_hourly and self.window.step % self.window.stride:
            raise ValueError("with hour_of_week, an hour must be a multiple of interval_s × stride, or step of stride")
        return self

    @cached_property
    def directed(self) -> bool:
        """True where it is known which way an anomaly moves some of the sensors."""
        return any(s.direction != "both" for s in self.sensors)

    @cached_property
    def sensor_names(self) -> tuple[str, ...]:
        """In the order of the columns."""
        return tuple(s.name for s in self.sensors)

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """The columns of a window: the sensors, then the derived inputs."""
        return (*self.sensor_names, *(d.name for d in self.derived))

    @cached_property
    def input_sensor(self) -> tuple[int, ...]:
        """For each column of a window, the index of the sensor that it is from."""
        return (*range(len(self.sensors)), *(self.sensor_names.index(d.sensor) for d in self.derived))

    @cached_property
    def scored_inputs(self) -> tuple[int, ...]:
        """The columns of a window that are scored."""
        levels = [i for i, s in enumerate(self.sensors) if s.score_level]
        return (*levels, *range(len(self.sensors), len(self.input_names)))

    @property
    def memory(self) -> int:
        """Grid intervals that derived inputs look back."""
        return max((d.memory for d in self.derived), default=0)

    @property
    def span(self) -> int:
        """Grid intervals that one window needs, the evaluated one included, derived inputs' memory too."""
        return (self.window.steps - 1) * self.window.step + self.window.aggregate + self.memory

    @property
    def history(self) -> int:
        """Grid intervals to keep so that a window comes out as it would from the whole series."""
        return self.span + self.imputation.longest_gap
