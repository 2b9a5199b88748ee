"""Random numbers that depend only on what they are for, never on what was drawn before.

A district's demand on a calendar day is the same whichever range of dates is simulated, in whichever process.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What random numbers are for; the values are part of every simulated fleet's identity."""

    DISTRICT = 1
    DEMAND = 2
    DAY_LEVEL = 3
    DAY_NOISE = 4
    SENSORS = 5
    LEAK_NODE = 6
    RANDOM_LEAKS = 7
    MESSAGES = 8
    RANDOM_EVENTS = 10
    HYDRANT = 11
    SENSOR_FAULTS = 12
    RANDOM_SENSOR_FAULTS = 13
    CONSUMER = 20
    CONSUMER_SHAPE = 21
    CONSUMER_DAY = 22
    VACATIONS = 23
    APPLIANCES = 24
    FRAUD = 25
    FRAUD_DAY = 26
    RANDOM_FRAUD = 27
    GAPS = 30
    SKEW = 31
    LATENESS = 32
    CORRUPTION = 33
    NIGHT_USE = 34


def generator(seed: int, stream: Stream, *key: int) -> np.random.Generator:
    """The generator for one purpose; `key` are non-negative, such as a district's number and a day's."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(stream), *key)))
