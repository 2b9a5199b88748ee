"""`python -m simulator`."""

from __future__ import annotations

import signal
import sys

from simulator.cli import main

if __name__ == "__main__":
    # who is told to end, by a supervisor or by `kill`, ends as at Ctrl-C: in order, and with all processes
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
