"""Recordings, split into what trains, what is held back, and what tests."""

from __future__ import annotations

import hashlib
import math
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from aiot_anomaly import paths, series
from aiot_anomaly.calibration import FEWEST_WINDOWS
from aiot_anomaly.datasets import fleet, skab, table
from aiot_anomaly.datasets.fingerprint import fingerprint
from aiot_anomaly.datasets.fleet import Truth
from aiot_anomaly.datasets.layout import Layout
from aiot_anomaly.datasets.recording import Recording
from aiot_anomaly.errors import DatasetError
from aiot_anomaly.profile import Profile
from aiot_anomaly.series import Bool, Int, Series
from aiot_anomaly.windows import Windows, cut


@dataclass(frozen=True)
class Device:
    """One device's recording and its windows, split by time.

    Attributes:
        recording: as it was recorded.
        series: the same on the grid.
        windows: complete or not, in order of time; without those of the training part that hold labelled rows.
        labels: (W,) True where the window ends inside a labelled anomaly; all False without labels.
        train_until: windows that end up to here (seconds since 1970) are training material: normal, for sure.
        tested_after: windows that end later are the test part. Where the profile declares a validation part, that lies
            between; else this is `train_until`.
        pooled: False keeps it out of everything that is learned from many devices.
        fleet: the name of its folder, where the data is several fleets.
    """

    recording: Recording
    series: Series
    windows: Windows
    labels: Bool
    train_until: int
    tested_after: int
    pooled: bool = True
    fleet: str = ""

    @property
    def device_id(self) -> str:
        """The device."""
        return self.recording.device_id

    def train(self) -> Windows:
        """Complete windows of the training part."""
        return self.windows.only(self.windows.complete & (self.windows.ends <= self.train_until))

    def fitting(self, held_back: float) -> Windows:
        """Complete windows of the training part but for its last `held_back` share: what the network sees."""
        return self._part(0.0, 1.0 - held_back)

    def held_back(self, share: float) -> Windows:
        """The last `share` of the complete training windows: what stops training and sets the threshold."""
        return self._part(1.0 - share, 1.0)

    def _part(self, start: float, end: float) -> Windows:
        train = self.train()
        n = len(train)
        index = np.arange(n)
        return train.only((index >= round(start * n)) & (index < round(end * n)))

    def test(self) -> tuple[Windows, Bool]:
        """The windows of the test part, complete or not, and their labels."""
        chosen = self.windows.ends > self.tested_after
        return self.windows.only(chosen), self.labels[chosen]

    def validation(self) -> tuple[Windows, Bool]:
        """The windows between training and test, and their labels: none, unless the profile declares such a part."""
        chosen = (self.windows.ends > self.train_until) & (self.windows.ends <= self.tested_after)
        return self.windows.only(chosen), self.labels[chosen]


@dataclass(frozen=True)
class Dataset:
    """The devices of one profile.

    Attributes:
        profile: the kind of device.
        devices: the monitored ones, and those that teach.
        fingerprint: of all data.
        source: the fingerprint of the data that the teachers are from; differs from `fingerprint` where others are
            watched.
        labelled: True where labels are known.
    """

    profile: Profile
    devices: tuple[Device, ...]
    fingerprint: str
    source: str
    labelled: bool

    def monitored(self) -> list[Device]:
        """The devices that are watched: each gets a calibration, and is tested."""
        return [d for d in self.devices if len(d.test()[0])]

    def pooled(self) -> list[Device]:
        """The devices that thresholds may be learned from: the more, the less a threshold hangs on single incidents."""
        return [d for d in self.devices if d.pooled]

    def teachers(self) -> list[Device]:
        """The devices that the network learns from: those that are not monitored, if there are such.

        A network's residuals on devices that it has never seen are honest, those on its own are too small.
        """
        return [d for d in self.pooled() if not len(d.test()[0])] or self.pooled()

    def watching(self, others: Dataset) -> Dataset:
        """The same teachers, and the monitored devices of another data set in the place of these.

        The fingerprint is of both.
        """
        both = hashlib.sha256(f"{self.fingerprint}\n{others.fingerprint}\n".encode()).hexdigest()
        return Dataset(self.profile, (*others.monitored(), *self.teachers()), both, self.source, others.labelled)


