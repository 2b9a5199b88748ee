"""The pipeline: files, their readings by device, decisions and incidents as Parquet, and what became of the readings.

    files -> parts -> readings -> group by device -> oldest first -> decide -> decisions-*.parquet
                                                                            -> incidents-*.parquet
                                                                            -> summary.json

The work is shared out by device: what one worker holds of a device is bounded, because its readings are sorted on disk
where they are many and decided on in pieces.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial

import apache_beam as beam
from apache_beam.io import WriteToText
from apache_beam.io.parquetio import WriteToParquetBatched
from apache_beam.pvalue import TaggedOutput

from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.history import decisions
from batch import deciding, readings
from batch.readings import Packed, Part

DECISIONS, INCIDENTS, OUTCOMES = "decisions", "incidents", "outcomes"


def build(pipeline: beam.Pipeline, files: list[str], out: str, bundle: str, layout: Layout) -> None:
    """Adds the steps to a pipeline.

    Args:
        pipeline: to add them to.
        files: CSV or Parquet, here or in gs://; a device's readings may be in several, in any order.
        out: the folder that the results go to.
        bundle: the folder of the bundle, on the workers.
        layout: of the files.
    """
    profile = deciding.model(bundle).profile
    parts = pipeline | "files" >> beam.Create(files) | "parts" >> beam.FlatMap(readings.parts)
    found = (
        parts
        # or what follows would run where the file's list is, and not on all workers
        | "share out" >> beam.Reshuffle()
        | "read" >> beam.FlatMap(partial(_read, bundle=bundle, layout=layout)).with_outputs(OUTCOMES, main="readings")
    )
    decided = (
        found["readings"]
        | "by device" >> beam.GroupByKey()
        | "decide" >> beam.FlatMap(partial(_decide, bundle=bundle)).with_outputs(INCIDENTS, OUTCOMES, main=DECISIONS)
    )
    for name, schema in ((DECISIONS, decisions.schema(profile)), (INCIDENTS, deciding.INCIDENTS)):
        target = f"{out.rstrip('/')}/{name}"
        decided[name] | f"write {name}" >> WriteToParquetBatched(target, schema, file_name_suffix=".parquet")
    (
        (found[OUTCOMES], decided[OUTCOMES])
        | "all outcomes" >> beam.Flatten()
        | "sum" >> beam.CombineGlobally(_sum)
        | "as text" >> beam.Map(json.dumps, indent=1, sort_keys=True)
        | "write summary" >> WriteToText(f"{out.rstrip('/')}/summary.json", shard_name_template="")
    )


def _read(part: Part, bundle: str, layout: Layout) -> Iterator[tuple[str, Packed] | TaggedOutput]:
    for found in readings.packed(Part(*part), deciding.model(bundle).profile, layout):
        if isinstance(found, int):
            yield TaggedOutput(OUTCOMES, {"without_time": found})
        else:
            device, piece = found
            yield device, tuple(piece)


def _decide(group: tuple[str, Iterable[tuple[str, bytes, bytes, bytes]]], bundle: str) -> Iterator[object]:
    device, pieces = group
    for kind, found in deciding.decide(bundle, device, (Packed(*p) for p in pieces)):
        yield found if kind == DECISIONS else TaggedOutput(kind, found)


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for one in counts:
        total.update(one)
    return dict(total)
