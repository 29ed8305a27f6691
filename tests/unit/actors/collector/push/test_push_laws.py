"""Laws of the receiver: however items are split, repeated and interrupted by kills, what is published is the same set."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.push.settings import PushSettings
from protocol.pushing import CODES
from tests.support.push_rig import NOW, Rig, bar, counts, prices, tick

SYMBOLS = ("EURUSD", "GBPUSD.r", "XAUUSDm")
LAWS = settings(max_examples=25, deadline=None)

items = st.builds(
    lambda number, symbol, item_id: tick(number, symbol, ts_event_ns=NOW + number * 1_000_000, **item_id),
    st.integers(0, 60),
    st.sampled_from(SYMBOLS),
    st.one_of(st.just({}), st.integers(1, 40).map(lambda number: {"id": number})),
)
requests = st.lists(st.lists(items, max_size=12), min_size=1, max_size=8)


def identities(batches):
    """What must be published: each id once, and each time and price once where there is no id."""
    found = set()
    for item in (item for batch in batches for item in batch):
        symbol = {"EURUSD": "EUR_USD", "GBPUSD.r": "GBP_USD", "XAUUSDm": "XAU_USD"}[item["symbol"]]
        found.add((symbol, item.get("id", 0) or (item["ts_event_ns"], item["bid"], item["ask"])))
    return found


def published(rig):
    """The same of what went out; and no one twice."""
    rows = [(one.symbol, one.update_id or (one.ts_event_ns, one.bid, one.ask)) for one in rig.published]
    assert len(rows) == len(set(rows)), "published twice"
    return set(rows)


@LAWS
@given(requests, st.data())
def test_any_split_and_any_repeats_give_the_same_set(batches, data):
    rig = Rig()
    accepted = repeated = 0
    for _ in range(2):
        for batch in data.draw(st.permutations(batches)):
            result = rig.push(batch).result
            accepted, repeated = accepted + result.accepted, repeated + result.duplicates
            assert result.count == len(batch)
    assert published(rig) == identities(batches)
    assert accepted == len(rig.published)
    assert accepted + repeated == 2 * sum(map(len, batches))


@LAWS
@given(requests, st.data())
def test_a_kill_anywhere_loses_nothing_that_was_acknowledged_and_doubles_nothing(batches, data):
    rig = Rig()
    acknowledged = []
    for batch in batches:
        taken = rig.take(batch)
        frames = data.draw(st.integers(0, len(taken.outgoing)), "frames in the journal before the kill")
        rig.keep(taken, frames)
        if data.draw(st.booleans(), "killed"):
            rig.kill()
            rig.keep(rig.take(batch))  # not answered: sent again
        else:
            rig.keep(taken._replace(outgoing=taken.outgoing[frames:]))
        acknowledged.append(batch)
        assert published(rig) == identities(acknowledged)
        if data.draw(st.booleans(), "remembered"):
            rig.remember()
    rig.kill()
    for batch in batches:
        assert counts(rig.push(batch)) == (0, len(batch), 0)


@LAWS
@given(
    st.lists(st.tuples(st.integers(-30, -1), st.sampled_from([1.3, 1.4])), max_size=30), st.integers(1, 30)
)
def test_bars_repeated_and_killed_have_revisions_that_only_grow(rows, cut):
    rig = Rig()
    for index, (minute, close) in enumerate(rows):
        rig.push(bar(minute, close=close, gmt_offset=0))
        if index % cut == 0:
            rig.kill()
    newest: dict[int, tuple[int, float]] = {}
    for one in rig.published:
        revision, close = newest.get(one.ts_open_ns, (0, 0.0))
        assert one.revision == revision + 1
        assert one.close != close, "a repetition went out"
        newest[one.ts_open_ns] = one.revision, one.close


@LAWS
@given(st.lists(st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["symbol", "bid", "ask", "time", "id", "open", "high", "low", "close", "timeframe", "gmt_offset",
                         "volume", "bid_size", "source", "ticks", "ts_event_ns"]), inner, max_size=8),
    max_leaves=20,
), max_size=6))  # fmt: skip
def test_no_item_of_a_stranger_is_our_bug(strange):
    rig = Rig(PushSettings(max_told=1000))
    result = rig.push([*strange, tick(0)]).result
    assert result.count == len(strange) + 1
    assert all(item.code in CODES for item in result.items)


def test_the_memory_stays_bounded():
    rig = Rig(PushSettings(remembered=50))
    for number in range(400):
        rig.push(tick(number))
    rig.remember()
    assert len(rig.memory) < 50 * 24 + 200
    rig.kill()
    assert prices(rig.published)[-1][1] == NOW + 399 * 1_000_000
    assert counts(rig.push([tick(number) for number in range(380, 400)])) == (0, 20, 0)
