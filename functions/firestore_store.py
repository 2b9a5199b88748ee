"""The store in a Firestore database: for a function that runs on several instances.

A message costs one document read and one conditional write; a document's update time is the revision of its state.
With FIRESTORE_EMULATOR_HOST set, the client speaks to an emulator there, and no credentials are needed.

    devices/<profile>:<device>   profile, device, counts (readings by outcome, and pending), state (bytes), due
    calibrations/, quiet/, sweeps/<profile>:<device>   data (bytes)
    parked/<message id>          profile, code, expires_at (for a time-to-live policy)

`state`, `counts` and `data` are never asked for by value: exempt from indexes they cost less to write. `due` is: it
begins with one of a few numbers, drawn by the device's name. Times alone only grow, and an index on them takes 500
writes a second, because all of them go to its end.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.api_core.exceptions import AlreadyExists, FailedPrecondition, RetryError
from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore import Client, FieldFilter

from aiot_anomaly.device_state import DeviceState
from aiot_anomaly.messages import OUTCOMES
from functions import retrying
from functions.errors import ConflictError, StateTooLargeError, StoreUnavailableError
from functions.store import Kind, Revision, Totals

DEVICES = "devices"
PARKED = "parked"
#: how long a parked message is counted, and known when it comes again: longer than Pub/Sub keeps any
PARKED_FOR = timedelta(days=35)
#: bytes of an encoded state: a document holds 1 MiB, its other fields and its name included
LARGEST_STATE = 1_048_576 - 8_192
#: numbers that `due` may begin with
SHARDS = 16
# devices of one look at all of them
_PAGE = 300
# bytes of a document's id
_LONGEST_ID = 1_500


class FirestoreStore:
    """A `WindowStore` in one Firestore database (native mode). Nothing is opened before the first call.

    Args:
        project: of the database.
        database: its id.
        timeout_s: one read or write with its retries.
    """

    def __init__(self, project: str, database: str, *, timeout_s: float = 4.0) -> None:
        self._project = project
        self._database = database
        self._limits = retrying.limits(timeout_s)
        self._lock = threading.Lock()
        self._client: Client | None = None

    def read(self, profile: str, device: str) -> tuple[DeviceState, Revision]:
        """See `WindowStore`."""
        with self._calling() as client:
            found = client.collection(DEVICES).document(document_id(profile, device)).get(**self._limits)
        if not found.exists:
            return DeviceState(), None
        return DeviceState.decode(found.get("state")), found.update_time.rfc3339()

    def write(self, profile: str, device: str, state: DeviceState, revision: Revision) -> None:
        """See `WindowStore`."""
        encoded = state.encode()
        if len(encoded) > LARGEST_STATE:
            raise StateTooLargeError(
                f"the state of {profile}/{device} takes {len(encoded):,} bytes, a Firestore document holds "
                f"{LARGEST_STATE:,}: shorten the profile's window, memory or longest gap ({len(state.slots):,} "
                f"readings are kept)"
            )
        fields: dict[str, object] = {
            "profile": profile,
            "device": device,
            "counts": {"pending": state.pending} | {str(outcome): n for outcome, n in state.outcomes.items()},
            "state": encoded,
            "due": None if state.due_at is None else _due(_shard(profile, device), state.due_at),
        }
        self._write(DEVICES, profile, device, fields, revision, "state")

    def due(self, now: int, most: int) -> list[tuple[str, str]]:
        """See `WindowStore`; a query a shard, each of which costs a document read at least."""
        found = list[tuple[str, str]]()
        with self._calling() as client:
            for shard in range(SHARDS):
                if len(found) == most:
                    break
                query = (
                    client.collection(DEVICES)
                    .where(filter=FieldFilter("due", ">=", _due(shard, 0)))
                    .where(filter=FieldFilter("due", "<=", _due(shard, now)))
                    .order_by("due")
                    .limit(most - len(found))
                    .select(["profile", "device"])
                )
                found += [(d.get("profile"), d.get("device")) for d in query.stream(**self._limits)]
        return found

    def bring_up(self) -> int:
        """See `WindowStore`; a document read a device, because no query finds those that lack a field."""
        found = 0
        for document in self._pages(["profile", "device", "due"]):
            fields = document.to_dict()
            if "due" in fields:
                continue
            due = _due(_shard(fields["profile"], fields["device"]), 0)
            # one that sends meanwhile needs it no more
            with self._calling() as client, contextlib.suppress(FailedPrecondition):
                unchanged = client.write_option(last_update_time=document.update_time)
                document.reference.update({"due": due}, option=unchanged, **self._limits)
                found += 1
        return found

    def read_aside(self, kind: Kind, profile: str, device: str) -> tuple[bytes | None, Revision]:
        """See `WindowStore`."""
        with self._calling() as client:
            found = client.collection(kind).document(document_id(profile, device)).get(**self._limits)
        return (found.get("data"), found.update_time.rfc3339()) if found.exists else (None, None)

    def write_aside(self, kind: Kind, profile: str, device: str, data: bytes, revision: Revision) -> None:
        """See `WindowStore`."""
        if len(data) > LARGEST_STATE:
            raise StateTooLargeError(
                f"{kind} of {profile}/{device} take {len(data):,} bytes, a Firestore document holds {LARGEST_STATE:,}"
            )
        self._write(kind, profile, device, {"data": data}, revision, kind)

    def park(self, message_id: str, profile: str, code: str) -> None:
        """See `WindowStore`; counted for `PARKED_FOR`."""
        fields = {"profile": profile, "code": code, "expires_at": datetime.now(UTC) + PARKED_FOR}
        with self._calling() as client, contextlib.suppress(AlreadyExists):
            client.collection(PARKED).document(document_id(message_id)).create(fields, **self._limits)

    def totals(self, profile: str | None = None) -> Totals:
        """See `WindowStore`; devices and parked messages are each of one moment, a little apart.

        Reads the counts of every device, and no state: a document read a device. Sums on the server would need each
        count indexed, which every message's write would pay for, and a composite index to sum those of one profile.
        """
        with self._calling() as client:
            counts = [d.get("counts") for d in self._documents(client, DEVICES, "counts", profile)]
            codes = [d.get("code") for d in self._documents(client, PARKED, "code", profile)]
        sums = Counter[str]()
        for of_device in counts:
            sums.update(of_device)
        parked = dict(sorted(Counter(codes).items()))
        return Totals({o: sums[o] for o in OUTCOMES}, sums["pending"], parked, len(counts))

    def close(self) -> None:
        """Closes the connection; the next call opens another."""
        with self._lock:
            if self._client is not None:
                # the client has no public way to let go of its connection
                self._client._firestore_api.transport.close()
                self._client = None

    def _write(
        self, collection: str, profile: str, device: str, fields: dict[str, object], revision: Revision, what: str
    ) -> None:
        with self._calling() as client:
            document = client.collection(collection).document(document_id(profile, device))
            try:
                if revision is None:
                    document.create(fields, **self._limits)
                else:
                    read_at = DatetimeWithNanoseconds.from_rfc3339(revision)  # type: ignore[no-untyped-call] # the library has no types
                    document.update(fields, option=client.write_option(last_update_time=read_at), **self._limits)
            # also where a write arrived and its confirmation did not, and it was tried again: who reads anew sees it
            except (AlreadyExists, FailedPrecondition) as e:
                raise ConflictError(f"the {what} of {profile}/{device} is no longer of revision {revision}") from e

    def _pages(self, fields: list[str]) -> Iterator[Any]:
        """All devices, some at a time, so that each look ends within its timeout."""
        last = None
        while True:
            with self._calling() as client:
                query = client.collection(DEVICES).order_by("__name__").select(fields).limit(_PAGE)
                page = list((query if last is None else query.start_after(last)).stream(**self._limits))
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1]

    def _documents(self, client: Client, collection: str, field: str, profile: str | None) -> Iterator[Any]:
        query = client.collection(collection).select([field])
        if profile is not None:
            query = query.where(filter=FieldFilter("profile", "==", profile))
        return iter(query.stream(**self._limits))

    @contextlib.contextmanager
    def _calling(self) -> Iterator[Client]:
        try:
            yield self._opened()
        except (*retrying.MEND_THEMSELVES, RetryError, GoogleAuthError) as e:
            raise StoreUnavailableError(
                f"Firestore database {self._database} of project {self._project}: {type(e).__name__} {e}"
            ) from e

    def _opened(self) -> Client:
        with self._lock:
            if self._client is None:
                client = Client(project=self._project, database=self._database)
                # opens the connection, which the client would do at its first use, once for each thread that is first
                _ = client._firestore_api
                self._client = client
            return self._client


def _shard(profile: str, device: str) -> int:
    return hashlib.sha256(document_id(profile, device).encode()).digest()[0] % SHARDS


def _due(shard: int, at: int) -> str:
    """Sorts by shard, then by time."""
    return f"{shard:02d}/{at:012d}"


def document_id(*parts: str) -> str:
    """The parts as one document id that no other parts have; readable, unless Firestore refuses that."""
    # quoted, a part holds neither the ":" between parts nor the "/" of paths
    readable = ":".join(quote(part, safe="") for part in parts)
    # "." and ".." are not allowed, nor is `__…__`
    if 0 < len(readable) <= _LONGEST_ID and not readable.startswith((".", "__")):
        return readable
    # quoted parts hold no "=" either
    return f"sha256={hashlib.sha256(readable.encode()).hexdigest()}"