#: what `load` reads as a file of anybody's recording
TABLES = frozenset({".csv", ".tsv", ".txt", ".parquet"})


def load(
    profile: Profile,
    source: str,
    *,
    most_devices: int | None = None,
    layout: Layout | None = None,
    train_until: str = "",
) -> Dataset:
    """Loads the data of a training run.

    Args:
        profile: the kind of device.
        source: "skab"; a folder with `train/` and `test/`, each written by the simulator, where devices that are in
            `train/` alone teach the network and are not monitored, or a folder of such folders; or a CSV or Parquet
            file, read as `layout` says. What is relative is below the repository.
        most_devices: only the first so many monitored devices and as many teachers, for a quick look.
        layout: of a file; None: a column `timestamp`, and the sensors' names.
        train_until: of a file, instead of the layout's: a share of each device's rows, or a time.

    Raises:
        DatasetError: there is no such data, or it does not fit the profile.
    """
    place = Path(source) if Path(source).is_absolute() else paths.root() / source
    excluded: set[str] = set()
    belongs: dict[str, str] = {}
    if source == "skab":
        place = skab.locate()
        recordings = [skab.read(place, name) for name in skab.recordings(place)]
        excluded = {skab.device_id(name) for name in skab.POOL_EXCLUDED}
    elif place.suffix in TABLES:
        recordings = recorded(profile, place, layout or Layout(), train_until)
    else:
        fleets = {folder: _fleet(folder, profile) for folder in _fleets(place, profile.name)}
        recordings = [r for of in fleets.values() for r in of]
        belongs = {r.device_id: folder.name for folder, of in fleets.items() for r in of}
        if len(belongs) < len(recordings):
            raise DatasetError(f"{place}: two fleets have devices of the same name; number them apart")
    monitored = [r for r in recordings if r.train_rows is None or r.train_rows < len(r)]
    others = [r for r in recordings if r.train_rows == len(r)]
    chosen = monitored[:most_devices] + others[:most_devices]
    # SKAB's official split declares each recording's first 400 rows normal, also where its labels say otherwise
    official = source == "skab"
    devices = [prepare(profile, r, pooled=r.device_id not in excluded, trusted=official) for r in chosen]
    if len(set(belongs.values())) > 1:
        devices = [replace(d, fleet=belongs[d.device_id]) for d in devices]
    if place.suffix in TABLES:
        devices = _long_enough(devices, place)
    own = fingerprint(place)
    return Dataset(
        profile,
        tuple(devices),
        own,
        own,
        labelled=any(r.labels is not None and r.labels.any() for r in chosen),
    )


def recorded(profile: Profile, path: Path, layout: Layout, train_until: str = "") -> list[Recording]:
    """The recordings of a file; arguments and errors as for `load`."""
    if train_until:
        try:
            layout = layout.model_copy(update={"train_until": float(train_until)})
        except ValueError:
            layout = layout.model_copy(update={"train_until": train_until})
    return table.read_as(path, profile, layout)


def _long_enough(devices: list[Device], path: Path) -> list[Device]:
    """Without the devices that have too few normal windows to be calibrated; the API judges them by the fleet's."""
    # three in ten or so are held back, and what is left must be enough
    least = math.ceil(1.45 * FEWEST_WINDOWS)
    kept = [d for d in devices if len(d.train()) >= least]
    if not kept:
        most = max(devices, key=lambda d: len(d.train()))
        raise DatasetError(
            f"{path}: no device has {least} complete normal windows in its training part; {most.device_id} has most, "
            f"{len(most.train())}. Train until later (`train_until`), or give the profile "
            "a shorter window, a smaller stride or a longer `longest_gap`"
        )
    if len(kept) < len(devices):
        short = sorted({d.device_id for d in devices} - {d.device_id for d in kept})
        warnings.warn(f"left out, fewer than {least} complete normal windows: {', '.join(short)}", stacklevel=3)
    return kept


