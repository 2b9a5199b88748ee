"""What the stand-in answers with an error."""

from __future__ import annotations

import grpc

from aiot_anomaly.errors import AIoTError


class RefusalError(AIoTError):
    """A request that is answered with a gRPC status."""

    code = "refused"

    def __init__(self, status: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.status = status
