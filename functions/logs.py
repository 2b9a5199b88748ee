"""Logs as Cloud Logging reads them: one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys


class JsonFormatter(logging.Formatter):
    """`severity`, `message`, the record's `fields`, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        line: dict[str, object] = {"severity": record.levelname, "message": record.getMessage(), "logger": record.name}
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure() -> None:
    """Sends the function's own logs to standard output; those of libraries stay as they are."""
    own = logging.getLogger("functions")
    if own.handlers:
        return
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    own.addHandler(handler)
    own.setLevel(logging.INFO)
    own.propagate = False
