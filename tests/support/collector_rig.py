"""A collector as a real process between a venue that the test steers and an ear on its publisher."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.support.config import write_config
from tests.support.peers import Ear, Peers, peers_of
from tests.support.process import ActorProcess
from tests.support.venue_server import VenueServer
from tests.support.wait import until

NAME: Final = "collector.binance.1"
BTC: Final = "trade.binance.BTC_USDT"
LEVELS: Final = {"bids": [["99", "1"]], "asks": [["101", "2"]]}


class Rig:
    """A venue, a collector, and what it publishes."""

    def __init__(
        self, venue: VenueServer, peers: Peers, ear: Ear, process: ActorProcess, config: Path
    ) -> None:
        self.venue, self.peers, self.ear, self.process, self.config = venue, peers, ear, process, config

    def ask(self, op: str, **fields: Any) -> Any:
        """Ask its control socket; returns the answer's data."""
        reply = self.peers.ask(NAME, op, **fields)
        assert reply.ok, reply
        return msgspec.msgpack.decode(reply.data)

    def trade(self, trade_id: int, raw: str = "BTCUSDT", **changes: Any) -> None:
        """Let the venue send a trade."""
        now_ms = time.time_ns() // 1_000_000
        data = {
            "e": "trade",
            "E": now_ms,
            "s": raw,
            "t": trade_id,
            "p": "100.5",
            "q": "2",
            "T": now_ms,
            "m": False,
        }
        self.venue.send(f"{raw.lower()}@trade", **data | changes)

    def depth(self, first: int, last: int, raw: str = "BTCUSDT", bids: Any = (), asks: Any = ()) -> None:
        """Let the venue send a change of a book."""
        now_ms = time.time_ns() // 1_000_000
        data = {
            "e": "depthUpdate",
            "E": now_ms,
            "s": raw,
            "U": first,
            "u": last,
            "b": list(bids),
            "a": list(asks),
        }
        self.venue.send(f"{raw.lower()}@depth@100ms", **data)

    def status(self, ready: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The collector's status once it fits."""

        def look() -> dict[str, Any] | None:
            status = self.ask("status")
            return status if ready(status) else None

        found = until(look, 40.0, "a status that fits")
        assert found is not None
        return found

    def synced(self, raw: str = "BTCUSDT", symbol: str = "BTC_USDT") -> None:
        """Bring one book to life at update 10."""
        self.venue.client(f"{raw.lower()}@depth@100ms")
        self.venue.set_snapshot(raw, 9, **LEVELS)
        self.depth(10, 10, raw)
        self.ear.until(lambda book: book.is_snapshot and book.symbol == symbol, "book.")


@contextmanager
def rig_of(
    run_dir: Path, symbols: tuple[str, ...] = ("BTC_USDT",), beside: tuple[str, ...] = (), **settings: Any
) -> Iterator[Rig]:
    """A running collector with these settings; `beside`: other actors in the configuration, not started."""
    with VenueServer() as venue, peers_of(run_dir) as peers:
        section = {
            "ws_url": {"spot": venue.ws_url},
            "rest_url": {"spot": venue.rest_url},
            "symbols": list(symbols),
            "backoff_base_s": 0.01,
            "snapshot_retry_s": 0.05,
            "repair_retry_s": 0.05,
            "repair_klines": False,
            "watermark_s": 0.05,
        }
        config = write_config(
            run_dir, {NAME: section | settings, **{name: {} for name in beside}}, heartbeat_s=0.05
        )
        ear = peers.ear(NAME)
        with ActorProcess("collector", NAME, config) as process:
            ear.beat("RUNNING")
            yield Rig(venue, peers, ear, process, config)
            assert process.is_alive, "the collector must survive everything a venue does"
