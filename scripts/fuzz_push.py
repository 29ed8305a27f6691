"""The path of pushes for `fuzz_frames.py`: bodies of strangers to what is published of them, and to what they are told.

A seed is JSON; what was made of it goes as it is, as MetaTrader sends it (a zero byte behind it), in other encodings, as
msgpack (which knows NaN, bytes and numbers as names), as a whole request, and through the client's own splitting.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import msgspec

from actors.collector.push.batch import Taken
from actors.collector.push.body import body_of
from actors.collector.push.desk import Desk
from actors.collector.push.flows import MAX_WINDOWS
from actors.collector.push.memory import PushedState
from actors.collector.push.settings import PushSettings
from actors.collector.push.spelling import Spelling
from protocol.codec import decode_events, encode_events
from protocol.errors import HubError
from protocol.messages import Bar, Flow, Message, Quote
from protocol.naming import Names
from protocol.pushing import (
    CODES,
    MAX_PUSH_BYTES,
    Push,
    Pushed,
    batches_of,
    joined,
    push_of,
    pushed_of,
    request_of,
    venue_of,
)
from protocol.record import FrameWriter, parse_frame
from protocol.requests import decode_request, encode_request, raw
from scripts.fuzz_push_bodies import NOW_S, body
from scripts.fuzz_samples import EXCHANGES
from tests.support.push_rig import AHEAD_S, BROKERS, NAME, catalog
from tests.support.soundness import Soundness, Unsound

SLOWEST_S: Final = 1.0
"""Of our own computing time, for a body of at most 200 kB."""
MOST_TOLD: Final = 400
"""Letters of one refusal."""
REPLAY_EVERY: Final = 100
FORMS: Final = ("json", "mt5", "bom", "utf-16", "latin-1", "msgpack", "packed", "request", "client")
SETTINGS: Final = PushSettings(
    max_told=10_000, max_items=5000, max_sources=4, remembered=50, remembered_bars=50
)
BODIES: Final = 60
"""Random bodies of each form."""
_ODD: Final[dict[str, Any]] = {
    "NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, "null": b"\xff\x00", "true": 2**64 - 1, "false": -(2**63),
}  # fmt: skip
_pack: Final = msgspec.msgpack.Encoder().encode


class Seed(NamedTuple):
    """One body, and how it goes."""

    data: bytes
    form: str
    media: str = ""
    source: str = ""
    gmt_offset_s: float | None = None


class PushTarget:
    """Bodies to quotes, bars, metrics and refusals."""

    is_text = True

    def __init__(self, folder: Path | None, random: Random) -> None:  # noqa: ARG002 - nobody has recorded pushes
        self.reasons: Counter[str] = Counter()
        self.messages: Counter[str] = Counter()
        self.groups = [[_seed(form, random) for _ in range(BODIES)] for form in FORMS]
        self.seeds = [seed for group in self.groups for seed in group]
        self.strangers = [sample.data for samples in EXCHANGES.values() for sample in samples]
        self._catalog = catalog()
        self._names = Names(self._catalog, BROKERS)
        self._begin()

    def _begin(self) -> None:
        self.state = PushedState()
        spelling = Spelling(self._names, SETTINGS.sources)
        self.desk = Desk(SETTINGS, AHEAD_S, self._catalog, spelling, self.state, self.reasons)
        self._sound: dict[str, Soundness] = {}
        self._published: list[Message] = []
        self._known: set[tuple[Any, ...]] = set()
        self._newest: dict[tuple[Any, ...], int] = {}
        self._writer = FrameWriter(NAME, 1)
        self._taken = 0

    def renew(self) -> None:
        """A receiver that knows nothing."""
        for sound in self._sound.values():
            self.messages.update(sound.counts)
        self._begin()

    def connect_anew(self) -> None:
        """There is no connection; what the journal says must be what is known."""
        self._replay()

    def remembered(self) -> object:
        """The desk, with all that it knows of sources."""
        return self.desk, self.reasons

    def take(self, seed: Seed, data: bytes) -> None:
        """One body, at a clock that goes on."""
        self._taken += 1
        at_s = NOW_S + self._taken // 4
        self._recv_ns = at_s * 10**9 + 200_000_000
        data = data.replace(b"%d" % NOW_S, b"%d" % at_s)
        begun_s = time.process_time()
        try:
            self._send(seed, data)
        except HubError as refusal:
            self.reasons[f"({refusal.code})"] += 1
            _must(len(refusal.message) <= MOST_TOLD, f"a long refusal: {refusal.message:.300}")
        took_s = time.process_time() - begun_s
        _must(took_s <= SLOWEST_S, f"too slow: {len(data)} bytes took {took_s:.1f} s")
        if self._taken % REPLAY_EVERY == 0:
            self._replay()

    def _send(self, seed: Seed, data: bytes) -> None:
        """Raises HubError only: that is what the receiver's caller expects."""
        match seed.form:
            case "request":
                request = decode_request(data, MAX_PUSH_BYTES)
                self._push(push_of(request))
            case "client":
                self._push_in_parts(seed, data)
            case form:
                made = _in_form(form, data)
                if made is None:
                    self.reasons["(not JSON any more)"] += 1
                else:
                    self._push(Push(made, seed.media, seed.source, seed.gmt_offset_s))

    def _push_in_parts(self, seed: Seed, data: bytes) -> None:
        """As our own client does it: in batches, whose results are one."""
        items = _loaded(data)
        if not isinstance(items, list):
            self.reasons["(no list any more)"] += 1
            return
        results = [(first, self._push(Push(part, "", seed.source))) for first, part in batches_of(items)]
        whole = joined(results)
        _must(whole.count == len(items), f"{len(items)} items, told of {whole.count}")
        self._check_told(whole, len(items))

    def _push(self, push: Push) -> Pushed:
        again = push_of(decode_request(encode_request(request_of(push)), MAX_PUSH_BYTES))
        _must(again.body == push.body, "the request says something else")
        taken = self.desk.take(push, self._recv_ns)
        count = len(body_of(push.body, push.media, SETTINGS.max_items).items)
        expected = _items_in(push.body)
        _must(expected in (None, count), f"items read otherwise: {expected}, as {count}")
        self._check_told(taken.result, count)
        _must(pushed_of(raw(taken.result)) == taken.result, "the result does not travel")
        self._publish(taken)
        return taken.result

    def _check_told(self, result: Pushed, count: int) -> None:
        """Every item is accounted for exactly once."""
        numbers = result.accepted, result.duplicates, result.rejected
        _must(min(numbers) >= 0 and sum(numbers) == count, f"{count} items, told of {numbers}")
        places = [one.index for one in result.items]
        _must(places == sorted(set(places)) and all(0 <= place < count for place in places), "places")
        repeated = sum(one.code == "duplicate" for one in result.items)
        _must((repeated, len(places) - repeated) == numbers[1:], f"{repeated} repeated, told of {numbers}")
        for one in result.items:
            _must(one.code in CODES, f"code {one.code:.40}")
            _must(bool(one.detail) or one.code == "duplicate", f"no reason: {one!r:.300}")
            _must(len(one.detail) <= MOST_TOLD, f"a long reason: {one.detail:.300}")
            self.reasons[one.code] += 1

    def _publish(self, taken: Taken) -> None:
        events = [event for topic in taken.outgoing for event in topic.events]
        _must(
            len(events) == taken.result.accepted, f"{len(events)} published, {taken.result.accepted} accepted"
        )
        for topic, group, _ in taken.outgoing:
            frame = self._writer.build(topic, group[0].SCHEMA, encode_events(group), self._recv_ns)
            _must(decode_events(parse_frame(frame)) == group, "what is published is read otherwise")
        for event in events:
            self._check(event)
        self._published += events
        for source in self.state.sources.values():
            windows = Counter(key.partition(" ")[0] for key in source.flows)
            _must(max(windows.values(), default=0) <= MAX_WINDOWS, "windows without end")

    def _check(self, event: Any) -> None:
        source = event.venue.removeprefix("push.")
        _must(source in self.state.sources, f"nobody's: {event!r:.300}")
        if isinstance(event, Flow):
            key: tuple[Any, ...] = event.venue, event.symbol, event.window_s
            _must(not event.validate() and event.ts_event_ns > self._newest.get(key, 0), f"{event!r:.300}")
            self._newest[key] = event.ts_event_ns
            self.messages["flow"] += 1
            return
        sound = self._sound.get(source)
        if sound is None:
            sound = self._sound[source] = Soundness(venue_of(source), set(self._catalog.symbols))
        sound.take(event)
        if isinstance(event, Quote):
            key = event.venue, event.symbol, event.ts_event_ns, event.bid, event.ask, event.update_id
            _must(key not in self._known, f"published twice: {event!r:.300}")
            self._known.add(key)
        elif isinstance(event, Bar):
            key = event.venue, event.symbol, event.timeframe, event.ts_open_ns
            _must(event.revision >= self._newest.get(key, 0), f"an older revision: {event!r:.300}")
            self._newest[key] = event.revision

    def _replay(self) -> None:
        """Who begins anew knows from the journal what was published."""
        new = PushedState()
        for event in self._published:
            new.enter([event])
        for name, source in self.state.sources.items():
            other = new.sources.get(name)
            for symbol, ticks in source.ticks.items():
                known = other.ticks[symbol].known if other is not None and symbol in other.ticks else {}
                _must(ticks.known.items() <= known.items(), f"ticks of {symbol} would be forgotten")
            _must(
                not source.flows or (other is not None and other.flows == source.flows),
                "metrics would be forgotten",
            )


