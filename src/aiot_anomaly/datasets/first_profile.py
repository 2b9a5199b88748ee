"""A first profile for a recording, from what a survey found: every choice is a rule, and each is said in the file.

The rules look at the training part alone, but for the valid ranges, which must not cut what the recording has.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import profile_text, sensor_ranges, usable_sensors, window_form
from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.datasets.survey import Survey
from aiot_anomaly.profile import Profile

#: added to the covariance of standardised inputs: what breaks the bond between sensors counts
RIDGE = 0.01


@dataclass(frozen=True)
class First:
    """A first profile, how its recording is read, what was found in it, and the YAML text with comments."""

    profile: Profile
    layout: Layout
    found: Survey
    text: str
    notes: tuple[str, ...]


def propose(found: Survey, name: str) -> First:
    """Proposes a profile.

    Args:
        found: of the recording.
        name: of the profile.

    Raises:
        DatasetError: there are too few rows to train on, or too few values in them.
    """
    notes = list(found.notes)
    found = usable_sensors.first_sensors(found, notes)
    gap = usable_sensors.longest_gap(found)
    found = usable_sensors.present_sensors(found, gap, notes)
    looked, form = window_form.fitting(found, gap)
    layout = found.layout.model_copy(update={"train_until": looked.share})
    window, seasonal = form.window, form.seasonal
    sensors = [
        sensor_ranges.described(sensor, i, looked, form.changing.get(i, 0)) for i, sensor in enumerate(found.sensors)
    ]
    changing = {found.sensors[i].name: span for i, span in form.changing.items()}
    notes += sensor_ranges.coarse(found.sensors, sensors, changing)
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
        "threshold": {"quantile": 0.99, "margin": 1.1},
        "incidents": {"k": 3, "n": 5, "quiet": 10},
        "stream": {"allowed_lateness_s": 0 if found.interval_s < 60 else 2 * found.interval_s, "future_skew_s": 300},
    }
    text = profile_text.render(document, found, layout)
    return First(profile_store.parse(text, source=name), layout, found, text, tuple(notes))
