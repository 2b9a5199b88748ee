"""Parameters of a training run that nobody has chosen: from the profile and the size of the data.

For recordings of one's own. A run of 2,000 to 200,000 rows should take minutes on two cores, so a large recording is
thinned in each epoch, and a small one is seen more often.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from aiot_anomaly.profile import Profile

#: rows of windows that one training sees in all: some minutes on two cores
WINDOW_ROWS = 6_000_000
#: steps of the optimizer after which a network of this size has learned what it will
OPTIMIZER_STEPS = 2_500
BATCH = 64
FEWEST_EPOCHS, MOST_EPOCHS = 6, 40
#: windows of one epoch
MOST_WINDOWS = 20_000


def parameters(profile: Profile, train_windows: int) -> dict[str, Any]:
    """Parameters for the notebooks.

    Args:
        profile: the kind of device.
        train_windows: about how many windows the training parts give.
    """
    width, steps = len(profile.input_names), profile.window.steps
    windows = int(np.clip(WINDOW_ROWS // (steps * FEWEST_EPOCHS), 1_000, min(MOST_WINDOWS, max(train_windows, 1_000))))
    seen = max(1, min(windows, train_windows))
    epochs = min(OPTIMIZER_STEPS // -(-seen // BATCH), WINDOW_ROWS // (seen * steps))
    return {
        # less does not see how far ordinary operation drifts
        "held_back": 0.3,
        "epochs": int(np.clip(epochs, FEWEST_EPOCHS, MOST_EPOCHS)),
        "units": 32 if width <= 16 else 64,
        # narrow: a wide code learns to write anomalies as well
        "code": int(np.clip(width // 4, 2, 8)),
        "denoise": _denoise(profile),
        "batch": BATCH,
        "most_windows": windows,
        "components": int(np.clip(width // 4, 2, 8)),
        "seed": 0,
    }


def _denoise(profile: Profile) -> bool:
    """Whether a network learns to take anomalies away.

    Where it is known which way they go; and of a single sensor, whose level a plain autoencoder copies, as no other
    says what it should be. Of several without a direction, a plain autoencoder of whitened inputs found more on
    recordings that nothing here was made for.
    """
    return profile.directed or profile.scoring.kind == "removed" or len(profile.sensors) == 1
