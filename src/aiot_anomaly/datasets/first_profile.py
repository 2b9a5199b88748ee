"""A first profile for a recording, from what a survey found: every choice is a rule, and each is said in the file.

The rules look at the training part alone, but for the valid ranges, which must not cut what the recording has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import profile_text
from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.datasets.survey import Found, Survey
from aiot_anomaly.errors import DatasetError
from aiot_anomaly.preprocessing import hold
from aiot_anomaly.profile import Profile

DAY_S, HOUR_S = 86_400, 3600
Grid = NDArray[np.float64]

#: valid ranges reach this many times the range seen beyond it: a fault may go where no value has been
MARGIN = 10.0
#: a level drifts where the halves of the training part lie this many of their own deviations apart …
DRIFT = 1.0
#: … and one value tells the next one
SMOOTH = 0.9
#: the day explains a sensor where values a day apart are as alike as this, and more than those half a day apart
DAILY = 0.3
#: fewest windows that a training part should have: a calibration takes 100, and a fifth is held back
WINDOWS = 160
#: share of the rows that train, where there are enough; and the most that may
TRAIN, MOST_TRAIN = 0.4, 0.6
#: days of training that a level for each hour of working days and weekends needs
SEASON_DAYS = 14
#: numbers that all windows together may hold (0.3 GB)
NUMBERS = 40_000_000
#: points of the grid that the statistics look at, of each sensor
LOOK = 50_000
MOST_SENSORS = 256


@dataclass(frozen=True)
class First:
    """A first profile, how its recording is read, what was found in it, and the YAML text with comments."""

    profile: Profile
    layout: Layout
    found: Survey
    text: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Looked:
    """The training parts, held over short gaps: (n, S) of each device, NaN where labelled as anomalous."""

    parts: tuple[Grid, ...]
    share: float

    @property
    def rows(self) -> int:
        return max(len(p) for p in self.parts)


@dataclass(frozen=True)
class _Form:
    """What a window looks like."""

    drifting: list[str]
    change: int
    window: dict[str, int]
    last_steps: int
    seasonal: bool

    @property
    def span(self) -> int:
        """Points of the grid that a window is made of."""
        seen = (self.window["steps"] - 1) * self.window["step"] + self.window["aggregate"]
        return seen + (self.change if self.drifting else 0)


def propose(found: Survey, name: str) -> First:
    """Proposes a profile.

    Args:
        found: of the recording.
        name: of the profile.

    Raises:
        DatasetError: there are too few rows to train on, or too few values in them.
    """
    notes = list(found.notes)
    found = _first_sensors(found, notes)
    gap = _longest_gap(found)
    found = _present_sensors(found, gap, notes)
    looked, form = _enough(found, gap, daily=_daily(found, gap))
    layout = found.layout.model_copy(update={"train_until": looked.share})
    drifting, window, seasonal = form.drifting, form.window, form.seasonal
    sensors = [_sensor(sensor, i, looked) for i, sensor in enumerate(found.sensors)]
    document = {
        "name": name,
        "title": name.replace("_", " "),
        "description": f"Proposed from {found.path.name}: {found.rows:,} rows, {len(found.devices)} device(s).",
        "sensors": [s | ({"score_level": False} if s["name"] in drifting else {}) for s in sensors],
        "derived": [{"kind": "change", "name": f"{n[:55]}_change", "sensor": n, "span": form.change} for n in drifting],
        "interval_s": found.interval_s,
        "window": window,
        "imputation": {"method": "hold", "longest_gap": gap},
        "season": {"kind": "hour_of_week" if seasonal else "none", "utc_offset_h": found.utc_offset_h},
        "scoring": {"kind": "two_sided", "last_steps": form.last_steps, "ridge": 0.1, "folds": 2 if seasonal else 1},
        "threshold": {"quantile": 0.99, "margin": 1.2},
        "incidents": {"k": 3, "n": 5, "quiet": 10},
        "stream": {"allowed_lateness_s": 0 if found.interval_s < 60 else 2 * found.interval_s, "future_skew_s": 300},
    }
    text = profile_text.render(document, found, layout)
    return First(profile_store.parse(text, source=name), layout, found, text, tuple(notes))


def _first_sensors(found: Survey, notes: list[str]) -> Survey:
    if len(found.sensors) <= MOST_SENSORS:
        return found
    notes.append(f"of {len(found.sensors)} sensors the first {MOST_SENSORS} are taken: a profile holds no more")
    return _only(found, range(MOST_SENSORS), dict.fromkeys((s.column for s in found.sensors[MOST_SENSORS:]), "surplus"))


def _only(found: Survey, kept: Sequence[int], left_out: dict[str, str]) -> Survey:
    names = {found.sensors[i].name for i in kept}
    columns = {n: c for n, c in found.layout.columns.items() if n in names}
    return replace(
        found,
        sensors=tuple(found.sensors[i] for i in kept),
        devices={d: g[:, list(kept)] for d, g in found.devices.items()},
        left_out={**found.left_out, **left_out},
        layout=found.layout.model_copy(update={"columns": columns}),
    )


def _longest_gap(found: Survey) -> int:
    """Holes up to this are filled: the usual ones, but no more than an hour, or some values of slow sensors."""
    most = max(6, min(60, HOUR_S // found.interval_s))
    usual = int(np.quantile(found.runs, 0.95)) if len(found.runs) else 0
    return int(np.clip(usual, min(5, most), most))


def _present_sensors(found: Survey, gap: int, notes: list[str]) -> Survey:
    """Without the sensors that have no value most of the time: a window with a hole decides nothing."""
    held = [hold(g, gap) for g in found.devices.values()]
    present = np.mean(np.isfinite(np.concatenate(held)), axis=0)
    kept = [i for i in range(len(found.sensors)) if present[i] >= 0.5]
    if not kept:
        raise DatasetError(
            f"every sensor of {found.path} lacks more than half of its values on a grid of {found.interval_s} s; "
            "expected a value at most points"
        )
    gone = {s.column: f"no value at {1 - p:.0%} of the points" for s, p in zip(found.sensors, present, strict=True)}
    gone = {found.sensors[i].column: gone[found.sensors[i].column] for i in set(range(len(present))) - set(kept)}
    found = _only(found, kept, gone)
    together = np.concatenate([np.isfinite(h[:, kept]).all(axis=1) for h in held]).mean()
    if together < 0.8:
        notes.append(f"all sensors together have values at {together:.0%} of the points: where not, nothing is decided")
    return found


def _enough(found: Survey, gap: int, *, daily: bool) -> tuple[_Looked, _Form]:
    """The training part and the window: 40 % of the rows, more where that gives too few windows or days."""
    rows = max(len(g) for g in found.devices.values())
    two_weeks = (SEASON_DAYS + 1) * DAY_S / found.interval_s / rows
    first = round(min(max(TRAIN, two_weeks), MOST_TRAIN), 3) if daily and two_weeks <= MOST_TRAIN else TRAIN
    best = 0
    for share in sorted({first, *(s for s in (0.45, 0.5, 0.55, MOST_TRAIN) if s > first)}):
        looked = _look(found, gap, share)
        form = _form(found, looked, daily=daily)
        windows = max(_windows(part, form) for part in looked.parts)
        if windows >= WINDOWS:
            return looked, form
        best = max(best, windows)
    raise DatasetError(
        f"{found.path} is too short, or has too many holes: even its first {MOST_TRAIN:.0%} gives only {best} windows "
        f"of {form.span} points {found.interval_s} s apart without a hole or a labelled anomaly; expected {WINDOWS}"
    )


def _windows(part: Grid, form: _Form) -> int:
    """How many complete windows a training part gives."""
    whole = np.concatenate([[0], np.cumsum(np.isfinite(part).all(axis=1))])
    return int(np.sum(whole[form.span :] - whole[: -form.span] == form.span)) // form.window["stride"]


def _form(found: Survey, looked: _Looked, *, daily: bool) -> _Form:
    days = looked.rows * found.interval_s / DAY_S
    seasonal = daily and days >= SEASON_DAYS and HOUR_S % found.interval_s == 0
    change = DAY_S // found.interval_s if daily else 30
    drifting = _drifting(found, looked, span=change)
    window, last_steps = _window(found, looked, daily=daily)
    numbers = sum(len(g) for g in found.devices.values()) * window["steps"] * (len(found.sensors) + len(drifting))
    window["stride"] = _stride(numbers, found.interval_s, seasonal=seasonal)
    return _Form(drifting, change, window, last_steps, seasonal)


def _look(found: Survey, gap: int, share: float) -> _Looked:
    parts = []
    for name, grid in found.devices.items():
        rows = max(2, round(share * len(grid)))
        part = hold(grid[:rows], gap)
        part[found.marked[name][:rows]] = np.nan
        parts.append(part[-LOOK:])
    return _Looked(tuple(parts), share)


def _daily(found: Survey, gap: int) -> bool:
    """Whether the day explains at least a quarter of the sensors."""
    day = DAY_S / found.interval_s
    if day < 4 or day != int(day):
        return False
    parts = [hold(g[: max(2, round(MOST_TRAIN * len(g)))], gap)[: 30 * int(day)] for g in found.devices.values()]
    parts = [p for p in parts if len(p) >= 3 * day][:20]
    if not parts:
        return False
    alike = np.array([[_likeness(p, int(day)), _likeness(p, int(day) // 2)] for p in parts]).mean(axis=0)
    return bool(np.mean((alike[0] > DAILY) & (alike[0] > alike[1] + 0.1)) >= 0.25)


def _likeness(part: Grid, lag: int) -> NDArray[np.float64]:
    """(S,) autocorrelation at a lag; 0 where a sensor does not vary."""
    centred = part - _mean(part)
    a, b = centred[lag:], centred[:-lag]
    both = np.isfinite(a) & np.isfinite(b)
    product = np.where(both, a * b, 0.0).sum(axis=0)
    power = np.sqrt(np.where(both, a * a, 0.0).sum(axis=0) * np.where(both, b * b, 0.0).sum(axis=0))
    return np.asarray(product / np.maximum(power, 1e-300))


def _mean(part: Grid) -> NDArray[np.float64]:
    finite = np.isfinite(part)
    return np.asarray(np.where(finite, part, 0.0).sum(axis=0) / np.maximum(finite.sum(axis=0), 1))


def _deviation(part: Grid) -> NDArray[np.float64]:
    finite = np.isfinite(part)
    squares = np.where(finite, (part - _mean(part)) ** 2, 0.0).sum(axis=0)
    return np.asarray(np.sqrt(squares / np.maximum(finite.sum(axis=0), 1)))


def _drifting(found: Survey, looked: _Looked, *, span: int) -> list[str]:
    """The sensors whose level drifts by nature: smooth, and elsewhere in the second half of the training part."""
    parts = [p for p in looked.parts if len(p) >= 4 * span]
    if not parts:
        return []
    apart, smooth = [], []
    for part in parts[:50]:
        halves = part[: len(part) // 2], part[len(part) // 2 :]
        within = np.sqrt((_deviation(halves[0]) ** 2 + _deviation(halves[1]) ** 2) / 2)
        apart.append(np.abs(_mean(halves[0]) - _mean(halves[1])) / np.maximum(within, 1e-300))
        smooth.append(_likeness(part, 1))
    drifts = (np.median(apart, axis=0) > DRIFT) & (np.median(smooth, axis=0) > SMOOTH)
    # a step between two set points is no drift: its change is nothing most of the time
    moves = np.mean([np.mean(np.abs(np.diff(p, axis=0)) > 0, axis=0) for p in parts[:50]], axis=0) > 0.1
    return [s.name for s, d, m in zip(found.sensors, drifts, moves, strict=True) if d and m]


def _memory_points(looked: _Looked) -> int:
    """Over how many points the sensors remember: where their autocorrelation falls below 1/e; the middle sensor's."""
    part = max(looked.parts, key=len)
    varying = _deviation(part) > 0
    lengths = np.full(part.shape[1], 60)
    for lag in (60, 45, 30, 20, 15, 10, 7, 5, 4, 3, 2, 1):
        if lag < len(part) // 2:
            lengths[_likeness(part, lag) < 1 / math.e] = lag
    return int(np.median(lengths[varying])) if varying.any() else 1


