"""Brings the books of one market back: by a REST snapshot, or by subscribing anew. Wiring; the rules are in `recovery`."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from random import Random
from typing import Final

from actors.collector import rest
from actors.collector.backoff import Backoff
from actors.collector.budget import Budget
from actors.collector.exchange.line import Line
from actors.collector.exchange.recovery import Recovery
from actors.collector.intake.normaliser import Normaliser
from actors.collector.market_feed import Host
from actors.collector.outbox import Outbox
from actors.collector.venue import Venue

QUIET_BOOK_NS: Final = 2_000_000_000
"""A book without any change is asked for so long after its stream was confirmed."""
QUIET_SNAPSHOT_NS: Final = 5_000_000_000
"""A stream that should begin with a snapshot is subscribed anew so long after it was confirmed without one."""
STREAM_PATIENCE_S: Final = 10.0
"""... and again after this, if that has not brought one either."""
SNAPSHOT_CAP_S: Final = 30.0
AT_ONCE: Final = 4
AT_ONCE_STREAMED: Final = 50
"""Books that are brought back at the same time; those of a stream come without a request each."""


class _Kept:
    """The stream of one book."""

    __slots__ = ("confirmed_ns", "generation", "line", "raw", "stream")

    def __init__(self, stream: str, raw: str, line: Line) -> None:
        self.stream = stream
        self.raw = raw
        self.line = line
        self.confirmed_ns: int | None = None
        """When the venue confirmed it, monotonic; None: it has not (yet)."""
        self.generation = 0
        """Of the book when that was."""


class BookRecovery:
    """The recovery owner of every unsynced book of one market.

    Args:
        host: The collector.
        venue: Whom to ask.
        market: One of its markets.
        normaliser: Keeps the books.
        outbox: Takes what comes of it.
        random: For jitter.
    """

    def __init__(
        self,
        host: Host,
        venue: Venue,
        market: str,
        normaliser: Normaliser,
        outbox: Outbox,
        random: Random,
    ) -> None:
        settings = host.settings
        self.is_streamed = normaliser.is_streamed
        weight_per_min = settings.snapshot_weight_per_min.get(market, 1000)
        self.budget = Budget(weight_per_min, weight_per_min / 60.0, host.clock.mono_ns())
        self._host = host
        self._venue = venue
        self._market = market
        self._settings = settings
        self._normaliser = normaliser
        self._outbox = outbox
        self._books: dict[str, _Kept] = {}
        self._recovery = Recovery(
            1 if self.is_streamed else venue.snapshot_weight(market, settings.snapshot_depth),
            self.budget,
            lambda: Backoff(settings.snapshot_retry_s, SNAPSHOT_CAP_S, random.random),
            patience_s=STREAM_PATIENCE_S if self.is_streamed else 3.0 * settings.rest_timeout_s,
            at_once=AT_ONCE_STREAMED if self.is_streamed else AT_ONCE,
        )

    def __len__(self) -> int:
        """Books that are kept."""
        return len(self._books)

    @property
    def under_way(self) -> int:
        """Snapshots asked for and not there yet."""
        return self._recovery.under_way

    @property
    def closed_until_ns(self) -> int:
        """Until when the venue wants no request, monotonic."""
        return self._recovery.closed_until_ns

    def hold(self, until_ns: int) -> None:
        """The venue has said so to somebody else."""
        self._recovery.closed_until_ns = max(self._recovery.closed_until_ns, until_ns)

    def keep(self, symbol: str, stream: str, raw: str, line: Line) -> None:
        """The book of this symbol comes by this stream on this line."""
        self._books[symbol] = _Kept(stream, raw, line)

    def forget(self, symbol: str) -> None:
        """It is no longer wanted."""
        self._books.pop(symbol, None)
        self._recovery.forget(symbol)

    def confirmed(self, symbol: str, stream: str, mono_ns: int) -> None:
        """The venue has confirmed a stream of this symbol."""
        kept = self._books.get(symbol)
        if kept is not None and kept.stream == stream and kept.confirmed_ns is None:
            kept.confirmed_ns = mono_ns
            kept.generation = self._normaliser.tapes[symbol].book.generation

    def down(self, symbols: Iterable[str]) -> None:
        """The connection of these is gone."""
        for symbol in symbols:
            if symbol in self._books:
                self._books[symbol].confirmed_ns = None

    def tick(self, mono_ns: int) -> None:
        """Ask for what is due."""
        unsynced = self._normaliser.unsynced
        if self.is_streamed:
            self._recovery.settle(unsynced, mono_ns)
        if unsynced:
            ready = [symbol for symbol in unsynced if self._is_ready(symbol, mono_ns)]
            for symbol in self._recovery.due(ready, mono_ns):
                (self._renew if self.is_streamed else self._ask)(symbol)

    def _is_ready(self, symbol: str, mono_ns: int) -> bool:
        """Whether to ask makes sense: changes are coming, or the venue has confirmed and nothing comes."""
        kept = self._books.get(symbol)
        if kept is None or not kept.line.is_active(kept.stream):
            return False
        quiet_ns = mono_ns - (kept.confirmed_ns or mono_ns)
        book = self._normaliser.tapes[symbol].book
        if self.is_streamed:
            is_lost = kept.confirmed_ns is not None and book.generation > kept.generation
            return is_lost or quiet_ns >= QUIET_SNAPSHOT_NS
        return book.waiting > 0 or quiet_ns >= QUIET_BOOK_NS

    def _renew(self, symbol: str) -> None:
        """Subscribe its stream anew: it begins with a snapshot."""
        kept = self._books[symbol]
        self._host.counters["books_resubscribed"] += 1
        kept.confirmed_ns = None
        kept.line.renew(kept.stream)

    def _ask(self, symbol: str) -> None:
        kept, settings = self._books[symbol], self._settings
        base = settings.rest_url[self._market].rstrip("/")
        url = base + self._venue.snapshot_path(self._market, kept.raw, settings.snapshot_depth)
        generation = self._normaliser.tapes[symbol].book.generation
        self._host.counters["snapshots_asked"] += 1
        self._host.submit(
            functools.partial(rest.get, url, settings.rest_timeout_s),
            functools.partial(self._on_snapshot, symbol, generation),
        )

    def _on_snapshot(self, symbol: str, generation: int, result: bytes | Exception) -> None:
        mono_ns = self._host.clock.mono_ns()
        if isinstance(result, rest.RestError):
            pause_s = self._recovery.failed(symbol, mono_ns, result.status, result.retry_after_s)
            self._host.drop("snapshot_failed", f"{symbol}: {result}; again in {pause_s:.1f} s")
            return
        if isinstance(result, Exception):
            raise result
        if symbol not in self._normaliser.tapes:
            return
        ts_recv_ns = self._host.clock.now_ns()
        if self._normaliser.take_snapshot(symbol, result, ts_recv_ns, generation):
            self._host.counters["books_synced"] += 1
            self._recovery.synced(symbol, mono_ns)
        else:
            self._recovery.failed(symbol, mono_ns)
        self._outbox.flush()
