"""A first profile for a recording, from what a survey found: every choice is a rule, and each is said in the file.

The rules look at the training part alone, but for the valid ranges, which must not cut what the recording has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import profile_text, traits
from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.datasets.survey import Found, Survey
from aiot_anomaly.datasets.traits import DAY_S, HOUR_S, Grid
from aiot_anomaly.errors import DatasetError
from aiot_anomaly.preprocessing import hold
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Bool

#: valid ranges reach this many times the range seen beyond it: a fault may go where no value has been
MARGIN = 10.0
#: and a counter's so many times above
COUNTED = 1000.0
#: the day is of one kind where it explains this share of the sensors
DAILY = 0.25
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
#: the last share of a window over which deviations are averaged
JUDGED = 0.25
#: what a window is made of, the first that fits
WINDOW_KINDS = ("day", "cycles", "memory")
#: cycles that a window holds: deviations are averaged over one
CYCLES = 4
#: shortest interval of which a window is a whole day: what reports more often may fail within minutes
BY_DAY_S = 300
#: added to the covariance of standardised inputs: what breaks the bond between sensors counts, rounding does not
RIDGE = 0.01


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
        """Points of the longest one that have a value."""
        return max(_came(p) for p in self.parts)

    @cached_property
    def counters(self) -> Bool:
        """(S,) True for what only rises."""
        return traits.counting(self.parts)

    @cached_property
    def judged(self) -> tuple[Grid, ...]:
        """The same with what a counter counted in its place."""
        return tuple(traits.counted(p, self.counters) for p in self.parts)


@dataclass(frozen=True)
class _Form:
    """What a window looks like."""

    changing: dict[int, int]
    window: dict[str, int]
    last_steps: int
    seasonal: bool

    @property
    def span(self) -> int:
        """Points of the grid that a window is made of."""
        seen = (self.window["steps"] - 1) * self.window["step"] + self.window["aggregate"]
        return seen + max(self.changing.values(), default=0)


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
    looked, form = _enough(found, gap)
    layout = found.layout.model_copy(update={"train_until": looked.share})
    window, seasonal = form.window, form.seasonal
    sensors = [_sensor(sensor, i, looked, form.changing.get(i, 0)) for i, sensor in enumerate(found.sensors)]
    changing = {found.sensors[i].name: span for i, span in form.changing.items()}
    document = {
        "name": name,
        "title": name.replace("_", " "),
        "description": f"Proposed from {found.path.name}: {found.rows:,} rows, {len(found.devices)} device(s).",
        "sensors": [s | ({"score_level": False} if s["name"] in changing else {}) for s in sensors],
        "derived": [
            {"kind": "change", "name": f"{n[:55]}_change", "sensor": n, "span": span} for n, span in changing.items()
        ],
        "interval_s": found.interval_s,
        "window": window,
        "imputation": {"method": "hold", "longest_gap": gap},
        "season": {"kind": "hour_of_week" if seasonal else "none", "utc_offset_h": found.utc_offset_h},
        "scoring": {
            "kind": "two_sided",
            "last_steps": form.last_steps,
            # one input has nothing that it could be made uncorrelated with
            "whiten": len(sensors) > 1,
            "ridge": RIDGE,
            "folds": 2 if seasonal else 1,
        },
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
    # while nothing came at all, as between two campaigns, no sensor was absent
    held = [h[np.isfinite(h).any(axis=1)] for h in held]
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


def _enough(found: Survey, gap: int) -> tuple[_Looked, _Form]:
    """The training part and the window: 40 % of the rows, more where that gives too few windows or days.

    A window of a day, or of cycles, that holes leave too few of gives way to a short one.
    """
    most = _look(found, gap, MOST_TRAIN)
    daily = bool(np.mean(traits.daily(most.judged, found.interval_s)) >= DAILY)
    rows = max(_came(g) for g in found.devices.values())
    two_weeks = (SEASON_DAYS + 1) * DAY_S / found.interval_s / rows
    best = 0
    for kind in WINDOW_KINDS:
        first = round(min(max(TRAIN, two_weeks), MOST_TRAIN), 3) if daily and two_weeks <= MOST_TRAIN else TRAIN
        for share in sorted({first, *(s for s in (0.45, 0.5, 0.55, MOST_TRAIN) if s > first)}):
            looked = _look(found, gap, share)
            form = _form(found, looked, kind, daily=daily)
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


def _form(found: Survey, looked: _Looked, kind: str, *, daily: bool) -> _Form:
    days = looked.rows * found.interval_s / DAY_S
    seasonal = daily and days >= SEASON_DAYS and HOUR_S % found.interval_s == 0
    if kind == "day" and not (daily and found.interval_s >= BY_DAY_S):
        kind = "cycles"
    changing = _changing(looked, span=DAY_S // found.interval_s if kind == "day" else 30)
    window, last_steps = _window(found, looked, kind)
    numbers = sum(_came(g) for g in found.devices.values()) * window["steps"] * (len(found.sensors) + len(changing))
    window["stride"] = _stride(numbers, found.interval_s, seasonal=seasonal)
    return _Form(changing, window, last_steps, seasonal)


def _came(grid: Grid) -> int:
    """How many points of a grid have a value: a recording may be of several campaigns, far apart."""
    return int(np.isfinite(grid).any(axis=1).sum())


def _leading(grid: Grid, share: float) -> int:
    """At which point of a grid the first `share` of what came ends."""
    came = np.cumsum(np.isfinite(grid).any(axis=1))
    return max(2, int(np.searchsorted(came, share * came[-1])) + 1)


def _look(found: Survey, gap: int, share: float) -> _Looked:
    parts = []
    for name, grid in found.devices.items():
        rows = _leading(grid, share)
        part = hold(grid[:rows], gap)
        part[found.marked[name][:rows]] = np.nan
        parts.append(part[-LOOK:])
    return _Looked(tuple(parts), share)


def _changing(looked: _Looked, *, span: int) -> dict[int, int]:
    """The sensors of which the change is judged and not the level, and over how many points."""
    drifts = dict.fromkeys(np.flatnonzero(traits.drifting(looked.parts, span=span)).tolist(), span)
    # what a counter counted in one interval; a row of a window is the mean of several
    counts = dict.fromkeys(np.flatnonzero(looked.counters).tolist(), 1)
    return dict(sorted({**drifts, **counts}.items()))


def _window(found: Survey, looked: _Looked, kind: str) -> tuple[dict[str, int], int]:
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


def _sensor(sensor: Found, i: int, looked: _Looked, span: int) -> dict[str, Any]:
    spread = sensor.high - sensor.low
    low, high = sensor.low - MARGIN * spread, sensor.high + MARGIN * spread
    if looked.counters[i]:
        # a counter goes on, and a new one begins at 0
        low, high = min(low, 0.0), sensor.high + COUNTED * spread
    if sensor.sentinel is not None:
        # between the values and what stands for none
        low = max(low, (sensor.low + sensor.sentinel) / 2) if sensor.sentinel < sensor.low else low
        high = min(high, (sensor.high + sensor.sentinel) / 2) if sensor.sentinel > sensor.high else high
    return {
        "name": sensor.name,
        "unit": sensor.unit,
        "valid_range": [_rounded(low, math.floor), _rounded(high, math.ceil)],
        "smallest_deviation": float(f"{_smallest(sensor, i, looked, span):.2g}"),
    }


def _smallest(sensor: Found, i: int, looked: _Looked, span: int) -> float:
    """Half a normal deviation of what is judged: of the level, or of its change.

    Not of the whole recording's range: one large anomaly would hide the others.
    """
    columns = [p[span:, i] - p[: len(p) - span, i] if span else p[:, i] for p in looked.parts]
    deviation = float(np.median([traits.deviation(c[:, None])[0] for c in columns]))
    ranges = [float(np.ptp(c[np.isfinite(c)])) for c in columns if np.isfinite(c).any()]
    # a sensor that rests in the training part has no deviation: its whole range stands for it
    return max(deviation / 2, max(ranges, default=0.0) / 100) or sensor.high - sensor.low


def _rounded(value: float, away: Any) -> float:
    """Two digits, rounded away from the recording."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return float(f"{away(value / unit) * unit:.6g}")
