import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "terraform/remote-state.sh"
CONFIGURATION = """
variable "bucket" {
  default = "aiot-test-aiot-state-dev"
}
resource "terraform_data" "bucket" {
  input = var.bucket
}
"""
# Google's bucket cannot be reached here. So this puts a folder in its place, and the real terraform moves the state.
WITH_A_FOLDER_FOR_THE_BUCKET = """#!/usr/bin/env bash
set -eu
override={folder}/backend_override.tf
if [ -e "$override" ]; then
  sed -i -E 's/"gcs"/"local"/; s#bucket = "(.*)"#path = "{buckets}/\\1/default.tfstate"#; /prefix/d' "$override"
fi
exec {terraform} "$@"
"""
RECORDS = """#!/usr/bin/env bash
echo "$@" >>{calls}
exit {code}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "terraform"
    folder.mkdir()
    (folder / "main.tf").write_text(CONFIGURATION)
    shutil.copy(SCRIPT, folder)
    return folder


@pytest.fixture
def terraform(folder: Path) -> Path:
    """The real command, with a folder in the place of the buckets."""
    command = shutil.which(os.environ.get("TERRAFORM", "terraform"))
    if command is None:
        pytest.skip("needs the command terraform")
    text = WITH_A_FOLDER_FOR_THE_BUCKET.format(folder=folder, buckets=folder.parent / "buckets", terraform=command)
    return _command(folder.parent / "with-a-folder", text)


@pytest.fixture
def recorder(folder: Path) -> Path:
    return _command(folder.parent / "recorder", RECORDS.format(calls=folder.parent / "calls", code=0))


def _command(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _run(folder: Path, terraform: Path, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if k != "CI"} | {
        "TERRAFORM": str(terraform),
        "TF_IN_AUTOMATION": "1",
    }
    command = [str(folder / "remote-state.sh"), *arguments]
    if answer:
        # terraform asks only where somebody could answer
        command = ["script", "-qec", " ".join(command), "/dev/null"]
    return subprocess.run(command, env=environ, input=answer, capture_output=True, text=True, check=False, timeout=60)


def _terraform(folder: Path, terraform: Path, *arguments: str) -> str:
    command = [str(terraform), f"-chdir={folder}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def _resources(folder: Path, terraform: Path) -> list[str]:
    command = [str(terraform), f"-chdir={folder}", "state", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert listed.returncode == 0 or "No state file was found" in listed.stderr
    return listed.stdout.split()


def _apply(folder: Path, terraform: Path) -> None:
    _terraform(folder, terraform, "init", "-input=false")
    _terraform(folder, terraform, "apply", "-auto-approve", "-input=false")


def _bucket(folder: Path, name: str = "aiot-test-aiot-state-dev") -> Path:
    return folder.parent / "buckets" / name / "default.tfstate"


def test_the_local_state_moves_into_the_bucket_and_back(folder: Path, terraform: Path) -> None:
    _apply(folder, terraform)
    moved = _run(folder, terraform, "aiot-test", "dev", answer="yes\n")
    assert moved.returncode == 0, moved.stdout
    assert "terraform_data" in _bucket(folder).read_text()
    assert not (folder / "terraform.tfstate").read_text()
    assert _resources(folder, terraform) == ["terraform_data.bucket"]

    back = _run(folder, terraform, "--local", answer="yes\n")
    assert back.returncode == 0, back.stdout
    assert not (folder / "backend_override.tf").exists()
    assert _resources(folder, terraform) == ["terraform_data.bucket"]
    assert "terraform_data" in (folder / "terraform.tfstate").read_text()


def test_doing_it_again_changes_nothing(folder: Path, terraform: Path) -> None:
    _apply(folder, terraform)
    assert _run(folder, terraform, "aiot-test", "dev", answer="yes\n").returncode == 0
    state, override = _bucket(folder).read_bytes(), (folder / "backend_override.tf").read_bytes()
    again = _run(folder, terraform, "aiot-test", "dev")
    assert again.returncode == 0, again.stderr
    assert _bucket(folder).read_bytes() == state
    assert (folder / "backend_override.tf").read_bytes() == override


def test_another_environment_gets_its_own_state_and_not_a_copy(folder: Path, terraform: Path) -> None:
    _apply(folder, terraform)
    assert _run(folder, terraform, "aiot-test", "dev", answer="yes\n").returncode == 0
    assert _run(folder, terraform, "aiot-test", "prod").returncode == 0
    assert _resources(folder, terraform) == []
    assert _run(folder, terraform, "aiot-test", "dev").returncode == 0
    assert _resources(folder, terraform) == ["terraform_data.bucket"]


def test_nobody_answers_in_ci_so_a_local_state_stays_where_it_is(folder: Path, terraform: Path) -> None:
    _apply(folder, terraform)
    state = (folder / "terraform.tfstate").read_bytes()
    refused = _run(folder, terraform, "aiot-test", "dev")
    assert refused.returncode != 0
    assert (folder / "terraform.tfstate").read_bytes() == state
    assert not (folder / "backend_override.tf").exists()
    assert _resources(folder, terraform) == ["terraform_data.bucket"]


def test_the_state_of_another_environment_is_not_moved(folder: Path, recorder: Path) -> None:
    (folder / "terraform.tfstate").write_text('{"resources": [{"name": "aiot-test-aiot-state-dev"}]}')
    refused = _run(folder, recorder, "aiot-test", "prod")
    assert refused.returncode == 1
    assert "knows no bucket aiot-test-aiot-state-prod" in refused.stderr
    assert not (folder.parent / "calls").exists()


def test_without_a_local_state_the_one_in_the_bucket_is_taken_up(folder: Path, recorder: Path) -> None:
    assert _run(folder, recorder, "aiot-test").returncode == 0
    assert (folder.parent / "calls").read_text() == f"-chdir={folder} init -reconfigure -input=false\n"
    override = (folder / "backend_override.tf").read_text()
    assert 'backend "gcs"' in override
    assert 'bucket = "aiot-test-aiot-state"\n' in override


def test_a_failed_init_leaves_the_choice_as_it_was(folder: Path, recorder: Path) -> None:
    fails = _command(folder.parent / "fails", RECORDS.format(calls="/dev/null", code=1))
    assert _run(folder, fails, "aiot-test", "dev").returncode == 1
    assert not (folder / "backend_override.tf").exists()
    _run(folder, recorder, "aiot-test", "dev")
    before = (folder / "backend_override.tf").read_text()
    assert _run(folder, fails, "aiot-test", "prod").returncode == 1
    assert _run(folder, fails, "--local").returncode == 1
    assert (folder / "backend_override.tf").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "usage:"),
        (["aiot-test", "dev", "more"], 2, "usage:"),
        (["Not A Project"], 1, "is no project id"),
        (["aiot-test", "Production"], 1, "is no environment"),
        (["--local"], 1, "the state is local already"),
    ],
)
def test_what_makes_no_sense_is_refused(
    folder: Path, recorder: Path, arguments: list[str], code: int, says: str
) -> None:
    refused = _run(folder, recorder, *arguments)
    assert refused.returncode == code
    assert says in refused.stderr
    assert not (folder.parent / "calls").exists()


def test_help_tells_both_forms(folder: Path, recorder: Path) -> None:
    told = _run(folder, recorder, "--help")
    assert told.returncode == 0
    assert "PROJECT_ID [ENVIRONMENT]" in told.stdout
    assert "--local" in told.stdout


def test_the_choice_is_not_in_git() -> None:
    ignored = ["git", "check-ignore", "-q", "terraform/backend_override.tf"]
    assert subprocess.run(ignored, cwd=SCRIPT.parent.parent, check=False).returncode == 0
