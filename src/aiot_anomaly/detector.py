"""A loaded bundle: it scores windows, and a score becomes the prediction that the API answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

import numpy as np

from aiot_anomaly import bundle as bundles
from aiot_anomaly import scoring, windows
from aiot_anomaly.bundle import Bundle
from aiot_anomaly.calibration import Calibration
from aiot_anomaly.errors import BundleError
from aiot_anomaly.inference import Graph, Scores
from aiot_anomaly.messages import Contribution, Expected, Prediction
from aiot_anomaly.profile import Profile
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

    def score(self, chosen: Windows, calibrations: Calibration | Sequence[Calibration]) -> Scores:
        """Scores complete windows; 1.0 is the threshold."""
        return self.graph.score(chosen, calibrations, self.bundle.threshold)


def prediction(profile: Profile, device_id: str, chosen: Windows, scores: Scores, i: int, source: Source) -> Prediction:
    """What the graph says of window `i`, as the API answers it."""
    names = profile.sensor_names
    score = float(scores.score[i])
    out = [names[s] for s in np.flatnonzero(chosen.out_of_range[i])]
    anomaly = score > 1.0
    return Prediction(
        device_id=device_id,
        window_end=windows.as_datetime(chosen.ends[i]),
        is_anomaly=anomaly,
        score=score,
        severity=float(scoring.severity(score)),
        reason="anomaly" if anomaly else "out_of_range" if out else "normal",
        calibration=source,
        contributions=[
            Contribution(sensor=names[s], share=min(1.0, max(0.0, float(scores.contributions[i, s]))))
            for s in np.argsort(-scores.contributions[i], kind="stable")
        ],
        expected={
            name: Expected(
                value=float(scores.expected[i, s]), lower=float(scores.lower[i, s]), upper=float(scores.upper[i, s])
            )
            for s, name in enumerate(names)
        },
        out_of_range=out,
        filled=None if chosen.filled is None else dict(zip(names, chosen.filled[i].tolist(), strict=True)),
    )


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
