"""Every recorded OKX frame through the live path, and what was computed of the recordings independently."""

import collections
import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.intake.book_sync import BookSync
from actors.collector.outcomes import Ack, BookChange, BookImage, Ignored, PastTrade, Refusal, Reject
from actors.collector.recorded.recordings import read_recording
from actors.collector.registry import sniffer
from actors.collector.venue import Contract
from actors.collector.venues import okx_frames as shapes
from protocol.messages import BUY, SELL, Liquidation, Quote, Trade
from tests.support import data
from tests.unit.actors.collector.okx_frames import RECV_NS, VENUE

pytestmark = pytest.mark.recording

CAPTURE = "okx/cryptofeed_OKX_2022_BTC-USDT_UNI-USD-SWAP.jsonl.zst"
SINGLE = ("okx/tardis_frames.jsonl", "okx/crypto_msg_parser_okx_frames.jsonl")
MIXED = ("liquidations/frames_2026.jsonl", "frames_2026/frames.jsonl")
SNIFFER = sniffer("okx")
CHANNELS = {"trades", "trades-all", "books", "books5", "bbo-tbt", "tickers", "liquidation-orders"}


class Names(dict):
    """As `tapehub decode` names what no catalog maps."""

    def __init__(self, market: str) -> None:
        super().__init__()
        self.market = market

    def get(self, raw, _default=None):
        return SNIFFER.derived_symbol(self.market, raw)


class Contracts(dict):
    """One contract of one unit where nothing is known: what comes out is contracts then."""

    def get(self, symbol, default=None):
        return super().get(symbol, default) or Contract(1.0)


class Replay:
    """Readers of all markets, and what they said."""

    def __init__(self, contracts=None) -> None:
        self.contracts = Contracts() if contracts is None else contracts
        self.readers = {
            market: VENUE.parser(market, Names(market), self.contracts).reader() for market in VENUE.markets
        }
        self.outcomes = []
        self.by_stream = collections.Counter()
        self.books = {}

    def take(self, frame: bytes, address: str = "", recv_ns: int = 0) -> list:
        sniffed = SNIFFER.sniff(frame, address)
        self.by_stream[sniffed.stream_type] += 1
        if sniffed.rest == "instruments":
            found = VENUE.parse_instruments(sniffed.market, frame)
            for raw, contract in found.items():
                self.contracts[SNIFFER.derived_symbol(sniffed.market, raw)] = contract
            return []
        outcomes = self.readers[sniffed.market or "spot"].parse(frame, recv_ns)
        for outcome in outcomes:
            if isinstance(outcome, BookChange | BookImage):
                book = self.books.setdefault(outcome.symbol, BookSync("okx", is_streamed=True))
                if isinstance(outcome, BookImage):
                    book.replace(outcome, 1)
                else:
                    book.change(outcome)
        self.outcomes += outcomes
        return list(outcomes)

    def of(self, kind, symbol=None):
        found = [outcome for outcome in self.outcomes if isinstance(outcome, kind)]
        return found if symbol is None else [outcome for outcome in found if outcome.symbol == symbol]


@pytest.fixture(scope="module")
def capture():
    replay = Replay({})
    for recorded in read_recording(data.recording(CAPTURE)):
        replay.take(recorded.data, recorded.address, recorded.ts_recv_ns)
    return replay


def quoted(name):
    """(frame, what its line says) of OKX in a file of quoted frames."""
    for line in data.recording(name).read_text().splitlines():
        row = json.loads(line)
        if row.get("venue", "okx").startswith("okx"):
            frame = row.get("raw") or (json.dumps(row["frame"]) if "frame" in row else line)
            yield frame.encode(), row


def all_frames():
    if data.data_dir() is None:
        return []
    found = [
        recorded.data for recorded in read_recording(data.recording(CAPTURE)) if len(recorded.data) < 20_000
    ]
    return found + [frame for name in (*SINGLE, *MIXED) for frame, _ in quoted(name)]


# the capture of 2022


def test_the_capture_is_counted_by_kind_as_in_the_truth(capture):
    truth = data.truth(CAPTURE)["by_kind"]
    assert capture.by_stream == {
        "instruments": 3, "ack": truth.pop("event subscribe"), **truth,
    }  # fmt: skip
    assert len(capture.of(Quote)) == truth["tickers"]
    assert len(capture.of(Trade)) == truth["trades"]
    assert not capture.of(Reject) + capture.of(Ignored) + capture.of(Refusal) + capture.of(PastTrade)


def test_acks_name_what_was_asked_for(capture):
    asked = {
        f"{channel}:{raw}"
        for channel in ("trades", "books", "tickers")
        for raw in ("UNI-USD-SWAP", "BTC-USDT")
    }
    assert {ack.streams[0] for ack in capture.of(Ack)} == asked


