"""The errors of this library, in one tree.

AIoTError
├── ProfileError        a profile cannot be read or contradicts itself
├── MessageError        a Pub/Sub message is not a valid reading (it is parked, never retried)
├── StateError          what was kept of a device was written by a later release
├── WindowError         a window does not have the shape or the content that its profile asks for
├── CalibrationError    a calibration does not fit its profile or its model, or cannot be computed
├── BundleError         a bundle is missing, corrupt, or does not give its golden scores
├── DatasetError        a recording cannot be found, downloaded or read
│   └── OrderError      its readings go back in time where that cannot be mended on the way
└── TrainingError       a training job was given unusable data or parameters

Each carries a stable `code` for machines beside its sentence for people, which names what was found,
what was expected and what to do.
"""

from __future__ import annotations


class AIoTError(Exception):
    """Base of every error that this library raises on purpose.

    `code` is stable: clients may compare it. `details` holds the values named in the message.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, **details: object) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.details = details


class ProfileError(AIoTError):
    """A profile cannot be read or contradicts itself."""

    code = "invalid_profile"


class MessageError(AIoTError):
    """A message is not a valid reading; delivering it again would not help."""

    code = "invalid_message"


class StateError(AIoTError):
    """What was kept of a device was written by a later release."""

    code = "state_format"


class WindowError(AIoTError):
    """A window does not have the shape or the content that its profile asks for."""

    code = "invalid_window"


class CalibrationError(AIoTError):
    """A calibration does not fit its profile or model, or cannot be computed from the given rows."""

    code = "invalid_calibration"


class BundleError(AIoTError):
    """A bundle is missing, corrupt, or does not give its golden scores."""

    code = "invalid_bundle"


class DatasetError(AIoTError):
    """A recording cannot be found, downloaded or read."""

    code = "dataset"


class OrderError(DatasetError):
    """Readings go back in time where they are expected oldest first; sorting them helps."""

    code = "not_in_order"


class TrainingError(AIoTError):
    """A training job was given unusable data or parameters."""

    code = "training"