def _must(holds: bool, what: str) -> None:
    if not holds:
        raise Unsound(what)


def _seed(form: str, random: Random) -> Seed:
    """A good body in one form; most sources say who they are, and what their clock shows."""
    made = body(random, is_list=form == "client")
    source = random.choice(("", "mt5", "mt5", "engine-1"))
    data = json.dumps(made).encode()
    if form == "packed":
        data = _packed(random)
    elif form == "request":
        data = encode_request(request_of(Push(data, "", source, 0.0)))
    media = random.choice(("", "application/json", "text/plain", "application/msgpack"))
    return Seed(data, form, media, source, random.choice((None, 0.0, 7200.0, math.nan)))


def _packed(random: Random) -> bytes:
    """The first random body that msgpack can say."""
    while True:
        try:
            return _pack(body(random))
        except (ValueError, OverflowError):
            continue


def _loaded(data: bytes) -> Any:
    """What the standard library makes of JSON, NaN and any large number too; None: nothing."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _in_form(form: str, data: bytes) -> bytes | None:
    """A body as it is sent; None: it cannot be sent so any more."""
    if form == "mt5":
        return data + b"\x00"
    if form == "bom":
        return b"\xef\xbb\xbf \r\n" + data
    if form in ("utf-16", "latin-1"):
        return data.decode("utf-8", "replace").encode(form, "replace")
    if form == "msgpack":
        try:
            return _pack(_odd(_loaded(data)))
        except (ValueError, OverflowError, RecursionError):
            return None
    return data


def _odd(value: Any) -> Any:
    """Values that only msgpack knows, in the place of words."""
    if isinstance(value, dict):
        return {int(name) if name.isdecimal() else name: _odd(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_odd(inner) for inner in value]
    return _ODD.get(value, value) if isinstance(value, str) else value


def _items_in(data: bytes) -> int | None:
    """How many items a body of JSON holds, read by another reader; None: it is none."""
    text = data.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n\x00")
    found = _loaded(text) if text[:1] in (b"{", b"[") else None
    if isinstance(found, list):
        return len(found)
    if not isinstance(found, dict):
        return None
    parts = [found[name] for name in ("ticks", "bars", "data") if isinstance(found.get(name), list | dict)]
    if not any(isinstance(part, list) for part in parts):
        return 1
    return sum(len(part) if isinstance(part, list) else 1 for part in parts)
