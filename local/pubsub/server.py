"""The embedded server: `google.pubsub.v1` over gRPC on the in-memory broker.

The ordinary google-cloud-pubsub client works against it where PUBSUB_EMULATOR_HOST names it. A method that is not
here answers UNIMPLEMENTED, as does a subscription feature that would otherwise be ignored in silence. Credentials
are neither checked nor sent: a push carries no OIDC token.
"""

from __future__ import annotations

import grpc

from local.pubsub.broker import Broker
from local.pubsub.publisher import Publisher
from local.pubsub.push import Pushers
from local.pubsub.subscriber import Subscriber

DEFAULT_OUTSTANDING_PUSHES = 32
_OPTIONS = (
    ("grpc.so_reuseport", 0),  # a second server on the port is an error, not a silent half of the messages
    ("grpc.max_receive_message_length", 20 * 1024 * 1024),
    ("grpc.max_send_message_length", 20 * 1024 * 1024),
    ("grpc.keepalive_permit_without_calls", 1),  # clients ping quiet streams every 30 s
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5000),
)


class Server:
    """One broker behind one port; `await start()`, then `await stop()` on the same event loop."""

    def __init__(self, *, outstanding_pushes: int = DEFAULT_OUTSTANDING_PUSHES) -> None:
        self._broker = Broker()
        self._pushers = Pushers(outstanding=outstanding_pushes)
        self._server = grpc.aio.server(options=_OPTIONS)
        services = (Publisher(self._broker).service(), Subscriber(self._broker, self._pushers).service())
        self._server.add_generic_rpc_handlers(services)

    async def start(self, host: str, port: int) -> int:
        """Listen on `host`:`port` (0: a free port) and give the port; RuntimeError if it is taken."""
        bound = int(self._server.add_insecure_port(f"{host}:{port}"))
        await self._server.start()
        return bound

    async def stop(self) -> None:
        """End calls and pushes; unacknowledged messages are lost with the memory."""
        await self._pushers.close()
        self._broker.close()
        await self._server.stop(grace=0.2)
