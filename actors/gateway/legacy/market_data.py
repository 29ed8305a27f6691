"""Answers of `/market-data` as bytes; the fast way and the routes of the document give the very same."""

from __future__ import annotations

from typing import Final

import msgspec

from actors.gateway.context import Context
from actors.gateway.legacy.quotes import (
    OldQuote,
    everything,
    feed_health,
    old_quote,
    old_quotes,
    ttl_of,
)
from protocol.errors import DECODE_ERRORS, InvalidRequest, PayloadError, error_from_code
from protocol.requests import Reply, Request

_encode: Final = msgspec.json.Encoder().encode


class MarketData:
    """The old receivers' reads."""

    ALL: Final = Request(op="ticks", allow_stale=True)
    """What to ask for all symbols."""

    def __init__(self, context: Context) -> None:
        self._reads = context.reads
        self._catalog = context.catalog
        self._ttl_s = ttl_of(context.common.actors)

    def _pip_size(self, symbol: str) -> float:
        return self._catalog.get(symbol).pip_size if symbol in self._catalog else 0.0

    async def feed(self, symbol: str, venue: str = "", *, allow_stale: bool = False) -> bytes:
        """One symbol.

        Raises:
            HubError: unknown, no data, stale; the hub does not answer.
        """
        if not symbol:
            raise InvalidRequest("name a symbol: /market-data/feed?symbol=EURUSD", errors=["symbol: missing"])
        request = Request(op="tick", symbol=symbol, venue=venue, allow_stale=allow_stale)
        return self.feed_of(await self._reads.ask(request))

    def feed_of(self, reply: Reply) -> bytes:
        """One symbol, of a reply to `tick`.

        Raises:
            HubError: it is a refusal.
        """
        _check(reply)
        try:
            return _encode(old_quote(reply, self._pip_size, self._ttl_s))
        except DECODE_ERRORS as fault:
            raise PayloadError(f"answer to tick cannot be read: {fault}") from fault

    async def all(self) -> bytes:
        """All symbols, stale ones too: each says so.

        Raises:
            HubError: the hub does not answer.
        """
        return self.all_of(await self._reads.ask(self.ALL))

    def all_of(self, reply: Reply) -> bytes:
        """All symbols, of a reply to `ALL`.

        Raises:
            HubError: it is a refusal.
        """
        return _encode(everything(self._quotes(reply), reply.ts_ns))

    async def health(self) -> bytes:
        """How fresh they are.

        Raises:
            HubError: the hub does not answer.
        """
        reply = await self._reads.ask(self.ALL)
        return _encode(feed_health(self._quotes(reply), reply.ts_ns))

    def _quotes(self, reply: Reply) -> list[OldQuote]:
        _check(reply)
        try:
            return old_quotes(reply, self._pip_size, self._ttl_s)
        except DECODE_ERRORS as fault:
            raise PayloadError(f"answer to ticks cannot be read: {fault}") from fault


def _check(reply: Reply) -> None:
    if not reply.ok:
        raise error_from_code(reply.code, reply.message, reply.details)
