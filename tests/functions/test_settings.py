"""What the environment may say."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from functions.errors import SettingsError
from functions.settings import Settings

NEEDED = {"API_URL": "http://127.0.0.1:8080", "PROJECT": "p", "STORE": "stream.db"}


def test_three_variables_are_enough() -> None:
    settings = Settings.from_environment({**NEEDED, "HOME": "somewhere"})
    assert (settings.decisions_topic, settings.parked_topic) == ("decisions", "readings-parked")


def test_the_timeouts_fit_into_the_acknowledgement_deadline() -> None:
    s = Settings.from_environment(NEEDED)
    # predictions, and a calibration, or rarely the profile; the state is read and written, and so are, rarely, quiet
    # readings and calibrations, which are looked up, too
    assert 2 * s.api_deadline_s + s.publish_timeout_s + 7 * s.store_timeout_s < 60


def test_the_project_may_come_from_the_cloud() -> None:
    cloud = {**NEEDED, "PROJECT": "", "GOOGLE_CLOUD_PROJECT": "from-the-cloud"}
    assert Settings.from_environment(cloud).project == "from-the-cloud"
    assert Settings.from_environment({**cloud, "PROJECT": "own"}).project == "own"


def test_a_slash_at_the_end_of_the_address_does_not_matter() -> None:
    assert Settings.from_environment({**NEEDED, "API_URL": "https://api.example.test/"}).api_url[-1] == "t"


@pytest.mark.parametrize(
    ("store", "database"),
    [
        ("firestore:aiot", "aiot"),
        ("firestore:aiot-dev", "aiot-dev"),
        ("firestore:(default)", "(default)"),
        ("stream.db", None),
        ("/tmp/a:b/stream.db", None),
        ("./firestore", None),
    ],
)
def test_the_store_is_a_firestore_database_or_a_file(store: str, database: str | None) -> None:
    assert Settings.from_environment({**NEEDED, "STORE": store}).firestore_database == database


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"STORE": ""}, "STORE is not set"),
        ({"STORE": "firestore"}, "expected firestore:"),
        ({"STORE": "firestore:"}, "'' is no id of a Firestore database"),
        ({"STORE": "firestore:AIoT"}, "'AIoT' is no id"),
        ({"STORE": "firestore:projects/p/databases/d"}, "is no id"),
        ({"STORE": "Firestore:aiot"}, "no store of kind 'Firestore'; expected firestore:<database>, or a path"),
        ({"STORE": "redis://localhost"}, "no store of kind 'redis'"),
        ({"API_URL": "api:8080"}, "API_URL is 'api:8080'"),
        ({"API_DEADLINE_S": "-1"}, "API_DEADLINE_S is '-1'"),
        ({"DECISIONS_TOPIC": "projects/p/topics/d"}, "DECISIONS_TOPIC is"),
    ],
)
def test_a_variable_that_is_not_right_is_named(change: Mapping[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.from_environment({**NEEDED, **change})