@pytest.mark.parametrize(("raw", "symbol"), [("BTC-USDT", "BTC_USDT"), ("UNI-USD-SWAP", "UNI_USD.PERP")])
def test_trades_of_the_capture_equal_the_truth(capture, raw, symbol):
    truth = data.truth(CAPTURE)["instruments"][raw]["trades"]
    trades = capture.of(Trade, symbol)
    assert len(trades) == truth["n"]
    is_contracts = raw == "UNI-USD-SWAP"
    sizes = [trade.size * trade.price / 10 if is_contracts else trade.size for trade in trades]
    notional = sum(size * trade.price for size, trade in zip(sizes, trades, strict=True))

    def volume(side):
        return sum(size for size, trade in zip(sizes, trades, strict=True) if trade.side == side)

    assert sum(sizes) == pytest.approx(float(truth["volume"]), rel=1e-12)
    assert notional == pytest.approx(float(truth["notional"]), rel=1e-12)
    assert volume(BUY) == pytest.approx(float(truth["taker_buy_volume"]), rel=1e-12)
    assert volume(SELL) == pytest.approx(float(truth["taker_sell_volume"]), rel=1e-12)
    ids = [trade.trade_id for trade in trades]
    assert (ids[0], ids[-1]) == (truth["ids"]["first"], truth["ids"]["last"])
    steps = [after - before for before, after in itertools.pairwise(ids)]
    assert (steps.count(1), len(steps) - steps.count(1)) == (
        truth["ids"]["steps_of_one"],
        truth["ids"]["other_steps"],
    )
    assert trades[0].ts_event_ns == truth["first_ts_ms"] * 1_000_000
    assert trades[-1].ts_event_ns == truth["last_ts_ms"] * 1_000_000
    prices = [trade.price for trade in trades]
    assert (prices[0], prices[-1]) == (float(truth["first_price"]), float(truth["last_price"]))
    assert (min(prices), max(prices)) == (float(truth["low"]), float(truth["high"]))


@pytest.mark.parametrize(("raw", "symbol"), [("BTC-USDT", "BTC_USDT"), ("UNI-USD-SWAP", "UNI_USD.PERP")])
def test_books_of_the_capture_end_as_in_the_truth(capture, raw, symbol):
    truth = data.truth(CAPTURE)["instruments"][raw]
    sync = capture.books[symbol]
    assert sync.is_synced
    assert (sync.times_lost, sync.stale) == (0, 0)
    assert list(sync.book.levels()) == truth["final_book"]["levels"]
    for side, found in zip(("bids", "asks"), sync.book.top(5), strict=True):
        expected = [(float(price), float(size)) for price, size in truth["final_book"][side]]
        assert [price for price, _ in found] == [price for price, _ in expected]
        for (price, size), (_, wanted) in zip(found, expected, strict=True):
            contracts = size * price / 10 if raw == "UNI-USD-SWAP" else size
            assert contracts == pytest.approx(wanted, rel=1e-12)
    changes = len(capture.of(BookChange, symbol))
    assert changes + len(capture.of(BookImage, symbol)) == truth["checksums_equal"]


@pytest.mark.parametrize(("raw", "symbol"), [("BTC-USDT", "BTC_USDT"), ("UNI-USD-SWAP", "UNI_USD.PERP")])
def test_the_last_ticker_equals_the_truth(capture, raw, symbol):
    truth = data.truth(CAPTURE)["instruments"][raw]["last_ticker"]
    quote = capture.of(Quote, symbol)[-1]
    assert (quote.bid, quote.ask) == (float(truth["bidPx"]), float(truth["askPx"]))
    assert quote.ts_event_ns == int(truth["ts"]) * 1_000_000


def test_a_change_taken_out_of_the_capture_is_noticed_by_the_next_checksum():
    replay = Replay({})
    left_out = 0
    for recorded in read_recording(data.recording(CAPTURE)):
        if b'"update"' in recorded.data and b'"BTC-USDT"' in recorded.data:
            left_out += 1
            if left_out == 5:
                continue
        replay.take(recorded.data, recorded.address, recorded.ts_recv_ns)
    sync = replay.books["BTC_USDT"]
    assert (sync.is_synced, sync.times_lost) == (False, 1)
    assert [reject.reason for reject in replay.of(Reject)] == ["book_checksum"]
    assert replay.books["UNI_USD.PERP"].is_synced


# single frames


