"""Calibrations that came with a request, decoded once."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

from aiot_anomaly.calibration import Calibration, CalibrationDocument, decode
from aiot_anomaly.profile import Profile


class CalibrationCache:
    """The most recently used ones, by the hash of their document. Safe for use from several threads."""

    def __init__(self, size: int = 256) -> None:
        self._size = size
        self._lock = Lock()
        self._found: OrderedDict[bytes, Calibration] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def decode(self, profile: Profile, text: bytes) -> Calibration:
        """The calibration that a JSON text holds.

        Raises:
            ValidationError: it is not a calibration's document.
            CalibrationError: it does not fit the profile; see `aiot_anomaly.calibration.decode`.
        """
        # a fraction of the cost of decoding it, and nothing of the document is kept
        key = hashlib.sha256(b"%s %s" % (profile.name.encode(), text)).digest()
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        found = decode(profile, CalibrationDocument.model_validate_json(text))
        with self._lock:
            self._found[key] = found
            while len(self._found) > self._size:
                self._found.popitem(last=False)
        return found
