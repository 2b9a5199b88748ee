"""The folder in which the models lie in all forms: made once, and again when a bundle or what makes them changes."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.serving.contenders import ROOT
from benchmarks.serving.errors import BenchmarkError
from benchmarks.serving.subjects import Subject

FOLDER = ROOT / ".local" / "bench-serving"
#: the promoted bundles, and where the reference network's is made
SHIPPED, MADE = ROOT / "serving" / "models", FOLDER / "models"
REFERENCE = "reference"
_MAKERS = (
    *(Path(__file__).with_name(n) for n in ("reference.py", "score.py", "exports.py")),
    *(ROOT / "src" / "aiot_anomaly" / "training" / n for n in ("graph.py", "export.py")),
)
_STAMP = "made-of"


def models_beside(subject: Subject) -> Path:
    """The folder of bundles that the API serves this one from: all promoted ones, or the reference alone."""
    return MADE if subject.name == REFERENCE else SHIPPED


def prepared(names: Sequence[str] | None = None) -> list[Subject]:
    """The subjects of these names, or all: `leak` first, then the reference, then the other bundles.

    Raises:
        BenchmarkError: there is no such bundle, or a form could not be made.
    """
    shipped = sorted(
        (p.name for p in SHIPPED.iterdir() if (p / "bundle.json").is_file()), key=lambda n: (n != "leak", n)
    )
    all_names = [*shipped[:1], REFERENCE, *shipped[1:]]
    unknown = [n for n in names or () if n not in all_names]
    if unknown:
        raise BenchmarkError(f"no bundle {unknown[0]!r}, expected one of: {', '.join(all_names)}")
    subjects = [Subject(n, FOLDER / n) for n in all_names if names is None or n in names]
    _make([s.name for s in subjects if not _is_made(s.name)])
    return subjects


def _make(names: Sequence[str]) -> None:
    if not names:
        return
    sys.stderr.write(f"bench-serving: {', '.join(names)} in the forms that the peers take\n")
    for name in names:
        shutil.rmtree(FOLDER / name, ignore_errors=True)
    # TensorFlow stays out of the process that generates the load
    made = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-m", "benchmarks.serving.exports", *names], cwd=ROOT, capture_output=True, check=False
    )
    if made.returncode:
        raise BenchmarkError(f"the peers' forms cannot be made: {made.stderr.decode(errors='replace')[-800:]}")
    for name in names:
        (FOLDER / name / _STAMP).write_text(_made_of(name), encoding="utf-8")


def _is_made(name: str) -> bool:
    stamp = FOLDER / name / _STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == _made_of(name)


def _made_of(name: str) -> str:
    """Changes with whatever a model's forms are made of."""
    files = list(_MAKERS)
    if name != REFERENCE:
        files.append(SHIPPED / name / "bundle.json")
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()
