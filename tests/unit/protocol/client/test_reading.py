"""Every method of `Hub` and `AsyncHub`, against the hub's real answers behind a real socket."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protocol.client import AsyncHub, Hub, questions
from protocol.errors import HubTimeout, InvalidRequest, NoData, UnknownSymbol
from protocol.messages import Alert, Feature, Flow, Liquidation, News
from tests.support.paths import ROOT
from tests.unit.actors.hub.desks import FakeHub
from tests.unit.actors.hub.samples import (
    BASE_NS,
    MINUTE_NS,
    bar,
    book,
    feature,
    flow,
    footprint,
    gap,
    quote,
    signal,
    sweep,
    trade,
)
from tests.unit.protocol.client.served import Served


@pytest.fixture
def fake() -> FakeHub:
    hub = FakeHub()
    hub.hear("quote.binance.BTC_USDT", quote(100.0))
    hub.hear("book.binance.BTC_USDT", book(10))
    for minute in range(300):
        hub.hear("bar.binance.BTC_USDT.1m", bar(minute, close=float(minute + 1), revision=1))
    hub.hear("bar.binance.BTC_USDT.1m", bar(300, close=7.5, status="open", revision=0))
    hub.hear("trade.binance.BTC_USDT", *(trade(n, recv_ns=BASE_NS + n) for n in range(50)))
    hub.hear("flow.binance.BTC_USDT", Flow("BTC_USDT", "binance", 5.0, BASE_NS, True, {"cvd": 3.0}))
    hub.hear("feature.binance.BTC_USDT.1m", Feature("BTC_USDT", "binance", "1m", 0, 0, True, {"rsi": 55.0}))
    hub.hear("flow.binance.BTC_USDT", flow(0.0, cvd=7.0))
    hub.hear("footprint.binance.BTC_USDT.1m", footprint(1), footprint(2))
    hub.hear("footprint.binance.BTC_USDT.session", footprint(0, timeframe="session"))
    hub.hear("sweep.binance.BTC_USDT", sweep())
    hub.hear("alert.binance.BTC_USDT", Alert("BTC_USDT", "binance", "r", "info", BASE_NS, "text", {}))
    hub.hear("signal.binance.BTC_USDT", signal(1), signal(2), signal(3, "vetoed"), signal(1, "target"))
    hub.hear("news.wire", News("wire", "1", BASE_NS, BASE_NS, "title", "url", ["BTC_USDT"]))
    hub.hear("liquidation.binance.BTC_USDT", Liquidation("BTC_USDT", "binance", 0, 0, 1.0, 2.0, -1))
    hub.store.gaps.add([gap("1"), gap("2", "filled", to_ts_ns=5)])
    return hub


@pytest.fixture
def served(fake: FakeHub, run_dir: Path) -> Iterator[Served]:
    with Served(f"ipc://{run_dir}/a", lambda body: [fake.answers.answer(body)]) as served:
        yield served


@pytest.fixture
def hub(served: Served) -> Iterator[Hub]:
    with Hub(served.endpoint, timeout_s=10) as hub:
        yield hub


def test_tick_book_flow_and_features(hub: Hub) -> None:
    tick, depth = hub.tick("BTC_USDT"), hub.book("BTC_USDT", 1)

    assert (tick.bid, tick.ask, tick.mid, tick.spread, tick.is_fresh) == (100.0, 101.0, 100.5, 1.0, True)
    assert (tick.state, tick.source, tick.epoch, tick.hub_epoch) == ("fresh", "collector.binance.1", 5, 7)
    assert (depth.best_bid, depth.best_ask, depth.update_id) == ((100.0, 1.0), (101.0, 1.0), 10)
    assert hub.order_flow("BTC_USDT")["cvd"] == 3.0
    assert hub.features("BTC_USDT", "1m")["rsi"] == 55.0
    assert tick.to_dict()["bid"] == 100.0
    assert (hub.order_flow("BTC_USDT", 0)["cvd"], hub.order_flow("BTC_USDT", 5.0).reason) == (7.0, "")


def test_all_venues_as_one(hub: Hub, fake: FakeHub) -> None:
    fake.hear("quote.okx.BTC_USDT", quote(101.5, venue="okx"))
    fake.hear("book.okx.BTC_USDT", book(3, venue="okx", bids=[(101.5, 9.0)], asks=[]))
    bbo, depth = hub.bbo("BTC_USDT"), hub.book("BTC_USDT", 2, venue="*")

    assert (bbo.condition, bbo.bid, bbo.bid_venue, bbo.ask, bbo.ask_venue) == (
        "crossed", 101.5, "okx", 101.0, "binance",
    )  # fmt: skip
    assert (bbo.spread, bbo.mid, bbo.state, bbo.expired, bbo.hub_epoch) == (-0.5, 101.25, "fresh", {}, 7)
    assert depth.bids == [(101.5, 9.0, "okx"), (100.0, 1.0, "binance")]
    assert [(one.venue, one.update_id) for one in depth.venues] == [("binance", 10), ("okx", 3)]
    assert (depth.condition, depth.expired) == ("crossed", {})
    many = hub.bbos(["BTC_USDT", "ETH_USDT", "XYZ"])
    assert dict(many) == {"BTC_USDT": bbo}
    assert {name: error.code for name, error in many.errors.items()} == {
        "ETH_USDT": "no_data",
        "XYZ": "unknown_symbol",
    }
    fake.clock.advance(6.0)
    old = hub.bbo("BTC_USDT")
    assert (old.condition, old.expired) == ("empty", {"binance": "old", "okx": "old"})
    assert np.isnan([old.spread, old.mid]).all()
    assert hub.book("BTC_USDT", venue="*").expired == {"binance": "old", "okx": "old"}


def test_footprints_profile_and_sweeps(hub: Hub) -> None:
    found, profile = hub.footprint("BTC_USDT", "1m", 5), hub.profile("BTC_USDT")

    assert [one.ts_open_ns for one in found] == [MINUTE_NS, 2 * MINUTE_NS]
    assert (found.symbol, found.asked, found.is_complete, found.covered_to_ns) == (
        "BTC_USDT",
        5,
        False,
        3 * MINUTE_NS,
    )
    assert found.column("volume").tolist() == [3.75, 3.75]
    assert found.column("prices").tolist() == [[100.0, 100.5]] * 2
    assert (found.columns()["prices"].shape, found.columns()["count"].dtype.kind) == ((2,), "i")
    assert found.to_dict()["rows"][1]["prices"] == [100.0, 100.5]
    assert repr(found).startswith("Events(footprint BTC_USDT binance, 2 rows, 00:01-00:02Z")
    assert (profile.timeframe, profile.poc, profile.volumes) == ("session", 100.5, [1.5, 2.25])
    assert profile.to_dict()["value_area_high"] == 101.0
    assert hub.sweeps(symbol="BTC_USDT") == [sweep()]
    with pytest.raises(NoData, match="no 5m footprint of BTC_USDT"):
        hub.footprint("BTC_USDT", "5m")


def test_features_of_the_last_candles_are_columns_by_indicator(hub: Hub, fake: FakeHub) -> None:
    fake.hear("feature.binance.BTC_USDT.1m", feature(1, 60.0))

    found = hub.features_history("BTC_USDT", "1m", 2)

    assert found.column("rsi_14")[1] == 60.0
    assert np.isnan(found.column("rsi_14")[0])
    assert found.column("rsi")[0] == 55.0
    with pytest.raises(KeyError, match="feature has no 'ema_9'; there is "):
        found.column("ema_9")


def test_candles_are_columns_in_the_bytes_of_the_reply(hub: Hub) -> None:
    bars = hub.candles("BTC_USDT", "1m", 5)

    assert bars.close.tolist() == [297.0, 298.0, 299.0, 300.0, 7.5]
    assert bars["close"] is not None
    assert bars.status.tolist() == ["closed"] * 4 + ["open"]
    assert bars.origin.tolist() == ["trade"] * 5
    assert bars.time[0] == np.datetime64(296 * MINUTE_NS, "ns")
    assert (bars.covered_from_ns, bars.covered_to_ns) == (296 * MINUTE_NS, 301 * MINUTE_NS)
    assert (len(bars), bars.is_complete, bars.state) == (5, True, "gap_open")
    assert not bars.rows.flags.owndata
    assert not bars.close.flags.writeable
    assert len(hub.candles("BTC_USDT", n=0)) == 301
    assert not hub.candles("BTC_USDT", n=5000).is_complete


def test_candles_print_themselves_in_a_line(hub: Hub) -> None:
    text = repr(hub.candles("BTC_USDT", "1m", 100))

    assert text == "Candles(BTC_USDT binance 1m, 100 rows, 03:21-05:01Z, age 0.0s, gap_open)"
    assert repr(hub.candles("BTC_USDT", from_ns=BASE_NS)) == "Candles(BTC_USDT binance 1m, 0 rows, gap_open)"
    assert repr(hub.trades("BTC_USDT", 2)).startswith("Trades(BTC_USDT binance, 2 rows, 22:13-22:13Z")


def test_candles_as_rows_and_columns(hub: Hub) -> None:
    bars = hub.candles("BTC_USDT", "1m", 2)
    rows = bars.to_dicts()

    assert rows == list(bars)
    assert rows[1]["close"] == 7.5
    assert rows[1]["status"] == "open"
    assert rows[0]["source"] == "trade"
    assert list(bars.columns()) == list(rows[0])


def test_trades_are_messages_and_columns(hub: Hub) -> None:
    trades = hub.trades("BTC_USDT", 3)

    assert [one.trade_id for one in trades] == [47, 48, 49]
    assert trades.price.tolist() == [147.0, 148.0, 149.0]
    assert trades.side.tolist() == [1, 1, 1]
    assert trades.ts_recv_ns.tolist() == [BASE_NS + n for n in (47, 48, 49)]
    assert trades.to_dicts()[0]["trade_id"] == "47"
    assert (trades.covered_from_ns, trades.covered_to_ns) == (BASE_NS + 47, BASE_NS + 50)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_other_libraries_give_tables_or_say_how_to_get_them(hub: Hub, library: str) -> None:
    bars, trades = hub.candles("BTC_USDT", "1m", 3), hub.trades("BTC_USDT", 3)
    way = {"pandas": "to_pandas", "polars": "to_polars", "pyarrow": "to_arrow"}[library]
    code = f"import {library}"
    if subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode:
        with pytest.raises(ImportError, match="pip install 'tapehub"):
            getattr(bars, way)()
        return
    assert len(getattr(bars, way)()) == 3
    assert len(getattr(trades, way)()) == 3


def test_lists(hub: Hub) -> None:
    assert [one.text for one in hub.alerts()] == ["text"]
    assert hub.signals(symbol="BTC_USDT") == [signal(1, "target"), signal(2)]
    assert hub.signals(1, states=["vetoed"], strategy="cross", venue="binance", min_confidence=0.5) == [
        signal(3, "vetoed")
    ]
    assert len(hub.signals(is_newest_revision=False)) == 3
    assert [one.title for one in hub.news(symbol="BTC_USDT")] == ["title"]
    assert [one.side for one in hub.liquidations()] == [-1]
    assert [one.gap_id for one in hub.gaps(state="filled")] == ["2"]
    assert hub.alerts(symbol="ETH_USDT") == []


def test_many_in_one_round_trip(hub: Hub, served: Served) -> None:
    before = served.questions
    tick, bars, wrong, missing = hub.snapshot(
        ["BTC_USDT", questions.candles("BTC_USDT", "1m", 10), "BTCUSDT", questions.trades("ETH_USDT")]
    )

    assert served.questions == before + 1
    assert (tick.bid, len(bars)) == (100.0, 10)
    assert isinstance(wrong, UnknownSymbol)
    assert isinstance(missing, NoData)
    ticks = hub.ticks(["BTC_USDT", "ETH_USDT"])
    assert list(ticks) == ["BTC_USDT"]
    assert isinstance(ticks.errors["ETH_USDT"], NoData)
    assert list(hub.ticks()) == ["BTC_USDT"]


def test_stale_ticks_of_all_symbols_are_named_in_errors(hub: Hub, fake: FakeHub) -> None:
    fake.clock.advance(60)

    assert list(hub.ticks().errors) == ["BTC_USDT"]
    assert list(hub.ticks(allow_stale=True)) == ["BTC_USDT"]


def test_history(hub: Hub) -> None:
    bars = hub.history("BTC_USDT", "1m", from_ns=10 * MINUTE_NS, to_ns=20 * MINUTE_NS)
    trades = hub.history("BTC_USDT", kind="trade", n=2)

    assert len(bars) == 10
    assert [one.trade_id for one in trades] == [48, 49]
    with pytest.raises(NoData):
        hub.history("BTC_USDT", from_ns=BASE_NS)


def test_the_whole(hub: Hub) -> None:
    assert hub.status()["actors"]["hub.1"]["is_alive"]
    assert hub.symbols()["BTC_USDT"].venues["binance"][0] == "quote"
    assert hub.symbols()["EUR_USD"].age_s == -1.0
    assert [row.topic for row in hub.topics("quote.")] == ["quote.binance.BTC_USDT"]
    assert hub.clear("BTC_USDT") > 5
    assert hub.clear_all() >= 1
    with pytest.raises(NoData):
        hub.tick("BTC_USDT")


def test_both_clients_have_the_same_surface() -> None:
    def surface(kind: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(member).parameters)
            for name, member in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    assert surface(Hub) == surface(AsyncHub)


READS: list[Callable[[Any], Any]] = [
    lambda hub: hub.tick("BTC_USDT"),
    lambda hub: hub.ticks(["BTC_USDT"]),
    lambda hub: hub.book("BTC_USDT"),
    lambda hub: hub.book("BTC_USDT", 1, venue="*"),
    lambda hub: hub.bbo("BTC_USDT"),
    lambda hub: hub.bbos(["BTC_USDT"]),
    lambda hub: hub.order_flow("BTC_USDT"),
    lambda hub: hub.features("BTC_USDT"),
    lambda hub: hub.profile("BTC_USDT"),
    lambda hub: hub.sweeps(),
    lambda hub: hub.verdicts(),
    lambda hub: hub.gaps(),
    lambda hub: hub.symbols(),
    lambda hub: hub.topics(),
    lambda hub: hub.news(),
]


def test_the_asynchronous_client_reads_the_same(hub: Hub, served: Served) -> None:
    async def read() -> list[Any]:
        async with AsyncHub(served.endpoint) as other:
            assert await other.ping() < 2
            waits: list[Awaitable[Any]] = [one(other) for one in READS]
            return list(await asyncio.gather(*waits))

    assert asyncio.run(read()) == [one(hub) for one in READS]


def test_a_thousand_questions_at_once_are_matched_to_their_answers(served: Served, fake: FakeHub) -> None:
    fake.hear("quote.binance.ETH_USDT", quote(5.0, symbol="ETH_USDT"))

    async def read() -> list[float]:
        async with AsyncHub(served.endpoint, timeout_s=20) as hub:
            names = ["BTC_USDT", "ETH_USDT"] * 500
            return [tick.bid for tick in await asyncio.gather(*map(hub.tick, names))]

    assert asyncio.run(read()) == [100.0, 5.0] * 500


def test_the_asynchronous_client_survives_silence_and_fails_over(served: Served, run_dir: Path) -> None:
    speak = served.answer

    async def read() -> None:
        async with AsyncHub([f"ipc://{run_dir}/nobody", served.endpoint], timeout_s=2.0) as hub:
            assert (await hub.tick("BTC_USDT")).bid == 100.0
        async with AsyncHub(served.endpoint, timeout_s=0.3) as hub:
            await hub.ping()
            served.answer = lambda _: []
            with pytest.raises(HubTimeout):
                await hub.tick("BTC_USDT")
            served.answer = speak
            assert (await hub.tick("BTC_USDT")).bid == 100.0

    asyncio.run(read())


def test_the_asynchronous_client_notices_that_a_clock_was_set(served: Served, fake: FakeHub) -> None:
    async def read() -> None:
        async with AsyncHub(served.endpoint, timeout_s=2.0) as hub:
            await hub.ping()
            fake.clock.advance(3600)
            assert (await hub.tick("BTC_USDT", allow_stale=True)).age_s == 3600.0

    asyncio.run(read())


def test_closing_the_asynchronous_client_ends_what_waits(served: Served) -> None:
    served.answer = lambda _: []

    async def read() -> None:
        hub = AsyncHub(served.endpoint, timeout_s=30)
        waiting = asyncio.ensure_future(hub.tick("BTC_USDT"))
        await asyncio.sleep(0)
        await hub.close()
        with pytest.raises(InvalidRequest, match="closed"):
            await waiting
        with pytest.raises(InvalidRequest, match="closed"):
            await hub.ping()

    asyncio.run(read())


def test_the_asynchronous_client_belongs_to_one_loop(served: Served) -> None:
    hub = AsyncHub(served.endpoint)
    asyncio.run(hub.ping())  # type: ignore[arg-type]

    with pytest.raises(InvalidRequest, match="loop"):
        asyncio.run(hub.ping())  # type: ignore[arg-type]
    asyncio.run(hub.close())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import tapehub", ["zmq", "msgspec", "numpy"]),
        ("from tapehub import Hub, NoData", ["numpy", "asyncio", "pandas", "polars", "pyarrow"]),
    ],
)
def test_importing_is_cheap(code: str, absent: list[str]) -> None:
    script = f"{code}\nimport sys\nprint([name for name in {absent} if name in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there() -> None:
    import tapehub

    assert [name for name in tapehub.__all__ if not hasattr(tapehub, name)] == []
    assert not hasattr(tapehub, "Hubb")
