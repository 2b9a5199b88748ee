from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import skab
from aiot_anomaly.errors import DatasetError


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_columns_are_the_profiles_sensors_in_its_order() -> None:
    assert tuple(skab.COLUMNS) == profile_store.load("skab").sensor_names


def test_the_manifest_names_the_35_files() -> None:
    names = skab.checksums()
    assert len(names) == 35
    assert {f"{n}.csv" for n in (*skab.POOL_EXCLUDED, skab.ANOMALY_FREE)} <= names.keys()


def test_recordings_are_the_34_labelled_ones_in_the_order_of_their_numbers(forged: Path) -> None:
    names = skab.recordings(forged)
    assert len(names) == 34
    assert names[:3] == ["other/1", "other/2", "other/3"]
    assert skab.ANOMALY_FREE not in names


def test_a_recording_has_utc_times_labels_training_rows_and_nan_for_missing(forged: Path) -> None:
    r = skab.read(forged, "valve1/0")
    assert r.device_id == "skab-valve1-0"
    assert r.timestamps[0] == 1583756076  # 2020-03-09T12:14:36Z
    assert r.values.shape == (5, 8)
    assert np.flatnonzero(np.isnan(r.values[0])).tolist() == [5]
    assert r.labels is not None
    assert r.labels.tolist() == [False, True, True, False, False]
    assert r.events() == [(1583756077, 1583756078)]
    assert r.train_rows == 400


def test_an_unknown_recording_is_named_with_those_that_exist(forged: Path) -> None:
    with pytest.raises(DatasetError, match=r"no recording 'valve9/1'.*valve1/0"):
        skab.read(forged, "valve9/1")


def test_a_data_folder_without_skab_is_an_error_and_no_fallback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forged: Path
) -> None:
    monkeypatch.setenv("AIOT_DATA_DIR", str(tmp_path / "nothing"))
    with pytest.raises(DatasetError, match="AIOT_DATA_DIR"):
        skab.locate(cache=forged)


def test_without_data_and_without_download_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIOT_DATA_DIR", raising=False)
    with pytest.raises(DatasetError, match="download it, or set AIOT_DATA_DIR"):
        skab.locate(download=False, cache=tmp_path / "skab")


def test_an_unreachable_source_is_an_error_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIOT_DATA_DIR", raising=False)
    with served(tmp_path / "empty") as url, pytest.raises(DatasetError, match="cannot download") as e:
        skab.locate(cache=tmp_path / "cache" / "skab", source=url)
    assert e.value.code == "unreachable"
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_download_that_differs_from_what_was_published_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forged: Path
) -> None:
    monkeypatch.delenv("AIOT_DATA_DIR", raising=False)
    with served(forged) as url, pytest.raises(DatasetError, match="expected") as e:
        skab.locate(cache=tmp_path / "cache" / "skab", source=url)
    assert e.value.code == "checksum_mismatch"
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_changed_file_in_the_data_folder_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, skab_folder: Path
) -> None:
    copy = tmp_path / "skab" / "data"
    shutil.copytree(skab_folder, copy)
    monkeypatch.setenv("AIOT_DATA_DIR", str(tmp_path))
    assert skab.locate() == copy
    with (copy / "valve1" / "3.csv").open("a", encoding="utf-8") as f:
        f.write("\n")
    with pytest.raises(DatasetError, match=r"valve1/3\.csv") as e:
        skab.locate()
    assert e.value.code == "checksum_mismatch"


def test_a_download_fills_the_cache_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, skab_folder: Path) -> None:
    monkeypatch.delenv("AIOT_DATA_DIR", raising=False)
    cache = tmp_path / "cache" / "skab"
    with served(skab_folder) as url:
        assert skab.locate(cache=cache, source=url) == cache
    assert skab.locate(cache=cache, download=False) == cache
    assert len(skab.recordings(cache)) == 34
    assert [p.name for p in cache.parent.iterdir()] == ["skab"]


def test_the_real_recordings_are_as_the_benchmark_describes_them(skab_folder: Path) -> None:
    everything = [skab.read(skab_folder, n) for n in skab.recordings(skab_folder)]
    assert all(r.values.shape[1] == 8 and bool(np.isfinite(r.values).all()) for r in everything)
    tests = np.concatenate([r.labels[r.train_rows :] for r in everything if r.labels is not None])
    assert tests.mean() == pytest.approx(0.54, abs=0.01)
    late = skab.read(skab_folder, "other/2")
    assert late.labels is not None
    assert int(late.labels[:400].sum()) == 296
    free = skab.read(skab_folder, skab.ANOMALY_FREE)
    assert (len(free), free.labels, free.train_rows) == (9405, None, None)
