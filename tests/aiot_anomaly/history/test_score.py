"""`score`: the decisions of `:detect` and of the stream, from files of any kind, order and length."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aiot_anomaly import __main__ as command
from aiot_anomaly import stream
from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.detection import detect_series
from aiot_anomaly.detector import Detector, records
from aiot_anomaly.errors import DatasetError, OrderError
from aiot_anomaly.history import decisions
from aiot_anomaly.history.places import place
from aiot_anomaly.history.score import score
from aiot_anomaly.history.summary import Summary
from aiot_anomaly.messages import Prediction, Reading, ReadingBatch
from functions.api_client import Answered
from functions.decisions import decide
from tests.support.tiny_bundle import readings


def scored(model: Detector, recording: Path | str, out: Path, **options) -> tuple[Summary, pd.DataFrame]:
    summary = score(model, place(recording), place(out), options.pop("layout", Layout()), progress=False, **options)
    read = pd.read_parquet if out.suffix == ".parquet" else pd.read_csv
    return summary, read(out).sort_values(["device_id", "window_end"], kind="stable").reset_index(drop=True)


def detected(model: Detector, frame: pd.DataFrame) -> dict[str, list]:
    at = pd.to_datetime(frame["timestamp"], utc=True).map(lambda t: t.timestamp()).to_numpy()
    values = frame[list(model.profile.sensor_names)].to_numpy(dtype=float)
    found = {}
    for device in sorted(set(frame["device_id"])):
        rows = (frame["device_id"] == device).to_numpy()
        found[device] = detect_series(model, device, at[rows], values[rows]).predictions
    return found


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_decisions_are_those_that_detect_answers(tiny: Detector, frame, recording, tmp_path, suffix):
    summary, rows = scored(tiny, recording, tmp_path / f"out{suffix}", rows=37)
    expected = [p for predictions in detected(tiny, frame).values() for p in predictions]
    assert rows["device_id"].tolist() == [p.device_id for p in expected]
    assert pd.to_datetime(rows["window_end"], utc=True).tolist() == [p.window_end for p in expected]
    np.testing.assert_allclose(rows["score"], [p.score for p in expected], rtol=1e-5)
    assert rows["is_anomaly"].tolist() == [p.is_anomaly for p in expected]
    assert rows["reason"].tolist() == [p.reason for p in expected]
    assert rows["sensor"].tolist() == [p.contributions[0].sensor for p in expected]
    assert rows["calibration"].tolist() == [p.calibration for p in expected]
    assert rows["out_of_range"].fillna("").tolist() == [" ".join(p.out_of_range) for p in expected]
    for name in tiny.profile.sensor_names:
        for part in ("value", "lower", "upper"):
            column = name + ("_expected" if part == "value" else f"_{part}")
            np.testing.assert_allclose(rows[column], [getattr(p.expected[name], part) for p in expected], rtol=1e-4)
    assert rows["is_anomaly"].any()
    assert not rows["is_anomaly"].all()
    assert summary.decisions == len(rows)
    assert sum(summary.outcomes.values()) == len(frame)
    assert summary.incidents == rows["incident_id"].nunique() >= 3


def test_ids_scores_values_and_incidents_are_those_that_the_function_publishes(
    tiny: Detector, frame, recording, tmp_path
):
    _, rows = scored(tiny, recording, tmp_path / "out.parquet", rows=50)
    rows = rows[rows["device_id"] == "device-1"]
    mine = frame[frame["device_id"] == "device-1"]
    state, published = stream.DeviceState(), []
    for i, row in enumerate(mine.to_dict("records")):
        values = {s: None if np.isnan(row[s]) else row[s] for s in tiny.profile.sensor_names}
        reading = Reading(timestamp=row["timestamp"], values=values)
        taken = stream.accept(tiny.profile, state, ReadingBatch(device_id="device-1", readings=[reading]), str(i))
        state = taken.state
        if len(taken.windows):
            answers = _answers(tiny, taken.windows)
            decided = decide(tiny.profile, state, taken.windows, answers, pd.Timestamp.now("UTC"))
            published.extend(decided.decisions)
            state = decided.state
    assert rows["id"].tolist() == [d.id for d in published]
    np.testing.assert_allclose(rows["score"], [d.score for d in published], rtol=1e-5)
    assert rows["reason"].tolist() == [d.reason for d in published]
    incidents = [d.incident for d in published]
    assert rows["incident_id"].fillna("").tolist() == [i.id if i else "" for i in incidents]
    assert rows["incident_state"].fillna("").tolist() == [i.state if i else "" for i in incidents]
    for name in tiny.profile.sensor_names:
        np.testing.assert_array_equal(rows[name], [d.values[name] for d in published])


def _answers(model: Detector, windows) -> list[Answered]:
    own, source = model.calibration("device-1")
    n = len(windows)
    made = records(model.profile, ["device-1"] * n, windows, model.score(windows, own), [source] * n)
    return [Answered(Prediction.model_validate(p), model.bundle.version) for p in made]


def test_rows_in_any_order_are_refused_or_sorted_on_disk(tiny: Detector, frame, recording, tmp_path):
    summary, expected = scored(tiny, recording, tmp_path / "out.parquet")
    shuffled = tmp_path / "shuffled.csv"
    frame.sample(frac=1, random_state=3).to_csv(shuffled, index=False)
    with pytest.raises(OrderError, match=r"shuffled.csv: device device-\d: a reading of .* --sort sorts them first"):
        scored(tiny, shuffled, tmp_path / "refused.parquet", rows=20)
    assert not list(tmp_path.glob("refused*"))
    again, rows = scored(tiny, shuffled, tmp_path / "sorted.parquet", rows=20, sort=True)
    pd.testing.assert_frame_equal(rows, expected, rtol=1e-5)
    assert again.outcomes == summary.outcomes


def test_addresses_compressed_text_parquet_and_a_layout_of_ones_own_lead_to_the_same(tiny, frame, recording, tmp_path):
    _, expected = scored(tiny, recording, tmp_path / "out.parquet")
    packed = tmp_path / "recording.csv.gz"
    packed.write_bytes(gzip.compress(recording.read_bytes()))
    binary = tmp_path / "recording.parquet"
    indexed = frame.assign(timestamp=pd.to_datetime(frame["timestamp"])).set_index("timestamp")
    indexed.to_parquet(binary, row_group_size=100)
    other = tmp_path / "other.csv"
    written = frame.rename(columns={"flow": " Débit ", "device_id": "pump"})
    written.assign(timestamp=pd.to_datetime(frame["timestamp"]).dt.strftime("%d/%m/%Y %H:%M")).to_csv(
        other, index=False, sep=";", decimal=",", encoding="latin-1"
    )
    own = Layout(separator=";", decimal=",", device="pump", columns={"flow": "Débit"}, day_first=True)
    for source, layout in ((recording.as_uri(), Layout()), (packed, Layout()), (binary, Layout()), (other, own)):
        _, rows = scored(tiny, source, tmp_path / "again.parquet", rows=64, layout=layout)
        pd.testing.assert_frame_equal(rows, expected, rtol=1e-5)


def test_rows_without_a_time_are_counted_and_what_cannot_be_read_is_named(tiny: Detector, frame, recording, tmp_path):
    out = tmp_path / "out.csv"
    holed = tmp_path / "holed.csv"
    frame.assign(timestamp=frame["timestamp"].where(frame.index % 50 != 3)).to_csv(holed, index=False)
    summary, _ = scored(tiny, holed, out)
    assert summary.without_time == -(-(len(frame) - 3) // 50)
    assert sum(summary.outcomes.values()) == len(frame) - summary.without_time
    bad = tmp_path / "bad.csv"
    for changed, says in (
        (frame.drop(columns="flow"), r"lacks the columns \['flow'\]; it has"),
        (frame.assign(flow="wet"), "expected numbers"),
        (frame.assign(device_id="pump 1"), "found the device id 'pump 1', expected"),
        (frame.assign(timestamp="1066-10-14T00:00:00Z"), "row 0 has a time before 1970"),
    ):
        changed.to_csv(bad, index=False)
        with pytest.raises(DatasetError, match=says):
            scored(tiny, bad, out)
    with pytest.raises(DatasetError, match=r"no file .*absent.csv"):
        scored(tiny, tmp_path / "absent.csv", out)
    with pytest.raises(DatasetError, match="expected a path, or an address such as gs://"):
        place("ftp://host/file.csv")
    assert place("gs://bucket/history.parquet").path == "bucket/history.parquet"


def test_a_device_id_of_digits_stays_as_it_is_written(tiny: Detector, frame, tmp_path):
    path = tmp_path / "r.csv"
    frame.assign(device_id=frame["device_id"].str.replace("device-", "00")).to_csv(path, index=False)
    _, rows = scored(tiny, path, tmp_path / "out.parquet")
    assert set(rows["device_id"]) == {"001", "002", "003"}


def test_the_command_tells_the_incidents_and_does_not_write_over_a_file(bundle_folder, recording, tmp_path, capsys):
    out = tmp_path / "out.csv"
    arguments = ["score", str(recording), "--profile", "tiny", "--bundle", str(bundle_folder), "--out", str(out)]
    assert command.main(arguments) == 0
    told = capsys.readouterr().out
    assert "of 3 devices (decided " in told
    assert "incidents: " in told
    assert "device-2  2026-01-01 01:" in told
    assert command.main(arguments) == 1
    assert "is there already" in capsys.readouterr().err
    assert command.main([*arguments, "--force"]) == 0


def test_memory_does_not_grow_with_the_length(tiny: Detector, tmp_path, monkeypatch):
    monkeypatch.setattr(decisions, "ROW_GROUP", 1_000)
    peaks = []
    for n in (3_000, 18_000):
        at, values = readings(tiny.profile, n)
        path = tmp_path / f"{n}.csv"
        pd.DataFrame(values, columns=list(tiny.profile.sensor_names)).assign(timestamp=at).to_csv(path, index=False)
        del at, values
        tracemalloc.start()  # NumPy's arrays, too
        summary = score(tiny, place(path), place(tmp_path / "out.parquet"), Layout(), rows=500, progress=False)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert summary.outcomes["decided"] > 0.99 * n
    assert peaks[1] < 1.2 * peaks[0], peaks


def test_neither_tensorflow_nor_training_is_asked_for():
    code = "import sys, aiot_anomaly.history.score; print(*({'tensorflow', 'keras', 'mlflow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
