"""The board says what the hub would say, whatever has happened; where it cannot be sure it says nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.hub.board import HORIZON_NS, Board
from protocol.board import reading
from protocol.board.machine import is_possible
from protocol.board.writing import BoardWriter
from protocol.client import board as client_board
from protocol.client import questions
from protocol.messages import Beat, Flow, Watermark
from protocol.record import RecordKind
from protocol.requests import Reply, Request
from tests.unit.actors.hub.desks import FakeHub
from tests.unit.actors.hub.samples import (
    BASE_NS,
    MINUTE_NS,
    SECOND_NS,
    Pen,
    bar,
    book,
    feature,
    footprint,
    gap,
    quote,
)

MEBIBYTE = 1 << 20
COLLECTORS = ("collector.binance.1", "collector.binance.2")
pytestmark = pytest.mark.skipif(
    not is_possible(), reason="no board on this machine: see protocol/board/machine.py"
)


class BoardedHub(FakeHub):
    """A hub without sockets, its board, and a reader of it that lives at the hub's time."""

    def __init__(self, pointer: Path, max_bytes: int = 64 * MEBIBYTE, **settings: Any) -> None:
        super().__init__(**settings)
        self.writer = BoardWriter(pointer, 7, max_bytes)
        self.board = Board(self.writer, self.store, self.desk.freshness, self.fleet, self.clock)
        self.reader = client_board.Board(pointer)
        reading._mono_ns = client_board._mono_ns = self.clock.mono_ns  # type: ignore[misc]

    def beat(self, publisher: str, state: str = "RUNNING") -> None:
        pen = self.pens.setdefault(publisher, Pen(publisher, epoch=5))
        beat = Beat(publisher, 5, 1, 1, 0, 0, self.clock.ns, state)
        self.fleet.on_beat(pen.beat(beat), self.clock.ns)

    def mark(self, publisher: str, is_connected: bool, venue: str = "binance") -> None:
        pen = self.pens.setdefault(publisher, Pen(publisher, epoch=5))
        mark = Watermark(publisher, venue, self.clock.ns, is_connected)
        frame = pen.frame(f"mark.{publisher}", [mark], self.clock.ns, RecordKind.TIME)
        self.fleet.on_mark(frame, self.clock.ns)

    def answers_agree(self, request: Request) -> bool:
        """Whether the board answers; what it says is what the hub says."""
        found = self.reader.reply(request)
        if found is None:
            return False
        said = self.ask(
            **{field: getattr(request, field) for field in request.__struct_fields__ if field != "id"}
        )
        assert said.ok, (request.op, said.code, said.message, found)
        assert found.age_s == pytest.approx(said.age_s, abs=1e-6)
        for name in ("state", "source", "source_epoch", "seq", "epoch", "asked"):
            assert getattr(found, name) == getattr(said, name), name
        covered = (found.covered_from_ns, found.covered_to_ns)
        assert covered == (said.covered_from_ns, said.covered_to_ns)
        assert msgspec.msgpack.decode(found.data) == msgspec.msgpack.decode(said.data)
        return True

    def close(self) -> None:
        self.board.close()


@pytest.fixture(autouse=True)
def _clocks() -> Iterator[None]:
    before = reading._mono_ns
    yield
    reading._mono_ns = client_board._mono_ns = before  # type: ignore[misc]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[BoardedHub]:
    made = BoardedHub(tmp_path / "hub.1.board")
    yield made
    made.close()


ASKED: list[Request] = [
    asked.request
    for venue in ("", "binance", "okx")
    for asked in (
        questions.tick("BTC_USDT", venue=venue),
        questions.book("BTC_USDT", 1, venue=venue),
        questions.book("BTC_USDT", 0, venue=venue),
        questions.candles("BTC_USDT", "1m", 0, venue=venue),
        questions.candles("BTC_USDT", "1m", 3, venue=venue),
        questions.candles("BTC_USDT", "1m", 2, from_ns=2 * MINUTE_NS, to_ns=9 * MINUTE_NS, venue=venue),
        questions.order_flow("BTC_USDT", venue=venue),
        questions.order_flow("BTC_USDT", 60.0, venue=venue),
        questions.features("BTC_USDT", venue=venue),
    )
]


def test_every_kind_is_answered_and_equals_what_the_hub_says(hub: BoardedHub) -> None:
    now_ns = hub.clock.ns
    hub.hear("quote.binance.BTC_USDT", quote(5.0, recv_ns=now_ns, update_id=77))
    hub.hear("book.binance.BTC_USDT", book(10, recv_ns=now_ns))
    hub.hear("bar.binance.BTC_USDT.1m", *map(bar, range(20)))
    flows = (Flow("BTC_USDT", "binance", s, now_ns, True, {"cvd": s}) for s in (5.0, 60.0))
    hub.hear("flow.binance.BTC_USDT", *flows)
    hub.hear("feature.binance.BTC_USDT.1m", feature(19, 44.0))
    hub.hear("footprint.binance.BTC_USDT.1m", footprint(19))
    hub.board.flush()

    assert [hub.answers_agree(request) for request in ASKED] == [True] * 18 + [False] * 9
    assert hub.reader.tick("BTC_USDT") == questions.tick("BTC_USDT").result(
        hub.ask("tick", symbol="BTC_USDT")
    )
    many = questions.snapshot(["BTC_USDT", questions.candles("BTC_USDT")])
    reply = hub.reader.reply(many.request)
    assert reply is not None
    here, there = many.result(reply), many.result(hub.ask("snapshot", queries=many.request.queries))
    assert (here[0], here[1].to_dicts()) == (there[0], there[1].to_dicts())


