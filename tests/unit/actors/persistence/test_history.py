"""What is stored comes back: ranges page by page, windows to start warm with, newest values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.persistence.history import HistoryServer
from actors.persistence.reader import Reader
from protocol.history import (
    BarWindow,
    Latest,
    Sizes,
    Windows,
    decode_windows,
    page_end_of,
    windows_request,
)
from protocol.messages import Alert, Footprint, Gap, Liquidation, Quote, Signal, Trade
from protocol.record import RecordKind
from protocol.replay import Position
from protocol.requests import Reply, Request, decode_reply, encode_request
from protocol.windows import BAR_BYTES, REASON_ELSEWHERE, BarData, bar_dtype, pack_bar, unpack_bar
from tests.support.stored import Stored
from tests.unit.actors.hub.samples import (
    BASE_NS,
    MINUTE_NS,
    Pen,
    bar,
    feature,
    fetched,
    flow,
    footprint,
    gap,
    quote,
    signal,
    sweep,
    trade,
    verdict,
)

TRADE, QUOTE = "trade.binance.BTC_USDT", "quote.binance.BTC_USDT"
decode = msgspec.msgpack.decode


class Library:
    """A store, and the answers about it."""

    def __init__(self, folder: Path) -> None:
        self.stored = Stored(folder / "store.sqlite")
        self.reader = Reader(self.stored.url)
        self.server = HistoryServer(self.reader, "persistence.1", 3, lambda: BASE_NS)
        self.pens = {name: Pen(name, epoch=5) for name in ("collector.binance.1", "aggregator.1")}

    def write(self, topic: str, *events: Any, kind: int = RecordKind.DATA) -> None:
        pen = self.pens["aggregator.1" if topic.startswith("bar.") else "collector.binance.1"]
        self.stored.write([pen.frame(topic, events, kind=kind)])

    def ask(self, op: str, **fields: Any) -> Reply:
        return decode_reply(self.server.answer(encode_request(Request(op=op, id=42, **fields))))

    def pages(self, type_: Any, order: str = "newest", **fields: Any) -> list[Any]:
        """Every page of a range, decoded."""
        found, cursor = [], ""
        while True:
            reply = self.ask("history", args={"cursor": cursor, "order": order}, **fields)
            assert reply.ok, (reply.code, reply.message)
            found.append(decode(reply.data, type=type_))
            cursor = page_end_of(reply).cursor
            if not cursor:
                return found

    def windows(self, cursor: str = "", **sizes: int) -> Windows:
        max_bytes = sizes.pop("max_bytes", 4 * 1024 * 1024)
        wanted = Sizes(**{"bars": 5000, "trades": 1000, "gaps": 100, "series": 100, "lists": 100, **sizes})
        request = windows_request(wanted, cursor, max_bytes)
        return decode_windows(decode_reply(self.server.answer(encode_request(request))))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    made = Library(tmp_path)
    yield made
    made.reader.close()
    made.stored.close()


def opens(data: BarData) -> list[int]:
    return (np.frombuffer(data.rows, bar_dtype())["ts_open_ns"] // MINUTE_NS).tolist()


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("n", [1, 3, 7, 20])
def test_candles_come_page_by_page_each_once(library: Library, order: str, n: int) -> None:
    library.write("bar.binance.BTC_USDT.1m", *map(bar, range(20)))
    library.write("bar.binance.BTC_USDT.5m", *(bar(n, timeframe="5m") for n in range(0, 20, 5)))
    library.write("bar.binance.ETH_USDT.1m", *(bar(n, symbol="ETH_USDT") for n in range(20)))

    pages = library.pages(BarData, order, symbol="BTC_USDT", n=n, from_ns=2 * MINUTE_NS, to_ns=17 * MINUTE_NS)

    found = [opens(page) for page in pages]
    assert list(itertools.chain(*(found if order == "oldest" else found[::-1]))) == list(range(2, 17))
    assert all(len(page) == n for page in found[:-1])


def test_a_candle_comes_back_exactly_whatever_it_holds(library: Library) -> None:
    """The fast way and the long way, which is taken for other sources and for prices that are not known."""
    plain = bar(1, open=0.1, coverage=0.3, status="gap", revision=7, source="quote")
    rest = bar(2, source="rest.binance", vwap=math.nan)
    library.write("bar.binance.BTC_USDT.1m", plain)

    [data] = library.pages(BarData, symbol="BTC_USDT")
    assert bytes(data.rows) == pack_bar(plain, 1)
    library.write("bar.binance.BTC_USDT.1m", rest)
    [data] = library.pages(BarData, symbol="BTC_USDT")

    identity = ("BTC_USDT", "binance", "1m")
    assert unpack_bar(data.rows, 0, identity, data.sources) == plain
    found = unpack_bar(data.rows, 1, identity, data.sources)
    assert (found.source, math.isnan(found.vwap)) == ("rest.binance", True)


def test_a_status_of_the_future_is_not_trusted(library: Library) -> None:
    later = bar(1, status="corrected")
    library.write("bar.binance.BTC_USDT.1m", later)

    [data] = library.pages(BarData, symbol="BTC_USDT")

    found = unpack_bar(data.rows, 0, ("BTC_USDT", "binance", "1m"), data.sources)
    assert (found.status, found.close) == ("gap", later.close)


@pytest.mark.parametrize("venue", ["rest", "ig"])
@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_candles_of_providers_come_back_with_whom_they_are_from(
    library: Library, venue: str, order: str
) -> None:
    sent = [
        fetched(
            minute, venue=venue, source=("polygon", "yahoo", "trade")[minute % 3], is_adjusted=minute % 2 == 0,
            reason="" if minute % 4 else "nobody traded: yahoo, polygon", vwap=math.nan if minute == 5 else 1.0,
        )
        for minute in range(9)
    ]  # fmt: skip
    library.write(f"bar.{venue}.EUR_USD.1m", *sent)

    pages = library.pages(BarData, order, symbol="EUR_USD", n=4)

    found = [
        unpack_bar(page.rows, at, ("EUR_USD", venue, "1m"), page.sources)
        for page in (pages if order == "oldest" else pages[::-1])
        for at in range(len(page.rows) // BAR_BYTES)
    ]
    wanted = [msgspec.structs.replace(one, reason=REASON_ELSEWHERE if one.reason else "") for one in sent]
    assert list(map(repr, found)) == list(map(repr, wanted))


def test_the_answer_says_what_it_covers_and_what_is_newest(library: Library) -> None:
    library.write("bar.binance.BTC_USDT.1m", *map(bar, range(10)))

    reply = library.ask("history", symbol="BTC_USDT", to_ns=5 * MINUTE_NS, n=3)

    assert (reply.id, reply.publisher, reply.epoch, reply.asked) == (42, "persistence.1", 3, 3)
    assert (reply.covered_from_ns, reply.covered_to_ns) == (2 * MINUTE_NS, 5 * MINUTE_NS)
    assert page_end_of(reply).newest_ns == 9 * MINUTE_NS


ids = st.one_of(st.integers(1, 5), st.sampled_from(["a", "b"]))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """One store for many examples, each with a symbol of its own."""
    made = Library(tmp_path_factory.mktemp("store"))
    yield made
    made.reader.close()
    made.stored.close()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), ids), min_size=1, max_size=30, unique=True),
    st.integers(1, 9),
    st.booleans(),
)
def test_trades_of_one_moment_are_not_torn_apart_by_a_page(
    shared: Library, made: list[tuple[int, Any]], n: int, is_newest_first: bool
) -> None:
    symbol = f"S{shared.pens['collector.binance.1'].writer.seq}"
    sent = [
        msgspec.structs.replace(trade(at, symbol=symbol, recv_ns=BASE_NS + at), trade_id=number)
        for at, number in made
    ]
    shared.write(f"trade.binance.{symbol}", *sent)
    order = "newest" if is_newest_first else "oldest"

    pages = shared.pages(list[Trade], order, symbol=symbol, kind="trade", n=n)

    found = list(itertools.chain(*(pages[::-1] if is_newest_first else pages)))
    assert [one.ts_event_ns for one in found] == sorted(one.ts_event_ns for one in found)
    assert sorted(map(repr, found)) == sorted(map(repr, sent))


def test_quotes_and_gaps_are_kept_too(library: Library) -> None:
    library.write(QUOTE, *(quote(float(n), recv_ns=BASE_NS + n) for n in range(1, 6)))
    filled = gap("g-5-1", "filled", to_ts_ns=BASE_NS + 9, count=3)
    library.write("gap.binance.BTC_USDT", filled, kind=RecordKind.UPSTREAM_GAP)

    [quotes] = library.pages(
        list[Quote], symbol="BTC_USDT", kind="quote", from_ns=BASE_NS + 2, to_ns=BASE_NS + 5
    )
    [gaps] = library.pages(list[Gap], symbol="BTC_USDT", kind="gap")

    assert [one.bid for one in quotes] == [2.0, 3.0, 4.0]
    assert gaps == [filled]
    assert library.pages(list[Quote], symbol="BTC_USDT", kind="quote", to_ns=5) == [[]]


EVENTS: list[Any] = [
    feature(1, 55.5, coverage=0.5),
    flow(60.0, 60 * MINUTE_NS, vwap=0.1),
    footprint(1),
    Alert("BTC_USDT", "binance", "spike", "warning", BASE_NS, "text", {"z": 4.25}),
    Signal("BTC_USDT", "cross", BASE_NS, 1, 1.0, 2.0, 3.0, 0.5, {"ema": 1.0}),
    signal(1, "target"),
    Liquidation("BTC_USDT", "binance", BASE_NS, BASE_NS + 1, 3.0, 4.0, -1),
    sweep(),
    verdict(symbol="BTC_USDT", venue="binance"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.KIND)
def test_every_kind_of_event_comes_back_as_it_was(library: Library, event: Any) -> None:
    at = "ts_open_ns" if event.KIND in ("feature", "footprint") else "ts_event_ns"
    later = msgspec.structs.replace(event, **{at: getattr(event, at) + MINUTE_NS})
    tail = ".1m" if at == "ts_open_ns" else ""
    library.write(f"{event.KIND}.binance.BTC_USDT{tail}", event, later)

    pages = library.pages(list[type(event)], symbol="BTC_USDT", kind=event.KIND, n=1)  # type: ignore[misc]

    assert pages == [[later], [event]]
    reply = library.ask("history", symbol="BTC_USDT", kind=event.KIND)
    assert (reply.covered_from_ns, reply.covered_to_ns) == (getattr(event, at), getattr(later, at) + 1)


def test_footprints_of_the_session_and_of_minutes_are_apart(library: Library) -> None:
    for timeframe in ("1m", "session"):
        library.write(f"footprint.binance.BTC_USDT.{timeframe}", footprint(3, timeframe=timeframe))
    ask = {"symbol": "BTC_USDT", "kind": "footprint"}

    [[found]] = library.pages(list[Footprint], timeframe="session", **ask)
    assert found.timeframe == "session"
    assert library.ask("history", timeframe="5x", **ask).code == "invalid_request"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"op": "history", "symbol": "NOPE"}, "no_data"),
        ({"op": "history"}, "invalid_request"),
        ({"op": "history", "symbol": "BTC_USDT", "kind": "wish"}, "invalid_request"),
        ({"op": "history", "symbol": "BTC_USDT", "timeframe": "7m"}, "invalid_request"),
        ({"op": "history", "symbol": "BTC_USDT", "n": -1}, "invalid_request"),
        ({"op": "history", "symbol": "BTC_USDT", "args": {"cursor": "x"}}, "invalid_request"),
        ({"op": "history", "symbol": "BTC_USDT", "args": {"cursor": f"[{2**70}]"}}, "invalid_request"),
        ({"op": "history", "symbol": "BTC_USDT", "args": {"cursor": 7}}, "invalid_request"),
        ({"op": "history", "symbol": "BTC_USDT", "args": {"order": "any"}}, "invalid_request"),
        ({"op": "windows", "args": {"bars": -1}}, "invalid_request"),
        ({"op": "windows", "args": {"cursor": "x"}}, "invalid_request"),
        ({"op": "latest", "kind": "bar"}, "invalid_request"),
        ({"op": "histroy"}, "invalid_request"),
        ({"op": "latest", "v": 2}, "protocol_mismatch"),
        ({"op": "latest", "deadline_ns": 1}, "timeout"),
    ],
)
def test_a_wrong_question_is_refused_with_a_code(library: Library, fields: dict[str, Any], code: str) -> None:
    library.write("bar.binance.BTC_USDT.1m", bar(0))

    reply = library.ask(**fields)

    assert (reply.ok, reply.code, reply.id) == (False, code, 42)


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x80", b"\x93\x01\x02\x03"])
def test_rubbish_is_answered_as_such(library: Library, body: bytes) -> None:
    assert decode_reply(library.server.answer(body)).code == "invalid_request"


def test_a_database_that_is_not_there_is_named_without_its_password() -> None:
    server = HistoryServer(
        Reader("postgresql+psycopg://me:secret@127.0.0.1:1/x"), "persistence.1", 1, lambda: 0
    )

    reply = decode_reply(server.answer(encode_request(Request(op="latest"))))

    assert reply.code == "overloaded"
    assert "me:***@127.0.0.1:1/x" in reply.message
    assert "secret" not in repr(reply)


def test_the_newest_of_each_instrument(library: Library) -> None:
    library.write(QUOTE, quote(1.0), quote(2.0, recv_ns=BASE_NS + 1))
    library.write("quote.binance.ETH_USDT", quote(3.0, symbol="ETH_USDT"))

    found = decode(library.ask("latest").data, type=list[Latest])

    assert [(one.topic, one.publisher, one.epoch, one.seq) for one in found] == [
        (QUOTE, "collector.binance.1", 5, 1),
        ("quote.binance.ETH_USDT", "collector.binance.1", 5, 2),
    ]
    assert decode(found[0].event, type=Quote).bid == 2.0
    assert decode(library.ask("latest", kind="trade").data) == []


def test_windows_hold_the_newest_of_everything_up_to_the_positions(library: Library) -> None:
    library.write("bar.binance.BTC_USDT.1m", *map(bar, range(30)))
    library.write(TRADE, *map(trade, range(1, 101)))
    library.write(TRADE, trade(101, recv_ns=BASE_NS + 1))
    library.write(QUOTE, quote(1.0), quote(2.0, recv_ns=BASE_NS + 1))
    for state in ("open", "filled"):
        library.write("gap.binance.BTC_USDT", gap("g-5-1", state), kind=RecordKind.UPSTREAM_GAP)

    found = library.windows(bars=10, trades=70)

    assert found.positions == {"collector.binance.1": Position(5, 5), "aggregator.1": Position(5, 1)}
    [bars] = found.bars
    assert (bars.publisher, bars.epoch, bars.seq, bars.timeframe) == ("aggregator.1", 5, 1, "1m")
    assert (np.frombuffer(bars.rows, bar_dtype())["ts_open_ns"] // MINUTE_NS).tolist() == list(range(20, 30))
    kinds = {one.kind: one for one in found.events}
    trades = [one for payload in kinds["trade"].payloads for one in decode(payload, type=list[Trade])]
    assert [one.trade_id for one in trades] == list(range(32, 102))
    assert kinds["trade"].ends == [("collector.binance.1", 5, 2)]
    assert decode(kinds["quote"].payloads[0], type=list[Quote])[0].bid == 2.0
    assert [one.state for one in decode(found.gaps, type=list[Gap])] == ["filled"]
    assert found.cursor == ""


def test_windows_come_in_pages_of_bounded_size_each_series_once(library: Library) -> None:
    symbols = [f"S{number}" for number in range(5)]
    for symbol in symbols:
        for timeframe in ("1m", "1h", "5m"):
            made = [bar(60 * n, symbol=symbol, timeframe=timeframe) for n in range(100)]
            library.write(f"bar.binance.{symbol}.{timeframe}", *made)
        library.write(f"trade.binance.{symbol}", trade(1, symbol=symbol))
    max_bytes = 50 * BAR_BYTES * 2

    pages: list[Windows] = []
    while not pages or pages[-1].cursor:
        pages.append(library.windows(pages[-1].cursor if pages else "", bars=50, max_bytes=max_bytes))

    bars: list[BarWindow] = [one for page in pages for one in page.bars]
    assert len(pages) > 5
    assert sorted((one.symbol, one.timeframe) for one in bars) == sorted(
        (symbol, timeframe) for symbol in symbols for timeframe in ("1m", "1h", "5m")
    )
    assert {len(one.rows) for one in bars} == {50 * BAR_BYTES}
    assert all(sum(len(one.rows) for one in page.bars) <= 2 * max_bytes for page in pages)
    assert [one.symbol for page in pages for one in page.events] == symbols


def test_one_answer_sees_one_moment(library: Library) -> None:
    library.write(TRADE, trade(1))

    with library.reader.moment() as moment:
        before = moment.positions()
        library.write(TRADE, trade(2))
        assert moment.positions() == before
    with library.reader.moment() as moment:
        assert moment.positions() != before


def test_an_actor_without_a_database_says_so() -> None:
    server = HistoryServer(None, "persistence.1", 1, lambda: 0)

    reply = decode_reply(server.answer(encode_request(Request(op="latest", id=7))))

    assert (reply.id, reply.code) == (7, "no_data")
    assert "keeps no database" in reply.message
