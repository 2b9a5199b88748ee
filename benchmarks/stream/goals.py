"""What the function is to reach, and whether it did."""

from __future__ import annotations

from benchmarks.goal import Goal
from benchmarks.stream.results import SKELETON, SQLITE, Results, between

#: the function's rate by the skeleton's
BESIDE_SKELETON = 0.9
READINGS_S = 3_000.0
P95_MS = 250.0
#: with the most devices stored, of what it is with the fewest
FLAT = 0.1


def goals(results: Results) -> list[Goal]:
    """All of them; of the function on SQLite, as what stands beside it uses SQLite, too."""
    ratio = results.ratio(SQLITE, SKELETON)
    readings = results.fifty[SQLITE].readings_per_s
    p95 = results.latencies[SQLITE].p95_ms
    fewest, most = results.grown[0], results.grown[-1]
    slower = between(fewest.rate.rounds, most.rate.rounds) - 1
    longer = between(most.latency.p50_rounds_ms, fewest.latency.p50_rounds_ms) - 1
    range_ = f"{fewest.devices:,} to {most.devices:,} devices stored"
    return [
        Goal("messages/s beside the skeleton", f"≥ {BESIDE_SKELETON:.0%}", f"{ratio:.0%}", ratio >= BESIDE_SKELETON),
        Goal("readings/s, 50 a message", f"≥ {READINGS_S:,.0f}", f"{readings:,.0f}", readings >= READINGS_S),
        Goal("p95 at 60 % of the rate", f"≤ {P95_MS:.0f} ms", f"{p95:.0f} ms", p95 <= P95_MS),
        Goal(f"time a message, {range_}", f"≤ +{FLAT:.0%}", f"{slower:+.0%}", slower <= FLAT),
        Goal(f"median latency, {range_}", f"≤ +{FLAT:.0%}", f"{longer:+.0%}", longer <= FLAT),
    ]
