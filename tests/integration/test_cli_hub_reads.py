"""`snap`, `why` and `top` against a real hub, with a collector and an aggregator that the test steers."""

from __future__ import annotations

import csv
import io
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from protocol.endpoints import Endpoints
from protocol.errors import HubError
from protocol.messages import Bar, Gap, Quote, Trade, Watermark
from protocol.record import RecordKind
from protocol.requests import Request
from protocol.transport import Wire
from tests.support.config import write_config
from tests.support.false_actor import FalseActor
from tests.support.process import ActorProcess, clean_environment
from tests.support.tapehub_command import Result, run
from tests.support.wait import until
from tests.unit.actors.hub.samples import flow, footprint, signal, sweep

COLLECTOR = "collector.binance.1"
ACTORS = {COLLECTOR: {}, "aggregator.1": {}, "hub.1": {}}
MINUTE_NS = 60_000_000_000


class System(NamedTuple):
    run_dir: Path
    config: Path
    collector: FalseActor
    aggregator: FalseActor
    hub: ActorProcess

    def tapehub(self, *words: str) -> Result:
        return run("--config", str(self.config), *words, cwd=self.run_dir)


@pytest.fixture
def system(run_dir: Path) -> Iterator[System]:
    """A hub that has heard quotes, trades and candles of BTC_USDT, and of nothing else."""
    config = write_config(run_dir, ACTORS)
    endpoints = Endpoints(run_dir)
    endpoints.prepare()
    with (
        FalseActor(endpoints, COLLECTOR) as collector,
        FalseActor(endpoints, "aggregator.1") as aggregator,
        ActorProcess("hub", "hub.1", config) as hub,
    ):
        collector.repeat("quote.binance.BTC_USDT", quote)
        collector.repeat("trade.binance.BTC_USDT", trade)
        collector.repeat(
            f"mark.{COLLECTOR}", lambda ns: Watermark(COLLECTOR, "binance", ns, True), RecordKind.TIME
        )
        aggregator.repeat("bar.binance.BTC_USDT.1m", bar)
        found = System(run_dir, config, collector, aggregator, hub)
        until(lambda: knows(endpoints, "candles"), 40.0, "the hub to know a candle")
        until(lambda: knows(endpoints, "tick"), 40.0, "the hub to know a quote")
        yield found


def quote(ns: int) -> Quote:
    return Quote("BTC_USDT", "binance", ns, ns, 100.0, 100.5, 1.0, 2.0)


def trade(ns: int) -> Trade:
    return Trade("BTC_USDT", "binance", ns, ns, 100.25, 0.5, -1, 7)


def bar(ns: int) -> Bar:
    opened_ns = ns // MINUTE_NS * MINUTE_NS
    return Bar(
        "BTC_USDT", "binance", "1m", opened_ns, ns, 100.0, 101.0, 99.0, 100.25, 5.0, 2.0, 3.0, 100.1, 9, "open", 1.0, 0,
        "trade",
    )  # fmt: skip


def knows(endpoints: Endpoints, op: str) -> bool:
    with Wire() as wire:
        asker = wire.requester(endpoints.query("hub.1"))
        try:
            return asker.ask(Request(op=op, symbol="BTC_USDT", allow_stale=True), 0.5).ok
        except HubError:
            return False


def test_snap_answers_as_an_engine_is_answered(system: System) -> None:
    tick = system.tapehub("snap", "tick", "BTC_USDT", "--json").document
    candles = system.tapehub("snap", "candles", "BTC_USDT", "--tf", "1m", "--json").document
    trades = system.tapehub("snap", "trades", "BTC_USDT", "-n", "2", "-o", "ndjson")
    table = system.tapehub("snap", "ticks", "-o", "csv", "--fields", "symbol,bid,ask")

    assert (tick["bid"], tick["ask"], tick["state"], tick["spread"]) == (100.0, 100.5, "fresh", 0.5)
    assert candles["data"][-1]["close"] == 100.25
    assert candles["data"][-1]["status"] == "open"
    assert candles["asked"] == 500
    assert trades.code == 0, trades.err
    assert [row["side"] for row in trades.rows] == ["sell", "sell"]
    assert list(csv.reader(io.StringIO(table.out))) == [
        ["symbol", "bid", "ask"],
        ["BTC_USDT", "100.0", "100.5"],
    ]


def test_snap_shows_signals_that_were_vetoed_too(system: System) -> None:
    system.aggregator.repeat("signal.binance.BTC_USDT", lambda _: signal(1, "vetoed"))
    until(lambda: system.tapehub("snap", "signals").out, 40.0, "the hub to know a signal")

    header, line = system.tapehub("snap", "signals", "BTC_USDT", "--venue", "binance").out.splitlines()
    assert header.split()[:4] == ["TIME", "STATE", "STRATEGY", "SYMBOL"]
    assert line.split()[1:4] == ["vetoed", "cross", "BTC_USDT"]


