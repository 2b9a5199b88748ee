"""What holds for the repository as a whole."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = sorted([ROOT / "requirements-dev.txt", *ROOT.glob("*/requirements.txt")])
PEERS = ROOT / "benchmarks" / "serving" / "peers.txt"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def tracked() -> list[Path]:
    if shutil.which("git") is None:
        pytest.skip("git is not installed, and only it knows which files are in the repository")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_is_larger_than_it_may_be() -> None:
    models = ROOT / "serving" / "models"
    too_large = {
        str(p.relative_to(ROOT)): p.stat().st_size
        for p in tracked()
        if p.stat().st_size > (4 if p.is_relative_to(models) else 1) * 1024 * 1024
    }
    assert not too_large


def test_every_promoted_bundle_is_in_git() -> None:
    files = set(tracked())
    for manifest in (ROOT / "serving" / "models").glob("*/bundle.json"):
        for name in json.loads(manifest.read_text(encoding="utf-8"))["sha256"]:
            assert manifest.parent / name in files


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.name)
def test_a_notebook_is_committed_without_outputs_and_without_functions_of_its_own(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = [c for c in cells if c["cell_type"] == "code"]
    assert not any(c["outputs"] or c["execution_count"] for c in code)
    lines = [line for c in code for line in "".join(c["source"]).splitlines()]
    assert not [line for line in lines if re.match(r"\s*(def|class) ", line)]
    assert [c for c in code if "parameters" in c["metadata"].get("tags", [])]
    assert cells[-1]["cell_type"] == "code"
    assert any("Conclusion" in "".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


@pytest.mark.parametrize("lock", [*LOCKS, PEERS], ids=lambda p: str(p.relative_to(ROOT)))
def test_a_lock_file_has_a_hash_for_every_package_and_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    packages = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert len(packages) > 10
    assert all("--hash=sha256:" in p for p in packages)
    assert "://" not in text
    assert not re.search(r"^\s*-(-index-url|-extra-index-url|-find-links|f|i)\b", text, re.MULTILINE)


def test_the_deployables_are_tested_with_the_versions_that_they_lock() -> None:
    def versions(lock: Path) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", lock.read_text(encoding="utf-8"), re.MULTILINE))

    tested = versions(ROOT / "requirements-dev.txt")
    for lock in LOCKS:
        if lock.parent.name == "batch":  # Beam wants older packages; what decides the scores is the same
            asked = set((lock.parent / "requirements.in").read_text(encoding="utf-8").split()) & tested.keys()
            assert {"numpy", "onnxruntime", "pandas"} <= asked
            assert {name: versions(lock)[name] for name in asked} == {name: tested[name] for name in asked}
        elif lock.parent.name != "checks":  # tools in an environment of their own: nothing of it is deployed
            assert versions(lock).items() <= tested.items(), lock


@pytest.mark.parametrize("readme", ["README.md", "README.pt-BR.md"])
def test_what_a_readme_names_exists(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert {"demo", "test"} <= named <= targets
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    missing = [link for link in links if link and not (ROOT / link).exists()]
    assert not missing


def test_both_readmes_have_the_same_structure() -> None:
    def shape(name: str) -> list[int]:
        text = re.sub(r"```.*?```", "```", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)
        return [len(m) for m in re.findall(r"^(#+) ", text, re.MULTILINE)] + [text.count("```"), text.count("\n|")]

    assert shape("README.md") == shape("README.pt-BR.md")


def test_make_help_lists_every_task_with_one_line() -> None:
    told = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    lines = [line for line in told.splitlines() if line.strip()]
    assert len(lines) == len(
        re.findall(r"^[a-z-]+:.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert all(re.match(r"\s+make [a-z-]+\s+\S", line) and len(line) <= 120 for line in lines)


def test_the_changelog_keeps_the_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text
    assert set(re.findall(r"^### (\w+)", text, re.MULTILINE)) <= {
        "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security",
    }  # fmt: skip


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
