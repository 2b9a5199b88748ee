"""What a command line does when whoever read its output has enough, as with `| head`."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

#: as a shell has it for a program that SIGPIPE ended
PIPE_CLOSED = 141


def give_up_standard_output() -> None:
    """What is left of it in memory goes nowhere, or else the interpreter would try once more, and fail, at its end."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
