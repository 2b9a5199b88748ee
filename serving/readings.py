"""Raw readings of one device: from JSON to arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from time import monotonic
from typing import TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError
from starlette.requests import Request as HttpRequest

from aiot_anomaly.messages import EARLIEST, LATEST, Reading
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float
from serving import payload, service
from serving.errors import from_pydantic, listed, unprocessable
from serving.overload import timeout_s
from serving.schemas import MOST_READINGS

Request = TypeVar("Request", bound=BaseModel)
Answer = TypeVar("Answer")


def check_size(profile: Profile, body: bytes) -> None:
    """Refuses a body with more in it than the readings that a request may have.

    Raises:
        ApiError: 413.
    """
    # of each reading its object, its time and its sensors; and a few values beside them
    payload.check_size(body, (MOST_READINGS + 1) * (len(profile.sensors) + 4) + 64)


async def worked(request: HttpRequest, work: Callable[[bytes], Answer]) -> Answer:
    """What a thread makes of the body, unless that would come too late; `work` may take long.

    Raises:
        OverloadedError: its turn would not come in time.
    """
    s = service.of(request)
    time = timeout_s(request.scope, s.most_s)
    s.workers.admit(time)
    body = await request.body()
    return await s.workers.run(monotonic() + time, work, body)


def validated(kind: type[Request], document: Mapping[str, object], where: str = "") -> Request:
    """A request with `readings`, of the form `kind`; `where` it stands, for the message.

    Raises:
        ApiError: the document has not that form.
    """
    given = document.get("readings")
    if isinstance(given, list) and len(given) > MOST_READINGS:
        message = f"{len(given)} readings, expected at most {MOST_READINGS} a request: send them in several"
        raise unprocessable("too_many_readings", message, found=len(given), expected=MOST_READINGS)
    try:
        return kind.model_validate(document)
    except ValidationError as e:
        raise from_pydantic(e, where, codes={"calibration": "invalid_calibration"}) from None


def arrays(profile: Profile, readings: Sequence[Reading]) -> tuple[Float, Float]:
    """Times (n,) in seconds since 1970 UTC and values (n, S) in the sensors' units, NaN where missing.

    Raises:
        ApiError: a reading has a sensor that the profile does not know, or a time that none can have.
    """
    _check_sensors(profile, readings)
    for i, reading in enumerate(readings):
        if not EARLIEST <= reading.timestamp < LATEST:
            message = (
                f"readings.{i}.timestamp is {reading.timestamp.isoformat()}, "
                f"expected a time from {EARLIEST.year} until {LATEST.year}"
            )
            raise unprocessable("invalid_timestamp", message, reading=i)
    # None becomes NaN
    values = np.array([[r.values.get(name) for name in profile.sensor_names] for r in readings], dtype=np.float64)
    return np.array([r.timestamp.timestamp() for r in readings]), values


def _check_sensors(profile: Profile, readings: Sequence[Reading]) -> None:
    found = set(chain.from_iterable(r.values for r in readings))
    unknown = sorted(found - set(profile.sensor_names))
    if unknown:
        message = (
            f"found unknown sensors {listed(unknown)}; profile {profile.name} has {listed(profile.sensor_names, 256)}"
        )
        raise unprocessable("unknown_sensor", message, found=listed(unknown), expected=profile.sensor_names)