Step = Callable[[BoardedHub], None]


def _advance(seconds: float) -> Step:
    return lambda hub: hub.clock.advance(seconds)


def _quote(venue: str, publisher: str) -> Step:
    def step(hub: BoardedHub) -> None:
        hub.quotes += 1  # type: ignore[attr-defined]
        one = quote(float(hub.quotes), recv_ns=hub.clock.ns, venue=venue, update_id=hub.quotes)  # type: ignore[attr-defined]
        hub.hear(f"quote.{venue}.BTC_USDT", one, publisher=publisher)

    return step


def _book(venue: str, is_next: bool) -> Step:
    def step(hub: BoardedHub) -> None:
        hub.books += 1  # type: ignore[attr-defined]
        last: int = hub.books  # type: ignore[attr-defined]
        one = book(last, last - 1 if is_next else 0, recv_ns=hub.clock.ns, venue=venue)
        hub.hear(f"book.{venue}.BTC_USDT", one, publisher=f"collector.{venue}.1")

    return step


def _bar(venue: str, minute: int, revision: int) -> Step:
    one = bar(minute, venue=venue, revision=revision, close=float(revision + 1))
    return lambda hub: hub.hear(f"bar.{venue}.BTC_USDT.1m", one, publisher="aggregator.1")


def _flow(length_s: float) -> Step:
    return lambda hub: hub.hear(
        "flow.binance.BTC_USDT",
        Flow("BTC_USDT", "binance", length_s, hub.clock.ns, True, {"cvd": 1.0}),
        publisher="orderflow.1",
    )


def _gap(publisher: str, kind: str, state: str) -> Step:
    one = gap(f"{publisher}-5-1", state, kind=kind, to_ts_ns=0 if state == "open" else BASE_NS)
    return lambda hub: hub.hear("gap.binance.BTC_USDT", one, publisher=publisher)


steps = st.one_of(
    st.sampled_from([0.05, 0.3, 1.0, 4.0, 7.0]).map(_advance),
    st.tuples(st.sampled_from(["binance", "okx"]), st.sampled_from(COLLECTORS)).map(lambda a: _quote(*a)),
    st.tuples(st.sampled_from(["binance", "okx"]), st.booleans()).map(lambda a: _book(*a)),
    st.tuples(st.sampled_from(["binance", "okx"]), st.integers(0, 12), st.integers(0, 2)).map(
        lambda a: _bar(*a)
    ),
    st.sampled_from([5.0, 60.0, 0.0]).map(_flow),
    st.integers(0, 12).map(
        lambda m: lambda hub: hub.hear("feature.binance.BTC_USDT.1m", feature(m), publisher="aggregator.1")
    ),
    st.tuples(
        st.sampled_from(COLLECTORS),
        st.sampled_from(["quote", "trade", "book"]),
        st.sampled_from(["open", "filled"]),
    ).map(lambda a: _gap(*a)),
    st.tuples(st.sampled_from((*COLLECTORS, "aggregator.1")), st.sampled_from(["RUNNING", "STOPPED"])).map(
        lambda a: lambda hub: hub.beat(*a)
    ),
    st.tuples(st.sampled_from(COLLECTORS), st.booleans()).map(lambda a: lambda hub: hub.mark(*a)),
    st.just(lambda hub: hub.answers.answer(msgspec.msgpack.encode({"op": "clear", "symbol": "BTC_USDT"}))),
)


@given(played=st.lists(steps, max_size=40), window=st.integers(2, 9))
def test_whatever_happens_it_never_says_anything_else_than_the_hub(
    tmp_path_factory: pytest.TempPathFactory, played: list[Step], window: int
) -> None:
    hub = BoardedHub(tmp_path_factory.mktemp("board") / "hub.1.board", bar_window=window)
    hub.quotes = hub.books = 0  # type: ignore[attr-defined]
    try:
        for step in played:
            step(hub)
            hub.board.settle()
            hub.board.flush()
            for request in ASKED:
                hub.answers_agree(request)
    finally:
        hub.close()


def test_a_hub_that_hangs_is_asked_again(hub: BoardedHub) -> None:
    hub.hear("quote.binance.BTC_USDT", quote(recv_ns=hub.clock.ns))
    hub.board.flush()
    at_first = hub.reader.tick("BTC_USDT")
    hub.clock.advance(HORIZON_NS / SECOND_NS + 0.001)

    assert (at_first is not None, hub.reader.tick("BTC_USDT")) == (True, None)
    hub.board.flush()
    assert hub.reader.tick("BTC_USDT") is not None


