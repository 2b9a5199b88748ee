"""The function as it is deployed, with a clock around each step."""

from __future__ import annotations

import os

from aiot_anomaly import stream
from benchmarks.stream.contenders.clock import Clock
from benchmarks.stream.contenders.counting import counted
from functions import handler, main, pipeline, watch
from functions.api_client import ApiClient
from functions.learner import Learner
from functions.publisher import Publisher
from functions.sqlite_store import SqliteStore


def _store() -> type:
    """The class of the store that this process is told to use."""
    if not os.environ["STORE"].startswith("firestore:"):
        return SqliteStore
    # its client costs memory, which only those pay who use it
    from functions.firestore_store import FirestoreStore  # noqa: PLC0415 - see above

    return FirestoreStore


STEPS = (
    ("decode", handler, "decode"),
    ("decode", pipeline, "parse_readings"),
    ("decode", pipeline, "check_against"),
    ("read", _store(), "read"),
    ("preprocess", stream, "accept"),
    ("API", ApiClient, "predict"),
    ("decide", watch, "decide"),
    ("publish", Publisher, "publish"),
    ("learn", Learner, "learn"),
    ("write", _store(), "write"),
)
_clock = Clock()
for _step, _owner, _name in STEPS:
    _clock.put_around(_step, _owner, _name)
handle = counted(main.handle, _clock)
