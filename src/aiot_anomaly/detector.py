"""A loaded bundle: it scores windows, and scores become the predictions that the API answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from aiot_anomaly import bundle as bundles
from aiot_anomaly import scoring, windows
from aiot_anomaly.bundle import Bundle
from aiot_anomaly.calibration import Calibration
from aiot_anomaly.errors import BundleError
from aiot_anomaly.inference import Graph, Scores
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float
from aiot_anomaly.windows import Windows

#: how far golden scores may be off at start, where the processor may differ from the builder's (relative)
GOLDEN_TOLERANCE = 1e-3

Source = Literal["device", "bundle", "fleet"]


class Detector:
    """A bundle with its graph loaded. Safe for use from several threads."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.graph = Graph(bundle.folder / bundles.MODEL, bundle.profile)

    @property
    def profile(self) -> Profile:
        """The kind of device that it is for."""
        return self.bundle.profile

    def calibration(self, device_id: str, own: Calibration | None = None) -> tuple[Calibration, Source]:
        """The calibration to use and whose it is: the given one, else the bundle's for the device, else the fleet's.

        A given one that was made for another model describes another network's residuals: of it only level and
        scale are used, the rest is the bundle's.
        """
        found, source = self.bundle.calibration(device_id)
        if own is None:
            return found, cast("Source", source)
        if own.model_version == self.bundle.version:
            return own, "device"
        mixed = Calibration(
            center=own.center,
            scale=own.scale,
            whitening=own.whitening,
            weights=found.weights,
            score_scale=found.score_scale,
            band=found.band,
            model_version=found.model_version,
            windows=own.windows,
        )
        return mixed, cast("Source", source)

    def score(
        self, chosen: Windows, calibrations: Calibration | Sequence[Calibration], factors: Float | float = 1.0
    ) -> Scores:
        """Scores complete windows; 1.0 is the threshold, times the factors (n,) if there are any."""
        return self.graph.score(chosen, calibrations, self.bundle.threshold * factors)


def records(
    profile: Profile, device_ids: Sequence[str], chosen: Windows, scores: Scores, sources: Sequence[Source]
) -> list[dict[str, Any]]:
    """What the graph says of n windows, as the API answers it: each has the fields of a `Prediction`.

    Plain dictionaries, made from whole arrays: a model of each would cost more than the graph takes.

    Args:
        profile: the kind of device.
        device_ids: (n) whose windows they are.
        chosen: n complete windows; of their values nothing is needed.
        scores: of these windows.
        sources: (n) whose calibration was used.
    """
    names = profile.sensor_names
    sensors = range(len(names))
    filled = None if chosen.filled is None else chosen.filled.tolist()
    contributions = np.minimum(np.maximum(scores.contributions, 0.0), 1.0)
    rows = zip(
        device_ids, chosen.ends.tolist(), scores.score.tolist(), chosen.out_of_range.tolist(), sources,
        contributions.tolist(), scores.expected.tolist(), scores.lower.tolist(), scores.upper.tolist(),
        strict=True,
    )  # fmt: skip
    found = []
    for i, (device, end, score, outside, source, shares, expected, lower, upper) in enumerate(rows):
        # row by row and not by numpy: the usual request is a single window, of few sensors
        ranked = sorted(sensors, key=shares.__getitem__, reverse=True)
        out = [n for n, o in zip(names, outside, strict=True) if o] if True in outside else []
        found.append(
            {
                "device_id": device,
                "window_end": windows.as_datetime(end),
                "is_anomaly": score > 1.0,
                "score": score,
                "severity": scoring.severity(score),
                "reason": "anomaly" if score > 1.0 else "out_of_range" if out else "normal",
                "calibration": source,
                "contributions": [{"sensor": names[s], "share": shares[s]} for s in ranked],
                "expected": {
                    name: {"value": value, "lower": low, "upper": high}
                    for name, value, low, high in zip(names, expected, lower, upper, strict=True)
                },
                "out_of_range": out,
            }
        )
        if filled is not None:
            found[-1]["filled"] = dict(zip(names, filled[i], strict=True))
    return found


def load(folder: Path, *, tolerance: float = GOLDEN_TOLERANCE) -> Detector:
    """Loads a bundle, verifies its checksums and that it gives its golden scores.

    Args:
        folder: of the bundle.
        tolerance: largest relative difference of a golden score.

    Raises:
        BundleError: the bundle is not whole, or this machine computes other scores than its builder's.
    """
    detector = Detector(bundles.load(folder))
    golden = detector.bundle.golden
    if not len(golden.scores) == len(golden.values) == len(golden.ends) > 0:
        raise BundleError(f"bundle {folder} has no golden score for each golden window; promote the model again")
    found = detector.score(golden.windows(detector.profile), detector.bundle.fleet).score
    expected = np.array(golden.scores)
    worst = int(np.argmax(np.abs(found - expected) / np.maximum(np.abs(expected), 1e-6)))
    if not np.allclose(found, expected, rtol=tolerance, atol=1e-6):
        raise BundleError(
            f"bundle {folder}: golden window {worst} scores {found[worst]:.6f}, expected {expected[worst]:.6f} "
            f"within {tolerance:g}: the model and its golden scores do not belong together; promote the model again"
        )
    return detector
