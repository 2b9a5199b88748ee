"""Gives devices that nobody calibrated a calibration of their own, see `aiot_anomaly.learning`."""

from __future__ import annotations

import logging
from dataclasses import replace

from aiot_anomaly import learning as rules
from aiot_anomaly.calibration import CalibrationDocument
from aiot_anomaly.device_state import DeviceState
from aiot_anomaly.learning import Learning, QuietRows
from aiot_anomaly.profile import Profile
from aiot_anomaly.stream import Accepted
from functions.api_client import ApiClient
from functions.calibrations import Calibrations
from functions.store import Revision, WindowStore

_log = logging.getLogger(__name__)


class Learner:
    """Keeps quiet readings aside and has calibrations made of them. Safe for use from several threads.

    All that it does follows from the device's state and the messages alone, and is done again, with the same result,
    where a crash comes before the state is written.
    """

    def __init__(self, store: WindowStore, api: ApiClient, calibrations: Calibrations) -> None:
        self._store = store
        self._api = api
        self._calibrations = calibrations

    def learn(self, profile: Profile, device: str, accepted: Accepted, state: DeviceState) -> DeviceState:
        """The state after what was just decided, `accepted`, was learned from.

        Raises:
            TransientError: the store or the API did not answer.
        """
        known, version = state.learning, state.model_version
        if known.calibration and version not in ("", known.version, known.refused):
            known = self._for_another_model(profile, device, known, version)
        if not known.active:
            return replace(state, learning=replace(known, noisy=(), collected=None))
        if known.collected is None or not len(accepted.slots):
            return replace(state, learning=known)
        assert state.watermark is not None
        slots, values = rules.quiet(profile, known, accepted.slots, accepted.values, state.watermark)
        if rules.is_full(profile, known, len(slots), state.watermark):
            rows, revision = self._rows(profile, device)
            assert known.since is not None
            rows = rows.merged(slots, values, since=known.since)
            self._store.write_aside("quiet", profile.name, device, rows.encode(), revision)
            known = replace(known, collected=state.watermark, noisy=(), rows=len(rows.slots))
            if known.rows >= rules.needed(profile):
                known = self._calibrated(profile, device, known, rows)
        return replace(state, learning=known)

    def _for_another_model(self, profile: Profile, device: str, known: Learning, version: str) -> Learning:
        for document in self._calibrations.kept(profile.name, device)[0]:
            if document.model_version == version:  # a roll-out that went back, or that is under way
                return self._using(profile, device, known, document)
        return self._calibrated(profile, device, known, self._rows(profile, device)[0], version)

    def _calibrated(
        self, profile: Profile, device: str, known: Learning, rows: QuietRows, version: str = ""
    ) -> Learning:
        document = self._api.calibrate(profile, device, rows) if len(rows.slots) else None
        if document is None:
            _log.warning("no calibration", extra={"fields": _fields(profile, device, rows=len(rows.slots))})
            return replace(known, refused=version)
        if version and document.model_version != version:
            return known  # during a roll-out another revision may answer; the next decision asks again
        return self._using(profile, device, known, document)

    def _using(self, profile: Profile, device: str, known: Learning, document: CalibrationDocument) -> Learning:
        new = self._calibrations.keep(profile.name, device, document, known.calibration)
        fields = _fields(profile, device, calibration_id=new, model_version=document.model_version)
        _log.info("calibrated", extra={"fields": fields | {"windows": document.windows}})
        return replace(
            known, calibration=new, version=document.model_version, refused="", wanted=False, trusted=False, noisy=()
        )

    def _rows(self, profile: Profile, device: str) -> tuple[QuietRows, Revision]:
        data, revision = self._store.read_aside("quiet", profile.name, device)
        rows = QuietRows() if data is None else QuietRows.decode(data)
        # of a model that knew other sensors
        usable = rows.values.shape[1] == len(profile.sensors)
        return (rows if usable else QuietRows()), revision


def _fields(profile: Profile, device: str, **others: object) -> dict[str, object]:
    return {"device_id": device, "profile": profile.name, **others}
