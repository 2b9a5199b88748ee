"""The LSTM autoencoder.

An LSTM reads the standardised window into a small code; a second LSTM, told the code at every step, writes
the window back (Malhotra et al. 2016, LSTM-based encoder-decoder for multi-sensor anomaly detection,
arXiv:1607.00148). With `denoise` the network learns from windows with injected anomalies what to take away,
and its output is the input less that.

What an autoencoder sees is squashed to a range in which LSTMs work, smoothly: a sensor that is far out of its normal
range stays far out, and does not blur what is written of the others. Residuals are of the unsquashed window. A denoiser
sees the window as it is, since it must tell how far out a sensor is.

With `linear` the code is the principal components of the window's mean, and what the LSTMs add to them, which is
nothing before training (a shortcut and a correction: He et al. 2016, Deep residual learning, arXiv:1512.03385). A few
short recordings then always give the same code. Inputs are squashed to the wider `_LINEAR_RANGE`, so that, unlike with
plain principal components, a deviation far beyond what is normal stays in the residual. How much the LSTMs add
is to be measured against the same network untrained.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field, model_validator

from aiot_anomaly.configuration import Frozen
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float

#: the range that inputs are squashed to, in deviations: what is normal
_RANGE = 3.0
#: the same where components are to be linear in what is normal
_LINEAR_RANGE = 10.0
#: the layers of the linear path
TO_CODE, FROM_CODE = "components", "from_components"


class NetworkConfig(Frozen):
    """The network's size."""

    units: int = Field(default=64, ge=1, le=512)
    code: int = Field(default=16, ge=1, le=256)
    denoise: bool = False
    #: the decoder is told the window beside the code: where what is to be taken away is different in each row
    skip: bool = False
    #: the code begins as the window mean's principal components; for an autoencoder that does not denoise
    linear: bool = False

    @model_validator(mode="after")
    def _linear_or_denoise(self) -> NetworkConfig:
        if self.linear and self.denoise:
            raise ValueError("network is both linear and denoise; expected at most one: a denoiser has no linear path")
        return self


def clock_table(profile: Profile) -> Float:
    """(K, 3) for each slot of the season: sine and cosine of the hour, 1 on weekends; (1, 0) without a season."""
    if profile.season.kind == "none":
        return np.zeros((1, 0))
    slot = np.arange(profile.season.slots)
    angle = 2 * np.pi * (slot % 24 + 0.5) / 24
    return np.stack([np.sin(angle), np.cos(angle), (slot >= 24).astype(float)], axis=1)


def build(profile: Profile, config: NetworkConfig, *, unroll: bool = False):  # type: ignore[no-untyped-def] # Keras publishes no types
    """The network: standardised windows (B, T, F) and clock (B, T, C) to reconstructed windows (B, T, F).

    With `unroll` each step is a part of its own: the same weights, faster to train on CPUs, larger to export.
    """
    import keras  # noqa: PLC0415 - takes seconds; only those who train pay

    steps, width = profile.window.steps, len(profile.input_names)
    clocks = clock_table(profile).shape[1]
    window = keras.Input((steps, width), name="window")
    clock = keras.Input((steps, clocks), name="clock")
    seen = window if config.denoise else _squashed(window, _LINEAR_RANGE if config.linear else _RANGE)
    together = keras.layers.Concatenate()([seen, clock]) if clocks else seen
    state = keras.layers.LSTM(config.units, unroll=unroll, name="encoder")(together)
    start = "zeros" if config.linear else "glorot_uniform"
    code = keras.layers.Dense(config.code, kernel_initializer=start, name="code")(state)
    if config.linear:
        mean = keras.layers.GlobalAveragePooling1D(name="mean")(seen)
        code = keras.layers.Add()([keras.layers.Dense(config.code, use_bias=False, name=TO_CODE)(mean), code])
    repeated = keras.layers.RepeatVector(steps)(code)
    heard = [repeated, *([clock] if clocks else []), *([seen] if config.skip else [])]
    told = keras.layers.Concatenate()(heard) if len(heard) > 1 else repeated
    decoded = keras.layers.LSTM(config.units, return_sequences=True, unroll=unroll, name="decoder")(told)
    start = "zeros" if config.denoise or config.linear else "glorot_uniform"
    output = keras.layers.Dense(width, kernel_initializer=start, name="output")(decoded)
    if config.linear:
        output = keras.layers.Add()([keras.layers.Dense(width, use_bias=False, name=FROM_CODE)(repeated), output])
    if config.denoise:
        output = keras.layers.Subtract(name="cleaned")([window, output])
    return keras.Model([window, clock] if clocks else [window], output, name="lstm_autoencoder")


def begin_linear(network: Any, windows: Float) -> None:
    """Sets the linear path of a network to the principal components of window means.

    Args:
        network: from `build`, with `linear`.
        windows: (n, T, F) standardised, normal.
    """
    means = (_LINEAR_RANGE * np.tanh(windows / _LINEAR_RANGE)).mean(axis=1)
    _, ways = np.linalg.eigh(means.T @ means / len(means))  # ascending
    wanted = network.get_layer(TO_CODE).units
    # a code wider than the inputs has unused parts
    components = np.zeros((means.shape[1], wanted))
    components[:, : means.shape[1]] = ways[:, ::-1][:, :wanted]
    network.get_layer(TO_CODE).set_weights([components])
    network.get_layer(FROM_CODE).set_weights([components.T])


def _squashed(window: Any, limit: float) -> Any:
    """Tanh within ±`limit`, of layers that the ONNX converter knows."""
    import keras  # noqa: PLC0415 - see build

    within = keras.layers.Activation("tanh")(keras.layers.Rescaling(1 / limit)(window))
    return keras.layers.Rescaling(limit, name="squashed")(within)
