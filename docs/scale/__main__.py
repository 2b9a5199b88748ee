"""`python -m docs.scale [--write]`: prints what fleets of three sizes ask for, and writes it into `docs/scale.md`."""

from __future__ import annotations

from docs import guide
from docs.costs import sizes
from docs.scale import table

GUIDE = sizes.ROOT / "docs" / "scale.md"

if __name__ == "__main__":
    guide.run(GUIDE, "python -m docs.scale", "What fleets of three sizes ask for.", table.markdown)
