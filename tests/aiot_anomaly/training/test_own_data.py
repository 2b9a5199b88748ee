"""A file of anybody's as the data of a run: split by time, without its labelled rows in the training part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aiot_anomaly import profile_store
from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.errors import DatasetError, TrainingError
from aiot_anomaly.training import dataset as datasets
from aiot_anomaly.training import defaults, pipeline
from tests.aiot_anomaly.kinds import profile
from tests.support.tiny_bundle import START, readings, tiny_profile

ROWS = 1000
PROFILE = tiny_profile()
LABELLED = range(100, 110)


def frame(device: str = "a", rows: int = ROWS, *, start: int = START) -> pd.DataFrame:
    at, values = readings(PROFILE, rows, start=start)
    columns = dict(zip(PROFILE.sensor_names, values.T, strict=True))
    marked = np.isin(np.arange(rows), [*LABELLED, *range(800, 820)]).astype(int)
    return pd.DataFrame({"timestamp": at, "device": device, **columns, "bad": marked})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    frame().to_csv(tmp_path / "own.csv", index=False)
    return tmp_path / "own.csv"


def test_the_leading_share_trains_and_the_rest_is_tested(path: Path) -> None:
    (device,) = datasets.load(PROFILE, str(path)).devices
    assert device.device_id == "own"
    assert device.train_until == START + 399 * 60
    assert device.train().ends.max() <= device.train_until < device.test()[0].ends.min()


@pytest.mark.parametrize("until", ["0.6", "2026-01-01T10:00:00Z", "2026-01-01 10:00"])
def test_the_training_part_may_end_elsewhere(path: Path, until: str) -> None:
    (device,) = datasets.load(PROFILE, str(path), train_until=until).devices
    assert device.train_until == START + 599 * 60


def test_windows_with_a_labelled_row_train_nothing_and_labels_of_the_test_part_stay(path: Path) -> None:
    (plain,) = datasets.load(PROFILE, str(path)).devices
    (cut,) = datasets.load(PROFILE, str(path), layout=Layout(label="bad")).devices
    # a window is made of `history` rows: those that end from the first labelled row to `history` after the last
    gone = sorted(set(plain.train().ends) - set(cut.train().ends))
    first, last = START + LABELLED[0] * 60, START + (LABELLED[-1] + PROFILE.history - 1) * 60
    assert gone == [t for t in plain.train().ends if first <= t <= last]
    assert len(gone) == 10
    np.testing.assert_array_equal(cut.test()[0].ends, plain.test()[0].ends)
    assert cut.test()[1].sum() == 10
    assert not plain.test()[1].any()


def test_devices_are_told_apart_and_the_too_short_ones_left_out_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "fleet.parquet"
    pd.concat([frame("a"), frame("b"), frame("c", 300)]).to_parquet(path)
    with pytest.warns(UserWarning, match="fewer than 145 complete normal windows: c"):
        found = datasets.load(PROFILE, str(path), layout=Layout(device="device", label="bad"))
    assert [d.device_id for d in found.monitored()] == ["a", "b"]
    assert found.labelled


def test_too_little_to_train_on_says_how_much_there_is(path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no device has 145 complete normal windows.*own has most, 46\."):
        datasets.load(PROFILE, str(path), train_until="0.1")


def test_a_column_that_the_profile_asks_for_is_missed_by_name(path: Path) -> None:
    with pytest.raises(DatasetError, match=r"lacks the columns \['level'\]; it has \['timestamp', 'device', 'flow'"):
        datasets.load(PROFILE, str(path), layout=Layout(label="level"))


def test_columns_are_found_by_the_layouts_names(tmp_path: Path) -> None:
    frame().rename(columns={"flow": "Flow 1"}).to_csv(tmp_path / "own.csv", index=False)
    renamed = datasets.load(PROFILE, str(tmp_path / "own.csv"), layout=Layout(columns={"flow": "Flow 1"}))
    np.testing.assert_array_equal(renamed.devices[0].recording.values[:, 0], frame()["flow"])


def test_the_section_recording_is_no_part_of_the_profile_and_its_faults_are_named(tmp_path: Path) -> None:
    plain = tmp_path / "own.yaml"
    plain.write_text(PROFILE.model_dump_json())
    assert profile_store.layout(plain) == profile_store.layout("skab") == Layout()
    text = plain.read_text()[:-1] + ', "recording": {"timestamp": ["d", "t"], "train_until": "2026-01-01"}}'
    plain.write_text(text)
    assert profile_store.load(plain) == PROFILE
    assert profile_store.layout(plain) == Layout(timestamp=("d", "t"), train_until="2026-01-01")
    plain.write_text(text.replace("train_until", "until"))
    with pytest.raises(Exception, match=r"the section recording of .*own\.yaml is not a valid layout: until: Extra"):
        profile_store.layout(plain)


def test_without_chosen_parameters_they_follow_from_the_data(path: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "params.yaml"
    found = pipeline.chosen(PROFILE, "skab", nowhere, {"data": str(path), "units": 7})
    assert found == {**defaults.parameters(PROFILE, 200), "data": str(path), "units": 7}
    with pytest.raises(TrainingError, match=r"no data to train tiny on: name it, `make train DATA=my\.csv PROFILE=t"):
        pipeline.chosen(PROFILE, "tiny.yaml", nowhere, {})


@pytest.mark.parametrize("windows", [150, 2_000, 80_000])
def test_a_training_is_bounded_however_large_the_recording_is(windows: int) -> None:
    for of in (PROFILE, profile(window={"steps": 60, "step": 1, "aggregate": 1, "stride": 1})):
        given = defaults.parameters(of, windows)
        seen = min(given["most_windows"], windows)
        assert seen * of.window.steps * given["epochs"] <= defaults.WINDOW_ROWS
        assert given["epochs"] >= defaults.FEWEST_EPOCHS
        steps = given["epochs"] * -(-seen // given["batch"])
        assert steps >= (100 if windows == 150 else 1_000)


def test_a_denoiser_is_trained_where_a_direction_is_known_and_of_a_single_sensor() -> None:
    document = PROFILE.model_dump()
    undirected, directed = (
        PROFILE.model_validate(document | {"sensors": tuple(s | {"direction": way} for s in document["sensors"])})
        for way in ("both", "up")
    )
    assert defaults.parameters(directed, 1_000)["denoise"]
    assert not defaults.parameters(undirected, 1_000)["denoise"]
    single = PROFILE.model_validate(undirected.model_dump() | {"sensors": undirected.sensors[:1], "derived": ()})
    assert defaults.parameters(single, 1_000)["denoise"]


def test_the_default_parameters_fit_the_notebooks() -> None:
    given = defaults.parameters(PROFILE, 1_000)
    found = pipeline.plan(Path(__file__).resolve().parents[3] / "notebooks", {**given, "data": "", "train_until": ""})
    assert set().union(*found.values()) == {*given, "data", "train_until"}
