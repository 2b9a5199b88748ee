"""Anomaly detection for IoT fleets: the library that notebooks, API, function and simulator share."""

import os

# ONNX Runtime's wheels keep a database of events below the home directory and report them home; asked for before they
# are imported, they do neither
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
