"""How a command ends early: Ctrl-C and SIGTERM alike."""

from __future__ import annotations

import signal
from types import FrameType

#: exit status of a command that was stopped
INTERRUPTED = 130


def also_on_sigterm() -> None:
    """From now on SIGTERM raises KeyboardInterrupt, too."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
