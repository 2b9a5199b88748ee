"""An offer to speak another protocol, which Java's HTTP client makes first of all, is passed over (RFC 9110, 7.8)."""

from __future__ import annotations

import sys

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Offers(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which goes on in HTTP/1.1 where httptools ends a request at its head.

    What follows the head it takes for the other protocol's, and the request's body would be lost: so the head is read
    again, without the offer.
    """

    _data = _again = b""

    def data_received(self, data: bytes) -> None:
        """Reads, and where that ended at an offer, reads on."""
        self._data = data
        super().data_received(data)
        while self._again:
            self._data, self._again = self._again, b""
            super().data_received(self._data)

    def on_headers_complete(self) -> None:
        """Unless it is to be read again."""
        if not self._has_offer():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Unless it is to be read again."""
        if not self._has_offer():
            super().on_message_complete()

    def _has_offer(self) -> bool:
        return bool(self.parser.should_upgrade()) and self.parser.get_method() != b"CONNECT"

    def _unsupported_upgrade_warning(self) -> None:
        """Called where httptools says how far it has read."""
        found = sys.exception()
        if not isinstance(found, httptools.HttpParserUpgrade) or not self._has_offer():
            super()._unsupported_upgrade_warning()
            return
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        self._again = b"\r\n".join([*lines, b"", b""]) + self._data[found.args[0] :]
        self.parser = httptools.HttpRequestParser(self)
