"""The last part of each table: how thresholds were set, on what the figures depend, and how to make them again."""

from __future__ import annotations

from aiot_anomaly.training.benchmark.results import BundleOrigin, TableResult
from aiot_anomaly.training.wording import duration


def text(result: TableResult) -> str:
    """The part as Markdown."""
    origin = result.origin
    seeds = ", ".join(map(str, origin.seeds))
    network = next((row for row in result.rows if row.kind == "network"), None)
    raw = f" ({', '.join(f'{value:.4g}' for value in network.thresholds)} by seed)" if network else ""
    watched = "" if origin.fingerprint == origin.source else f"; with the devices watched, `{origin.fingerprint}`"
    lines = [
        f"- Command: `{origin.command}`; {duration(origin.seconds)} without making the data, of it "
        + ", ".join(f"{row.name} {duration(row.seconds)}" for row in result.rows if row.seconds >= 1)
        + ".",
        f"- Data: `{origin.data}`, SHA-256 `{origin.source}`{watched}.",
        f"- Thresholds: the rule of the profile `{origin.profile}` ({origin.threshold_rule}) on "
        f"{origin.held_back_rows:,} held-back normal windows, one raw score for all devices{raw}.",
        f"- Code: commit `{origin.git_commit}`, {origin.made}; seeds {seeds}.",
        f"- Parameters: {', '.join(f'{k} {v}' for k, v in origin.parameters.items() if _told(k, v))}.",
        f"- Libraries: {', '.join(f'{name} {version}' for name, version in origin.libraries.items())}.",
    ]
    if result.bundle is not None:
        lines.append(_bundle(result.bundle))
    lines += [f"- Left out: {name}, because {why}." for name, why in result.left_out.items()]
    return "\n".join(lines)


def _told(name: str, value: object) -> bool:
    """Not what is told elsewhere, or says nothing."""
    return name not in {"data", "seed"} and value != "" and (name, value) != ("most_devices", 0)


def _bundle(bundle: BundleOrigin) -> str:
    data = "the same data as the networks above" if bundle.same_data else "other data than the networks above"
    return (
        f"- Bundle in service: version `{bundle.version}` of MLflow run `{bundle.run}`, commit `{bundle.git_commit}`, "
        f"trained on {data}; its threshold {bundle.threshold:.4g} is stored in it ({bundle.method})."
    )
