"""Is a candidate better than the champion in service? One rule, for the notebook and for the proposal.

Both are scored on the same held-out data. The candidate must rank anomalies clearly higher, also when other devices
are drawn, and an operator must not pay for it with more false incidents or with fewer events found.

This is a filter, not a proof: with few devices the resamples say little, and each further attempt on the same held-out
data has a chance of its own to look better. A person reads the pull request.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Float
from aiot_anomaly.training.evaluation import Scored, metrics
from aiot_anomaly.training.resampling import Ranking, draws

#: the rows of 04_compare's table that a decision is about
CANDIDATE = "LSTM autoencoder"
CHAMPION = "champion in service"

#: the smallest gain in AUC-PR that is worth a roll-out
GAIN = 0.005
#: the share of the resamples in which the candidate must be ahead
CONFIDENCE = 0.9
#: false incidents that a better ranking may cost: this share of the champion's, or so many a device and month
MORE_FALSE, MORE_FALSE_A_MONTH = 0.1, 0.1
#: the share of the events that may be found less
FEWER_FOUND = 0.05


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Requirement(_Document):
    """One thing that is asked of a candidate, and what was found."""

    name: str
    found: str
    expected: str
    met: bool


class Decision(_Document):
    """Whether a candidate is to be proposed.

    Attributes:
        champion: the version that it was compared with; empty where there was none to compare with.
        reason: one sentence for people.
        requirements: empty without a champion: whatever there is, is better than nothing.
    """

    champion: str
    reason: str
    requirements: list[Requirement]

    @property
    def better(self) -> bool:
        """True when every requirement is met."""
        return all(r.met for r in self.requirements)


def decide(
    profile: Profile, candidate: Sequence[Scored], champion: Sequence[Scored] | None, champion_version: str
) -> Decision:
    """Compares a candidate with the champion.

    Args:
        profile: the kind of device.
        candidate: its scores of each device's test part.
        champion: the champion's scores of the same parts; None where no champion can be compared.
        champion_version: the champion's version, or the reason why there is none.
    """
    if champion is None:
        return Decision(champion="", reason=f"no champion to compare with: {champion_version}", requirements=[])
    requirements = _requirements(profile, candidate, champion)
    missed = [f"{r.name}: {r.found}, expected {r.expected}" for r in requirements if not r.met]
    reason = "; ".join(missed) or f"better than version {champion_version} in all {len(requirements)} requirements"
    return Decision(champion=champion_version, reason=reason, requirements=requirements)


def _requirements(profile: Profile, candidate: Sequence[Scored], champion: Sequence[Scored]) -> list[Requirement]:
    ours, theirs = metrics(profile, candidate), metrics(profile, champion)
    if "auc_pr" not in ours:
        # fewer false alarms alone prove nothing: a model that never alarms has none
        return [Requirement(name="labels", found="none, or one kind only", expected="normal and anomalous", met=False)]
    if len(candidate) < 2:
        return [Requirement(name="devices in the test part", found="1", expected="at least 2, to tell luck", met=False)]
    least = theirs["auc_pr"] + GAIN
    ahead = float(np.mean(gains(candidate, champion) > 0))
    false, found = "false_incidents_per_month", "found"
    most_false = max(theirs[false] * (1 + MORE_FALSE), theirs[false] + MORE_FALSE_A_MONTH)
    least_found = max(theirs[found] - FEWER_FOUND, 0.0)
    return [
        Requirement(
            name="AUC-PR", found=f"{ours['auc_pr']:.3f}", expected=f"at least {least:.3f}", met=ours["auc_pr"] >= least
        ),
        Requirement(
            name=f"AUC-PR in resamples of the {len(candidate)} devices",
            found=f"higher in {ahead:.0%}",
            expected=f"higher in at least {CONFIDENCE:.0%}",
            met=ahead >= CONFIDENCE,
        ),
        Requirement(
            name="false incidents a device and month",
            found=f"{ours[false]:.2f}",
            expected=f"at most {most_false:.2f}",
            met=ours[false] <= most_false,
        ),
        Requirement(
            name="share of the events found",
            found=f"{ours[found]:.2f}",
            expected=f"at least {least_found:.2f}",
            met=ours[found] >= least_found,
        ),
    ]


def gains(candidate: Sequence[Scored], champion: Sequence[Scored], *, seed: int = 0) -> Float:
    """The candidate's gain in AUC-PR when other devices of the same kind had been watched: a paired bootstrap.

    Whole devices are drawn with replacement, as the rows of one device are not independent; both models are judged on
    the same draw.

    Returns:
        (R,) differences, R <= `resampling.RESAMPLES`: draws without anomalous or without normal rows say nothing and
        are left out.
    """
    ours, theirs = Ranking.of(candidate), Ranking.of(champion)
    found = []
    for drawn in draws(len(candidate), seed=seed):
        one, other = ours.areas(drawn), theirs.areas(drawn)
        if one and other:
            found.append(one["auc_pr"] - other["auc_pr"])
    return np.array(found)
