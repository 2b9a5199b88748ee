from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from aiot_anomaly.messages import Reading, ReadingBatch
from simulator.encoding import Encoder

SENSORS = ("flow", "100 %", 'the "inner" one', "Druck in m³/h")


def test_many_readings_become_the_bytes_that_the_contract_writes_whatever_the_sensors_are_called() -> None:
    times = np.array([0, 1_769_990_400, 1_769_991_301])
    values = np.array([[1.0, np.nan, -0.0, 1e22], [5e-324, 0.1, 1e-7, 123456.789], [np.nan] * 4])
    readings = [
        Reading(
            timestamp=datetime.fromtimestamp(when, UTC),
            values={s: None if np.isnan(v) else v for s, v in zip(SENSORS, row, strict=True)},
        )
        for when, row in zip(times.tolist(), values.tolist(), strict=True)
    ]
    encoder = Encoder(SENSORS)
    text = encoder.message("pump:1", encoder.readings(times, values))
    assert text == ReadingBatch(device_id="pump:1", readings=readings).encode()


def test_no_reading_is_no_text() -> None:
    assert Encoder(SENSORS).readings(np.empty(0, dtype=np.int64), np.empty((0, 4))) == []