def test_a_venue_that_says_it_is_down_is_down_at_once(hub: BoardedHub) -> None:
    hub.mark(COLLECTORS[0], is_connected=True)
    hub.hear("quote.binance.BTC_USDT", quote(recv_ns=hub.clock.ns))
    hub.board.flush()
    before = hub.reader.tick("BTC_USDT")
    hub.mark(COLLECTORS[0], is_connected=False)
    hub.board.flush()

    assert (before is not None, hub.reader.tick("BTC_USDT")) == (True, None)
    assert hub.ask("tick", symbol="BTC_USDT").code == "stale_data"


def test_what_is_forgotten_is_not_found(hub: BoardedHub) -> None:
    hub.hear("quote.binance.BTC_USDT", quote(recv_ns=hub.clock.ns))
    hub.board.flush()
    before = hub.reader.tick("BTC_USDT")
    hub.store.clear("BTC_USDT")
    hub.board.flush()

    assert (before is not None, hub.reader.tick("BTC_USDT")) == (True, None)


def test_a_second_venue_is_noticed_by_who_knew_one(hub: BoardedHub) -> None:
    hub.hear("quote.binance.BTC_USDT", quote(1.0, recv_ns=hub.clock.ns))
    hub.board.flush()
    first = hub.reader.tick("BTC_USDT")
    hub.clock.advance(0.1)
    hub.hear("quote.okx.BTC_USDT", quote(2.0, recv_ns=hub.clock.ns, venue="okx"))
    hub.board.flush()
    second = hub.reader.tick("BTC_USDT")

    assert first is not None
    assert second is not None
    assert (first.venue, second.venue) == ("binance", "okx")


def test_rows_that_are_changing_are_asked_for_until_they_are_settled(hub: BoardedHub) -> None:
    topic, asked = "bar.binance.BTC_USDT.1m", questions.candles("BTC_USDT").request
    hub.hear(topic, bar(1))
    hub.board.flush()
    before = hub.reader.reply(asked)
    hub.hear(topic, bar(2))
    meanwhile = hub.reader.reply(asked)
    hub.board.settle()

    assert (before is not None, meanwhile) == (True, None)
    assert hub.answers_agree(asked)


def test_what_has_no_room_is_counted_and_left_to_the_hub(tmp_path: Path) -> None:
    hub = BoardedHub(tmp_path / "hub.1.board", max_bytes=6 * MEBIBYTE, bar_window=60_000)
    topic = "bar.binance.BTC_USDT.1m"
    hub.hear("quote.binance.BTC_USDT", quote(recv_ns=hub.clock.ns))
    for start in range(0, 60_000, 5000):
        hub.hear(topic, *map(bar, range(start, start + 5000)))
        hub.board.settle()
        hub.board.flush()

    assert hub.board.left_out == {topic}
    assert hub.reader.reply(questions.candles("BTC_USDT").request) is None
    assert hub.reader.tick("BTC_USDT") is not None
    reply: Reply = hub.ask("candles", symbol="BTC_USDT", timeframe="1m", n=1)
    assert reply.ok
    hub.close()


@pytest.mark.parametrize("at_ns", [-(1 << 63), (1 << 63) - 1])
def test_numbers_that_have_no_place_on_the_board_are_left_to_the_hub(hub: BoardedHub, at_ns: int) -> None:
    """A peer may send any; the hub lives, and the value before them is not given out as the newest."""
    events = {
        "quote.binance.BTC_USDT": quote(recv_ns=hub.clock.ns),
        "flow.binance.BTC_USDT": Flow("BTC_USDT", "binance", 5.0, hub.clock.ns, True, {"cvd": 1.0}),
        "bar.binance.BTC_USDT.1m": bar(1),
        "feature.binance.BTC_USDT.1m": feature(1),
    }
    hub.board._offset_ns = 5
    pen = Pen()
    for ts_pub_ns in (hub.clock.ns, at_ns):
        for topic, event in events.items():
            hub.store.ingest(pen.frame(topic, [event], ts_pub_ns))
        hub.board.settle()
        hub.board.flush()

    for request in (
        questions.tick("BTC_USDT"),
        questions.order_flow("BTC_USDT"),
        questions.candles("BTC_USDT"),
        questions.features("BTC_USDT"),
    ):
        found = hub.reader.reply(request.request)
        assert found is None or found.seq > len(events), request.request.op


def test_a_question_that_makes_no_sense_is_left_to_the_hub(hub: BoardedHub) -> None:
    hub.hear("quote.binance.BTC_USDT", quote(recv_ns=hub.clock.ns))
    hub.hear("bar.binance.BTC_USDT.1m", bar(1))
    hub.board.flush()

    for request in (
        Request(op="candles", symbol="BTC_USDT", timeframe="nonsense"),
        Request(op="candles", symbol="BTC_USDT", timeframe="1m", n=-1),
        Request(op="book", symbol="BTC_USDT", depth=-1),
        Request(op="order_flow", symbol="BTC_USDT", args={"window_s": "x"}),
        Request(op="tick", symbol=""),
        Request(op="no such thing"),
    ):
        assert hub.reader.reply(request) is None
