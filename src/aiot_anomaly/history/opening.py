"""The bytes of a text file, unpacked on the way, and what they are text of."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiot_anomaly.history.places import Place

#: read at once, and read to tell the encoding
_BUFFER = 2**20
_COMPRESSED: dict[str, Callable[[Any], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


class _Counting(io.RawIOBase):
    """Bytes of a file, one after the other, and how many there were."""

    def __init__(self, source: Any) -> None:
        super().__init__()
        self._source = source
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        got = self._source.readinto(buffer)
        self.count += got
        return int(got)


@contextmanager
def opened(at: Place) -> Iterator[tuple[Any, Callable[[], int]]]:
    """The bytes of a text file, and what says how many of the file itself were read."""
    with at.system.open_input_stream(at.path, compression=None) as raw:
        counting = _Counting(raw)
        source = io.BufferedReader(counting, _BUFFER)
        unpack = _COMPRESSED.get(at.suffixes[-1]) if at.suffixes else None
        yield unpack(source) if unpack else source, lambda: counting.count


def encoding(at: Place) -> str:
    """UTF-8, unless its first bytes are none: then Latin-1, in which every byte is a letter."""
    with opened(at) as (source, _):
        begin = source.read(_BUFFER)
    try:
        begin.decode("utf-8")
    except UnicodeDecodeError as e:
        if e.start < len(begin) - 4:  # not a character that was cut in two
            return "latin-1"
    # with a byte order mark, where a spreadsheet wrote it
    return "utf-8-sig"
