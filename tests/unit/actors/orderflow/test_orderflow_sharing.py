"""Flows divided between two actors: a future and the pair it stands for stay together."""

import msgspec

from actors.orderflow.fold import FeedState, FoldState
from actors.orderflow.series_state import SeriesState
from actors.orderflow.sharing import OrderFlowSharing
from protocol.instruments import Catalog, Instrument

CATALOG = Catalog(
    [
        Instrument(symbol="EUR_USD", venues={"ig": "CS.D.EURUSD"}),
        Instrument(symbol="6E.FUT", venues={"databento": "6E.FUT"}, flow_for="EUR_USD"),
    ]
)
SHARING = OrderFlowSharing(CATALOG)


def test_the_flow_of_a_pair_belongs_to_who_hears_its_future():
    assert SHARING.symbol_of("databento", "EUR_USD") == "6E.FUT"
    assert SHARING.symbol_of("databento", "6E.FUT") == "6E.FUT"
    assert SHARING.symbol_of("ig", "EUR_USD") == "EUR_USD"


def test_parts_of_a_state_are_the_state_again():
    keys = ["databento 6E.FUT", "databento EUR_USD", "ig EUR_USD"]
    feeds = {
        "collector.databento.1": FeedState(3, 50, ["trade.databento.6E.FUT"]),
        "collector.ig.1": FeedState(4, 60, ["quote.ig.EUR_USD"]),
    }
    series = {key: SeriesState(event_ns=number) for number, key in enumerate(keys, 1)}
    snapshot = msgspec.msgpack.encode(FoldState("rules", feeds, series))
    parts = [SHARING.part(snapshot, symbol.__eq__) for symbol in ("6E.FUT", "EUR_USD")]
    first, second = (msgspec.msgpack.decode(part, type=FoldState) for part in parts)
    assert (list(first.series), list(second.series)) == (keys[:2], keys[2:])
    assert (first.feeds["collector.ig.1"].topics, second.feeds["collector.ig.1"].topics) == (
        [],
        ["quote.ig.EUR_USD"],
    )
    assert SHARING.join(parts) == snapshot, (
        "to the byte: a quote that is none is no number, and equal to nothing"
    )
