"""One JSON object a line on stdout, with the field names that Cloud Logging reads."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import orjson

from serving import trace_context


class JsonFormatter(logging.Formatter):
    """A record as JSON; `extra={"fields": {…}}` adds fields, and the request's trace is named.

    Args:
        project: of Google Cloud, whose traces they are; without it a trace is named by its id alone.
    """

    def __init__(self, project: str = "") -> None:
        super().__init__()
        self._traces = f"projects/{project}/traces/" if project else ""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "severity": record.levelname,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
            **self._trace(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()

    def _trace(self) -> dict[str, object]:
        found = trace_context.current()
        if found is None:
            return {}
        named: dict[str, object] = {
            "logging.googleapis.com/trace": f"{self._traces}{found.id}",
            "logging.googleapis.com/trace_sampled": found.sampled,
        }
        return {**named, "logging.googleapis.com/spanId": found.span} if found.span else named


def configure(project: str = "") -> None:
    """Sends all logs of this process, uvicorn's too, to stdout as JSON; `project` as for `JsonFormatter`."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(project))
    logging.captureWarnings(True)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
