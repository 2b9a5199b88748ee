"""Takes down everything that comes out of Pub/Sub, doubles included."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from local.chaos.likeness import alike, difference
from local.pubsub import resources
from local.pulling import pulling


class Parked(NamedTuple):
    """A parked message: what it was, and under which code it was parked."""

    data: bytes
    code: str


@dataclass
class Told:
    """What was told under an id, and how often.

    Attributes:
        contents: by id, as it came first; without `decided_at`, the moment at which it was told.
        times: how many messages brought each.
        contradictions: by id, what differs in those that came again with another content.
    """

    contents: dict[str, dict[str, Any]] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)
    contradictions: dict[str, str] = field(default_factory=dict)

    def take(self, data: bytes) -> None:
        """Takes a decision or a notice."""
        document = json.loads(data)
        document.pop("decided_at")
        # by sensor: the order of two that are next to equal says nothing
        document["contributions"] = {c["sensor"]: c["share"] for c in document.get("contributions", [])}
        name = document["id"]
        self.times[name] += 1
        known = self.contents.setdefault(name, document)
        if not alike(known, document):
            self.contradictions[name] = f"{name} {difference(known, document)}"

    @property
    def again(self) -> int:
        """Messages beyond one for each id."""
        return self.times.total() - len(self.times)


@dataclass
class Witness:
    """What came so far. Read it after the end, or only its lengths.

    Attributes:
        decisions: on windows.
        notices: of gaps and silence.
        parked: by the id of the parked message.
        parked_messages: how many messages brought them.
        dead: messages that were given up.
    """

    decisions: Told = field(default_factory=Told)
    notices: Told = field(default_factory=Told)
    parked: dict[str, Parked] = field(default_factory=dict)
    parked_messages: int = 0
    dead: int = 0
    _seen: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def told(self) -> tuple[Told, Told]:
        """Decisions and notices."""
        return self.decisions, self.notices

    def take_decision(self, message: Any) -> None:
        """Takes a message of `decisions`."""
        with self._new(message) as new:
            if new:
                (self.notices if "notice" in message.attributes else self.decisions).take(message.data)

    def take_parked(self, message: Any) -> None:
        """Takes a message of `readings-parked`."""
        with self._new(message) as new:
            if new:
                self.parked_messages += 1
                parked = Parked(message.data, message.attributes.get("code", ""))
                self.parked[message.attributes.get("message_id", "")] = parked

    def take_dead(self, message: Any) -> None:
        """Takes a message of `readings-dead`."""
        with self._new(message) as new:
            self.dead += new

    @contextlib.contextmanager
    def _new(self, message: Any) -> Iterator[bool]:
        """Whether Pub/Sub has not delivered this very message to us before; acknowledged at the end."""
        with self._lock:
            yield message.message_id not in self._seen
            self._seen.add(message.message_id)
        message.ack()


@contextlib.contextmanager
def watching(project: str) -> Iterator[Witness]:
    """Takes down what comes out of the project's topics until the end of the block."""
    witness = Witness()
    takers = {
        resources.DECISIONS_PULL: witness.take_decision,
        resources.READINGS_PARKED_PULL: witness.take_parked,
        resources.READINGS_DEAD_PULL: witness.take_dead,
    }
    with pulling(project, takers):
        yield witness
