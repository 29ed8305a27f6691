from protocol.messages import Beat, Quote, Trade
from tapehub.latency import LatencyTable, percentile
from tests.unit.tapehub.frames import T0_NS, frame_of, trade


def test_each_hop_has_its_distribution() -> None:
    table = LatencyTable()
    event = trade()
    frame = frame_of("trade.binance.BTC_USDT", [event])
    table.add(frame, event, T0_NS + 7_000_000)

    rows = table.rows()

    assert [(row["hop"], row["p50_ms"]) for row in rows] == [("venue", 2.0), ("collect", 1.0), ("bus", 4.0)]
    assert {row["venue"] for row in rows} == {"binance"}
    assert {row["kind"] for row in rows} == {"trade"}


def test_negative_latency_is_kept() -> None:
    table = LatencyTable()
    ahead = Trade("BTC_USDT", "binance", T0_NS + 5_000_000, T0_NS, 1.0, 1.0, 1, 1)
    table.add(frame_of("trade.binance.BTC_USDT", [ahead]), ahead, T0_NS)

    assert table.rows()[0]["min_ms"] == -5.0


def test_a_message_without_venue_time_says_nothing_of_the_venue() -> None:
    table = LatencyTable()
    quote = Quote("BTC_USDT", "binance", T0_NS, T0_NS, 1.0, 2.0, 1.0, 1.0)
    table.add(frame_of("quote.binance.BTC_USDT", [quote]), quote, T0_NS)

    assert [row["hop"] for row in table.rows()] == ["collect", "bus"]


def test_a_heartbeat_tells_of_the_bus_alone() -> None:
    table = LatencyTable()
    beat = Beat("hub.1", 1, 0, 0, 0, 0, 5, "RUNNING")
    table.add(frame_of("beat.hub.1", [beat]), beat, T0_NS + 3_000_000)

    (row,) = table.rows()
    assert (row["hop"], row["venue"], row["p99_ms"]) == ("bus", "collector.binance.1", 0.0)


def test_percentile_is_a_sample() -> None:
    assert percentile([1], 0.99) == 1
    assert percentile(list(range(100)), 0.99) == 99
    assert percentile(list(range(100)), 0.5) == 50


def test_memory_is_bounded() -> None:
    table = LatencyTable()
    event = trade()
    frame = frame_of("trade.binance.BTC_USDT", [event])
    for _ in range(25_000):
        table.add(frame, event, T0_NS)

    assert table.events == 25_000
    assert {row["count"] for row in table.rows()} == {20_000}
