"""What the guides name exists: commands, options, targets, files, outputs, variables and links."""

from __future__ import annotations

import argparse
import os
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aiot_anomaly.training import __main__ as training
from delivery import __main__ as delivery
from docs.costs import sizes
from functions import __main__ as functions
from simulator import options as simulator

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "deploy.md"
PAGES = sorted(
    p for p in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md")] if not p.relative_to(ROOT).parts[0].startswith(".")
)
PARSERS: dict[str, Callable[[], argparse.ArgumentParser]] = {
    "simulator": simulator.parser,
    "delivery": delivery._parser,
    "functions": functions._parser,
    "aiot_anomaly.training": training._parser,
}


def text() -> str:
    return GUIDE.read_text(encoding="utf-8")


def commands() -> Iterator[str]:
    """The guide's commands: lines of shell blocks, joined where continued, apart at pipes, and those in a sentence."""
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", text(), re.DOTALL | re.MULTILINE):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            yield from (part.strip() for part in re.split(r"\s\|\s|\s&&\s", line) if part.strip())
    prose = " ".join(re.sub(r"```.*?```", "", text(), flags=re.DOTALL).split())
    yield from re.findall(r"`((?:python|gcloud|terraform|make) [^`]+)`", prose)


def terraform(kind: str) -> set[str]:
    files = (p.read_text(encoding="utf-8") for p in (ROOT / "terraform").glob("*.tf"))
    return {name for file in files for name in re.findall(rf'^{kind} "(\w+)"', file, re.MULTILINE)}


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower().replace("`", "")).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", prose, re.MULTILINE)}


def test_every_make_target_of_the_guide_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)\s*make ([a-z]+)\b", text(), re.MULTILINE))
    assert {"rollback", "revisions"} <= named <= targets


def test_every_python_command_of_the_guide_is_one_that_its_program_takes() -> None:
    found = 0
    for command in commands():
        called = re.search(r"python -m ([\w.]+)(.*)", command)
        if not called:
            continue
        module = called.group(1)
        where = (ROOT / "src" if module.startswith("aiot_anomaly") else ROOT).joinpath(*module.split("."))
        assert (where / "__main__.py").is_file(), command
        if module in PARSERS:
            # what the shell would put in place of a variable is a word for the parser
            words = shlex.split(re.sub(r"\$\(.*?\)|\"?\$\{?\w+\}?\"?", "word", called.group(2)))
            PARSERS[module]().parse_args(words)
            found += 1
    assert found >= 3, "fewer commands than the guide has: is it still read right?"


def test_every_terraform_output_and_variable_of_the_guide_exists() -> None:
    outputs, variables = terraform("output"), terraform("variable")
    read = set(re.findall(r"terraform(?: -chdir=terraform)? output (?:-raw |-json )?(\w+)", text()))
    assert {"next_steps", "github_variables"} <= read <= outputs
    given = set(re.findall(r"\bTF_VAR_(\w+)=", text())) | set(re.findall(r"`var\.(\w+)", text()))
    assert "project_id" in given
    assert given <= variables


def test_every_file_of_the_guide_exists() -> None:
    made_by_a_command = {"terraform/backend_override.tf", "terraform/.terraform.lock.hcl"}
    named = set(re.findall(r"`((?:terraform|docs|serving|notebooks|functions|\.github|src)/[\w./-]+\.\w+)`", text()))
    scripts = {c.split()[0] for c in commands() if c.startswith("terraform/")}
    assert scripts
    assert not [f for f in named | scripts if f not in made_by_a_command and not (ROOT / f).is_file()]
    assert all(os.access(ROOT / script, os.X_OK) for script in scripts)


def test_every_github_variable_of_the_guide_is_given_by_terraform_or_read_by_a_workflow() -> None:
    files = [ROOT / "terraform" / "outputs.tf", *(ROOT / ".github" / "workflows").glob("*.yml")]
    known = {name for file in files for name in re.findall(r"\b(GCP_\w+)\b", file.read_text(encoding="utf-8"))}
    named = set(re.findall(r"\b(GCP_\w+)\b", text()))
    assert {"GCP_PROJECT", "GCP_TFVARS"} <= named <= known


def test_the_steps_are_numbered_without_a_gap_and_each_says_what_to_expect() -> None:
    steps = re.split(r"^### (?=\d)", text(), flags=re.MULTILINE)[1:]
    assert [int(s.split(".")[0]) for s in steps] == list(range(1, len(steps) + 1))
    assert not [s.splitlines()[0] for s in steps if "Expected" not in s]


def test_the_table_of_environments_has_the_numbers_of_their_files() -> None:
    def days(variable: str, attribute: str) -> list[str]:
        found = [sizes.setting(variable, attribute, e) for e in (None, "dev", "prod")]
        return [f"{n:.0f} day{'' if n == 1 else 's'}" if n else "for ever" for n in found]

    def instances(attribute: str) -> list[str]:
        both = [{sizes.setting(v, attribute, e) for v in ("api", "function")} for e in (None, "dev", "prod")]
        assert all(len(numbers) == 1 for numbers in both)
        return [f"{numbers.pop():.0f}" for numbers in both]

    for what, cells in {
        "instances kept warm (API, function)": instances("min_instances"),
        "most instances": instances("max_instances"),
        "readings in BigQuery": days("bigquery", "readings_days"),
        "decisions in BigQuery": days("bigquery", "decisions_days"),
        "messages kept for replay": days("pubsub", "replay_days"),
    }.items():
        assert f"| {what} | {' | '.join(cells)} |" in text()


def test_the_guide_says_whether_the_providers_are_locked() -> None:
    lock = ROOT / "terraform" / ".terraform.lock.hcl"
    assert lock.exists() != ("is not in git yet" in text())
    if lock.exists():
        providers = lock.read_text(encoding="utf-8").split("provider ")[1:]
        # only the public registry signs zip files; h1 alone may come from anywhere
        assert providers
        assert all('"zh:' in p for p in providers)


def test_both_languages_have_the_same_structure_commands_and_names() -> None:
    def shape(page: Path) -> tuple[list[str], list[int], set[str]]:
        whole = re.sub(r"<!-- costs: made.*<!-- costs: end -->", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        blocks = re.findall(r"^```.*?^```", whole, re.DOTALL | re.MULTILINE)
        prose = " ".join(re.sub(r"```.*?```", "", whole, flags=re.DOTALL).split())
        return (
            blocks,
            [len(m) for m in re.findall(r"^(#+) ", whole, re.MULTILINE)],
            set(re.findall(r"`([^`]+)`", prose)),
        )

    english, portuguese = shape(GUIDE), shape(GUIDE.with_name("deploy.pt-BR.md"))
    assert portuguese[0] == english[0]
    assert portuguese[1] == english[1]
    assert portuguese[2] ^ english[2] == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_within_the_repository_resolves(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{page.name}: {link} has no such heading"
