"""SKAB v0.9, the Skoltech Anomaly Benchmark: a water circulation test bed, eight sensors at 1 Hz, labelled.

Source: https://github.com/waico/SKAB, licence GPL-3.0, DOI 10.34740/KAGGLE/DSV/1693952. The data is not part of
this repository: `locate` finds it or downloads it and checks every file against the committed `skab.sha256`.
A recording is named as its file, "valve1/0"; its device is "skab-valve1-0".
"""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from aiot_anomaly.datasets import fingerprint, table
from aiot_anomaly.datasets.download import fetch
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import DatasetError

COMMIT = "b2c0d46c2971dcbfe71e26087b6d231998bb91c2"
SOURCE = f"https://raw.githubusercontent.com/waico/SKAB/{COMMIT}/data"
_ADVICE = (
    f"Try again, or get https://github.com/waico/SKAB at commit {COMMIT[:12]} yourself, put its data folder at "
    "<folder>/skab/data and set AIOT_DATA_DIR=<folder>"
)
#: the long run without anomaly: no labels, and none of `recordings`
ANOMALY_FREE = "anomaly-free/anomaly-free"
#: the leading rows of a recording that the benchmark's split declares normal
TRAIN_ROWS = 400
#: rows 1-400 of these overlap in time with test rows of other recordings: whoever pools training rows of
#: several recordings (one network, one threshold) would have seen what it is tested on
POOL_EXCLUDED = frozenset({"other/3", "other/4", "other/11", "other/13"})
#: SKAB's column for each sensor of the profile `skab`, in the profile's order
COLUMNS = {
    "accelerometer_1_rms": "Accelerometer1RMS",
    "accelerometer_2_rms": "Accelerometer2RMS",
    "current": "Current",
    "pressure": "Pressure",
    "temperature": "Temperature",
    "thermocouple": "Thermocouple",
    "voltage": "Voltage",
    "flow_rate_rms": "Volume Flow RateRMS",
}


def checksums() -> dict[str, str]:
    """The SHA-256 of each of the 35 files, by its path below the data folder."""
    text = (files("aiot_anomaly.datasets") / "skab.sha256").read_text(encoding="utf-8")
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in text.splitlines())}


def recordings(folder: Path) -> list[str]:
    """The names of the labelled recordings in the folder, by group and number: "other/1" to "valve2/3"."""
    names = [f"{p.parent.name}/{p.stem}" for p in folder.glob("*/*.csv") if p.stem.isdigit()]
    return sorted(names, key=lambda name: (name.split("/")[0], int(name.split("/")[1])))


def device_id(name: str) -> str:
    """The device of a recording: "valve1/0" is "skab-valve1-0"."""
    return f"skab-{name.replace('/', '-')}"


def read(folder: Path, name: str) -> Recording:
    """Reads one recording; its times carry no zone and are taken as UTC.

    Raises:
        DatasetError: there is no such recording, or its file is not as SKAB publishes it.
    """
    path = folder / f"{name}.csv"
    if not path.is_file():
        raise DatasetError(f"no recording {name!r} in {folder}; there are {', '.join(recordings(folder)) or 'none'}")
    frame = pd.read_csv(path, sep=";")
    missing = [c for c in ("datetime", *COLUMNS.values()) if c not in frame.columns]
    if missing:
        raise DatasetError(f"{path} lacks the columns {missing}; it is not a file of SKAB v0.9")
    labelled = "anomaly" in frame.columns
    return Recording(
        device_id(name),
        table.seconds(frame["datetime"], where=str(path)),
        table.matrix(frame, list(COLUMNS.values()), where=str(path)),
        table.matrix(frame, ["anomaly"], where=str(path))[:, 0] > 0 if labelled else None,
        TRAIN_ROWS if labelled else None,
    )


def locate(download: bool = True, *, cache: Path | None = None, source: str = SOURCE) -> Path:
    """Finds the data folder, its files as published.

    `$AIOT_DATA_DIR/skab/data` if that variable is set; else the cache, filled from the public source if need be.

    Args:
        download: fetch the files (5 MB) if the cache does not hold them.
        cache: default `data/skab` of the checkout that this module is in, or else of the current folder.
        source: where the files are fetched from.

    Raises:
        DatasetError: the data is not there, cannot be fetched, or differs from what was published.
    """
    root = os.environ.get("AIOT_DATA_DIR")
    if root:
        folder = Path(root) / "skab" / "data"
        if not folder.is_dir():
            raise DatasetError(f"AIOT_DATA_DIR is {root}, without skab/data; put SKAB there, or unset it to download")
        verify(folder)
        return folder
    folder = cache or default_cache()
    if not folder.is_dir():
        if not download:
            raise DatasetError(f"SKAB is not in {folder}; download it, or set AIOT_DATA_DIR to a folder with skab/data")
        _download(source, folder)
    verify(folder)
    return folder


def verify(folder: Path) -> None:
    """Compares every file with the committed checksums.

    Raises:
        DatasetError: a file is missing or differs.
    """
    for name, digest in checksums().items():
        path = folder / name
        if not path.is_file():
            raise DatasetError(f"{folder} lacks {name}; delete the folder and let it be downloaded again")
        fingerprint.verify(path, digest, f"SKAB commit {COMMIT[:12]}", delete="the folder")


def default_cache() -> Path:
    """`data/skab` of the checkout that this module is in, or else of the current folder."""
    checkout = Path(__file__).resolve().parents[3]
    return (checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()) / "data" / "skab"


def _download(source: str, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    # beside the cache, so that the last step is a rename: there is never half a data set
    part = Path(tempfile.mkdtemp(prefix=".skab-", dir=folder.parent))
    try:
        for name in tqdm(checksums(), desc="SKAB", unit="file", disable=None):
            path = part / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(fetch(f"{source}/{name}", _ADVICE))
        verify(part)
        part.chmod(0o755)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
