"""One WebSocket address of an exchange looked at: handshake, subscription, first data. Blocking."""

from __future__ import annotations

import collections
import contextlib
import select
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from websocket import WebSocketBadStatusException, WebSocketException

from actors.collector.exchange.connection import retry_after_s
from actors.collector.exchange.stream_socket import FrameTooLarge, StreamSocket
from actors.collector.exchange.subscriptions import Subscriptions
from actors.collector.outcomes import (
    Ack,
    BookChange,
    BookImage,
    Broken,
    Outcome,
    PastTrade,
    Refusal,
    Reject,
    Subscribed,
)
from actors.collector.probing.probe import Probe, named
from actors.collector.probing.refusals import meaning
from actors.collector.venue import Reader, Venue
from protocol.messages import Book, Liquidation, Quote, Trade

MAY_BE_SILENT: Final = frozenset({"trade", "liquidation"})
"""Kinds of which nothing may come for a while although all is well."""
NOT_AWAITED: Final = "liquidation"
"""Nobody waits for one: hours may pass."""
_TURN_S: Final = 0.05
_FRAMES_PER_TURN: Final = 256
_KINDS: Final[Mapping[type, str]] = {
    Trade: Trade.KIND,
    Quote: Quote.KIND,
    BookChange: Book.KIND,
    BookImage: Book.KIND,
    Liquidation: Liquidation.KIND,
}


class Wanted(NamedTuple):
    """One stream of one symbol."""

    stream: str
    symbol: str
    kind: str


