"""What the routes of one app share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

import anyio.to_thread
import numpy as np
from anyio import CapacityLimiter
from starlette.requests import Request

from serving.calibration_cache import CalibrationCache
from serving.catalogue import Catalogue
from serving.metrics import Metrics

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Service:
    """The loaded models and what is kept beside them."""

    catalogue: Catalogue
    limiter: CapacityLimiter
    metrics: Metrics = field(default_factory=Metrics)
    calibrations: CalibrationCache = field(default_factory=CalibrationCache)

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Does work in a thread, so that the event loop goes on answering; at most a few at once."""

        def quietly() -> R:
            # a client's calibration may overflow; what comes out is checked for it
            with np.errstate(over="ignore", invalid="ignore"):
                return work(*args, **kwargs)

        return await anyio.to_thread.run_sync(quietly, limiter=self.limiter)


def of(request: Request) -> Service:
    """The service of the app that this request came to."""
    found = request.app.state.service
    assert isinstance(found, Service)
    return found
