"""A collector that is killed and comes back: its own journal tells it what it published and what was missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from protocol.codec import decode_events
from protocol.journal.reader import JournalReader, Outcome
from protocol.messages import Gap
from protocol.record import FLAG_REPAIRED, Frame, parse_frames
from tests.integration.test_collector_repair import now_ms
from tests.support.collector_rig import BTC, NAME, Rig
from tests.support.config import write_config
from tests.support.peers import peers_of
from tests.support.process import ActorProcess
from tests.support.system import System
from tests.support.venue_server import VenueServer
from tests.support.wait import until

GAPS = "gap.binance."


def journalled(run_dir: Path) -> list[Frame]:
    """Every record of the collector, of all its lives."""
    reader = JournalReader(run_dir / "journal" / NAME, NAME)
    found: list[Frame] = []
    for epoch in reader.epochs():
        seq = 1
        while (chunk := reader.read(epoch, seq)).outcome is Outcome.DATA:
            found += parse_frames(chunk.frames)
            seq = chunk.last + 1
    return found


def trade_ids(run_dir: Path) -> list[int]:
    return [
        trade.trade_id
        for frame in journalled(run_dir)
        if frame.topic == BTC
        for trade in decode_events(frame)
    ]


def ledger(run_dir: Path, kind: str = "trade") -> dict[str, Gap]:
    """The last word on each gap of a kind."""
    found = [decode_events(frame)[0] for frame in journalled(run_dir) if frame.topic.startswith(GAPS)]
    return {gap.gap_id: gap for gap in found if gap.kind == kind}


def ended(run_dir: Path, state: str, cause: str) -> Gap:
    """The gap of that cause, once the journal says that it ended so."""

    def look() -> Gap | None:
        found = (gap for gap in ledger(run_dir).values() if (gap.state, gap.cause) == (state, cause))
        return next(found, None)

    gap = until(look, 40.0, f"a gap by {cause} that is {state}")
    assert gap is not None
    return gap


class Lives:
    """One venue, and collectors of one name one after the other."""

    def __init__(self, run_dir: Path, venue: VenueServer, config: Path, **changes: Any) -> None:
        self.run_dir, self.venue, self.config = run_dir, venue, config
        self.connections = 0

    @contextmanager
    def life(self) -> Iterator[Rig]:
        """A collector from its start to its kill -9."""
        with peers_of(self.run_dir) as peers:
            ear = peers.ear(NAME)
            with ActorProcess("collector", NAME, self.config) as process:
                ear.beat("RUNNING")
                self.connections += 1
                self.venue.client("btcusdt@trade", self.connections)
                yield Rig(self.venue, peers, ear, process, self.config)
                if process.is_alive:
                    process.kill()


@pytest.fixture
def lives(run_dir: Path) -> Iterator[Lives]:
    with VenueServer() as venue:
        section = {
            "ws_url": {"spot": venue.ws_url},
            "rest_url": {"spot": venue.rest_url},
            "symbols": ["BTC_USDT"],
            "streams": {"spot": ["trade"]},
            "repair_retry_s": 0.05,
            "repair_klines": False,
            "watermark_s": 0.05,
        }
        config = write_config(run_dir, {NAME: section}, heartbeat_s=0.05)
        venue.set_history("BTCUSDT", range(1, 100), now_ms())
        yield Lives(run_dir, venue, config)


def heard_until(rig: Rig, trade_id: int) -> None:
    rig.ear.until(lambda trade: trade.trade_id == trade_id, BTC)


def test_trades_of_the_time_between_two_lives_are_fetched_once(lives: Lives) -> None:
    with lives.life() as rig:
        for number in (1, 2, 3):
            rig.trade(number)
        heard_until(rig, 3)
    with lives.life() as rig:
        at_ms = now_ms()
        rig.trade(8, T=at_ms)
        filled = rig.ear.until(lambda gap: gap.state == "filled", GAPS)
        assert (filled.cause, filled.from_id, filled.to_id, filled.count) == ("restart", 4, 7, 4)
        rig.trade(8, T=at_ms)
        rig.trade(9)
        heard_until(rig, 9)
    assert trade_ids(lives.run_dir) == [1, 2, 3, 8, 4, 5, 6, 7, 9]
    story = [
        (frame.topic[:3], bool(frame.flags & FLAG_REPAIRED))
        for frame in journalled(lives.run_dir)
        if frame.epoch == max(one.epoch for one in journalled(lives.run_dir))
        and frame.topic[:3] in ("gap", "tra")
    ]
    assert story[-5:] == [("gap", False), ("tra", False), ("tra", True), ("gap", False), ("tra", False)]


def test_a_restart_without_loss_is_one_gap_that_is_filled(lives: Lives) -> None:
    with lives.life() as rig:
        rig.trade(1)
        heard_until(rig, 1)
    with lives.life() as rig:
        rig.trade(2)
        heard_until(rig, 2)
    (gap,) = ledger(lives.run_dir).values()
    assert (gap.cause, gap.state, gap.count) == ("restart", "filled", 0)
    assert trade_ids(lives.run_dir) == [1, 2]


def test_a_repair_that_a_kill_cuts_off_is_finished_by_the_next_life(lives: Lives) -> None:
    with lives.life() as rig:
        lives.venue.history_gate.clear()
        rig.trade(1)
        rig.trade(6)
        rig.ear.until(lambda gap: gap.state == "filling", GAPS)
        lives.venue.wait(lambda: lives.venue.history_requests, "the request")
    lives.venue.history_gate.set()
    with lives.life() as rig:
        filled = ended(lives.run_dir, "filled", "venue_jump")
        assert (filled.filled_by, filled.count) == ("rest", 4)
        rig.trade(7)
        heard_until(rig, 7)
    states = sorted((gap.cause, gap.state) for gap in ledger(lives.run_dir).values())
    assert states == [("restart", "filled"), ("venue_jump", "filled")]
    assert sorted(trade_ids(lives.run_dir)) == [1, 2, 3, 4, 5, 6, 7]


def test_a_clean_stop_ends_what_it_filled_and_the_next_life_takes_it_up(lives: Lives) -> None:
    with lives.life() as rig:
        lives.venue.history_status = (429, {"Retry-After": "1"})
        rig.trade(1)
        rig.trade(4)
        rig.ear.until(lambda gap: gap.state == "filling", GAPS)
        assert rig.process.stop() == 0
    (gap,) = ledger(lives.run_dir).values()
    assert (gap.state, gap.reason) == ("unfillable", "the collector stopped")
    lives.venue.history_status = (200, {})
    with lives.life() as rig:
        again = ended(lives.run_dir, "filled", gap.cause)
        assert (again.gap_id, again.count) == (gap.gap_id, 2)
    assert sorted(trade_ids(lives.run_dir)) == [1, 2, 3, 4]


def test_an_unfillable_gap_is_tried_again_when_somebody_asks(lives: Lives) -> None:
    lives.venue.history_status = (400, {})
    with lives.life() as rig:
        rig.trade(1)
        rig.trade(4)
        gap = rig.ear.until(lambda gap: gap.state == "unfillable", GAPS)
    with lives.life() as rig:
        lives.venue.history_status = (200, {})
        assert rig.ask("repair", args={"gap_id": gap.gap_id})["state"] == "filling"
        filled = rig.ear.until(lambda found: found.gap_id == gap.gap_id and found.state == "filled", GAPS)
        assert filled.count == 2
        reply = rig.peers.ask(NAME, "repair", args={"gap_id": gap.gap_id})
        assert (reply.ok, reply.code) == (False, "invalid_request")
    assert sorted(trade_ids(lives.run_dir)) == [1, 2, 3, 4]


def test_an_outage_of_the_venue_is_one_gap_per_stream_and_the_truth_comes_back(run_dir: Path) -> None:
    streams = {"BTC_USDT": "trade", "BTC_USDT.PERP": "aggTrade"}
    with System(run_dir, simulator={"rate_per_s": 400}) as system:
        for symbol in streams:
            system.wait_for_data(symbol)
        system.ask("simulator.1", "outage", seconds=2.0)
        until(
            lambda: all(len(filled_of(run_dir, symbol)) for symbol in streams), 30.0, "the gaps to be filled"
        )
        system.ask("simulator.1", "rate", per_s=0)
        for symbol, kind in streams.items():
            page = system.ask("simulator.1", "truth_trades", symbol=symbol, kind=kind)
            topic, last_id = f"trade.binance.{symbol}", page["last_id"]
            until(lambda: max(published(run_dir, topic)) == last_id, 40.0, "the last trade of the venue")  # noqa: B023
            ids = published(run_dir, topic)
            assert set(ids.values()) == {1}
            assert sorted(ids) == list(range(min(ids), last_id + 1))
            gaps = [gap for gap in ledger(run_dir).values() if gap.symbol == symbol]
            assert gaps == filled_of(run_dir, symbol)
            (gap,) = gaps
            assert (gap.cause, gap.filled_by) == ("disconnect", "rest")
            assert gap.to_ts_ns - gap.from_ts_ns > 1.5e9
            assert gap.count == gap.to_id - gap.from_id + 1 > 0


def filled_of(run_dir: Path, symbol: str) -> list[Gap]:
    return [gap for gap in ledger(run_dir).values() if (gap.symbol, gap.state) == (symbol, "filled")]


def published(run_dir: Path, topic: str) -> Counter[int]:
    """How often each trade of a topic was published."""
    frames = (frame for frame in journalled(run_dir) if frame.topic == topic)
    return Counter(trade.trade_id for frame in frames for trade in decode_events(frame))
