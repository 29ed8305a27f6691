"""Answers about the whole: status, symbols, topics, endpoints, lists of events, tails for a stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from actors.hub.desk import Desk, Piece
from actors.hub.payloads import array_header
from actors.hub.signals import choice_of
from protocol.errors import FrameError, InvalidRequest
from protocol.requests import Request

_encode = msgspec.msgpack.Encoder().encode
LISTS = {
    "alerts": "alert", "news": "news", "liquidations": "liquidation", "sweeps": "sweep", "verdicts": "verdict",
}  # fmt: skip
"""Operation to the kind of events that it lists; signals are listed otherwise."""


class OverviewAnswers:
    """One method per operation; each returns the encoded reply or raises a HubError.

    Args:
        desk: What all answers need.
        own_status: The hub's own status, as its heartbeat has it.
        endpoints: Actor name to the address where it publishes, of the whole topology.
        max_reply_bytes: Longest answer of `tail`.
    """

    def __init__(
        self,
        desk: Desk,
        own_status: Callable[[], dict[str, Any]],
        endpoints: Mapping[str, Mapping[str, str]],
        max_reply_bytes: int,
    ) -> None:
        self._desk = desk
        self._own_status = own_status
        self._endpoints = endpoints
        self._max_reply_bytes = max_reply_bytes

    def ping(self, request: Request) -> bytes:
        """`data`: `pong`."""
        return self._desk.plain(request, "pong")

    def status(self, request: Request) -> bytes:
        """`data`: `hub` (name, epoch, sizes), `counters`, `actors`, `venues`, `gaps_open`."""
        desk = self._desk
        own = self._own_status()
        data = {
            "hub": {key: value for key, value in own.items() if key != "counters"},
            "counters": own.get("counters", {}),
            "actors": self._actors(own),
            "venues": self._venues(),
            "gaps_open": desk.store.gaps.open_count,
        }
        return desk.plain(request, data)

    def _actors(self, own: dict[str, Any]) -> dict[str, Any]:
        mono_ns = self._desk.clock.mono_ns()
        rows: dict[str, Any] = {name: {"state": "UNKNOWN", "is_alive": False} for name in self._endpoints}
        for publisher in self._desk.fleet.publishers():
            if publisher.beat is None:
                continue
            is_alive = self._desk.fleet.is_alive(publisher, mono_ns)
            rows[publisher.name] = {
                "state": publisher.beat.state,
                "is_alive": is_alive,
                "beat_age_s": (mono_ns - publisher.beat_ns) / 1e9,
                "epoch": publisher.epoch,
                "last_seq": publisher.beat.last_seq,
                "frames_per_s": publisher.rate_per_s if is_alive else 0.0,
                "detail": publisher.detail,
            }
        rows[self._desk.name] = {
            "state": own.get("state", ""),
            "is_alive": True,
            "beat_age_s": 0.0,
            "epoch": self._desk.epoch,
            "last_seq": own.get("seq", 0),
            "frames_per_s": own.get("frames_out_per_s") or 0.0,
            "detail": own,
        }
        return rows

    def _venues(self) -> dict[str, Any]:
        desk = self._desk
        now_ns, mono_ns = desk.clock.now_ns(), desk.clock.mono_ns()
        rows: dict[str, Any] = {}
        for venue in desk.fleet.venues():
            rows.setdefault(venue.venue, {})[venue.publisher] = {
                "is_connected": desk.fleet.is_connected(venue, mono_ns),
                "watermark_ns": venue.ts_event_ns,
                "behind_s": (now_ns - venue.ts_event_ns) / 1e9,
                "silent_s": (mono_ns - venue.heard_ns) / 1e9,
            }
        return rows

    def symbols(self, request: Request) -> bytes:
        """`data`: symbol to its mapped venues, price steps, the kinds that came per venue, the age of the newest."""
        desk = self._desk
        now_ns = desk.clock.now_ns()
        rows: dict[str, Any] = {
            name: {
                "session": one.session,
                "mapped": sorted(one.venues),
                "tick_size": one.tick_size,
                "pip_size": one.pip_size,
            }
            for name, one in ((name, desk.catalog.get(name)) for name in desk.catalog.symbols)
        }
        for slot in desk.store:
            topic = slot.topic
            if not topic.symbol:
                continue
            row = rows.setdefault(topic.symbol, {"session": slot.session, "mapped": []})
            kinds = row.setdefault("venues", {}).setdefault(topic.venue, [])
            if topic.kind not in kinds:
                kinds.append(topic.kind)
            row["age_s"] = min(row.get("age_s", float("inf")), (now_ns - slot.frame.ts_pub_ns) / 1e9)
        return desk.plain(request, dict(sorted(rows.items())))

    def topics(self, request: Request) -> bytes:
        """`data`: one map per topic that starts with `topic`: counts, rate, last numbers, age."""
        desk = self._desk
        now_ns = desk.clock.now_ns()
        rows = [
            {
                "topic": slot.name,
                "publisher": desk.fleet.name_of(slot.frame.publisher_padded),
                "epoch": slot.frame.epoch,
                "seq": slot.frame.seq,
                "topic_seq": slot.frame.topic_seq,
                "ts_pub_ns": slot.frame.ts_pub_ns,
                "age_s": (now_ns - slot.frame.ts_pub_ns) / 1e9,
                "frames": slot.frames,
                "events": slot.events,
                "rate_per_s": slot.rate_per_s,
            }
            for slot in desk.store.under(request.topic)
        ]
        return desk.plain(request, sorted(rows, key=lambda row: str(row["topic"])))

    def endpoints(self, request: Request) -> bytes:
        """`data`: actor to `pub` (where to subscribe), `query` (where it answers, if it does) and whether it is
        alive, of the whole topology.
        """
        desk = self._desk
        mono_ns = desk.clock.mono_ns()
        heard = {publisher.name: publisher for publisher in desk.fleet.publishers()}
        rows = {}
        for name, addresses in self._endpoints.items():
            publisher = heard.get(name)
            is_alive = publisher is not None and desk.fleet.is_alive(publisher, mono_ns)
            rows[name] = {**addresses, "is_alive": is_alive or name == desk.name}
        return desk.plain(request, rows)

    def listing(self, request: Request) -> bytes:
        """`alerts news liquidations sweeps verdicts`: `data` is an array of messages, oldest first."""
        log = self._desk.store.logs[LISTS[request.op]]
        symbol = self._desk.symbol(request.symbol) if request.symbol else ""
        return self._desk.plain(request, log.newest(request.n, symbol, request.venue), request.n)

    def signals(self, request: Request) -> bytes:
        """`data`: an array of `Signal`, each signal once with its newest revision, oldest first; vetoed ones only where
        `args.states` names them. `args.is_newest_revision` false: every revision.
        """
        symbol = self._desk.symbol(request.symbol) if request.symbol else ""
        found = self._desk.store.signals.chosen(request.n, choice_of(request, symbol))
        return self._desk.plain(request, found, request.n)

    def gaps(self, request: Request) -> bytes:
        """`data`: an array of `Gap`; `kind` and `args.state` filter too."""
        symbol = self._desk.symbol(request.symbol) if request.symbol else ""
        state = request.args.get("state", "")
        if not isinstance(state, str):
            raise InvalidRequest("state is not a text", errors=[f"args.state: {state!r}"])
        found = self._desk.store.gaps.newest(request.n, symbol, request.venue, request.kind, state)
        return self._desk.plain(request, found, request.n)

    def tail(self, request: Request) -> bytes:
        """`data`: per topic that starts with `topic` (exact with a `$` behind it) an array
        `[topic, publisher, epoch, topic_seq, [event, …]]`: the last `n` events and the number of the frame
        that brought the newest, so that a live subscription can be joined to it.
        """
        prefix = request.topic.rstrip("*>")
        slots = self._desk.store.under(prefix.removesuffix("$"), exact=prefix.endswith("$"))
        found: list[Piece] = []
        size_bytes = 0
        for slot in slots:
            piece = self._tail_of(slot, request.n)
            size_bytes += len(piece)
            if size_bytes > self._max_reply_bytes:
                raise InvalidRequest(
                    f"the last {request.n} events of {len(slots)} topics are more than "
                    f"{self._max_reply_bytes} bytes: ask for fewer",
                    errors=["n: too large for so many topics"],
                )
            found.append(piece)
        return self._desk.encoded(request, [array_header(len(found)), *found], request.n)

    def _tail_of(self, slot: Any, count: int) -> bytes:
        frame = slot.frame
        try:
            events = slot.tail(count)
        except FrameError:
            events = []
        head = (slot.name, self._desk.fleet.name_of(frame.publisher_padded), frame.epoch, frame.topic_seq)
        return b"".join((array_header(5), *map(_encode, head), array_header(len(events)), *events))
