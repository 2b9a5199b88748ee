"""Training the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from pydantic import Field
from tqdm.auto import tqdm

from aiot_anomaly.calibration import Calibration, base, cross_fitted
from aiot_anomaly.configuration import Frozen
from aiot_anomaly.errors import TrainingError
from aiot_anomaly.profile import Profile
from aiot_anomaly.scoring import mask
from aiot_anomaly.series import Float
from aiot_anomaly.training import metering
from aiot_anomaly.training.corruption import corrupt, pace, way
from aiot_anomaly.training.dataset import Dataset
from aiot_anomaly.training.network import NetworkConfig, begin_linear, build, clock_table
from aiot_anomaly.windows import Windows, season_slots

#: most steps that are unrolled for training; the compiler takes too long for more
UNROLLED = 64


class FitConfig(Frozen):
    """How the network is trained."""

    epochs: int = Field(default=20, ge=1)
    batch: int = Field(default=128, ge=1)
    learning_rate: float = Field(default=3e-3, gt=0)
    #: most windows of one epoch; more are thinned evenly
    most_windows: int = Field(default=100_000, ge=100)
    seed: int = 0


@dataclass(frozen=True)
class Example:
    """One device's normal windows with a calibration from other normal windows of it."""

    windows: Windows
    calibration: Calibration


@dataclass(frozen=True)
class Fitted:
    """A trained network and its history: `loss` and `val_loss` for each epoch."""

    network: Any
    history: dict[str, list[float]]


