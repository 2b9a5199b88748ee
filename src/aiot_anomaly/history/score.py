"""`python -m aiot_anomaly score`: a recording of any length to its decisions, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tqdm import tqdm

from aiot_anomaly import detector, paths, profile_store
from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.detector import Detector
from aiot_anomaly.errors import DatasetError, OrderError
from aiot_anomaly.history import decisions, reading, sorting
from aiot_anomaly.history.fleet import FleetHistory, Piece
from aiot_anomaly.history.incidents import IncidentLog
from aiot_anomaly.history.places import Place, place
from aiot_anomaly.history.summary import TOLD, Summary


def bundle_of(profile: str, folder: Path | None) -> Path:
    """The folder of the bundle of a profile, which is named, or by its YAML file; or the given one."""
    if folder is not None:
        return folder
    named = profile_store.load(profile).name if profile_store.is_path(profile) else profile
    return paths.models() / named


def layout_of(profile: str, *, timestamp: str | None = None, device: str | None = None) -> Layout:
    """How the recording is laid out: as the profile's file says, where it is named by that, with these columns."""
    layout = profile_store.layout(profile) if profile_store.is_path(profile) else Layout()
    return reading.replace_layout(layout, timestamp=timestamp, device=device)


def score(
    model: Detector,
    recording: Place,
    out: Place,
    layout: Layout,
    *,
    device_id: str | None = None,
    sort: bool = False,
    rows: int = reading.CHUNK_ROWS,
    progress: bool = True,
) -> Summary:
    """Decides a recording and writes the decisions, a chunk at a time.

    Args:
        model: of the kind of device that was recorded.
        recording: CSV or Parquet; the rows of each device oldest first, those of several in any mixture.
        out: CSV or Parquet, complete at the end or not there.
        layout: of the recording.
        device_id: the id of the one device of a recording without a column for it.
        sort: the rows are in any order: sort them first, on disk.
        rows: of a chunk.
        progress: show a bar, where there is a terminal.

    Raises:
        DatasetError: the recording cannot be read, or the decisions not be written.
        OrderError: its rows go back in time, and are not to be sorted.
    """
    decisions.check_name(out)
    fleet, log, skipped = FleetHistory(model), IncidentLog(TOLD), _Counted()
    found = reading.chunks(recording, model.profile, layout, device_id=device_id, rows=rows)
    chunks = skipped.counting(_shown(found, recording, "reading" if sort else "scoring", progress))
    decided = anomalies = 0
    try:
        with decisions.writing(out, model.profile) as writer:
            batches = _sorted(model, chunks, progress) if sort else (c.pieces() for c in chunks)
            for pieces in batches:
                for some in fleet.take(pieces):
                    writer.write(decisions.table(model.profile, model.bundle.version, some))
                    log.take(some)
                    decided += len(some)
                    anomalies += sum(d.prediction.is_anomaly for d in some)
    except OrderError as e:
        raise OrderError(f"{recording.name}: {e}; --sort sorts them first, on disk") from None
    except OSError as e:
        raise DatasetError(f"{out.name} cannot be written: {e}") from None
    return Summary(len(fleet), fleet.outcomes, skipped.without_time, decided, anomalies, len(log), log.worst)


def run(
    recording: str,
    out: str,
    *,
    profile: str,
    bundle: Path | None = None,
    timestamp: str | None = None,
    device: str | None = None,
    device_id: str | None = None,
    sort: bool = False,
    force: bool = False,
) -> str:
    """The command: `score`, and what a person is told afterwards.

    Raises:
        AIoTError: something is missing or wrong; the text says what to do.
    """
    target = place(out)
    decisions.check_name(target)
    if target.size() is not None and not force:
        raise DatasetError(f"{out} is there already: name another by --out, or give --force")
    layout = layout_of(profile, timestamp=timestamp, device=device)
    model = detector.load(bundle_of(profile, bundle))
    summary = score(model, place(recording), target, layout, device_id=device_id, sort=sort)
    return summary.told(out)


class _Counted:
    def __init__(self) -> None:
        self.without_time = 0

    def counting(self, chunks: Iterable[reading.Chunk]) -> Iterator[reading.Chunk]:
        for chunk in chunks:
            self.without_time += chunk.without_time
            yield chunk


def _shown(chunks: Iterable[reading.Chunk], at: Place, what: str, progress: bool) -> Iterator[reading.Chunk]:
    hidden = None if progress else True
    with tqdm(total=at.size(), desc=what, unit="B", unit_scale=True, unit_divisor=1024, disable=hidden) as bar:
        for chunk in chunks:
            yield chunk
            bar.update(chunk.bytes_read - bar.n)


def _sorted(model: Detector, chunks: Iterable[reading.Chunk], progress: bool) -> Iterator[list[Piece]]:
    with sorting.sorting(len(model.profile.sensors)) as sorter:
        total = 0
        for chunk in chunks:
            sorter.add(chunk.devices, chunk.timestamps, chunk.values, "", chunk.rows)
            total += len(chunk)
        hidden = None if progress else True
        with tqdm(total=total, desc="scoring", unit="rows", unit_scale=True, disable=hidden) as bar:
            for piece in sorter.sorted():
                yield [piece]
                bar.update(len(piece[1]))
