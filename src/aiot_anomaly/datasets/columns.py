"""What the columns of a table are, guessed from their names and contents: time, device, label, sensors."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aiot_anomaly.datasets import table, times
from aiot_anomaly.errors import DatasetError

_TIME = re.compile(r"(^|[^a-z])(datum|data|zeit|hora|ts|ds|utc)([^a-z]|$)|time|date", re.I)
_DEVICE = re.compile(
    r"^(device|machine|unit|asset|meter|sensor|station|site|node|kpi|equipment|pump)?[ _\-.]*(id|name|no)?$", re.I
)
#: columns that hold what really happened, in the order of preference for the label
_LABELS = (
    "anomaly", "isanomaly", "anomalous", "isanomalous", "label", "labels", "anomalylabel", "attack", "attflag",
    "attacklabel", "normalattack", "outlier", "isoutlier", "groundtruth",
)  # fmt: skip
#: names that truth and sensors share: words for normal and others, or 0 and 1 where it says so
_WORDS = (
    "leak", "isleak", "fraud", "isfraud", "failure", "isfailure", "abnormal", "isabnormal",
    "class", "fault", "isfault", "event", "target", "machinestatus", "status", "state",
)  # fmt: skip
_BINARY = frozenset(_WORDS) - {"machinestatus", "status", "state"}
#: further columns of truth: never a sensor, but no label of rows either
_TRUTH = re.compile(
    r"^(change_?points?|attack_?\w+|\w+_(label|anomaly|attack)|category|anomaly_?\w+|label_?\w+)$", re.I
)
_NORMAL = ("normal", "ok", "none", "good", "healthy", "0", "false", "no")
#: of a column's cells that hold something, this share must be numbers
NUMBERS = 0.9
#: more devices than this are rather readings
MOST_DEVICES = 2_000
_SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class Clock:
    """The column or columns of the time, and the time of each row."""

    columns: tuple[str, ...]
    seconds: NDArray[np.float64]
    day_first: bool | None
    utc_offset_h: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Truth:
    """The column of the label, and what it holds in a normal row (None: 0)."""

    column: str
    normal: str | None


def dialect(path: Path) -> tuple[str, str]:
    """Separator and decimal sign of a text file; of Parquet the usual ones.

    Raises:
        DatasetError: there is no such file, or it is empty.
    """
    if not path.is_file():
        raise DatasetError(f"no file {path}")
    if path.suffix == ".parquet":
        return ",", "."
    with path.open("rb") as f:
        text = f.read(64 * 1024).decode("utf-8-sig", errors="replace")
    if not text.strip():
        raise DatasetError(f"{path} is empty; expected a header line and a row for each time")
    lines = [line for line in text.splitlines()[:60] if line.strip()]
    lines = lines[:-1] if len(lines) > 2 and len(text) >= 64 * 1024 else lines
    separator = max(_SEPARATORS, key=lambda s: _regularity(lines, s))
    cells = [c.strip() for row in csv.reader(lines[1:], delimiter=separator) for c in row]
    commas = sum(bool(re.fullmatch(r"-?\d+,\d+", c)) for c in cells)
    points = sum(bool(re.fullmatch(r"-?\d+\.\d+", c)) for c in cells)
    return separator, "," if separator != "," and commas > points else "."


def _regularity(lines: Sequence[str], separator: str) -> tuple[float, int]:
    """How many columns a separator gives, and in what share of the lines as many as in the header."""
    counts = [len(row) for row in csv.reader(lines, delimiter=separator)]
    if counts[0] < 2:
        return 0.0, 0
    return round(float(np.mean([c == counts[0] for c in counts])), 1), counts[0]


def clock(frame: pd.DataFrame, named: str | None, path: Path) -> Clock:
    """Finds the time: the named column, else the first that holds times, those with such a name first.

    Raises:
        DatasetError: no column holds times, or the named one does not.
    """
    if named is not None:
        return _clock(frame, (named,), path)
    by_name = [c for c in frame.columns if _TIME.search(c)]
    candidates = [(c, c in by_name) for c in [*by_name, *(c for c in frame.columns if c not in by_name)]]
    for column, trusted in candidates:
        if not _may_be_time(frame[column], trusted=trusted):
            continue
        try:
            found = _clock(frame, (column,), path)
        except DatasetError:
            continue
        of_day = next((c for c in frame.columns if c != column and _is_time_of_day(frame[c])), None)
        # all rows may be of one day
        if of_day is not None and bool(np.all(found.seconds[np.isfinite(found.seconds)] % 86_400 == 0)):
            return _clock(frame, (column, of_day), path)
        if not _plausible(found.seconds):
            continue
        if _is_data(column, list(frame.columns)):
            raise DatasetError(
                f"{path} begins with {_quoted(list(frame.columns))}; expected a header line with names first"
            )
        return found
    raise DatasetError(
        f"{path} has no column of times; it has {list(frame.columns)}. Name it by --timestamp; it must hold ISO 8601 "
        "(2026-11-22T19:00:00Z), unix time, or dates such as 22/11/2026 19:00"
    )


def _clock(frame: pd.DataFrame, chosen: tuple[str, ...], path: Path) -> Clock:
    written = table.written_time(frame, list(chosen))
    day_first = times.day_comes_first(written)
    seconds = times.seconds(written, where=f"{path}, column {' and '.join(chosen)}", day_first=day_first)
    notes = list[str]()
    if day_first is not None:
        order = "day first" if day_first else "month first"
        notes.append(f"dates such as {written.dropna().iloc[0]!s} are read with the {order} (`day_first`)")
    if np.isfinite(seconds).any() and float(np.nanmax(seconds)) < 86_400 * 365:
        notes.append(f"{chosen[0]} counts from 0: it is taken as seconds since 1970-01-01")
    return Clock(chosen, seconds, day_first, _offset(written), tuple(notes))


def _offset(column: pd.Series) -> float:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        first = column.dropna().iloc[0]
        return float(first.utcoffset().total_seconds()) / 3600
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return 0.0
    found = column.astype("string").str.extract(r"\d{2}:\d{2}.*([+-]\d{2}):?(\d{2})$").dropna()
    if len(found) < 0.99 * column.notna().sum() or len(found.drop_duplicates()) != 1:
        return 0.0
    hours, minutes = found.iloc[0]
    return float(np.copysign(abs(int(hours)) + int(minutes) / 60, -1 if hours[0] == "-" else 1))


def _may_be_time(column: pd.Series, *, trusted: bool) -> bool:
    if pd.api.types.is_bool_dtype(column):
        return False
    if pd.api.types.is_datetime64_any_dtype(column):
        return True
    if pd.api.types.is_numeric_dtype(column):
        values = column.dropna().to_numpy(dtype=np.float64)
        if not len(values):
            return False
        # of numbers without a telling name only unix time of our days that goes forward
        ours = bool((values > 6e8).all())
        forward = bool(np.mean(np.diff(values) >= 0) > 0.9) if len(values) > 1 else True
        return trusted or (ours and forward and bool((values < 5e9).all()))
    cells = column.dropna().astype(str).head(200)
    return len(cells) > 0 and bool(cells.str.contains(r"\d").mean() > 0.99) and not _is_time_of_day(column)


def _is_time_of_day(column: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return False
    cells = column.dropna().astype(str).head(200)
    return len(cells) > 0 and bool(
        cells.str.match(r"^\s*\d{1,2}[:.]\d{2}([:.]\d{2}(\.\d+)?)?(\s*[AaPp][Mm])?\s*$").all()
    )


def _is_data(clock: str, names: Sequence[str]) -> bool:
    """Whether names are rather the first row: a time over the column of times, and a number over another."""
    numbers = pd.to_numeric(pd.Series([n for n in names if n != clock], dtype=object), errors="coerce")
    written = pd.to_datetime(pd.Series([clock], dtype=object), errors="coerce", format="mixed", utc=True)
    unix = re.fullmatch(r"\d{9,13}(\.\d+)?", clock)
    time = unix or (re.match(r"\d", clock) and bool(written.notna().all()))
    return bool(time) and bool(numbers.notna().any())


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _plausible(seconds: NDArray[np.float64]) -> bool:
    found = seconds[np.isfinite(seconds)]
    return len(found) > 0.9 * len(seconds) and (len(found) < 3 or len(np.unique(found)) > 1)


def device(frame: pd.DataFrame, candidates: Sequence[str], seconds: NDArray[np.float64]) -> str | None:
    """The column of devices: one with a telling name, without which many rows would have the same time."""
    doubles = 1 - len(np.unique(seconds)) / len(seconds)
    if doubles < 0.05:
        return None
    for column in candidates:
        values = frame[column]
        if not _DEVICE.match(column.strip()) or pd.api.types.is_float_dtype(values):
            continue
        if 2 <= values.nunique() <= MOST_DEVICES:
            apart = pd.DataFrame({"device": values, "at": seconds}).drop_duplicates()
            if 1 - len(apart) / len(frame) < doubles / 4:
                return column
    return None


def label(frame: pd.DataFrame, candidates: Sequence[str], named: str | None, left_out: dict[str, str]) -> Truth | None:
    """The label: the named column, else the first with a telling name; other columns of truth are left out.

    Raises:
        DatasetError: the named column does not tell two kinds of rows apart.
    """
    if named is not None:
        found = _truth(frame[named])
        if found is None:
            seen = sorted(map(str, frame[named].dropna().unique()[:8]))
            raise DatasetError(
                f"the label {named} holds {seen}; expected 0 and 1, true and false, or a word for normal and others"
            )
    else:
        plain = {re.sub(r"[^a-z]", "", c.lower()): c for c in reversed(candidates)}
        told = (_truth(frame[plain[n]], shared=n) for n in (*_LABELS, *_WORDS) if n in plain)
        found = next((t for t in told if t is not None), None)
    for column in candidates:
        is_label = found is not None and column == found.column
        if not is_label and _is_truth(column) and frame[column].nunique() <= 20:
            left_out[column] = "looks like what really happened"
    return found


def _is_truth(column: str) -> bool:
    return bool(_TRUTH.match(column.strip())) or re.sub(r"[^a-z]", "", column.lower()) in _LABELS


def _truth(column: pd.Series, *, shared: str = "") -> Truth | None:
    """The column as a label; `shared` is a name that sensors have too, so that it must be a clear case."""
    name, values = str(column.name), column.dropna()
    if pd.api.types.is_bool_dtype(values):
        return Truth(name, None) if len(values) else None
    numbers = pd.to_numeric(values, errors="coerce")
    words = values.astype(str).str.strip()
    if not 1 <= words.nunique() <= 20:
        return None
    if numbers.isna().any():
        normal = next((w for w in words.unique() if w.lower() in _NORMAL), None)
        return None if normal is None else Truth(name, normal)
    distinct = set(numbers.unique().tolist())
    clear = shared not in _WORDS or (shared in _BINARY and distinct == {0.0, 1.0})
    if not clear or any(v != round(v) for v in distinct):
        return None
    # 0 and what is below it (-999: unknown) is normal; where there is no 0, the usual value
    return Truth(name, None if 0.0 in distinct else f"{numbers.mode().iloc[0]:g}")


def numeric(
    frame: pd.DataFrame, candidates: Sequence[str], left_out: dict[str, str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The columns of numbers, and the words in them that stand for a missing value; others are left out."""
    found, tokens = dict[str, pd.Series](), set[str]()
    for column in candidates:
        values = frame[column]
        if pd.api.types.is_datetime64_any_dtype(values):
            left_out[column] = "times"
            continue
        numbers = pd.to_numeric(values, errors="coerce")
        words = values[numbers.isna() & values.notna()].astype(str).str.strip().unique()
        held = values.notna().sum()
        if not held:
            left_out[column] = "empty"
        elif numbers.notna().sum() < NUMBERS * held or len(words) > 10:
            left_out[column] = f"text ({', '.join(map(str, words[:2]))}…)"
        else:
            tokens.update(words)
            found[column] = numbers.astype(np.float64)
    return pd.DataFrame(found), tuple(sorted(tokens))


