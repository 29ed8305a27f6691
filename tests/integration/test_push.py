"""Pushed ticks and bars through real processes: into hub, candles and database, over HTTP and ZeroMQ, across kills."""

from __future__ import annotations

import asyncio
import json
import signal
import time

import msgspec
import pytest

from protocol.client import Hub
from protocol.client.async_hub import AsyncHub
from protocol.errors import HubError, HubTimeout, HubUnreachable
from protocol.pushing import BUILT_HERE
from tests.support.paths import short_folder
from tests.support.push_rig import NAME
from tests.support.push_world import DEADLINE_S, GATEWAY, PushWorld, push_world
from tests.support.tapehub_command import run
from tests.support.wait import until

TOKEN = "t" * 40
READ = {"Authorization": f"Bearer {'r' * 40}"}
TOKENS = {
    "terminal": {"token": TOKEN, "scopes": ["push"], "source": "mt5"},
    "desk": {"token": "r" * 40, "scopes": ["read"]},
}
S = 10**9
MOST_KILLS = 2
"""... and the one that begins: a start costs a second."""


@pytest.fixture(scope="module")
def world():
    sections = {
        GATEWAY: {"edge": {"tokens": TOKENS}},
        NAME: {"watermark_s": 0.1, "silence_floor_s": 1.5, "silence_cap_s": 1.5},
        "aggregator.1": {"timeframes": ["1s", "1m"], "indicators": []},
        "persistence.1": {"batch_s": 0.1},
    }
    with short_folder() as folder, push_world(folder, sections=sections) as made:
        yield made


def ticks(count: int, symbol: str = "EURUSD.r", begin_ns: int = 0) -> list[dict[str, object]]:
    begin_ns = begin_ns or time.time_ns() - count * 1_000_000
    return [
        {"symbol": symbol, "bid": 1.1 + number * 1e-5, "ask": 1.2, "ts_event_ns": begin_ns + number * 1_000_000}
        for number in range(count)
    ]  # fmt: skip


def test_a_terminal_posts_and_hub_candles_and_database_have_it(world: PushWorld):
    broker_ms = time.time_ns() // 1_000_000 + 7_200_000
    batch = [
        {"symbol": "EURUSD.r", "bid": 1.15 + n * 1e-5, "ask": 1.16, "time_msc": broker_ms + n, "flags": 6}
        for n in range(50)
    ]
    with world.client(headers={"X-API-Key": TOKEN}) as client:
        answer = client.post("/api/v1/push", content=json.dumps(batch).encode() + b"\x00")
        assert answer.status_code == 200, answer.text
        verdict = msgspec.json.decode(answer.content)
        assert (verdict["accepted"], verdict["gmt_offset_s"]) == (50, 7200)
        again = client.post("/market-data", content=msgspec.msgpack.encode({"ticks": batch}))
        assert msgspec.json.decode(again.content)["duplicates"] == 50
        wrong = client.post("/api/v1/push", content=json.dumps(batch), headers={"X-Source": "other"})
        assert wrong.status_code == 403
    tick = until(lambda: _tick(world, "EUR_USD"), DEADLINE_S, "the hub to have the tick")
    assert (tick.venue, tick.ask, tick.state) == ("push.mt5", 1.16, "fresh")
    candles = until(lambda: _candles(world), DEADLINE_S, "a candle of quotes")
    assert candles.origin[-1] == "quote"
    rows = until(lambda: _of(world, "push.mt5", 50), DEADLINE_S, "50 rows in the database")
    assert [bid for _, _, _, bid in rows] == [1.15 + n * 1e-5 for n in range(50)]


def _tick(world: PushWorld, symbol: str):
    try:
        return world.hub.tick(symbol, venue="push.mt5")
    except HubError:
        return None


def _candles(world: PushWorld):
    try:
        found = world.hub.candles("EUR_USD", "1m", 0, venue="push.mt5", allow_stale=True)
    except HubError:
        return None
    return found if sum(found.count) == 50 else None


