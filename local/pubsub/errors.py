"""The errors of local Pub/Sub, in one tree.

PubSubError
├── RefusalError               a request is answered with an error; each leaf is one gRPC status
│   ├── AlreadyExistsError     the resource was created before
│   ├── NotFoundError          there is no such topic or subscription
│   ├── InvalidArgumentError   the request contradicts the limits of Pub/Sub
│   ├── UnavailableError       the server is going away; clients try again
│   └── UnsupportedError       real Pub/Sub can do this, the embedded server cannot
├── EmulatorMissingError       the official emulator was asked for and is not installed
└── NotReadyError              a server did not start to answer in time
"""

from __future__ import annotations


class PubSubError(Exception):
    """Base of every error that this package raises on purpose."""


class RefusalError(PubSubError):
    """A request that the embedded server answers with an error."""


class AlreadyExistsError(RefusalError):
    """The resource was created before."""


class NotFoundError(RefusalError):
    """There is no such topic or subscription."""


class InvalidArgumentError(RefusalError):
    """The request contradicts the limits of Pub/Sub."""


class UnavailableError(RefusalError):
    """The server is going away; clients try again."""


class UnsupportedError(RefusalError):
    """Real Pub/Sub can do this, the embedded server cannot."""


class EmulatorMissingError(PubSubError):
    """The official emulator was asked for and is not installed."""


class NotReadyError(PubSubError):
    """A server did not start to answer in time."""
