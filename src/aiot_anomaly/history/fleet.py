"""A fleet's readings in pieces to decisions with their incidents: what the stream would have published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from aiot_anomaly import detection, inference
from aiot_anomaly.detection import SeriesOutcome
from aiot_anomaly.detector import Detector, records
from aiot_anomaly.errors import CalibrationError
from aiot_anomaly.history.device import DeviceHistory
from aiot_anomaly.incidents import IncidentTracker, explaining
from aiot_anomaly.messages import Incident, Prediction
from aiot_anomaly.series import Float
from aiot_anomaly.windows import Windows, joined

#: readings of one device: its id, (n,) seconds since 1970 UTC, (n, S) in the sensors' units
Piece = tuple[str, Float, Float]


@dataclass(frozen=True)
class Decided:
    """A decision on one window.

    Attributes:
        prediction: as the API answers it.
        values: (S,) what was decided on, at the window's end, in the sensors' units.
        incident: the incident that it belongs to, if any.
    """

    prediction: Prediction
    values: Float
    incident: Incident | None


class FleetHistory:
    """Decides the history of any number of devices, piece by piece.

    Memory: a window's history for each device, and one block of windows.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._devices: dict[str, DeviceHistory] = {}
        self._trackers: dict[str, IncidentTracker] = {}

    def __len__(self) -> int:
        return len(self._devices)

    @property
    def outcomes(self) -> Mapping[SeriesOutcome, int]:
        """How many readings had each outcome so far; they sum to the readings given."""
        total = Counter[SeriesOutcome]()
        for device in self._devices.values():
            total.update(device.outcomes)
        return total

    def take(self, pieces: Iterable[Piece]) -> Iterator[list[Decided]]:
        """The decisions that these readings lead to, some at a time, a device's oldest first. To be read to the end.

        Raises:
            OrderError: a device's readings go back behind those of an earlier piece.
            CalibrationError: a calibration of the bundle leads to a score that is not finite.
        """
        profile = self._detector.profile
        waiting: list[tuple[str, Windows]] = []
        count = 0
        for device_id, timestamps, values in pieces:
            device = self._devices.setdefault(device_id, DeviceHistory(profile, device_id))
            for whole in device.take(timestamps, values):
                # the few windows of many devices are decided in one run of the graph
                waiting.append((device_id, whole))
                count += len(whole)
                if count >= inference.BATCH:
                    yield self._decide(waiting)
                    waiting, count = [], 0
        if waiting:
            yield self._decide(waiting)

    def _decide(self, waiting: list[tuple[str, Windows]]) -> list[Decided]:
        detector, profile = self._detector, self._detector.profile
        chosen = joined(profile, [w for _, w in waiting])
        whose = [device for device, w in waiting for _ in range(len(w))]
        known = {device: detector.calibration(device) for device in dict.fromkeys(whose)}
        one = next(iter(known.values()))[0] if len(known) == 1 else None
        scores = detector.score(chosen, one if one is not None else [known[device][0] for device in whose])
        bad = detection.first_not_finite(scores)
        if bad is not None:
            raise CalibrationError(f"the calibration for {whose[bad]} leads to a score that is not a finite number")
        answers = records(profile, whose, chosen, scores, [known[device][1] for device in whose])
        decided = []
        for i, (device, fields) in enumerate(zip(whose, answers, strict=True)):
            answer = Prediction.model_validate(fields)
            tracker, incident = self._trackers.get(device, IncidentTracker()).advance(
                profile.incidents,
                profile.name,
                device,
                int(chosen.ends[i]),
                answer.is_anomaly,
                answer.score,
                sensors=explaining(answer),
                most_a_day=profile.incidents.most_per_day,
            )
            self._trackers[device] = tracker
            decided.append(Decided(answer, chosen.values[i, -1, : len(profile.sensors)], incident))
        return decided