def _of(world: PushWorld, venue: str, count: int):
    rows = [row for row in world.stored("quotes", "ts_event_ns, bid") if row[0] == venue]
    assert len(rows) <= count
    return rows if len(rows) == count else None


def test_programs_push_over_zeromq_in_as_many_requests_as_it_takes(world: PushWorld):
    items = ticks(4500, "GBPUSD")
    result = world.hub.push(items, source="desk")
    assert (result.accepted, result.duplicates, result.rejected) == (4500, 0, 0)

    async def again() -> int:
        async with AsyncHub(world.run_dir, timeout_s=DEADLINE_S) as hub:
            return (await hub.push(items[-2000:], source="desk")).duplicates

    assert asyncio.run(again()) == 2000
    one = world.hub.push({**items[0], "symbol": "NOPE"}, source="desk")
    assert one.items[0].code == "unknown_symbol"
    until(lambda: _of(world, "push.desk", 4500), DEADLINE_S, "4500 rows in the database")


def test_pushed_bars_are_served_and_stored_and_refused_where_ticks_make_them(world: PushWorld):
    begin_s = time.time_ns() // S // 60 * 60 - 600
    bars = [
        {"symbol": "XAUUSDm", "timeframe": "M1", "time": begin_s + 60 * n, "open": 2.0, "high": 4.0, "low": 1.0,
         "close": 3.0 + n / 10, "tick_volume": 7}
        for n in range(5)
    ]  # fmt: skip
    assert world.hub.push(bars, source="chart", gmt_offset_s=0).accepted == 5
    assert world.hub.push(bars, source="chart").duplicates == 5
    until(lambda: len(_bars(world)) == 5, DEADLINE_S, "five bars in the hub")
    assert list(_bars(world).close) == [3.0 + n / 10 for n in range(5)]
    stored = until(lambda: [row for row in world.stored("bars", "close, source") if row[0] == "push.chart"],
                   DEADLINE_S, "bars in the database")  # fmt: skip
    assert {row[3] for row in stored} == {"chart"}
    world.hub.push(ticks(1, "XAUUSD"), source="chart")
    later = {**bars[0], "time": begin_s + 600, "gmt_offset": 0}
    assert [one.code for one in world.hub.push(later, source="chart").items] == [BUILT_HERE]


def _bars(world: PushWorld):
    try:
        return world.hub.candles("XAU_USD", "1m", 0, venue="push.chart", allow_stale=True)
    except HubError:
        return []


def test_what_comes_late_is_stored_and_never_the_newest(world: PushWorld):
    now_ns = time.time_ns()
    first, late = ticks(1, "EURUSD", now_ns), ticks(1, "EURUSD", now_ns - 30 * S)
    world.hub.push(first, source="late")
    assert world.hub.push(late, source="late").accepted == 1
    rows = until(lambda: _of(world, "push.late", 2), DEADLINE_S, "two rows in the database")
    assert [row[2] for row in rows] == [now_ns, now_ns - 30 * S]
    assert world.hub.tick("EUR_USD", venue="push.late", allow_stale=True).ts_event_ns == now_ns


def test_a_silent_source_is_down_until_it_is_heard_again_and_its_gap_is_told(world: PushWorld):
    world.hub.push(ticks(1, "GBPUSD"), source="quiet")
    until(lambda: _venue(world)["is_connected"], DEADLINE_S, "the venue to be connected")
    until(lambda: not _venue(world)["is_connected"], DEADLINE_S, "the venue to be down")
    until(lambda: world.hub.gaps(symbol="GBP_USD", venue="push.quiet", state="open"), DEADLINE_S, "a gap")
    assert world.hub.push([], source="quiet").accepted == 0
    until(lambda: _venue(world)["is_connected"], DEADLINE_S, "an empty push to be a sign of life")
    (gap,) = until(
        lambda: world.hub.gaps(symbol="GBP_USD", venue="push.quiet", state="unfillable"),
        DEADLINE_S,
        "its end",
    )
    assert gap.cause == "silence"


