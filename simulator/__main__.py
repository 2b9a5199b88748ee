"""`python -m simulator`."""

from __future__ import annotations

import signal
import sys

INTERRUPTED = 130


def run() -> int:
    """The exit status of the command line."""
    # who is told to end, by a supervisor or by `kill`, ends as at Ctrl-C: in order, and with all processes
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # the imports take a second, in which somebody may change their mind
        from simulator.cli import main  # noqa: PLC0415 - see above

        return main()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(run())
