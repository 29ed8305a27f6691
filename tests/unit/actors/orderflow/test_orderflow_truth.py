"""A recording of Binance through the fold, against pyarrow's group-by and the slow way of the definitions."""

import pyarrow as pa
import pytest

from actors.collector.recorded.decode import Decoder
from protocol.instruments import Catalog, Instrument
from protocol.messages import Book, Quote, Trade
from protocol.sessions import NS_PER_S
from tests.support.data import MISSING, data_dir, recording
from tests.unit.actors.orderflow import reference
from tests.unit.actors.orderflow.tape import START, Heard

pytestmark = pytest.mark.recording
SYMBOL = "BTC_USDT.PERP"
CATALOG = Catalog([Instrument(symbol=SYMBOL, venues={"binance": "usdm:BTCUSDT"}, tick_size=0.1)])
MINUTE_NS = 60 * NS_PER_S


class Played:
    """The recording in order of arrival, events of one kind that follow one another in one frame."""

    def __init__(self, path):
        self.messages = list(Decoder("binance", CATALOG).messages(path))
        self.trades = [one for one in self.messages if isinstance(one, Trade)]
        self.quotes = [one for one in self.messages if isinstance(one, Quote)]
        self.heard = Heard(CATALOG, windows_s=[60.0])
        self._newest_ns = self._next_ns = 0
        batch = []
        for message in self.messages:
            if batch and (message.KIND != batch[0].KIND or len(batch) == 50):
                self.send(batch)
                batch = []
            if isinstance(message, (Trade, Quote, Book)):
                batch.append(message)
        self.send(batch)
        self.mark(self._newest_ns + 2 * MINUTE_NS)

    def send(self, events):
        if events:
            self.heard.output += self.heard.fold.apply(self.heard.collector.frame(*events))
            self._newest_ns = max(self._newest_ns, *(one.ts_event_ns for one in events))
            if self._newest_ns > self._next_ns:
                self._next_ns = self._newest_ns + NS_PER_S // 4
                self.mark(self._newest_ns)

    def mark(self, ts_ns):
        self.heard.output += self.heard.fold.apply(self.heard.collector.mark((ts_ns - START) / NS_PER_S))

    def minutes(self):
        """Flows of whole minutes, by their start."""
        return {
            flow.ts_event_ns - MINUTE_NS: flow
            for flow in self.heard.flows(60.0, SYMBOL).values()
            if flow.ts_event_ns % MINUTE_NS == 0
        }


@pytest.fixture(scope="module")
def played():
    if data_dir() is None:
        pytest.skip(MISSING)
    return Played(recording("binance/hft_usdm_btcusdt_20240808.gz"))


def test_a_minutes_volumes_counts_and_vwap_equal_a_group_by(played):
    table = pa.table(
        {
            "minute": [one.ts_event_ns - one.ts_event_ns % MINUTE_NS for one in played.trades],
            "buy": [one.size if one.side > 0 else 0.0 for one in played.trades],
            "sell": [one.size if one.side < 0 else 0.0 for one in played.trades],
            "notional": [one.size * one.price for one in played.trades],
            "count": [1] * len(played.trades),
        }
    )
    names = ("buy", "sell", "notional", "count")
    rows = table.group_by("minute").aggregate([(name, "sum") for name in names]).to_pylist()
    flows = played.minutes()
    assert len(rows) >= 5
    assert {row["minute"] for row in rows} <= set(flows)
    for row in rows:
        values = flows[row["minute"]].values
        buy, sell = row["buy_sum"], row["sell_sum"]
        assert values["buy_volume"] == pytest.approx(buy, rel=1e-12)
        assert values["sell_volume"] == pytest.approx(sell, rel=1e-12)
        assert values["delta"] == pytest.approx(buy - sell, abs=1e-9)
        assert values["vwap"] == pytest.approx(row["notional_sum"] / (buy + sell), rel=1e-12)
        assert values["count"] == row["count_sum"]
        assert values["unknown_volume"] == 0
    assert played.heard.counters["rejected_behind"] == 0


def test_a_minutes_imbalance_is_the_papers(played):
    by_step = reference.contributions(played.quotes)
    for start_ns, flow in played.minutes().items():
        inside = [step for ts_ns, step in by_step if start_ns <= ts_ns < start_ns + MINUTE_NS]
        assert flow.values["ofi"] == pytest.approx(sum(inside), abs=1e-6)
        assert flow.values["quotes"] == len(inside)
    assert len(by_step) > 10_000


def test_footprints_hold_the_trades_of_their_minute_and_the_profile_all_of_them(played):
    closed = {one.ts_open_ns: one for one in played.heard.footprints() if one.revision == 1}
    for start_ns, one in closed.items():
        inside = [t for t in played.trades if start_ns <= t.ts_event_ns < start_ns + MINUTE_NS]
        assert one.count == len(inside)
        assert one.volume == pytest.approx(sum(t.size for t in inside), rel=1e-9)
        if inside:
            assert one.prices[0] <= min(t.price for t in inside) + 1e-9
            assert max(t.price for t in inside) < one.prices[-1] + one.price_step
    profile = played.heard.footprints("session")[-1]
    assert profile.volume == pytest.approx(sum(t.size for t in played.trades), rel=1e-9)
    volumes = [sum(row) for row in zip(profile.buy_volumes, profile.sell_volumes, strict=True)]
    poc, first, last = reference.value_area(volumes)
    edges = profile.prices[poc], profile.prices[first], profile.prices[last] + profile.price_step
    assert (profile.poc, profile.value_area_low, profile.value_area_high) == pytest.approx(edges)


def test_sweeps_are_made_of_trades_of_the_recording(played):
    sweeps = played.heard.sweeps
    assert sweeps
    for one in sweeps[:50]:
        inside = [
            t
            for t in played.trades
            if one.ts_first_ns <= t.ts_event_ns <= one.ts_event_ns and t.side == one.side
        ]
        assert one.levels >= 3
        assert len({t.price for t in inside}) >= one.levels
        assert sum(t.size for t in inside) >= one.size - 1e-9


def test_the_books_imbalance_is_there_where_there_are_books(played):
    books = [one for one in played.messages if isinstance(one, Book)]
    last = list(played.minutes().values())[-3]
    assert ("ofi_1" in last.values) == bool(books)
    if books:
        assert sum(last.values[f"ofi_{level}"] for level in range(1, 6)) == pytest.approx(
            last.values["ofi_levels"]
        )
