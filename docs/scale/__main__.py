"""`python -m docs.scale [--write]`: prints what fleets of three sizes ask for, and writes it into `docs/scale.md`."""

from __future__ import annotations

import argparse

from docs.costs import sizes
from docs.costs import table as costs
from docs.costs.__main__ import included
from docs.scale import table

GUIDE = sizes.ROOT / "docs" / "scale.md"


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="python -m docs.scale", description="What fleets of three sizes ask for.")
    parser.add_argument("--write", action="store_true", help=f"into docs/{GUIDE.name}, too")
    write = parser.parse_args().write
    tables = table.markdown(sizes.measure(costs.PROFILE))
    if write:
        GUIDE.write_text(included(GUIDE.read_text(encoding="utf-8"), tables), encoding="utf-8")
    print(tables, end="")


if __name__ == "__main__":
    main()
