"""Deadlines that hold, answers that match, fail-over, threads, forks: against real sockets."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from protocol.client import Hub
from protocol.errors import (
    HubTimeout,
    HubUnreachable,
    InvalidRequest,
    NoData,
    PayloadError,
    StaleData,
    UnknownSymbol,
)
from protocol.requests import decode_reply, decode_request, encode_reply, raw
from tests.support.paths import free_port
from tests.support.wait import until
from tests.unit.actors.hub.desks import FakeHub
from tests.unit.actors.hub.samples import quote
from tests.unit.protocol.client.served import Served


@pytest.fixture
def fake() -> FakeHub:
    hub = FakeHub()
    hub.hear("quote.binance.BTC_USDT", quote(1.0))
    hub.hear("quote.binance.ETH_USDT", quote(2.0, symbol="ETH_USDT"))
    return hub


@pytest.fixture
def served(fake: FakeHub, run_dir: Path) -> Iterator[Served]:
    with Served(f"ipc://{run_dir}/a", lambda body: [fake.answers.answer(body)]) as served:
        yield served


def test_a_question_and_its_answer(served: Served) -> None:
    with Hub(served.endpoint) as hub:
        assert hub.tick("BTC_USDT").bid == 1.0
        assert hub.ping() < 2


def test_refusals_come_back_as_exceptions_with_their_numbers(served: Served, fake: FakeHub) -> None:
    with Hub(served.endpoint) as hub:
        with pytest.raises(UnknownSymbol) as unknown:
            hub.tick("BTCUSDT")
        with pytest.raises(NoData):
            hub.trades("BTC_USDT")
        fake.clock.advance(9)
        with pytest.raises(StaleData) as stale:
            hub.tick("BTC_USDT")

        assert unknown.value.suggestions[0] == "BTC_USDT"
        assert (stale.value.age_s, stale.value.ttl_s) == (9.0, 5.0)
        assert hub.tick("BTC_USDT", allow_stale=True).state == "stale"
    with Hub(served.endpoint, allow_stale=True) as hub:
        assert not hub.tick("BTC_USDT").is_fresh


def test_nobody_there_is_told_within_the_deadline(run_dir: Path) -> None:
    with Hub(f"ipc://{run_dir}/nobody", timeout_s=0.3) as hub:
        started_s = time.monotonic()
        with pytest.raises(HubUnreachable) as fault:
            hub.tick("BTC_USDT")

    assert 0.25 < time.monotonic() - started_s < 20
    assert fault.value.endpoints == [f"ipc://{run_dir}/nobody"]


def test_a_hub_that_falls_silent_is_a_timeout_and_the_client_works_again_after_it(served: Served) -> None:
    speak = served.answer
    with Hub(served.endpoint, timeout_s=0.3) as hub:
        hub.ping()
        served.answer = lambda _: []
        for _ in range(3):
            with pytest.raises(HubTimeout) as fault:
                hub.tick("BTC_USDT")
            assert fault.value.timeout_s == 0.3
        served.answer = speak
        assert hub.tick("BTC_USDT").bid == 1.0


def test_a_lost_question_is_put_again(served: Served, fake: FakeHub) -> None:
    lost = iter([True, True])
    served.answer = lambda body: [] if next(lost, False) else [fake.answers.answer(body)]

    with Hub(served.endpoint, timeout_s=4.0) as hub:
        assert hub.tick("BTC_USDT").bid == 1.0
    assert served.questions == 3


def test_an_answer_of_another_question_is_not_taken(served: Served, fake: FakeHub) -> None:
    """The old answer comes late, in front of the right one: an engine must not see yesterday's price."""

    def late(body: bytes) -> list[bytes]:
        right = decode_reply(fake.answers.answer(body))
        old = msgspec.structs.replace(right, id=right.id - 1, data=raw(quote(666.0)))
        return [encode_reply(old), encode_reply(right)]

    served.answer = late
    with Hub(served.endpoint) as hub:
        assert [hub.tick("BTC_USDT").bid for _ in range(5)] == [1.0] * 5


def test_rubbish_for_an_answer_is_an_error_of_ours(served: Served) -> None:
    with Hub(served.endpoint, timeout_s=0.3) as hub:
        served.answer = lambda _: [b"\xc1rubbish"]
        with pytest.raises(InvalidRequest):
            hub.tick("BTC_USDT")


def test_data_of_another_shape_is_an_error_of_ours(served: Served) -> None:
    def answer(body: bytes) -> list[bytes]:
        request = decode_request(body)
        return [msgspec.msgpack.encode({"id": request.id, "ok": True, "data": "text"})]

    served.answer = answer
    with Hub(served.endpoint) as hub:
        for read in (hub.tick, hub.candles, hub.book, hub.trades, hub.features):
            with pytest.raises(PayloadError):
                read("BTC_USDT")


def test_the_next_hub_answers_when_the_first_is_gone(served: Served, run_dir: Path) -> None:
    with Hub([f"ipc://{run_dir}/nobody", served.endpoint], timeout_s=4.0) as hub:
        assert hub.tick("BTC_USDT").bid == 1.0
        assert hub._asker.patience.first == served.endpoint
        assert hub.tick("BTC_USDT").bid == 1.0


def test_fail_over_back_and_forth(fake: FakeHub, run_dir: Path) -> None:
    def serve(name: str) -> Served:
        return Served(f"ipc://{run_dir}/{name}", lambda body: [fake.answers.answer(body)])

    first, second = serve("a"), serve("b")
    with Hub([first.endpoint, second.endpoint], timeout_s=2.0) as hub:
        assert hub.tick("BTC_USDT").bid == 1.0
        first.close()
        assert hub.tick("BTC_USDT").bid == 1.0
        with serve("a"):
            second.close()
            assert hub.tick("BTC_USDT").bid == 1.0


