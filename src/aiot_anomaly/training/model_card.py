"""The model card: what a bundle is, how good it is and what it is not for, beside it as a README with its plots."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from aiot_anomaly import bundle as bundles
from aiot_anomaly import paths, profile_store
from aiot_anomaly.bundle import Manifest
from aiot_anomaly.profile import Profile
from aiot_anomaly.training.comparison import CANDIDATE, CHAMPION, Decision
from aiot_anomaly.training.dataset import TABLES
from aiot_anomaly.training.record import Record
from aiot_anomaly.training.wording import duration

CARD = "README.md"
#: where the benchmark tells more of a shipped profile, from the folder of its promoted bundle
RESULTS = (
    "[docs/results.md](../../../docs/results.md) has this bundle's figures again, of the same MLflow run, beside those "
    "of several seeds, the goals, and what was tried."
)
#: the pictures that go beside the bundle, and what they show
PLOTS = {
    "precision_recall": "Precision against recall of each model, over all rows of the test part",
    "scores": "One device of the test part: an alarm begins at 1.0",
    "held_back_scores": "Held-back normal scores, and the threshold",
    "losses": "What the network learned",
}
#: column of the table -> measure, and how it is written
COLUMNS = {
    "AUC-ROC": ("auc_roc", "{:.3f}"),
    "AUC-PR": ("auc_pr", "{:.3f}"),
    "F1": ("f1", "{:.3f}"),
    "FAR": ("far", "{:.3f}"),
    "MAR": ("mar", "{:.3f}"),
    "events found": ("found", "{:.0%}"),
    "median delay": ("median_delay_s", ""),
    "false incidents a device and month": ("false_incidents_per_month", "{:,.2f}"),
}


def write(folder: Path, record: Record) -> None:
    """Writes the card and its plots beside the bundle in `folder`."""
    manifest = bundles.load(folder).manifest
    shown = {name: path for name, path in record.plots().items() if name in PLOTS}
    for name, path in shown.items():
        shutil.copyfile(path, folder / f"{name}.png")
    (folder / CARD).write_text(_render(manifest, record, set(shown)), encoding="utf-8")


def results_table(results: Mapping[str, Mapping[str, float]]) -> str:
    """Metrics by model as a Markdown table; the candidate in bold, measures that nobody has left out."""
    columns = {title: of for title, of in COLUMNS.items() if any(of[0] in values for values in results.values())}
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, values in results.items():
        cells = [_cell(values.get(measure), form) for measure, form in columns.values()]
        lines.append(f"| {f'**{name}**' if name == CANDIDATE else name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def requirements_table(decision: Decision) -> str:
    """What was asked of the candidate as a Markdown table; empty without a champion."""
    if not decision.requirements:
        return ""
    rows = [f"| {r.name} | {r.found} | {r.expected} | {'yes' if r.met else 'no'} |" for r in decision.requirements]
    return "\n".join(["| requirement | found | expected | met |", "|---|---|---|---|", *rows])


def _cell(value: float | None, form: str) -> str:
    if value is None:
        return "–"
    return form.format(value) if form else duration(value)


def _render(manifest: Manifest, record: Record, plots: set[str]) -> str:
    profile, threshold = manifest.profile, manifest.threshold
    results = _without_itself(record.results) or {CANDIDATE: manifest.metrics}
    pictures = {name: f"![{caption}]({name}.png)" for name, caption in PLOTS.items() if name in plots}
    parts = [
        f"# {profile.title}: model `{profile.name}`, version {manifest.version}",
        profile.description,
        _network(manifest),
        "## How good is it?",
        "On the test part, which neither weights, calibration nor threshold have seen. Each rival has the same "
        "calibration, scoring and threshold rule.",
        results_table(results),
        *([RESULTS] if profile.name in profile_store.shipped() else []),
        *(pictures[name] for name in ("precision_recall", "scores") if name in pictures),
        *_decision(record.decision),
        "## Threshold",
        f"A raw score of {threshold.value:.4g}, which the API reports as 1.0: {threshold.method}. It stands on "
        f"{threshold.held_back_rows:,} held-back normal windows. An incident opens after {profile.incidents.k} of "
        f"{profile.incidents.n} windows above it.",
        *(pictures[name] for name in ("held_back_scores",) if name in pictures),
        "## Inputs",
        _sensors(profile),
        *_fragment(profile),
        "## Where it is from",
        _origin(manifest, record),
        *(pictures[name] for name in ("losses",) if name in pictures),
        "## How to reproduce it",
        _reproduce(manifest, record),
        "This card is written by `aiot_anomaly.training.model_card` with every promotion and proposal.",
    ]
    return "\n\n".join(p.strip() for p in parts) + "\n"


def _without_itself(results: Mapping[str, Mapping[str, float]]) -> dict[str, Mapping[str, float]]:
    """The table without a champion that is this very model: a training that was repeated."""
    return {name: of for name, of in results.items() if name != CHAMPION or of != results.get(CANDIDATE)}


def _network(manifest: Manifest) -> str:
    network, window = manifest.network, manifest.profile.window
    kind = "A denoising LSTM autoencoder" if network.get("denoise") else "An LSTM autoencoder"
    row = duration(window.step * manifest.profile.interval_s)
    stride = duration(window.stride * manifest.profile.interval_s)
    return (
        f"{kind} ({', '.join(f'{name} {value}' for name, value in network.items() if name != 'denoise')}) looks at "
        f"{window.steps} rows, one each {row}, and decides every {stride}. It is served as ONNX; "
        f"`{bundles.WEIGHTS}` holds the Keras weights, and `{bundles.MANIFEST}` the checksums."
    )


def _sensors(profile: Profile) -> str:
    rows = [
        f"| `{s.name}` | {s.unit} | {s.valid_range[0]:g} to {s.valid_range[1]:g} | {s.direction} | "
        f"{s.smallest_deviation:g} |"
        for s in profile.sensors
    ]
    head = [
        "| sensor | unit | valid range | direction that matters | smallest deviation worth an alarm |",
        "|---" * 5 + "|",
    ]
    return "\n".join([*head, *rows])


def _decision(decision: Decision | None) -> list[str]:
    if decision is None:
        return []
    return ["## Against the champion before it", f"{decision.reason[0].upper()}{decision.reason[1:]}."] + (
        [requirements_table(decision)] if decision.requirements else []
    )


def _fragment(profile: Profile) -> list[str]:
    """What only people know: intended use and limits, from `notebooks/cards/<profile>.md`."""
    path = paths.root() / "notebooks" / "cards" / f"{profile.name}.md"
    return [path.read_text(encoding="utf-8")] if path.is_file() else []


def _origin(manifest: Manifest, record: Record) -> str:
    start, end = (t.date().isoformat() for t in manifest.training_range)
    rows = {
        "data": f"`{record.parameters.get('data', 'unknown')}`, SHA-256 `{manifest.data_fingerprint}`",
        "training part": f"{start} to {end}; {manifest.devices} devices have a calibration of their own",
        "made": manifest.created_at.isoformat(),
        "code": f"commit `{manifest.git_commit}`",
        "MLflow run": f"`{manifest.mlflow_run_id}`",
        "seed": str(manifest.seed),
        "libraries": ", ".join(f"{name} {version}" for name, version in manifest.libraries.items()),
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


def _reproduce(manifest: Manifest, record: Record) -> str:
    given = " ".join(f"-p {name}={value}" for name, value in sorted(record.parameters.items()))
    name = manifest.profile.name
    if Path(record.parameters.get("data", "")).suffix in TABLES:  # somebody's own, wherever it lies
        return "```sh\nmake train DATA=<the recording> PROFILE=<its YAML>\n```"
    return (
        f"```sh\ngit switch --detach {manifest.git_commit.removesuffix('+changes')}\n"
        f"make data PROFILE={name}\n.venv/dev/bin/python -m aiot_anomaly.training train {name} {given}".rstrip()
        + "\n```\n\nThe same data, code, libraries and processor give the same version, which names model, threshold, "
        "profile and data."
    )
