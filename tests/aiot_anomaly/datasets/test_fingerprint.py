from __future__ import annotations

from pathlib import Path

import pytest

from aiot_anomaly.datasets.fingerprint import fingerprint
from aiot_anomaly.errors import DatasetError


def folder(root: Path, **contents: str) -> Path:
    root.mkdir()
    for name, text in contents.items():
        (root / f"{name}.csv").write_text(text, encoding="utf-8")
    return root


def test_it_depends_on_names_and_contents_and_on_nothing_else(tmp_path: Path) -> None:
    one, two = folder(tmp_path / "one", a="1", b="2"), folder(tmp_path / "two", b="2", a="1")
    assert fingerprint(one) == fingerprint(two) == fingerprint([two / "b.csv", two / "a.csv"])
    assert fingerprint(one) != fingerprint(folder(tmp_path / "three", a="2", b="1"))
    assert fingerprint(one) != fingerprint(folder(tmp_path / "four", a="1", c="2"))
    assert fingerprint(one / "a.csv") == fingerprint([two / "a.csv"])


def test_a_readme_beside_the_data_changes_nothing(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", a="1")
    before = fingerprint(one)
    (one / "README.md").write_text("about the data", encoding="utf-8")
    assert fingerprint(one) == before


def test_what_is_no_data_in_a_folder_does_not_count(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", a="1")
    before = fingerprint(one)
    (one / "README.md").write_text("about", encoding="utf-8")
    assert fingerprint(one) == before


def test_nothing_has_no_fingerprint(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no file"):
        fingerprint(folder(tmp_path / "empty"))
    with pytest.raises(DatasetError, match="no file"):
        fingerprint(tmp_path / "missing")


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    one, two = folder(tmp_path / "one", a="1"), folder(tmp_path / "two", a="2")
    with pytest.raises(DatasetError, match="same name"):
        fingerprint([one / "a.csv", two / "a.csv"])
