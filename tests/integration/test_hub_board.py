"""Engines that read the board of a hub process: while data flows, when the hub dies, when it comes back."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from protocol.board.layout import POINTER_SUFFIX
from protocol.board.machine import is_possible
from protocol.client import questions
from protocol.errors import InvalidRequest, NoData
from protocol.messages import Flow
from protocol.requests import Reply
from tests.support.feed import Feed
from tests.support.hub_world import (
    BOOK,
    DEADLINE_S,
    QUOTE,
    World,
    bench_of,
    now_bar,
    now_quote,
    once,
    wait_until_heard,
    world_of,
)
from tests.support.wait import until
from tests.unit.actors.hub.samples import book, feature

BAR, FEATURE, FLOW = "bar.binance.BTC_USDT.1m", "feature.binance.BTC_USDT.1m", "flow.binance.BTC_USDT"
ENOUGH = 30
"""Comparisons of each kind at which nothing came in between."""
pytestmark = pytest.mark.skipif(
    not is_possible(), reason="no board on this machine: see protocol/board/machine.py"
)


@pytest.fixture
def world(run_dir: Path) -> Iterator[World]:
    with world_of(run_dir) as found:
        yield found


def pointer_of(world: World) -> Path:
    return world.bench.endpoints.socket_dir / f"hub.1.{POINTER_SUFFIX}"


def publish_all(feed: Feed, number: int) -> None:
    """One of each kind."""
    feed.publish(QUOTE, now_quote(float(number)))
    feed.publish(BOOK, book(10 + number, recv_ns=time.time_ns(), bids=[(float(number), 1.0)]))
    feed.publish(BAR, now_bar(0, status="open", revision=0, close=float(number)))
    feed.publish(FLOW, Flow("BTC_USDT", "binance", 5.0, time.time_ns(), True, {"cvd": float(number)}))
    feed.publish(FEATURE, feature(number))


def test_board_and_socket_say_the_same_while_data_flows(world: World) -> None:
    """A question before and one after the look at the board: where they are about the same frame, so is the board."""
    over = threading.Event()

    def flow() -> None:
        number = 1
        while not over.wait(0.002):
            publish_all(world.feed, number)
            number += 1

    publish_all(world.feed, 0)
    thread = threading.Thread(target=flow)
    thread.start()
    asked = [
        questions.tick("BTC_USDT"), questions.book("BTC_USDT", 1), questions.candles("BTC_USDT", "1m", 100),
        questions.order_flow("BTC_USDT"), questions.features("BTC_USDT"),
    ]  # fmt: skip
    agreed: Counter[str] = Counter()
    try:
        with world.bench.client(use_board=True) as hub:
            once(lambda: hub.features("BTC_USDT", allow_stale=True))

            def compare() -> bool:
                for question in asked:
                    request = question.request
                    before = hub._asker.ask(msgspec.structs.replace(request))
                    here = hub._board.reply(request)
                    after = hub._asker.ask(msgspec.structs.replace(request))
                    if here is not None and before.seq == after.seq:
                        assert said(here) == said(after)
                        assert before.age_s - 0.001 <= here.age_s <= after.age_s + 0.001
                        agreed[request.op] += 1
                return len(agreed) == len(asked) and min(agreed.values()) >= ENOUGH

            until(compare, DEADLINE_S, "quiet moments of every kind")
    finally:
        over.set()
        thread.join()


def said(reply: Reply) -> tuple[object, ...]:
    covered = reply.covered_from_ns, reply.covered_to_ns
    origin = reply.source, reply.source_epoch, reply.seq, reply.epoch
    return reply.state, origin, covered, reply.asked, msgspec.msgpack.decode(reply.data)


def test_a_read_from_the_board_is_no_question(world: World) -> None:
    world.feed.publish(QUOTE, now_quote(7.0))
    once(lambda: world.hub.tick("BTC_USDT"))
    with world.bench.client(use_board=True) as hub:
        asked_before = hub.status()["counters"]["get_tick_calls"]
        ticks = [hub.tick("BTC_USDT"), hub.ticks(["BTC_USDT"])["BTC_USDT"], hub.snapshot(["BTC_USDT"])[0]]

        assert [tick.bid for tick in ticks] == [7.0] * 3
        assert hub.status()["counters"]["get_tick_calls"] == asked_before
        with pytest.raises(NoData):
            hub.tick("ETH_USDT")


def test_after_a_crash_readers_go_over_to_the_board_of_the_next_hub(run_dir: Path) -> None:
    bench = bench_of(run_dir)
    with Feed(bench.endpoints) as feed, bench.client(use_board=True, timeout_s=1.0) as hub:
        with bench.start_hub() as process:
            with bench.client() as asking:
                wait_until_heard(asking)
            feed.publish(QUOTE, now_quote(1.0))
            first = once(lambda: hub.tick("BTC_USDT"))
            process.kill()
            until(lambda: hub._board.tick("BTC_USDT") is None, DEADLINE_S, "nobody to vouch for the board")
        with bench.start_hub():

            def is_new() -> bool:
                feed.publish(QUOTE, now_quote(2.0))
                found = hub._board.tick("BTC_USDT")
                return found is not None and found.hub_epoch > first.hub_epoch and found.bid == 2.0

            until(is_new, DEADLINE_S, "the board of the next hub")


def test_a_hub_that_is_stopped_takes_its_board_away(world: World) -> None:
    world.feed.publish(QUOTE, now_quote())
    with world.bench.client(use_board=True, timeout_s=0.2) as hub:
        once(lambda: hub.tick("BTC_USDT"))

        assert world.process.stop() == 0
        assert not pointer_of(world).is_symlink()
        assert hub._board.tick("BTC_USDT") is None


def test_a_hub_that_is_to_have_none_has_none(run_dir: Path) -> None:
    bench = bench_of(run_dir, board=False)
    with Feed(bench.endpoints) as feed, bench.start_hub(), bench.client(use_board=True) as hub:
        wait_until_heard(hub)
        feed.publish(QUOTE, now_quote(3.0))

        assert once(lambda: hub.tick("BTC_USDT")).bid == 3.0
        assert not list(bench.endpoints.socket_dir.glob(f"*.{POINTER_SUFFIX}"))
        assert hub.status()["actors"]["hub.1"]["detail"]["board_bytes"] == 0


def test_a_client_that_is_closed_reads_no_more(world: World) -> None:
    world.feed.publish(QUOTE, now_quote())
    hub = world.bench.client(use_board=True)
    once(lambda: hub.tick("BTC_USDT"))
    hub.close()

    with pytest.raises(InvalidRequest, match="closed"):
        hub.tick("BTC_USDT")
