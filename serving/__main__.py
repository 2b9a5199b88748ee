"""Starts the service: python -m serving [--host H] [--port P] [--models DIR] [--check]."""

from __future__ import annotations

import gc
import signal
import sys

#: new containers after which the garbage collector looks for cycles: more than the windows of a request have rows
_COLLECT_AT = 100_000

if __name__ == "__main__":
    # what is imported stays, and to look through it again and again takes a tenth of the start; later on, a large body
    # is not looked through again and again while it is read: what it leaves needs no collector
    gc.set_threshold(_COLLECT_AT)
    # while it is imported, too, and as a container's first process, which ignores signals that it has no handler for;
    # uvicorn drains and then raises the signal again: that is a good end, not a killed process
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    from serving.command import main

    sys.exit(main())
