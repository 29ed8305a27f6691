"""The old receivers' shapes: pips, ages, and what counts as stale."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gateway.legacy.quotes import (
    everything,
    feed_health,
    is_stale,
    iso,
    old_quote,
    old_quotes,
    ttl_of,
)
from protocol.requests import Reply, raw
from tests.unit.actors.hub.samples import BASE_NS, quote

OLD_FIELDS = {
    "symbol", "bid", "ask", "spread", "spread_pips", "volume", "timestamp", "source", "age_seconds", "is_stale",
}  # fmt: skip


def pips(symbol: str) -> float:
    return {"EUR_USD": 0.0001, "USD_JPY": 0.01}.get(symbol, 0.0)


def reply_of(state: str = "fresh", age_s: float = 0.5, **changes: object) -> Reply:
    return Reply(id=1, ok=True, state=state, age_s=age_s, ts_ns=BASE_NS, data=raw(quote(**changes)))


def test_it_has_the_fields_that_old_programs_read() -> None:
    row = msgspec.json.decode(msgspec.json.encode(old_quote(reply_of(), pips, 5.0)))
    assert row.keys() >= OLD_FIELDS
    assert (row["symbol"], row["bid"], row["ask"], row["volume"]) == ("BTC_USDT", 100.0, 101.0, 5.0)
    assert (row["age_seconds"], row["is_stale"], row["state"], row["source"]) == (
        0.5,
        False,
        "fresh",
        "binance",
    )
    assert datetime.fromisoformat(row["timestamp"]).timestamp() == BASE_NS / 1e9


@pytest.mark.parametrize(
    ("symbol", "bid", "ask", "spread", "in_pips"),
    [
        ("EUR_USD", 1.1, 1.1002, 0.0002, 2.0),
        ("USD_JPY", 155.123, 155.141, 0.018, 1.8),
        ("BTC_USDT", 0.00000001, 0.00000003, 0.00000002, None),
    ],
)
def test_spread_is_rounded_to_what_it_is_and_told_in_pips_of_the_symbol(
    symbol: str, bid: float, ask: float, spread: float, in_pips: float | None
) -> None:
    row = old_quote(reply_of(symbol=symbol, bid=bid, ask=ask), pips, 5.0)
    assert row.spread == spread
    assert row.spread_pips == in_pips


@pytest.mark.parametrize(
    ("state", "age_s", "expected"),
    [
        ("fresh", 4.9, False),
        ("closed_market", 90_000.0, False),
        ("gap_open", 1.0, False),
        ("gap_open", 6.0, True),
        ("stale", 6.0, True),
        ("venue_down", 0.1, True),
    ],
)
def test_stale_is_what_the_hub_would_refuse(state: str, age_s: float, expected: bool) -> None:
    assert is_stale(reply_of(state, age_s), 5.0) is expected


def test_the_age_limit_is_the_hubs_own() -> None:
    assert ttl_of({"collector.x.1": {}, "hub.1": {"quote_ttl_s": 2.5}}) == 2.5
    assert ttl_of({"hub.1": {}}) == ttl_of({}) == 5.0


def test_all_leaves_refused_symbols_out_and_counts_the_rest() -> None:
    parts = [
        reply_of(),
        Reply(id=1, ok=False, code="no_data"),
        reply_of("stale", 9.0, symbol="EUR_USD"),
    ]
    rows = old_quotes(Reply(id=1, ok=True, data=raw(parts)), pips, 5.0)
    whole = everything(rows, BASE_NS)
    assert (whole.count, list(whole.data)) == (2, ["BTC_USDT", "EUR_USD"])
    assert whole.timestamp == iso(BASE_NS)
    assert whole.data["EUR_USD"].is_stale


def test_health_tells_how_many_are_fresh_and_names_the_others() -> None:
    fresh = old_quote(reply_of(age_s=0.25), pips, 5.0)
    stale = old_quote(reply_of("venue_down", 7.0, symbol="EUR_USD"), pips, 5.0)
    found = feed_health([fresh, stale], BASE_NS)
    assert (found.status, found.symbols_active, found.symbols_stale, found.stale) == (
        "degraded", 1, 1, ["EUR_USD"],
    )  # fmt: skip
    assert (found.last_update, found.last_update_age_seconds) == (iso(BASE_NS - 250_000_000), 0.25)
    assert feed_health([fresh], BASE_NS).status == "healthy"
    assert feed_health([stale], BASE_NS).status == "unhealthy"
    empty = feed_health([], BASE_NS)
    assert (empty.status, empty.last_update, empty.symbols_total) == ("no_data", None, 0)


@given(st.integers(0, 4_000_000_000_000_000_000))
def test_times_are_read_back_by_python(ts_ns: int) -> None:
    moment = datetime.fromisoformat(iso(ts_ns))
    assert moment.utcoffset() is not None
    assert round(moment.timestamp() * 1e6) == pytest.approx(ts_ns // 1000, abs=1)
