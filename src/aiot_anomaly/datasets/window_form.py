"""What a window of a first profile looks like: how long, how fine, and of what."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from aiot_anomaly.datasets import traits
from aiot_anomaly.datasets.survey import Survey
from aiot_anomaly.datasets.training_part import TrainingPart, came, look
from aiot_anomaly.datasets.traits import DAY_S, HOUR_S, Grid
from aiot_anomaly.errors import DatasetError

#: the day is of one kind where it explains this share of the sensors
DAILY = 0.25
#: fewest windows that a training part should have: a calibration takes 100, and three in ten are held back
WINDOWS = 160
#: share of the rows that train, where there are enough; and the most that may
TRAIN, MOST_TRAIN = 0.4, 0.6
#: days of training that a level for each hour of working days and weekends needs
SEASON_DAYS = 14
#: numbers that all windows together may hold (0.3 GB)
NUMBERS = 40_000_000
#: the last share of a window over which deviations are averaged
JUDGED = 0.25
#: what a window is made of, the first that fits
WINDOW_KINDS = ("day", "cycles", "memory")
#: cycles that a window holds: deviations are averaged over one
CYCLES = 4
#: shortest interval of which a window is a whole day: what reports more often may fail within minutes
BY_DAY_S = 300


@dataclass(frozen=True)
class Form:
    """What a window looks like.

    Attributes:
        changing: sensors of which the change is judged and not the level, and over how many points.
        window: as a profile writes it.
        last_steps: rows over which deviations are averaged.
        seasonal: whether each hour of working days and weekends has a level of its own.
    """

    changing: dict[int, int]
    window: dict[str, int]
    last_steps: int
    seasonal: bool

    @property
    def span(self) -> int:
        """Points of the grid that a window is made of."""
        seen = (self.window["steps"] - 1) * self.window["step"] + self.window["aggregate"]
        return seen + max(self.changing.values(), default=0)


def fitting(found: Survey, gap: int) -> tuple[TrainingPart, Form]:
    """The training part and the window: 40 % of the rows, more where that gives too few windows or days.

    A window of a day, or of cycles, that holes leave too few of gives way to a short one.

    Args:
        found: of the recording.
        gap: points of the longest hole that is filled.

    Raises:
        DatasetError: there are too few rows to train on.
    """
    most = look(found, gap, MOST_TRAIN)
    daily = bool(np.mean(traits.daily(most.judged, found.interval_s)) >= DAILY)
    rows = max(came(g) for g in found.devices.values())
    two_weeks = (SEASON_DAYS + 1) * DAY_S / found.interval_s / rows
    best = 0
    for kind in WINDOW_KINDS:
        first = round(min(max(TRAIN, two_weeks), MOST_TRAIN), 3) if daily and two_weeks <= MOST_TRAIN else TRAIN
        for share in sorted({first, *(s for s in (0.45, 0.5, 0.55, MOST_TRAIN) if s > first)}):
            looked = look(found, gap, share)
            form = _form(found, looked, kind, daily=daily)
            windows = max(_windows(part, form) for part in looked.parts)
            if windows >= WINDOWS:
                return looked, form
            best = max(best, windows)
    raise DatasetError(
        f"{found.path} is too short, or has too many holes: even its first {MOST_TRAIN:.0%} gives only {best} windows "
        f"of {form.span} points {found.interval_s} s apart without a hole or a labelled anomaly; expected {WINDOWS}"
    )


def _windows(part: Grid, form: Form) -> int:
    """How many complete windows a training part gives."""
    whole = np.concatenate([[0], np.cumsum(np.isfinite(part).all(axis=1))])
    return int(np.sum(whole[form.span :] - whole[: -form.span] == form.span)) // form.window["stride"]


def _form(found: Survey, looked: TrainingPart, kind: str, *, daily: bool) -> Form:
    days = looked.rows * found.interval_s / DAY_S
    seasonal = daily and days >= SEASON_DAYS and HOUR_S % found.interval_s == 0
    if kind == "day" and not (daily and found.interval_s >= BY_DAY_S):
        kind = "cycles"
    changing = _changing(looked, span=DAY_S // found.interval_s if kind == "day" else 30)
    window, last_steps = _window(found, looked, kind)
    numbers = sum(came(g) for g in found.devices.values()) * window["steps"] * (len(found.sensors) + len(changing))
    window["stride"] = _stride(numbers, found.interval_s, seasonal=seasonal)
    return Form(changing, window, last_steps, seasonal)


def _changing(looked: TrainingPart, *, span: int) -> dict[int, int]:
    """The sensors of which the change is judged and not the level, and over how many points."""
    drifts = dict.fromkeys(np.flatnonzero(traits.drifting(looked.parts, span=span)).tolist(), span)
    # what rested may start at any time and go on: that it did is told once, and not of all that follows
    rests = dict.fromkeys(np.flatnonzero(traits.resting(looked.parts)).tolist(), 1)
    # what a counter counted in one interval; a row of a window is the mean of several
    counts = dict.fromkeys(np.flatnonzero(looked.counters).tolist(), 1)
    return dict(sorted({**drifts, **rests, **counts}.items()))


def _window(found: Survey, looked: TrainingPart, kind: str) -> tuple[dict[str, int], int]:
    """What is seen at once, and over how many of its last rows deviations are averaged.

    Where days are alike: a day, as hourly means. Else, and of what reports often: of machines that work in cycles, four
    of them in 24 rows; of others twice as long as the sensors remember, at least 10 points, in at most 12 rows. Each
    row is a mean of at least three points. Deviations are averaged over the last quarter: noise goes, and an anomaly is
    still told soon; an average of the whole window hides what is shorter than it.
    """
    if kind == "day":
        step = max(1, HOUR_S // found.interval_s)
        steps = DAY_S // (step * found.interval_s)
        return {"steps": steps, "step": step, "aggregate": step}, math.ceil(steps * JUDGED)
    longest = max(looked.judged, key=len)
    cycle = traits.period(longest) if kind == "cycles" else 0
    points, most = (CYCLES * cycle, 24) if cycle else (int(np.clip(2 * traits.memory(longest), 10, 120)), 12)
    steps = min(points, most)
    step = math.ceil(points / steps)
    return {"steps": steps, "step": step, "aggregate": max(3, step)}, math.ceil(steps * JUDGED)


def _stride(numbers: int, interval_s: int, *, seasonal: bool) -> int:
    """A window at every point, or at every so many where all windows would not fit into memory."""
    least = math.ceil(numbers / NUMBERS)
    if not seasonal:
        return least
    fitting = [k for k in range(least, HOUR_S // interval_s + 1) if HOUR_S % (k * interval_s) == 0]
    return fitting[0] if fitting else HOUR_S // interval_s
