"""What the picture shows: lanes, nodes and edges, and which Terraform resources each node stands for.

Tests hold this against `terraform/*.tf`: the picture shows nothing that is not there, and leaves no service out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LaneName = Literal["delivery", "data", "operations", "training"]
Side = Literal["left", "right", "top", "bottom"]

TITLE = "AIoT anomaly detection on Google Cloud"
SUBTITLE = "one terraform apply makes it, one push to main delivers it"
LEGEND = "dashed: outside of Google Cloud"
DESCRIPTION = (
    "Devices publish readings to Pub/Sub, which pushes them to a function. The function keeps each device's window in "
    "Firestore, asks the inference API on Cloud Run and publishes decisions; readings and decisions are stored in "
    "BigQuery. GitHub Actions signs in without keys, Cloud Build builds images into Artifact Registry, and the API "
    "takes them by digest. Cloud Monitoring tells the operator. A scheduled Cloud Run job trains, and a better model "
    "comes back as a pull request."
)


@dataclass(frozen=True)
class Lane:
    """A band of the picture; `rows` of cards one below the other."""

    name: LaneName
    title: str
    rows: int
    color: str
    tint: str


@dataclass(frozen=True)
class Node:
    """A card.

    Attributes:
        id: unique.
        lane: in which band.
        column: 0 to 4 from the left.
        row: from the lane's top.
        service: the cloud service, or the kind of outsider.
        name: what it is called here.
        note: a line more.
        resources: Terraform resources that it stands for, `type` or `type.name`; none outside of Google Cloud.
        apis: the Google APIs that it is used through.
    """

    id: str
    lane: LaneName
    column: int
    row: int
    service: str
    name: str
    note: str
    resources: tuple[str, ...] = ()
    apis: tuple[str, ...] = ()


@dataclass(frozen=True)
class Port:
    """Where an edge meets a card or a lane: a side, and how far along it, 0 to 1 from the left or the top."""

    box: str
    side: Side
    at: float = 0.5


@dataclass(frozen=True)
class Edge:
    """An arrow of straight pieces.

    Attributes:
        source: where it begins.
        target: where it ends.
        lane: whose colour it has.
        via: the way it takes where a straight line or one bend would not do, see `layout`.
        label: what goes along it.
        both: there is an answer, so both ends have a head.
    """

    source: Port
    target: Port
    lane: LaneName
    via: Literal["", "left margin", "right margin", "below the rows", "gap"] = ""
    label: str = ""
    both: bool = False


LANES = (
    Lane("delivery", "Delivery", 1, "#6b3fd4", "#f5f1fe"),
    Lane("data", "The way of the data", 3, "#1a66d6", "#eff5fe"),
    Lane("operations", "Operations", 1, "#b55a00", "#fdf4ea"),
    Lane("training", "Training", 1, "#15803d", "#eef8f1"),
)

NODES = (
    Node("github", "delivery", 0, 0, "GitHub", "GitHub Actions", "ci · terraform · deploy"),
    Node(
        "federation", "delivery", 1, 0, "IAM", "Workload Identity", "Federation, no keys",
        ("google_iam_workload_identity_pool", "google_iam_workload_identity_pool_provider"),
        ("iam.googleapis.com", "iamcredentials.googleapis.com", "sts.googleapis.com"),
    ),
    Node(
        "sources", "delivery", 2, 0, "Cloud Storage", "sources, state", "versioned state",
        ("google_storage_bucket.sources", "google_storage_bucket.state"), ("storage.googleapis.com",),
    ),
    Node(
        "build", "delivery", 3, 0, "Cloud Build", "cloudbuild.yaml", "cached, provenance",
        ("google_service_account",), ("cloudbuild.googleapis.com", "containeranalysis.googleapis.com"),
    ),
    Node(
        "images", "delivery", 4, 0, "Artifact Registry", "aiot-anomaly", "images, clean-up",
        ("google_artifact_registry_repository",), ("artifactregistry.googleapis.com",),
    ),
    Node("clients", "data", 0, 0, "Outside", "Client apps", "with an ID token"),
    Node(
        "api", "data", 2, 0, "Cloud Run", "aiot-api", "LSTM autoencoders",
        ("google_cloud_run_v2_service",), ("run.googleapis.com",),
    ),
    Node("devices", "data", 0, 1, "Outside", "Devices", "or the simulator"),
    Node(
        "readings", "data", 1, 1, "Pub/Sub", "readings", "ordered by device",
        ("google_pubsub_topic", "google_pubsub_subscription.push"), ("pubsub.googleapis.com",),
    ),
    Node(
        "function", "data", 2, 1, "Cloud Functions", "aiot-readings", "windows, incidents",
        ("google_cloudfunctions2_function",), ("cloudfunctions.googleapis.com",),
    ),
    Node(
        "decisions", "data", 3, 1, "Pub/Sub", "decisions", "pull and BigQuery",
        ("google_pubsub_topic", "google_pubsub_subscription.pull"),
    ),
    Node("unwritten", "data", 4, 1, "Pub/Sub", "bigquery-dead", "refused by BigQuery", ("google_pubsub_topic",)),
    Node("dead", "data", 0, 2, "Pub/Sub", "readings-dead", "after 100 attempts", ("google_pubsub_topic",)),
    Node(
        "firestore", "data", 2, 2, "Firestore", "aiot", "state of each device",
        ("google_firestore_database", "google_firestore_field"), ("firestore.googleapis.com",),
    ),
    Node("parked", "data", 3, 2, "Pub/Sub", "readings-parked", "malformed messages", ("google_pubsub_topic",)),
    Node(
        "bigquery", "data", 4, 2, "BigQuery", "aiot", "readings, decisions",
        ("google_bigquery_dataset", "google_bigquery_table", "google_pubsub_subscription.bigquery"),
        ("bigquery.googleapis.com", "bigquerystorage.googleapis.com"),
    ),
    Node("operator", "operations", 0, 0, "Outside", "Operator", "which device, why"),
    Node(
        "channel", "operations", 1, 0, "Cloud Monitoring", "Notifications", "e-mail",
        ("google_monitoring_notification_channel",),
    ),
    Node(
        "monitoring", "operations", 2, 0, "Cloud Monitoring", "alerts, dashboard", "incident opened, …",
        ("google_monitoring_alert_policy", "google_monitoring_dashboard", "google_logging_metric"),
        ("monitoring.googleapis.com", "logging.googleapis.com"),
    ),
    Node("billing", "operations", 4, 0, "Outside", "Billing admins", "by e-mail"),
    Node(
        "budget", "operations", 3, 0, "Cloud Billing", "Budget", "50, 90, 100 %",
        ("google_billing_budget",), ("billingbudgets.googleapis.com",),
    ),
    Node("train", "training", 0, 0, "GitHub Actions", "train.yml", "opens a pull request"),
    Node("scientist", "training", 1, 0, "Outside", "Data scientist", "JupyterLab, MLflow"),
    Node(
        "artifacts", "training", 2, 0, "Cloud Storage", "aiot-training", "runs and bundles",
        ("google_storage_bucket.training",),
    ),
    Node(
        "job", "training", 3, 0, "Cloud Run job", "aiot-training", "the notebooks",
        ("google_cloud_run_v2_job",),
    ),
    Node(
        "scheduler", "training", 4, 0, "Cloud Scheduler", "training, sweep", "weekly; each 5 minutes",
        ("google_cloud_scheduler_job",), ("cloudscheduler.googleapis.com",),
    ),
)  # fmt: skip

EDGES = (
    Edge(Port("github", "right"), Port("federation", "left"), "delivery"),
    Edge(Port("federation", "right"), Port("sources", "left"), "delivery"),
    Edge(Port("sources", "right"), Port("build", "left"), "delivery"),
    Edge(Port("build", "right"), Port("images", "left"), "delivery"),
    Edge(Port("images", "bottom"), Port("api", "right"), "delivery", label="roll-out by digest: 10 %, then 100 %"),
    Edge(Port("images", "right"), Port("job", "top"), "delivery", via="right margin", label="training image"),
    Edge(Port("clients", "right"), Port("api", "left"), "data", label=":predict and :detect", both=True),
    Edge(Port("devices", "right", 0.4), Port("readings", "left", 0.4), "data"),
    Edge(Port("readings", "right", 0.4), Port("function", "left", 0.4), "data"),
    Edge(Port("function", "top"), Port("api", "bottom"), "data", both=True, label="windows"),
    Edge(Port("function", "bottom"), Port("firestore", "top"), "data", both=True, label="state"),
    Edge(Port("function", "right", 0.4), Port("decisions", "left", 0.4), "data"),
    Edge(Port("function", "right", 0.75), Port("parked", "left"), "data", via="gap"),
    Edge(Port("decisions", "right"), Port("bigquery", "left"), "data", via="gap"),
    Edge(Port("bigquery", "top"), Port("unwritten", "bottom"), "data"),
    Edge(Port("readings", "bottom", 0.2), Port("dead", "right"), "data"),
    Edge(
        Port("readings", "bottom", 0.4),
        Port("bigquery", "bottom"),
        "data",
        via="below the rows",
        label="kept in BigQuery",
    ),
    Edge(Port("data", "bottom"), Port("monitoring", "top"), "operations", label="metrics, logs"),
    Edge(Port("monitoring", "left"), Port("channel", "right"), "operations"),
    Edge(Port("channel", "left"), Port("operator", "right"), "operations"),
    Edge(Port("budget", "right"), Port("billing", "left"), "operations"),
    Edge(Port("budget", "bottom"), Port("channel", "bottom"), "operations", via="below the rows"),
    Edge(Port("scheduler", "left"), Port("job", "right"), "training"),
    Edge(Port("job", "left"), Port("artifacts", "right"), "training"),
    Edge(Port("artifacts", "left"), Port("scientist", "right"), "training"),
    Edge(Port("scientist", "left"), Port("train", "right"), "training"),
    Edge(Port("train", "left"), Port("github", "left"), "training", via="left margin"),
)
