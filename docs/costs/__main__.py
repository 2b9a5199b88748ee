"""`python -m docs.costs [--write]`: prints what a month costs, and writes it into `docs/deploy.md`."""

from __future__ import annotations

import argparse
import re

from docs.costs import sizes, table

GUIDE = sizes.ROOT / "docs" / "deploy.md"
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


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="python -m docs.costs", description="What a month costs.")
    parser.add_argument("--write", action="store_true", help=f"into docs/{GUIDE.name}, too")
    write = parser.parse_args().write
    tables = table.markdown(sizes.measure(table.PROFILE))
    if write:
        GUIDE.write_text(included(GUIDE.read_text(encoding="utf-8"), tables), encoding="utf-8")
    print(tables, end="")


if __name__ == "__main__":
    main()
