"""The LSTM autoencoder.

An LSTM reads the standardised window into a small code; a second LSTM, told the code at every step, writes
the window back (Malhotra et al. 2016, LSTM-based encoder-decoder for multi-sensor anomaly detection,
arXiv:1607.00148). With `denoise` the network learns from windows with injected anomalies what to take away,
and its output is the input less that.

What an autoencoder sees is squashed to a range in which LSTMs work, smoothly: a sensor that is far out of its normal
range stays far out, and does not blur what is written of the others. Residuals are of the unsquashed window. A denoiser
sees the window as it is, since it must tell how far out a sensor is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from aiot_anomaly.configuration import Frozen
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float

#: the range that inputs are squashed to, in deviations: what is normal
_RANGE = 3.0


class NetworkConfig(Frozen):
    """The network's size."""

    units: int = Field(default=64, ge=1, le=512)
    code: int = Field(default=16, ge=1, le=256)
    denoise: bool = False
    #: the decoder is told the window beside the code: where what is to be taken away is different in each row
    skip: bool = False


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
    seen = window if config.denoise else _squashed(window)
    together = keras.layers.Concatenate()([seen, clock]) if clocks else seen
    state = keras.layers.LSTM(config.units, unroll=unroll, name="encoder")(together)
    code = keras.layers.Dense(config.code, name="code")(state)
    repeated = keras.layers.RepeatVector(steps)(code)
    heard = [repeated, *([clock] if clocks else []), *([seen] if config.skip else [])]
    told = keras.layers.Concatenate()(heard) if len(heard) > 1 else repeated
    decoded = keras.layers.LSTM(config.units, return_sequences=True, unroll=unroll, name="decoder")(told)
    start = "zeros" if config.denoise else "glorot_uniform"
    output = keras.layers.Dense(width, kernel_initializer=start, name="output")(decoded)
    if config.denoise:
        output = keras.layers.Subtract(name="cleaned")([window, output])
    return keras.Model([window, clock] if clocks else [window], output, name="lstm_autoencoder")


def _squashed(window: Any) -> Any:
    """Tanh within ±_RANGE, of layers that the ONNX converter knows."""
    import keras  # noqa: PLC0415 - see build

    within = keras.layers.Activation("tanh")(keras.layers.Rescaling(1 / _RANGE)(window))
    return keras.layers.Rescaling(_RANGE, name="squashed")(within)
