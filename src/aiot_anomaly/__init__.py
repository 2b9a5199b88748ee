"""Anomaly detection for IoT fleets: the library that notebooks, API, function and simulator share."""
