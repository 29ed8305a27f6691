"""Which instance a symbol belongs to: stable, even, and a change of the number moves only what it must."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.sharding import owner_of, problems_of_shards

NAMES = st.lists(
    st.integers(1, 64).map(lambda number: f"aggregator.{number}"), min_size=1, max_size=9, unique=True
)
SYMBOLS = st.text("ABCDEFGHIJ_.", min_size=1, max_size=12)


def test_the_answer_is_the_same_for_ever():
    """Another one would have every shard of a running system fold other symbols than its journal holds."""
    names = ["aggregator.1", "aggregator.2", "aggregator.3"]
    symbols = ("BTC_USDT", "ETH_USDT", "SOL_USDT", "EUR_USD", "ES.FUT", "BTC_USDT.PERP")
    assert [owner_of(symbol, names)[-1] for symbol in symbols] == ["2", "1", "3", "3", "1", "2"]


@given(NAMES, SYMBOLS, st.randoms())
def test_the_order_of_the_names_does_not_matter(names, symbol, dice):
    mixed = list(names)
    dice.shuffle(mixed)
    assert owner_of(symbol, names) == owner_of(symbol, mixed)


@given(NAMES, SYMBOLS)
def test_an_instance_that_is_added_only_takes(names, symbol):
    before, after = owner_of(symbol, names), owner_of(symbol, [*names, "aggregator.99"])
    assert after in (before, "aggregator.99")


@given(NAMES.filter(lambda names: len(names) > 1), SYMBOLS)
def test_an_instance_that_is_removed_only_gives(names, symbol):
    gone = names[0]
    before, after = owner_of(symbol, names), owner_of(symbol, names[1:])
    assert after != gone
    assert before in (after, gone)


def test_the_symbols_are_spread():
    names = [f"orderflow.{number}" for number in range(1, 5)]
    owners = [owner_of(f"S{number}_USDT", names) for number in range(4000)]
    assert all(900 < owners.count(name) < 1100 for name in names)


def test_what_divides_symbols_is_checked():
    alike = {"journal.1": {}, "aggregator.1": {"lateness_s": 1}, "aggregator.2": {"lateness_s": 1}}
    assert not problems_of_shards(alike)
    assert not problems_of_shards({"aggregator.1": {}, "orderflow.1": {"interval_s": 2}}), (
        "one divides nothing"
    )
    (differs,) = problems_of_shards({**alike, "aggregator.2": {}})
    assert differs.startswith("actors.aggregator.2: its settings differ from those of aggregator.1")
    (no_journal,) = problems_of_shards({"aggregator.1": {}, "aggregator.2": {}})
    assert "add journal.1" in no_journal
    assert problems_of_shards(alike, has_replay=False) == [no_journal]
