"""Everything the hub knows, by topic. Pure: frames in, slots out; sockets and clocks are the actor's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from actors.hub.books import BookSlot
from actors.hub.candles import BarSlot
from actors.hub.ledger import EventLog, GapLedger, LogSlot
from actors.hub.payloads import array_header
from actors.hub.series import SeriesSlot
from actors.hub.settings import HubSettings
from actors.hub.sharing import SHARED_KINDS, Fits, Sharing, kept_events
from actors.hub.signals import SignalLog
from actors.hub.slots import FlowSlot, QuoteSlot, Slot
from actors.hub.trades import TradeSlot
from protocol.board.layout import ENTRY_KINDS
from protocol.errors import HubError, PayloadError
from protocol.messages import MESSAGE_TYPES, Book, Signal
from protocol.record import Frame
from protocol.replay import Position
from protocol.topics import Topic, market_topic, parse_topic

LOG_KINDS: Final = ("alert", "signal", "news", "liquidation", "sweep", "verdict")
KNOWN_EVENTS: Final = 5000
"""Events of a topic that are known again when a second publisher begins to send it."""
RECEIVED_NAMES: Final = {
    "quote": "ticks_received",
    "trade": "trades_received",
    "book": "books_received",
    "bar": "candles_received",
    "feature": "features_received",
    "flow": "flows_received",
    "footprint": "footprints_received",
    "liquidation": "liquidations_received",
    "news": "news_received",
    "alert": "alerts_received",
    "signal": "signals_received",
    "sweep": "sweeps_received",
    "verdict": "verdicts_received",
    "gap": "gaps_received",
}
"""Kind to the counter of events that came."""
_SCHEMAS: Final = {kind.KIND: kind.SCHEMA >> 8 for kind in MESSAGE_TYPES if kind.KIND in RECEIVED_NAMES}


class Store:
    """Slots by topic, and which topics answer for a symbol.

    Args:
        settings: Sizes of the windows.
        session_of: (symbol) -> name of its session calendar, empty where the market never closes.
    """

    def __init__(self, settings: HubSettings, session_of: Callable[[str], str]) -> None:
        self._settings = settings
        self._session_of = session_of
        self._slots: dict[str, Slot] = {}
        self._by_symbol: dict[tuple[str, str, str], list[Slot]] = {}
        """(kind, symbol, timeframe) to slots, one per venue."""
        self._symbols: set[str] = set()
        self._cleared: Counter[str] = Counter()
        self._forgotten: dict[tuple[str, bytes], tuple[int, int]] = {}
        """(topic, publisher) to the (epoch, seq) up to which a person had the hub forget."""
        self.fits: Fits = lambda _publisher, _topic: True
        """Whether what a publisher sends of a topic can be current."""
        self.shared: list[Slot] = []
        """Topics that several publishers send."""
        self.touched: dict[str, None] = {}
        """Topics whose board is to be written; whoever writes it takes them out."""
        self.is_cleared = False
        """Something was forgotten; whoever writes the board sets it back."""
        self.second_copies = 0
        """Messages left out since another publisher's copy came first."""
        self.gaps = GapLedger(settings.gap_window)
        self.logs = {kind: EventLog(settings.event_window) for kind in LOG_KINDS}
        self.logs[Signal.KIND] = self.signals = SignalLog(settings.event_window)

    def __len__(self) -> int:
        return len(self._slots)

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots.values())

    def get(self, topic: str) -> Slot | None:
        """Slot of an exact topic."""
        return self._slots.get(topic)

    def of_market(self, kind: str, venue: str, symbol: str, timeframe: str = "") -> Slot | None:
        """Slot of what is collected of one symbol at one venue."""
        return self._slots.get(market_topic(kind, venue, symbol, timeframe))

    def of_symbol(self, kind: str, symbol: str, timeframe: str = "") -> list[Slot]:
        """Slots of one kind of one symbol, one per venue; empty if nothing has arrived."""
        return self._by_symbol.get((kind, symbol, timeframe), [])

    def ingest(self, frame: Frame) -> None:
        """Take one frame of a market topic.

        Raises:
            PayloadError: it cannot be kept; what was there stays.
        """
        slot = self._slots.get(frame.topic)
        if slot is None:
            self._first(frame)
            return
        if slot.is_posted:
            self.touched[slot.name] = None
        if frame.schema >> 8 != slot.schema:
            raise PayloadError(f"{frame.topic}: schema {frame.schema >> 8} is not what this topic carries")
        if slot.only is not None and frame.publisher_padded != slot.only:
            self._share(slot, frame)
        elif not slot.is_restored:
            slot.apply(frame)
        else:
            slot.join(frame)

    def pass_over(self, topic: str, events: int) -> None:
        """Count events of a topic that came and that a newer one of it took the place of."""
        slot = self._slots.get(topic)
        if slot is not None:
            slot.events += events

    def _share(self, slot: Slot, frame: Frame) -> None:
        """Take a frame of a topic that several publishers send: what of it is the first copy."""
        sharing = slot.sharing
        if sharing is None:
            kind = slot.topic.kind
            held = slot.tail(KNOWN_EVENTS) if kind != Book.KIND else []
            payload = array_header(len(held)) + b"".join(held)
            sharing = slot.sharing = Sharing(slot.topic, slot.frame, kept_events([payload], kind))
            slot.only = b""  # nobody's: every frame comes this way
            self.shared.append(slot)
        before = sharing.copies.second
        news = sharing.sift(frame, self.fits)
        self.second_copies += sharing.copies.second - before
        for part in news:
            if slot.is_restored:
                slot.join(part)
            else:
                slot.apply(part)

    def turn(self) -> None:
        """Let topics of several publishers follow who can be followed; call it periodically."""
        for slot in self.shared:
            if slot.sharing is not None:
                news = slot.sharing.turn(self.fits)
                if news is None and isinstance(slot, BookSlot) and not slot.is_synced:
                    news = slot.sharing.again()
                if news is not None:
                    slot.apply(news)
                    self.touched[slot.name] = None

    def restore(self, frame: Frame) -> bool:
        """Take a frame from before we listened, unless something newer is here; returns whether it was taken.

        The bus may bring the same frame once more: `ingest` then leaves it out.

        Raises:
            PayloadError: as `ingest`.
        """
        slot = self._slots.get(frame.topic)
        if slot is not None:
            if not slot.is_newer(frame):
                slot.adopt(frame)
                return False
            slot.is_restored = False
        self.ingest(frame)
        slot = self._slots.get(frame.topic)
        if slot is not None:
            slot.is_restored, slot.again = True, frame.payload
        return slot is not None

    def expect_again(self) -> None:
        """All publishers will be read again from an earlier position: nothing of it may count twice."""
        for slot in self._slots.values():
            slot.is_restored, slot.since = True, None

    def is_reached(self, positions: Mapping[str, Position]) -> bool:
        """Whether everything before the first frame heard of each window lies before these positions."""
        for slot in self._slots.values():
            if slot.since is not None and isinstance(slot, BarSlot | TradeSlot):
                publisher, epoch, seq = slot.since
                reached = positions.get(publisher.rstrip(b"\x00").decode("ascii", "replace"))
                if reached is None or reached < (epoch, seq - 1):
                    return False
        return True

    def place(self, frame: Frame) -> Slot:
        """The slot of a topic, made without taking the frame if it is new: to be filled from the store.

        Raises:
            PayloadError: there is no place for this topic.
        """
        slot = self._slots.get(frame.topic)
        if slot is None:
            slot = self._new_slot(frame)
            slot.since = None
            self._keep(slot)
        self.touched[slot.name] = None
        return slot

    def _first(self, frame: Frame) -> None:
        """Keep a topic that is new, if its first frame can be read and is not one of those to be forgotten."""
        key = frame.topic, frame.publisher_padded
        if key in self._forgotten:
            if (frame.epoch, frame.seq) <= self._forgotten[key]:
                return  # a last value that was asked for before, or the bus's copy of it
            del self._forgotten[key]
        slot = self._new_slot(frame)
        slot.apply(frame)
        if slot.frames:
            self._keep(slot)

    def _new_slot(self, frame: Frame) -> Slot:
        if len(self._slots) >= self._settings.max_topics:
            raise PayloadError(f"{frame.topic}: more than {self._settings.max_topics} topics")
        try:
            topic = parse_topic(frame.topic)
            slot = self._slot_of(topic, frame)
        except (ValueError, HubError) as fault:
            raise PayloadError(str(fault)) from fault
        slot.schema = _SCHEMAS[topic.kind]
        slot.is_posted = topic.kind in ENTRY_KINDS
        if topic.kind in SHARED_KINDS:
            slot.only = frame.publisher_padded
        if frame.schema >> 8 != slot.schema:
            raise PayloadError(f"{frame.topic}: schema {frame.schema >> 8} is not what this topic carries")
        slot.session = self._session_of(topic.symbol) if topic.symbol else ""
        return slot

    def _keep(self, slot: Slot) -> None:
        topic = slot.topic
        self._slots[slot.name] = slot
        if topic.symbol:
            key = (topic.kind, topic.symbol, topic.timeframe)
            venues = self._by_symbol.setdefault(key, [])
            venues.append(slot)
            self._symbols.add(topic.symbol)
            self.touched.update(dict.fromkeys(one.name for one in venues))

    def _slot_of(self, topic: Topic, frame: Frame) -> Slot:
        settings = self._settings
        match topic.kind:
            case "quote":
                return QuoteSlot(frame.topic, topic, frame)
            case "trade":
                return TradeSlot(frame.topic, topic, frame, settings.trade_window)
            case "bar":
                return BarSlot(frame.topic, topic, frame, settings.bar_window)
            case "book":
                return BookSlot(frame.topic, topic, frame)
            case "feature" | "footprint":
                return SeriesSlot(frame.topic, topic, frame, settings.series_window)
            case "flow":
                return FlowSlot(frame.topic, topic, frame)
            case "gap":
                return LogSlot(frame.topic, topic, frame, self.gaps)
            case kind if kind in self.logs:
                return LogSlot(frame.topic, topic, frame, self.logs[kind])
        raise ValueError(f"kind {topic.kind!r} is not kept here")

    def under(self, prefix: str, exact: bool = False) -> list[Slot]:
        """Slots whose topic starts so (or is exactly this one)."""
        if exact:
            slot = self._slots.get(prefix)
            return [slot] if slot is not None else []
        return [slot for name, slot in self._slots.items() if name.startswith(prefix)]

    def books(self) -> list[BookSlot]:
        """Every book replica."""
        return [slot for slot in self._slots.values() if isinstance(slot, BookSlot)]

    def has_symbol(self, symbol: str) -> bool:
        """Whether anything has arrived for a symbol."""
        return symbol in self._symbols

    def clear(self, symbol: str = "") -> int:
        """Forget everything of one symbol, or of all; returns how many topics that were.

        What was heard does not come back by another way (last values, a replay): only what is published later.
        """
        gone = [name for name, slot in self._slots.items() if not symbol or slot.topic.symbol == symbol]
        self.shared = [slot for slot in self.shared if slot.name not in set(gone)]
        self.touched.update(dict.fromkeys(gone))
        self.is_cleared = True
        for name in gone:
            slot = self._slots.pop(name)
            self._cleared[slot.topic.kind] += slot.events
            for frame in [slot.frame] if slot.sharing is None else slot.sharing.frames.values():
                self._forgotten[name, frame.publisher_padded] = frame.epoch, frame.seq
        for key in [key for key in self._by_symbol if not symbol or key[1] == symbol]:
            del self._by_symbol[key]
            self._symbols.discard(key[1])
        self.gaps.clear(symbol)
        for log in self.logs.values():
            log.clear(symbol)
        return len(gone)

    def received(self) -> dict[str, int]:
        """Events that came, by counter name, since the process started (clearing takes none away)."""
        totals = Counter(self._cleared)
        for slot in self._slots.values():
            totals[slot.topic.kind] += slot.events
        counts = {name: totals[kind] for kind, name in RECEIVED_NAMES.items()}
        return {**counts, "second_copies": self.second_copies}

    def measure(self, elapsed_s: float) -> None:
        """Renew the event rate of every topic; call it periodically."""
        for slot in self._slots.values():
            slot.rate_per_s = (slot.events - slot.counted) / elapsed_s
            slot.counted = slot.events
