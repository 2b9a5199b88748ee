"""A function that only acknowledges: what Pub/Sub, HTTP and the framework cost by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.stream.contenders.counting import counted

if TYPE_CHECKING:
    from flask import Request


def acknowledge(request: Request) -> tuple[str, int]:
    """Takes the body in, and that is all."""
    request.get_data()
    return "", 204


handle = counted(acknowledge)
