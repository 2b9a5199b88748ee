"""Where a benchmark's figures are shown: a page and a picture in docs/, and a table in each README."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aiot_anomaly.training.benchmark import markdown
from aiot_anomaly.training.benchmark.readme import READMES
from aiot_anomaly.training.benchmark.words import Language


def write(
    root: Path,
    name: str,
    page: str,
    draw: Callable[[Path], None],
    brief: Callable[[Language], str],
    *,
    command: str,
) -> None:
    """Writes docs/NAME.md and docs/NAME.png, and puts the table between the markers NAME of the READMEs.

    Args:
        root: of the repository.
        name: of the benchmark.
        page: the text of docs/NAME.md.
        draw: draws the picture into a file.
        brief: the READMEs' table, in a language.
        command: that makes all of it, for the markers.

    Raises:
        TrainingError: a README has no place for it.
    """
    (root / "docs" / f"{name}.md").write_text(page, encoding="utf-8")
    draw(root / "docs" / f"{name}.png")
    for readme, language in READMES.items():
        path = root / readme
        text = path.read_text(encoding="utf-8")
        path.write_text(markdown.included(text, name, brief(language), where=readme, command=command), encoding="utf-8")
