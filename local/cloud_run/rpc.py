"""From plain handlers to gRPC method handlers: messages are raw protobuf, refusals become statuses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from local.cloud_run.errors import RefusalError


def service(name: str, **methods: Any) -> Any:
    """The service of this full name; a method that is not given answers UNIMPLEMENTED."""
    return grpc.method_handlers_generic_handler(name, methods)


def unary(handle: Callable[[Any], Awaitable[Any]], parse: Callable[[bytes], Any]) -> Any:
    """A call with one request and one answer; `parse` makes the request from its bytes."""

    async def call(request: Any, context: Any) -> Any:
        try:
            return await handle(request)
        except RefusalError as refusal:
            await context.abort(refusal.status, str(refusal))

    return grpc.unary_unary_rpc_method_handler(call, parse, _serialize)


def _serialize(message: Any) -> bytes:
    return bytes(message.SerializeToString())
