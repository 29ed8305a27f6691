"""Databento live: the vendor's own client, real sockets, a gateway that speaks the protocol and fails on request."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from actors.collector.checkpoint import Checkpoint
from actors.collector.databento.symbols import next_restart_ns
from protocol.errors import ConfigError
from protocol.instruments import Instrument
from protocol.messages import BUY, Bar, Book, Quote, Trade
from protocol.record import FLAG_REPAIRED
from tests.support.databento_gateway import Gateway, Session, dbn, mapping, order, quote, trade
from tests.support.databento_host import Clock, Rig, rig

EUR = Instrument(
    symbol="6E.FUT", base="EUR", quote="USD", tick_size=0.00005, contract_size=125_000.0, session="crypto",
    venues={"databento": "glbx:6E.v.0"},
)  # fmt: skip
GBP = Instrument(
    symbol="6B.FUT", base="GBP", quote="USD", tick_size=0.0001, contract_size=62_500.0, session="crypto",
    venues={"databento": "glbx:6B.v.0"},
)  # fmt: skip
ES = Instrument(
    symbol="ES.FUT", base="ES", quote="USD", session="crypto", venues={"databento": "glbx:ES.FUT"}
)
PRICE = 1.15155


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway that knows the euro's and the pound's front months."""
    found = Gateway({"6E.v.0": [(42, "6EZ6")], "6B.v.0": [(43, "6BZ6")]})
    yield found
    found.close()


def connected(world: Rig, number: int = 0) -> Session:
    """The session of this number, streaming at both ends."""
    world.until(lambda: len(world.gateway.sessions) > number, f"session {number}")
    world.until(world.gateway.sessions[number].started.is_set, "its start")
    world.until(lambda: world.feed.is_connected and world.feed.symbols.targets, "its mappings")
    return world.gateway.sessions[number]


def send_trades(session: Session, count: int, first: int = 0, at_ns: int = 0) -> list[Any]:
    """Trades of one contract each, a millisecond apart."""
    at_ns = at_ns or time.time_ns()
    rows = [trade(42, PRICE, 1, at_ns + number * 1_000_000, first + number) for number in range(count)]
    session.send(*rows)
    return rows


def ids(trades: list[Trade]) -> list[str]:
    """Trade ids without their times."""
    return [str(one.trade_id).split(".")[1] for one in trades]