def truth(source: str) -> list[Truth]:
    """What really happened in the test part, where the source has files that say so.

    Raises:
        DatasetError: such a file cannot be read.
    """
    files = [folder / "test" / fleet.TRUTH for folder in _parts(paths.root() / source)]
    return [event for file in files if file.is_file() for event in fleet.read_truth(file)]


def _parts(place: Path) -> list[Path]:
    """The folders with a `train/`: the place itself, or those in it, in order of their names."""
    inner = sorted(p for p in place.iterdir() if (p / "train").is_dir()) if place.is_dir() else []
    return [place] if (place / "train").is_dir() else inner


def _fleets(place: Path, profile_name: str) -> list[Path]:
    found = _parts(place)
    if not found:
        raise DatasetError(f"no folder {place / 'train'}: make it with `make data PROFILE={profile_name}`")
    return found


def _fleet(folder: Path, profile: Profile) -> list[Recording]:
    train = {r.device_id: r for r in fleet.read(folder / "train", profile).recordings}
    test = {r.device_id: r for r in fleet.read(folder / "test", profile).recordings}
    joined = []
    for device_id, before in train.items():
        after = test.get(device_id, before.head(0))
        labels = np.zeros(len(after), dtype=bool) if after.labels is None else after.labels
        joined.append(
            Recording(
                device_id,
                np.concatenate([before.timestamps, after.timestamps]),
                np.concatenate([before.values, after.values]),
                np.concatenate([np.zeros(len(before), dtype=bool), labels]),
                train_rows=len(before),
            )
        )
    return joined


def prepare(profile: Profile, recording: Recording, *, pooled: bool = True, trusted: bool = False) -> Device:
    """A recording with its windows and labels, split by time.

    Args:
        profile: the kind of device.
        recording: says until when it is for training.
        pooled: False keeps it out of everything that is learned from many devices.
        trusted: the training part is normal whatever the labels say; else windows with labelled rows are left out.

    Raises:
        DatasetError: the recording does not say which of its rows are normal.
    """
    if not recording.train_rows:
        raise DatasetError(f"{recording.device_id}: it is not known which of its rows are normal, or none is")
    slots = series.slots(profile, recording.timestamps)
    on_grid = series.on_grid(profile, slots, recording.values)
    windows = cut(profile, on_grid)
    labels = np.zeros(len(windows), dtype=bool)
    if recording.labels is not None and len(windows):
        # a window has the label of the last reading up to its end
        at = np.searchsorted(slots * profile.interval_s, windows.ends, side="right") - 1
        labels = recording.labels[at]
    until = int(slots[recording.train_rows - 1]) * profile.interval_s
    doubtful = (windows.ends <= until) & (not trusted)
    spoilt = doubtful & _holds_anomaly(profile, recording, slots, windows.ends)
    later = windows.ends[windows.ends > until]
    validated = round((profile.threshold.validation or 0.0) * len(later))
    after = int(later[validated - 1]) if validated else until
    return Device(recording, on_grid, windows.only(~spoilt), labels[~spoilt], until, after, pooled)


def _holds_anomaly(profile: Profile, recording: Recording, slots: Int, ends: Int) -> Bool:
    """(W,) True where a labelled row is among those that a window is made of."""
    if recording.labels is None or not recording.labels.any():
        return np.zeros(len(ends), dtype=bool)
    marked = slots[recording.labels]
    last = ends // profile.interval_s
    first = np.searchsorted(marked, last - profile.history, side="right")
    return np.asarray(first < np.searchsorted(marked, last, side="right"))
