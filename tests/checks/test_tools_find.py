"""Each tool of checks/run finds the fault that it is there for, in a clone with the faults of all."""

from __future__ import annotations

import random
import re
import string
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# made up anew, or this file would be a finding itself
TOKEN = "ghp_" + "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=36))

FAULTS = {
    # an input that anyone may write into the shell, no permissions, and jobs that do not fit each other
    ".github/workflows/bad.yml": """\
on: pull_request
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: echo ${{ github.event.pull_request.title }}
      - run: rm $RUNNER_TEMP/*
  call:
    needs: absent
    uses: ./.github/workflows/called.yml
""",
    ".github/workflows/called.yml": """\
on:
  workflow_call:
    inputs:
      environment: { type: string, required: true }
jobs:
  say:
    runs-on: ubuntu-latest
    steps:
      - run: date
""",
    ".github/dependabot.yml": "version: 2\nupdates:\n  - package-ecosystem: astrology\n    directory: /\n",
    "cloudbuild.yaml": "steps:\n  - name: docker\n    arguments: [build]\n",
    "clean.sh": "#!/bin/sh\nrm -rf $1/*\n",
    "settings.yml": "a:   1\na: 2\n",
    "Dockerfile": "FROM python:latest\nRUN cd /tmp && pip install numpy\n",
    "main.tf": 'resource "google_storage_bucket" "open" {\n  name     = "open"\n  location = "EU"\n}\n',
    "settings.py": f'TOKEN = "{TOKEN}"\n',
}


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    if not (ROOT / ".venv/checks/bin/checkov").exists():
        pytest.skip("the tools are not installed; make check does it")
    clone = tmp_path_factory.mktemp("clone")
    for name, text in FAULTS.items():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(text, encoding="utf-8")

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=clone, check=True, capture_output=True)

    git("init")
    (clone / "past.py").write_text(f'PAST = "{TOKEN[:-4]}1234"\n', encoding="utf-8")
    git("add", "past.py")
    git("commit", "-m", "a secret")
    git("rm", "past.py")
    git("commit", "-m", "gone, and yet for all to read")

    done = subprocess.run([ROOT / "checks/run", clone], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    blocks = re.split(r"^([✓✗]) (\S+)", done.stdout, flags=re.MULTILINE)[1:]
    return {tool: text for sign, tool, text in zip(blocks[::3], blocks[1::3], blocks[2::3], strict=True) if sign == "✗"}


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        ("actionlint", r"bad\.yml:8:.*SC2086"),
        ("actionlint", r"bad\.yml:.*\"absent\" which does not exist"),
        ("actionlint", r"bad\.yml:.*\"environment\" is required"),
        ("zizmor", r"template-injection"),
        ("zizmor", r"unpinned-uses"),
        ("zizmor", r"excessive-permissions"),
        ("check-jsonschema", r"dependabot\.yml::.*'astrology' is not"),
        ("check-jsonschema", r"cloudbuild\.yaml::.*'arguments' was unexpected"),
        ("shellcheck", r"clean\.sh:2:.*SC2086"),
        ("yamllint", r"settings\.yml:2:.*duplication of key \"a\""),
        ("hadolint", r"Dockerfile:1 DL3007"),
        ("hadolint", r"Dockerfile:2 DL3003"),
        ("gitleaks", r"File: +settings\.py"),
        ("gitleaks", r"File: +past\.py"),
        ("checkov", r"CKV_DOCKER_3\b"),
        ("checkov", r"CKV_GCP_29\b"),
        ("checkov", r"CKV_GCP_114\b"),
    ],
)
def test_a_tool_finds_its_fault(findings: dict[str, str], tool: str, told: str) -> None:
    assert re.search(told, findings.get(tool, "")), f"{tool} said: {findings.get(tool)}"


def test_a_secret_that_is_found_is_not_printed(findings: dict[str, str]) -> None:
    assert TOKEN not in findings["gitleaks"]
    assert "REDACTED" in findings["gitleaks"]


def test_what_is_no_clone_is_told_apart(tmp_path: Path) -> None:
    if not (ROOT / ".venv/checks/bin/checkov").exists():
        pytest.skip("the tools are not installed; make check does it")
    done = subprocess.run([ROOT / "checks/run", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "found no git clone" in done.stderr
