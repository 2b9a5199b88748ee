"""Times as people write them: ISO 8601 with and without a zone, unix time in s, ms, µs or ns, day or month first."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aiot_anomaly.errors import DatasetError

_EXPECTED = "expected ISO 8601 such as 2026-11-22T19:00:00Z, unix seconds, or dates such as 22/11/2026 19:00"
#: unix time larger than the key is divided by the value: ms, µs and ns have no other sense in the next 3,000 years
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
#: 22/11/2026 19:00:00.5 pm, 22.11.26, 2026/11/22 7
_WRITTEN = (
    r"^\s*(?P<a>\d{1,4})[/.\-](?P<b>\d{1,2})[/.\-](?P<c>\d{1,4})"
    r"(?:[ T,]+(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{1,2}))?(?:[:.](?P<second>\d{1,2}(?:\.\d+)?))?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?\s*$"
)


def seconds(column: pd.Series, *, where: str, day_first: bool | None = None) -> NDArray[np.float64]:
    """(n,) seconds since 1970 UTC, with their fractions; NaN where a cell is empty.

    Args:
        column: text, numbers (unix time; s, ms, µs or ns by their size) or times. Without a zone they count as UTC.
        where: what an error names.
        day_first: for dates such as 03/04/2026: whether the day comes first. None: what the column itself shows, by
            a number above 12 or by the order of the rows.

    Raises:
        DatasetError: a time cannot be read.
    """
    if pd.api.types.is_bool_dtype(column):
        raise DatasetError(f"{where}: it holds true and false; {_EXPECTED}")
    if pd.api.types.is_numeric_dtype(column):
        return _unix(column.to_numpy(dtype=np.float64, na_value=np.nan))
    if pd.api.types.is_datetime64_any_dtype(column):
        return _since_1970(pd.to_datetime(column, utc=True))
    if day_first is None:
        try:
            return _since_1970(pd.to_datetime(column, utc=True, format="ISO8601"))
        except (ValueError, TypeError, OverflowError):
            pass
    found = written(column, day_first=day_first)
    if found is not None:
        return found
    try:
        return _since_1970(pd.to_datetime(column, utc=True, format="mixed", dayfirst=bool(day_first)))
    except (ValueError, TypeError, OverflowError) as e:
        raise DatasetError(f"{where}: {e}; {_EXPECTED}") from None


def day_comes_first(column: pd.Series) -> bool | None:
    """Whether dates such as 03/04/2026 have the day first; None where the column does not hold such dates."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return None
    try:
        pd.to_datetime(column, utc=True, format="ISO8601")
    except (ValueError, TypeError, OverflowError):
        parts = _parts(column)
        if parts is None or _year_first(parts):
            return None
        return _day_first(parts)
    return None


def written(column: pd.Series, *, day_first: bool | None = None) -> NDArray[np.float64] | None:
    """(n,) seconds of dates such as 22/11/2026 19:00; None where a cell is not of that form, or no date."""
    parts = _parts(column)
    if parts is None:
        return None
    if _year_first(parts):
        return _assembled(parts, "a", "b", "c")
    return _ordered(parts, _day_first(parts) if day_first is None else day_first)


def _unix(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = float(np.nanmax(np.abs(numbers), initial=0.0))
    for above, unit in _UNITS:
        if largest > above:
            return numbers / unit
    return numbers


def _since_1970(times: pd.Series) -> NDArray[np.float64]:
    found = times.dt.as_unit("us").astype("int64").to_numpy() / 1e6
    return np.where(times.isna().to_numpy(), np.nan, found)


def _parts(column: pd.Series) -> pd.DataFrame | None:
    text = column.astype("string")
    parts = text.str.extract(_WRITTEN)
    return None if (parts["a"].isna() & text.notna()).any() or not parts["a"].notna().any() else parts


def _year_first(parts: pd.DataFrame) -> bool:
    return bool((parts["a"].dropna().str.len() == 4).all())


def _day_first(parts: pd.DataFrame) -> bool:
    first, second = (pd.to_numeric(parts[k]).max() for k in "ab")
    if first > 12 or second > 12:
        return bool(first > 12)
    # all days are among the first twelve: rows are mostly in order of time, at even distances
    return _unevenness(_ordered(parts, True)) <= _unevenness(_ordered(parts, False))


def _unevenness(times: NDArray[np.float64] | None) -> float:
    """The share of steps that differ from the usual one: small where dates were read in the right order."""
    if times is None:
        return np.inf
    steps = np.diff(times[np.isfinite(times)])
    return float(np.mean(steps != np.median(steps))) if len(steps) else 0.0


def _ordered(parts: pd.DataFrame, day_first: bool) -> NDArray[np.float64] | None:
    return _assembled(parts, "c", "b", "a") if day_first else _assembled(parts, "c", "a", "b")


def _assembled(parts: pd.DataFrame, year: str, month: str, day: str) -> NDArray[np.float64] | None:
    number = {
        k: pd.to_numeric(parts[k]).fillna(0).to_numpy(dtype=np.float64)
        for k in ("a", "b", "c", "hour", "minute", "second")
    }
    half = parts["half"].str.lower().str[0]
    twelve, after_noon = half.notna().to_numpy(), half.eq("p").fillna(value=False).to_numpy(dtype=bool)
    hours = np.where(twelve, number["hour"] % 12, number["hour"]) + 12 * after_noon
    years = np.where(number[year] < 100, 2000 + number[year], number[year])
    dates = pd.DataFrame({"year": years, "month": number[month], "day": number[day]})
    empty = parts["a"].isna().to_numpy()
    dates[empty] = (1970, 1, 1)
    try:
        days = pd.to_datetime(dates.astype("int64"), utc=True)
    except (ValueError, OverflowError):
        return None
    if (hours > 24).any() or (number["minute"] > 59).any():
        return None
    result = _since_1970(days) + hours * 3600 + number["minute"] * 60 + number["second"]
    return np.where(empty, np.nan, result)
