"""Tables and marked places of Markdown documents."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aiot_anomaly.errors import TrainingError


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, text: int = 1) -> str:
    """A table; its first `text` columns are words, the others numbers."""
    lines = [head, ["---" if i < text else "--:" for i in range(len(head))], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def included(document: str, name: str, content: str, *, where: str, command: str = "make benchmark") -> str:
    """The document with this content in the place of that name, which names the command that makes it.

    Raises:
        TrainingError: the document has no such place, or several.
    """
    begin, end = f"<!-- benchmark {name}: made by {command} -->\n", f"<!-- benchmark {name}: end -->\n"
    text, places = re.subn(
        f"(?<={re.escape(begin)}).*?(?={re.escape(end)})",
        lambda _: f"\n{content.strip()}\n\n",
        document,
        flags=re.DOTALL,
    )
    if places != 1:
        raise TrainingError(f"{where} has {places} places for the table {name}, expected one: {begin.strip()} … {end}")
    return text
