"""Peaks over threshold: the tail of normal scores as a generalised Pareto distribution.

Beyond a high score u, the excesses of almost any distribution follow a generalised Pareto one (Pickands 1975, Balkema &
de Haan 1974), so that a quantile can be read from a fitted tail that few or none of the scores reach:
z = u + σ/ξ ((q n / N)^-ξ - 1), with q the share that is to lie above z, and N of n scores above u (Siffer et al. 2017,
Anomaly Detection in Streams with Extreme Value Theory, KDD, which calls it SPOT).

Overlapping windows exceed u in clusters. That leaves the quantile where it is, and makes it less certain than a number
of N excesses says (Coles 2001, An Introduction to Statistical Modeling of Extreme Values, 5.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from aiot_anomaly.series import Float
from aiot_anomaly.training.thresholds.held_back import Chosen, HeldBack

#: share of the scores that are taken as the tail: SPOT's, or more where these are few or the quantile is not beyond
TAIL, WIDEST_TAIL = 0.02, 0.2
#: excesses that a tail is fitted to: with fewer, the shape is a guess
FEWEST = 50
#: shapes that are believed: above, the tail has no variance, and a quantile far out may be anything
HEAVIEST, LIGHTEST = 0.5, -1.0
#: largest distance between the fitted and the empirical distribution of N excesses (Kolmogorov-Smirnov): this over the
#: root of N, which one in twenty samples exceeds; or the least that matters, as neighbouring windows say less than N
WORST_FIT, LEAST_MISFIT = 1.36, 0.08


@dataclass(frozen=True)
class Tail:
    """A generalised Pareto tail.

    Attributes:
        start: u, the score beyond which it holds.
        share: of the scores beyond u.
        shape: ξ; 0 is exponential, above are heavier tails, below it ends somewhere.
        scale: σ, in the scores' unit.
        misfit: the Kolmogorov-Smirnov distance from the excesses that it was fitted to.
    """

    start: float
    share: float
    shape: float
    scale: float
    misfit: float

    def quantile(self, beyond: float) -> float:
        """The score that a share `beyond` of all scores exceeds; `beyond` is at most `share`."""
        ratio = beyond / self.share
        if abs(self.shape) < 1e-6:
            return self.start - self.scale * float(np.log(ratio))
        return self.start + self.scale / self.shape * (float(ratio**-self.shape) - 1)

    def beyond(self, scores: Float) -> Float:
        """(n,) the share of all scores beyond each of `scores` (n,), which are above `start`."""
        return np.asarray(self.share * stats.genpareto.sf(scores - self.start, self.shape, scale=self.scale))


def tail(scores: Float, beyond: float) -> Tail | None:
    """The tail of `scores` (n,), fitted for a quantile that a share `beyond` exceeds.

    By maximum likelihood, or by the method of moments (Hosking & Wallis 1987) where that fits better or does not
    converge.

    Returns:
        None where there are too few excesses, or where neither fits.
    """
    share = float(np.clip(max(1.2 * FEWEST / len(scores), 2 * beyond), TAIL, WIDEST_TAIL))
    start = float(np.quantile(scores, 1 - share))
    excess = scores[scores > start] - start
    if len(excess) < FEWEST or beyond >= len(excess) / len(scores) or np.ptp(excess) == 0:
        return None
    fits = []
    for shape, scale in (_likelihood(excess), _moments(excess)):
        if LIGHTEST <= shape <= HEAVIEST and scale > 0:
            misfit = float(stats.kstest(excess, stats.genpareto(shape, scale=scale).cdf).statistic)
            fits.append(Tail(start, len(excess) / len(scores), shape, scale, misfit))
    best = min(fits, key=lambda t: t.misfit, default=None)
    worst = max(LEAST_MISFIT, WORST_FIT / len(excess) ** 0.5)
    return best if best is not None and best.misfit <= worst else None


def _likelihood(excess: Float) -> tuple[float, float]:
    # in units of their mean, so that the search starts near its end whatever the scores' unit
    unit = float(excess.mean())
    try:
        shape, _, scale = stats.genpareto.fit(excess / unit, floc=0)
    except stats.FitError:
        return float("nan"), float("nan")
    return float(shape), float(scale) * unit


def _moments(excess: Float) -> tuple[float, float]:
    mean, variance = float(excess.mean()), float(excess.var())
    ratio = mean**2 / variance
    return 0.5 * (1 - ratio), 0.5 * mean * (1 + ratio)


def peaks(held: HeldBack) -> Chosen:
    """The profile's quantile, read from the tail of the held-back scores; the plain one where no tail fits."""
    level = held.profile.threshold.quantile
    found = tail(held.scores, 1 - level)
    if found is None:
        return Chosen(
            float(np.quantile(held.scores, level)),
            f"the {level:.2%} quantile of held-back normal scores, as no generalised Pareto tail fits them",
            f"no tail fits: that takes {FEWEST} excesses that look like a generalised Pareto distribution",
        )
    return Chosen(
        found.quantile(1 - level),
        f"the {level:.2%} quantile by peaks over threshold: a generalised Pareto tail of shape {found.shape:.2f} over "
        f"the highest {found.share:.1%} of held-back normal scores",
        "" if found.shape < HEAVIEST / 2 else f"the tail is heavy (shape {found.shape:.2f}): far quantiles are a guess",
    )
