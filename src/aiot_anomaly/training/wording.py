"""Numbers as a person would say them."""

from __future__ import annotations

from collections.abc import Sequence


def duration(seconds: float) -> str:
    """A length of time in the unit that a person would use."""
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.3g} s"


def listed(names: Sequence[str]) -> str:
    """At least one name, as in a sentence."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
