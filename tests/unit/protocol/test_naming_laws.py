"""Whatever the catalog: a name finds its own instrument, or the error names it; nothing is guessed past another meaning."""

from __future__ import annotations

import contextlib

from hypothesis import assume, given
from hypothesis import strategies as st

from protocol.brokers import Broker
from protocol.errors import HubError, InvalidRequest, UnknownSymbol
from protocol.instruments import Catalog, Instrument
from protocol.naming import Names, folded

SYMBOLS = ["A_B", "AB", "ABM", "A_BM", "A_B.PERP", "AB.M", "MA_B", "B_A"]
NAME = st.text("aAbBmM._-/:", min_size=1, max_size=5) | st.sampled_from(
    [*SYMBOLS, "ABm", "A_Bm", "ab", "AB.m", "a-b"]
)
AFFIXES = st.lists(st.sampled_from(["m", "M", ".m", ".", "_", "b", "a"]), max_size=3, unique=True)
VENUES = ["v", "w"]
PROVIDERS = ["p", "q"]
BROKERS = ["any", "acme", "v"]
"""One is called like a venue."""


@st.composite
def names_of_anything(draw: st.DrawFn) -> Names:
    symbols = draw(st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=5, unique=True))
    one_of_them = st.sampled_from(symbols)
    rows: dict[str, dict] = {symbol: {"venues": {}, "providers": {}, "aliases": []} for symbol in symbols}
    for alias in draw(st.lists(NAME, max_size=4, unique_by=str.upper)):
        rows[draw(one_of_them)]["aliases"].append(alias)
    raws = st.tuples(
        st.sampled_from(VENUES), st.sampled_from(["spot", "perp"]), NAME.filter(lambda raw: ":" not in raw)
    )
    for venue, market, raw in draw(st.lists(raws, max_size=4, unique=True)):
        rows[draw(one_of_them)]["venues"][venue] = f"{market}:{raw}"
    provided = st.tuples(st.sampled_from(PROVIDERS), NAME)
    for provider, raw in draw(st.lists(provided, max_size=3, unique=True)):
        rows[draw(one_of_them)]["providers"][provider] = raw
    catalog = Catalog(Instrument(symbol=symbol, **row) for symbol, row in rows.items())
    entry = st.builds(
        Broker, prefixes=AFFIXES, suffixes=AFFIXES, names=st.dictionaries(NAME, one_of_them, max_size=2)
    )
    return Names(catalog, draw(st.dictionaries(st.sampled_from(BROKERS), entry)))


def meant(names: Names, name: str, owner: str = "") -> set[str]:
    """Symbols that a name may mean."""
    try:
        return {names.resolve(name, owner).symbol}
    except InvalidRequest as error:
        found = set(error.details["candidates"])
        assert len(found) > 1
        return found
    except UnknownSymbol:
        return set()


def spellings(names: Names) -> list[tuple[str, str, str]]:
    """(symbol, owner, name) of everything the catalog says."""
    return [
        (symbol, owner, one.name)
        for symbol in names.catalog.symbols
        for owner in names.owners
        for one in names.spellings(symbol, owner)
    ]


def ours(names: Names) -> list[tuple[str, str]]:
    """(symbol, name) of all canonical names and aliases."""
    return [
        (symbol, name)
        for symbol in names.catalog.symbols
        for name in (symbol, *names.catalog.get(symbol).aliases)
    ]


@given(names_of_anything())
def test_every_spelling_leads_back_to_its_instrument(names: Names) -> None:
    for symbol, owner, name in spellings(names):
        assert symbol in meant(names, name, owner), (symbol, owner, name)
        raw = name.rpartition(":")[2] if owner in VENUES else name
        assert symbol in meant(names, raw, owner) or owner in names.brokers, (symbol, owner, raw)


@given(names_of_anything())
def test_a_name_of_one_venue_or_provider_is_never_that_of_another_instrument(names: Names) -> None:
    for symbol, owner, name in spellings(names):
        if owner not in names.brokers:
            assert meant(names, name, owner) == {symbol}


@given(names_of_anything())
def test_names_of_ours_mean_what_every_actor_takes_them_for(names: Names) -> None:
    for _, name in ours(names):
        reading = names.resolve(name)
        assert reading.how == "exact"
        assert reading.symbol == names.catalog.get(name).symbol


@given(names_of_anything())
def test_the_table_of_a_broker_beats_everything(names: Names) -> None:
    for broker, entry in names.brokers.items():
        for name, symbol in entry.names.items():
            assert symbol in meant(names, name, broker)
            if broker not in VENUES:
                assert names.resolve(name, broker).symbol == symbol


@given(names_of_anything(), NAME, st.sampled_from(["", "any", "acme"]))
def test_a_guess_has_no_other_meaning(names: Names, name: str, owner: str) -> None:
    """By brute force over all names of ours and all affixes that apply."""
    assume(not owner or owner in names.brokers)
    with contextlib.suppress(HubError):
        reading = names.resolve(name, owner)
        if reading.how == "exact" or (":" in name and name.partition(":")[0] in names.owners):
            return
        brokers = [one for one in names.brokers if not owner or one in (owner, "any")]
        for symbol, own in ours(names):
            if folded(own) == folded(name):
                assert symbol == reading.symbol
            for broker in brokers:
                entry = names.brokers[broker]
                pairs = [(p, s) for p in ("", *entry.prefixes) for s in ("", *entry.suffixes)]
                if name in [p + own + s for p, s in pairs] and own not in tables(names):
                    assert reading.symbol == (own if own in names.catalog else symbol)


def tables(names: Names) -> set[str]:
    """Names in the tables of brokers: these come before ours."""
    return {name for entry in names.brokers.values() for name in entry.names}


@given(names_of_anything(), st.sampled_from(["m", ".m", "."]))
def test_no_suffix_is_taken_off_a_name_that_exists(names: Names, suffix: str) -> None:
    """The same catalog with one instrument more, called like another one with a suffix."""
    instruments = [
        Instrument(symbol=symbol, aliases=names.catalog.get(symbol).aliases)
        for symbol in names.catalog.symbols
    ]
    stem = instruments[0].symbol
    taken = {name.upper() for _, name in ours(names)}
    assume((stem + suffix).upper() not in taken)
    brokers = {"any": Broker(suffixes=[suffix])}
    before = Names(Catalog(instruments), brokers)
    after = Names(Catalog([*instruments, Instrument(symbol="NEW", aliases=[stem + suffix])]), brokers)
    assert stem in meant(before, stem + suffix)
    assert meant(after, stem + suffix) == {"NEW"}
    assert meant(after, stem + suffix, "any") == {"NEW"}


@given(names_of_anything(), st.text(max_size=12), st.text(max_size=8))
def test_nothing_but_its_own_errors(names: Names, name: str, owner: str) -> None:
    with contextlib.suppress(InvalidRequest, UnknownSymbol):
        names.resolve(name)
    with contextlib.suppress(InvalidRequest, UnknownSymbol):
        names.resolve(name, owner)
