"""Good questions to every socket that is asked, and good answers: what wrong ones are made of. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

from protocol.client import questions as client
from protocol.history import Sizes, bar_data, decode_windows, windows_request
from protocol.messages import Bar, Book, Feature, Flow, Footprint, Gap, Quote, Signal, Trade
from protocol.pushing import Push, request_of
from protocol.replay import (
    Extent,
    Fetched,
    JournalStatus,
    Position,
    ack_request,
    decode_fetched,
    decode_status,
    fetch_request,
    status_request,
)
from protocol.requests import Reply, Request, encode_request, raw
from protocol.windows import pack_bar

S: Final = "BTC_USDT"
NOW_NS: Final = 1_790_000_000 * 10**9
LISTS: Final = ("alerts", "news", "liquidations", "sweeps", "verdicts")


def hub_questions() -> list[Request]:
    """One or more of every operation of the hub."""
    asked: list[client.Question[Any]] = [
        client.tick(S), client.tick("BTC_USDT.PERP", venue="binance", allow_stale=True), client.ticks([S, "ETH_USDT"]), client.ticks(),
        client.candles(S, "1m", 50, allow_stale=True), client.candles(S, "5m", 0, from_ns=NOW_NS, to_ns=NOW_NS + 10**12),
        client.book(S, 5, allow_stale=True), client.trades(S, 20, allow_stale=True), client.order_flow(S, 60.0, allow_stale=True),
        client.order_flow(S), client.features(S, "1m", allow_stale=True), client.features_history(S, "1m", 10, allow_stale=True),
        client.footprint(S, "1m", 3, allow_stale=True), client.profile(S, allow_stale=True), client.signals(10), client.gaps(10),
        client.gaps(5, symbol=S, state="open"), client.history(S, "1m", from_ns=NOW_NS - 10**12, to_ns=NOW_NS),
        client.history(S, kind="trade"), client.status(), client.symbols(), client.topics("trade."), client.endpoints(), client.ping(),
        client.snapshot([S, client.candles(S, "1m", 5)]),
        *(client.listing(op, 5) for op in LISTS if op in client._lists),
    ]  # fmt: skip
    return [
        *(one.request for one in asked),
        Request(op="bbo", symbol=S), Request(op="book", symbol=S, venue="*", depth=5), Request(op="tail", topic=f"trade.binance.{S}", n=3),
        Request(op="clear", symbol="NOBODY"),
    ]  # fmt: skip


def journal_questions() -> list[Request]:
    """Every operation of the journal server."""
    name = "journal.1"
    return [
        status_request(name), fetch_request(name, Position(0, 0)), fetch_request(name, Position(1_790_000_000, 3), 4096, ["mark."]),
        ack_request("persistence.1", name, Position(1, 1)), Request(op="ping"), fetch_request("hub.1", Position(5, 5)),
    ]  # fmt: skip


def store_questions() -> list[Request]:
    """Every operation of persistence."""
    kinds = ("bar", "trade", "quote", "alert", "gap", "footprint", "feature", "signal")
    found = [
        Request(op="history", symbol=S, kind=kind, timeframe="1m", n=10, from_ns=NOW_NS - 10**12, to_ns=NOW_NS + 10**13,
                args={"order": "newest", "cursor": ""})
        for kind in kinds
    ]  # fmt: skip
    return [
        *found, windows_request(Sizes()), windows_request(Sizes(10, 10, 10, 10, 10), "", 10_000), Request(op="latest", kind="quote"),
        Request(op="latest", kind="trade", symbol=S), Request(op="coverage", timeframe="1m", from_ns=NOW_NS - 10**14),
        Request(op="size"), Request(op="history", symbol=S, args={"cursor": f"{NOW_NS}:1", "order": "oldest"}),
    ]  # fmt: skip


def ctl_questions(actor: str) -> list[Request]:
    """What a control socket answers; what writes stacks into the log is left to the live run."""
    base = [
        Request(op="ping"), Request(op="status"), Request(op="last", topic="mark."), Request(op="last"),
        Request(op="log_level", args={"level": "info"}), Request(op="stop"),
    ]  # fmt: skip
    own = {
        "aggregator": [Request(op="bars", symbol=S, timeframe="1m", venue="binance")],
        "detector": [Request(op="reload")],
        "scanner": [Request(op="reload"), Request(op="why", symbol=S)],
        "collector": [
            Request(op="subscribe", symbols=[S]), Request(op="unsubscribe", symbols=[S]), Request(op="snap", symbol=S, venue="binance"),
            Request(op="rotate"), Request(op="repair", args={"gap_id": "collector.binance.1-1-1"}), Request(op="connections"),
            Request(op="sources"),
        ],
        "simulator": [
            Request(op="rate", args={"per_s": 100.0}), Request(op="truth", symbol=S, args={"symbol": S, "depth": 3}), Request(op="port"),
            Request(op="drop", args={"n": 1, "symbol": S}), Request(op="freeze", args={"symbol": S, "seconds": 1.0}), Request(op="calm"),
            Request(op="thaw", args={"symbol": S}), Request(op="disconnect", args={"path": "x"}), Request(op="skew", args={"ms": 5}),
            Request(op="refuse", args={"n": 1, "what": "ws"}), Request(op="outage", args={"seconds": 1.0}), Request(op="start"),
            Request(op="inject", args={"text": "{}"}), Request(op="shutdown_notice"), Request(op="reorder", args={"seconds": 0.5}),
            Request(op="truth_trades", args={"symbol": "BTC_USDT.PERP", "kind": "trade", "limit": 10}),
            Request(op="print", args={"symbol": "BTC_USDT.PERP", "market": "usdm", "notional": 1e6, "side": 1}),
            Request(op="sweep", args={"symbol": "BTC_USDT.PERP", "levels": 3, "side": 1}),
            Request(op="surge", args={"symbol": "BTC_USDT.PERP", "factor": 2.0, "seconds": 5}),
            Request(op="liquidations", args={"symbol": "BTC_USDT.PERP", "count": 3, "notional": 1e5, "side": -1, "seconds": 1}),
        ],
    }  # fmt: skip
    return [*base, *own.get(actor.partition(".")[0], [])]


def push_questions(random: Random) -> list[Request]:
    """Pushes of the receiver's own protocol; their bodies are looked into by `--venue push`."""
    at = NOW_NS // 10**9
    bodies: list[Any] = [
        {"symbol": "EURUSD", "bid": 1.1, "ask": 1.2, "ts_event_ns": NOW_NS},
        [
            {"symbol": "EURUSD", "bid": 1.1 + random.random(), "ask": 2.2, "timestamp": at + number}
            for number in range(5)
        ],
        {
            "symbol": "EURUSD",
            "timeframe": "1m",
            "ts_open_ns": NOW_NS,
            "open": 1.0,
            "high": 2.0,
            "low": 0.5,
            "close": 1.5,
            "volume": 3.0,
        },
    ]
    pushes = [request_of(Push(json.dumps(body).encode(), "application/json", "mt5", 0.0)) for body in bodies]
    return [*pushes, Request(op="ping")]


