"""Fetches public data that is not part of this repository."""

from __future__ import annotations

import http.client
import urllib.request

from aiot_anomaly.errors import DatasetError


def fetch(url: str, advice: str) -> bytes:
    """What lies at an address.

    Args:
        url: a constant of this package, or the caller's own.
        advice: what a person without a network can do.

    Raises:
        DatasetError: it cannot be fetched.
    """
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - see `url`
            return bytes(answer.read())
    except (OSError, http.client.HTTPException) as e:
        raise DatasetError(f"cannot download {url}: {e}. {advice}", code="unreachable") from None
