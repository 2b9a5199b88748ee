"""Where profiles are kept: shipped ones by name, others by path, and faults named."""

from __future__ import annotations

import pytest
import yaml

from aiot_anomaly import profile_store
from aiot_anomaly.errors import ProfileError
from tests.aiot_anomaly.kinds import document
from tests.support.tiny_bundle import tiny_profile


def test_leak_and_skab_are_shipped_in_alphabetical_order():
    assert {"leak", "skab"} <= set(profile_store.shipped())
    assert list(profile_store.shipped()) == sorted(profile_store.shipped())


@pytest.mark.parametrize("name", profile_store.shipped())
def test_a_shipped_profile_has_the_name_of_its_file(name):
    assert profile_store.load(name).name == name


def test_a_profile_of_ones_own_is_read_by_path(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(document()), encoding="utf-8")
    assert profile_store.load(path) == tiny_profile()
    assert profile_store.load(str(path)) == tiny_profile()


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(ProfileError, match=r"'gas'; shipped are .*leak.*skab") as refused:
        profile_store.load("gas")
    assert refused.value.code == "unknown_profile"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ProfileError, match=r"no profile file .*gas\.yaml"):
        profile_store.load(tmp_path / "gas.yaml")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: [1", "is not YAML"),
        ("[1, 2]", "holds list, expected a mapping"),
        ("", "holds NoneType, expected a mapping"),
        ("&a {name: *a}", "is not a valid profile"),
        ("2026-01-01: x", "is not a valid profile"),
    ],
)
def test_what_is_no_mapping_of_fields_is_refused(text, fault):
    with pytest.raises(ProfileError, match=fault):
        profile_store.parse(text)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_bytes(b"name: \xff\xfe")
    with pytest.raises(ProfileError, match="not UTF-8"):
        profile_store.load(path)


def test_every_fault_is_listed():
    wrong = document(interval_s="60", title=7, sampling=1)
    with pytest.raises(ProfileError) as refused:
        profile_store.parse(yaml.safe_dump(wrong), source="own.yaml")
    text = str(refused.value)
    assert text.startswith("own.yaml is not a valid profile: ")
    assert all(f"{field}: " in text for field in ("interval_s", "title", "sampling"))
