"""schemathesis: a real process and the description that it gives of itself, held against each other with all checks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.serving.victim import Victim

HERE = Path(__file__).parent
#: generated cases of each operation, on top of those that cover its description; `make hostile` asks for more
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "30")


def test_the_service_does_what_it_describes(victim: Victim, tmp_path: Path) -> None:
    told = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run",
            f"http://127.0.0.1:{victim.port}/openapi.json", "--checks", "all", "--max-examples", EXAMPLES,
            "--phases", "examples,coverage,fuzzing,stateful", "--no-color",
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout[-6_000:] + told.stderr[-2_000:]
    assert victim.failures() == []
