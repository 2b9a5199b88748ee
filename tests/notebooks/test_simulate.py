"""Notebook 00 runs where it lies, with small parameters, and says what the simulator gives."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest

from aiot_anomaly.training import pipeline
from simulator.district import District
from tests.notebooks.checks import NOTEBOOKS

NOTEBOOK = NOTEBOOKS / "00_simulate.ipynb"
SMALL = {
    "days": 12,
    "burst": "dma-01:10%:-6d:2",
    "incipient": "dma-01:10%:-6d:3",
    "grows": 2,
    "heat_wave": "heat-wave:dma-01:15%:-8d:2",
    "flushing": "flushing:dma-01:40%:-5.95d:0.1",
    "districts": 3,
    "fleet_leaks": ["dma-02:8%:-4d:4", "dma-03:1%:-4d:4"],
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    executed = tmp_path_factory.mktemp("executed") / NOTEBOOK.name
    assert SMALL.keys() <= pipeline.declared(NOTEBOOK)
    pipeline.execute(NOTEBOOK, executed, SMALL, progress=False)
    return list(nbformat.read(executed, as_version=4).cells)


def pictures(cell: Any) -> int:
    return sum("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


def test_each_picture_is_there_once(cells: list[Any]) -> None:
    drawn = [pictures(cell) for cell in cells if "_plots." in cell.source and "figure = " in cell.source]
    assert drawn == [1] * 7
    assert sum(pictures(cell) for cell in cells) == 7


def test_nothing_is_written_to_stderr(cells: list[Any]) -> None:
    assert not [o for cell in cells for o in cell.get("outputs", []) if o.get("name") == "stderr"]


def test_the_conclusion_has_the_numbers_of_the_run(cells: list[Any]) -> None:
    text = cells[-1].outputs[0].data["text/markdown"]
    leak = 0.1 * District.of(7, 1).mean_inflow
    assert f"The burst adds {leak:.2f} L/s at night and {leak:.2f} L/s by day" in text
    large, small = text.split("; the leak of 1% in dma-03 ")
    assert "the leak of 8% in dma-02 lifts" in large
    assert large.endswith("it stands out")
    assert "it hides. " in small
    assert "h5 and h6 none" in small
