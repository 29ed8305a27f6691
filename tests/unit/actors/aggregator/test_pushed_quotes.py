"""Candles of venue `push.<source>` are made of its quotes, whatever the instrument's candles are made of elsewhere."""

from __future__ import annotations

from collections import Counter

import pytest

from actors.aggregator.fold import Fold
from actors.aggregator.rules import rules_of
from actors.aggregator.settings import AggregatorSettings
from protocol.codec import encode_events
from protocol.instruments import Catalog, Instrument
from protocol.messages import Bar, Quote, Watermark
from protocol.record import FrameWriter, RecordKind, parse_frame
from protocol.topics import mark_topic, market_topic

S = 10**9
MINUTE = 1_795_176_000 * S
NAME = "collector.push.1"


def fold_of() -> Fold:
    catalog = Catalog(
        [Instrument(symbol="EUR_USD", bars_from="quote"), Instrument(symbol="BTC_USD", bars_from="trade")]
    )
    return Fold(catalog, rules_of(AggregatorSettings(timeframes=["1m"], indicators=[])), Counter())


@pytest.mark.parametrize("symbol", ["EUR_USD", "BTC_USD"])
def test_pushed_ticks_make_minutes(symbol):
    fold, writer, venue = fold_of(), FrameWriter(NAME, 1), "push.mt5"
    quotes = [
        Quote(symbol, venue, MINUTE + n * S, MINUTE + n * S, 1.0 + n, 1.2 + n, 0.0, 0.0) for n in range(5)
    ]
    topic = market_topic(Quote.KIND, venue, symbol)
    fold.apply(parse_frame(writer.build(topic, Quote.SCHEMA, encode_events(quotes), MINUTE)))
    mark = Watermark(NAME, venue, MINUTE + 70 * S, is_connected=True)
    data = writer.build(
        mark_topic(NAME), Watermark.SCHEMA, encode_events([mark]), MINUTE + 70 * S, RecordKind.TIME
    )
    bars = [
        one
        for _, events in fold.apply(parse_frame(data))
        for one in events
        if isinstance(one, Bar) and one.revision
    ]
    assert [(one.venue, one.source, one.count, one.open, one.close) for one in bars] == [
        (venue, "quote", 5, 1.1, 5.1)
    ]
    assert fold.builder(venue, symbol) is not None


def test_elsewhere_quotes_of_a_symbol_with_trades_make_none():
    fold, writer = fold_of(), FrameWriter("collector.binance.1", 1)
    quote = Quote("BTC_USD", "binance", MINUTE, MINUTE, 1.0, 1.2, 0.0, 0.0)
    frame = writer.build("quote.binance.BTC_USD", Quote.SCHEMA, encode_events([quote]), MINUTE)
    assert fold.apply(parse_frame(frame)) == []
    assert fold.builder("binance", "BTC_USD") is None
