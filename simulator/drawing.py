"""What all pictures of simulated data share: colours, dates, and how an event is marked.

The pictures need matplotlib, which is in the environment of the notebooks and not in that of the simulator. The colours
are those of Okabe and Ito, which colour-blind people can tell apart.
"""

from __future__ import annotations

from typing import Any

import matplotlib.dates as mdates
import numpy as np
from numpy.typing import NDArray

from aiot_anomaly.datasets.fleet import Truth

USUAL, CHANGED, SECOND, QUIET = "#0072B2", "#D55E00", "#009E73", "#B0B0B0"
#: inches: what a notebook shows without making it smaller
WIDTH = 12.0


def times(seconds: NDArray[np.int64]) -> Any:
    """Unix seconds as matplotlib takes them."""
    return seconds.astype("datetime64[s]")


def percent(share: float) -> str:
    """A share as text, e.g. "5 %"."""
    return f"{round(100 * share)} %"


def mark(axis: Any, truth: Truth) -> None:
    """Shades an event and draws its beginning (dashed) and its end (dotted)."""
    start, end = times(np.array([truth.start, truth.end]))
    axis.axvspan(start, end, color=QUIET, alpha=0.2, lw=0)
    axis.axvline(start, color="black", ls="--", lw=1)
    axis.axvline(end, color="black", ls=":", lw=1)


def dates(axis: Any, *, most: int = 10) -> None:
    """Writes weekday and date at midnights of what is already drawn, at `most` of them about."""
    low, high = axis.get_xlim()
    axis.xaxis.set_major_locator(mdates.DayLocator(interval=max(1, round((high - low) / most))))  # type: ignore[no-untyped-call] # matplotlib's
    axis.xaxis.set_major_formatter(mdates.DateFormatter("%a\n%d %b"))  # type: ignore[no-untyped-call] # matplotlib's
    axis.tick_params(axis="x", labelsize=9)