class StreamProbe:
    """Subscribes on one connection and hears what comes.

    Args:
        probe: Where findings go.
        venue: Words requests.
        market: One of its markets.
        url: Address of the connection.
        wanted: What to subscribe to on it.
        reader: Of the frames.
    """

    def __init__(
        self, probe: Probe, venue: Venue, market: str, url: str, wanted: Sequence[Wanted], reader: Reader
    ) -> None:
        self._probe, self._venue, self._market, self._url = probe, venue, market, url
        self._wanted = wanted
        self._reader = reader
        self._seen: set[tuple[str, str]] = set()
        """(symbol, kind) of which data has come."""
        self._rejects: collections.Counter[str] = collections.Counter()
        self._sample = ""
        self._ending = ""

    def run(self, *, has_sizes: bool) -> None:
        """Look at it; without sizes of contracts data is not judged."""
        probe = self._probe
        probe.begin("handshake")
        sock = StreamSocket(probe.settings.max_frame_bytes)
        began_ns = probe.clock.mono_ns()
        try:
            sock.open(self._url, probe.left_s(probe.settings.connect_timeout_s))
        except WebSocketBadStatusException as refusal:
            headers = refusal.resp_headers or {}
            what, fix = meaning(refusal.status_code, retry_after_s(headers.get("retry-after")))
            probe.fail(f"{self._url}: {what}", fix)
            return
        except (WebSocketException, OSError, ValueError) as fault:
            probe.fail(f"{self._url}: no WebSocket: {fault}", "is this the address of a WebSocket?")
            return
        with contextlib.ExitStack() as stack:
            stack.callback(sock.hang_up)
            probe.ok(f"{self._url}: done in {(probe.clock.mono_ns() - began_ns) / 1e6:.0f} ms")
            self._converse(sock, has_sizes=has_sizes)

    def _converse(self, sock: StreamSocket, *, has_sizes: bool) -> None:
        probe, venue, clock = self._probe, self._venue, self._probe.clock
        probe.begin("subscribe")
        mono_ns = began_ns = clock.mono_ns()
        patience_s = probe.left_s(probe.settings.answer_timeout_s)
        subscriptions = Subscriptions(venue, self._market, patience_s, mono_ns)
        standing = list(venue.standing_streams(self._market, self._url))
        subscriptions.begin(standing)
        subscriptions.begin(dict.fromkeys(one.stream for one in self._wanted))
        ping = venue.ping(self._market)
        ping_due_ns = mono_ns + round(ping.every_s * 1e9) if ping else 0
        settled_ns = 0
        while not self._ending and not probe.is_late:
            mono_ns = clock.mono_ns()
            if ping and mono_ns >= ping_due_ns:
                ping_due_ns = mono_ns + round(ping.every_s * 1e9)
                self._send(sock, ping.text)
            while (text := subscriptions.next_message(mono_ns)) is not None:
                self._send(sock, text)
            if not settled_ns and subscriptions.is_settled:
                settled_ns = mono_ns
                probe.begin("data")
            if subscriptions.is_overdue(mono_ns):
                break
            patience_ns = probe.data_s * 1e9 if has_sizes else 0
            if settled_ns and (self._has_all() or mono_ns - settled_ns >= patience_ns):
                break
            self._hear(sock, subscriptions)
        self._judge_answers(subscriptions, standing, (settled_ns or clock.mono_ns()) - began_ns)
        if settled_ns and has_sizes:
            self._judge_data(subscriptions, (clock.mono_ns() - settled_ns) / 1e9)

    def _send(self, sock: StreamSocket, text: str) -> None:
        try:
            sock.send(text)
        except (WebSocketException, OSError) as fault:
            self._ending = str(fault) or type(fault).__name__

    def _hear(self, sock: StreamSocket, subscriptions: Subscriptions) -> None:
        try:
            if not sock.has_more:
                if not select.select([sock.fd], [], [], _TURN_S)[0]:
                    return
                sock.fill()
            frames = sock.take(_FRAMES_PER_TURN)
        except FrameTooLarge as fault:
            self._rejects["oversize_frame"] += 1
            self._sample = self._sample or str(fault)
            return
        except (WebSocketException, OSError) as fault:
            self._ending = str(fault) or type(fault).__name__
            return
        ts_recv_ns = self._probe.clock.now_ns()
        for frame in frames:
            for outcome in self._reader.parse(frame, ts_recv_ns):
                self._take(outcome, subscriptions)

    def _take(self, outcome: Outcome, subscriptions: Subscriptions) -> None:
        match outcome:
            case Ack():
                subscriptions.acked(outcome)
            case Subscribed():
                subscriptions.listed(outcome.streams)
            case Refusal():
                subscriptions.declined(outcome)
            case Broken():
                self._ending = outcome.reason
            case Reject():
                self._rejects[outcome.reason] += 1
                self._sample = self._sample or f"{outcome.reason}: {outcome.detail}"
            case PastTrade():
                self._seen.add((outcome.trade.symbol, Trade.KIND))
            case _:
                kind = _KINDS.get(type(outcome))
                if kind is not None:
                    self._seen.add((outcome.symbol, kind))  # type: ignore[union-attr]  # all of these have one

    def _has_all(self) -> bool:
        return all((one.symbol, one.kind) in self._seen or one.kind == NOT_AWAITED for one in self._wanted)

    def _judge_answers(self, subscriptions: Subscriptions, standing: Sequence[str], took_ns: int) -> None:
        probe = self._probe
        probe.begin("subscribe")
        streams = [*standing, *dict.fromkeys(one.stream for one in self._wanted)]
        refused = subscriptions.refused
        silent = [one for one in streams if one not in subscriptions.active and one not in refused]
        if refused:
            words = named((f"{stream}: {text!r}" for stream, text in refused.items()), 3)
            probe.fail(
                f"{len(refused)} of {len(streams)} streams refused: {words}",
                f"correct streams.{self._market}, or the symbol's name in symbols.yaml",
            )
        if self._ending:
            text = f"the connection ended: {self._ending}"
            probe.fail(text, "tapehub logs shows whether it does so again and again")
        elif silent:
            text = f"no answer to {len(silent)} of {len(streams)} streams within {took_ns / 1e9:.1f} s: {named(silent)}"
            probe.fail(text, "is this the address for these streams? compare ws_url with docs/venues.md")
        elif not refused:
            probe.ok(f"{len(streams)} streams acknowledged in {took_ns / 1e6:.0f} ms")

    def _judge_data(self, subscriptions: Subscriptions, took_s: float) -> None:
        probe = self._probe
        probe.begin("data")
        whole: list[str] = []
        for kind in dict.fromkeys(one.kind for one in self._wanted):
            symbols = [
                one.symbol
                for one in self._wanted
                if one.kind == kind and one.stream not in subscriptions.refused
            ]
            silent = [symbol for symbol in symbols if (symbol, kind) not in self._seen]
            if not symbols:
                continue
            if not silent:
                whole.append(kind)
            elif kind in MAY_BE_SILENT:
                probe.warn(f"{kind}: no data yet of {named(silent)}", "all is well if little is traded there")
            else:
                say = probe.fail if len(silent) == len(symbols) else probe.warn
                say(
                    f"{kind}: no data of {named(silent)} within {took_s:.1f} s",
                    "is the name right in symbols.yaml? is it traded now?",
                )
        if whole:
            probe.ok(
                f"{', '.join(whole)} of {len({one.symbol for one in self._wanted})} symbols within {took_s:.1f} s"
            )
        if self._rejects:
            count = sum(self._rejects.values())
            probe.warn(f"{count} frames cannot be used: {self._sample}", "please report it with a recording")
