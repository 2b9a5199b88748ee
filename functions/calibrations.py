"""The devices' own calibrations: kept beside their states, and in memory once they were read."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

from pydantic import TypeAdapter

from aiot_anomaly.calibration import CalibrationDocument
from functions.store import Revision, WindowStore

#: bytes of calibrations held in memory
MOST_BYTES = 64 * 1024 * 1024
#: of one device that are kept: the one in use, and the one of the model that a roll-out may go back to
KEPT = 2
_Documents = TypeAdapter(list[CalibrationDocument])


def identity(document: CalibrationDocument) -> str:
    """Names the content."""
    return _name(_text(document))


class Calibrations:
    """Reads a device's calibration once; what it is asked for by its id never changes. Safe for several threads.

    It holds them as the text that the API is sent, which is made once.
    """

    def __init__(self, store: WindowStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._held = OrderedDict[str, bytes]()
        self._bytes = 0

    def find(self, profile: str, device: str, wanted: str) -> bytes | None:
        """The device's calibration of this id as JSON; None if it has none, or lost it."""
        if not wanted:
            return None
        with self._lock:
            if wanted in self._held:
                self._held.move_to_end(wanted)
                return self._held[wanted]
        for text in map(_text, self.kept(profile, device)[0]):
            if _name(text) == wanted:
                self._hold(wanted, text)
                return text
        return None

    def kept(self, profile: str, device: str) -> tuple[list[CalibrationDocument], Revision]:
        """All that are kept of a device, the newest first, and their revision in the store."""
        data, revision = self._store.read_aside("calibrations", profile, device)
        return ([] if data is None else _Documents.validate_json(data)), revision

    def keep(self, profile: str, device: str, document: CalibrationDocument, in_use: str) -> str:
        """Keeps a new one beside the one in use, and gives its id.

        The state says which is used: one that crashes before it is written comes back to the old one.
        """
        before, revision = self.kept(profile, device)
        new = identity(document)
        others = [d for d in before if identity(d) != new]
        others.sort(key=lambda d: identity(d) != in_use)
        self._store.write_aside(
            "calibrations", profile, device, _Documents.dump_json([document, *others][:KEPT]), revision
        )
        self._hold(new, _text(document))
        return new

    def _hold(self, name: str, text: bytes) -> None:
        with self._lock:
            if name not in self._held:
                self._held[name] = text
                self._bytes += len(text)
            while self._bytes > MOST_BYTES and len(self._held) > 1:
                self._bytes -= len(self._held.popitem(last=False)[1])


def _text(document: CalibrationDocument) -> bytes:
    return document.model_dump_json().encode()


def _name(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]
