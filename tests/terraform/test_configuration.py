"""What holds for the text of the whole configuration, and what it shares with files that Terraform does not read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TERRAFORM = ROOT / "terraform"
CONFIGURATION = {path.name: path.read_text() for path in sorted(TERRAFORM.glob("*.tf"))}
WHOLE = "\n".join(CONFIGURATION.values())


def resource(kind: str, name: str) -> str:
    """The text of one resource block."""
    found = re.search(rf'^resource "{kind}" "{name}" {{\n(.*?)^}}\n', WHOLE, re.MULTILINE | re.DOTALL)
    assert found, f"no {kind}.{name}"
    return found[1]


def test_no_basic_role_is_given_anywhere() -> None:
    roles = set(re.findall(r'"(roles/[\w./]+)"', WHOLE))
    assert {"roles/run.invoker", "roles/pubsub.publisher", "roles/datastore.user"} <= roles
    assert not roles & {"roles/owner", "roles/editor", "roles/viewer"}


def test_grants_are_added_and_never_replace_those_of_others() -> None:
    grants = set(re.findall(r'^resource "(google_\w+_iam_\w+)"', WHOLE, re.MULTILINE))
    assert len(grants) > 5
    assert not {kind for kind in grants if kind.endswith(("_iam_binding", "_iam_policy"))}


def test_no_key_of_a_service_account_is_made() -> None:
    assert "google_service_account_key" not in WHOLE


@pytest.mark.parametrize("kind", ["variable", "output"])
def test_every_variable_and_output_says_what_it_is_for(kind: str) -> None:
    blocks = re.findall(rf'^{kind} "(\w+)" {{\n(.*?)^}}\n', WHOLE, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 5
    assert not [label for label, text in blocks if not re.search(r"^  description +=", text, re.MULTILINE)]


def test_only_the_project_has_to_be_named() -> None:
    blocks = re.findall(r'^variable "(\w+)" {\n(.*?)^}\n', WHOLE, re.MULTILINE | re.DOTALL)
    assert [name for name, text in blocks if not re.search(r"^  default +=", text, re.MULTILINE)] == ["project_id"]


def test_what_the_delivery_changes_is_left_alone() -> None:
    ignored = re.findall(r"[\w.\[\]]+", resource("google_cloud_run_v2_service", "api").split("ignore_changes =")[1])
    assert {"traffic", "template[0].containers[0].image", "template[0].labels"} <= set(ignored)
    # a name would be sent again with the next change, and refused
    assert "template[0].revision" not in ignored


def test_the_bucket_is_mounted_for_the_user_of_the_training_image() -> None:
    (user,) = re.findall(r"^USER (\d+)$", (ROOT / "notebooks" / "Dockerfile").read_text(), re.MULTILINE)
    assert f'mount_options = ["uid={user}", "gid={user}"]' in resource("google_cloud_run_v2_job", "training")


def test_every_view_has_its_sql_and_every_sql_its_view() -> None:
    archived = re.search(r"archived = {\n(.*?)\n  }", CONFIGURATION["bigquery.tf"], re.DOTALL)
    assert archived
    assert set(re.findall(r"^    (\w+) +=", archived[1], re.MULTILINE)) == {
        p.stem for p in TERRAFORM.glob("views/*.sql")
    }
