"""Breaks the configuration in many small ways and checks that its tests notice each.

`mutations.toml` names for each assertion of `tests/*.tftest.hcl` a change of the configuration that it must refuse. The
changes are dealt out to a few rounds. In each round a copy of the configuration takes its share of them, and
`terraform test` must report exactly the assertions that the share is said to break: so each assertion is seen to
fail with its change and to hold among the others. TERRAFORM names another command than `terraform`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: what a plan reads; the function's archive is made of the last two
FOLDERS = ("terraform", "src", "functions")
# this checkout's own
_LEFT_OUT = shutil.ignore_patterns(
    ".terraform", "*.tfstate*", "terraform.tfvars", "*.auto.tfvars", "*_override.tf", "__pycache__"
)
_RUN = re.compile(r'^run "(?P<name>\w+)" \{\n(?P<body>.*?)^\}\n', re.MULTILINE | re.DOTALL)
_MESSAGE = re.compile(r'^ *error_message *= *(?P<text>"(?:[^"\\]|\\.)*")$', re.MULTILINE)
_EXPECTED = re.compile(r"^ *expect_failures *= *\[(?P<targets>[^\]]*)\]", re.MULTILINE)
_MISSING = re.compile(r"The checkable object, (?P<target>[\w.]+), was expected")


class MutationError(Exception):
    """The list or the configuration is not as this check needs it; the text says what to do."""


@dataclass(frozen=True)
class Mutation:
    """One change of the configuration.

    Attributes:
        file: below `terraform/`.
        find: text that is there once.
        replace: what stands there afterwards.
        breaks: all assertions that must then fail: by their error message, or `<run>: var.<name>` for a variable whose
            refusal that run expects.
        block: first line of the block to look in, without its brace; the whole file if empty.
    """

    file: str
    find: str
    replace: str
    breaks: tuple[str, ...]
    block: str = ""

    def span(self, text: str) -> tuple[int, int]:
        """Where `find` begins and ends in the file's text.

        Raises:
            MutationError: it is there not once.
        """
        begin = text.find(f"{self.block} {{\n") if self.block else 0
        end = text.find("\n}\n", begin) if self.block else len(text)
        n = text.count(self.find, begin, end) if begin >= 0 else 0
        if n != 1:
            raise MutationError(f"{self.file}: found {n} times, expected once in {self.block or 'it'}: {self.find!r}")
        return (at := text.index(self.find, begin)), at + len(self.find)


@dataclass(frozen=True)
class Outcome:
    """What `terraform test` said: assertions that failed, runs that ended, and errors that are no failed assertion."""

    failed: frozenset[str]
    errors: tuple[str, ...]


def read(path: Path) -> list[Mutation]:
    """The list in a file such as mutations.toml."""
    return [Mutation(**{**t, "breaks": tuple(t["breaks"])}) for t in tomllib.loads(path.read_text())["mutation"]]


def assertions(folder: Path) -> list[str]:
    """All that the tests in a folder assert, in the words of `Mutation.breaks`, doubles and all."""
    return [name for path in sorted(folder.glob("*.tftest.hcl")) for name in _asserted(path.read_text())]


def deal(mutations: Sequence[Mutation], rounds: int, folder: Path) -> list[list[Mutation]]:
    """Deals the changes out to `rounds` rounds, and to as many more as conflicts need.

    Two that touch the same text or the same assertion come into different rounds, and so do neighbours in the list,
    which often break the same resource.
    """
    spans = [m.span((folder / m.file).read_text()) for m in mutations]

    def clash(i: int, j: int) -> bool:
        a, b = mutations[i], mutations[j]
        overlap = a.file == b.file and spans[i][0] < spans[j][1] and spans[j][0] < spans[i][1]
        return overlap or bool(set(a.breaks) & set(b.breaks))

    dealt: list[list[int]] = [[] for _ in range(rounds)]
    for i in range(len(mutations)):
        turn = dealt[i % rounds :] + dealt[: i % rounds]
        free = next((part for part in turn if not any(clash(i, j) for j in part)), None)
        if free is None:
            dealt.append(free := [])
        free.append(i)
    return [[mutations[i] for i in part] for part in dealt if part]


def apply(mutations: Iterable[Mutation], folder: Path) -> None:
    """Changes the files of a configuration; the changes do not overlap."""
    by_file: dict[str, list[Mutation]] = {}
    for m in mutations:
        by_file.setdefault(m.file, []).append(m)
    for name, changes in by_file.items():
        text = (folder / name).read_text()
        # from the end, so that what is to be found before keeps its place
        for begin, end, m in sorted(((*m.span(text), m) for m in changes), key=lambda c: c[0], reverse=True):
            text = text[:begin] + m.replace + text[end:]
        (folder / name).write_text(text)


def set_refusals_apart(folder: Path) -> None:
    """Gives each run that expects failures a file of its own: where one is missing, terraform skips the file's rest."""
    for path in sorted(folder.glob("*.tftest.hcl")):
        text = path.read_text()
        head = text[: text.index('run "')]
        for run in [run for run in _RUN.finditer(text) if _EXPECTED.search(run["body"])]:
            text = text.replace(run[0], "")
            (folder / f"{run['name']}.tftest.hcl").write_text(head + run[0])
        path.write_text(text)


