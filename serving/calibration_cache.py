"""Calibrations that came with a request, decoded once."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

from aiot_anomaly.calibration import Calibration, CalibrationDocument, decode
from aiot_anomaly.profile import Profile

#: bytes of documents whose calibrations are held: thousands of devices
MOST_BYTES = 16 * 1024 * 1024


class CalibrationCache:
    """The most recently used ones, by the hash of their document. Safe for use from several threads.

    Args:
        most_bytes: that the documents of those held have together.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._lock = Lock()
        self._found: OrderedDict[bytes, tuple[Calibration, int]] = OrderedDict()

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
                return self._found[key][0]
        found = decode(profile, CalibrationDocument.model_validate_json(text))
        with self._lock:
            if key not in self._found:
                self._found[key] = found, len(text)
                self._bytes += len(text)
            while self._bytes > self._most_bytes and len(self._found) > 1:
                self._bytes -= self._found.popitem(last=False)[1][1]
        return found
