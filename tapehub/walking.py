"""Gathers what `why` needs to know of one symbol: asks every hop, and listens to the bus for a moment."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from actors.runtime.clock import Clock
from protocol.codec import decode_events
from protocol.endpoints import Endpoints
from protocol.errors import FrameError, HubError
from protocol.instruments import REST
from protocol.messages import Gap, Watermark
from protocol.pushing import VENUE as PUSH
from protocol.pushing import venue_of
from protocol.record import Frame, parse_frame
from protocol.requests import Reply, Request
from protocol.topics import beat_topic, mark_topic, market_topic, parse_topic
from protocol.transport import Wire
from tapehub.asking import Answer, Question, ask_all, data_of
from tapehub.hops import Actor, Collector
from tapehub.patterns import TopicPatterns
from tapehub.tapping import Tap

FEED_KINDS: Final = ("trade", "quote", "book", "liquidation")
"""What a collector publishes of a symbol."""
FETCHED_KINDS: Final = ("bar",)
"""What it publishes of one that providers are asked for."""
MADE: Final = {"aggregator": "bar", "orderflow": "flow", "detector": "alert"}
"""Kind of actor to the kind of message that it makes of a collector's."""
_TIMEFRAME: Final = "1m"
_decode_gaps: Final = msgspec.msgpack.Decoder(list[Gap]).decode


class Walk(msgspec.Struct, kw_only=True):
    """Everything that was seen on the way."""

    listened_s: float
    collectors: dict[str, Collector]
    aggregators: dict[str, Actor]
    hubs: dict[str, tuple[list[dict[str, Any]], str]]
    """Hub to its answers, and to why it did not answer."""
    readers: list[Actor]
    """Who hears the collectors, with what it lost."""
    heard: Counter[str]
    """Publisher to frames of the symbol heard."""
    gaps: Counter[str]
    """Publisher to holes in what was heard."""
    orderflows: dict[str, Actor] = {}
    detectors: dict[str, Actor] = {}
    bridges: dict[str, tuple[dict[str, Any], str]] = {}
    """Bridge to its status, and to why there is none."""


