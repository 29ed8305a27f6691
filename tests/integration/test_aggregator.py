"""The aggregator as a process: frames of a collector in, candles out, killed, restarted, fed with rubbish."""

import gzip
import json
import time
from collections.abc import Iterator

import msgspec
import pytest

from protocol.codec import decode_events
from protocol.messages import BUY, SELL, Bar, Epoch, Gap, Quote, Trade, Watermark
from protocol.record import RecordKind
from protocol.topics import mark_topic
from tests.support.config import write_config
from tests.support.data import truth
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess
from tests.support.wait import until

NS = 1_000_000_000
FEEDER = "collector.binance.1"
SYMBOLS = {
    "BTC_USDT": {"venues": {"binance": "spot:BTCUSDT"}},
    "BTC_USDT.PERP": {"venues": {"binance": "usdm:BTCUSDT"}},
    "EUR_USD": {"venues": {"binance": "spot:EURUSD"}, "session": "fx", "bars_from": "quote"},
}


@pytest.fixture
def peers(run_dir) -> Iterator[Peers]:
    with peers_of(run_dir) as found:
        yield found


@pytest.fixture
def config(run_dir):
    return config_of(run_dir)


def config_of(run_dir, **settings):
    actors = {"aggregator.1": settings, FEEDER: {}, "hub.1": {}}
    return write_config(run_dir, actors, SYMBOLS, heartbeat_s=0.05)


@pytest.fixture
def day_ns() -> int:
    """Start of the current UTC day: the fold cares for event time only, the receive time must not be behind it."""
    return time.time_ns() // (86_400 * NS) * 86_400 * NS


class Feed:
    """A collector that says what the test wants."""

    def __init__(self, peers: Peers, start_ns: int, epoch: int = 1) -> None:
        self.source = peers.source(FEEDER, epoch)
        self.start_ns = start_ns

    def ready(self) -> None:
        self.source.wait_for_subscription("")

    def begin(self, prev_epoch: int, prev_last_seq: int) -> None:
        """The first record of an epoch."""
        first = Epoch(FEEDER, prev_epoch, prev_last_seq, False, "", "", 0, "")
        self.source.send(mark_topic(FEEDER), first, kind=RecordKind.EPOCH)

    def gone(self) -> None:
        """Wait until the listener's subscriptions are gone: only then are those of the next one new."""
        heard = self.source._heard

        def is_gone() -> bool:
            heard.extend(self.source.publisher.subscriptions())
            return b"\x00" in heard

        until(is_gone, 40.0, "the listener to be gone")
        heard.clear()

    def at(self, seconds: float) -> int:
        return self.start_ns + round(seconds * 1000) * 1_000_000

    def trade(self, seconds: float, price: float = 100.0, symbol: str = "BTC_USDT", number: int = 0) -> None:
        ts_ns = self.at(seconds)
        self.source.send(
            f"trade.binance.{symbol}", Trade(symbol, "binance", ts_ns, ts_ns, price, 1.0, BUY, number)
        )

    def mark(self, seconds: float) -> None:
        mark = Watermark(FEEDER, "binance", self.at(seconds), True)
        self.source.send(f"mark.{FEEDER}", mark, kind=RecordKind.TIME)


def seconds_of(bars: list[Bar], start_ns: int) -> list[tuple[float, str]]:
    return [((bar.ts_open_ns - start_ns) / NS, bar.status) for bar in bars]


