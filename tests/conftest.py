"""What all tests start from."""

from __future__ import annotations

import signal

# where the tests are started in the background, Ctrl-C is ignored, and every process that a test starts would inherit
# that; several of them are to be stopped by it
signal.signal(signal.SIGINT, signal.default_int_handler)
