"""What every refusal of the service looks like."""

from __future__ import annotations

from typing import Any


def refused(response: Any, status: int, code: str) -> str:
    """Asserts that a response is this refusal and returns its message."""
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"code", "message", "details"}
    assert error["code"] == code, error
    return str(error["message"])
