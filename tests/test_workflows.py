"""What the linters of workflows do not see: that they fit each other, the Makefile, the scripts and Terraform."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aiot_anomaly import profile_store

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
# `on` is a boolean in YAML 1.1, as which PyYAML reads it
WORKFLOWS: dict[str, dict[Any, Any]] = {p.name: yaml.safe_load(p.read_text(encoding="utf-8")) for p in FILES}
JOBS = {f"{name}: {job}": content for name, w in WORKFLOWS.items() for job, content in w["jobs"].items()}
OWN_JOBS = {name: job for name, job in JOBS.items() if "uses" not in job}


def commands(name: str) -> Iterator[str]:
    """The shell lines of a workflow, with continued lines joined."""
    for job in WORKFLOWS[name]["jobs"].values():
        for step in job.get("steps", []):
            yield from re.sub(r"\\\n\s*", "", step.get("run", "")).splitlines()


COMMANDS = sorted({line for name in WORKFLOWS for line in commands(name)})


def run(*command: str) -> subprocess.CompletedProcess[str]:
    plain = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=plain)


def test_each_workflow_is_there() -> None:
    assert set(WORKFLOWS) == {"ci.yml", "deploy.yml", "terraform.yml", "train.yml"}


def test_an_action_is_pinned_by_a_commit_and_says_its_version_and_is_the_same_everywhere() -> None:
    found: dict[str, set[tuple[str, str]]] = {}
    for path in FILES:
        for line in path.read_text(encoding="utf-8").splitlines():
            if used := re.search(r"\buses: (\S+)(.*)", line):
                if used[1].startswith("./"):
                    assert (ROOT / used[1]).is_file(), line
                    continue
                pinned = re.fullmatch(r"([\w./-]+)@([0-9a-f]{40})", used[1])
                version = re.fullmatch(r" # (v\d+\.\d+\.\d+)", used[2])
                assert pinned, f"{path.name}: not pinned by a commit: {line}"
                assert version, f"{path.name}: no version beside it: {line}"
                found.setdefault(pinned[1], set()).add((pinned[2], version[1]))
    assert {"actions/checkout", "google-github-actions/auth"} <= set(found)
    assert not {action: versions for action, versions in found.items() if len(versions) > 1}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_has_no_right_that_a_job_does_not_ask_for(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {}
    assert all("permissions" in job for job in WORKFLOWS[name]["jobs"].values())


def test_only_the_job_that_opens_pull_requests_may_write() -> None:
    writing = {
        name: {right for right, level in job["permissions"].items() if level == "write" and right != "id-token"}
        for name, job in JOBS.items()
    }
    assert {name: rights for name, rights in writing.items() if rights} == {
        "train.yml: open": {"contents", "pull-requests"}
    }


def test_google_is_asked_for_access_only_by_workflows_that_terraform_names() -> None:
    asking = {name for name, job in OWN_JOBS.items() if job["permissions"].get("id-token") == "write"}
    assert asking == {"terraform.yml: plan", "terraform.yml: apply", "deploy.yml: api", "deploy.yml: training"}
    for name in asking:
        steps = [step.get("uses", "").partition("@")[0] for step in OWN_JOBS[name]["steps"]]
        # auth writes a file into the checkout, so the checkout is there first
        assert steps.index("actions/checkout") < steps.index("google-github-actions/auth"), name
    granted = re.findall(r"/(\w+\.yml)@refs", (ROOT / "terraform/github.tf").read_text(encoding="utf-8"))
    assert {name.partition(":")[0] for name in asking} == set(granted)


@pytest.mark.parametrize("name", OWN_JOBS)
def test_a_job_has_a_time_out_and_leaves_no_credentials_in_its_checkout(name: str) -> None:
    assert 0 < OWN_JOBS[name]["timeout-minutes"] <= 300
    for step in OWN_JOBS[name]["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_no_workflow_knows_a_secret() -> None:
    assert not [path.name for path in FILES if re.search(r"\bsecrets\b", path.read_text(encoding="utf-8"))]


def test_nothing_is_deployed_before_checks_and_terraform_are_through() -> None:
    jobs = WORKFLOWS["deploy.yml"]["jobs"]
    assert jobs["ci"]["uses"].endswith("/ci.yml")
    assert jobs["terraform"]["uses"].endswith("/terraform.yml")
    assert jobs["terraform"]["needs"] == "ci"
    assert jobs["api"]["needs"] == jobs["training"]["needs"] == "terraform"
    # without a condition a job is skipped after any job that was skipped, such as CI's audit or Terraform's plan
    for name, needed in {"terraform": "ci", "api": "terraform", "training": "terraform"}.items():
        condition = jobs[name]["if"].removeprefix("${{ ")
        assert condition.startswith(f"!cancelled() && needs.{needed}.result == 'success'"), name
        assert "||" not in condition, name


def test_without_a_project_nothing_asks_google_and_a_notice_says_so() -> None:
    deploy, terraform = WORKFLOWS["deploy.yml"]["jobs"], WORKFLOWS["terraform.yml"]["jobs"]
    assert "vars.GCP_PROJECT != ''" in deploy["terraform"]["if"]
    assert "vars.GCP_PROJECT != ''" in terraform["plan"]["if"]
    assert deploy["notice"]["if"] == "vars.GCP_PROJECT == ''"


def test_a_pull_request_never_applies_and_a_fork_never_plans() -> None:
    jobs = WORKFLOWS["terraform.yml"]["jobs"]
    assert jobs["apply"]["if"] == "github.event_name != 'pull_request'"
    assert "github.event.pull_request.head.repo.full_name == github.repository" in jobs["plan"]["if"]
    assert not [step for step in jobs["plan"]["steps"] if "apply" in step.get("run", "")]
    assert set(WORKFLOWS["terraform.yml"][True]) == {"pull_request", "workflow_call"}


def test_what_is_rolled_out_is_not_cut_off_by_the_next_push() -> None:
    assert WORKFLOWS["deploy.yml"]["concurrency"]["cancel-in-progress"] is False
    assert WORKFLOWS["terraform.yml"]["jobs"]["apply"]["concurrency"]["cancel-in-progress"] is False


@pytest.mark.parametrize(
    "target", sorted({t for line in COMMANDS for m in re.findall(r"\bmake ([\w./ ]+)", line) for t in m.split()})
)
def test_a_task_that_a_workflow_runs_is_in_the_makefile(target: str) -> None:
    told = run("make", "--dry-run", target)
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize(
    "script",
    sorted({s for line in COMMANDS for s in re.findall(r"(?<![\w/.])((?:scripts|terraform|checks)/[\w.-]+)", line)}),
)
def test_a_script_that_a_workflow_runs_is_there(script: str) -> None:
    path = ROOT / script
    assert path.is_file()
    assert path.suffix == ".py" or os.access(path, os.X_OK), f"{script} is not executable"


@pytest.mark.parametrize("command", [line.strip() for line in COMMANDS if " -m " in line])
def test_a_module_that_a_workflow_runs_knows_what_it_is_told(command: str) -> None:
    given = re.search(r"python -m (\S+) (\w+)(.*)", command)
    assert given is not None
    told = run(sys.executable, "-m", given[1], given[2], "--help")
    assert told.returncode == 0, told.stderr
    known = set(re.findall(r"--[\w-]+", told.stdout))
    assert set(re.findall(r"(?<=\s)--[\w-]+", given[3])) <= known


def test_the_variables_of_the_workflows_are_those_that_terraform_gives_out() -> None:
    outputs = (ROOT / "terraform/outputs.tf").read_text(encoding="utf-8")
    block = re.search(r'^output "github_variables" \{\n(.*?)^\}', outputs, re.MULTILINE | re.DOTALL)
    assert block is not None
    given = set(re.findall(r"^\s+(GCP_\w+)\s+=", block[1], re.MULTILINE))
    used = {v for path in FILES for v in re.findall(r"\bvars\.(\w+)", path.read_text(encoding="utf-8"))}
    # the one that a person writes
    assert used - {"GCP_TFVARS"} <= given
    # and one that only Terraform needs, which remote-state.sh tells by the project
    assert given - used == {"GCP_STATE_BUCKET"}


def test_a_change_of_what_the_apply_packs_is_planned() -> None:
    paths = WORKFLOWS["terraform.yml"][True]["pull_request"]["paths"]
    text = (ROOT / "terraform/function.tf").read_text(encoding="utf-8")
    found = re.findall(r'fileset\("?(?:\$\{)?local\.root\}?(?:/(\w+)")?, "(\w+)/', text)
    packed = {"/".join([*filter(None, folders), ""]) for folders in found}
    assert packed == {"src/aiot_anomaly/", "functions/"}
    assert all(any(name.startswith(p.removesuffix("**")) for p in paths) for name in packed)


def test_the_training_image_is_named_by_all_that_is_copied_into_it() -> None:
    named = re.search(r"git ls-tree HEAD -- (.*?) \|", "\n".join(commands("deploy.yml")))
    assert named is not None
    dockerfile = re.sub(r"\\\n", "", (ROOT / "notebooks/Dockerfile").read_text(encoding="utf-8"))
    copied = [s for line in re.findall(r"^COPY (?!--from)(.*)", dockerfile, re.MULTILINE) for s in line.split()[:-1]]
    sources = [s for s in copied if not s.startswith("--")]
    assert sources
    # and by how it is built
    for source in [*sources, "notebooks/Dockerfile"]:
        assert any(Path(source).is_relative_to(n) for n in named[1].split()), source


@pytest.mark.parametrize("config", ["serving/cloudbuild.yaml", "notebooks/cloudbuild.yaml", "batch/cloudbuild.yaml"])
def test_an_image_has_provenance_and_the_tag_that_it_is_looked_up_by(config: str) -> None:
    build = yaml.safe_load((ROOT / config).read_text(encoding="utf-8"))
    # only images that Cloud Build pushes itself have provenance, and a region's builds only on request
    assert build["images"] == ["${_IMAGE}:${_TAG}"]
    assert build["options"]["requestedVerifyOption"] == "VERIFIED"
    assert "--push" not in yaml.safe_dump(build)
    handed = (ROOT / "scripts/cloud-build.sh").read_text(encoding="utf-8")
    assert set(build["substitutions"]) == {"_IMAGE", "_TAG"} <= set(re.findall(r"\b(_[A-Z]+)=", handed))


@pytest.mark.parametrize("config", ["serving/cloudbuild.yaml", "notebooks/cloudbuild.yaml", "batch/cloudbuild.yaml"])
def test_a_build_s_cache_is_no_version_of_the_image(config: str) -> None:
    # the clean-up keeps so many newest versions of each name; as one of the image, caches would take every second place
    build = yaml.safe_load((ROOT / config).read_text(encoding="utf-8"))
    caches = re.findall(r"--cache-(?:from|to) type=registry,ref=([^\s,]+)", "\n".join(build["steps"][0]["args"]))
    assert len(caches) == 2
    assert set(caches) == {"${_IMAGE}-cache:latest"}


def test_every_profile_with_parameters_can_be_trained_by_hand_and_is_trained_by_the_schedule() -> None:
    # a profile without them can be simulated and replayed, and is not trained yet
    trained = sorted(p.stem for p in (ROOT / "notebooks/params").glob("*.yaml"))
    assert set(trained) <= set(profile_store.shipped())
    choice = WORKFLOWS["train.yml"][True]["workflow_dispatch"]["inputs"]["profile"]["options"]
    assert sorted(choice) == trained
    scheduled = re.search(
        r"fromJSON\('(\[.*?\])'\)", WORKFLOWS["train.yml"]["jobs"]["train"]["strategy"]["matrix"]["profile"]
    )
    assert scheduled is not None
    assert sorted(json.loads(scheduled[1])) == trained


def test_every_lock_file_is_watched_by_dependabot() -> None:
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text(encoding="utf-8"))["updates"]
    watched = {d for u in updates if u["package-ecosystem"] == "pip" for d in u["directories"]}
    rooms = {f"/{lock.parent.name}" for lock in ROOT.glob("*/requirements.txt")}
    assert watched == {"/", "/benchmarks/serving"} | rooms
