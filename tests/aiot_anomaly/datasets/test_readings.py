from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from aiot_anomaly import profile_store
from aiot_anomaly.datasets import fleet, readings
from aiot_anomaly.datasets.fleet import Fleet
from aiot_anomaly.datasets.recording import Recording

LEAK = profile_store.load("leak")
START = 1_767_225_600  # 2026-01-01T00:00:00Z


def recording(device: str, *, rows: int = 500, offset: int = 0) -> Recording:
    values = np.random.default_rng(rows).normal(40, 10, (rows, 6))
    values[::7, 2] = np.nan
    return Recording(device, START + 900 * (offset + np.arange(rows)), values)


def assert_same(left: Fleet, right: Fleet) -> None:
    assert [r.device_id for r in left.recordings] == [r.device_id for r in right.recordings]
    for a, b in zip(left.recordings, right.recordings, strict=True):
        np.testing.assert_array_equal(a.timestamps, b.timestamps)
        np.testing.assert_array_equal(a.values, b.values)


@pytest.mark.parametrize("first", ["csv", "parquet"])
def test_parquet_and_csv_hold_the_same_and_a_folder_holds_one_of_them(tmp_path: Path, first: str) -> None:
    written = Fleet((recording("dma-01"), recording("dma-02")))
    for kind in ("csv", "parquet") if first == "csv" else ("parquet", "csv"):
        assert fleet.write_readings(tmp_path, written.recordings, LEAK, kind=kind) == 1000  # type: ignore[arg-type]  # a literal
        assert [p.name for p in tmp_path.iterdir()] == [f"readings.{kind}"]
        assert_same(fleet.read(tmp_path, LEAK), written)


def test_a_parquet_file_has_times_with_their_zone_and_nulls_where_a_value_is_missing(tmp_path: Path) -> None:
    fleet.write_readings(tmp_path, [recording("dma-01")], LEAK, kind="parquet")
    table = pq.read_table(tmp_path / fleet.READINGS_PARQUET)
    assert str(table.schema.field("timestamp").type) == "timestamp[ms, tz=UTC]"
    assert [c.null_count for c in table.columns] == [0, 0, 0, 0, 72, 0, 0, 0]


@pytest.mark.parametrize("name", ["readings.csv", "readings.parquet"])
def test_pieces_make_the_same_bytes_as_a_whole(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = recording("dma-01", rows=600)
    pieces = [
        Recording("dma-01", whole.timestamps[at : at + 100], whole.values[at : at + 100]) for at in range(0, 600, 100)
    ]
    assert readings.write(tmp_path / "a" / name, [whole], LEAK) == 600
    assert readings.write(tmp_path / "b" / name, iter(pieces), LEAK) == 600
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_text_is_ordered_by_device_and_both_kinds_read_back_alike_when_devices_take_turns(tmp_path: Path) -> None:
    wholes = [recording("dma-02", rows=300), recording("dma-01", rows=200)]
    turns = [
        Recording(r.device_id, r.timestamps[at : at + 100], r.values[at : at + 100])
        for at in (0, 100, 200)
        for r in wholes
    ]
    (tmp_path / "whole").mkdir()
    readings.write(tmp_path / "whole" / fleet.READINGS, wholes, LEAK)
    for kind in ("csv", "parquet"):
        fleet.write_readings(tmp_path / kind, turns, LEAK, kind=kind)  # type: ignore[arg-type]  # a literal
        assert_same(fleet.read(tmp_path / kind, LEAK), fleet.read(tmp_path / "whole", LEAK))
    assert (tmp_path / "csv" / fleet.READINGS).read_bytes() == (tmp_path / "whole" / fleet.READINGS).read_bytes()


def test_a_row_group_is_on_disk_before_the_next_piece_is_asked_for(tmp_path: Path) -> None:
    path, sizes = tmp_path / "readings.parquet", []

    def pieces() -> Iterator[Recording]:
        for k in range(4):
            sizes.append(sum(p.stat().st_size for p in tmp_path.iterdir()))
            yield recording("dma-01", rows=readings.ROW_GROUP, offset=k * readings.ROW_GROUP)

    readings.write(path, pieces(), LEAK)
    assert sizes == sorted(set(sizes))
    assert pq.ParquetFile(path).metadata.num_row_groups == 4


@pytest.mark.parametrize("name", ["readings.csv", "readings.parquet"])
def test_an_interrupted_file_is_not_there(tmp_path: Path, name: str) -> None:
    def pieces() -> Iterator[Recording]:
        yield recording("dma-01")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        readings.write(tmp_path / name, pieces(), LEAK)
    assert list(tmp_path.iterdir()) == []
