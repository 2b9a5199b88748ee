"""Split conformal: the quantile that holds for the next window, too.

If the next normal score is as likely to take any rank among n held-back ones, it exceeds the ⌈(n + 1)(1 - α)⌉-th
smallest of them with a probability of at most α, whatever their distribution (Vovk, Gammerman & Shafer 2005,
Algorithmic Learning in a Random World; Laxhammar & Falkman 2014, Online learning and sequential anomaly detection in
trajectories, for anomalies). The plain quantile promises that only of infinitely many.

Windows overlap and devices drift, so the ranks are not equally likely. The promise is about the average over many
recordings, and one recording says less than n windows that share nothing would: `Chosen.doubt` tells how many do.
"""

from __future__ import annotations

import math

from aiot_anomaly.training.thresholds.held_back import Chosen, HeldBack


def conformal(held: HeldBack) -> Chosen:
    """The ⌈(n + 1) × quantile⌉-th smallest of the n held-back scores, or the highest where they are too few for it."""
    scores, level = held.scores, held.profile.threshold.quantile
    n = len(scores)
    rank = math.ceil((n + 1) * level)
    if rank > n:
        return Chosen(
            float(scores.max()),
            f"the highest held-back normal score, as {n:,} windows promise no conformal quantile of {level:.2%}",
            f"a conformal quantile of {level:.2%} takes {math.ceil(level / (1 - level) - 1e-9):,} windows, found {n:,}",
        )
    return Chosen(
        float(sorted(scores)[rank - 1]),
        f"the conformal quantile for a level of {level:.2%} by {n:,} held-back normal scores",
        f"windows overlap: of {n:,} about {held.independent:,.0f} are independent, so it promises an average",
    )
