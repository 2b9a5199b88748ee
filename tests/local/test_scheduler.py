"""The function is asked to sweep, again and again, also after it was away."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from local.scheduler import sweeping
from tests.functions.processes import free_port, wait_for


def test_it_sweeps_until_the_end_and_goes_on_when_the_function_comes_back() -> None:
    asked = list[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    port = free_port()
    with sweeping(f"http://127.0.0.1:{port}", every_s=0.05):
        server = HTTPServer(("127.0.0.1", port), Handler)
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        wait_for(lambda: len(asked) >= 3)
    n = len(asked)
    server.shutdown()
    server.server_close()
    thread.join()
    assert set(asked) == {"/sweep"}
    assert len(asked) <= n + 1
