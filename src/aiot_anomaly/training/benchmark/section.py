"""What a table may add of its own: further measures of each entry, text, and pictures.

A table names it as `module:function`; the function takes the `Contest`, whose entries can judge any further device by
their `judge` and `threshold`, and returns a `Section`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from matplotlib.figure import Figure

from aiot_anomaly.training.benchmark.contest import Contest


@dataclass(frozen=True)
class Section:
    """A table's own part.

    Attributes:
        measures: by an entry's name, further measures by their names in the catalogue; they join the entry's own, so
            that goals and columns may be about them.
        text: Markdown that follows the table, its headings of level 4 and below.
        pictures: by name: what it shows, and the figure.
    """

    measures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    text: str = ""
    pictures: Mapping[str, tuple[str, Figure]] = field(default_factory=dict)


Extra = Callable[[Contest], Section]


def made(contest: Contest) -> Section:
    """The table's own part; an empty one where it names none, or there is no such module or function.

    Goals and columns that would be about its measures then say that they were not measured.
    """
    name, _, function = contest.table.extra.partition(":")
    if not name:
        return Section()
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as e:
        if e.name is None or not name.startswith(e.name):
            raise  # something that the module itself needs
        return Section()
    extra: Extra | None = getattr(module, function, None)
    return Section() if extra is None else extra(contest)
