"""Starts the service: python -m serving [--host H] [--port P] [--models DIR] [--check]."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from starlette.types import ASGIApp

from aiot_anomaly.errors import AIoTError
from serving import front, logs, predict, server, service, spans
from serving.later import Later
from serving.service import Service
from serving.settings import Settings, from_environment

#: after so long the event loop lets another thread that waits go on; Python's own 5 ms are as long as a batch takes
_SWITCH_S = 0.0005


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or Ctrl-C; 1 if the bundles or the settings are not right."""
    try:
        settings = from_environment(os.environ)
        given = _parser(settings).parse_args(arguments)
        if given.check:
            _check(given.models, settings)
            return 0
        logs.configure(settings.google_cloud_project)
        served = service.load(given.models, settings)
    except AIoTError as e:
        print(f"serving: {e}", file=sys.stderr)  # noqa: T201 - a command line prints
        return 1
    versions = {name: model.version for name, model in served.models.items()}
    logging.getLogger("serving").info("models loaded", extra={"fields": {"models": versions}})
    later = Later(partial(_app, served))
    app = front.create(served, later)
    traced = spans.wanted(os.environ)
    # a batch that ran in a thread goes on as soon as it has its result, however busy the event loop is with refusals
    sys.setswitchinterval(_SWITCH_S)
    # what is loaded stays: the collector need not look at it again, which takes it milliseconds each time
    gc.freeze()
    # a span, or a line in the log, is made on the app's way
    quick = {} if traced or settings.access_log else predict.quick_routes(served)
    server.create(served, spans.traced(app) if traced else app, given.host, given.port, quick, later.make).run()
    return 0


def _check(models: Path, settings: Settings) -> None:
    served = service.load(models, settings)
    _app(served)
    for name, model in served.models.items():
        print(f"{name} {model.version}: golden scores hold")  # noqa: T201 - a command line prints


def _app(served: Service) -> ASGIApp:
    from serving.app import of_service  # noqa: PLC0415 - see `serving.front`

    app = of_service(served)
    gc.freeze()
    return app


def _parser(settings: Settings) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m serving", description=__doc__)
    parser.add_argument("--host", default=settings.host, help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=settings.port, help="port to listen on (%(default)s)")
    parser.add_argument("--models", type=Path, default=settings.models_dir, help="folder of the bundles (%(default)s)")
    parser.add_argument("--check", action="store_true", help="load the bundles, verify their golden scores and end")
    return parser
