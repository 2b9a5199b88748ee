"""How well frauds are found on a day and in a week: what the benchmark's table of frauds adds.

Everyone in the table meets generated consumers whom nothing was learned from, honest and with each attack of Jokar et
al., and two real buildings with the same attacks, as a check that the generated consumers do not flatter. Thresholds
come from held-back normal days of the generated consumers and allow one false alarm a consumer and year.
"""

from __future__ import annotations

from functools import partial

from tqdm import tqdm

from aiot_anomaly.datasets import electricity
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.profile import Profile
from aiot_anomaly.training import judging
from aiot_anomaly.training.benchmark import fraud as benchmark
from aiot_anomaly.training.benchmark import markdown, pictures
from aiot_anomaly.training.benchmark.contest import Contest, Entry
from aiot_anomaly.training.benchmark.fraud import Result
from aiot_anomaly.training.benchmark.section import Section
from aiot_anomaly.training.dataset import Dataset, Device, prepare
from simulator import fraud, meters, recorded
from simulator.clock import DAY_S, parse_time

#: consumers of another fleet than `make data PROFILE=fraud` writes
SEED, CONSUMERS = 9, 40
START, TRAIN_UNTIL, END = "2023-09-01T00:00Z", "2025-09-01T00:00Z", "2026-09-01T00:00Z"
#: days of a real series that are taken as normal: the least that a calibration needs
REAL_TRAIN_D = 160
#: a real series is falsified anew so many times, each three days later
REAL_OFFSETS = tuple(range(0, 42, 3))
#: of the two years: one calibrates, and the other sets the threshold
HELD_BACK = 0.5
#: judges that look at no reading
BLIND = {"position only", "random", "every row an alarm"}
GENERATED, REAL = "generated", "real"


def generated(profile: Profile, count: int) -> list[Device]:
    """Consumers whom no model was trained on, honest throughout."""
    start, until, end = (parse_time(t, relative_to=0) for t in (START, TRAIN_UNTIL, END))
    fleet = meters.simulate(count, start, end, seed=SEED)
    return [_device(profile, m.recording, until) for m in fleet]


def real(profile: Profile) -> list[Device]:
    """The two buildings, taken as honest throughout.

    Raises:
        DatasetError: the data is not there and cannot be fetched.
    """
    consumers = recorded.read(electricity.locate())
    fleet = meters.simulate(len(consumers), consumers[0].start, consumers[0].end, base=consumers)
    return [_device(profile, m.recording, consumers[0].start + REAL_TRAIN_D * DAY_S) for m in fleet]


def _device(profile: Profile, recording: Recording, until: int) -> Device:
    rows = int((recording.timestamps < until).sum())
    return prepare(
        profile,
        Recording(recording.device_id, recording.timestamps, recording.values, recording.labels, train_rows=rows),
    )


def section(contest: Contest) -> Section:
    """The table's part: AUC and share found of a day's and a week's decision, by attack, generated and real."""
    profile = contest.profile
    tested = Dataset(profile, tuple(generated(profile, CONSUMERS)), "", "", labelled=False)
    groups: dict[str, tuple[list[Device], tuple[int, ...]]] = {
        GENERATED: (list(tested.devices), (0,)),
        REAL: (real(profile), REAL_OFFSETS),
    }
    attacks = {kind: partial(fraud.falsified, kind) for kind in fraud.ATTACKS}
    judged = [entry for entry in contest.entries if entry.name not in BLIND]
    found: dict[str, dict[str, Result]] = {}
    for entry in tqdm(judged, desc="frauds by attack", leave=False, disable=None):
        value = benchmark.yearly_threshold(profile, judging.threshold(tested, entry.judge, HELD_BACK)[1])
        found[entry.name] = {
            group: benchmark.measure(profile, devices, entry.judge, attacks, threshold=value, offsets=offsets)
            for group, (devices, offsets) in groups.items()
        }
    kept = _of_rows(judged, found)
    drawn = {
        f"{decision}-auc": (
            f"AUC of a {decision}'s decision, by attack, on generated consumers",
            pictures.bars(
                {name: {k: m[decision].auc for k, m in of[GENERATED].kinds.items()} for name, of in kept.items()},
                title=f"Attacks found by a {decision}'s decision",
                label="AUC",
                least=0.5,
            ),
        )
        for decision in benchmark.DECISIONS
    }
    return Section({name: _measures(of[GENERATED]) for name, of in found.items()}, _text(kept), drawn)


def _of_rows(judged: list[Entry], found: dict[str, dict[str, Result]]) -> dict[str, dict[str, Result]]:
    """Of each row of the table its first entry: of the network's seeds the first."""
    first: dict[str, dict[str, Result]] = {}
    for entry in judged:
        first.setdefault(entry.row, found[entry.name])
    return first


def _measures(result: Result) -> dict[str, float]:
    day, week = (result.mean(decision) for decision in ("day", "week"))
    return {
        "day_auc": day.auc,
        "week_auc": week.auc,
        "week_auc_least": result.worst("week"),
        "day_found": day.found,
        "week_found": week.found,
    }


def _text(rows: dict[str, dict[str, Result]]) -> str:
    parts = [
        f"Each attack on {CONSUMERS} generated consumers whom nothing was learned from (fleet {SEED}), and on two real "
        f"buildings, whose first {REAL_TRAIN_D} days calibrate: AUC of a day's / a week's decision. The threshold is "
        "the generated consumers' on both. *False* are honest days above it, a consumer and year, and incidents that "
        "open on them. Of the network the first seed."
    ]
    for group in (GENERATED, REAL):
        kinds = next(iter(rows.values()))[group].kinds
        head = [group, *kinds, "mean", "found, day / week", "false days / incidents"]
        table = [[name, *_cells(of[group])] for name, of in rows.items()]
        parts.append(markdown.table(head, table))
    return "\n\n".join(parts)


def _cells(result: Result) -> list[str]:
    day, week = (result.mean(decision) for decision in ("day", "week"))
    each = [f"{m['day'].auc:.3f} / {m['week'].auc:.3f}" for m in result.kinds.values()]
    return [
        *each,
        f"{day.auc:.3f} / {week.auc:.3f}",
        f"{day.found:.2f} / {week.found:.2f}",
        f"{result.false_alarms:.2f} / {result.false_incidents:.2f}",
    ]
