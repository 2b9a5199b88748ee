"""Asks the service of this container whether it is ready: python -m serving.healthcheck."""

from __future__ import annotations

import os
import sys
import urllib.request


def main() -> int:
    """0 if it is ready, else 1."""
    port = os.environ.get("AIP_HTTP_PORT") or os.environ.get("PORT") or "8080"
    try:
        # as a peer on this machine: never by way of a proxy
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{port}/health/ready", timeout=2):
            return 0
    except OSError as e:
        print(f"not ready: {e}", file=sys.stderr)  # noqa: T201 - the container engine keeps it
        return 1


if __name__ == "__main__":
    sys.exit(main())
