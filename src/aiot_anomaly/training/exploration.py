"""What a recording looks like before any model: completeness, levels, rhythm, and what labels say of it.

Everything about what is normal is of the training part alone. Labels, where there are some, are only described.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Bool, Float, Int
from aiot_anomaly.training.dataset import Dataset, Device
from aiot_anomaly.training.evaluation import runs

DAY_S = 86_400
#: rows of a series that rhythms are looked for in, and the shortest series that has some
MOST_ROWS, FEWEST_ROWS = 200_000, 50
#: an autocorrelation above this at a day's distance is a daily rhythm
RHYTHM = 0.3


def times(profile: Profile, device: Device) -> Int:
    """(n,) of the grid's points, seconds since 1970."""
    return np.asarray((device.series.first_slot + np.arange(len(device.series))) * profile.interval_s)


def training_rows(profile: Profile, device: Device) -> Float:
    """(n, S) of the grid's points in the training part; NaN where nothing was measured."""
    return device.series.values[times(profile, device) <= device.train_until]


def holes(device: Device) -> Int:
    """Lengths of the stretches of the grid that no reading came for, in grid intervals."""
    found = runs(np.arange(len(device.series)), ~device.series.observed)
    return np.array([last - first + 1 for first, last in found], dtype=np.int64)


def overview(dataset: Dataset) -> pd.DataFrame:
    """One line a device: how much there is of it, how complete it is, and what it is for.

    Columns: readings; days; missing (share of the grid without a reading); longest hole [s]; out of range (values that
    a sensor cannot truthfully report); complete windows; anomalous, after training (share of windows); part.
    """
    interval = dataset.profile.interval_s
    return pd.DataFrame(
        {
            "device": d.device_id,
            "readings": int(d.series.observed.sum()),
            "days": round(len(d.series) * interval / DAY_S, 2),
            "missing": round(1 - float(d.series.observed.mean()), 4),
            "longest hole [s]": int(holes(d).max(initial=0)) * interval,
            "out of range": int(d.series.out_of_range.sum()),
            "complete windows": int(d.windows.complete.sum()),
            "anomalous, after training": round(float(d.test()[1].mean()), 3) if len(d.test()[1]) else 0.0,
            "part": "monitored" if len(d.test()[0]) else "teaches the network",
        }
        for d in dataset.devices
    ).set_index("device")


