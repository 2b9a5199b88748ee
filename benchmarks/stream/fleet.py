"""Devices that send: each message holds a device's next readings, made before anything is measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from aiot_anomaly import learning
from aiot_anomaly.bundle import Bundle
from simulator.encoding import Encoder

#: 2026-02-02T00:00:00Z
START = 1_769_990_400
#: readings beyond those with which a device begins, calibrated by itself: its next one is decided
_BEYOND = 8


class Message(NamedTuple):
    """One message: its ordering key, and its body."""

    key: str
    data: bytes


class Fleet:
    """Devices of one profile, and where each of them is in time.

    Args:
        bundle: whose golden windows say what is usual.
        devices: how many.
        lanes: how many ordering keys they share, one each if not given: Pub/Sub's emulator slows down with their
            number, and the function does not look at them.
        seed: of the values and of who sends when.
    """

    def __init__(self, bundle: Bundle, devices: int, *, lanes: int | None = None, seed: int = 0) -> None:
        self.profile = bundle.profile
        self.devices = devices
        self._lanes = lanes or devices
        self._rng = np.random.default_rng(seed)
        sensors = len(self.profile.sensors)
        # the first golden window is the calmest
        self._usual = np.array(bundle.golden.values)[0, :, :sensors].mean(axis=0)
        self._encoder = Encoder(self.profile.sensor_names)
        self._next: dict[int, int] = {}
        self._first = self.profile.history + learning.needed(self.profile) + self.profile.window.stride + _BEYOND

    def history(self, devices: Sequence[int]) -> list[Message]:
        """The readings that a device begins with, one message each."""
        return [self._message(device, 0, self._first) for device in devices]

    def messages(self, number: int, readings: int) -> list[Message]:
        """So many messages of so many readings; every device sends before one sends again."""
        return [self._following(device, readings) for device in self._turns(number)]

    def _turns(self, number: int) -> Iterator[int]:
        while number > 0:
            turn = self._rng.permutation(self.devices)[:number].tolist()
            yield from turn
            number -= len(turn)

    def _following(self, device: int, readings: int) -> Message:
        at = self._next.get(device, self._first)
        self._next[device] = at + readings
        return self._message(device, at, readings)

    def _message(self, device: int, at: int, readings: int) -> Message:
        times = START + self.profile.interval_s * np.arange(at, at + readings)
        values = self._usual * (1 + 0.01 * self._rng.normal(size=(readings, len(self._usual))))
        name = device_id(device)
        return Message(
            device_id(device % self._lanes),
            self._encoder.message(name, self._encoder.readings(times, np.round(values, 4))),
        )


def device_id(device: int) -> str:
    """Of device number `device` from 0."""
    return f"device-{device:06}"
