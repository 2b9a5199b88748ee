"""The calibration: what it is computed from, and what of another is refused."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydantic import ValidationError

from aiot_anomaly import calibration as calibrations
from aiot_anomaly.calibration import Calibration, CalibrationDocument, decode, encode, shapes
from aiot_anomaly.errors import CalibrationError
from aiot_anomaly.profile import Profile
from aiot_anomaly.windows import Windows, season_slots
from tests.aiot_anomaly.kinds import VARIANTS, document, profile, variant
from tests.support.tiny_bundle import START, normal_windows, tiny_profile


def folded(kind: str, season: str, folds: int) -> Profile:
    of = variant(kind, season)
    return of.model_copy(update={"scoring": of.scoring.model_copy(update={"folds": folds})})


def level_only(of: Profile):
    """Residuals as a network would give them that explains nothing."""

    def residuals(windows: Windows, calibration: Calibration):
        season = season_slots(of, windows.ends)
        z = (windows.values - calibration.center[season]) / calibration.scale[season]
        return z[:, -of.scoring.last_steps :].mean(axis=1), z[:, -of.scoring.last_steps :].mean(axis=1), z[:, -1]

    return residuals


def document_of(of: Profile | None = None) -> CalibrationDocument:
    of = of or tiny_profile()
    return encode(of, calibrations.complete(of, normal_windows(of), level_only(of), "v1"))


def encoded(values) -> str:
    return base64.b64encode(np.asarray(values, dtype="<f8").tobytes()).decode()


@pytest.mark.parametrize(("kind", "season"), VARIANTS)
@given(data=st.data(), windows=st.integers(1, 2**40), version=st.text(max_size=20))
def test_a_document_gives_back_the_calibration_to_the_last_bit(kind, season, data, windows, version):
    of = variant(kind, season)
    finite, positive = st.floats(-1e300, 1e300), st.floats(1e-300, 1e300)
    drawn = {
        name: data.draw(
            arrays.arrays(np.float64, shape, elements=positive if "scale" in name else finite, fill=positive)
        )
        for name, shape in shapes(of).items()
    }
    given_ = Calibration(**{"whitening": np.empty(0), **drawn}, model_version=version, windows=windows)
    through_json = CalibrationDocument.model_validate_json(encode(of, given_).model_dump_json())
    found = decode(of, through_json)
    assert (found.model_version, found.windows) == (version, windows)
    for name in ("whitening", *drawn):
        np.testing.assert_array_equal(getattr(found, name), getattr(given_, name))


@pytest.mark.parametrize("name", ["center", "scale", "whitening", "weights", "score_scale", "band"])
@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ([], "has 0 bytes, expected"),
        (np.ones(100), "has 800 bytes, expected"),
        (None, "is not base64"),
        (np.nan, "holds a value that is not finite"),
        (np.inf, "holds a value that is not finite"),
    ],
)
def test_an_array_that_does_not_fit_is_refused_by_name(name, values, fault):
    of = variant("whitened")
    document_ = document_of(of)
    right = np.frombuffer(base64.b64decode(getattr(document_, name)))
    text = "é~" if values is None else encoded(values if np.ndim(values) else [*right[:-1], values])
    with pytest.raises(CalibrationError, match=f"calibration.{name} {fault}"):
        decode(of, document_.model_copy(update={name: text}))


@pytest.mark.parametrize(("name", "size"), [("scale", 3), ("score_scale", 2)])
@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_scale_that_is_not_positive_is_refused(name, size, value):
    with pytest.raises(CalibrationError, match=f"calibration.{name} holds a value that is not positive"):
        decode(tiny_profile(), document_of().model_copy(update={name: encoded([1.0] * (size - 1) + [value])}))


def test_the_calibration_of_another_profile_is_refused():
    with pytest.raises(CalibrationError, match="of profile 'tiny', expected 'other'"):
        decode(tiny_profile("other"), document_of())


@pytest.mark.parametrize("change", [{"windows": 0}, {"windows": "5"}, {"extra": 1}, {"scale": 1}, {"band": None}])
def test_a_document_of_another_form_is_refused(change):
    with pytest.raises(ValidationError):
        CalibrationDocument.model_validate({**document_of().model_dump(), **change})


def test_level_and_scale_are_the_mean_and_the_deviation_of_the_last_rows():
    of = tiny_profile()
    windows = normal_windows(of)
    found = calibrations.base(of, windows)
    np.testing.assert_allclose(found.center, windows.values[:, -1].mean(axis=0)[None, :])
    np.testing.assert_allclose(found.scale, windows.values[:, -1].std(axis=0)[None, :])
    assert found.windows == len(windows)


def test_a_scale_is_never_below_a_share_of_the_smallest_deviation():
    of = tiny_profile()
    windows = normal_windows(of)
    still = replace(windows, values=np.ones_like(windows.values))
    np.testing.assert_allclose(calibrations.base(of, still).scale, calibrations.SCALE_FLOOR * np.array([[1, 0.5, 1]]))


def test_each_hour_has_a_level_of_its_own_and_an_hour_without_rows_that_of_all():
    of = variant(season="hour_of_week")
    hours = START + 3600 * np.arange(1, 25)
    ends = np.repeat(hours, 10)
    slot = season_slots(of, ends)[:, -1]
    values = np.tile(slot[:, None, None], (1, of.window.steps, 3)).astype(float)
    windows = Windows(ends, values, np.ones(240, dtype=bool), np.zeros((240, 2), dtype=bool))
    center = calibrations.base(of, windows).center
    for s in range(48):
        np.testing.assert_allclose(center[s], s if s in slot else values[:, -1].mean())
    assert set(slot) != set(range(48))


def test_an_hour_that_varies_more_has_a_larger_scale_and_working_days_share_it_with_weekends():
    of = variant(season="hour_of_week")
    ends = START + 3600 * np.arange(1, 24 * 28 + 1)
    slot = season_slots(of, ends)[:, -1]
    noise = np.random.default_rng(1).normal(size=(len(ends), of.window.steps, 3))
    values = noise * np.where(slot % 24 == 9, 10.0, 1.0)[:, None, None]
    windows = Windows(ends, values, np.ones(len(ends), dtype=bool), np.zeros((len(ends), 2), dtype=bool))
    scale = calibrations.base(of, windows).scale
    np.testing.assert_array_equal(scale[:24], scale[24:])
    others = np.delete(np.arange(24), 9)
    assert (scale[9] > 4 * scale[others].max(axis=0)).all()


def test_whitened_inputs_are_uncorrelated():
    of = variant("whitened")
    of = of.model_copy(update={"scoring": of.scoring.model_copy(update={"ridge": 1e-6})})
    windows = normal_windows(of)
    found = calibrations.base(of, windows)
    z = (windows.values[:, -1] - found.center[0]) / found.scale[0]
    assert np.abs(np.corrcoef(z.T) - np.eye(3)).max() > 0.5
    assert np.abs(np.corrcoef((z @ found.whitening[0]).T) - np.eye(3)).max() < 0.2


def test_too_few_windows_are_refused_with_their_number():
    windows = normal_windows(tiny_profile())
    few = windows.only(np.arange(len(windows)) < 99)
    with pytest.raises(CalibrationError, match="99 complete normal windows, expected at least 100: give more"):
        calibrations.base(tiny_profile(), few)
    with pytest.raises(CalibrationError, match="expected at least 100"):
        calibrations.complete(tiny_profile(), few, level_only(tiny_profile()), "v1")
    calibrations.base(tiny_profile(), windows.only(np.arange(len(windows)) < 100))


@pytest.mark.parametrize(("kind", "season"), VARIANTS)
def test_with_two_folds_each_half_is_judged_by_the_level_of_the_other(kind, season):
    of = folded(kind, season, 2)
    windows = normal_windows(of)
    windows = windows.only(np.arange(len(windows)) < 111)
    (early, of_late), (late, of_early) = calibrations.cross_fitted(of, windows)
    np.testing.assert_array_equal(np.concatenate([early.ends, late.ends]), windows.ends)
    assert (len(early), len(late)) == (56, 55)
    for judged, level in ((late, of_late), (early, of_early)):
        expected = calibrations.base(of, judged, fewest=1)
        np.testing.assert_array_equal(level.center, expected.center)
        np.testing.assert_array_equal(level.scale, expected.scale)


def test_with_more_folds_each_part_is_judged_by_the_level_of_all_others():
    of = folded("two_sided", "none", 4)
    windows = normal_windows(of)
    parts = calibrations.cross_fitted(of, windows)
    assert len(parts) == 4
    np.testing.assert_array_equal(np.concatenate([judged.ends for judged, _ in parts]), windows.ends)
    for judged, level in parts:
        rest = windows.only(~np.isin(windows.ends, judged.ends))
        expected = calibrations.base(of, rest, fewest=1)
        np.testing.assert_array_equal(level.center, expected.center)
        np.testing.assert_array_equal(level.scale, expected.scale)


def test_with_one_fold_all_are_judged_by_their_own_level():
    of = folded("two_sided", "none", 1)
    windows = normal_windows(of)
    ((judged, level),) = calibrations.cross_fitted(of, windows)
    np.testing.assert_array_equal(judged.ends, windows.ends)
    np.testing.assert_array_equal(level.center, calibrations.base(of, windows).center)


def test_a_half_is_judged_as_more_spread_when_its_level_is_the_others():
    """A device that changed its level half way: only two folds notice."""
    windows = normal_windows(tiny_profile())
    values = windows.values.copy()
    values[len(values) // 2 :] += 3.0
    shifted = replace(windows, values=values)
    one, two = folded("two_sided", "none", 1), folded("two_sided", "none", 2)
    bands = [calibrations.complete(of, shifted, level_only(of), "v1").band for of in (one, two)]
    assert (bands[1][:2] > 1.5 * bands[0][:2]).all()


@pytest.mark.parametrize("folds", [1, 2])
@pytest.mark.parametrize(("kind", "season"), VARIANTS)
def test_a_whole_calibration_is_finite_fits_its_profile_and_is_stamped(kind, season, folds):
    of = folded(kind, season, folds)
    found = calibrations.complete(of, normal_windows(of), level_only(of), "v7")
    assert found.model_version == "v7"
    for name, shape in shapes(of).items():
        array = getattr(found, name)
        assert array.shape == shape
        assert np.isfinite(array).all()
    assert (found.scale > 0).all()
    assert (found.score_scale > 0).all()
    assert (found.band > 0).all()
    assert found.weights.any()


def test_an_input_without_a_scored_level_gets_no_weight():
    sensors = document()["sensors"]
    sensors[0]["score_level"] = False
    of = profile(sensors=sensors)
    found = calibrations.complete(of, normal_windows(of), level_only(of), "v1")
    assert not found.weights[:, 0].any()
    assert not found.weights[:, :, 0].any()
    assert np.diag(found.weights[0])[1:].all()
