"""From plain handlers to gRPC method handlers: messages are raw protobuf, refusals become statuses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped] # protobuf ships no stubs

from local.pubsub.errors import (
    AlreadyExistsError,
    InvalidArgumentError,
    NotFoundError,
    RefusalError,
    UnavailableError,
    UnsupportedError,
)

EMPTY = Empty()

_STATUS: dict[type[RefusalError], Any] = {
    AlreadyExistsError: grpc.StatusCode.ALREADY_EXISTS,
    NotFoundError: grpc.StatusCode.NOT_FOUND,
    InvalidArgumentError: grpc.StatusCode.INVALID_ARGUMENT,
    UnavailableError: grpc.StatusCode.UNAVAILABLE,
    UnsupportedError: grpc.StatusCode.UNIMPLEMENTED,
}


def service(name: str, **methods: Any) -> Any:
    """The `google.pubsub.v1` service `name`; a method that is not given answers UNIMPLEMENTED."""
    return grpc.method_handlers_generic_handler(f"google.pubsub.v1.{name}", methods)


def unary(handle: Callable[[Any, Any], Awaitable[Any]], request_type: Any) -> Any:
    """A call with one request (of proto-plus type `request_type`) and one answer."""

    async def call(request: Any, context: Any) -> Any:
        try:
            return await handle(request, context)
        except RefusalError as refusal:
            await context.abort(_STATUS[type(refusal)], str(refusal))

    return grpc.unary_unary_rpc_method_handler(call, request_type.pb().FromString, _serialize)


def streaming(handle: Callable[[AsyncIterator[Any]], AsyncIterator[Any]], request_type: Any) -> Any:
    """A call with a stream of requests (of proto-plus type `request_type`) and a stream of answers."""

    async def call(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        try:
            async for response in handle(requests):
                yield response
        except RefusalError as refusal:
            await context.abort(_STATUS[type(refusal)], str(refusal))

    return grpc.stream_stream_rpc_method_handler(call, request_type.pb().FromString, _serialize)


def _serialize(message: Any) -> bytes:
    return bytes(message.SerializeToString())