def test_several_schemas_of_one_session_become_messages_of_the_symbol(gateway: Gateway) -> None:
    with rig(gateway, [EUR], schemas=["trades", "mbp-1", "ohlcv-1m"]) as world:
        session = connected(world)
        now_ns = time.time_ns()
        session.send(
            trade(42, PRICE, 3, now_ns, 7),
            quote(42, PRICE, 1.1516, now_ns + 1, 8),
            dbn.OHLCVMsg(0x21, 1, 42, now_ns // 10**9 * 10**9, 10**9, 2 * 10**9, 10**9, 2 * 10**9, 5),
        )
        world.until(lambda: len(world.host.published) >= 3, "three messages")

        assert session.auth["dataset"] == "GLBX.MDP3"
        assert session.auth["heartbeat_interval_s"] == "10"
        assert session.schemas() == ["trades", "mbp-1", "ohlcv-1m"]
        assert {row["stype_in"] for row in session.subscriptions} == {"continuous"}
        assert not any("start" in row for row in session.subscriptions)
        one = world.of(Trade)[0]
        assert (one.symbol, one.price, one.size, one.side) == ("6E.FUT", PRICE, 375_000.0, BUY)
        assert one.trade_id == f"{now_ns}.7.0"
        assert one.ts_event_ns == now_ns - 1_000
        assert one.ts_recv_ns > now_ns
        best = world.of(Quote)[0]
        assert (best.bid, best.ask, best.bid_size, best.ask_size) == (PRICE, 1.1516, 625_000.0, 750_000.0)
        bar = world.of(Bar)[0]
        assert (bar.timeframe, bar.open, bar.volume) == ("1m", 1.0, 625_000.0)
        assert world.feed.clock.has_begun


@pytest.mark.parametrize("end", ["rst", "fin", "error"])
def test_any_end_of_a_session_is_one_gap_that_the_replay_fills(gateway: Gateway, end: str) -> None:
    """A clean end returns normally in the client, and means as little as a reset."""
    with rig(gateway, [EUR], schemas=["trades", "mbp-1"]) as world:
        first = connected(world)
        rows = send_trades(first, 3)
        first.send(quote(42, PRICE, 1.1516, time.time_ns(), 20))
        world.until(lambda: len(world.of(Trade)) == 3 and world.of(Quote), "the first messages")
        missed = trade(42, PRICE, 9, rows[-1].ts_recv + 5, 100)
        news = trade(42, PRICE, 1, time.time_ns() + 60 * 10**9, 101)

        def replay(session: Session) -> None:
            session.send(*rows, missed)
            session.system(dbn.SystemCode.REPLAY_COMPLETED, "done")
            session.system(dbn.SystemCode.REPLAY_COMPLETED, "done")

        gateway.on_start = replay
        if end == "error":
            first.error(dbn.ErrorCode.INTERNAL_ERROR, "something broke")
            first.fin()
        elif end == "rst":
            first.rst()
        else:
            first.fin()
        second = connected(world, 1)
        world.until(lambda: len(world.of(Trade)) == 4, "the missed trade")
        world.until(lambda: world.gaps("trade")[-1].state == "filled", "the end of the gap")

        asked = {row["schema"]: int(row["start"]) for row in second.subscriptions}
        assert set(asked) == {"trades", "mbp-1"}
        assert all(start <= rows[-1].ts_recv for start in asked.values())
        assert ids(world.of(Trade)) == ["0", "1", "2", "100"]
        assert world.host.counters["dropped.duplicate_trade"] == 3
        repaired = [flags for _, message, flags in world.host.published if message is world.of(Trade)[-1]]
        assert repaired == [FLAG_REPAIRED]
        states = [(gap.state, gap.cause) for gap in world.gaps("trade")]
        assert states[0] == ("open", "disconnect")
        assert states[-1] == ("filled", "disconnect")
        assert world.gaps("trade")[-1].filled_by == "replay"
        assert len({gap.gap_id for gap in world.gaps("trade")}) == 1
        assert world.gaps("quote")[-1].state == "filled"
        assert world.host.gaps.open_count == 0
        second.send(news)  # within what the venue's clock may be ahead? it is a minute: refused
        world.until(lambda: world.host.counters["dropped.clock_ahead"], "the refusal of a wild clock")


def test_records_as_young_as_the_session_end_a_replay_that_nobody_announces_the_end_of(
    gateway: Gateway,
) -> None:
    with rig(gateway, [EUR], schemas=["trades"]) as world:
        rows = send_trades(connected(world), 2)
        world.until(lambda: len(world.of(Trade)) == 2, "two trades")
        gateway.sessions[0].fin()
        second = connected(world, 1)
        second.send(*rows, trade(42, PRICE, 1, time.time_ns(), 50))
        world.until(lambda: world.gaps("trade")[-1].state == "filled", "the end of the gap")
        assert ids(world.of(Trade)) == ["0", "1", "50"]


def test_what_the_gateway_no_longer_has_stays_missing_and_says_so(gateway: Gateway) -> None:
    with rig(gateway, [EUR], schemas=["trades"]) as world:
        send_trades(connected(world), 2)
        world.until(lambda: len(world.of(Trade)) == 2, "two trades")
        gateway.on_start = lambda session: session.error(dbn.ErrorCode.REPLAY_DATA_AGED_OUT, "too old")
        gateway.sessions[0].fin()
        connected(world, 1)
        gap = world.until(
            lambda: [gap for gap in world.gaps("trade") if gap.state == "unfillable"], "the verdict"
        )[0]
        assert gap.reason == "the gateway keeps nothing so old"

        gateway.on_start = lambda session: None
        gateway.sessions[1].fin()
        third = connected(world, 2)
        assert not any("start" in row for row in third.subscriptions)


def test_a_wrong_key_is_told_and_not_hammered(gateway: Gateway) -> None:
    gateway.key = "db-anotherkeyanotherkeyanother12"
    with rig(gateway, [EUR]) as world:
        world.until(lambda: world.host.counters["sessions_refused"], "the refusal")
        before = len(gateway.sessions)
        for _ in range(20):
            world.feed.tick(world.host.clock.mono_ns())
            world.host.turn()
        assert len(gateway.sessions) == before == 1
        (line,) = world.feed.connections(world.host.clock.mono_ns())
        assert line["state"] == "waiting"
        assert line["next_attempt_in_s"] > 50
        world.host.clock.ahead_ns = 61 * 10**9
        gateway.key = "db-unittestunittestunittest12345"
        connected(world, 1)


def test_an_unknown_symbol_is_refused_and_the_others_go_on(gateway: Gateway) -> None:
    """Since 2026-04-26 the session goes on; and the old error text must not make the next clean end an error."""
    gateway.on_start = lambda session: session.error(
        dbn.ErrorCode.SYMBOL_RESOLUTION_FAILED, "Failed to resolve symbol: 6B.v.0"
    )
    gateway.instruments.pop("6B.v.0")
    with rig(gateway, [EUR, GBP], schemas=["trades"]) as world:
        first = connected(world)
        send_trades(first, 1)
        world.until(lambda: world.of(Trade), "a trade of the other symbol")
        assert list(world.feed.talk.refused) == ["6B.v.0"]
        assert world.host.counters["dropped.gateway_symbol_resolution_failed"] == 1
        gateway.on_start = lambda session: None
        first.fin()
        second = connected(world, 1)
        assert second.symbols() == ["6E.v.0"]
        assert world.gaps("trade")[0].reason == "closed by the gateway after symbol_resolution_failed"


def test_records_left_out_for_a_slow_reader_are_a_gap_of_quotes_and_not_of_trades(gateway: Gateway) -> None:
    with rig(gateway, [EUR], schemas=["trades", "mbp-1"]) as world:
        session = connected(world)
        now_ns = time.time_ns()
        session.send(trade(42, PRICE, 1, now_ns, 1), quote(42, PRICE, 1.1516, now_ns, 2))
        session.system(dbn.SystemCode.SLOW_READER_WARNING, "slow")
        session.error(dbn.ErrorCode.SKIPPED_RECORDS_AFTER_SLOW_READING, "skipped")
        world.until(world.gaps, "the gap")
        assert [(gap.kind, gap.cause, gap.state) for gap in world.gaps()] == [
            ("quote", "venue_jump", "unfillable")
        ]
        assert world.host.counters["gateway.slow_reader_warning"] == 1


def test_a_gateway_that_says_nothing_at_all_is_found_out(gateway: Gateway) -> None:
    """The client's own watch begins with the first record."""
    gateway.greets = False
    with rig(gateway, [EUR]) as world:
        world.until(lambda: world.feed.is_connected, "the session")
        gateway.greets = True
        world.host.clock.ahead_ns = 23 * 10**9
        connected(world, 1)
        assert world.host.counters["dropped.silent_gateway"] == 1


def test_a_roll_is_announced_and_begins_a_new_session(gateway: Gateway) -> None:
    with rig(gateway, [EUR], schemas=["trades", "mbp-1"]) as world:
        first = connected(world)
        send_trades(first, 2)
        world.until(lambda: len(world.of(Trade)) == 2, "trades of the old contract")
        gateway.instruments["6E.v.0"] = [(77, "6EH7")]
        first.send(mapping(77, "6E.v.0", "6EH7"))
        second = connected(world, 1)
        now_ns = time.time_ns()
        second.send(trade(42, PRICE, 1, now_ns, 300), trade(77, 1.16, 1, now_ns, 301))
        world.until(lambda: ids(world.of(Trade))[-1] == "301", "the trade of the new contract")

        rolls = [gap for gap in world.gaps() if gap.reason.startswith("roll")]
        assert {(gap.kind, gap.reason, gap.state) for gap in rolls} == {
            ("trade", "roll 6EZ6 -> 6EH7", "filled"),
            ("quote", "roll 6EZ6 -> 6EH7", "filled"),
        }
        assert all(gap.from_ts_ns == gap.to_ts_ns for gap in rolls)
        assert "300" not in ids(world.of(Trade))
        assert world.feed.detail(0)["contracts"] == {"6E.FUT": "6EH7"}


def test_the_daily_restart_follows_a_new_front_month(gateway: Gateway) -> None:
    with rig(gateway, [EUR], schemas=["trades"]) as world:
        first = connected(world)
        send_trades(first, 1)
        world.until(lambda: world.of(Trade), "a trade")
        gateway.instruments["6E.v.0"] = [(77, "6EH7")]
        now_ns = world.host.clock.now_ns()
        world.host.clock.ahead_ns = next_restart_ns(now_ns, "16:30") - now_ns + 1
        connected(world, 1)
        world.until(lambda: world.feed.symbols.contracts["6E.FUT"] == "6EH7", "the new mapping")
        assert world.host.counters["rolls"] == 1


def test_a_disconnect_in_a_closed_market_is_no_gap(gateway: Gateway) -> None:
    closed = Instrument(
        symbol="6E.FUT", base="EUR", quote="USD", contract_size=125_000.0, session="cme", venues=EUR.venues
    )
    saturday_ns = 1_795_262_400 * 10**9  # 2026-11-21T12:00Z

    class Saturday(Clock):
        def now_ns(self) -> int:
            return saturday_ns

    with rig(gateway, [closed], clock=Saturday(), schemas=["trades"]) as world:
        first = connected(world)
        send_trades(first, 1, at_ns=saturday_ns - 10**9)
        world.until(lambda: world.of(Trade), "a trade")
        first.fin()
        connected(world, 1)
        assert world.gaps() == []


def test_a_parent_gives_its_outrights_and_no_spread(gateway: Gateway) -> None:
    gateway.instruments["ES.FUT"] = [(1, "ESZ6"), (2, "ESH7"), (3, "ESZ6-ESH7")]
    with rig(gateway, [ES], schemas=["trades"]) as world:
        session = connected(world)
        now_ns = time.time_ns()
        session.send(*(trade(number, 5_000.0 + number, 1, now_ns, number) for number in (1, 2, 3, 4)))
        world.until(
            lambda: world.host.counters["dropped.unmapped_instrument"], "the record without a mapping"
        )
        assert [(one.symbol, one.size) for one in world.of(Trade)] == [("ESZ6.FUT", 1.0), ("ESH7.FUT", 1.0)]
        assert world.host.counters["dropped.not_wanted"] == 1
        assert session.subscriptions[0]["stype_in"] == "parent"


def test_a_book_of_orders_begins_with_its_snapshot_and_is_whole_again_after_a_cut(gateway: Gateway) -> None:
    snapshot = dbn.F_SNAPSHOT | dbn.F_BAD_TS_RECV

    def book(session: Session) -> None:
        now_ns = time.time_ns()
        session.send(
            order(42, 0, "R", "N", float("nan"), 0, now_ns, 1, snapshot),
            order(42, 1, "A", "B", 1.1, 2, now_ns, 1, snapshot),
            order(42, 2, "A", "A", 1.2, 3, now_ns, 1, snapshot | dbn.F_LAST),
        )

    gateway.on_start = book
    with rig(gateway, [EUR], schemas=["mbo"]) as world:
        first = connected(world)
        world.until(lambda: world.of(Book), "the book")
        assert first.subscriptions[0]["snapshot"] == "1"
        assert not world.feed.is_unsynced("6E.FUT")
        first.send(order(42, 3, "A", "B", 1.15, 4, time.time_ns(), 5))
        world.until(lambda: len(world.of(Book)) == 2, "a change")
        whole, change = world.of(Book)
        assert (whole.is_snapshot, whole.bids, whole.asks) == (True, [(1.1, 250_000.0)], [(1.2, 375_000.0)])
        assert (change.is_snapshot, change.bids, change.asks) == (False, [(1.15, 500_000.0)], [])
        assert change.prev_update_id == whole.last_update_id
        assert world.feed.republish("6E.FUT")
        assert world.of(Book)[-1].bids == [(1.15, 500_000.0), (1.1, 250_000.0)]

        first.rst()
        second = connected(world, 1)
        assert "start" not in second.subscriptions[0]
        world.until(lambda: world.gaps("book")[-1].state == "filled", "the book's return")
        assert world.gaps("book")[-1].filled_by == "snapshot"
        assert world.of(Book)[-1].is_snapshot


def test_a_restart_of_the_process_goes_on_by_replay(gateway: Gateway) -> None:
    with rig(gateway, [EUR], schemas=["trades"]) as world:
        rows = send_trades(connected(world), 3)
        world.until(lambda: len(world.of(Trade)) == 3, "three trades")
        past = Checkpoint(reached_ns=world.of(Trade)[-1].ts_event_ns, symbols=world.feed.remember())
    gateway.on_start = lambda session: session.send(
        *rows, trade(42, PRICE, 1, rows[-1].ts_recv + 9, 55), trade(42, PRICE, 1, time.time_ns(), 56)
    )
    with rig(gateway, [EUR], past=past, schemas=["trades"]) as world:
        second = connected(world, 1)
        world.until(lambda: len(world.of(Trade)) == 2, "what was missed, and the news")
        world.until(lambda: world.gaps("trade")[-1].state == "filled", "the end of the gap")
        assert ids(world.of(Trade)) == ["55", "56"]
        assert int(second.subscriptions[0]["start"]) <= rows[-1].ts_recv
        assert world.gaps("trade")[0].cause == "restart"


def test_symbols_added_later_begin_a_new_session_without_losing_any(gateway: Gateway) -> None:
    with rig(gateway, [EUR], schemas=["trades"]) as world:
        send_trades(connected(world), 1)
        world.until(lambda: world.of(Trade), "a trade")
        world.host.catalog.add(GBP)
        world.feed.subscribe([("6B.FUT", "6B.v.0")])
        second = connected(world, 1)
        assert second.symbols() == ["6B.v.0", "6E.v.0"]
        second.send(trade(43, 1.3, 2, time.time_ns(), 9))
        world.until(lambda: any(one.symbol == "6B.FUT" for one in world.of(Trade)), "the pound")


def test_settings_that_cannot_work_are_refused_at_once(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABENTO_API_KEY", raising=False)
    with (
        pytest.raises(ConfigError) as refusal,
        rig(gateway, [EUR], schemas=["tbbo", "mbp-1", "x"], api_key=""),
    ):
        pass
    text = str(refusal.value)
    assert "tbbo and mbp-1" in text
    assert "'x' is none of" in text
    assert "DATABENTO_API_KEY" in text
