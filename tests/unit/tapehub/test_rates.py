from protocol.record import FrameWriter
from tapehub.rates import RateMeter
from tests.unit.tapehub.frames import T0_NS, frame_of, trade


def test_rates_are_per_second_and_topic() -> None:
    meter, writer = RateMeter(), FrameWriter("collector.binance.1", 1)
    for _ in range(4):
        frame = frame_of("trade.binance.BTC_USDT", [trade()], writer)
        meter.add(frame)
    meter.add(frame_of("quote.binance.BTC_USDT", [trade()], writer))

    quote, trades = meter.rows(2.0)

    assert quote["topic"] == "quote.binance.BTC_USDT"
    assert trades["per_s"] == 2.0
    assert trades["bytes_per_s"] == 2 * len(frame.data)
    assert trades["last_seq"] == 4
    assert trades["last_ts_ns"] == T0_NS + 3_000_000


def test_a_topic_that_fell_silent_shows_as_zero() -> None:
    meter = RateMeter()
    meter.add(frame_of("trade.binance.BTC_USDT", [trade()]))
    meter.restart()

    assert meter.rows(1.0)[0]["per_s"] == 0
    assert meter.rows(1.0)[0]["last_seq"] == 1
    assert len(meter) == 1