@dataclass(frozen=True)
class _Rows:
    z: Float  # (n, T, F) standardised
    clock: Float  # (n, T, C)
    way: Float  # (n, F) see corruption.way
    pace: Float  # (n, T) see corruption.pace
    level: Float  # (n, T, F) in physical units; (n, 0, F) but for meters, which alone are falsified in these
    scale: Float  # (n, T, F) or (n, 0, F), likewise

    def thinned(self, most: int) -> _Rows:
        step = -(-len(self.z) // most)
        return _Rows(*(of[::step] for of in self._parts()))

    def shuffled(self, rng: np.random.Generator) -> _Rows:
        order = rng.permutation(len(self.z))
        return _Rows(*(of[order] for of in self._parts()))

    def _parts(self) -> tuple[Float, ...]:
        return self.z, self.clock, self.way, self.pace, self.level, self.scale


def examples(profile: Profile, parts: Sequence[Windows]) -> list[Example]:
    """What a network learns from: the normal windows of each device, standardised as they will be in service.

    With several folds each part of a device's windows goes with the level of the others: with their own, seasonal
    windows would have no slow variation left, and the network would take any for an anomaly.
    """
    return [Example(judged, level) for windows in parts for judged, level in cross_fitted(profile, windows)]


def split(dataset: Dataset, held_back: float) -> tuple[list[Example], list[Example]]:
    """What a network learns from, and the last `held_back` share of the teachers' normal windows, which stops it."""
    profile, teachers = dataset.profile, dataset.teachers()
    fitting = examples(profile, [d.fitting(held_back) for d in teachers])
    return fitting, [Example(d.held_back(held_back), base(profile, d.fitting(held_back))) for d in teachers]


def standardise(profile: Profile, windows: Windows, calibration: Calibration) -> Float:
    """(n, T, F) the model's inputs, as the graph computes them."""
    season, clip = season_slots(profile, windows.ends), profile.scoring.clip
    z = (windows.values - calibration.center[season]) / calibration.scale[season] * mask(profile)
    return np.clip(z @ calibration.whitening[0] if profile.scoring.whiten else z, -clip, clip)


def standard(profile: Profile, inputs: Float, calibration: Calibration) -> Float:
    """The network's inputs (…, F), or differences of them, in deviations of each by itself: as before whitening."""
    return np.asarray(inputs @ calibration.whitening[1]) if profile.scoring.whiten else inputs


def _rows(profile: Profile, examples: Sequence[Example]) -> _Rows:
    if not examples or not sum(len(e.windows) for e in examples):
        raise TrainingError("no complete window to train on: give longer recordings or a shorter profile.window")
    table, metered = clock_table(profile), profile.scoring.kind == "removed"
    slots = [season_slots(profile, e.windows.ends) for e in examples]
    in_units = [s if metered else s[:, :0] for s in slots]
    pairs, in_pairs = (list(zip(examples, of, strict=True)) for of in (slots, in_units))
    return _Rows(
        np.concatenate([standardise(profile, e.windows, e.calibration) for e in examples]),
        np.concatenate([table[s] for s in slots]),
        np.concatenate([np.tile(way(profile, e.calibration), (len(e.windows), 1)) for e in examples]),
        np.concatenate([pace(profile, e.calibration.scale[s]) for e, s in pairs]),
        np.concatenate([e.calibration.center[s] for e, s in in_pairs]),
        np.concatenate([e.calibration.scale[s] for e, s in in_pairs]),
    )


def fit(
    profile: Profile,
    train: Sequence[Example],
    held_back: Sequence[Example],
    network_config: NetworkConfig,
    config: FitConfig,
    *,
    progress: bool = True,
) -> Fitted:
    """Trains a network; the weights with the best loss on held-back normal windows are kept.

    Raises:
        TrainingError: there is nothing to train on.
    """
    keras.utils.set_random_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    network = build(profile, network_config, unroll=profile.window.steps <= UNROLLED)
    rows = _rows(profile, train).thinned(config.most_windows)
    check = _rows(profile, held_back).thinned(config.most_windows)
    if network_config.linear:
        begin_linear(network, rows.z)
    steps = config.epochs * -(-len(rows.z) // config.batch)
    network.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(config.learning_rate, steps), clipnorm=1.0), "mse"
    )

    def batch(part: _Rows, source: np.random.Generator) -> tuple[list[Float], Float]:
        z = part.z
        if network_config.denoise and profile.scoring.kind == "removed":
            z = metering.corrupt(profile, z, part.level, part.scale, source)
        elif network_config.denoise:
            z = corrupt(profile, z, part.pace, part.way, source)
        return ([z, part.clock] if part.clock.shape[-1] else [z]), part.z

    check_inputs, check_target = batch(check, np.random.default_rng(config.seed + 1))
    history: dict[str, list[float]] = {"loss": [], "val_loss": []}
    best, best_weights = np.inf, network.get_weights()
    bar = tqdm(range(config.epochs), desc="training", unit="epoch", disable=not progress)
    for _ in bar:
        # shuffled here and not by Keras, so that one seed at the start decides everything
        inputs, target = batch(rows.shuffled(rng), rng)
        result = network.fit(
            inputs,
            target,
            batch_size=config.batch,
            epochs=1,
            shuffle=False,
            verbose=0,
            validation_data=(check_inputs, check_target),
            validation_batch_size=1024,
        )
        for name, values in history.items():
            values.append(float(result.history[name][0]))
        if history["val_loss"][-1] < best:
            best, best_weights = history["val_loss"][-1], network.get_weights()
        bar.set_postfix(loss=f"{history['loss'][-1]:.4f}", held_back=f"{history['val_loss'][-1]:.4f}")
    # the same network, to be exported: not unrolled, and without the optimizer's memory
    trained = build(profile, network_config)
    trained.set_weights(best_weights)
    return Fitted(trained, history)


def reconstruct(profile: Profile, network: Any, windows: Windows, calibration: Calibration) -> tuple[Float, Float]:
    """Standardised complete windows and what the network makes of them, both (n, T, F)."""
    z = standardise(profile, windows, calibration)
    clock = clock_table(profile)[season_slots(profile, windows.ends)]
    inputs = [z, clock] if clock.shape[-1] else [z]
    return z, np.asarray(network.predict(inputs, verbose=0), dtype=np.float64)
