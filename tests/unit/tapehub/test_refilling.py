"""Plans: what is stored is left out, what nobody has and what comes by itself is not ordered."""

from collections.abc import Sequence
from typing import Any

from actors.collector.bars.history import REACH_MARGIN_NS
from actors.collector.bars.jobs import Cost
from protocol.instruments import Catalog, Instrument
from tapehub.refill_plan import RUN_UP, Piece
from tapehub.refilling import NEWEST_NS, Planner, Wanted

M = 60_000_000_000
DAY = 1440 * M
NOW = 1_795_168_800_000_000_000
FROM = NOW - 20 * DAY
CATALOG = Catalog([Instrument(symbol=name, providers={"yahoo": name[:3]}) for name in ("BTC_USD", "ETH_USD")])


class Desk:
    """A collector with one provider."""

    def __init__(
        self, reach_ns: int = 1000 * DAY, live: dict[str, int] | None = None, provider: str = "yahoo"
    ) -> None:
        self.is_running = live is not None
        self._live = live or {}
        self._reach_ns = reach_ns
        self._provider = provider
        self.asked: list[tuple[str, list[Piece]]] = []

    def quote(self, provider: str, pieces: Sequence[Piece]) -> list[dict[str, Any]]:
        self.asked.append((provider, list(pieces)))
        return [
            Cost(
                one.symbol, self._provider, 2, 10, max(one.from_ns, NOW - self._reach_ns), one.to_ns, 0.0
            )._asdict()
            for one in pieces
        ]

    def live(self) -> dict[str, int]:
        return self._live

    def limits(self) -> dict[str, list[dict[str, float]]]:
        return {"yahoo": [{"calls": 2, "per_s": 60.0, "used": 1}]}


class Stored:
    """Minutes that are there, of every instrument alike."""

    def __init__(self, *ranges: tuple[int, int]) -> None:
        self._there = {ts_ns for begin, end in ranges for ts_ns in range(begin, end, M)}

    def of(self, _symbol: str, from_ns: int, to_ns: int) -> set[int]:
        return {ts_ns for ts_ns in self._there if from_ns <= ts_ns < to_ns}


def plan(desk: Desk, stored: Stored, *symbols: str, to_ns: int = NOW, is_again: bool = False) -> Any:
    wanted = Wanted("rest", symbols or ("BTC_USD",), FROM, to_ns, NOW, is_again)
    return Planner(CATALOG, stored).plan(desk, wanted, 0.5)  # type: ignore[arg-type]  # it reads minutes, no more


def test_only_what_is_not_stored_is_ordered() -> None:
    found = plan(Desk(), Stored((FROM, FROM + 5 * DAY), (FROM + 6 * DAY, NOW - DAY)))
    assert found.pieces == [
        Piece("BTC_USD", FROM + 5 * DAY - RUN_UP * M, FROM + 6 * DAY),
        Piece("BTC_USD", NOW - DAY - RUN_UP * M, NOW),
    ]
    assert [cost["calls"] for cost in found.costs] == [2, 2]
    assert {cost["seconds"] for cost in found.costs} == {180.0}, "four calls, one a minute for history"


def test_again_is_all_of_it() -> None:
    found = plan(Desk(), Stored((FROM, NOW)), is_again=True)
    assert [one.from_ns for one in found.pieces] == [FROM - RUN_UP * M]


def test_where_all_is_stored_nobody_is_asked_for_a_price() -> None:
    desk = Desk()
    found = plan(desk, Stored((FROM, NOW)))
    assert (found.pieces, found.costs, len(desk.asked)) == ([], [], 1)


def test_what_nobody_has_is_not_ordered() -> None:
    found = plan(Desk(reach_ns=3 * DAY), Stored())
    floor_ns = NOW - 3 * DAY + REACH_MARGIN_NS
    assert found.spans["BTC_USD"].floor_ns == floor_ns
    assert found.pieces == [Piece("BTC_USD", floor_ns, NOW)]


def test_what_the_collector_loads_by_itself_is_left_to_it() -> None:
    desk = Desk(live={"BTC_USD": NOW - 7 * DAY, "ETH_USD": NOW - M})
    found = plan(desk, Stored(), "BTC_USD", "ETH_USD")
    assert {one.symbol: one.to_ns for one in found.pieces} == {"BTC_USD": NOW - 7 * DAY, "ETH_USD": NOW - M}


def test_again_does_not_wait_for_it_but_leaves_the_newest_minutes() -> None:
    desk = Desk(live={"BTC_USD": NOW - 7 * DAY, "ETH_USD": NOW - M})
    found = plan(desk, Stored(), "BTC_USD", "ETH_USD", is_again=True)
    assert {one.symbol: one.to_ns for one in found.pieces} == {"BTC_USD": NOW - NEWEST_NS, "ETH_USD": NOW - M}


def test_the_newest_minutes_are_left_to_an_instrument_that_has_not_begun() -> None:
    assert plan(Desk(live={"BTC_USD": 0}), Stored()).pieces[0].to_ns == NOW - NEWEST_NS
    assert plan(Desk(live={"BTC_USD": 0}), Stored(), to_ns=NOW - DAY).pieces[0].to_ns == NOW - DAY


def test_an_instrument_without_a_name_there_is_not_ordered() -> None:
    found = plan(Desk(provider=""), Stored())
    assert (found.pieces, found.reached_by) == ([], {"BTC_USD": ""})


def test_missing_minutes_are_those_of_the_store() -> None:
    planner = Planner(CATALOG, Stored((FROM, NOW - 3 * M)))  # type: ignore[arg-type]
    span = plan(Desk(), Stored()).spans["BTC_USD"]
    assert planner.missing("BTC_USD", span) == 3