@pytest.mark.parametrize("name", SINGLE)
def test_every_quoted_frame_is_read_or_says_why_not(name):
    replay = Replay()
    seen = collections.Counter()
    for frame, _ in quoted(name):
        outcomes = replay.take(frame)
        assert outcomes
        (row,) = (json.loads(frame),)
        channel = row.get("arg", {}).get("channel", "")
        if "table" in row:
            assert outcomes == [Reject("retired_api", row["table"])]
            seen["retired"] += 1
        elif "event" in row:
            assert isinstance(outcomes[0], Ack)
            seen["ack"] += 1
        elif channel in CHANNELS:
            assert isinstance(outcomes[0], Trade | Quote | Liquidation)
            seen[channel] += 1
        else:
            assert outcomes == [Ignored(channel or "rest answer")]
            seen["ignored"] += 1
    assert seen == {
        SINGLE[0]: {"retired": 23, "ack": 2, "trades": 1, "trades-all": 1, "tickers": 3, "bbo-tbt": 1,
                    "liquidation-orders": 1, "ignored": 14},
        SINGLE[1]: {"retired": 1, "trades": 3, "books5": 2, "bbo-tbt": 3, "tickers": 3, "ignored": 13},
    }[name]  # fmt: skip


def test_frames_of_2026():
    replay = Replay({"BTC_USDT.PERP": Contract(0.01)})
    kinds = [type(outcome).__name__ for frame, _ in quoted(MIXED[1]) for outcome in replay.take(frame)]
    assert kinds == ["Ack", "Trade", "Trade", "Quote", "Ignored", "Quote"]
    first, second = replay.of(Trade)
    assert (first.trade_id, first.count, first.side) == (2832749635, 1, BUY)
    assert (second.trade_id - second.count, second.side) == (first.trade_id, SELL)
    assert second.size == pytest.approx(0.3495)
    assert replay.of(Quote)[-1].update_id == 333794734980


def test_recorded_liquidations_mean_what_was_noted_of_them():
    replay = Replay()
    count = 0
    for frame, row in quoted(MIXED[0]):
        (found,) = replay.take(frame)
        expected = row["expect"]
        assert found == Liquidation(
            SNIFFER.derived_symbol("swap", expected["symbol"]), "okx", expected["ts_ms"] * 1_000_000, 0,
            float(expected["price"]), float(expected["size"]), SELL if expected["position"] == "long" else BUY,
        )  # fmt: skip
        count += 1
    assert count == 3


# mutations


def mutated(draw, frame: bytes) -> bytes:
    """A frame with bytes changed, cut out, doubled, or a value swapped for an odd one."""
    out = bytearray(frame)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(out) - 1)))
        match draw(st.integers(0, 4)):
            case 0:
                out[at : at + 1] = draw(st.binary(max_size=2))
            case 1:
                del out[at : at + draw(st.integers(1, 40))]
            case 2:
                out[at:at] = out[at : at + draw(st.integers(1, 40))]
            case 3:
                text = bytes(out)
                old = draw(
                    st.sampled_from([b'"0"', b"-1", b":0", b'"sell"', b'"1"', b"[]", b'"ts":"', b"channel"])
                )
                new = draw(
                    st.sampled_from(
                        [b"null", b"1e999", b'"NaN"', b'"-1"', b"{}", b"[[]]", b'""', b"[" * 2000]
                    )
                )
                out = bytearray(text.replace(old, new, 1))
            case _:
                del out[at:]
    return bytes(out)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_frames_never_raise_and_rejects_have_a_known_reason(draw_data):
    frames = CORPUS or pytest.skip(data.MISSING)
    replay = Replay()
    for _ in range(draw_data.draw(st.integers(1, 5))):
        frame = mutated(draw_data.draw, draw_data.draw(st.sampled_from(frames)))
        sniffed = SNIFFER.sniff(frame, "")
        for market in {sniffed.market or "swap", "spot"}:
            for outcome in replay.readers[market].parse(frame, RECV_NS):
                check(outcome)
        parser = VENUE.parser("swap", {}, Contracts())
        for found in (
            VENUE.parse_instruments("swap", frame),
            parser.parse_trades("X", frame, RECV_NS),
            parser.parse_klines("X", frame),
            parser.parse_snapshot("X", frame, RECV_NS),
        ):
            if isinstance(found, Reject):
                assert found.reason in shapes.REASONS


def check(outcome) -> None:
    if isinstance(outcome, Reject):
        assert outcome.reason in shapes.REASONS
    elif isinstance(outcome, Trade | Quote):
        assert outcome.validate() == []
    elif isinstance(outcome, Liquidation):
        assert outcome.price > 0
        assert 0 < outcome.size < float("inf")
    elif isinstance(outcome, BookChange):
        assert outcome.after_id <= outcome.last_id < 2**63


CORPUS = all_frames()