class Walker:
    """Walks the actors of one topology."""

    def __init__(self, wire: Wire, endpoints: Endpoints, names: Sequence[str], clock: Clock) -> None:
        self._wire = wire
        self._endpoints = endpoints
        self._names = list(names)
        self._clock = clock

    def walk(
        self, symbol: str, markets: Mapping[str, tuple[str, str]], listen_s: float, timeout_s: float
    ) -> Walk:
        """Look at every hop of a symbol.

        Args:
            symbol: Canonical name.
            markets: Venue that has it to (market, raw name).
            listen_s: How long to listen on the bus.
            timeout_s: Patience for the answers.
        """
        collectors, hubs, bridges = self._of("collector"), self._of("hub"), self._of("bridge")
        makers = {kind: self._of(kind) for kind in MADE}
        makers_of_all = [name for names in makers.values() for name in names]
        beats, heard, gaps = self._listen(symbol, list(markets), listen_s)
        questions = self._questions(symbol, list(markets), collectors, makers, hubs)
        questions |= {
            f"{name} status": Question(self._endpoints.ctl(name), Request(op="status")) for name in bridges
        }
        answers = ask_all(self._wire, questions, timeout_s, self._clock)
        said = {name: _actor(name, answers, symbol, beats) for name in (*collectors, *makers_of_all, *hubs)}
        return Walk(
            listened_s=listen_s,
            collectors={name: _collector(said[name], answers, symbol, markets) for name in collectors},
            aggregators={name: said[name] for name in makers["aggregator"]},
            orderflows={name: said[name] for name in makers["orderflow"]},
            detectors={name: said[name] for name in makers["detector"]},
            hubs={name: _hub_answers(name, answers) for name in hubs},
            bridges={name: _status(answers[f"{name} status"]) for name in bridges},
            readers=[said[name] for name in (*makers_of_all, *hubs)],
            heard=heard,
            gaps=gaps,
        )

    def pushed(self, symbol: str, receivers: Sequence[str], timeout_s: float) -> dict[str, tuple[str, str]]:
        """Venues of the sources that have pushed a symbol, as `walk` wants them."""
        asked = {name: Question(self._endpoints.ctl(name), Request(op="sources")) for name in receivers}
        answers = ask_all(self._wire, asked, timeout_s, self._clock) if asked else {}
        return {
            venue_of(source): (PUSH, "")
            for answer in answers.values()
            for source, row in (data_of(answer) or {}).items()
            if symbol in row["newest_ns"]
        }

    def _of(self, kind: str) -> list[str]:
        return [name for name in self._names if name.partition(".")[0] == kind]

    def _questions(
        self,
        symbol: str,
        venues: Sequence[str],
        collectors: Iterable[str],
        makers: Mapping[str, Sequence[str]],
        hubs: Iterable[str],
    ) -> dict[str, Question]:
        questions: dict[str, Question] = {}

        def ask(actor: str, what: str, request: Request, endpoint: str = "") -> None:
            questions[f"{actor} {what}"] = Question(endpoint or self._endpoints.ctl(actor), request)

        for name in (*collectors, *(name for names in makers.values() for name in names), *hubs):
            ask(name, "status", Request(op="status"))
        for name in collectors:
            ask(name, "mark", Request(op="last", topic=mark_topic(name)))
            ask(name, "connections", Request(op="connections"))
            for venue in venues:
                for kind in (*_kinds_at(venue), "gap"):
                    ask(
                        name,
                        f"last {kind} {venue}",
                        Request(op="last", topic=market_topic(kind, venue, symbol)),
                    )
        for kind, names in makers.items():
            for name, venue in itertools.product(names, venues):
                made = market_topic(MADE[kind], venue, symbol)
                ask(name, f"last {MADE[kind]} {venue}", Request(op="last", topic=made))
        for name in hubs:
            at = self._endpoints.query(name)
            ask(name, "gaps", Request(op="gaps", symbol=symbol, args={"state": "open"}), at)
            if set(venues) != {REST}:
                ask(name, "ask tick", Request(op="tick", symbol=symbol, allow_stale=True), at)
                ask(name, "ask trades", Request(op="trades", symbol=symbol, n=1, allow_stale=True), at)
            candles = Request(op="candles", symbol=symbol, timeframe=_TIMEFRAME, n=1, allow_stale=True)
            ask(name, "ask candles", candles, at)
        return questions

    def _listen(
        self, symbol: str, venues: Sequence[str], listen_s: float
    ) -> tuple[Counter[str], Counter[str], Counter[str]]:
        """Heartbeats and frames of the symbol by publisher, and holes in them."""
        topics = [f"{market_topic(kind, venue, symbol)}$" for venue in venues for kind in FEED_KINDS]
        if REST in venues:
            topics += [f"{market_topic(kind, REST, symbol, _TIMEFRAME)}$" for kind in FETCHED_KINDS]
        beats: Counter[str] = Counter()
        heard: Counter[str] = Counter()
        gaps: Counter[str] = Counter()

        def on_gap(frame: Frame, _missing: int) -> None:
            gaps[frame.publisher] += 1

        endpoints = [self._endpoints.pub(name) for name in self._names]
        patterns = TopicPatterns([*topics, *(f"{beat_topic(name)}$" for name in self._names)])
        tap = Tap(self._wire, endpoints, patterns, self._clock, on_gap)
        for one in tap.listen(listen_s):
            if one is not None:
                counter = beats if one.frame.topic.startswith("beat.") else heard
                counter[one.frame.publisher] += 1
        return beats, heard, gaps


def _kinds_at(venue: str) -> Sequence[str]:
    return FETCHED_KINDS if venue == REST else FEED_KINDS


def _status(answer: Answer) -> tuple[dict[str, Any], str]:
    return data_of(answer) or {}, str(answer) if isinstance(answer, HubError) else ""