def sensors(dataset: Dataset) -> pd.DataFrame:
    """One line a sensor, over the training parts of all devices, in its unit.

    Columns: unit; 1 %, median, 99 %; between devices (deviation of the devices' medians); missing (share of values in
    rows that came); constant (share of devices on which it never moved); valid range.
    """
    profile = dataset.profile
    parts = [training_rows(profile, d) for d in dataset.devices]
    came = [d.series.observed[: len(p)] for d, p in zip(dataset.devices, parts, strict=True)]
    rows = {}
    for i, sensor in enumerate(profile.sensors):
        values = np.concatenate([p[:, i] for p in parts])
        present = [p[np.isfinite(p[:, i]), i] for p in parts]
        known = [v for v in present if len(v)]
        low, mid, high = np.quantile(np.concatenate(known), [0.01, 0.5, 0.99]) if known else [np.nan] * 3
        rows[sensor.name] = {
            "unit": sensor.unit,
            "1 %": low,
            "median": mid,
            "99 %": high,
            "between devices": float(np.std([np.median(v) for v in known])) if known else np.nan,
            "missing": float(np.isnan(values[np.concatenate(came)]).mean()),
            "constant": float(np.mean([np.ptp(v) == 0 for v in known])) if known else np.nan,
            "valid range": f"{sensor.valid_range[0]:g} to {sensor.valid_range[1]:g}",
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def autocorrelation(values: Float, lags: int) -> Float:
    """(lags + 1,) correlation of a series (n,) with itself so many steps before; NaN rows count for nothing.

    Of pairs in which both are known, about the mean of all (Box, Jenkins & Reinsel 2015, 2.1.5); 0 where the series is
    constant or no pair is known.
    """
    known = np.isfinite(values)
    centred = np.where(known, values - (values[known].mean() if known.any() else 0.0), 0.0)
    n = 1 << int(np.ceil(np.log2(2 * max(1, len(values)))))
    spectrum, mask = np.fft.rfft(centred, n), np.fft.rfft(known.astype(float), n)
    products = np.fft.irfft(np.abs(spectrum) ** 2, n)[: lags + 1]
    pairs = np.round(np.fft.irfft(np.abs(mask) ** 2, n)[: lags + 1])
    if products[0] <= 1e-12 * max(1.0, float(np.max(np.abs(values[known]), initial=0.0)) ** 2):
        return np.zeros(lags + 1)
    variance = products[0] / pairs[0]
    return np.asarray(np.where(pairs > 0, products / np.maximum(pairs, 1) / variance, 0.0))


def rhythms(profile: Profile, device: Device) -> pd.DataFrame:
    """One line a sensor: how much of it repeats, in the training part.

    Columns: a step before, a day before (autocorrelations; NaN where the part is shorter than two days); hour of week
    (share of the variance that the mean of each hour, on working days and weekends, explains; NaN below a week).
    """
    rows = training_rows(profile, device)[-MOST_ROWS:]
    day = DAY_S // profile.interval_s if DAY_S % profile.interval_s == 0 else 0
    at = times(profile, device)[: len(training_rows(profile, device))][-MOST_ROWS:]
    found = {}
    for sensor, values in zip(profile.sensor_names, rows.T, strict=True):
        enough = 0 < 2 * day <= len(values)
        lags = autocorrelation(values, day if enough else 1) if len(values) >= FEWEST_ROWS else np.full(2, np.nan)
        found[sensor] = {
            "a step before": lags[1],
            "a day before": lags[day] if enough else np.nan,
            "hour of week": _explained(values, _hour_of_week(profile, at))
            if 7 * day <= len(values) and day
            else np.nan,
        }
    return pd.DataFrame.from_dict(found, orient="index")


def _hour_of_week(profile: Profile, at: Int) -> Int:
    local = at + int(profile.season.utc_offset_h * 3600)
    return np.asarray((local // 3600) % 24 + np.where((local // DAY_S + 3) % 7 >= 5, 24, 0))


def _explained(values: Float, slot: Int) -> float:
    """The share of the variance of `values` (n,) that the mean of each slot (n,) explains."""
    known = np.isfinite(values)
    if not known.any() or values[known].var() == 0:
        return float("nan")
    values, slot = values[known], slot[known]
    counts = np.maximum(np.bincount(slot), 1)
    means = np.bincount(slot, values) / counts
    return float(1 - np.mean((values - means[slot]) ** 2) / values.var())


def marked(profile: Profile, device: Device) -> Bool:
    """(n,) True at the grid's points that the labels call anomalous."""
    at = times(profile, device)
    flags = np.zeros(len(at), dtype=bool)
    for start, end in device.recording.events():
        flags |= (at >= start - profile.interval_s // 2) & (at <= end)
    return flags


def label_shifts(dataset: Dataset) -> pd.DataFrame:
    """One line a device with labelled rows, a column a sensor: how far anomalies move it.

    The median of the labelled rows less that of the training part, in deviations of the training part (at least a
    twentieth of the smallest deviation worth an alarm); NaN where either was not measured. Empty without labels.
    """
    profile, found = dataset.profile, {}
    least = np.array([s.smallest_deviation for s in profile.sensors]) / 20
    for device in dataset.devices:
        normal, rows = training_rows(profile, device), device.series.values[marked(profile, device)]
        if not len(rows):
            continue
        shift = np.full(len(profile.sensors), np.nan)
        for i in range(len(profile.sensors)):
            usual, odd = normal[np.isfinite(normal[:, i]), i], rows[np.isfinite(rows[:, i]), i]
            if len(usual) and len(odd):
                shift[i] = (np.median(odd) - np.median(usual)) / max(float(usual.std()), least[i])
        found[device.device_id] = shift
    return pd.DataFrame.from_dict(found, orient="index", columns=list(profile.sensor_names))