def test_any_number_of_threads_get_their_own_answers(served: Served) -> None:
    wrong: list[object] = []

    def read(hub: Hub, symbol: str, wanted: float) -> None:
        for _ in range(150):
            tick = hub.tick(symbol)
            if (tick.symbol, tick.bid) != (symbol, wanted):
                wrong.append(tick)

    with Hub(served.endpoint, timeout_s=20) as hub:
        threads = [
            threading.Thread(target=read, args=(hub, *pair))
            for pair in [("BTC_USDT", 1.0), ("ETH_USDT", 2.0)] * 4
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

        assert wrong == []
        assert served.questions == 1200
        assert len(hub._asker._idle[served.endpoint]) <= 8


def test_threads_that_come_and_go_leave_no_sockets_behind(served: Served) -> None:
    with Hub(served.endpoint) as hub:
        for _ in range(50):
            thread = threading.Thread(target=hub.tick, args=("BTC_USDT",))
            thread.start()
            thread.join(10)

        assert len(hub._asker._idle[served.endpoint]) == 1


def test_over_a_network_a_question_without_answer_leaves_one_socket_to_each_hub(fake: FakeHub) -> None:
    """A new connection there costs seconds of handshake: what answers late is asked again on the same one."""
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    with (
        Served(endpoint, lambda _: []) as slow,
        Hub(endpoint, timeout_s=0.4) as hub,
    ):
        with pytest.raises(HubUnreachable):
            hub.tick("BTC_USDT")
        (kept,) = hub._asker._idle[endpoint]

        slow.answer = lambda body: [fake.answers.answer(body)]
        until(lambda: _answers(hub), 40.0, "an answer")
        assert hub._asker._idle[endpoint] == [kept]


def _answers(hub: Hub) -> bool:
    try:
        return hub.tick("BTC_USDT").bid == 1.0
    except (HubTimeout, HubUnreachable):
        return False


def test_closing_while_another_thread_waits_is_safe(served: Served) -> None:
    waiting = threading.Event()

    def silence(_: bytes) -> list[bytes]:
        waiting.set()
        return []

    served.answer = silence
    hub = Hub(served.endpoint, timeout_s=0.5)
    seen: list[BaseException] = []

    def read() -> None:
        try:
            hub.tick("BTC_USDT")
        except (HubUnreachable, InvalidRequest) as fault:
            seen.append(fault)

    thread = threading.Thread(target=read)
    thread.start()
    assert waiting.wait(5)
    hub.close()
    thread.join(10)

    assert len(seen) == 1
    with pytest.raises(InvalidRequest, match="closed"):
        hub.tick("BTC_USDT")
    hub.close()


def test_a_forked_child_asks_with_its_own_sockets(served: Served) -> None:
    with Hub(served.endpoint) as hub:
        hub.tick("BTC_USDT")
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:  # pragma: no cover - another process
            try:
                os.write(writer, str(hub.tick("ETH_USDT").bid).encode())
            finally:
                os._exit(0)
        os.close(writer)
        answer = os.read(reader, 100)
        os.close(reader)
        os.waitpid(child, 0)

        assert answer == b"2.0"
        assert hub.tick("BTC_USDT").bid == 1.0


def test_a_question_that_is_too_long_is_refused_before_it_is_sent(served: Served) -> None:
    with Hub(served.endpoint) as hub:
        with pytest.raises(InvalidRequest, match="longer"):
            hub.ticks(["BTC_USDT"] * 20_000)
        assert hub.tick("BTC_USDT").bid == 1.0
    assert served.questions == 1


def test_the_deadline_is_sent_by_the_hubs_own_clock(served: Served, fake: FakeHub) -> None:
    """The fake's clock stands in 2023: an asker that sent its own would look hours late, or early."""
    seen: list[int] = []

    def note(body: bytes) -> list[bytes]:
        seen.append(decode_request(body).deadline_ns - fake.clock.ns)
        return [fake.answers.answer(body)]

    served.answer = note
    with Hub(served.endpoint, timeout_s=2.0) as hub:
        for _ in range(3):
            hub.tick("BTC_USDT")

    assert seen[0] < 0  # unknown yet: 0
    assert all(1e9 < ahead_ns < 3e9 for ahead_ns in seen[1:])


def test_a_hub_whose_clock_was_set_is_asked_again_at_once(served: Served, fake: FakeHub) -> None:
    with Hub(served.endpoint, timeout_s=2.0) as hub:
        hub.tick("BTC_USDT")
        fake.clock.advance(3600)
        assert hub.tick("BTC_USDT", allow_stale=True).age_s == 3600.0
        assert hub.tick("BTC_USDT", allow_stale=True).age_s == 3600.0
    assert served.questions == 4


def test_an_interrupted_question_leaves_the_client_whole(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with Hub(served.endpoint) as hub:
        hub.tick("BTC_USDT")
        with monkeypatch.context() as patch:
            patch.setattr("protocol.client.asking.decode_reply", interrupted)
            with pytest.raises(KeyboardInterrupt):
                hub.tick("BTC_USDT")
        assert hub.tick("ETH_USDT").symbol == "ETH_USDT"


def test_a_patience_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        Hub("tcp://127.0.0.1:1", timeout_s=0)
