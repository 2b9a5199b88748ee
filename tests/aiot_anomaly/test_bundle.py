"""The bundle: whole, or refused with a word on what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aiot_anomaly import bundle as bundles
from aiot_anomaly import calibration, detector
from aiot_anomaly.bundle import FILES, MANIFEST, Calibrations, Golden
from aiot_anomaly.errors import BundleError
from aiot_anomaly.windows import season_slots
from tests.aiot_anomaly.kinds import meter, variant
from tests.aiot_anomaly.spoiling import rewrite
from tests.aiot_anomaly.training.meters import device
from tests.support.tiny_bundle import START, tiny_profile

WHAT_TO_DO = r"promote the model again|make train promote"


def refused(folder: Path, fault: str) -> None:
    """Loading gives a BundleError with this fault that says what to do."""
    with pytest.raises(BundleError, match=fault) as error:
        detector.load(folder)
    assert error.match(WHAT_TO_DO)


def test_what_was_written_is_read(bundle_folder):
    read = bundles.load(bundle_folder)
    assert read.profile == tiny_profile()
    assert read.version == "tiny-1"
    assert read.threshold == read.manifest.threshold.value > 0
    assert set(read.manifest.sha256) == set(FILES)
    assert list(read.devices) == ["device-1"]


def test_a_known_device_has_its_own_calibration_and_any_other_the_fleets(bundle_folder):
    read = bundles.load(bundle_folder)
    assert read.calibration("device-1") == (read.devices["device-1"], "bundle")
    assert read.calibration("unheard-of") == (read.fleet, "fleet")


@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_is_found(spoilt, name, place):
    path = spoilt / name
    content = bytearray(path.read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    path.write_bytes(content)
    refused(spoilt, f"{name} has SHA-256 .* the file was changed or cut off")


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_cut_off_is_found(spoilt, name):
    path = spoilt / name
    path.write_bytes(path.read_bytes()[:-1])
    refused(spoilt, f"{name} has SHA-256 .* the file was changed or cut off")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(spoilt, name):
    (spoilt / name).unlink()
    refused(spoilt, f"{name} is missing")


@pytest.mark.parametrize("name", FILES)
def test_a_file_without_a_checksum_is_not_trusted(spoilt, name):
    rewrite(spoilt, MANIFEST, lambda m: m["sha256"].pop(name))
    refused(spoilt, f"{name} has SHA-256 .* says no checksum")


def test_no_manifest_says_how_to_make_one(spoilt):
    (spoilt / MANIFEST).unlink()
    refused(spoilt, f"no {MANIFEST} in .*; train and promote one: make train promote PROFILE=spoilt")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"format": \xff}', b"\x00"])
def test_a_manifest_that_is_no_json_object_is_refused(spoilt, content):
    (spoilt / MANIFEST).write_bytes(content)
    refused(spoilt, "bundle.json cannot be read, it is not JSON: restore it from git")


def test_a_manifest_that_was_cut_off_is_refused(spoilt):
    path = spoilt / MANIFEST
    path.write_bytes(path.read_bytes()[:-20])
    refused(spoilt, "bundle.json cannot be read, it is not JSON")


@pytest.mark.parametrize("number", [0, 2, "1", None])
def test_another_format_number_is_refused(spoilt, number):
    rewrite(spoilt, MANIFEST, lambda m: m.update(format=number))
    refused(spoilt, f"is of format {number}, this release reads 1")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda m: m.pop("threshold"), "threshold"),
        (lambda m: m.update(extra=1), "extra"),
        (lambda m: m["threshold"].update(value=0), "threshold.value"),
        (lambda m: m["threshold"].update(value=float("nan")), "threshold.value"),
        (lambda m: m["profile"].update(interval_s="60"), "profile.interval_s"),
        (lambda m: m.update(created_at="yesterday"), "created_at"),
    ],
)
def test_a_manifest_with_a_fault_names_its_place(spoilt, change, where):
    rewrite(spoilt, MANIFEST, change)
    refused(spoilt, f"is not valid: {where}: ")


def test_another_threshold_is_found_by_the_golden_scores(spoilt):
    rewrite(spoilt, MANIFEST, lambda m: m["threshold"].update(value=m["threshold"]["value"] * 1.01))
    refused(spoilt, "golden window .* do not belong together")


def test_a_wrong_golden_score_is_found(spoilt):
    rewrite(spoilt, "golden.json", lambda g: g["scores"].__setitem__(2, g["scores"][2] * 1.01))
    refused(spoilt, r"golden window 2 scores .*, expected .* within 0.001")


@pytest.mark.parametrize(
    "change",
    [lambda g: g["scores"].pop(), lambda g: g["ends"].pop(), lambda g: g.update(ends=[], values=[], scores=[])],
)
def test_golden_windows_and_scores_must_pair_up(spoilt, change):
    rewrite(spoilt, "golden.json", change)
    refused(spoilt, "no golden score for each golden window")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda c: c["fleet"].update(profile="other"), "calibration is of profile 'other', expected 'tiny'"),
        (lambda c: c["fleet"].update(scale=""), "calibration.scale has 0 bytes, expected 24"),
        (lambda c: c["devices"]["device-1"].update(band="?"), "calibration.band is not base64"),
        (lambda c: c.pop("fleet"), "fleet"),
    ],
)
def test_a_calibration_that_does_not_fit_is_refused(spoilt, change, fault):
    rewrite(spoilt, "calibrations.json", change)
    refused(spoilt, f"is not valid: {fault}")


def test_a_bundle_too_large_for_git_is_not_completed(bundle_folder, tmp_path):
    read = bundles.load(bundle_folder)
    calibrations = Calibrations.model_validate_json((bundle_folder / "calibrations.json").read_text())
    with pytest.raises(BundleError, match=r"expected at most 4194304: make the network smaller"):
        bundles.write(
            tmp_path / "large",
            model=b"0" * bundles.MOST_BYTES,
            calibrations=calibrations,
            golden=read.golden,
            weights=bundle_folder / "network.weights.h5",
            manifest=read.manifest.model_dump(exclude={"format", "sha256"}),
        )
    refused(tmp_path / "large", "no bundle.json")


@pytest.mark.parametrize("season", ["none", "hour_of_week"])
def test_golden_windows_are_within_the_sensors_ranges_and_the_same_for_the_same_seed(bundle_folder, season):
    of = variant(season=season)
    fleet = bundles.load(bundle_folder).fleet
    each = {name: np.repeat(getattr(fleet, name), of.season.slots, axis=0) for name in ("center", "scale")}
    fleet = replace(fleet, **each)
    slots = season_slots(of, START + 3600 * np.arange(30))
    values = bundles.golden_values(of, fleet, slots, seed=3)
    assert values.shape == (30, of.window.steps, len(of.input_names))
    for i, sensor in enumerate(of.sensors):
        assert (values[:, :, i] >= sensor.valid_range[0]).all()
        assert (values[:, :, i] <= sensor.valid_range[1]).all()
    np.testing.assert_array_equal(values, bundles.golden_values(of, fleet, slots, seed=3))
    assert (values != bundles.golden_values(of, fleet, slots, seed=4)).any()


def test_golden_windows_hold_no_logarithm_of_what_a_sensor_cannot_read():
    of = meter()
    few = device(of=of).train()
    fleet = calibration.base(of, few)
    wild = replace(fleet, scale=100 * fleet.scale)
    values = bundles.golden_values(of, wild, season_slots(of, few.ends[:30]), seed=3)
    low, high = of.sensors[0].valid_range
    for i, log in enumerate(of.derived, 1):
        least, most = log.bounds(low, high)
        assert values[:, :, i].min() == least, log.name
        assert values[:, :, i].max() == most, log.name


def test_golden_windows_survive_their_json(bundle_folder):
    golden = bundles.load(bundle_folder).golden
    assert Golden.model_validate_json(golden.model_dump_json()) == golden