def _venue(world: PushWorld):
    rows = world.hub.status()["venues"].get("push.quiet", {})
    return rows.get(NAME, {"is_connected": False})


def test_the_command_line_knows_pushed_venues(world: PushWorld):
    world.hub.push(ticks(1, "GBPUSD"), source="desk")
    words = "--config", str(world.config)
    told = run(*words, "why", "GBP_USD", "--for", "0.1s", "--json", cwd=world.run_dir, deadline_s=DEADLINE_S)
    hops = json.loads(told.out)["hops"]
    assert {hop["name"] for hop in hops if hop["place"] == "venue"} >= {"push.desk"}
    assert {hop["name"] for hop in hops if hop["place"] == "collector"} == {NAME}


def test_a_receiver_that_is_down_is_503_and_nothing_was_accepted(world: PushWorld):
    process = world.processes[NAME]
    process.send(signal.SIGKILL)
    process.wait()
    body = json.dumps(ticks(3, "GBPUSD"))
    with world.client(headers={"X-API-Key": TOKEN}) as client:
        refused = until(
            lambda: (one := client.post("/api/v1/push", content=body)).status_code == 503 and one,
            DEADLINE_S,
            "503",
        )
        assert "nothing was accepted" in refused.text
        assert refused.headers["retry-after"] == "1"
        world.start(NAME)
        answer = until(
            lambda: (one := client.post("/api/v1/push", content=body)).status_code == 200 and one,
            DEADLINE_S,
            "200",
        )
    verdict = msgspec.json.decode(answer.content)
    assert verdict["accepted"] + verdict["duplicates"] == 3


def test_killed_at_any_point_no_acknowledged_tick_is_lost_and_none_comes_twice(run_dir):
    points = (
        "journal.write.before",
        "journal.write.after",
        "bus.send.before",
        "bus.send.after",
        "snap.before",
    )
    env = {"TAPEHUB_CRASH_POINTS": ",".join(f"{point}:0.04" for point in points)}
    sections = {NAME: {"checkpoint_s": 0.2}, "persistence.1": {"batch_s": 0.1}}
    names = ("journal.1", "persistence.1", NAME, "hub.1")
    with (
        push_world(run_dir, sections=sections, names=names) as world,
        Hub(run_dir, timeout_s=0.4) as hub,
    ):
        hub.push(ticks(1, "XAUUSD"), source="kill")
        world.processes[NAME].send(signal.SIGKILL)
        world.processes[NAME].wait()
        kills, begin_ns, sent = 0, time.time_ns(), [("XAU_USD", 0)]
        for number in range(24):
            batch = ticks(20, ("EURUSD", "GBPUSD")[number % 2], begin_ns - number * S)
            while not _pushed(hub, batch):
                if not world.processes[NAME].is_alive:
                    kills += 1
                    world.start(NAME, env if kills < MOST_KILLS else None)
            sent += [(f"{item['symbol'][:3]}_USD", item["ts_event_ns"]) for item in batch]
        assert kills, "nothing was killed on its way: the test shows nothing"
        rows = until(lambda: _stored(world, len(sent)), DEADLINE_S, "all rows in the database")
        assert [row for row in sorted(rows) if row[0] != "XAU_USD"] == sorted(sent[1:])


def _stored(world: PushWorld, count: int):
    rows = [(symbol, ts_ns) for _, symbol, ts_ns in world.stored("quotes", "ts_event_ns")]
    return rows if len(rows) >= count else None


def _pushed(hub: Hub, batch) -> bool:
    try:
        result = hub.push(batch, source="kill")
    except (HubTimeout, HubUnreachable):
        return False
    assert result.rejected == 0, result
    return True
