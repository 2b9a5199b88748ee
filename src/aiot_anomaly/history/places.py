"""Files on this machine or in a bucket, by one name: a path, or an address such as gs://bucket/history.parquet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pyarrow import ArrowInvalid, fs

from aiot_anomaly.errors import DatasetError


@dataclass(frozen=True)
class Place:
    """A file: in which file system, and where there."""

    name: str
    system: fs.FileSystem
    path: str

    @property
    def stem(self) -> str:
        """The file's name without what follows the first dot."""
        return PurePosixPath(self.path).name.split(".")[0]

    @property
    def suffixes(self) -> list[str]:
        """As `Path.suffixes`, in lower case."""
        return PurePosixPath(self.path.lower()).suffixes

    def size(self) -> int | None:
        """Bytes; None where there is no such file."""
        info = self.system.get_file_info(self.path)
        return info.size if info.type == fs.FileType.File else None


def place(name: str | Path) -> Place:
    """Finds the file system of a name.

    Raises:
        DatasetError: this kind of address is not known.
    """
    text = str(name)
    if "://" not in text:
        return Place(text, fs.LocalFileSystem(), str(Path(text).absolute()))
    try:
        return Place(text, *fs.FileSystem.from_uri(text))
    except (ArrowInvalid, OSError) as e:
        raise DatasetError(f"{text}: {e}; expected a path, or an address such as gs://bucket/history.parquet") from None


@contextmanager
def whole(at: Place) -> Iterator[str]:
    """A path in the place's file system to write to; it becomes `at` at the end, or vanishes after an error."""
    part = f"{at.path}.part"
    try:
        yield part
        at.system.move(part, at.path)
    except BaseException:
        with suppress(OSError):
            at.system.delete_file(part)
        raise
