"""The command that computes a guide's tables: prints them, and puts them between two marks of the guide."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

from docs.costs import sizes, table

BEGIN, END = "<!-- costs: made by make costs -->\n", "<!-- costs: end -->\n"


def included(guide: str, tables: str) -> str:
    """The guide with these tables in their place.

    Raises:
        ValueError: the guide has no place for them.
    """
    text, places = re.subn(
        f"(?<={re.escape(BEGIN)}).*?(?={re.escape(END)})", lambda _: f"\n{tables}\n", guide, flags=re.DOTALL
    )
    if places != 1:
        raise ValueError(f"the guide has {places} places for the costs, expected one: {BEGIN.strip()} … {END.strip()}")
    return text


def run(guide: Path, program: str, description: str, markdown: Callable[[sizes.Sizes], str]) -> None:
    """Runs the command line `program [--write]`.

    Args:
        guide: the page.
        program: how it is called.
        description: for its help.
        markdown: the tables of these sizes.
    """
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--write", action="store_true", help=f"into docs/{guide.name}, too")
    write = parser.parse_args().write
    tables = markdown(sizes.measure(table.PROFILE))
    if write:
        guide.write_text(included(guide.read_text(encoding="utf-8"), tables), encoding="utf-8")
    sys.stdout.write(tables)
