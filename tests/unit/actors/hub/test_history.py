"""A range of the past from two places, the hub's window and the store: as if it were one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.hub.archive import MAX_UNDER_WAY, Archive
from actors.hub.history import Deeper, Outcome
from actors.hub.past import Plan
from actors.persistence.history import HistoryServer
from actors.persistence.reader import Reader
from protocol.client import Candles, Trades, questions
from protocol.client.paging import Paging
from protocol.client.questions import Past, Question
from protocol.client.quotes import Quotes
from protocol.errors import HubTimeout, NoData, Overloaded
from protocol.messages import Bar
from protocol.requests import Reply, Request, decode_reply, encode_request
from tests.support.stored import Stored
from tests.unit.actors.hub.desks import FakeHub
from tests.unit.actors.hub.samples import BASE_NS, MINUTE_NS, Pen, bar, gap, quote, trade

BARS, TRADES = "bar.binance.BTC_USDT.1m", "trade.binance.BTC_USDT"


class Library:
    """A store that outlives many hubs."""

    def __init__(self, folder: Path) -> None:
        self.stored = Stored(folder / "store.sqlite")
        self.reader = Reader(self.stored.url)
        self.server = HistoryServer(self.reader, "persistence.1", 1, lambda: BASE_NS)

    def close(self) -> None:
        self.reader.close()
        self.stored.close()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    made = Library(tmp_path_factory.mktemp("store"))
    yield made
    made.close()


class Town:
    """A hub and a store; what is published goes to both, or to one of them."""

    def __init__(self, library: Library, **sizes: Any) -> None:
        library.stored.clear()
        self.library = library
        self.hub = FakeHub("persistence.1", **sizes)
        self.pens = {"bar": Pen("aggregator.1", epoch=4), "": Pen(epoch=5)}
        self.asked: list[Request] = []
        self.fault: Exception | None = None

    def publish(self, topic: str, *events: Any, is_stored: bool = True, is_heard: bool = True) -> None:
        frame = self.pens["bar" if topic.startswith("bar.") else ""].frame(topic, events)
        if is_heard:
            self.hub.store.ingest(frame)
        if is_stored:
            self.library.stored.write([frame])

    def ask(self, request: Request) -> Reply:
        try:
            body = self.hub.answers.answer(encode_request(request))
        except Deeper as deeper:
            body = self.hub.answers.settle(deeper.plan, self._from_store(deeper.plan))
        return decode_reply(body)

    def _from_store(self, plan: Plan) -> Outcome:
        assert plan.ask is not None
        self.asked.append(plan.ask)
        if self.fault is not None:
            return self.fault
        return decode_reply(self.library.server.answer(encode_request(plan.ask)))

    def history(self, is_oldest_first: bool = False, **fields: Any) -> Past:
        """All pages, as the clients ask for them."""
        question: Question[Past] = questions.history("BTC_USDT", **fields)
        paging = Paging(question, is_oldest_first=is_oldest_first)
        while (request := paging.next()) is not None:
            paging.take(self.ask(request))
        return paging.whole()


def minutes(bars: Past) -> list[int]:
    assert isinstance(bars, Candles)
    return (bars.ts_open_ns // MINUTE_NS).tolist()


def parts(found: Past) -> list[tuple[str, int]]:
    return [(part["source"], part["rows"]) for part in found.parts]


def test_what_the_window_lacks_comes_from_the_store_and_the_reply_says_so(library: Library) -> None:
    town = Town(library, bar_window=5)
    for number in range(1, 21):
        town.publish(BARS, bar(number))
    town.publish(BARS, bar(21, status="open", revision=0), is_stored=False)

    whole = town.history(from_ns=3 * MINUTE_NS, n=15)
    recent = town.history(n=4)

    assert minutes(whole) == list(range(7, 22))
    assert whole.parts == [
        {"source": "store", "from_ns": 7 * MINUTE_NS, "to_ns": 17 * MINUTE_NS, "rows": 10},
        {"source": "window", "from_ns": 17 * MINUTE_NS, "to_ns": 22 * MINUTE_NS, "rows": 5},
    ]
    assert (whole.covered_from_ns, whole.covered_to_ns) == (7 * MINUTE_NS, 22 * MINUTE_NS)
    assert (whole.missing, whole.asked, whole.is_complete) == ([], 15, True)
    assert (whole.source, whole.age_s) == ("aggregator.1", 0.0)
    assert (minutes(recent), parts(recent)) == (list(range(18, 22)), [("window", 4)])
    assert len(town.asked) == 1, "a window that is deep enough asks nobody"


def test_the_newest_revision_wins_wherever_it_is(library: Library) -> None:
    town = Town(library, bar_window=3)
    for number in range(1, 8):
        town.publish(BARS, bar(number))
    town.publish(BARS, bar(2, revision=2, close=9.0))
    town.publish(BARS, bar(6, revision=2, close=8.0), is_stored=False)

    found = town.history()

    assert isinstance(found, Candles)
    assert minutes(found) == list(range(1, 8))
    assert found.revision.tolist() == [1, 2, 1, 1, 1, 2, 1]


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 12), st.integers(0, 3), st.integers(1, 12)),
    st.tuples(st.integers(0, 22), st.integers(0, 22), st.integers(0, 22)),
    st.booleans(),
)
def test_any_range_of_candles_is_whole(
    library: Library, sizes: tuple[int, int, int], asked: tuple[int, int, int], is_oldest_first: bool
) -> None:
    window, lag, page = sizes
    begin, end, n = asked
    town = Town(library, bar_window=window)
    for number in range(1, 21):
        town.publish(BARS, bar(number), is_stored=number <= 20 - min(lag, window - 1))
    wanted = [number for number in range(1, 21) if number >= begin and (not end or number < end)]
    if n:
        wanted = wanted[:n] if is_oldest_first else wanted[-n:]
    small_pages(town, page)

    fields = {"from_ns": begin * MINUTE_NS, "to_ns": end * MINUTE_NS, "n": n}
    if not wanted:
        with pytest.raises(NoData):
            town.history(is_oldest_first, **fields)
        return
    found = town.history(is_oldest_first, **fields)

    assert minutes(found) == wanted
    assert found.missing == []
    assert sum(part["rows"] for part in found.parts) == len(wanted)


def small_pages(town: Town, rows: int) -> None:
    """Make the store answer with few rows a page."""
    ask = town._from_store

    def asked(plan: Plan) -> Outcome:
        assert plan.ask is not None
        least = min(plan.ask.n or rows, rows)
        return ask(plan._replace(ask=msgspec.structs.replace(plan.ask, n=least)))

    town._from_store = asked  # type: ignore[method-assign]


ends = st.one_of(st.just(0), st.integers(1, 30))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=25),
    st.tuples(st.integers(1, 12), st.integers(1, 4), st.integers(1, 9)),
    st.tuples(ends, ends, ends),
    st.booleans(),
)
def test_any_range_of_trades_is_whole_also_where_many_share_a_moment(
    library: Library,
    steps: list[int],
    sizes: tuple[int, int, int],
    asked: tuple[int, int, int],
    is_oldest_first: bool,
) -> None:
    window, batch, page = sizes
    begin, end, n = asked
    town = Town(library, trade_window=window)
    sent, at_ns = [], BASE_NS
    for number, step in enumerate(steps, 1):
        at_ns += step
        sent.append(trade(number, recv_ns=at_ns))
    for start in range(0, len(sent), batch):
        town.publish(TRADES, *sent[start : start + batch])
    fields = {"from_ns": begin and BASE_NS + begin, "to_ns": end and BASE_NS + end, "n": n}
    wanted = [
        one
        for one in sent
        if one.ts_event_ns >= fields["from_ns"] and (not end or one.ts_event_ns < fields["to_ns"])
    ]
    if n:
        wanted = wanted[:n] if is_oldest_first else wanted[-n:]
    small_pages(town, page if is_oldest_first else page + window + batch)

    if not wanted:
        with pytest.raises(NoData):
            town.history(is_oldest_first, kind="trade", **fields)
        return
    found = town.history(is_oldest_first, kind="trade", **fields)

    assert isinstance(found, Trades)
    assert [one.trade_id for one in found] == [one.trade_id for one in wanted]
    assert found.missing == []


def test_quotes_and_gaps_come_from_the_store(library: Library) -> None:
    town = Town(library)
    town.publish("quote.binance.BTC_USDT", quote(1.0), quote(2.0, recv_ns=BASE_NS + 1))
    town.publish("gap.binance.BTC_USDT", gap("g-1", "filled", to_ts_ns=BASE_NS + 5))

    quotes = town.history(kind="quote")
    gaps = town.ask(Request(op="history", symbol="BTC_USDT", kind="gap"))

    assert isinstance(quotes, Quotes)
    assert (quotes.bid.tolist(), quotes.ask[0], quotes.ts_event_ns[0], len(quotes)) == (
        [1.0, 2.0],
        2.0,
        BASE_NS,
        2,
    )
    assert (quotes[0].bid, quotes.columns()["bid_size"].tolist()) == (1.0, [2.0, 2.0])
    assert "2 rows" in repr(quotes)
    assert msgspec.msgpack.decode(gaps.data)[0][0] == "g-1"


def test_a_symbol_that_the_hub_has_not_heard_yet_comes_from_the_store(library: Library) -> None:
    town = Town(library)
    town.publish(BARS, bar(1), bar(2), is_heard=False)

    found = town.history()

    assert (minutes(found), parts(found), found.state) == ([1, 2], [("store", 2)], "none")


@pytest.mark.parametrize("fault", [HubTimeout("no answer within 1 s"), Overloaded("the database is down")])
def test_without_the_store_the_window_answers_and_says_what_is_missing(
    library: Library, fault: Exception
) -> None:
    town = Town(library, bar_window=5)
    for number in range(1, 21):
        town.publish(BARS, bar(number))
    town.fault = fault

    found = town.history(from_ns=3 * MINUTE_NS)
    older = town.ask(Request(op="history", symbol="BTC_USDT", from_ns=MINUTE_NS, to_ns=5 * MINUTE_NS))

    assert minutes(found) == list(range(16, 21))
    assert found.covered_from_ns == 16 * MINUTE_NS
    assert found.missing == [{"from_ns": 3 * MINUTE_NS, "to_ns": 16 * MINUTE_NS, "reason": str(fault)}]
    assert older.code == "overloaded"
    assert str(fault) in older.message


def test_a_hole_between_store_and_window_is_told(library: Library) -> None:
    """The hub has started cold, and what came just before is not stored yet."""
    town = Town(library)
    town.publish(BARS, *(bar(number) for number in range(1, 6)), is_heard=False)
    town.publish(BARS, *(bar(number) for number in range(9, 12)), is_stored=False)
    town.publish(TRADES, *(trade(n, recv_ns=BASE_NS + n) for n in range(1, 6)), is_heard=False)
    town.publish(TRADES, *(trade(n, recv_ns=BASE_NS + n) for n in range(8, 10)), is_stored=False)

    bars, trades = town.history(), town.history(kind="trade")

    assert minutes(bars) == [1, 2, 3, 4, 5, 9, 10, 11]
    assert bars.missing == [{"from_ns": 6 * MINUTE_NS, "to_ns": 9 * MINUTE_NS, "reason": "not stored yet"}]
    assert bars.covered_from_ns == 9 * MINUTE_NS
    assert trades.missing == [{"from_ns": BASE_NS + 6, "to_ns": BASE_NS + 8, "reason": "not stored yet"}]


def test_a_question_among_many_is_answered_from_the_window(library: Library) -> None:
    town = Town(library, bar_window=2)
    town.publish(BARS, bar(1), bar(2), bar(3))

    [reply] = msgspec.msgpack.decode(
        town.ask(Request(op="snapshot", queries=[{"op": "history", "symbol": "BTC_USDT"}])).data,
        type=list[Reply],
    )

    assert (reply.ok, reply.details["parts"][0]["rows"]) == (True, 2)
    assert "snapshot" in reply.details["missing"][0]["reason"]
    assert town.asked == []


@pytest.mark.parametrize(
    "fields", [{"kind": "wish"}, {"timeframe": "7m"}, {"args": {"order": "any"}}, {"args": {"cursor": "x"}}]
)
def test_a_wrong_question_is_refused(library: Library, fields: dict[str, Any]) -> None:
    town = Town(library)
    town.publish(BARS, bar(1))

    assert town.ask(Request(op="history", symbol="BTC_USDT", **fields)).code == "invalid_request"


def test_sources_of_other_names_survive_the_seam(library: Library) -> None:
    town = Town(library, bar_window=2)
    made: list[Bar] = [
        bar(n, source=source) for n, source in enumerate(["rest.a", "trade", "rest.b", "rest.a"], 1)
    ]
    for one in made:
        town.publish(BARS, one)

    found = town.history()

    assert isinstance(found, Candles)
    assert found.origin.tolist() == ["rest.a", "trade", "rest.b", "rest.a"]


class Line:
    """An archive whose store is answered by the test."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[Reply | Exception], None]] = []
        self.replies: list[bytes] = []
        self.is_up = True
        self.archive = Archive(
            lambda _request, _timeout_s, done: self.waiting.append(done),
            lambda _plan, outcome: repr(outcome).encode(),
            lambda _kind: self.is_up,
            timeout_s=1.0,
        )

    def fetch(self) -> None:
        plan: Any = Plan(Request(op="history"), "bar", "", "", None, None, 0, Request(op="history"))  # type: ignore[arg-type]
        self.archive.fetch(plan, self.replies.append)


def test_few_questions_are_put_to_the_store_at_once_and_none_to_one_that_is_down() -> None:
    line = Line()
    for _ in range(MAX_UNDER_WAY + 1):
        line.fetch()

    assert len(line.waiting) == MAX_UNDER_WAY
    assert b"under way" in line.replies.pop()
    line.waiting.pop(0)(HubTimeout("late"))
    assert b"late" in line.replies.pop()
    line.fetch()
    assert len(line.waiting) == MAX_UNDER_WAY
    line.is_up = False
    line.fetch()
    assert b"the store is down" in line.replies.pop()
