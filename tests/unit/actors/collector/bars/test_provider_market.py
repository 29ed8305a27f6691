"""The market that local providers tell of: known at once at any minute, the same for everybody who asks."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.instruments import Catalog, Instrument
from protocol.sessions import session_named
from tests.support.paths import ROOT
from tests.support.process import clean_environment
from tests.support.providers.calendars import MINUTE_NS
from tests.support.providers.hashing import unit, units
from tests.support.providers.listings import LISTINGS, entries, listings
from tests.support.providers.market import Market

MARKET: Final = Market()
FIRST: Final = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) // 60
LAST: Final = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp()) // 60
"""Clocks change twice in between, in New York."""
SYMBOLS: Final = st.sampled_from([listing.symbol for listing in LISTINGS])
DIGEST: Final = """
import hashlib
from tests.support.providers.market import Market
for symbol in ("EUR_USD", "AAPL", "BTC_USD"):
    columns = Market().minutes(symbol, {begin}, {end})
    print(hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest())
"""


def stretch(symbol: str, days: int = 30):
    return MARKET.minutes(symbol, (LAST - days * 1440) * MINUTE_NS, LAST * MINUTE_NS)


@given(st.integers(-(1 << 40), 1 << 40), st.integers(0, (1 << 64) - 1))
def test_one_number_is_hashed_as_many_are(number, seed):
    assert units(np.array([number, 7]), seed)[0] == unit(number, seed)


@given(SYMBOLS, st.integers(FIRST, LAST), st.integers(1, 5000), st.data())
def test_one_minute_is_the_one_of_the_whole(symbol, first, length, data):
    """Short stretches are kept, long ones computed, one alone is neither."""
    found = MARKET.minutes(symbol, first * MINUTE_NS, (first + length) * MINUTE_NS)
    number = data.draw(st.integers(first, first + length - 1))

    alone = Market().minute(symbol, number * MINUTE_NS)

    where = np.flatnonzero(found.ts_open_ns == number * MINUTE_NS)
    assert (alone is not None) == (len(where) == 1)
    if alone is not None:
        assert alone == tuple(column[where[0]] for column in found)


@given(SYMBOLS, st.integers(FIRST, LAST))
def test_it_trades_when_its_session_is_open(symbol, number):
    session = session_named(MARKET.listings[symbol].session)
    assert (MARKET.minute(symbol, number * MINUTE_NS) is not None) == session.is_open(number * MINUTE_NS)


@pytest.mark.parametrize("symbol", [listing.symbol for listing in LISTINGS])
def test_prices_are_those_of_a_market(symbol):
    listing, bars = MARKET.listings[symbol], stretch(symbol)
    joined = np.diff(bars.ts_open_ns) == MINUTE_NS

    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.open[1:] == bars.close[:-1])[joined].all(), (
        "a minute does not begin where the last one ended"
    )
    assert [float(f"{price:.{listing.decimals}f}") for price in bars.close] == bars.close.tolist()
    moves = np.abs(np.diff(np.log(bars.close)))[joined]
    assert 0.2e-4 < moves.mean() < 10e-4
    assert moves.max() < 0.01
    assert 0.4 * listing.price < bars.close.min() < bars.close.max() < 2 * listing.price


def test_few_minutes_are_without_a_trade_and_some_of_them_in_a_row():
    bars = stretch("EUR_USD", 200)
    quiet = bars.trades == 0

    assert 0.001 < quiet.mean() < 0.01
    assert (bars.open == bars.close)[quiet].all()
    assert (bars.high == bars.low)[quiet].all()
    runs = "".join("q" if is_quiet else "." for is_quiet in quiet).split(".")
    assert max(map(len, runs)) > 5


def test_volume_is_there_where_somebody_knows_it():
    assert not stretch("EUR_USD").volume.any()
    apple = stretch("AAPL")
    assert ((apple.volume > 0) == (apple.trades > 0)).all()


@given(st.sampled_from(["EUR_USD", "BTC_USD"]), st.integers(0, 600), st.floats(0, 1), st.floats(0, 1))
def test_a_minute_in_progress_grows_into_the_whole(symbol, minutes_ago, one, other):
    number = LAST - 1 - minutes_ago
    earlier, later = (MARKET.partial(symbol, number, share) for share in sorted((one, other)))

    whole = MARKET.minute(symbol, number * MINUTE_NS)
    assert MARKET.partial(symbol, number, 1.0) == whole
    assert earlier.open == later.open == whole.open
    assert earlier.low >= later.low >= whole.low
    assert earlier.high <= later.high <= whole.high
    assert earlier.volume <= later.volume <= whole.volume
    assert later.low <= later.close <= later.high


def test_another_seed_is_another_market():
    one, other = (
        Market(seed=seed).minutes("EUR_USD", (LAST - 60) * MINUTE_NS, LAST * MINUTE_NS) for seed in (1, 2)
    )
    assert one.close.tolist() != other.close.tolist()


def test_two_processes_have_the_same_market():
    begin, end = (LAST - 5 * 1440) * MINUTE_NS, LAST * MINUTE_NS
    program = [sys.executable, "-c", DIGEST.format(begin=begin, end=end)]
    env = clean_environment({"PYTHONHASHSEED": "77"})
    other = subprocess.run(
        program, env=env, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()

    here = [
        hashlib.sha256(
            b"".join(column.tobytes() for column in MARKET.minutes(symbol, begin, end))
        ).hexdigest()
        for symbol in ("EUR_USD", "AAPL", "BTC_USD")
    ]
    assert here == other


def test_its_listings_make_a_catalog():
    """Twenty instruments of five kinds, and as many more as wanted; the providers' names are unique."""
    found = listings(100)
    catalog = Catalog(Instrument(symbol=symbol, **entry) for symbol, entry in entries(found).items())

    assert (len(LISTINGS), len(catalog)) == (20, 100)
    assert {listing.asset_class for listing in found} == {"fx", "metal", "index", "equity", "crypto"}
    market = Market(found)
    for listing in found:
        assert all(market.listing(provider, raw) == listing for provider, raw in listing.raws.items())


def test_there_is_no_market_before_it_begins():
    with pytest.raises(ValueError, match="outside of the years"):
        MARKET.minutes("EUR_USD", 0, 10 * 1440 * MINUTE_NS)
