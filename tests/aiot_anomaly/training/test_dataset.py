"""Recordings, split by time: what is learned from is never what is tested on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiot_anomaly import paths
from aiot_anomaly.errors import DatasetError
from aiot_anomaly.training import dataset as datasets
from aiot_anomaly.training.dataset import Dataset
from tests.aiot_anomaly.kinds import variant
from tests.aiot_anomaly.training import fleets
from tests.aiot_anomaly.training.fleets import TEST, TRAIN, Event
from tests.support.tiny_bundle import START

PROFILE = variant()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fleets.write(
        tmp_path_factory.mktemp("fleet"), PROFILE, {"a": 1, "b": 2}, {"t1": 3, "t2": 4}, event=Event(40, 60)
    )


@pytest.fixture(scope="module")
def loaded(folder) -> Dataset:
    return datasets.load(PROFILE, str(folder))


def names(devices) -> list[str]:
    return [d.device_id for d in devices]


def test_devices_with_a_test_part_are_monitored_and_the_others_teach(loaded):
    assert names(loaded.monitored()) == ["a", "b"]
    assert names(loaded.teachers()) == ["t1", "t2"]


def test_a_threshold_may_be_learned_from_teachers_as_from_those_that_are_watched(loaded):
    assert names(loaded.pooled()) == ["a", "b", "t1", "t2"]


def test_without_others_the_monitored_devices_teach(tmp_path):
    alone = datasets.load(PROFILE, str(fleets.write(tmp_path, PROFILE, {"a": 1})))
    assert names(alone.teachers()) == names(alone.monitored()) == ["a"]


def test_a_device_that_is_not_pooled_neither_teaches_nor_sets_a_threshold(loaded):
    a, b = loaded.monitored()
    apart = Dataset(PROFILE, (a, type(b)(**{**vars(b), "pooled": False})), "", "", True)
    assert names(apart.monitored()) == ["a", "b"]
    assert names(apart.pooled()) == names(apart.teachers()) == ["a"]


def test_the_training_part_is_complete_and_ends_where_the_test_part_begins(loaded):
    for device in loaded.monitored():
        train, (test, labels) = device.train(), device.test()
        assert train.complete.all()
        assert train.ends.max() <= device.train_until < test.ends.min()
        assert device.train_until == START + (TRAIN - 1) * 60
        assert len(train) + len(test) == int(device.windows.complete.sum())
        assert len(labels) == len(test)


@given(st.floats(0.05, 0.9))
def test_what_is_fitted_and_what_is_held_back_are_the_training_part_one_after_the_other(loaded, share):
    for device in loaded.devices:
        fitting, held_back = device.fitting(share), device.held_back(share)
        np.testing.assert_array_equal(np.concatenate([fitting.ends, held_back.ends]), device.train().ends)
        assert len(held_back) == pytest.approx(share * len(device.train()), abs=1)


def test_a_label_is_that_of_the_last_reading_up_to_the_windows_end(loaded):
    test, labels = loaded.monitored()[0].test()
    first = START + (TRAIN + 40) * 60
    np.testing.assert_array_equal(labels, (test.ends >= first) & (test.ends < first + 20 * 60))
    assert labels.sum() == 10
    assert loaded.labelled


def test_nothing_is_labelled_where_nothing_happened(tmp_path):
    calm = datasets.load(PROFILE, str(fleets.write(tmp_path, PROFILE, {"a": 1})))
    assert not calm.labelled
    assert not calm.devices[0].labels.any()


def test_another_test_part_leaves_the_training_part_as_it_is(loaded, tmp_path):
    other = datasets.load(
        PROFILE, str(fleets.write(tmp_path, PROFILE, {"a": 1, "b": 2}, {"t1": 3, "t2": 4}, test_offset=30))
    )
    for device, same in zip(loaded.devices, other.devices, strict=True):
        np.testing.assert_array_equal(device.train().values, same.train().values)
    tests = [d.devices[0].test()[0].values for d in (loaded, other)]
    assert (tests[0] != tests[1]).any()


def test_a_quick_look_takes_as_many_teachers_as_monitored_devices(folder):
    few = datasets.load(PROFILE, str(folder), most_devices=1)
    assert names(few.monitored()) == ["a"]
    assert names(few.teachers()) == ["t1"]


def test_the_fingerprint_names_the_data(loaded, folder, tmp_path):
    again = fleets.write(tmp_path / "again", PROFILE, {"a": 1, "b": 2}, {"t1": 3, "t2": 4}, event=Event(40, 60))
    assert datasets.load(PROFILE, str(again)).fingerprint == loaded.fingerprint
    other = fleets.write(tmp_path / "other", PROFILE, {"a": 1, "b": 2}, {"t1": 3, "t2": 5}, event=Event(40, 60))
    assert datasets.load(PROFILE, str(other)).fingerprint != loaded.fingerprint


def test_a_relative_folder_is_below_the_repository(folder, loaded, monkeypatch):
    monkeypatch.setenv("AIOT_HOME", str(folder.parent))
    assert datasets.load(PROFILE, folder.name).fingerprint == loaded.fingerprint
    assert paths.root() == folder.parent


def test_a_folder_without_data_says_how_to_make_it(tmp_path):
    with pytest.raises(DatasetError, match=r"no folder .*train: make it with `make data PROFILE=tiny`"):
        datasets.load(PROFILE, str(tmp_path))


def test_other_devices_are_watched_in_the_place_of_the_monitored_ones_and_the_teachers_stay(loaded, tmp_path):
    others = datasets.load(PROFILE, str(fleets.write(tmp_path, PROFILE, {"c": 5, "d": 6, "e": 7}, {"t3": 8})))
    found = loaded.watching(others)
    assert names(found.monitored()) == ["c", "d", "e"]
    assert names(found.teachers()) == ["t1", "t2"]
    assert set(names(found.devices)) == set(names(found.pooled())) == {"c", "d", "e", "t1", "t2"}
    assert loaded.labelled
    assert not found.labelled, "it is the watched ones' labels that count"


def test_what_is_watched_has_the_fingerprint_of_both_parts(loaded, tmp_path):
    one, other = (
        datasets.load(PROFILE, str(fleets.write(tmp_path / str(seed), PROFILE, {"c": seed}))) for seed in (5, 6)
    )
    prints = [of.fingerprint for of in (loaded.watching(one), loaded.watching(other), one.watching(loaded))]
    assert len({loaded.fingerprint, one.fingerprint, other.fingerprint, *prints}) == 6
    assert loaded.watching(one).fingerprint == prints[0]
    assert loaded.watching(one).source == loaded.source == loaded.fingerprint, "who teaches is the same"


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """Two fleets in one folder, each with a watched device and a teacher, one of them with an event."""
    folder = tmp_path_factory.mktemp("several")
    fleets.write(folder / "north", PROFILE, {"n-1": 1}, {"n-t": 2}, event=Event(40, 60))
    fleets.write(folder / "south", PROFILE, {"s-1": 3}, {"s-t": 4}, event=Event(10, 30))
    (folder / "notes").mkdir()
    return folder


def test_a_folder_of_several_fleets_is_all_of_them_and_each_device_knows_its_own(several):
    found = datasets.load(PROFILE, str(several))
    assert {d.device_id: d.fleet for d in found.devices} == {
        "n-1": "north",
        "n-t": "north",
        "s-1": "south",
        "s-t": "south",
    }
    assert names(found.monitored()) == ["n-1", "s-1"]
    assert names(found.teachers()) == ["n-t", "s-t"]
    assert found.labelled


def test_where_there_is_one_fleet_it_has_no_name(loaded, tmp_path):
    assert {d.fleet for d in loaded.devices} == {""}
    fleets.write(tmp_path / "only", PROFILE, {"a": 1})
    assert [d.fleet for d in datasets.load(PROFILE, str(tmp_path)).devices] == [""]


def test_two_fleets_with_devices_of_the_same_name_are_refused(tmp_path):
    for name in ("north", "south"):
        fleets.write(tmp_path / name, PROFILE, {"a": 1})
    with pytest.raises(DatasetError, match="two fleets have devices of the same name; number them apart"):
        datasets.load(PROFILE, str(tmp_path))


def test_what_happened_is_that_of_all_fleets(several, folder):
    found = datasets.truth(str(several))
    assert [(t.device_id, t.kind) for t in found] == [("n-1", "leak"), ("s-1", "leak")]
    assert found[0].start == START + (TRAIN + 40) * 60
    assert found[0].end == START + (TRAIN + 60) * 60
    assert [t.device_id for t in datasets.truth(str(folder))] == ["a", "b"]


def test_nothing_is_known_to_have_happened_where_no_file_says_so(tmp_path):
    assert datasets.truth(str(tmp_path)) == []
    assert datasets.truth(str(tmp_path / "nowhere")) == []
    fleets.write(tmp_path, PROFILE, {"a": 1})
    assert datasets.truth(str(tmp_path)) == []
    (tmp_path / "test" / "truth.csv").unlink()
    assert datasets.truth(str(tmp_path)) == []


def test_the_recording_has_all_of_both_parts(loaded):
    recording = loaded.monitored()[0].recording
    assert len(recording) == TRAIN + TEST
    assert recording.train_rows == TRAIN


def test_a_declared_validation_part_lies_between_training_and_test(folder):
    declared = PROFILE.model_copy(update={"threshold": PROFILE.threshold.model_copy(update={"validation": 0.4})})
    with_part = datasets.load(declared, str(folder)).monitored()
    for device, before in zip(with_part, datasets.load(PROFILE, str(folder)).monitored(), strict=True):
        train, (validation, marks), (test, labels) = device.train(), device.validation(), device.test()
        assert train.ends.max() <= device.train_until < validation.ends.min()
        assert validation.ends.max() == device.tested_after < test.ends.min()
        assert len(validation) == round(0.4 * len(before.test()[0]))
        np.testing.assert_array_equal(np.concatenate([marks, labels]), before.test()[1])
        np.testing.assert_array_equal(train.values, before.train().values)
        assert not len(before.validation()[0])
