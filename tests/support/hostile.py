"""Requests that mean harm, generated: the same seed gives the same ones."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import math
import random
import string
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: values of all kinds where another is expected
STRANGE: Sequence[Any] = (
    None, True, False, 0, -1, 1e308, -1e308, 5e-324, 2**31, 2**53 + 1, 2**63, 2**64, -(2**70), 10**400, "", " ", "\x00",
    "NaN", "null", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59",
    "../../etc/passwd", "'; drop table devices; --", "\u202e\ud83d\ude00", "é" * 200, "x" * 10_000, [], {}, [[]], [{}],
    {"": None}, [None] * 50, [[0] * 300], {"a": {"b": {"c": []}}},
)  # fmt: skip
_TOKENS = (
    b"NaN",
    b"-NaN",
    b"Infinity",
    b"-Infinity",
    b"1e400",
    b"9" * 5_000,
    b"0x10",
    b"01",
    b"1.",
    b"+1",
    b"'a'",
    b"//",
)
_TYPES = (
    "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "x",
    "application/json; charset=utf-16",
)  # fmt: skip


@dataclass(frozen=True)
class Attack:
    """One request.

    Attributes:
        kind: how it was made.
        path: it is posted to.
        body: as it is sent.
        headers: on top of the usual.
        chunks: sizes in which the body is sent without a declared length; sent in one with its length where empty.
    """

    kind: str
    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: Sequence[int] = ()


Good = Mapping[str, Any]


def attacks(good: Mapping[str, Good], seed: int, number: int) -> Iterator[Attack]:
    """So many of them, of all kinds in turn.

    Args:
        good: a body that would be answered, by the path that it is posted to.
        seed: of the generator.
        number: of attacks.
    """
    rng = random.Random(seed)
    paths = sorted(good)
    for i in range(number):
        kind, make = _KINDS[i % len(_KINDS)]
        path = rng.choice(paths)
        body = make(rng, good[path])
        headers: dict[str, str] = {}
        chunks: list[int] = []
        way = rng.random()
        if way < 0.05:
            headers["Content-Type"] = rng.choice(_TYPES)
        elif way < 0.08:
            headers["Content-Encoding"] = rng.choice(["gzip", "deflate", "br", "identity", "nonsense"])
            body = gzip.compress(body) if rng.random() < 0.5 else body
        elif way < 0.10:
            headers["X-Request-Timeout-Ms"] = rng.choice(["0", "-1", "1", "x", "9" * 30, "1e9", "٣"])
        elif way < 0.15 and body:
            chunks = [rng.randrange(1, max(2, len(body))) for _ in range(8)]
        yield Attack(kind, path, body, {k: v.encode().decode("latin-1") for k, v in headers.items()}, chunks)


def _spoilt(rng: random.Random, good: Good) -> bytes:
    """Bytes changed, cut out, doubled or put in."""
    body = json.dumps(good).encode()
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(body))
        piece = rng.choice([b"", b",", b":", b"{", b"]", b'"', b"\xff", b"\x00", b"null", body[at : at + 40], *_TOKENS])
        body = body[:at] + piece + body[at + rng.randrange(8) :]
    return body


def _cut(rng: random.Random, good: Good) -> bytes:
    """The beginning of a good body."""
    body = json.dumps(good).encode()
    return body[: rng.randrange(len(body))]


def _strange(rng: random.Random, good: Good) -> bytes:
    """Values of other types in the place of some."""
    document = json.loads(json.dumps(good))
    for _ in range(rng.randrange(1, 4)):
        holder, key = rng.choice(list(_places(document)))
        holder[key] = copy.deepcopy(rng.choice(STRANGE))
    return json.dumps(document).encode()


def _token(rng: random.Random, good: Good) -> bytes:
    """A number that JSON does not have."""
    document = json.loads(json.dumps(good))
    holder, key = rng.choice(list(_places(document)))
    holder[key] = "@here@"
    return json.dumps(document).encode().replace(b'"@here@"', rng.choice(_TOKENS))


def _renamed(rng: random.Random, good: Good) -> bytes:
    """A key left out, doubled or renamed."""
    document = json.loads(json.dumps(good))
    holders = [(h, k) for h, k in _places(document) if isinstance(h, dict)]
    holder, key = rng.choice(holders)
    value = holder.pop(key)
    way = rng.randrange(3)
    if way == 0:
        holder[_text(rng)] = value
    elif way == 1:
        holder.update({_text(rng): value for _ in range(rng.randrange(1, 300))})
    return json.dumps(document).encode()


def _many(rng: random.Random, good: Good) -> bytes:
    """More of everything than is allowed."""
    document = json.loads(json.dumps(good))
    lists = [v for h, k in _places(document) if isinstance(v := h[k], list) and v]
    if lists:
        # of a list with long elements fewer, so that thousands of such bodies can be sent
        chosen = rng.choice(lists)
        each = len(json.dumps(chosen[0]))
        chosen.extend([chosen[0]] * min(rng.choice([1, 1_025, 10_001]), 400_000 // each))
    return json.dumps(document).encode()


def _deep(rng: random.Random, good: Good) -> bytes:
    """Nested far too deep, alone or in the place of a value."""
    depth = rng.choice([10, 100, 200, 1_000, 10_000, 100_000])
    opening, closing = rng.choice([(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
    nest = opening * depth + b"1" + closing * (depth if rng.random() < 0.7 else depth // 2)
    if rng.random() < 0.3:
        return nest
    document = json.loads(json.dumps(good))
    holder, key = rng.choice(list(_places(document)))
    holder[key] = "@here@"
    return json.dumps(document).encode().replace(b'"@here@"', nest)


def _noise(rng: random.Random, _good: Good) -> bytes:
    """Bytes."""
    return rng.randbytes(rng.choice([0, 1, 7, 300, 5_000]))


def _invented(rng: random.Random, _good: Good) -> bytes:
    """JSON of no particular form."""
    return json.dumps(_anything(rng, 5)).encode()


def _calibration(rng: random.Random, good: Good) -> bytes:
    """A calibration that is none."""
    document = json.loads(json.dumps(good))
    numbers = [
        rng.choice([math.nan, math.inf, -1.0, 0.0, 1e300, 5e-324, 1.0]) for _ in range(rng.choice([0, 1, 2, 6, 100]))
    ]
    array = base64.b64encode(struct.pack(f"<{len(numbers)}d", *numbers)).decode()
    names = ("center", "scale", "whitening", "weights", "score_scale", "band")
    forged: dict[str, Any] = {
        name: array if rng.random() < 0.8 else copy.deepcopy(rng.choice(STRANGE)) for name in names
    }
    forged |= {
        "profile": rng.choice(["tiny", "leak", 5]),
        "model_version": "x",
        "windows": rng.choice([1, 0, -1, 2**70]),
    }
    holders = [v for h, k in _places(document) if isinstance(v := h[k], dict)]
    rng.choice([document, *holders])["calibration"] = forged
    return json.dumps(document).encode()


def _utf(rng: random.Random, good: Good) -> bytes:
    """A good body in another encoding, or with what UTF-8 cannot hold."""
    text = json.dumps(good)
    if rng.random() < 0.5:
        return text.encode(rng.choice(["utf-16", "utf-32", "utf-8-sig", "utf-16-be"]))
    at = rng.randrange(len(text))
    return (
        text[:at].encode()
        + rng.choice([b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80", b"\\ud800"])
        + text[at:].encode()
    )


_KINDS: Sequence[tuple[str, Callable[[random.Random, Good], bytes]]] = [
    (make.__name__.strip("_"), make)
    for make in (_spoilt, _cut, _strange, _token, _renamed, _many, _deep, _noise, _invented, _calibration, _utf)
]


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Each value of a document: what holds it, and by which key; of a long list the first ones and the last."""
    keys = list(document) if isinstance(document, dict) else [*range(min(len(document), 3)), len(document) - 1]
    for key in keys:
        yield document, key
        if isinstance(document[key], dict | list) and document[key]:
            yield from _places(document[key])


def _anything(rng: random.Random, depth: int) -> Any:
    way = rng.randrange(5 if depth else 3)
    if way == 3:
        return [_anything(rng, depth - 1) for _ in range(rng.randrange(5))]
    if way == 4:
        return {_text(rng): _anything(rng, depth - 1) for _ in range(rng.randrange(5))}
    return rng.choice([s for s in STRANGE if not isinstance(s, list | dict)])


def _text(rng: random.Random) -> str:
    return "".join(rng.choices(string.printable + "é\u2028\u0000", k=rng.randrange(0, 12)))
