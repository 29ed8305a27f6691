"""A client of several hubs goes back to the first one, once that answers as well as the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.client import AsyncHub, Hub, patience
from tests.support.wait import until
from tests.unit.actors.hub.desks import FakeHub
from tests.unit.actors.hub.samples import quote
from tests.unit.protocol.client.served import Served


@pytest.fixture
def pair(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Served, Served, FakeHub]]:
    """The first hub is silent and, when it speaks, empty; the second one has a quote."""
    monkeypatch.setattr(patience, "RELEARN_NS", 30_000_000)
    empty, full = FakeHub(), FakeHub()
    full.hear("quote.binance.BTC_USDT", quote(1.0))
    with (
        Served(f"ipc://{run_dir}/first", lambda _body: []) as first,
        Served(f"ipc://{run_dir}/second", lambda body: [full.answers.answer(body)]) as second,
    ):
        yield first, second, empty


def test_it_stays_away_while_the_first_one_is_silent_or_empty(
    pair: tuple[Served, Served, FakeHub],
) -> None:
    first, second, empty = pair
    with Hub([first.endpoint, second.endpoint], timeout_s=4.0) as hub:
        known = hub._asker.patience
        assert hub.tick("BTC_USDT").bid == 1.0
        assert known.is_away
        asked = first.questions
        until(lambda: hub.tick("BTC_USDT").bid and first.questions > asked, 40.0, "a look at the silent one")
        assert known.is_away

        first.answer = lambda body: [empty.answers.answer(body)]
        asked = first.questions
        until(
            lambda: hub.tick("BTC_USDT").bid and first.questions > asked + 3, 40.0, "looks at the empty one"
        )
        assert known.is_away, "what it refuses the other one has"

        empty.hear("quote.binance.BTC_USDT", quote(2.0))
        until(lambda: hub.tick("BTC_USDT").bid == 2.0, 40.0, "the way back")
        assert not known.is_away


def test_an_async_client_goes_back_too(pair: tuple[Served, Served, FakeHub]) -> None:
    first, second, empty = pair

    async def live() -> None:
        async with AsyncHub([first.endpoint, second.endpoint], timeout_s=4.0) as hub:
            assert (await hub.tick("BTC_USDT")).bid == 1.0
            first.answer = lambda body: [empty.answers.answer(body)]
            asked = first.questions
            while first.questions < asked + 3:
                assert (await hub.tick("BTC_USDT")).bid == 1.0
            empty.hear("quote.binance.BTC_USDT", quote(2.0))
            async with asyncio.timeout(10):
                while (await hub.tick("BTC_USDT")).bid != 2.0:
                    pass

    asyncio.run(live())


def test_a_client_that_is_closed_while_it_looks_leaves_nothing_open(
    pair: tuple[Served, Served, FakeHub],
) -> None:
    first, second, _ = pair
    hub = Hub([first.endpoint, second.endpoint], timeout_s=4.0)
    assert hub.tick("BTC_USDT").bid == 1.0
    asked = first.questions
    until(lambda: hub.tick("BTC_USDT").bid and first.questions > asked, 40.0, "a look at the first one")
    hub.close()
    assert hub._asker._connected == 0
