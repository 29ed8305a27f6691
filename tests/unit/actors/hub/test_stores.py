"""Several persistence actors as one: ranges go to whoever has the kind, windows are put together."""

from __future__ import annotations

from typing import Any

from actors.hub.stores import Answer, Done, Stores
from protocol.errors import HubUnreachable
from protocol.history import BarWindow, EventWindow, Sizes, Windows, decode_windows, windows_request
from protocol.messages import Gap
from protocol.replay import Position
from protocol.requests import Reply, Request, raw

ACTORS: dict[str, dict[str, Any]] = {
    "persistence.1": {"kinds": ["trade", "quote", "alert"], "database": "sqlite:////ticks"},
    "persistence.2": {"kinds": ["bar", "gap"]},
}
BARS = BarWindow("binance", "BTC_USDT", "1m", "aggregator.1", 1, 1, [], b"")
TRADES = EventWindow("trade", "binance", "BTC_USDT", [], [])


class Desk:
    """Keeps the questions until the test answers them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Request, Done]] = []
        self.answers: list[Answer] = []
        self.stores = Stores(
            ACTORS, list(ACTORS), lambda name, one, _s, done: self.asked.append((name, one, done))
        )

    def ask(self, question: Request) -> None:
        self.stores.ask(question, 1.0, self.answers.append)

    def answer(self, **pages: Windows | Exception) -> None:
        asked, self.asked = self.asked, []
        for name, _, done in asked:
            page = pages[name.replace(".", "_")]
            done(page if isinstance(page, Exception) else Reply(id=1, ok=True, data=raw(page)))

    def page(self) -> Windows:
        (answer,) = self.answers
        self.answers.clear()
        assert isinstance(answer, Reply)
        return decode_windows(answer)


def page_of(cursor: str = "", **changes: Any) -> Windows:
    whole: dict[str, Any] = {
        "positions": {"collector.a": Position(1, 10), "aggregator.1": Position(1, 5)},
        "cursor": cursor, "bars": [BARS], "events": [TRADES], "gaps": raw([]), "lists": {},
    }  # fmt: skip
    return Windows(**{**whole, **changes})


def test_a_range_is_asked_of_whoever_has_its_kind() -> None:
    desk = Desk()
    for kind in ("trade", "bar", ""):
        desk.ask(Request(op="history", kind=kind))
    assert [name for name, _, _ in desk.asked] == ["persistence.1", "persistence.2", "persistence.2"]


def test_windows_come_from_both_each_kind_from_the_one_that_has_it() -> None:
    """What the other one stored before the kinds were divided is none of it: it ends somewhere in the past."""
    desk = Desk()
    desk.ask(windows_request(Sizes(bars=5), max_bytes=1000))
    assert [one.args["max_bytes"] for _, one, _ in desk.asked] == [500, 500]
    gap = Gap("g", "binance", "BTC_USDT", "trade", 0, 0, 1, 2, "restart", "open", "", 1, 3)
    desk.answer(
        persistence_1=page_of(lists={"alert": raw([]), "verdict": raw([])}),
        persistence_2=page_of(
            positions={"collector.a": Position(1, 7), "hub.9": Position(1, 1)}, gaps=raw([gap])
        ),
    )
    found = desk.page()
    assert (len(found.bars), len(found.events)) == (1, 1)
    assert found.positions == {"collector.a": Position(1, 7)}, "up to there both have everything"
    assert list(found.lists) == ["alert", "verdict"]
    assert b"BTC_USDT" in bytes(found.gaps)
    assert not found.cursor


def test_further_pages_are_asked_of_those_that_have_some() -> None:
    desk = Desk()
    desk.ask(windows_request(Sizes(bars=5)))
    desk.answer(persistence_1=page_of(), persistence_2=page_of("more"))
    cursor = desk.page().cursor
    desk.ask(windows_request(Sizes(bars=5), cursor))
    assert [(name, one.args["cursor"]) for name, one, _ in desk.asked] == [("persistence.2", "more")]
    desk.answer(persistence_2=page_of())
    assert not desk.page().cursor


def test_one_that_does_not_answer_leaves_the_windows_for_later() -> None:
    desk = Desk()
    desk.ask(windows_request(Sizes(bars=5)))
    desk.answer(persistence_1=page_of(), persistence_2=HubUnreachable("gone"))
    assert isinstance(desk.answers[0], HubUnreachable)
    desk.answers.clear()
    desk.ask(windows_request(Sizes(bars=5)))
    desk.answer(persistence_1=page_of(), persistence_2=page_of(positions={}))
    assert desk.page().positions == {}, "nothing is stored by one of them: nothing is by both"