def drop_copies_of_time(numbers: pd.DataFrame, seconds: NDArray[np.float64], left_out: dict[str, str]) -> None:
    """Row numbers and second clocks go: what rises with the rows or with the time is no sensor."""
    for column in list(numbers.columns):
        values = numbers[column].to_numpy()
        if len(values) < 3 or not np.isfinite(values).all() or values[0] == values[-1]:
            continue
        like_rows = np.linspace(values[0], values[-1], len(values))
        share = (seconds - seconds[0]) / ((seconds[-1] - seconds[0]) or 1)
        like_time = values[0] + (values[-1] - values[0]) * share
        near = 1e-6 * abs(values[-1] - values[0])
        if min(np.abs(values - like_rows).max(), np.abs(values - like_time).max()) < near:
            left_out[column] = "counts rows or time"
            del numbers[column]


_UNIT = re.compile(r"[(\[]\s*([^()\[\]]{1,12})\s*[)\]]\s*$")


def unit(column: str) -> str:
    """What stands in brackets at the end of a column's name: `flow [L/s]`; else empty."""
    found = _UNIT.search(column)
    return found.group(1).strip() if found else ""


def valid_names(names: Sequence[str]) -> dict[str, str]:
    """Column -> a name that a profile may have: letters, digits, underscores, each its own."""
    result, taken = dict[str, str](), set[str]()
    for column in names:
        bare = _UNIT.sub("", column) or column
        folded = _folded(bare)
        name = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9]+", "_", folded)).strip("_")
        name = name if re.match(r"[A-Za-z]", name) else f"sensor_{name}".rstrip("_")
        # a name that is valid as it stands stays
        name = column if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,55}", column) else name[:55].lower()
        free, k = name, 2
        while free in taken:
            free, k = f"{name}_{k}", k + 1
        taken.add(free)
        result[column] = free
    return result


def _folded(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
