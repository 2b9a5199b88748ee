"""What can go wrong with the local stack."""

from __future__ import annotations

from aiot_anomaly.errors import AIoTError


class StackError(AIoTError):
    """A part of the stack did not start, died or did not finish; the text says which, and where its log is."""

    code = "stack"