def test_snap_shows_order_flow_footprints_profile_and_sweeps(system: System) -> None:
    say = system.aggregator.repeat
    say("flow.binance.BTC_USDT", lambda ns: flow(60.0, ns, cvd=1.5))
    say("footprint.binance.BTC_USDT.1m", lambda ns: footprint(ns // MINUTE_NS, revision=0, status="open"))
    say("footprint.binance.BTC_USDT.session", lambda _: footprint(0, timeframe="session"))
    say("sweep.binance.BTC_USDT", sweep)
    until(lambda: system.tapehub("snap", "sweeps").out, 40.0, "the hub to know a sweep")

    session = system.tapehub("snap", "flow", "BTC_USDT", "--window", "0")
    one = system.tapehub("snap", "footprint", "BTC_USDT", "-n", "1")
    profile = system.tapehub("snap", "profile", "BTC_USDT", "--json").document

    assert system.tapehub("snap", "flow", "BTC_USDT", "--json").document["values"] == {"cvd": 1.5}
    assert (session.code, "there is 60" in session.err) == (5, True)
    assert [line.split()[:2] for line in one.out.splitlines()] == [
        ["PRICE", "BUY_VOLUME"],
        ["100.5", "0"],
        ["100", "1"],
    ]
    assert "point of control 100.5, value area 100 to 101" in one.err
    assert (profile["poc"], profile["state"]) == (100.5, "fresh")
    assert (
        system.tapehub("snap", "sweeps", "BTC_USDT", "-n", "1", "--json").document["data"][0]["side"]
        == "sell"
    )


def test_snap_refuses_clearly(system: System) -> None:
    for words, code, says in (
        (["tick", "BTC_USTD"], 5, "BTC_USDT"),
        (["tick", "ETH_USDT"], 5, "no quote of ETH_USDT"),
        (["candles", "BTC_USDT", "--tf", "7q"], 1, "7q"),
    ):
        result = system.tapehub("snap", *words)

        assert (result.code, result.out) == (code, "")
        assert says in result.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["tick"], "one symbol"),
        (["tick", "BTC_USDT", "ETH_USDT"], "one symbol"),
        (["status", "BTC_USDT"], "takes no"),
        (["weather"], "weather"),
        (["tick", "BTC_USDT", "-o", "xml"], "xml"),
    ],
)
def test_a_wrong_question_is_refused_before_anybody_is_asked(
    run_dir: Path, words: list[str], says: str
) -> None:
    result = run("snap", *words, cwd=run_dir)

    assert (result.code, result.out) == (2, "")
    assert says in result.err


def test_an_old_value_is_refused_with_3_and_shown_on_request(system: System) -> None:
    old_ns = time.time_ns() - 3600 * 10**9
    old = Quote("ETH_USDT", "binance", old_ns, old_ns, 1.0, 2.0, 1.0, 1.0)
    system.collector.repeat("quote.binance.ETH_USDT", lambda _: old)
    until(lambda: system.tapehub("snap", "tick", "ETH_USDT").code == 3, 40.0, "the hub to know the old quote")

    refused = system.tapehub("snap", "tick", "ETH_USDT")
    shown = system.tapehub("snap", "tick", "ETH_USDT", "--allow-stale", "--json").document

    assert "--allow-stale" in refused.err
    assert "3.6e+03 s old" in refused.err or "3600" in refused.err
    assert (shown["state"], shown["bid"]) == ("stale", 1.0)


def test_no_hub_is_unreachable_and_a_hung_one_a_timeout(system: System) -> None:
    system.hub.kill()

    gone = system.tapehub("snap", "tick", "BTC_USDT", "--timeout", "300ms")

    assert gone.code in (4, 6)
    assert "tapehub status" in gone.err


def hops(result: Result) -> dict[str, str]:
    return {hop["place"]: hop["status"] for hop in result.document["hops"]}


def test_why_finds_nothing_wrong_with_a_healthy_way(system: System) -> None:
    result = system.tapehub("why", "BTC_USDT", "--json")

    assert hops(result) == dict.fromkeys(("venue", "collector", "bus", "aggregator", "hub"), "OK")
    assert (result.code, result.document["broken"]) == (0, None)
    assert all(hop["age_s"] < 5 for hop in result.document["hops"] if hop["place"] != "bus")


