"""A small HTTP server that speaks the API's contract and fails on request: for faults that the real API has not."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiot_anomaly.calibration import CalibrationDocument
from aiot_anomaly.profile import Profile
from tests.support.tiny_bundle import tiny_profile


class ContractApi:
    """Answers for its profiles: a window whose last `flow` is above 60 is anomalous.

    A calibration of its own moves that to 1.2 times the mean flow of the readings that it was made of.

    Attributes:
        version: of the model that answers.
        alarms: a day and device, that the model's threshold came with.
        unreadable: versions whose calibrations it refuses.
        known: devices that the bundle has a calibration for.
        fewest: readings that a calibration is made of.
        calibrated: (device, readings) of each that was asked for.
        shares: of each sensor in a score; equal ones where it is empty.
        faults: taken one by one, each for one request: a status, "hang up", or seconds to wait before the answer.
        requests: (method, path, number of instances, headers) of each request that came.
    """

    def __init__(self, *profiles: Profile) -> None:
        self.profiles = {p.name: p for p in profiles or (tiny_profile(),)}
        self.version = "v1"
        self.alarms: int | None = None
        self.fewest = 100
        self.known = set[str]()
        self.unreadable = set[str]()
        self.calibrated: list[tuple[str, list[dict[str, Any]]]] = []
        self.shares: dict[str, float] = {}
        self.faults: list[int | float | str] = []
        self.requests: list[tuple[str, str, int, dict[str, str]]] = []
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any] | None:
        document = json.loads(body) if body else {}
        instances = document.get("instances", [])
        with self._lock:
            self.requests.append((method, path, len(instances), headers))
            fault = self.faults.pop(0) if self.faults else None
        if fault == "hang up":
            return None
        if isinstance(fault, int):
            return fault, {"error": {"code": "fault", "message": "as asked"}}
        if isinstance(fault, float):
            time.sleep(fault)
        return self._answer(path, document)

    def _answer(self, path: str, document: dict[str, Any]) -> tuple[int, Any]:
        if path == "/v1/models":
            return 200, {"models": []}
        name, _, verb = path.removeprefix("/v1/models/").partition(":")
        profile = self.profiles.get(name)
        if profile is None:
            return 404, {"error": {"code": "unknown_model", "message": f"no model {name}"}}
        if not verb:
            threshold = {"value": 1.0, "most_alarms_a_day": self.alarms}
            described = {"name": name, "version": self.version, "profile": profile.model_dump(mode="json")}
            return 200, described | {"threshold": threshold}
        if verb == "calibrate":
            return self._calibrate(profile, document)
        given = {i["calibration"]["model_version"] for i in document["instances"] if "calibration" in i}
        if given & self.unreadable:
            return 422, {"error": {"code": "invalid_calibration", "message": "of another shape", "details": {}}}
        return 200, {
            "model": name,
            "version": self.version,
            "predictions": [_predict(profile, i, self.shares, self.version, self.known) for i in document["instances"]],
        }

    def _calibrate(self, profile: Profile, document: dict[str, Any]) -> tuple[int, Any]:
        readings = document["readings"]
        with self._lock:
            self.calibrated.append((document["device_id"], readings))
        if len(readings) < self.fewest:
            return 422, {"error": {"code": "insufficient_history", "message": "too few", "details": {}}}
        mean = sum(r["values"]["flow"] for r in readings) / len(readings)
        calibration = CalibrationDocument(
            profile=profile.name,
            model_version=self.version,
            windows=len(readings),
            center=str(mean),
            scale="",
            weights="",
            score_scale="",
            band="",
        )
        return 200, {"model": profile.name, "version": self.version, "calibration": calibration.model_dump()}

    def paths(self) -> list[str]:
        return [path for _, path, _, _ in self.requests]


def _predict(
    profile: Profile, instance: dict[str, Any], shares: dict[str, float], version: str, known: set[str]
) -> dict[str, Any]:
    own, is_known = instance.get("calibration"), instance["device_id"] in known
    is_own = own is not None and own["model_version"] == version
    flow, most = instance["values"][-1][0], 1.2 * float(own["center"]) if is_own else 60.0
    return {
        "device_id": instance["device_id"],
        "window_end": instance["window_end"],
        "is_anomaly": flow > most,
        "score": flow / most,
        "severity": 0.5,
        "reason": "anomaly" if flow > most else "normal",
        "calibration": "device" if is_own else "bundle" if is_known else "fleet",
        "contributions": [
            {"sensor": s, "share": shares.get(s, 1 / len(profile.sensors))} for s in profile.sensor_names
        ],
        "expected": {s: {"value": 50, "lower": 40, "upper": 60} for s in profile.sensor_names},
    }


@contextmanager
def running(api: ContractApi, port: int = 0) -> Iterator[str]:
    """Serves until the end of the block; gives the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = api.answer(self.command, self.path, body, dict(self.headers))
            if answer is None:
                self.close_connection = True
                return
            status, document = answer
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve  # noqa: N815 - the names that http.server looks for

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
