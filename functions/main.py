"""The entry point for functions-framework: `handle`, an HTTP function behind a Pub/Sub push subscription.

    functions-framework --source functions/main.py --target handle --signature-type http

Cloud Scheduler calls it, too, with the path /sweep: then it looks after devices that stopped sending.

The modules beside this file are the package `functions`, everywhere under that name. In the repository the package
lies in the repository's root and this file in it. In the cloud the archive's root holds a copy of this file (that is
where Cloud Run functions looks for it), with the packages `functions/` and `aiot_anomaly/` beside it.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gunicorn.config import Keepalive  # type: ignore[import-untyped] # gunicorn publishes no type information

# the framework loads this file by its path and adds only its folder to the path of imports
_HERE = Path(__file__).resolve().parent
_ROOT = str(_HERE if (_HERE / "functions").is_dir() else _HERE.parent)
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

from functions import logs  # noqa: E402 - the package is found only after the lines above
from functions.service import Service  # noqa: E402 - as above
from functions.settings import Settings  # noqa: E402 - as above

if TYPE_CHECKING:
    from flask import Request

# At SIGTERM gunicorn's threaded worker waits for connections that are only kept open, for all of its 30 s of grace;
# Cloud Run kills it after 10 s. Pub/Sub's pushes come over the loopback interface there and here, where a connection
# costs next to nothing, so none is kept. The framework passes no such setting on, hence the default is changed.
Keepalive.default = 0
logs.configure()
_service = Service(Settings.from_environment(os.environ))
atexit.register(_service.close)


def handle(request: Request) -> tuple[str, int]:
    """Answers a push request of Pub/Sub, and to /sweep Cloud Scheduler; a GET says that the function is there."""
    if request.method in ("GET", "HEAD"):
        return "ready\n", 200
    if request.method != "POST":
        return "expected POST\n", 405
    if request.path == "/sweep":
        found, status = _service.sweep()
        return f"{json.dumps(found)}\n", status
    return "", _service.handle(request.get_data())
