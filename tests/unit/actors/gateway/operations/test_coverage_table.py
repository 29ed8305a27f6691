"""Coverage: shares of what the market's hours promise; storage: how long the room lasts; and what persistence counts."""

from collections import deque
from pathlib import Path

import pytest

from actors.gateway.operations.coverage import LATE_NS, Series, table
from actors.gateway.operations.storage import Sample, days_left
from actors.gateway.operations.supervision import _SupervisorLog
from protocol.sessions import DAY_NS, session_named

MINUTE_NS = 60_000_000_000
MONDAY = 20_780  # 2026-11-23
DAYS = range(MONDAY - 2, MONDAY + 1)


def test_shares_of_days() -> None:
    now_ns = MONDAY * DAY_NS + 100 * MINUTE_NS + LATE_NS
    series = [
        Series("BTC_USDT", "binance", {MONDAY - 1: 1440, MONDAY: 75}),
        Series("EUR_USD", "ig", {MONDAY - 2: 1, MONDAY - 1: 120, MONDAY: 200}),
    ]
    found = table(
        series, DAYS, now_ns, MINUTE_NS, lambda one: session_named("fx" if one == "EUR_USD" else "crypto")
    )
    assert found["days"] == ["2026-11-21", "2026-11-22", "2026-11-23"]
    assert found["rows"] == [
        {"symbol": "BTC_USDT", "venue": "binance", "share": [None, 1.0, 0.75]},
        # closed on Saturday; open since 22:00 UTC on Sunday: 120 minutes; no more than all of today
        {"symbol": "EUR_USD", "venue": "ig", "share": [None, 1.0, 1.0]},
    ]


def test_a_day_without_any_is_not_a_day_that_was_closed() -> None:
    series = [Series("BTC_USDT", "binance", {MONDAY - 2: 720})]
    now_ns = (MONDAY + 1) * DAY_NS
    (row,) = table(series, DAYS, now_ns, MINUTE_NS, lambda _: session_named("crypto"))["rows"]
    assert row["share"] == [0.5, 0.0, 0.0]


@pytest.mark.parametrize(
    ("samples", "left"),
    [
        ([], None),
        ([(0, 5)], None),
        ([(0, 0), (59, 1000)], None),
        ([(0, 1000), (600, 1000)], None),
        ([(0, 0), (864, 1000)], 10.0),
    ],
)
def test_days_left(samples: list[tuple[int, int]], left: float | None) -> None:
    found = deque(Sample(at_s * 1_000_000_000, size) for at_s, size in samples)
    assert days_left(found, 1_000_000) == left


def test_restarts_are_counted_as_the_log_grows_and_turns(tmp_path: Path) -> None:
    path = tmp_path / "supervisord.log"
    log = _SupervisorLog(path)
    assert log.histories() == {}
    spawned = "2026-11-21 12:00:00,000 INFO spawned: 'hub.1' with pid 5\n"
    path.write_text(f"2026-11-21 12:00:00,000 INFO supervisord started with pid 1\n{spawned}{spawned[:20]}")
    assert log.histories()["hub.1"].restarts == 0
    with path.open("a") as file:
        file.write(spawned[20:])
    assert log.histories()["hub.1"].restarts == 1
    assert log.histories()["hub.1"].restarts == 1
    path.rename(tmp_path / "supervisord.log.1")
    path.write_text(spawned)
    assert log.histories()["hub.1"].restarts == 2
