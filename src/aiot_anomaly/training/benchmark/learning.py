"""Training a table's network, as 02_train does: the graph that would be served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from aiot_anomaly.inference import Graph
from aiot_anomaly.training.dataset import Dataset
from aiot_anomaly.training.export import to_onnx
from aiot_anomaly.training.fit import FitConfig, fit, split
from aiot_anomaly.training.network import NetworkConfig

Config = TypeVar("Config", bound=BaseModel)

#: parameters with which a network stays as it begins
UNTRAINED = {"epochs": 1, "learning_rate": 1e-12}


def learn(dataset: Dataset, parameters: Mapping[str, Any], seed: int, *, progress: bool = True) -> Graph:
    """Trains a network on the teachers' normal windows and exports it.

    Args:
        dataset: the devices.
        parameters: as the notebooks are given them; those of `NetworkConfig` and `FitConfig` count, and `held_back`,
            the last share of each device's normal windows, which stops the training.
        seed: of this training, whatever the parameters say.
        progress: show a bar of the epochs.
    """
    profile = dataset.profile
    fitting, held_back = split(dataset, parameters["held_back"])
    network, training = _config(NetworkConfig, parameters), _config(FitConfig, {**parameters, "seed": seed})
    fitted = fit(profile, fitting, held_back, network, training, progress=progress)
    return Graph(to_onnx(profile, fitted.network), profile)


def _config(kind: type[Config], parameters: Mapping[str, Any]) -> Config:
    return kind(**{name: value for name, value in parameters.items() if name in kind.model_fields})