def _actor(name: str, answers: Mapping[str, Answer], symbol: str, beats: Counter[str]) -> Actor:
    """What one actor's answers say."""
    answer = answers[f"{name} status"]
    status = data_of(answer) or {}
    last = [(frame, event) for frame, event in _last_of(name, answers, symbol) if not isinstance(event, Gap)]
    return Actor(
        name=name,
        now_ns=answer.ts_ns if isinstance(answer, Reply) else 0,
        error=str(answer) if isinstance(answer, HubError) else "",
        state=str(status.get("state", "")),
        newest_ns=max((frame.ts_pub_ns for frame, _ in last), default=0),
        kinds=tuple(dict.fromkeys(event.KIND for _, event in last)),
        missing=int(status.get("bus", {}).get("missing", 0)),
        beats=beats[name],
    )


def _collector(
    actor: Actor, answers: Mapping[str, Answer], symbol: str, markets: Mapping[str, tuple[str, str]]
) -> Collector:
    """What a collector says besides: of the market, of streams and gaps of the symbol."""
    status = data_of(answers[f"{actor.name} status"]) or {}
    market, raw = markets.get(str(status.get("venue", "")), ("", ""))
    feed = status.get("markets", {}).get(market)
    marks = [event for _, event in _last_events(answers[f"{actor.name} mark"])]
    pushing = status.get("markets", {}).get(PUSH, {}).get("sources", {})
    if pushing:
        feed = {
            "connected": any(row["connected"] for name, row in pushing.items() if venue_of(name) in markets)
        }
    if feed is None:  # a collector that does not tell its markets apart
        feed = {"connected": any(isinstance(mark, Watermark) and mark.is_connected for mark in marks)}
    lines = data_of(answers[f"{actor.name} connections"]) or []
    endings = [line["last_ending"] for line in lines if line["name"].startswith(f"{market}/")]
    gaps = [event for _, event in _last_of(actor.name, answers, symbol) if isinstance(event, Gap)]
    return Collector(
        **{name: getattr(actor, name) for name in actor.__struct_fields__},
        is_connected=bool(feed.get("connected")),
        ending=next(filter(None, endings), ""),
        silent=tuple(name for name in feed.get("silent", ()) if name.startswith(f"{raw.lower()}@")),
        is_book_lost=symbol in feed.get("unsynced", ()),
        gaps=(*_open_gaps(answers, list(markets)), *gaps),
    )


def _open_gaps(answers: Mapping[str, Answer], venues: Sequence[str]) -> list[Gap]:
    """What the hubs still have open; `last` of a collector tells of its newest gap only."""
    found: dict[str, Gap] = {}
    for key, answer in answers.items():
        if key.endswith(" gaps") and isinstance(answer, Reply):
            for gap in _decode_gaps(answer.data):
                if gap.venue in venues:
                    found[gap.gap_id] = gap
    return list(found.values())


def _last_of(name: str, answers: Mapping[str, Answer], symbol: str) -> Iterable[tuple[Frame, Any]]:
    """Newest frame and event of each topic of the symbol (`last` takes a prefix: BTC_USDT brings .PERP too)."""
    for key, answer in answers.items():
        if key.startswith(f"{name} last "):
            for frame, event in _last_events(answer):
                if _symbol_of(frame) == symbol:
                    yield frame, event


def _last_events(answer: Answer) -> Iterable[tuple[Frame, Any]]:
    """Newest event of each frame that `last` returned."""
    for data in data_of(answer) or ():
        try:
            frame = parse_frame(data)
            yield frame, decode_events(frame)[-1]
        except FrameError:
            continue


def _symbol_of(frame: Frame) -> str:
    try:
        return parse_topic(frame.topic).symbol
    except ValueError:
        return ""


def _hub_answers(name: str, answers: Mapping[str, Answer]) -> tuple[list[dict[str, Any]], str]:
    found: list[dict[str, Any]] = []
    asked = {key: value for key, value in answers.items() if key.startswith(f"{name} ask ")}
    for key, value in asked.items():
        what = key.removeprefix(f"{name} ask ")
        if isinstance(value, Reply):
            found.append({"what": what, "age_s": value.age_s, "state": value.state})
        else:
            found.append({"what": what, "error": value.message, "code": value.code})
    codes = {row.get("code", "") for row in found}
    silent = codes <= {"timeout", "unreachable"} and bool(found)
    return found, str(found[0]["error"]) if silent else ""
