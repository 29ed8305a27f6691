"""The feed: it asks only when it knows where to begin, spends nothing unwritten, and ends when it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from actors.collector.bars.asking import Found
from actors.collector.bars.feed import STORE_RETRY_NS
from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.providers.registry import provider
from actors.collector.bars.settings import ProviderSettings, RestSettings, TierSettings
from actors.collector.bars.spending.account import AccountState
from actors.collector.feeds import complete
from actors.collector.settings import CollectorSettings
from protocol.errors import ConfigError, HubTimeout
from protocol.instruments import Catalog, Instrument
from protocol.messages import Bar
from protocol.requests import Reply, Request
from tests.support.bars_host import FeedRig, feed_rig
from tests.support.bars_laws import Laws
from tests.support.bars_played import (
    DAY_NS,
    TUESDAY_NS,
    instruments_of,
    market_of,
    settings,
    untrue,
    world_of,
)
from tests.support.providers.world import World
from tests.support.virtual_bars import SECOND_NS
from tests.unit.actors.collector.bars.test_starting import bars, reply

ONE, TWO = "BTC_USD", "ETH_USD"
YAHOO = settings("yahoo")


@pytest.fixture
def world() -> World:
    return world_of(market_of(ONE, TWO), TUESDAY_NS)


@pytest.fixture
def rig(world: World) -> Iterator[FeedRig]:
    with feed_rig(world, instruments_of(world.market), YAHOO, TUESDAY_NS) as found:
        yield found


def submitted(rig: FeedRig) -> int:
    return sum(what == "submit" for what, _ in rig.host.events)


# where it begins


def test_nobody_is_asked_before_the_store_has_answered(rig: FeedRig) -> None:
    for _ in range(20):
        rig.feed.tick(rig.host.clock.mono_ns())
        rig.host.clock.move(SECOND_NS)

    assert submitted(rig) == 0
    ((asked, _),) = rig.host.questions
    assert [(one.op, one.symbol) for one in asked] == [("history", ONE), ("history", TWO)]
    rig.host.answer_store()
    rig.turn()
    assert submitted(rig) == 2


def test_without_a_store_it_begins_at_once(rig: FeedRig) -> None:
    rig.host.has_store = False
    rig.run(2)

    assert submitted(rig) == 2
    assert not any(what == "ask_store" for what, _ in rig.host.events)


@pytest.mark.parametrize(
    "fault", [HubTimeout("no answer", timeout_s=10.0), Reply(1, False, code="overloaded", message="later")]
)
def test_a_store_that_cannot_tell_is_asked_again(rig: FeedRig, fault: Any) -> None:
    rig.feed.tick(rig.host.clock.mono_ns())
    rig.host.answer_store(fault)
    rig.feed.tick(rig.host.clock.mono_ns())
    assert len(rig.host.questions) == 0, "not at once"
    assert rig.host.drops[0][0] == "store_unknown"

    rig.host.clock.move(STORE_RETRY_NS)
    rig.feed.tick(rig.host.clock.mono_ns())
    assert len(rig.host.questions) == 1
    assert submitted(rig) == 0
    rig.host.answer_store()
    rig.run(2)
    assert submitted(rig) == 2


def test_it_goes_on_behind_what_is_stored(rig: FeedRig) -> None:
    rig.feed.tick(rig.host.clock.mono_ns())
    rig.host.answer_store(reply(bars(30, TUESDAY_NS - 10 * MINUTE_NS)))
    rig.run(90)

    first = [bar for bar in rig.events(Bar) if bar.symbol == ONE and bar.revision == 1]
    assert first[0].ts_open_ns == TUESDAY_NS - 10 * MINUTE_NS


# what it publishes


def test_minutes_go_out_by_every_law(rig: FeedRig, world: World) -> None:
    rig.run(600)

    for symbol in (ONE, TWO):
        line = rig.feed._orchestrator.lines[symbol]
        laws = Laws(line.timeline.session, TUESDAY_NS)
        for what, events in rig.host.events:
            if what == "publish":
                laws.take_all(one for one in events if one.symbol == symbol)
        assert len(laws.newest) == 9
        assert untrue(world.market, symbol, laws.newest) == []
    assert {frame.topic for frame in rig.host.frames} == {f"bar.rest.{one}.1m" for one in (ONE, TWO)}
    assert {frame.flags for frame in rig.host.frames} == {0}
    assert rig.host.counters["messages_out"] == len(rig.events(Bar))
    assert rig.feed.is_connected
    assert world.violations == []


def test_wall_clock_jumps_change_nothing(rig: FeedRig, world: World) -> None:
    rig.run(100)
    rig.host.clock.wall_ns -= 3600 * SECOND_NS
    rig.fetcher._clock = type(rig.host.clock)(TUESDAY_NS + 100 * SECOND_NS)
    for _ in range(4 * 200):
        rig.fetcher._clock.move(SECOND_NS // 4)
        rig.turn()

    starts = [bar.ts_open_ns for bar in rig.events(Bar) if bar.symbol == ONE and bar.revision == 1]
    assert starts == [TUESDAY_NS + n * MINUTE_NS for n in range(len(starts))]
    assert len(starts) >= 4


# what is spent


def test_what_is_spent_is_written_before_each_request_goes_out(rig: FeedRig) -> None:
    rig.run(55)

    sent = written = 0
    for what, data in rig.host.events:
        if what == "keep":
            state = msgspec.msgpack.decode(data, type=dict[str, AccountState])["yahoo"]
            written = sum(one.calls for one in state.allowance.limits[0].spent)
        elif what == "submit":
            sent += 1
            assert written >= sent, "a request goes out that is not written down"
    assert sent == len(rig.fetcher.calls) > 2
    kept = sum(what == "keep" for what, _ in rig.host.events)
    assert kept <= 2 * sent, "only when something has changed"


# instruments come and go


def test_an_instrument_that_goes_while_it_is_asked_for_tells_nothing_more(rig: FeedRig) -> None:
    rig.run(2)
    for _ in range(300):
        rig.feed.tick(rig.host.clock.mono_ns())
        rig.host.clock.move(SECOND_NS)
        if rig.host.pending:
            break
    count = len(rig.events(Bar))
    rig.feed.unsubscribe(ONE)
    rig.feed.unsubscribe(ONE)
    rig.host.run_work()

    assert not [bar for bar in rig.events(Bar)[count:] if bar.symbol == ONE]
    assert not rig.feed.has(ONE)
    assert rig.feed.kinds == {TWO: {"bar"}}
    rig.run(120)
    assert [bar for bar in rig.events(Bar)[count:] if bar.symbol == TWO]


def test_an_instrument_that_comes_back_goes_on_where_it_was(rig: FeedRig) -> None:
    rig.run(130)
    rig.feed.unsubscribe(ONE)
    rig.run(60)
    rig.feed.subscribe([(ONE, f"bars:{ONE}")])
    rig.run(120)

    starts = [bar.ts_open_ns for bar in rig.events(Bar) if bar.symbol == ONE and bar.revision == 1]
    assert starts == [TUESDAY_NS + n * MINUTE_NS for n in range(len(starts))]
    assert len(starts) >= 4


def test_an_instrument_that_goes_before_the_store_answers_is_not_begun(rig: FeedRig) -> None:
    rig.feed.tick(rig.host.clock.mono_ns())
    rig.feed.unsubscribe(ONE)
    rig.host.answer_store()
    rig.run(2)

    assert submitted(rig) == 1


def test_a_backfill_goes_on_when_its_instrument_comes_back(rig: FeedRig) -> None:
    rig.run(10)
    asked = Request("backfill", symbol=ONE, from_ns=TUESDAY_NS - DAY_NS, to_ns=TUESDAY_NS - DAY_NS // 2)
    (job_id,) = rig.feed.answer(asked)["jobs"]  # type: ignore[index]
    rig.feed.unsubscribe(ONE)
    rig.feed.subscribe([(ONE, f"bars:{ONE}")])
    rig.run(120)

    found = rig.feed.answer(Request("backfills"))
    assert [one["job_id"] for one in found["finished"]] == [job_id]  # type: ignore[index]


# the end


def test_nothing_is_published_after_the_end_whatever_still_comes(rig: FeedRig) -> None:
    rig.run(62)
    for _ in range(300):
        rig.feed.tick(rig.host.clock.mono_ns())
        rig.host.clock.move(SECOND_NS)
        if rig.host.pending:
            break
    answers = [(work, work.run()) for work in rig.host.pending]
    assert any(isinstance(found, Found) for _, found in answers)
    count = len(rig.host.frames)
    rig.feed.close()
    for work, found in answers:
        work.done(found)
    rig.feed.close()

    assert len(rig.host.frames) == count
    assert rig.fetcher.is_closed


def test_a_bug_in_a_thread_is_a_bug(rig: FeedRig, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(type(provider("yahoo")), "read", broken)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        rig.run(5)


def test_a_raw_name_that_cannot_be_is_told_and_turned_off(world: World) -> None:
    odd = Instrument(symbol="ODD", asset_class="fx", providers={"alphavantage": "EUR/"})
    with feed_rig(world, [odd], settings("alphavantage"), TUESDAY_NS) as rig:
        rig.run(30)

        assert rig.fetcher.calls == []
        assert rig.host.drops[0][0] == "alphavantage_bad_symbol"
        assert "ODD" in rig.host.drops[0][1]
        off = rig.feed._orchestrator.lines["ODD"].describe(rig.host.clock.now_ns())["off"]
        assert off["alphavantage"].startswith("bad_symbol")


# settings


def test_bad_settings_name_every_mistake_with_its_place() -> None:
    bad = RestSettings(
        providers={"yaho": ProviderSettings()},
        order=["yahoo", "polygon", "iex"],
        tiers={"best": TierSettings(symbols=["NOWHERE"])},
    )
    catalog = Catalog(instruments_of(market_of(ONE)))

    with pytest.raises(ConfigError) as caught:
        complete("collector.rest.1", "rest", CollectorSettings(venue="rest", rest=bad), catalog)

    problems = caught.value.problems
    assert all(problem.startswith("actors.collector.rest.1.rest.") for problem in problems)
    for word in ("providers.yaho:", "'iex'", "NOWHERE"):
        assert sum(word in problem for problem in problems) == 1, word


def test_settings_with_nobody_to_ask_are_a_mistake(world: World) -> None:
    nobody = RestSettings(providers={"yahoo": ProviderSettings(enabled=False)})

    with pytest.raises(ConfigError) as caught, feed_rig(world, [], nobody, TUESDAY_NS):
        pass

    (problem,) = caught.value.problems
    assert problem.startswith("actors.collector.rest.1.rest.order: none of the providers can be asked")


def test_an_instrument_that_nobody_has_who_is_asked_is_left_out(world: World) -> None:
    odd = Instrument(symbol="ODD", asset_class="fx", providers={"polygon": "C:ODD"})
    with feed_rig(world, [odd, *instruments_of(world.market)], YAHOO, TUESDAY_NS) as rig:
        rig.run(3)
        assert set(rig.feed.kinds) == {ONE, TWO}
        assert submitted(rig) == 2


def test_a_provider_without_its_key_is_left_out_and_the_others_are_asked() -> None:
    world = world_of(market_of(ONE), TUESDAY_NS)
    with feed_rig(world, instruments_of(world.market), RestSettings(bootstrap_days=0), TUESDAY_NS) as rig:
        rig.run(5)
        assert [one["name"] for one in rig.feed.connections(0)] == ["yahoo"]
