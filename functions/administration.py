"""What a person may change about one device, beside the function at work: a conditional write, as its own are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from aiot_anomaly.device_state import DeviceState
from functions.backoff import pause_s
from functions.errors import ConflictError, UnknownDeviceError
from functions.store import WindowStore

#: of one change, where messages of the device come in between
ATTEMPTS = 10


def set_maintenance(store: WindowStore, profile: str, device: str, begin: datetime, end: datetime) -> DeviceState:
    """From `begin` until `end` windows of the device are decided and no incident is opened.

    Raises:
        UnknownDeviceError: the device never sent a reading.
    """
    during = (int(begin.timestamp()), int(end.timestamp()))
    return _change(store, profile, device, lambda state: replace(state, maintenance=during))


def end_maintenance(store: WindowStore, profile: str, device: str) -> DeviceState:
    """Incidents are opened again; errors as for `set_maintenance`."""
    return _change(store, profile, device, lambda state: replace(state, maintenance=None))


def recalibrate(store: WindowStore, profile: str, device: str, *, trusted: bool) -> DeviceState:
    """Forgets what is normal for the device: it learns anew from its next readings, judged by the fleet's meanwhile.

    Args:
        store: of the device.
        profile: of the device.
        device: its name.
        trusted: its readings are normal whatever the fleet's calibration says; else it learns from quiet ones only.

    Raises:
        UnknownDeviceError: the device never sent a reading.
    """
    return _change(store, profile, device, lambda s: replace(s, learning=s.learning.again(trusted=trusted)))


def find(store: WindowStore, profile: str, device: str) -> DeviceState:
    """The device's state; errors as for `set_maintenance`."""
    state, revision = store.read(profile, device)
    if revision is None:
        raise UnknownDeviceError(f"the store knows no device {device} of profile {profile}: is its name right?")
    return state


def _change(store: WindowStore, profile: str, device: str, change: Callable[[DeviceState], DeviceState]) -> DeviceState:
    find(store, profile, device)
    for attempt in range(ATTEMPTS):
        state, revision = store.read(profile, device)
        changed = change(state)
        try:
            store.write(profile, device, changed, revision)
        except ConflictError:
            if attempt + 1 == ATTEMPTS:
                raise
            time.sleep(pause_s(attempt, first_s=0.05))
        else:
            return changed
    raise AssertionError("not reached")
