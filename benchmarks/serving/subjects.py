"""The models that are measured: a bundle, and windows to ask it about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from aiot_anomaly import bundle as bundles
from aiot_anomaly.bundle import Bundle
from aiot_anomaly.series import Float
from aiot_anomaly.windows import as_datetime, season_slots


@dataclass(frozen=True)
class Subject:
    """One model.

    Attributes:
        name: of its profile.
        folder: of the forms that the peers load, with the bundle in `bundle/`.
    """

    name: str
    folder: Path

    @cached_property
    def bundle(self) -> Bundle:
        """Its bundle."""
        return bundles.load(self.folder / "bundle")

    @property
    def scores(self) -> Float:
        """(W,) what its golden windows must score."""
        return np.array(self.bundle.golden.scores)

    @cached_property
    def windows(self) -> Float:
        """(W, T, F) its golden windows, with the season's slots as one more column where it has a season."""
        golden, profile = self.bundle.golden, self.bundle.profile
        values = np.array(golden.values)
        if profile.season.slots == 1:
            return values
        season = season_slots(profile, np.array(golden.ends, dtype=np.int64))
        return np.concatenate([values, season[:, :, None]], axis=2)

    def instances(self) -> Iterator[dict[str, object]]:
        """Its golden windows as the API takes them, of a device that the bundle does not know."""
        golden = self.bundle.golden
        for end, values in zip(golden.ends, golden.values, strict=True):
            yield {"device_id": "benchmark", "window_end": as_datetime(end).isoformat(), "values": values}
