"""The errors of the function, in one tree; what Pub/Sub is told depends on the branch.

AIoTError
├── MessageError            delivering again would not help: parked and acknowledged
│   └── EnvelopeError       the push request itself cannot be read
├── SettingsError           the environment does not say what is needed: the process does not start
├── UsageError              a person asked for what makes no sense
├── UnknownDeviceError      a person named a device that the store does not know
├── TransientError          delivering again will help: 503
│   ├── ApiUnavailableError     the API cannot be reached, is overloaded or too slow
│   ├── PublishError            Pub/Sub did not confirm what was published
│   ├── StoreUnavailableError   the store is locked or cannot be reached
│   └── ConflictError           somebody else wrote the device's state since it was read
├── ApiRefusedError         the API calls our request wrong: a bug of one of the two, 500
└── StateTooLargeError      the store cannot hold a device's state: a profile that asks for too much, 500
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiot_anomaly.errors import AIoTError, MessageError

if TYPE_CHECKING:
    from functions.envelope import PushMessage


class EnvelopeError(MessageError):
    """The push request cannot be read; `message` holds its bytes and what could be read of it."""

    code = "malformed_envelope"

    def __init__(self, text: str, message: PushMessage) -> None:
        super().__init__(text)
        self.message = message


class SettingsError(AIoTError):
    """The environment does not say what is needed."""

    code = "settings"


class UsageError(AIoTError):
    """A person asked for what makes no sense."""

    code = "usage"


class UnknownDeviceError(AIoTError):
    """The store does not know the device."""

    code = "unknown_device"


class TransientError(AIoTError):
    """What failed may work the next time."""

    code = "transient"


class ApiUnavailableError(TransientError):
    """The API cannot be reached, is overloaded or too slow."""

    code = "api_unavailable"


class PublishError(TransientError):
    """Pub/Sub did not confirm what was published."""

    code = "publish_failed"


class StoreUnavailableError(TransientError):
    """The store is locked or cannot be reached."""

    code = "store_unavailable"


class ConflictError(TransientError):
    """Somebody else wrote the device's state since it was read."""

    code = "conflict"


class ApiRefusedError(AIoTError):
    """The API calls our request wrong."""

    code = "api_refused"


class StateTooLargeError(AIoTError):
    """The store cannot hold a device's state."""

    code = "state_too_large"
