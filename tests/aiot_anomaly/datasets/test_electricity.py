"""The real meters: found, fetched once, and never used when they are others than published."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiot_anomaly.datasets import electricity
from aiot_anomaly.datasets.fingerprint import sha256
from aiot_anomaly.errors import DatasetError


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small file in the place of the published one, with its checksum."""
    path = tmp_path / "published.csv"
    path.write_text("timestamp,building_1\n2016-01-01 00:00:00,1\n")
    monkeypatch.setattr(electricity, "SHA256", sha256(path))
    monkeypatch.delenv("AIOT_DATA_DIR", raising=False)
    monkeypatch.setenv("AIOT_HOME", str(tmp_path / "home"))
    return path


def test_it_is_fetched_once_and_kept_in_the_repositorys_data(published: Path, tmp_path: Path) -> None:
    found = electricity.locate(source=published.as_uri())
    assert found == tmp_path / "home" / "data" / "electricity" / electricity.NAME
    published.unlink()
    assert electricity.locate(source=published.as_uri()).read_text().startswith("timestamp")
    assert [p.name for p in found.parent.iterdir()] == [electricity.NAME]


def test_the_folder_of_the_environment_goes_first_and_nothing_is_fetched_then(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIOT_DATA_DIR", str(tmp_path / "mine"))
    with pytest.raises(DatasetError, match=f"without electricity/{electricity.NAME}"):
        electricity.locate(source=published.as_uri())
    place = tmp_path / "mine" / "electricity" / electricity.NAME
    place.parent.mkdir(parents=True)
    place.write_bytes(published.read_bytes())
    assert electricity.locate(source="file:///nowhere") == place


def test_what_differs_from_the_published_is_refused(published: Path) -> None:
    electricity.locate(source=published.as_uri()).write_text("other")
    with pytest.raises(DatasetError, match="delete it and let it be downloaded again"):
        electricity.locate(source=published.as_uri())


def test_what_cannot_be_fetched_says_what_to_do_and_leaves_nothing(published: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="set AIOT_DATA_DIR"):
        electricity.locate(source=(tmp_path / "gone.csv").as_uri())
    assert not (tmp_path / "home" / "data").exists()
