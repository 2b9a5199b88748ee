"""`python -m docs.architecture`: draws `docs/architecture.svg` anew."""

from __future__ import annotations

from pathlib import Path

from docs.architecture import drawing

PICTURE = Path(__file__).parents[1] / "architecture.svg"

if __name__ == "__main__":
    PICTURE.write_text(drawing.svg(), encoding="utf-8")
    print(PICTURE)