def test_candles_close_by_watermarks_without_a_tick(config, peers, day_ns):
    ear, feed = peers.ear("aggregator.1", "bar.", "beat."), Feed(peers, day_ns)
    with ActorProcess("aggregator", "aggregator.1", config) as process:
        ear.beat("RUNNING")
        feed.ready()
        feed.trade(0.0, 10.0)
        feed.trade(0.5, 12.0)
        feed.mark(0.75)
        running = ear.until(lambda bar: bar.timeframe == "1s", "bar.")
        assert (running.status, running.revision, running.open, running.close) == ("open", 0, 10.0, 12.0)

        for tick in range(4, 240):
            feed.mark(tick / 4)
        feed.mark(61.0)
        minute = ear.until(lambda bar: bar.timeframe == "1m" and bar.revision, "bar.")
        assert (minute.status, minute.count, minute.coverage) == ("closed", 2, 1.0)
        assert (minute.open, minute.high, minute.low, minute.close) == (10.0, 12.0, 10.0, 12.0)

        answer = peers.ask("aggregator.1", "bars", symbol="BTC_USDT", timeframe="1s", n=100)
        rows = msgspec.msgpack.decode(answer.data)
        assert [row["status"] for row in rows] == ["closed"] + ["quiet"] * 59
        assert process.stop() == 0


def test_a_late_trade_is_published_as_a_revision(config, peers, day_ns):
    ear, feed = peers.ear("aggregator.1", "bar.binance.BTC_USDT.1s", "beat."), Feed(peers, day_ns)
    with ActorProcess("aggregator", "aggregator.1", config):
        ear.beat("RUNNING")
        feed.ready()
        feed.trade(0.0)
        feed.mark(5.0)
        feed.trade(0.7, 200.0)
        bar = ear.until(lambda bar: bar.revision == 2, "bar.")
        beat = ear.until(lambda beat: beat.detail and beat.detail["counters"].get("revisions"), "beat.")

    assert (bar.high, bar.close, bar.count) == (200.0, 200.0, 2)
    assert beat.detail["counters"]["late"] == 1
    assert beat.detail["series"] == 1
    assert f"{FEEDER} binance" in beat.detail["watermark_lag_s"]


