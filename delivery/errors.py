"""The errors of delivery, in one tree.

AIoTError
└── DeliveryError        base of them all
    ├── IdentityError    no ID token for the API can be had
    ├── CloudRunError    Cloud Run or Cloud Monitoring refused, or a revision did not start
    │   └── ConflictError    somebody else changed the service since it was read
    └── ChoiceError      what was asked for does not exist, or cannot serve
"""

from __future__ import annotations

from aiot_anomaly.errors import AIoTError


class DeliveryError(AIoTError):
    """Base of what delivery raises on purpose."""

    code = "delivery"


class IdentityError(DeliveryError):
    """No ID token for the API can be had."""

    code = "identity"


class CloudRunError(DeliveryError):
    """Cloud Run or Cloud Monitoring refused, or a revision did not start."""

    code = "cloud_run"


class ConflictError(CloudRunError):
    """Somebody else changed the service since it was read."""

    code = "conflict"


class ChoiceError(DeliveryError):
    """What was asked for does not exist, or cannot serve."""

    code = "choice"
