"""The hourly electricity use of two real buildings, of the Building Data Genome Project 2: 6,553 hours, no labels.

Source: https://github.com/skforecast/skforecast-datasets, a sample of Miller et al. (2020), The Building Data Genome
Project 2. The data is not part of this repository: `locate` finds it or downloads it, and checks it.
"""

from __future__ import annotations

import os
from pathlib import Path

from aiot_anomaly import paths
from aiot_anomaly.datasets.download import fetch
from aiot_anomaly.datasets.fingerprint import verify
from aiot_anomaly.errors import DatasetError

COMMIT = "f8c3d7fe5ec41ef86f93e969c31ec4b469b7c949"
SOURCE = f"https://raw.githubusercontent.com/skforecast/skforecast-datasets/{COMMIT}/data/bdg2_hourly_sample.csv"
SHA256 = "10e67f8b106c8046589927091cba6d3f592cdfa7e6269ab1d5cca369fa7aa9f6"
NAME = "bdg2_hourly_sample.csv"


def locate(*, source: str = SOURCE) -> Path:
    """The file: below the folder that `AIOT_DATA_DIR` names, or else in `data/electricity`, downloaded if need be.

    Raises:
        DatasetError: it is not there, cannot be fetched, or differs from what was published.
    """
    root = os.environ.get("AIOT_DATA_DIR")
    path = (Path(root) if root else paths.root() / "data") / "electricity" / NAME
    if not path.is_file():
        if root:
            raise DatasetError(f"AIOT_DATA_DIR is {root}, without electricity/{NAME}; put it there, or unset it")
        content = fetch(source, f"Try again, or put the file at <folder>/electricity/{NAME} and set AIOT_DATA_DIR")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(content)
        part.rename(path)
    verify(path, SHA256, f"commit {COMMIT[:12]}")
    return path
