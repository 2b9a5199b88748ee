"""The benchmark trains with what `make train` would be given."""

from __future__ import annotations

import pytest

from aiot_anomaly import paths
from aiot_anomaly.errors import TrainingError
from aiot_anomaly.training import pipeline
from aiot_anomaly.training.benchmark import parameters
from aiot_anomaly.training.benchmark.tables import TABLES

FOLDER = paths.root() / "notebooks" / "params"


@pytest.mark.parametrize("name", [name for name in TABLES if (FOLDER / f"{TABLES[name].profile}.yaml").is_file()])
def test_they_are_the_profiles_file_and_the_notebooks_defaults(name):
    found = parameters.of(TABLES[name], {})
    given = pipeline.read_parameters(FOLDER / f"{TABLES[name].profile}.yaml")
    assert given.items() <= found.items()
    assert {"most_windows", "learning_rate", "held_back", "components", "epochs", "seed"} <= set(found)
    assert not pipeline.CONTEXT & set(found)


def test_what_is_chosen_replaces_them():
    found = parameters.of(TABLES["skab"], {"epochs": 1, "learning_rate": 0.1})
    assert (found["epochs"], found["learning_rate"]) == (1, 0.1)


def test_an_unknown_one_is_an_error():
    with pytest.raises(TrainingError, match="unknown parameter layers"):
        parameters.of(TABLES["skab"], {"layers": 2})
