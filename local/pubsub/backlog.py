"""The messages that one subscription still owes its subscriber: pure state, no clock and no I/O.

A message is in exactly one place: `ready`, behind the unfinished message of its ordering key, leased to a
subscriber, or paused before its redelivery. Times are seconds on any one clock that does not run backwards.
"""

from __future__ import annotations

import heapq
import itertools
import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any

from local.pubsub.delivery import Delivery, Terms

Forward = Callable[[Any, int], bool]


class Backlog:
    """Hands out messages under leases, in publish order of each ordering key, until they are acknowledged.

    With ordering, one message of a key is out at a time, and a failed one holds back its successors.

    Args:
        terms: The delivery settings of the subscription.
        on_change: Called after every change that may let a waiting subscriber go on.
        forward: Sends a message that failed its last attempt to the dead letter topic; False keeps it here.
    """

    def __init__(self, terms: Terms, on_change: Callable[[], None], forward: Forward) -> None:
        self.terms = terms
        self._on_change = on_change
        self._forward = forward
        self._ready: deque[tuple[Any, int]] = deque()  # (message, attempts so far)
        self._behind: dict[str, deque[Any]] = {}  # a present key has an unfinished message; these wait for it
        self._leases: dict[str, tuple[Delivery, float]] = {}  # by ack id, with the time of expiry
        self._expiries: list[tuple[float, str]] = []  # heap; entries of finished leases are dropped when met
        self._paused: list[tuple[float, int, Any, int]] = []  # heap of (due, tie breaker, message, attempts so far)
        self._held: Counter[str] = Counter()
        # a client that outlives a restart must not acknowledge another message with an old id
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        waiting = sum(len(messages) for messages in self._behind.values())
        return len(self._ready) + len(self._leases) + len(self._paused) + waiting

    def held(self, holder: str) -> int:
        """How many messages `holder` has out."""
        return self._held[holder]

    def add(self, message: Any) -> None:
        """Take over a freshly published message."""
        if self.terms.ordered and message.ordering_key:
            if message.ordering_key in self._behind:
                self._behind[message.ordering_key].append(message)
                return
            self._behind[message.ordering_key] = deque()
        self._ready.append((message, 0))
        self._on_change()

    def take(self, now: float, limit: int, *, lease_s: float | None = None, holder: str = "") -> list[Delivery]:
        """Lease up to `limit` messages for `lease_s` seconds (None: the subscription's ack deadline)."""
        self._advance(now)
        expiry = now + (self.terms.ack_deadline_s if lease_s is None else lease_s)
        taken: list[Delivery] = []
        while self._ready and len(taken) < limit:
            message, attempts = self._ready.popleft()
            delivery = Delivery(message, attempts + 1, f"{self._prefix}-{next(self._numbers)}", holder)
            self._leases[delivery.ack_id] = (delivery, expiry)
            heapq.heappush(self._expiries, (expiry, delivery.ack_id))
            self._held[holder] += 1
            taken.append(delivery)
        return taken

    def acknowledge(self, ack_ids: Iterable[str]) -> None:
        """Finish these deliveries; unknown and expired ids are ignored, as Pub/Sub does."""
        for ack_id in ack_ids:
            if delivery := self._end_lease(ack_id):
                self._release(delivery.message)
        self._on_change()

    def extend(self, ack_id: str, seconds: float, now: float) -> None:
        """Let a lease end `seconds` from now; 0 gives the message back (a negative acknowledgement)."""
        if ack_id not in self._leases:
            return
        if seconds <= 0:
            self._fail(ack_id, now)
        else:
            delivery, _ = self._leases[ack_id]
            self._leases[ack_id] = (delivery, now + seconds)
            heapq.heappush(self._expiries, (now + seconds, ack_id))
        self._on_change()

    def next_event(self) -> float | None:
        """When a lease or a pause ends next, if nothing else happens; None: never."""
        while self._expiries and self._is_stale(*self._expiries[0]):
            heapq.heappop(self._expiries)
        times = [heap[0][0] for heap in (self._expiries, self._paused) if heap]
        return min(times, default=None)

    def _advance(self, now: float) -> None:
        while self._expiries and self._expiries[0][0] <= now:
            expiry, ack_id = heapq.heappop(self._expiries)
            if not self._is_stale(expiry, ack_id):
                self._fail(ack_id, now)
        while self._paused and self._paused[0][0] <= now:
            _, _, message, attempts = heapq.heappop(self._paused)
            self._ready.append((message, attempts))

    def _is_stale(self, expiry: float, ack_id: str) -> bool:
        lease = self._leases.get(ack_id)
        return lease is None or lease[1] != expiry

    def _fail(self, ack_id: str, now: float) -> None:
        delivery = self._end_lease(ack_id)
        if delivery is None:
            return
        terms, message, attempt = self.terms, delivery.message, delivery.attempt
        if terms.max_attempts and attempt >= terms.max_attempts and self._forward(message, attempt):
            self._release(message)
        elif pause := terms.pause_s(attempt):
            heapq.heappush(self._paused, (now + pause, next(self._numbers), message, attempt))
        else:
            self._ready.append((message, attempt))

    def _end_lease(self, ack_id: str) -> Delivery | None:
        lease = self._leases.pop(ack_id, None)
        if lease is None:
            return None
        holder = lease[0].holder
        self._held[holder] -= 1
        if not self._held[holder]:
            del self._held[holder]
        return lease[0]

    def _release(self, message: Any) -> None:
        """Let the next message of a finished message's key go."""
        behind = self._behind.get(message.ordering_key) if self.terms.ordered else None
        if behind:
            self._ready.append((behind.popleft(), 0))
        elif behind is not None:
            del self._behind[message.ordering_key]
