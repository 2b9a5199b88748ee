from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[str]]

#: says what is in the last settings file; `show` prints a plan of two MiB
TERRAFORM = """
case "$1" in
  plan) for a; do case $a in */settings.tfvars) cat "$a" ;; esac; done ;;
  show) head -c 2097152 /dev/zero | tr '\\0' x ;;
esac
"""


def test_the_environment_comes_before_the_further_settings(run: Run, tmp_path: Path, calls: Callable) -> None:
    done = run(
        "terraform-plan.sh", "-lock=false", folder=tmp_path, clients={"terraform": TERRAFORM},
        GCP_ENVIRONMENT="dev", TFVARS='alert_emails = ["a@example.org"]', GITHUB_STEP_SUMMARY="", TERRAFORM="terraform",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == 'alert_emails = ["a@example.org"]\n'
    assert re.fullmatch(
        r"terraform plan -input=false -no-color -var-file environments/dev\.tfvars "
        r"-var-file \S+/settings\.tfvars -out tfplan -lock=false",
        *calls(),
    )


def test_without_an_environment_the_defaults_hold(run: Run, tmp_path: Path, calls: Callable) -> None:
    unset = {"GCP_ENVIRONMENT": "", "TFVARS": "", "GITHUB_STEP_SUMMARY": "", "TERRAFORM": "terraform"}
    done = run("terraform-plan.sh", folder=tmp_path, clients={"terraform": TERRAFORM}, **unset)
    assert done.returncode == 0, done.stderr
    assert "environments" not in calls()[0]


def test_a_plan_that_is_longer_than_the_page_takes_is_cut(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    settings = {"GCP_ENVIRONMENT": "", "TFVARS": "", "GITHUB_STEP_SUMMARY": str(page), "TERRAFORM": "terraform"}
    done = run("terraform-plan.sh", folder=tmp_path, clients={"terraform": TERRAFORM}, **settings)
    assert done.returncode == 0, done.stderr
    assert page.stat().st_size < 1024 * 1024
    assert page.read_text(encoding="utf-8").endswith("x\n```\n")


def test_a_plan_that_fails_leaves_no_page(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    settings = {"GCP_ENVIRONMENT": "", "TFVARS": "", "GITHUB_STEP_SUMMARY": str(page), "TERRAFORM": "terraform"}
    done = run("terraform-plan.sh", folder=tmp_path, clients={"terraform": "exit 1"}, **settings)
    assert done.returncode == 1
    assert not page.exists()
