"""What is counted of an entry: by the row, by the event, by the size of the event, and what it cost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from aiot_anomaly.series import Float
from aiot_anomaly.training import loss, resampling, volumes
from aiot_anomaly.training.benchmark.catalogue import AT
from aiot_anomaly.training.benchmark.contest import Contest, Entry
from aiot_anomaly.training.benchmark.results import Counts
from aiot_anomaly.training.benchmark.tables import NETWORK
from aiot_anomaly.training.evaluation import Scored, by_event, by_row, outcome, pooled
from aiot_anomaly.training.loss import Detection
from aiot_anomaly.training.resampling import Ranking

HOURS_A_MONTH = 720
#: sizes in a truth file are of few digits
NEAR = 1e-6
#: most groups of devices that are told apart
MOST_GROUPS = 6
#: what is told of each group, where the table has a column of it
OF_GROUPS = (
    *("auc_roc", "auc_pr", "f1", "far", "mar"),
    *("found", "chance", "median_delay_s", "false_incidents_per_month", "false_incidents_per_hour"),
)

Measures = dict[str, float]


def of(contest: Contest, entry: Entry) -> Measures:
    """Every measure of an entry that is defined on the table's data, by its name in the catalogue."""
    found = detections(contest, entry)
    measured = by_row(entry.rows) | {"vus_pr": volumes.vus_pr(entry.rows)} | _operator(contest, entry.scored)
    if found:
        costs = loss.summary(contest.profile, found)
        measured |= {name: value for name, value in costs.items() if name.startswith(("mean_loss", "loss_share"))}
    for size in contest.table.sizes:
        of_size = loss.summary(contest.profile, [d for d in found if abs(d.truth.size - size) < NEAR])
        measured |= {f"{name}{AT}{size:g}": value for name, value in of_size.items()}
    return _defined(measured)


def detections(contest: Contest, entry: Entry) -> list[Detection]:
    """What is known of each event that the truth file tells of; empty where there is none."""
    pairs = zip(contest.dataset.monitored(), entry.scored, strict=True)
    return [d for device, s in pairs for d in loss.detections(contest.profile, device, s, contest.truth)]


def groups(contest: Contest) -> dict[str, list[int]]:
    """The monitored devices by fleet, or else by what their names begin with; empty for one group."""
    found: dict[str, list[int]] = {}
    for i, device in enumerate(contest.dataset.monitored()):
        found.setdefault(device.fleet or re.sub(r"[-_]?\d+$", "", device.device_id), []).append(i)
    return found if 1 < len(found) <= MOST_GROUPS else {}


def by_group(contest: Contest, entry: Entry) -> dict[str, Measures]:
    """Some measures of each group of devices."""
    found, told = {}, {*contest.table.ranking, *contest.table.operator}.intersection(OF_GROUPS)
    for name, chosen in groups(contest).items():
        rows, scored = ([of[i] for i in chosen] for of in (entry.rows, entry.scored))
        measured = by_row(rows) | _operator(contest, scored)
        found[name] = _defined({k: measured[k] for k in OF_GROUPS if k in told and k in measured})
    return found


def mean(seeds: Sequence[Mapping[str, float]]) -> Measures:
    """The mean of each measure that every seed has."""
    shared = [name for name in seeds[0] if all(name in of for of in seeds)]
    return _defined({name: float(np.mean([of[name] for of in seeds])) for name in shared})


def intervals(contest: Contest, entries: Sequence[Entry]) -> dict[str, tuple[float, float]]:
    """The middle 95 % of each measure's mean over the entries, had other devices been watched.

    The same devices are drawn for all entries. Empty for fewer than two devices; measures of sizes and of costs are
    not resampled.
    """
    devices = len(entries[0].scored)
    if devices < 2:
        return {}
    rankings = [Ranking.of(entry.rows) for entry in entries]
    outcomes = [[outcome(contest.profile, s) for s in entry.scored] for entry in entries]
    surfaces = [volumes.volumes(entry.rows) for entry in entries]

    def statistic(drawn: Sequence[int]) -> Measures:
        at = np.array(drawn)
        return mean(
            [
                ranking.areas(at) | {"vus_pr": volumes.mean(each[at])} | pooled([of[i] for i in drawn])
                for ranking, each, of in zip(rankings, surfaces, outcomes, strict=True)
            ]
        )

    found = resampling.intervals_of(range(devices), statistic)
    if "false_incidents_per_month" in found:
        low, high = found["false_incidents_per_month"]
        found["false_incidents_per_hour"] = (low / HOURS_A_MONTH, high / HOURS_A_MONTH)
    return {name: (round(low, 6), round(high, 6)) for name, (low, high) in found.items() if name != "events"}


def behind(contest: Contest) -> dict[str, float]:
    """For each baseline, the share of resamples in which the network's AUC-PR, the mean of its seeds, is higher.

    The same devices are drawn for both. Empty for fewer than two devices.
    """
    rows, devices = contest.by_row(), len(contest.entries[0].scored)
    if devices < 2:
        return {}
    compared = {name: of for name, of in rows.items() if name == NETWORK or of[0].kind == "baseline"}
    areas = {name: [_drawn(Ranking.of(entry.rows), devices) for entry in of] for name, of in compared.items()}
    network = np.mean(areas[NETWORK], axis=0)
    return {
        name: round(float(np.mean(network[known] > other[known])), 3)
        for name, other in ((name, np.mean(of, axis=0)) for name, of in areas.items() if name != NETWORK)
        if (known := np.isfinite(network) & np.isfinite(other)).any()
    }


def _drawn(ranking: Ranking, devices: int) -> Float:
    return np.array([ranking.areas(drawn).get("auc_pr", np.nan) for drawn in resampling.draws(devices)])


def counts(contest: Contest) -> Counts:
    """How much was tested."""
    entry = contest.entries[0]
    return Counts(
        devices=len(entry.scored),
        teachers=len(contest.dataset.teachers()),
        rows=sum(len(s.labels) for s in entry.rows),
        anomalous=sum(int(s.labels.sum()) for s in entry.rows),
        events=sum(len(s.events()) for s in entry.scored),
    )


def _operator(contest: Contest, scored: Sequence[Scored]) -> Measures:
    measured = by_event(contest.profile, scored)
    return measured | {"false_incidents_per_hour": measured["false_incidents_per_month"] / HOURS_A_MONTH}


def _defined(measured: Mapping[str, float]) -> Measures:
    return {name: round(float(value), 6) for name, value in measured.items() if np.isfinite(value)}