def questions_for(actor: str, kind: str, random: Random) -> list[bytes]:
    """Good questions to one socket, encoded."""
    if kind == "ctl":
        found = ctl_questions(actor)
    elif kind == "ingest":
        found = push_questions(random)
    else:
        found = {"hub": hub_questions, "journal": journal_questions, "persistence": store_questions}[
            actor.partition(".")[0]
        ]()
    return [encode_request(one) for one in found]


def results(random: Random) -> list[tuple[Callable[[Reply], Any], bytes]]:
    """What makes a value of an answer, and the data of a good answer."""
    quote = Quote(S, "binance", NOW_NS, NOW_NS, 100.0, 100.5, 1.0, 2.0, 7)
    trades = [
        Trade(S, "binance", NOW_NS, NOW_NS, 100.0 + random.random(), 1.0, 1, number) for number in range(3)
    ]
    book = Book(S, "binance", NOW_NS, NOW_NS, True, 5, 5, [(100.0, 1.0)], [(100.5, 2.0)])
    flow = Flow(S, "binance", 60.0, NOW_NS, True, {"delta": 1.0})
    feature = Feature(S, "binance", "1m", NOW_NS, NOW_NS, True, {"rsi_14": 50.0}, 1)
    footprint = Footprint(
        S, "binance", "session", NOW_NS, NOW_NS, 0.5, [100.0], [1.0], [0.0], [0.0], 1.0, 1.0, 100.0, 100.0, 100.5, 1, "closed", 1.0, 1
    )  # fmt: skip
    gap = Gap("c-1-1", "binance", S, "trade", 1, 2, NOW_NS, NOW_NS, "disconnect", "filled")
    signal = Signal(S, "x", NOW_NS, 1, 100.0, 99.0, 102.0, 0.5, {}, "binance", "1m", "x-1")
    bar = Bar(
        S,
        "binance",
        "1m",
        NOW_NS,
        NOW_NS,
        100.0,
        101.0,
        99.0,
        100.5,
        5.0,
        2.0,
        3.0,
        100.2,
        7,
        "closed",
        1.0,
        1,
        "trade",
    )
    bars = bar_data(S, "binance", "1m", ["trade"], pack_bar(bar, 0) * 3)
    fetched = Fetched("data", 1, 1, 2, 0, b"")
    status = JournalStatus("hub.1", [Extent(1, 1, 9, False)], 100, 1000, {"persistence.1": (1, 5)})
    pairs: list[tuple[Callable[[Reply], Any], Any]] = [
        (client.tick(S).result, quote), (client.candles(S).result, bars), (client.book(S).result, book), (client.trades(S).result, trades),
        (client.order_flow(S).result, flow), (client.features(S).result, feature), (client.features_history(S).result, [feature]),
        (client.footprint(S).result, [footprint]), (client.profile(S).result, [footprint]), (client.gaps().result, [gap]),
        (client.signals().result, [signal]), (client.status().result, {"actors": {}}), (client.symbols().result, {}),
        (client.topics().result, []), (client.endpoints().result, {}), (client.ping().result, "pong"), (client.clear(S).result, 3),
        (client.ticks([S]).result, [{"id": 0, "ok": True, "age_s": 0.1, "state": "fresh", "data": quote}]),
        (client.snapshot([S]).result, [{"id": 0, "ok": True, "data": quote}]),
        (client.history(S, kind="trade").result, trades), (client.history(S, kind="quote").result, [quote]), (client.history(S).result, bars),
        (decode_fetched, fetched), (decode_status, status), (decode_windows, [{"hub.1": [1, 5]}, "", [], [], [gap], {"alert": []}]),
        *((client.listing(op).result, []) for op in LISTS if op in client._lists),
    ]  # fmt: skip
    return [(make, bytes(raw(value))) for make, value in pairs]