def _window(found: Survey, looked: _Looked, *, daily: bool) -> tuple[dict[str, int], int]:
    """What is seen at once, and over how many of its last rows deviations are averaged.

    Where days are alike: a day, as hourly means, of which the last is judged: an average of several hides what lasts
    for an hour. Else twice as long as the sensors remember, at least 10 points, in at most 12 rows, each a mean of at
    least three points: noise goes, and an anomaly is still told soon.
    """
    if daily:
        step = max(1, HOUR_S // found.interval_s)
        steps = DAY_S // (step * found.interval_s)
        return {"steps": steps, "step": step, "aggregate": step}, 1
    points = int(np.clip(2 * _memory_points(looked), 10, 120))
    steps = min(points, 12)
    step = math.ceil(points / steps)
    return {"steps": steps, "step": step, "aggregate": max(3, step)}, steps


def _stride(numbers: int, interval_s: int, *, seasonal: bool) -> int:
    """A window at every point, or at every so many where all windows would not fit into memory."""
    least = math.ceil(numbers / NUMBERS)
    if not seasonal:
        return least
    fitting = [k for k in range(least, HOUR_S // interval_s + 1) if HOUR_S % (k * interval_s) == 0]
    return fitting[0] if fitting else HOUR_S // interval_s


def _sensor(sensor: Found, i: int, looked: _Looked) -> dict[str, Any]:
    spread = sensor.high - sensor.low
    deviation = float(np.median([_deviation(p)[i] for p in looked.parts]))
    # a sensor that rests in the training part has no deviation: its whole range stands for it
    least = max(deviation / 2, spread / 20) if deviation > 0 else spread
    low, high = sensor.low - MARGIN * spread, sensor.high + MARGIN * spread
    if sensor.sentinel is not None:
        # between the values and what stands for none
        low = max(low, (sensor.low + sensor.sentinel) / 2) if sensor.sentinel < sensor.low else low
        high = min(high, (sensor.high + sensor.sentinel) / 2) if sensor.sentinel > sensor.high else high
    return {
        "name": sensor.name,
        "unit": sensor.unit,
        "valid_range": [_rounded(low, math.floor), _rounded(high, math.ceil)],
        "smallest_deviation": float(f"{least:.2g}"),
    }


def _rounded(value: float, away: Any) -> float:
    """Two digits, rounded away from the recording."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return float(f"{away(value / unit) * unit:.6g}")
