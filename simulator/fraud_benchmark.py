"""How well frauds are found: a trained model and what stands beside it, on generated and on real consumption.

`python -m simulator.fraud_benchmark BUNDLE` tests the bundle of `make train PROFILE=fraud` on generated consumers whom
nothing was learned from, honest and with each attack of Jokar et al., and, where `--real` names a table of hourly
consumption, on that with the same attacks: as a check that the generated consumers do not flatter. Every threshold
comes from held-back normal days of the generated consumers and allows one false alarm a consumer and year.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from tqdm import tqdm

from aiot_anomaly import detector
from aiot_anomaly.calibration import Residuals
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.profile import Profile
from aiot_anomaly.training import candidates, dataset, judging
from aiot_anomaly.training.benchmark import fraud as benchmark
from aiot_anomaly.training.dataset import Dataset, Device, prepare
from aiot_anomaly.training.fit import examples
from aiot_anomaly.training.judging import Judge
from simulator import fraud, meters, recorded
from simulator.clock import DAY_S, parse_time

#: consumers of another fleet than `make data PROFILE=fraud` writes
SEED = 9
START, TRAIN_UNTIL, END = "2023-09-01T00:00Z", "2025-09-01T00:00Z", "2026-09-01T00:00Z"
#: days of a real series that are taken as normal: the least that a calibration needs
REAL_TRAIN_D = 160
#: a real series is falsified anew so many times, each three days later
REAL_OFFSETS = tuple(range(0, 42, 3))
#: of the two years: one calibrates, and the other sets the threshold
HELD_BACK = 0.5
#: methods that fit themselves anew at each question, from the quickest on
TEXTBOOK = ("consumption ratio", "moving-average Mahalanobis", "PCA T2 and Q", "isolation forest", "seasonal naive")


def generated(profile: Profile, count: int) -> list[Device]:
    """Consumers whom no model was trained on, honest throughout."""
    start, until, end = (parse_time(t, relative_to=0) for t in (START, TRAIN_UNTIL, END))
    fleet = meters.simulate(count, start, end, seed=SEED)
    return [_device(profile, m.recording, until) for m in fleet]


def real(profile: Profile, table: Path) -> list[Device]:
    """The consumers of a table of hourly consumption, a column each."""
    consumers = recorded.read(table)
    fleet = meters.simulate(len(consumers), consumers[0].start, consumers[0].end, base=consumers)
    return [_device(profile, m.recording, consumers[0].start + REAL_TRAIN_D * DAY_S) for m in fleet]


def _device(profile: Profile, recording: Recording, until: int) -> Device:
    rows = int((recording.timestamps < until).sum())
    return prepare(
        profile,
        Recording(recording.device_id, recording.timestamps, recording.values, recording.labels, train_rows=rows),
    )


def judges(profile: Profile, ours: Residuals, data: str, components: int) -> dict[str, tuple[Residuals | None, Judge]]:
    """What is compared: by name, its residuals where it shares our scoring, and the judge that fits itself."""
    taught = dataset.load(profile, data)
    fitting = examples(profile, [d.fitting(HELD_BACK) for d in taught.teachers()])
    sharing = {
        "LSTM autoencoder": ours,
        "PCA autoencoder": candidates.pca(profile, fitting, components),
        "no network": candidates.no_network(profile),
    }
    beside = candidates.beside(profile, fitting[:1], components=1)
    return {name: (r, candidates.by_residuals(profile, r)) for name, r in sharing.items()} | {
        name: (None, beside[name].judge) for name in TEXTBOOK
    }


def calibrated(profile: Profile, residuals: Residuals, devices: Iterable[Device]) -> Judge:
    """A judge that calibrates each device once, and not at each question."""
    own = {d.device_id: candidates.calibrate(profile, d, residuals) for d in devices}
    return candidates.by_residuals(profile, residuals, own)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table, and writes it as JSON where that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m simulator.fraud_benchmark", description=__doc__)
    parser.add_argument("bundle", type=Path, help="folder of a bundle of the profile fraud")
    parser.add_argument("--data", default="data/fraud", help="what it was trained on (default: data/fraud)")
    parser.add_argument("--real", type=Path, metavar="FILE", help="a CSV with the columns timestamp and kWh a consumer")
    parser.add_argument("--consumers", type=int, default=40, help="that are generated (default: 40)")
    parser.add_argument("--components", type=int, default=8, help="of the PCA autoencoder (default: 8)")
    parser.add_argument("--only", default="", metavar="NAME,NAME", help="compare these alone")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table there as JSON")
    args = parser.parse_args(arguments)
    loaded = detector.load(args.bundle)
    profile = loaded.profile
    devices = generated(profile, args.consumers)
    groups: dict[str, tuple[list[Device], tuple[int, ...]]] = {"generated": (devices, (0,))}
    if args.real is not None:
        groups["real"] = (real(profile, args.real), REAL_OFFSETS)
    tested = Dataset(profile, tuple(devices), "", labelled=False)
    attacks = {kind: partial(fraud.falsified, kind) for kind in fraud.ATTACKS}
    only = {name.strip() for name in args.only.split(",") if name.strip()}
    results: dict[str, dict[str, object]] = {}
    for name, (residuals, judge) in tqdm(
        judges(profile, loaded.graph.residuals, args.data, args.components).items(), unit="judge", disable=None
    ):
        if only and name not in only:
            continue
        _, normal = judging.threshold(tested, judge, HELD_BACK)
        value = benchmark.yearly_threshold(profile, normal)
        for group, (members, offsets) in groups.items():
            fitted = judge if residuals is None else calibrated(profile, residuals, members)
            found = benchmark.measure(profile, members, fitted, attacks, threshold=value, offsets=offsets)
            sys.stdout.write(f"{name}, {group}: {line(found)}\n")
            sys.stdout.flush()
            results.setdefault(name, {})[group] = asdict(found) | {"threshold": value}
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


def line(result: benchmark.Result) -> str:
    """A result in words."""
    parts = []
    for decision in benchmark.DECISIONS:
        mean = result.mean(decision)
        each = ", ".join(f"{kind} {m[decision].auc:.3f}/{m[decision].found:.2f}" for kind, m in result.kinds.items())
        parts.append(f"{decision} AUC {mean.auc:.3f}, found {mean.found:.2f} ({each})")
    false = f"{result.false_alarms:.2f} false alarms and {result.false_incidents:.2f} false incidents"
    return f"{'; '.join(parts)}; {false} a consumer and year"


if __name__ == "__main__":
    sys.exit(main())
