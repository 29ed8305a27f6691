"""What becomes of a signal: target, stop, time; one at a time; a pause behind each."""

from __future__ import annotations

from typing import Any

import pytest

from actors.scanner.settings import StrategySettings
from protocol.messages import BUY, SELL
from protocol.strategy import Idea, Snapshot
from tests.unit.actors.scanner.rig import SYMBOL, VENUE, Rig, buy, ns, strategy


def sell(snapshot: Snapshot) -> Idea:
    return Idea(SELL, snapshot.bid + 1.0, snapshot.bid - 1.0, 0.5, {})


def opened(said: Any = buy, expires_s: float = 20.0, cooldown_s: float = 5.0, **settings: Any) -> Rig:
    """A signal that was said at 61 s, at 100.5 to buy or 100 to sell."""
    asked = {"tested": StrategySettings(expires_s=expires_s, cooldown_s=cooldown_s)}
    found = Rig(strategy(said), strategies=asked, **settings)
    (signal,) = found.warm()
    assert signal.entry == (100.5 if signal.side == BUY else 100.0)
    return found


@pytest.mark.parametrize(
    ("said", "bid", "ask", "state", "exit_price"),
    [
        (buy, 101.5, 101.6, "target", 101.5),
        (buy, 103.0, 103.1, "target", 101.5),  # a resting order is filled at its price
        (buy, 101.49, 101.6, "", 0.0),  # what was bought is sold at the bid, not at the ask
        (buy, 99.5, 99.6, "stopped", 99.5),
        (buy, 97.0, 97.1, "stopped", 97.0),  # through the stop: no better price was there
        (buy, 99.51, 99.52, "", 0.0),
        (sell, 98.9, 99.0, "target", 99.0),
        (sell, 98.9, 99.01, "", 0.0),
        (sell, 100.5, 101.0, "stopped", 101.0),
        (sell, 103.0, 104.0, "stopped", 104.0),
        (sell, 101.0, 100.99, "", 0.0),
    ],
)
def test_touched_price(said: Any, bid: float, ask: float, state: str, exit_price: float) -> None:
    found = opened(said)
    found.quote(61.25, bid, ask)
    ends = found.mark(62.0)
    assert [(one.state, one.exit_price) for one in ends] == ([(state, exit_price)] if state else [])
    if ends:
        assert (ends[0].ts_event_ns, ends[0].revision) == (ns(61.25), 2)
        assert ends[0].signal_id == found.signals[0].signal_id


def test_the_first_touch_counts_and_only_that() -> None:
    found = opened()
    found.quote(61.1, 99.0, 99.1)
    found.quote(61.2, 105.0, 105.1)
    assert [one.state for one in found.mark(62.0)] == ["stopped"]


def test_a_touch_before_it_was_said_is_none() -> None:
    """A quote that comes late, of a time at which there was no signal."""
    found = opened()
    found.quote(60.9, 90.0, 90.1)
    assert not found.mark(62.0)


@pytest.mark.parametrize(
    ("touched_s", "state", "ended_s"), [(81.0, "expired", 81.0), (80.999, "stopped", 80.999)]
)
def test_expires_exactly_at_its_time(touched_s: float, state: str, ended_s: float) -> None:
    found = opened()
    assert not found.mark(80.9)
    found.quote(touched_s, 90.0, 90.1)
    (end,) = found.mark(82.0)
    assert (end.state, end.ts_event_ns) == (state, ns(ended_s))
    assert end.exit_price == (90.0 if state == "stopped" else 0.0)


def test_expires_at_a_fraction_of_a_second() -> None:
    found = opened(expires_s=1.5)
    (end,) = found.mark(63.0)
    assert (end.state, end.ts_event_ns) == ("expired", ns(62.5))


def test_expires_while_time_jumps() -> None:
    found = opened()
    assert not found.mark(61.0 + 7200.0), "the candle before that is waited for"
    ((_, (end,)),) = found.fold.lapse(VENUE)
    assert (end.state, end.ts_event_ns) == ("expired", ns(81.0))


def test_one_at_a_time_and_a_pause_behind_it() -> None:
    found = opened()
    for second in range(62, 80):
        found.quote(second - 0.5)
        assert not found.mark(float(second))
    assert found.why == "a signal is open"
    found.quote(80.25, 99.0, 99.5)
    assert [one.state for one in found.mark(81.0)] == ["stopped"]
    assert found.why == "cooling down"
    said = []
    for second in range(82, 90):
        found.quote(second - 0.5)
        said += found.mark(float(second))
    assert [one.ts_event_ns for one in said] == [ns(86.0)], "5 s after 80.25 s is 85.25 s"


def test_a_veto_is_told_and_pauses_too() -> None:
    found = opened(expires_s=3000.0, shield="rules:\n  spread: {veto: true, max_share_of_stop: 0.6}\n")
    again = Rig(
        strategy(buy),
        strategies={"tested": StrategySettings(cooldown_s=5.0)},
        shield="rules:\n  spread: {veto: true, max_share_of_stop: 0.4}\n",
    )
    (first,) = again.warm()
    assert (found.signals[0].state, first.state, first.revision) == ("open", "vetoed", 1)
    assert first.reasons
    assert not again.fold.desk.open
    said = []
    for second in range(62, 70):
        again.quote(second - 0.5)
        said += again.mark(float(second))
    assert [(one.state, one.ts_event_ns) for one in said] == [("vetoed", ns(66.0))]


def test_a_bug_of_the_shield_is_ours_and_not_hidden() -> None:
    found = Rig(strategy(buy))

    class Broken:
        def judge(self, *_: Any) -> None:
            raise ZeroDivisionError

    found.fold.use(Broken())  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        found.warm()


def test_signals_of_a_strategy_that_is_gone_are_cancelled() -> None:
    found = opened(expires_s=5000.0)
    other = Rig(strategy(lambda _: "nothing", name="other"))
    other.fold.restore(found.fold.snapshot())
    (end,) = other.mark(62.0)
    assert (end.state, end.strategy, end.ts_event_ns, end.revision) == ("cancelled", "tested", ns(62.0), 2)
    assert not other.fold.desk.open
    assert not other.mark(63.0)


def test_signals_of_a_strategy_that_is_still_there_go_on() -> None:
    found = opened(expires_s=5000.0).restarted()
    assert not found.mark(62.0)
    assert list(found.fold.desk.open) == [("tested", VENUE, SYMBOL)]


def test_every_revision_is_valid() -> None:
    found = opened()
    found.quote(61.25, 90.0, 90.1)
    found.mark(62.0)
    assert [one.validate() for one in found.signals] == [[], []]
