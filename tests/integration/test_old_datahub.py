"""An old engine and an old collector that changed one import: `tapehub.datahub` against real processes."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from protocol.errors import HubError
from tapehub.datahub import (
    Candle,
    DataHub,
    OrderFlowMetrics,
    Tick,
    get_data_hub_from_env,
)
from tests.support.paths import short_folder
from tests.support.push_world import DEADLINE_S, PushWorld, push_world
from tests.support.wait import until

EURUSD, GBPUSD = "EUR_USD", "GBP_USD"


@pytest.fixture(scope="module")
def world() -> Iterator[PushWorld]:
    sections = {"aggregator.1": {"indicators": []}, "persistence.1": {"batch_s": 0.1}}
    with short_folder() as folder, push_world(folder, sections=sections) as made:
        yield made


@pytest.fixture
def hub(world: PushWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataHub]:
    monkeypatch.setenv("TAPEHUB_RUN_DIR", str(world.run_dir))
    monkeypatch.delenv("TAPEHUB_ENDPOINT", raising=False)
    found = get_data_hub_from_env()
    assert found is not None
    yield found
    found.close()


def utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def minute(minutes_ago: int) -> datetime:
    return utc_now().replace(second=0, microsecond=0) - timedelta(minutes=minutes_ago)


def test_a_tick_goes_in_and_comes_out_as_the_old_one(hub: DataHub) -> None:
    at = utc_now()
    hub.update_tick(Tick(EURUSD, 1.0500, 1.0502, timestamp=at))
    tick = until(lambda: hub.get_latest_tick(EURUSD), DEADLINE_S, "the tick")
    assert (tick.symbol, tick.bid, tick.ask, tick.mid) == (EURUSD, 1.0500, 1.0502, pytest.approx(1.0501))
    assert tick.timestamp == at
    assert not hub.check_staleness(EURUSD)["tick"]
    hub.update_tick({"symbol": "EURUSD", "bid": 1.06, "ask": 1.07, "timestamp": time.time()})
    until(lambda: hub.get_latest_tick(EURUSD).bid == 1.06, DEADLINE_S, "the next one")  # type: ignore[union-attr]


def test_candles_are_oldest_first_and_the_running_one_is_left_out(hub: DataHub) -> None:
    for ago in (3, 2, 1):
        hub.update_candle_1m(Candle(GBPUSD, minute(ago), 1.3, 1.4, 1.2, 1.35, volume=float(ago)))
    candles = until(
        lambda: found if len(found := hub.get_latest_candles(GBPUSD)) == 3 else None, DEADLINE_S, "candles"
    )
    assert [candle.timestamp for candle in candles] == [minute(3), minute(2), minute(1)]
    assert [candle.volume for candle in candles] == [3.0, 2.0, 1.0]
    assert [candle.timestamp for candle in hub.get_latest_candles(GBPUSD, limit=1)] == [minute(1)]


def test_order_flow_keeps_its_metrics_under_old_and_new_names(hub: DataHub) -> None:
    old = SimpleNamespace(symbol=EURUSD, timestamp=utc_now(), ofi=4.0, volume_delta=-7.0, vwap=1.05)
    hub.update_order_flow(old)
    metrics = until(lambda: hub.get_latest_order_flow(EURUSD), DEADLINE_S, "metrics")
    assert isinstance(metrics, OrderFlowMetrics)
    assert (metrics.ofi, metrics.volume_delta, metrics.delta, metrics.vwap) == (4.0, -7.0, -7.0, 1.05)
    with pytest.raises(AttributeError, match="there are delta, ofi, vwap"):
        _ = metrics.toxicity
    assert not hub.check_staleness(EURUSD)["order_flow"]


def test_a_warm_start_counts_what_was_there_already(hub: DataHub, caplog: pytest.LogCaptureFixture) -> None:
    history = [Candle("XAU_USD", minute(ago), 2.0, 2.5, 1.5, 2.1) for ago in range(20, 10, -1)]
    assert hub.warm_start_candles("XAU_USD", history) == 10
    assert hub.warm_start_candles("XAU_USD", history) == 10
    assert hub.warm_start_candles("XAU_USD", []) == 0

    def fetch(symbol: str, limit: int) -> list[Candle]:
        if symbol == "broken":
            raise RuntimeError("no database")
        return history[-limit:]

    with caplog.at_level(logging.ERROR):
        hub.warm_start_all(["broken", "XAU_USD"], fetch, limit=5)
    assert "no database" in caplog.text
    candles = until(lambda: hub.get_latest_candles("XAU_USD", 200), DEADLINE_S, "candles")
    assert [candle.timestamp for candle in candles] == [candle.timestamp for candle in history]


def test_the_status_names_what_there_is(hub: DataHub) -> None:
    hub.update_tick(Tick(EURUSD, 1.0, 1.1, timestamp=utc_now()))
    hub.get_latest_tick(EURUSD)
    status = until(
        lambda: found if EURUSD in (found := hub.get_status())["symbols_tracked"] else None,
        DEADLINE_S,
        "status",
    )
    assert status["ticks_count"] >= 1
    assert status["stats"]["ticks_received"] == 1
    assert status["last_updates"][EURUSD]["tick"] <= utc_now() + timedelta(seconds=1)


def test_what_is_not_there_is_none_and_stale(hub: DataHub) -> None:
    assert hub.get_latest_tick("NAS100_USD") is None
    assert hub.get_latest_candles("no_such_thing") == []
    assert hub.get_latest_order_flow("XAU_USD") is None
    assert hub.check_staleness("NAS100_USD") == {"tick": True, "candle": True, "order_flow": True}
    assert hub.check_staleness(EURUSD, {"tick": 0.0, "unheard_of": 5}) == {"tick": True, "unheard_of": True}


def test_what_cannot_be_taken_is_an_error_that_says_why(hub: DataHub) -> None:
    with pytest.raises(HubError, match="EURUSDX"):
        hub.update_tick(Tick("EURUSDX", 1.0, 1.1, timestamp=utc_now()))
    with pytest.raises(HubError, match="no timestamp"):
        hub.update_tick(Tick(EURUSD, 1.0, 1.1))
    with pytest.raises(HubError, match="above ask"):
        hub.update_tick(Tick(EURUSD, 1.2, 1.1, timestamp=utc_now()))


def test_clearing_forgets_and_new_ticks_come_again(hub: DataHub) -> None:
    hub.update_tick(Tick(EURUSD, 1.25, 1.3, timestamp=utc_now()))
    until(
        lambda: bid_of(hub) == 1.25,
        DEADLINE_S,
        "the tick, not that of a test before, which has no such price",
    )
    hub.clear_symbol(EURUSD)
    assert hub.get_latest_tick(EURUSD) is None
    hub.update_tick(Tick(EURUSD, 1.5, 1.6, timestamp=utc_now()))
    until(lambda: bid_of(hub) == 1.5, DEADLINE_S, "the next one")
    hub.clear_all()
    assert hub.get_latest_tick(EURUSD) is None


def bid_of(hub: DataHub) -> float | None:
    tick = hub.get_latest_tick(EURUSD)
    return None if tick is None else tick.bid


def test_without_a_hub_there_is_none_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with short_folder() as folder:
        monkeypatch.setenv("TAPEHUB_RUN_DIR", str(folder))
        monkeypatch.delenv("TAPEHUB_ENDPOINT", raising=False)
        with caplog.at_level(logging.ERROR):
            assert get_data_hub_from_env() is None
        assert "failed to connect" in caplog.text
