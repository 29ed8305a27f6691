"""Names of instruments: ways to name, mappings, rolls, and when the session has to begin anew."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from actors.collector.databento.symbols import (
    Rolled,
    SymbolMap,
    Wanted,
    derived_symbol,
    is_spread,
    next_restart_ns,
    stype_of,
)

EUR = Wanted("6E.FUT", "6E.v.0", 125_000.0, 0.00005)


def mapped(*wanted: Wanted) -> SymbolMap:
    """A map that wants these."""
    symbols = SymbolMap({"ESZ6": "ES_DEC.FUT"}.get)
    for one in wanted:
        symbols.want(one)
    return symbols


@pytest.mark.parametrize(
    ("raw", "stype"),
    [
        ("6E.v.0", "continuous"),
        ("ES.c.1", "continuous"),
        ("6E.FUT", "parent"),
        ("6EZ6", "raw_symbol"),
        ("17", "instrument_id"),
    ],
)
def test_a_name_tells_how_it_names(raw: str, stype: str) -> None:
    assert stype_of(raw) == stype


def test_spreads_and_derived_names() -> None:
    assert is_spread("ESZ4-ESH5")
    assert is_spread("UD:1V: 12 2311917")
    assert not is_spread("ESZ4")
    assert derived_symbol("ESM4 P5230") == "ESM4_P5230.FUT"
    assert derived_symbol("é", "") == ""


def test_a_new_contract_behind_a_continuous_symbol_is_a_roll_over_sessions_too() -> None:
    symbols = mapped(EUR)
    assert symbols.map(1, "6E.v.0", "6EZ6") == []
    assert symbols.map(1, "6E.v.0", "6EZ6") == [], "each subscription tells the same"
    symbols.begin_session()
    assert symbols.targets == {}
    assert symbols.map(2, "6E.v.0", "6EH7") == [Rolled("6E.FUT", "6EZ6", "6EH7")]
    assert [target.raw for target in symbols.targets[2]] == ["6EH7"]


def test_the_old_contract_feeds_the_symbol_no_more() -> None:
    symbols = mapped(EUR)
    symbols.map(1, "6E.v.0", "6EZ6")
    symbols.map(2, "6E.v.0", "6EH7")
    assert symbols.targets[1] == ()
    assert symbols.target("6E.FUT") is symbols.targets[2][0]


def test_one_instrument_may_feed_two_symbols() -> None:
    symbols = mapped(EUR, Wanted("6E_FIX.FUT", "6EZ6", 125_000.0, 0.0))
    symbols.map(1, "6E.v.0", "6EZ6")
    symbols.map(1, "6EZ6", "6EZ6")
    assert {target.symbol for target in symbols.targets[1]} == {"6E.FUT", "6E_FIX.FUT"}


def test_outrights_of_a_parent_have_their_own_symbols_and_never_roll() -> None:
    symbols = mapped(Wanted("ES.FUT", "ES.FUT", 50.0, 0.25))
    assert symbols.map(1, "ES.FUT", "ESZ6") == []
    assert symbols.map(2, "ES.FUT", "ESH7") == []
    assert symbols.map(3, "ES.FUT", "ESZ6-ESH7") == []
    assert symbols.targets[1][0].symbol == "ES_DEC.FUT", "the catalog's name where it has one"
    assert symbols.targets[2][0].symbol == "ESH7.FUT"
    assert symbols.targets[2][0].contract_size == 50.0
    assert symbols.targets[3] == ()
    assert symbols.symbols == ["ESH7.FUT", "ES_DEC.FUT"]


def test_a_spread_that_was_asked_for_by_name_is_wanted() -> None:
    symbols = mapped(Wanted("ES_CAL.FUT", "ESZ6-ESH7", 50.0, 0.05))
    symbols.map(3, "ESZ6-ESH7", "ESZ6-ESH7")
    assert symbols.targets[3][0].symbol == "ES_CAL.FUT"


def test_forgotten_symbols_take_nothing_and_are_asked_for_no_more() -> None:
    symbols = mapped(EUR)
    symbols.map(1, "6E.v.0", "6EZ6")
    symbols.forget("6E.FUT")
    assert symbols.targets == {1: ()}
    assert symbols.by_stype() == {}
    assert not symbols.has("6E.FUT")


def test_names_by_the_way_they_name() -> None:
    symbols = mapped(EUR, Wanted("A.FUT", "6EZ6", 1.0, 0.0), Wanted("B.FUT", "6B.v.0", 1.0, 0.0))
    assert symbols.by_stype() == {"continuous": ["6B.v.0", "6E.v.0"], "raw_symbol": ["6EZ6"]}


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        ("2026-11-20T10:00", "2026-11-20T16:30"),
        ("2026-11-20T16:30", "2026-11-21T16:30"),
        ("2026-10-31T20:00", "2026-11-01T16:30"),  # the clocks go back in the night: 25 hours in between
        ("2026-03-07T16:31", "2026-03-08T16:30"),  # and forward
    ],
)
def test_the_daily_restart_is_a_time_of_day_in_chicago(now: str, wanted: str) -> None:
    zone = ZoneInfo("America/Chicago")
    now_ns, wanted_ns = (
        int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 10**9 for text in (now, wanted)
    )
    assert next_restart_ns(now_ns, "16:30") == wanted_ns