def test(terraform: str, folder: Path, ended: Callable[[str], None]) -> Outcome:
    """Runs `terraform test` in a folder; `ended` is told the name of each run that ended."""
    command = [terraform, f"-chdir={folder}", "test", "-json"]
    failed: set[str] = set()
    errors: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - the user names it
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["type"] == "test_run" and event["test_run"]["progress"] == "complete":
                ended(event["@testrun"])
                if event["test_run"]["status"] == "skip":
                    errors.append(f"{event['@testrun']}: was skipped")
            elif event["type"] == "diagnostic" and event["diagnostic"]["severity"] == "error":
                diagnostic, run = event["diagnostic"], event.get("@testrun", "")
                missing = _MISSING.search(diagnostic["detail"])
                if diagnostic["summary"] == "Test assertion failed":
                    failed.add(diagnostic["detail"])
                elif missing:
                    failed.add(f"{run}: {missing['target']}")
                else:
                    where = diagnostic.get("range", {}).get("filename", "")
                    errors.append(f"{run}: {where}: {diagnostic['summary']} {diagnostic['detail']}".strip())
    return Outcome(frozenset(failed), tuple(errors))


def judge(part: Sequence[Mutation], outcome: Outcome) -> list[str]:
    """What is wrong with a round's outcome, in sentences; nothing if exactly the named assertions failed."""
    named = {name for m in part for name in m.breaks}
    return [
        *(f"no failed assertion, but an error: {e}" for e in outcome.errors),
        *(f"held although its subject was broken: {name}" for name in sorted(named - outcome.failed)),
        *(f"failed although no change of its round names it: {name}" for name in sorted(outcome.failed - named)),
    ]


def check(root: Path, parts: Sequence[Sequence[Mutation]], terraform: str) -> list[str]:
    """Runs the rounds side by side, each in a copy of the folders below `root`, and says what is wrong.

    Raises:
        MutationError: terraform cannot be started there, or a change does not fit.
    """
    total = sum(len(_RUN.findall(p.read_text())) for p in (root / "terraform/tests").glob("*.tftest.hcl")) * len(parts)
    begin, done = time.monotonic(), iter(range(1, total + 1))

    def ended(run: str) -> None:
        _say(f"[{next(done, total)}/{total}, {time.monotonic() - begin:.0f} s] {run}")

    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        first = Path(folder, "0")
        for name in FOLDERS:
            if (root / name).is_dir():
                shutil.copytree(root / name, first / name, ignore=_LEFT_OUT)
        init = [terraform, f"-chdir={first / 'terraform'}", "init", "-backend=false", "-input=false", "-no-color"]
        if (made := subprocess.run(init, capture_output=True, text=True, check=False)).returncode:  # noqa: S603 - as above
            raise MutationError(f"terraform init failed:\n{made.stdout}{made.stderr}")
        set_refusals_apart(first / "terraform/tests")

        def judged(number: int) -> list[str]:
            copy = Path(folder, str(number)) / "terraform"
            apply(parts[number - 1], copy)
            return [f"round {number}: {s}" for s in judge(parts[number - 1], test(terraform, copy, ended))]

        for number in range(1, len(parts) + 1):
            shutil.copytree(first, Path(folder, str(number)), symlinks=True)
        with ThreadPoolExecutor(len(parts)) as pool:
            return [sentence for part in pool.map(judged, range(1, len(parts) + 1)) for sentence in part]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0 if each assertion noticed its change."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--only", metavar="TEXT", default="", help="only changes whose file or assertion contains it")
    parser.add_argument("--rounds", type=int, default=2, help="to deal the changes out to (default: %(default)s)")
    given = parser.parse_args(arguments)
    if given.rounds < 1:
        parser.error(f"found {given.rounds} rounds, expected at least 1")
    terraform = os.environ.get("TERRAFORM", "terraform")
    if shutil.which(terraform) is None:
        _say(f"error: found no command {terraform!r}, expected Terraform 1.9 or newer; install it or set TERRAFORM")
        return 1
    listed = read(ROOT / "terraform/mutations.toml")
    chosen = [m for m in listed if any(given.only in text for text in (m.file, *m.breaks))]
    try:
        parts = deal(chosen, given.rounds, ROOT / "terraform")
        wrong = check(ROOT, parts, terraform) if parts else [f"no change has {given.only!r}"]
    except MutationError as e:
        wrong = [str(e)]
    for sentence in wrong:
        _say(f"error: {sentence}")
    if not wrong:
        _say(f"✓ {len(chosen)} changes, {len(parts)} rounds: the assertions that they name failed, no other")
    return 1 if wrong else 0


def _asserted(text: str) -> Iterator[str]:
    for run in _RUN.finditer(text):
        for message in _MESSAGE.finditer(run["body"]):
            yield str(json.loads(message["text"]))
        for expected in _EXPECTED.finditer(run["body"]):
            yield from (f"{run['name']}: {t.strip()}" for t in expected["targets"].split(",") if t.strip())


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command line prints


if __name__ == "__main__":
    sys.exit(main())
