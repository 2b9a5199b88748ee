"""`python -m docs.costs [--write]`: prints what a month costs, and writes it into `docs/deploy.md`."""

from __future__ import annotations

from docs import guide
from docs.costs import sizes, table

GUIDE = sizes.ROOT / "docs" / "deploy.md"

if __name__ == "__main__":
    guide.run(GUIDE, "python -m docs.costs", "What a month costs.", table.markdown)