def test_gaps_holes_on_the_bus_and_a_new_epoch_are_told_by_the_candles(config, peers, day_ns):
    ear, feed = peers.ear("aggregator.1", "bar.binance.BTC_USDT.1s", "beat."), Feed(peers, day_ns)
    with ActorProcess("aggregator", "aggregator.1", config):
        ear.beat("RUNNING")
        feed.ready()
        feed.trade(0.0)
        gap = Gap(
            "g", "binance", "BTC_USDT", "trade", 0, 0, feed.at(2), feed.at(3), "disconnect", "unfillable"
        )
        feed.source.send("gap.binance.BTC_USDT", gap, kind=RecordKind.UPSTREAM_GAP)
        feed.trade(5.0)
        feed.source.publisher._writer.build("trade.binance.BTC_USDT", Trade.SCHEMA, b"\x90", 0)  # never sent
        feed.trade(7.0)
        feed.mark(10.0)
        ear.until(lambda bar: bar.revision and bar.ts_open_ns == feed.at(8), "bar.")
        feed.source.publisher.socket.close()
        again = Feed(peers, day_ns, epoch=2)
        again.ready()
        again.begin(1, feed.source.publisher.seq)
        again.trade(12.0)
        again.mark(15.0)
        ear.until(lambda bar: bar.revision and bar.ts_open_ns == feed.at(13), "bar.")
        answer = peers.ask("aggregator.1", "bars", symbol="BTC_USDT", timeframe="1s")

    rows = msgspec.msgpack.decode(answer.data)
    gaps = [(row["ts_open_ns"] - day_ns) // NS for row in rows if row["status"] == "gap"]
    assert gaps == [2, 5, 6, 10, 11]


def test_quotes_are_folded_only_where_candles_are_built_from_them(config, peers, day_ns):
    ear, feed = peers.ear("aggregator.1", "bar.", "beat."), Feed(peers, day_ns)
    with ActorProcess("aggregator", "aggregator.1", config):
        ear.beat("RUNNING")
        feed.ready()
        other = Quote("BTC_USDT", "binance", feed.at(0), feed.at(0), 1.0, 1.5, 1.0, 1.0)
        feed.source.send("quote.binance.BTC_USDT", other)
        quote = Quote("EUR_USD", "binance", feed.at(0), feed.at(0), 1.0, 1.5, 1.0, 1.0)
        feed.source.send("quote.binance.EUR_USD", quote)
        feed.mark(2.0)
        bar = ear.until(lambda bar: bar.revision == 1, "bar.")
        beat = ear.until(lambda beat: beat.detail and beat.detail["series"], "beat.")
    assert beat.detail["series"] == 1
    assert beat.detail["bus"]["gaps"] == 0
    assert (bar.source, bar.close) == ("quote", 1.25)


def test_rubbish_and_strangers_are_counted_and_the_next_trade_is_folded(config, peers, day_ns):
    ear, feed = peers.ear("aggregator.1", "bar.", "beat."), Feed(peers, day_ns)
    with ActorProcess("aggregator", "aggregator.1", config) as process:
        ear.beat("RUNNING")
        feed.ready()
        feed.trade(0.0, symbol="DOGE_USDT")
        quote = Quote("BTC_USDT", "binance", 1, 1, 1.0, 1.0, 1.0, 1.0)
        feed.source.send("trade.binance.BTC_USDT", quote)
        feed.source.send("mark.x", quote)
        feed.source.publisher.send_raw(b"trade.\x00rubbish")
        feed.trade(1.0, price=float("nan"))
        feed.trade(2.0)
        feed.mark(9.0)
        ear.until(lambda bar: bar.revision == 1, "bar.binance.BTC_USDT.1s")
        status = msgspec.msgpack.decode(peers.ask("aggregator.1", "status").data)
        assert process.is_alive

    assert status["dropped"] == {"unknown_symbol": 1, "bad_frame": 2}
    assert status["counters"]["rejected_value"] == 1


def test_questions_about_candles_are_answered_or_refused_clearly(config, peers, day_ns):
    ear, feed = peers.ear("aggregator.1", "bar.", "beat."), Feed(peers, day_ns)
    with ActorProcess("aggregator", "aggregator.1", config):
        ear.beat("RUNNING")
        feed.ready()
        feed.trade(0.0)
        feed.mark(0.5)
        ear.until(lambda bar: bar.status == "open", "bar.")
        ask = {"name": "aggregator.1", "op": "bars"}
        good = peers.ask(**ask, symbol="BTC_USDT", timeframe="1d", n=1)
        refused = [
            peers.ask(**ask, symbol="BTC_USD", timeframe="1m"),
            peers.ask(**ask, symbol="BTC_USDT", timeframe="7m"),
            peers.ask(**ask, symbol="BTC_USDT.PERP", timeframe="1m"),
        ]
    assert [row["count"] for row in msgspec.msgpack.decode(good.data)] == [1]
    assert [reply.code for reply in refused] == ["unknown_symbol", "invalid_request", "no_data"]
    assert "BTC_USDT" in refused[0].details["suggestions"]


def test_at_the_end_what_has_arrived_is_folded_without_a_hole(config, peers, day_ns):
    ear, feed = peers.ear("aggregator.1", "bar.binance.BTC_USDT.1s", "beat."), Feed(peers, day_ns)
    with ActorProcess("aggregator", "aggregator.1", config) as process:
        ear.beat("RUNNING")
        feed.ready()
        for number in range(3000):
            feed.trade(number / 10)
        first = ear.until(lambda bar: bar.revision, "bar.")
        assert process.stop() == 0
        closed = [first]
        for frame in ear.frames():
            events = decode_events(frame)
            if frame.topic.startswith("bar."):
                closed += events
            elif events[0].state == "STOPPED":
                break

    assert [bar.ts_open_ns for bar in closed] == [feed.at(number) for number in range(len(closed))]
    assert {(bar.count, bar.status) for bar in closed} == {(10, "closed")}


def test_a_killed_aggregator_comes_back_and_says_what_it_has_not_seen(config, peers, day_ns):
    ear, feed = peers.ear("aggregator.1", "bar.binance.BTC_USDT.1s", "beat."), Feed(peers, day_ns)
    with ActorProcess("aggregator", "aggregator.1", config) as process:
        before = ear.beat("RUNNING")
        feed.ready()
        feed.trade(0.0)
        feed.mark(2.0)
        ear.until(lambda bar: bar.revision, "bar.")
        process.kill()
    feed.gone()
    with ActorProcess("aggregator", "aggregator.1", config):
        after = ear.until(lambda beat: beat.epoch > before.epoch and beat.state == "RUNNING", "beat.")
        feed.ready()
        feed.trade(5.25)
        feed.trade(6.5)
        feed.mark(9.0)
        bars = ear.events("bar.", 3)

    assert after.prev_epoch == before.epoch
    assert seconds_of(bars[:3], day_ns) == [(5.0, "gap"), (6.0, "closed"), (7.0, "quiet")]
    assert bars[0].coverage == 0.75


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"timeframes": ["1m", "7m"]}, "7m"),
        ({"timeframes": ["1m", "1s"]}, "1m does not divide 1s"),
        ({"lateness": 1}, "lateness_s"),
        ({"max_quiet_bars": 0}, "max_quiet_bars"),
        ({"indicators": ["ema(9)", "rsy(14)"]}, "did you mean rsi(period=14)?"),
    ],
)
def test_bad_settings_exit_78_and_say_what_is_wrong(run_dir, settings, words):
    with ActorProcess("aggregator", "aggregator.1", config_of(run_dir, **settings)) as process:
        assert process.wait() == 78
        assert words in process.stderr_text


