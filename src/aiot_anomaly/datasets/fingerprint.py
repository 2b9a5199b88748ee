"""The fingerprint of a data set: what a model's bundle names as the data that it was trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from aiot_anomaly.errors import DatasetError


def sha256(path: Path) -> str:
    """The SHA-256 of one file, in hexadecimal."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def verify(path: Path, expected: str, origin: str, *, delete: str = "it") -> None:
    """Compares a downloaded file with what was published.

    Args:
        path: the file.
        expected: its SHA-256.
        origin: where it was published.
        delete: what a person deletes to have it downloaded again.

    Raises:
        DatasetError: it differs.
    """
    found = sha256(path)
    if found != expected:
        raise DatasetError(
            f"{path} has SHA-256 {found}, expected {expected} ({origin}); delete {delete} and let it be "
            f"downloaded again",
            code="checksum_mismatch",
        )


#: what counts as data in a folder; a README beside it changes nothing
_DATA = frozenset({".csv", ".parquet"})


def fingerprint(source: Path | Iterable[Path]) -> str:
    """The SHA-256 over names and contents, independent of order and of where the data lies.

    Args:
        source: a folder (its .csv and .parquet files, named relative to it), a file,
            or several files (named by their last part).

    Raises:
        DatasetError: there is no such file, no file at all, or two of the same name.
    """
    if isinstance(source, Path) and source.is_dir():
        named = {p.relative_to(source).as_posix(): p for p in source.rglob("*") if p.suffix in _DATA}
    else:
        paths = [source] if isinstance(source, Path) else list(source)
        named = {p.name: p for p in paths}
        if len(named) < len(paths):
            raise DatasetError("two files of the same name; give the folder that holds them both")
    if not named:
        raise DatasetError(f"no file to take a fingerprint of in {source}")
    total = hashlib.sha256()
    for name in sorted(named):
        if not named[name].is_file():
            raise DatasetError(f"no file {named[name]}")
        # the length keeps a name apart from the digest that follows it
        total.update(f"{len(name)}:{name}:{sha256(named[name])}\n".encode())
    return total.hexdigest()
