"""A small HTTP server that speaks the API's contract and fails on request: for faults that the real API has not."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiot_anomaly.profile import Profile
from tests.support.tiny_bundle import tiny_profile


class ContractApi:
    """Answers for its profiles: a window whose last `flow` is above 60 is anomalous.

    Attributes:
        version: of the model that answers.
        shares: of each sensor in a score; equal ones where it is empty.
        faults: taken one by one, each for one request: a status, "hang up", or seconds to wait before the answer.
        requests: (method, path, number of instances, headers) of each request that came.
    """

    def __init__(self, *profiles: Profile) -> None:
        self.profiles = {p.name: p for p in profiles or (tiny_profile(),)}
        self.version = "v1"
        self.shares: dict[str, float] = {}
        self.faults: list[int | float | str] = []
        self.requests: list[tuple[str, str, int, dict[str, str]]] = []
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any] | None:
        instances = json.loads(body)["instances"] if body else []
        with self._lock:
            self.requests.append((method, path, len(instances), headers))
            fault = self.faults.pop(0) if self.faults else None
        if fault == "hang up":
            return None
        if isinstance(fault, int):
            return fault, {"error": {"code": "fault", "message": "as asked"}}
        if isinstance(fault, float):
            time.sleep(fault)
        name, _, verb = path.removeprefix("/v1/models/").partition(":")
        profile = self.profiles.get(name)
        if profile is None:
            return 404, {"error": {"code": "unknown_model", "message": f"no model {name}"}}
        if not verb:
            return 200, {"name": name, "version": self.version, "profile": profile.model_dump(mode="json")}
        return 200, {
            "model": name,
            "version": self.version,
            "predictions": [_predict(profile, i, self.shares) for i in instances],
        }

    def paths(self) -> list[str]:
        return [path for _, path, _, _ in self.requests]


def _predict(profile: Profile, instance: dict[str, Any], shares: dict[str, float]) -> dict[str, Any]:
    flow = instance["values"][-1][0]
    return {
        "device_id": instance["device_id"],
        "window_end": instance["window_end"],
        "is_anomaly": flow > 60,
        "score": flow / 60,
        "severity": 0.5,
        "reason": "anomaly" if flow > 60 else "normal",
        "calibration": "fleet",
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