def test_an_unknown_session_exits_78_and_names_the_symbol(run_dir):
    symbols = {"BTC_USDT": {"session": "lunar"}, "ETH_USDT": {"bars_from": "tea"}}
    config = write_config(run_dir, {"aggregator.1": {}}, symbols)
    with ActorProcess("aggregator", "aggregator.1", config) as process:
        assert process.wait() == 78
        assert "lunar" in process.stderr_text
        assert "tea" in process.stderr_text


@pytest.mark.recording
def test_a_recording_gives_the_minutes_of_the_truth(config, peers, recording):
    name = "binance/hft_usdm_btcusdt_20240808.gz"
    (expected,) = (symbol["trades"]["bars_1m"] for symbol in truth(name)["symbols"].values())
    ear, feed = peers.ear("aggregator.1", "bar.binance.BTC_USDT.PERP.1m", "beat."), Feed(peers, 0)
    with ActorProcess("aggregator", "aggregator.1", config) as process:
        ear.beat("RUNNING")
        feed.ready()
        newest_ns = 0
        with gzip.open(recording(name), "rt") as lines:
            for line in lines:
                recv_ns, _, text = line.partition(" ")
                if '"e":"trade"' not in text:
                    continue
                data = json.loads(text)["data"]
                side, newest_ns = SELL if data["m"] else BUY, data["T"] * 1_000_000
                price, size = float(data["p"]), float(data["q"])
                trade = Trade(
                    "BTC_USDT.PERP", "binance", newest_ns, int(recv_ns), price, size, side, data["t"]
                )
                feed.source.send("trade.binance.BTC_USDT.PERP", trade)
        feed.mark((newest_ns + 70 * NS) / NS)
        end_ns = expected[-1][0] * 1_000_000
        found = {}
        for frame_bar in iter(lambda: ear.until(lambda bar: bar.revision, "bar."), None):
            found[frame_bar.ts_open_ns // 1_000_000] = frame_bar
            if frame_bar.ts_open_ns == end_ns:
                break
        assert process.stop() == 0

    rows = [[key, bar.open, bar.high, bar.low, bar.close, bar.count] for key, bar in sorted(found.items())]
    assert rows == [[row[0], *(float(price) for price in row[1:5]), row[6]] for row in expected]
    assert [bar.volume for _, bar in sorted(found.items())] == pytest.approx(
        [float(row[5]) for row in expected]
    )
    assert [bar.status for _, bar in sorted(found.items())] == ["gap"] + ["closed"] * 5