def test_why_names_the_venue_that_is_not_connected(system: System) -> None:
    system.collector.repeat(
        f"mark.{COLLECTOR}", lambda ns: Watermark(COLLECTOR, "binance", ns, False), RecordKind.TIME
    )

    result = system.tapehub("why", "BTC_USDT", "--json")

    assert result.code == 3
    assert result.document["broken"] == "venue binance"


def test_why_names_an_open_gap_at_the_collector(system: System) -> None:
    now_ns = time.time_ns()
    gap = Gap(f"{COLLECTOR}-1-1", "binance", "BTC_USDT", "trade", 8, 9, now_ns, 0, "venue_jump", "open")
    system.collector.repeat("gap.binance.BTC_USDT", lambda _: gap, RecordKind.UPSTREAM_GAP)
    system.collector.repeat("gap.binance.BTC_USDT.PERP", lambda _: gap, RecordKind.UPSTREAM_GAP)

    result = system.tapehub("why", "BTC_USDT")

    assert result.code == 3
    assert f"BTC_USDT: stops at collector {COLLECTOR}: trade gap (venue_jump)" in result.out


def test_why_names_the_actor_that_is_down(system: System) -> None:
    system.aggregator.close()

    result = system.tapehub("why", "BTC_USDT", "--json", "--timeout", "500ms")

    assert result.code == 3
    assert result.document["broken"] == "aggregator aggregator.1"
    assert hops(result)["hub"] in ("OK", "FAIL")


def test_why_of_a_symbol_that_nobody_sends_or_knows(system: System) -> None:
    unsent = system.tapehub("why", "ETH_USDT", "--json")
    unknown = system.tapehub("why", "ETH_UDST")

    assert (unsent.code, unsent.document["broken"]) == (3, "venue binance")
    assert unknown.code == 5
    assert "ETH_USDT" in unknown.err


def test_top_shows_actors_and_symbols(system: System) -> None:
    table = system.tapehub("top")
    document = system.tapehub("top", "--once", "--json").document

    (row,) = document["symbols"]
    assert (row["symbol"], row["bid"], row["last"], row["bar_status"]) == ("BTC_USDT", 100.0, 100.25, "open")
    assert {actor["name"]: actor["state"] for actor in document["actors"]} == dict.fromkeys(ACTORS, "RUNNING")
    assert table.code == 0
    assert any(line.split()[:3] == ["BTC_USDT", "binance", "100.25"] for line in table.out.splitlines())


def test_top_refreshes_on_a_terminal_until_q(system: System) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    command = [sys.executable, "-m", "tapehub", "--config", str(system.config), "top", "--interval", "50ms"]
    environment = clean_environment({"TERM": "xterm"})
    with subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        cwd=system.run_dir,
        start_new_session=True,
    ) as top:
        try:
            seen = read_until(ours, b"BTC_USDT")
            seen += read_until(ours, b"BTC_USDT")
            os.write(ours, b"q")
            read_until(ours, b"\x1b[?1049l")
            assert top.wait(40) == 0
        finally:
            top.kill()
            os.close(ours)
            os.close(theirs)

    assert b"RUNNING" in seen
    assert b"q quit" in seen


def read_until(fd: int, text: bytes, deadline_s: float = 40.0) -> bytes:
    """What the terminal shows, up to and including the text."""
    end_s, seen = time.monotonic() + deadline_s, b""
    while text not in seen:
        left_s = end_s - time.monotonic()
        assert left_s > 0, f"no {text!r} in {seen[-2000:]!r}"
        if select.select([fd], [], [], left_s)[0]:
            seen += os.read(fd, 65536)
    return seen


def test_top_without_a_system_says_how_to_start_it(run_dir: Path) -> None:
    config = write_config(run_dir, ACTORS)

    result = run("--config", config, "top", "--timeout", "200ms", cwd=run_dir)

    assert result.code == 4
    assert "no hub is running" in result.err


def test_topics_lists_what_flows_and_what_the_hub_has_heard_before(system: System) -> None:
    now_ns = time.time_ns()
    quote = Quote("ETH_USDT", "binance", now_ns, now_ns, 1.0, 2.0, 1.0, 1.0)
    system.collector.said.append(("quote.binance.ETH_USDT", RecordKind.DATA, quote))
    until(lambda: system.tapehub("snap", "tick", "ETH_USDT", "--stale").code == 0, 40.0, "the hub to hear it")

    rows = system.tapehub("topics", "quote", "bar", "--for", "500ms", "--json").document

    rates = {row["topic"]: row["per_s"] > 0 for row in rows}
    assert rates == {
        "bar.binance.BTC_USDT.1m": True,
        "quote.binance.BTC_USDT": True,
        "quote.binance.ETH_USDT": False,
    }
