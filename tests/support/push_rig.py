"""A push receiver's desk, or its whole feed, small enough to hold in one hand: its clock and its journal are the test's."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from actors.collector.checkpoint import Checkpoint, Recollection, decode, encode
from actors.collector.push.batch import Taken
from actors.collector.push.desk import Desk
from actors.collector.push.memory import PushedState
from actors.collector.push.settings import PushSettings
from actors.collector.push.spelling import Spelling
from protocol.brokers import Broker
from protocol.codec import encode_events
from protocol.instruments import Catalog, Instrument
from protocol.messages import Bar, Quote
from protocol.naming import Names
from protocol.pushing import Push
from protocol.record import FLAG_REPAIRED, Frame, FrameWriter, RecordKind, parse_frame

S: Final = 10**9
NOW: Final = 1_795_176_000 * S
"""A Friday noon: every market is open."""
AHEAD_S: Final = 5.0
BROKERS: Final = {"any": Broker(suffixes=[".r", "m", "."], prefixes=["#"])}
SYMBOLS: Final = ("EUR_USD", "GBP_USD", "XAU_USD")
NAME: Final = "collector.push.1"


def catalog() -> Catalog:
    """Three currencies and an index."""
    found = [
        Instrument(symbol=name, session="fx", bars_from="quote", aliases=[name.replace("_", "")]) for name in SYMBOLS
    ]  # fmt: skip
    index = Instrument(
        symbol="NAS100_USD", session="us_equity", asset_class="index", aliases=["US100", "NAS100"]
    )
    coin = Instrument(symbol="BTC_USD", bars_from="trade", aliases=["BTCUSD"])
    return Catalog([*found, index, coin])


def tick(number: int = 0, symbol: str = "EURUSD", **more: Any) -> dict[str, Any]:
    """A tick, each number another one, a millisecond after the one before."""
    at_ms = NOW // 1_000_000 + number
    return {
        "symbol": symbol,
        "bid": 1.1 + number * 1e-5,
        "ask": 1.2 + number * 1e-5,
        "time_msc": at_ms,
        **more,
    }


def bar(minute: int, **more: Any) -> dict[str, Any]:
    """A minute, counted from noon."""
    row = {
        "symbol": "GBPUSD",
        "timeframe": "M1",
        "open": 1.3,
        "high": 1.5,
        "low": 1.2,
        "close": 1.4,
        "tick_volume": 9,
    }
    return {**row, "time": NOW // S + minute * 60, **more}


class Rig:
    """A desk whose outgoing messages go into a journal, and that can be killed and begin anew.

    Args:
        settings: Of the receiver.
    """

    def __init__(self, settings: PushSettings | None = None) -> None:
        self.settings = settings or PushSettings()
        self.counters: collections.Counter[str] = collections.Counter()
        self.now_ns = NOW
        self.journal: list[Frame] = []
        """Everything published behind the newest memory."""
        self.published: list[Quote | Bar] = []
        self.memory = encode(Checkpoint())
        self._writer = FrameWriter(NAME, 1)
        self._begin(PushedState())

    def _begin(self, state: PushedState) -> None:
        names = Spelling(Names(catalog(), BROKERS), self.settings.sources)
        self.desk = Desk(self.settings, AHEAD_S, catalog(), names, state, self.counters)

    def push(self, items: Any, *, source: str = "mt5", **more: Any) -> Taken:
        """Push, publish, and put it into the journal."""
        taken = self.take(items, source=source, **more)
        self.keep(taken)
        return taken

    def take(self, items: Any, *, source: str = "mt5", **more: Any) -> Taken:
        """Push; nothing is in the journal yet."""
        body = msgspec.msgpack.encode(items)
        return self.desk.take(Push(body, "", source, more.get("gmt_offset_s")), self.now_ns)

    def keep(self, taken: Taken, frames: int | None = None) -> None:
        """Publish the first ones of the frames, all by default."""
        for topic, events, is_late in taken.outgoing[:frames]:
            flags = FLAG_REPAIRED if is_late else 0
            data = self._writer.build(
                topic, events[0].SCHEMA, encode_events(events), self.now_ns, RecordKind.DATA, flags
            )
            self.journal.append(parse_frame(data))
            self.published += events

    def remember(self) -> None:
        """Write the memory into the journal."""
        self.memory = encode(Checkpoint(pushed=self.desk.state))
        self.journal.clear()

    def kill(self) -> None:
        """A new process knows what the journal says, and nothing else."""
        start = decode(self.memory)
        assert start is not None
        fold = Recollection(start)
        for frame in self.journal:
            fold.apply(frame)
        assert not fold.rejected
        self._begin(fold.checkpoint().pushed or PushedState())


def codes(taken: Taken) -> list[str]:
    """Why items were not accepted, in their order."""
    return [item.code for item in taken.result.items]


def counts(taken: Taken) -> tuple[int, int, int]:
    """Accepted, repeated, rejected."""
    return taken.result.accepted, taken.result.duplicates, taken.result.rejected


def prices(events: Sequence[Quote | Bar]) -> list[tuple[str, int, float]]:
    """What tells quotes apart."""
    return [(one.symbol, one.ts_event_ns, one.bid) for one in events if isinstance(one, Quote)]


def symbols_file() -> Mapping[str, Mapping[str, Any]]:
    """Entries of symbols.yaml, markets that are always open: a test runs on Sundays too."""
    entries: dict[str, dict[str, Any]] = {
        name: {"session": "crypto", "bars_from": "quote", "aliases": [name.replace("_", "")]}
        for name in SYMBOLS
    }
    brokers = {name: {"suffixes": one.suffixes, "prefixes": one.prefixes} for name, one in BROKERS.items()}
    return {**entries, "brokers": brokers}
