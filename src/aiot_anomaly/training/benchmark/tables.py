"""What each table holds: profile, data, seeds, sizes, columns and goals. Data, and no code."""

from __future__ import annotations

from dataclasses import dataclass

from aiot_anomaly.training.benchmark.goals import Ahead, Goal, sized

#: the rows that are not baselines
NETWORK, BUNDLE = "LSTM autoencoder", "bundle in service"
#: a network that begins as principal components, as it begins
UNTRAINED = "the same network, not trained"
MA_MAHALANOBIS, PCA = "moving-average Mahalanobis", "PCA autoencoder"

RANKING = ("auc_roc", "auc_pr", "vus_pr", "f1", "far", "mar")
#: the same, and whether the difference is more than luck
FULL_RANKING = (*RANKING, "behind")
SIZES = (0.01, 0.02, 0.05, 0.1)


@dataclass(frozen=True)
class Published:
    """F1 on SKAB as somebody published it, and causal: without looking ahead.

    Attributes:
        name: the method.
        f1: as published.
        causal: of the same method when each row's score is from what was known by then.
    """

    name: str
    f1: float
    causal: float


@dataclass(frozen=True)
class Table:
    """A table of the benchmark.

    Attributes:
        name: of its files.
        title: in English.
        portuguese: in Portuguese.
        profile: a shipped one, or the path of a YAML file; its parameters are `notebooks/params/<profile>.yaml`.
        goals: what is asked.
        ranking: columns that are counted by the row.
        operator: columns that an operator feels.
        brief: columns of the README.
        seeds: of the network.
        sizes: of the events that are told apart, as the truth file has them.
        recorded_rows: rows are those of the recordings, and not window ends.
        published: what others published on the same data.
        decisive: the measure by which the READMEs say who is ahead of the network.
        extra: `module:function` that adds a section of its own (see `section`); nothing where there is no such module.
        timeline_h: hours around a detection that the picture shows.
        data: instead of the parameters' own.
        tested: other devices than those of `data` that are watched, in their place; the teachers stay.
    """

    name: str
    title: str
    portuguese: str
    profile: str
    goals: tuple[Goal | Ahead, ...]
    ranking: tuple[str, ...] = FULL_RANKING
    operator: tuple[str, ...] = ()
    brief: tuple[str, ...] = RANKING
    seeds: tuple[int, ...] = (0, 1, 2)
    sizes: tuple[float, ...] = ()
    recorded_rows: bool = False
    published: tuple[Published, ...] = ()
    decisive: str = "auc_pr"
    extra: str = ""
    timeline_h: float = 14 * 24
    data: str = ""
    tested: str = ""


SKAB = Table(
    name="skab",
    title="SKAB",
    portuguese="SKAB",
    profile="skab",
    recorded_rows=True,
    operator=("found", "median_delay_s", "p90_delay_s", "false_incidents_per_hour"),
    published=(Published("Conv-AE", 0.78, 0.711), Published("MSET", 0.78, 0.765), Published("LSTM-AE", 0.74, 0.732)),
    goals=(
        Goal("f1", ">=", 0.81),
        Goal("far", "<=", 0.10),
        Goal("auc_roc", ">=", 0.89),
        Goal("auc_pr", ">=", 0.92),
        Goal("f1", ">=", 0.84, note="stretch"),
        Goal("auc_roc", ">=", 0.90, note="stretch"),
        Goal("f1", ">", 0.78, note="Conv-AE and MSET as published"),
        Goal("f1", ">", 0.74, note="LSTM-AE as published"),
        Ahead(MA_MAHALANOBIS, ("f1", "auc_roc", "auc_pr")),
        Ahead(PCA, ("f1", "auc_roc", "auc_pr")),
    ),
    timeline_h=1,
)

_LEAK_COLUMNS = (*sized("found", *SIZES), *sized("median_delay_s", 0.05, 0.1))
_LEAK_OPERATOR = (*_LEAK_COLUMNS, "chance", "median_delay_s", "p90_delay_s", "false_incidents_per_month")
_LEAK_AHEAD = ("auc_roc", "auc_pr", "vus_pr", "f1", *_LEAK_COLUMNS, "false_incidents_per_month", "mean_loss_m3")

LEAK = Table(
    name="leak",
    title="Leaks",
    portuguese="Vazamentos",
    profile="leak",
    tested="data/leak-benchmark",
    sizes=SIZES,
    operator=(*_LEAK_OPERATOR, "mean_loss_m3", "loss_share"),
    brief=(
        *("auc_roc", "auc_pr", "f1"),
        *(*sized("found", *SIZES), "chance", *sized("median_delay_s", 0.05, 0.1), "false_incidents_per_month"),
    ),
    goals=(
        *(Goal(name, ">=", 150, note="enough to tell") for name in sized("events", *SIZES)),
        Goal("found@0.05", ">=", 0.97),
        Goal("found@0.02", ">=", 0.70),
        Goal("found@0.01", ">=", 0.20, above="chance"),
        Goal("median_delay_s@0.05", "<=", 12 * 3600),
        Goal("median_delay_s@0.1", "<=", 4 * 3600),
        Goal("false_incidents_per_month", "<=", 1.0),
        Ahead("minimum night flow", _LEAK_AHEAD, "each column"),
        Ahead("minimum night flow 3 sigma", _LEAK_AHEAD, "each column"),
        Ahead("night level", _LEAK_AHEAD, "each column"),
    ),
)

FRAUD = Table(
    name="fraud",
    title="Frauds",
    portuguese="Fraudes",
    profile="fraud",
    operator=(
        *("day_auc", "week_auc", "week_auc_least", "day_found", "week_found", "found", "chance"),
        *("median_delay_s", "p90_delay_s", "false_incidents_per_month", "mean_loss_kwh", "loss_share"),
    ),
    brief=(
        *("day_auc", "week_auc", "week_auc_least", "day_found", "week_found", "auc_roc", "auc_pr", "f1"),
        "false_incidents_per_month",
    ),
    goals=(
        Goal("day_auc", ">=", 0.95),
        Goal("week_auc", ">=", 0.98),
        Goal("week_auc_least", ">=", 0.85),
        Ahead("consumption ratio", ("day_auc", "week_auc", "auc_roc", "auc_pr", "f1")),
        Ahead(PCA, ("day_auc", "week_auc", "auc_roc", "auc_pr", "f1")),
    ),
    decisive="week_auc",
    extra="simulator.fraud_benchmark:section",
    timeline_h=28 * 24,
)

TABLES = {table.name: table for table in (SKAB, LEAK, FRAUD)}
