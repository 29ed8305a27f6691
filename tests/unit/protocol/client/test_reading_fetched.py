"""What providers gave, read by the client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.client import Hub
from tapehub.snapshots import of_messages
from tests.unit.actors.hub.desks import FakeHub
from tests.unit.actors.hub.samples import fetched, verdict
from tests.unit.protocol.client.served import Served


@pytest.fixture
def fake() -> FakeHub:
    return FakeHub()


@pytest.fixture
def hub(fake: FakeHub, run_dir: Path) -> Iterator[Hub]:
    with (
        Served(f"ipc://{run_dir}/a", lambda body: [fake.answers.answer(body)]) as served,
        Hub(served.endpoint) as hub,
    ):
        yield hub


def test_candles_of_providers_say_from_whom_and_when_they_are(hub: Hub, fake: FakeHub) -> None:
    given = fetched(0, reason="nobody traded"), fetched(1, source="polygon", is_adjusted=True)
    fake.hear("bar.rest.EUR_USD.1m", *given)

    bars = hub.candles("EUR_USD", "1m", 2, allow_stale=True)

    assert bars.is_adjusted.tolist() == [False, True]
    assert bars.is_repaired.tolist() == [True, False]
    assert bars.ts_recv_ns.tolist() == [fetched(0).ts_recv_ns, fetched(1).ts_recv_ns]
    assert bars.origin.tolist() == ["yahoo", "polygon"]
    assert [row["is_repaired"] for row in bars] == [True, False]


def test_verdicts_on_candles(hub: Hub, fake: FakeHub) -> None:
    fake.hear("verdict.rest.EUR_USD", verdict())

    assert hub.verdicts(symbol="EUR_USD", venue="rest") == [verdict()]
    assert hub.verdicts(symbol="BTC_USDT") == []
    [row] = of_messages("verdicts", hub.verdicts()).rows
    assert (row["provider"], row["verdict"]) == ("yahoo", "quarantine")
