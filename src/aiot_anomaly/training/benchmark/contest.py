"""Everyone of a table, judged on the same held-out data by the same threshold rule."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tqdm.auto import tqdm

from aiot_anomaly import profile_store
from aiot_anomaly.bundle import Bundle
from aiot_anomaly.datasets.fleet import Truth
from aiot_anomaly.errors import TrainingError
from aiot_anomaly.profile import Profile
from aiot_anomaly.training import candidates, dataset, judging
from aiot_anomaly.training.benchmark import learning
from aiot_anomaly.training.benchmark.tables import BUNDLE, NETWORK, UNTRAINED, Table
from aiot_anomaly.training.dataset import Dataset
from aiot_anomaly.training.evaluation import Scored, on_rows
from aiot_anomaly.training.fit import examples
from aiot_anomaly.training.judging import Baseline, Judge
from aiot_anomaly.training.promotion import champion


@dataclass(frozen=True)
class Entry:
    """One who was judged.

    Attributes:
        name: its own; a network's has its seed.
        row: the row of the table that it belongs to.
        kind: of the row.
        judge: gives raw scores of any device of the profile.
        threshold: the raw score at which an alarm begins.
        held_back: windows that the threshold stands on; 0 for one that was not set here.
        scored: (D,) each monitored device's windows after the training part; 1.0 is the threshold.
        rows: (D,) the same by the rows that the table counts: recorded ones, or `scored` itself.
        seconds: training and scoring.
    """

    name: str
    row: str
    kind: Literal["network", "bundle", "baseline"]
    judge: Judge
    threshold: float
    held_back: int
    scored: Sequence[Scored]
    rows: Sequence[Scored]
    seconds: float


@dataclass(frozen=True)
class Contest:
    """A table's entries and what they were judged on.

    Attributes:
        table: what was asked.
        parameters: of training and comparison.
        dataset: its monitored devices are in the order of each entry's `scored`.
        truth: what really happened in the test part, where a file says so.
        bundle: the committed one, where it is of this form of the profile.
        entries: the network's seeds, the bundle, the baselines.
        left_out: who could not be judged, and why.
    """

    table: Table
    parameters: Mapping[str, Any]
    dataset: Dataset
    truth: tuple[Truth, ...]
    bundle: Bundle | None
    entries: tuple[Entry, ...]
    left_out: Mapping[str, str]

    @property
    def profile(self) -> Profile:
        """The kind of device."""
        return self.dataset.profile

    def by_row(self) -> dict[str, list[Entry]]:
        """The entries of each row of the table, in its order."""
        rows: dict[str, list[Entry]] = {}
        for entry in self.entries:
            rows.setdefault(entry.row, []).append(entry)
        return rows

    def shown(self) -> Entry:
        """The entry whose curves are drawn: the bundle, or else the network of the first seed."""
        return next((e for e in self.entries if e.kind == "bundle"), self.entries[0])


def hold(table: Table, parameters: Mapping[str, Any], seeds: Sequence[int], *, progress: bool = True) -> Contest:
    """Loads a table's data, trains a network for each seed, and judges everyone.

    Raises:
        DatasetError: there is no such data.
        TrainingError: the data has no labels, or not enough normal readings.
    """
    profile, source = profile_store.load(table.profile), str(parameters["data"])
    tested = table.tested or source
    loaded = dataset.load(
        profile,
        source,
        most_devices=parameters.get("most_devices") or None,
        layout=profile_store.layout(table.profile),
        train_until=str(parameters.get("train_until", "")),
    )
    if tested != source:
        # the fleet that teaches, and in the place of its few watched devices the many of a benchmark
        loaded = loaded.watching(dataset.load(profile, tested, most_devices=parameters.get("most_devices") or None))
    if not loaded.labelled:
        raise TrainingError(f"{tested} has no labels, so there is nothing to measure the table {table.name} by")
    share = parameters["held_back"]
    entries, left_out = [], {}
    in_service, why = champion(profile)
    fitting = examples(profile, [d.fitting(share) for d in loaded.teachers()])
    baselines = candidates.beside(profile, fitting, components=parameters["components"])
    with tqdm(total=len(seeds) + 1 + len(baselines), desc=f"benchmark {table.name}", disable=not progress) as bar:
        for name, seed in ((f"{NETWORK}, seed {seed}", seed) for seed in seeds):
            bar.set_postfix_str(name)
            started = time.monotonic()
            graph = learning.learn(loaded, parameters, seed, progress=progress)
            judge = candidates.by_residuals(profile, graph.residuals)
            entries.append(_judged(table, loaded, name, NETWORK, "network", Baseline(judge), share, started))
            bar.update()
        if parameters.get("linear"):
            # what its training adds to the principal components that it begins as
            started = time.monotonic()
            graph = learning.learn(loaded, {**parameters, **learning.UNTRAINED}, seeds[0], progress=progress)
            judge = candidates.by_residuals(profile, graph.residuals)
            entries.append(_judged(table, loaded, UNTRAINED, UNTRAINED, "baseline", Baseline(judge), share, started))
        bar.set_postfix_str(BUNDLE)
        if in_service is None:
            left_out[BUNDLE] = why
        else:
            judge = candidates.by_residuals(profile, in_service.graph.residuals)
            own = Baseline(judge, in_service.bundle.threshold)
            entries.append(_judged(table, loaded, BUNDLE, BUNDLE, "bundle", own, share, time.monotonic()))
        bar.update()
        for name, baseline in baselines.items():
            bar.set_postfix_str(name)
            try:
                entries.append(_judged(table, loaded, name, name, "baseline", baseline, share, time.monotonic()))
            except TrainingError as e:
                left_out[name] = str(e)
            bar.update()
    bundle = None if in_service is None else in_service.bundle
    return Contest(table, parameters, loaded, tuple(dataset.truth(tested)), bundle, tuple(entries), left_out)


def _judged(
    table: Table,
    loaded: Dataset,
    name: str,
    row: str,
    kind: Literal["network", "bundle", "baseline"],
    baseline: Baseline,
    share: float,
    started: float,
) -> Entry:
    value, held_back = baseline.threshold, 0
    if value is None:
        value, scores = judging.threshold(loaded, baseline.judge, share)
        held_back = len(scores)
    scored = judging.score_test(loaded, baseline.judge, value)
    rows = scored
    if table.recorded_rows:
        pairs = zip(loaded.monitored(), scored, strict=True)
        rows = [on_rows(loaded.profile, device.recording, of) for device, of in pairs]
    seconds = time.monotonic() - started
    return Entry(name, row, kind, baseline.judge, value, held_back, scored, rows, seconds)
