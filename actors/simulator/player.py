"""Plays a recording: a source of stream messages with the recording's own timing, faster, or as fast as taken.

The REST depth answer of a recording stands inside the stream, some depth events before it. A client that
asks earlier is held until the stream has reached that place, and at that place the player waits a little for
a client that listens to depth but has not asked yet: so a book joins exactly as it did for the recorder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from actors.simulator.played_book import PlayedBook
from actors.simulator.recording import Answered, Head, Item, Played, Recording
from actors.simulator.rest import INVALID_SYMBOL, UNAVAILABLE, Answer, Params, Respond, missing
from actors.simulator.streams import Stream, parse_stream
from protocol.errors import DECODE_ERRORS

if TYPE_CHECKING:
    from actors.simulator.channels import Channel

NS: Final = 1_000_000_000
MOST_ITEMS_AT_ONCE: Final = 1_000
LOOK_EVERY: Final = 64
"""Items between two looks at how far the listeners are behind."""


class Player:
    """Source and REST backend out of one recording. States: waiting, playing, done."""

    def __init__(
        self,
        recording: Recording,
        *,
        speed: float,
        is_waiting: bool,
        settle_s: float,
        snapshot_wait_s: float,
    ) -> None:
        """Open a recording.

        Args:
            recording: The file.
            speed: Times its own speed; 0 is as fast as the listeners take it.
            is_waiting: Start only when somebody listens to streams of the recording.
            settle_s: Where not all of them are listened to: start this long after the last change.
            snapshot_wait_s: Wait so long at a depth answer for somebody to ask for it.

        Raises:
            ValueError, OSError: the recording cannot be read.
        """
        self.recording = recording
        self.head: Head = recording.head()
        self.state = "waiting" if is_waiting else "playing"
        self.is_frozen = False
        self.sent: Counter[str] = Counter()
        """Messages sent to somebody, by kind."""
        self.unheard: Counter[str] = Counter()
        """Messages that nobody listened to, by kind."""
        self._speed = speed
        self._settle_ns = round(settle_s * NS)
        self._snapshot_wait_ns = round(snapshot_wait_s * NS)
        self._items = recording.items()
        self._next: Item | None = next(self._items, None)
        self.position_ns = self._next.ts_ns if self._next else 0
        self._anchor: tuple[int, int] | None = None
        self._changed_ns = 0
        self._has_changed = False
        self._waits_at: Answered | None = None
        self._wait_since_ns = 0
        self._channels: list[Channel] = []
        self._targets: dict[str, tuple[str, list[Channel]]] = {}
        self._books: dict[str, PlayedBook] = {}
        self._answers: dict[str, bytes] = {}
        self._asked: set[str] = set()
        self._held: dict[str, list[Respond]] = {}

    # source of channels

    def open(self, market: str, stream: Stream, channel: Channel) -> Callable[[], None]:
        """Feed a channel with the messages of its stream; depth streams of any speed get the recorded one."""
        del stream  # the channel knows it
        if market != self.head.market:
            return lambda: None
        self._channels.append(channel)
        self._note_change()

        def close() -> None:
            self._channels.remove(channel)
            self._note_change()

        return close

    def _note_change(self) -> None:
        self._targets.clear()
        self._has_changed = True

    def _target(self, name: str) -> tuple[str, list[Channel]]:
        """Kind of a recorded stream, and the channels that want it."""
        target = self._targets.get(name)
        if target is None:
            recorded = parse_stream(self.head.market, name)
            kind = recorded.kind if recorded else "other"
            wanted = [
                channel
                for channel in self._channels
                if channel.name == name
                or (recorded is not None and kind == "depth" and channel.stream[:2] == recorded[:2])
            ]
            target = self._targets[name] = (kind, wanted)
        return target

    # playing

    @property
    def speed(self) -> float:
        """Times the recording's own speed; 0 is as fast as the listeners take it."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._speed = speed
        self._anchor = None

    def start(self) -> None:
        """Begin to play, whoever listens."""
        if self.state == "waiting":
            self.state = "playing"

    def advance(self, now_ns: int) -> int:
        """Send what is due at this monotonic time, a bounded number; returns how many items went by."""
        if self.state == "waiting" and self._may_start(now_ns):
            self.state = "playing"
        if self.state != "playing" or self.is_frozen:
            self._anchor = None
            return 0
        for count in range(MOST_ITEMS_AT_ONCE):
            item = self._next
            if item is None:
                self._finish()
                return count
            if not self._is_due(item, now_ns) or (count % LOOK_EVERY == 0 and self._is_held_back()):
                return count
            if isinstance(item, Played):
                self._send(item)
            elif not self._pass(item, now_ns):
                self._anchor = None
                return count
            self.position_ns = item.ts_ns
            self._next = next(self._items, None)
        return MOST_ITEMS_AT_ONCE

    def _may_start(self, now_ns: int) -> bool:
        if self._has_changed:
            self._has_changed = False
            self._changed_ns = now_ns
        heard = sum(1 for name in self.head.streams if self._target(name)[1])
        if heard == len(self.head.streams):
            return True
        return heard > 0 and now_ns - self._changed_ns >= self._settle_ns

    def _is_due(self, item: Item, now_ns: int) -> bool:
        if not self._speed:
            return True
        if self._anchor is None:
            self._anchor = (now_ns, item.ts_ns)
        return (item.ts_ns - self._anchor[1]) / self._speed <= now_ns - self._anchor[0]

    def _is_held_back(self) -> bool:
        """Somebody does not keep up; or, at full speed, nobody is there to whom it could be sent."""
        listeners = [listener for channel in self._channels for listener in channel.listeners]
        return any(listener.is_backed_up for listener in listeners) or (not self._speed and not listeners)

    def _send(self, item: Played) -> None:
        kind, channels = self._target(item.stream)
        for channel in channels:
            channel.send_body(item.body)
        (self.sent if channels else self.unheard)[kind] += 1
        if kind == "depth":
            try:
                self._book(item.stream.partition("@")[0].upper()).apply(item.body)
            except DECODE_ERRORS:
                self.recording.skipped["bad depth"] += 1

    def _book(self, symbol: str) -> PlayedBook:
        return self._books.setdefault(symbol, PlayedBook())

    def _pass(self, item: Answered, now_ns: int) -> bool:
        """Come to a REST answer; False: wait here for the one who should ask for it."""
        if item.endpoint != "depth":
            self._answers[item.endpoint] = item.body
            return True
        symbol = item.symbol or self.head.symbols[0]
        if self._waits_at is not item:
            try:
                self._book(symbol).load(item.body)
            except DECODE_ERRORS:
                self.recording.skipped["bad snapshot"] += 1
                return True
            self._waits_at = item
            self._wait_since_ns = now_ns
        held = self._held.pop(symbol, [])
        for respond in held:
            respond(Answer(item.body))
        if held or symbol in self._asked or not self._wants_depth(symbol):
            return True
        return now_ns - self._wait_since_ns >= self._snapshot_wait_ns

    def _wants_depth(self, symbol: str) -> bool:
        return any(channel.stream[:2] == (symbol, "depth") for channel in self._channels)

    def _finish(self) -> None:
        self.state = "done"
        for waiting in self._held.values():
            for respond in waiting:
                respond(UNAVAILABLE)
        self._held.clear()

    # REST

    def answer(self, market: str, endpoint: str, params: Params, respond: Respond) -> None:
        """Answer one request; a depth request that comes too early is held."""
        if endpoint == "ping":
            respond(Answer(b"{}"))
        elif endpoint == "time":
            respond(Answer.of({"serverTime": self.position_ns // 1_000_000}))
        elif endpoint in self._answers:
            respond(Answer(self._answers[endpoint]))
        elif endpoint == "exchangeInfo":
            symbols: list[dict[str, Any]] = [
                {"symbol": symbol, "status": "TRADING"} for symbol in self.head.symbols
            ]
            if market == "coinm":  # contracts are worth 100 USD for BTC, 10 for all others (2026)
                symbols = [row | {"contractSize": _contract_usd(row["symbol"])} for row in symbols]
            respond(
                Answer.of({"timezone": "UTC", "rateLimits": [], "exchangeFilters": [], "symbols": symbols})
            )
        elif not params.get("symbol"):
            respond(missing("symbol"))
        elif market != self.head.market or params["symbol"] not in self.head.symbols:
            respond(INVALID_SYMBOL)
        elif endpoint == "depth":
            self._answer_depth(params["symbol"], respond)
        else:
            respond(Answer(b"[]"))

    def _answer_depth(self, symbol: str, respond: Respond) -> None:
        book = self._book(symbol)
        if book.has_snapshot:
            self._asked.add(symbol)
            respond(Answer(book.body()))
        elif self.state == "done":
            respond(UNAVAILABLE)
        else:
            self._held.setdefault(symbol, []).append(respond)

    def status(self) -> dict[str, Any]:
        """How far it is, for the heartbeat and `ctl`."""
        return {
            "file": self.recording.path.name,
            "market": self.head.market,
            "state": self.state,
            "play_done": self.state == "done",
            "speed": self._speed,
            "position_ns": self.position_ns,
            "sent": dict(self.sent),
            "unheard": dict(self.unheard),
            "skipped": dict(self.recording.skipped),
            "held_requests": sum(len(waiting) for waiting in self._held.values()),
        }


def _contract_usd(raw: str) -> int:
    return 100 if raw.startswith("BTC") else 10
