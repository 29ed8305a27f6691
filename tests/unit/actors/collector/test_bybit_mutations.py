"""Frames that were damaged on the way: never an exception, never a message that cannot be, always a known reason."""

import json
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.outcomes import Ack, BookChange, BookImage, Ignored, Pong, Refusal, Reject
from actors.collector.venues.bybit import Bybit
from actors.collector.venues.bybit_sniffing import BybitSniffer
from protocol.messages import Liquidation, Quote, Trade

TS = 1_795_168_800_126
LEVELS = {"b": [["99.5", "3"], ["99", "1"]], "a": [["100", "2"]]}
REASONS = {
    "malformed_json", "invalid_frame", "invalid_publicTrade", "invalid_orderbook", "invalid_tickers",
    "invalid_allLiquidation", "unmapped_symbol", "block_trade", "invalid_trades", "invalid_klines", "rest_refused",
}  # fmt: skip


def _frames():
    def data(topic, body, kind="snapshot", **more):
        return {"topic": topic, "type": kind, "ts": TS, "data": body, **more}

    row = {"T": TS, "s": "BTCUSDT", "S": "Buy", "v": "0.5", "p": "100"}
    for raw in ("BTCUSDT", "BTCUSD"):
        trade = {**row, "s": raw, "i": "20f4-1", "BT": False, "RPI": True, "seq": 1}
        yield data(f"publicTrade.{raw}", [trade, {**trade, "BT": True}])
        for depth in (1, 50):
            topic = f"orderbook.{depth}.{raw}"
            yield data(topic, {"s": raw, **LEVELS, "u": 7, "seq": 9}, cts=TS)
            yield data(topic, {"s": raw, **LEVELS, "u": 8, "seq": 10}, "delta", cts=TS)
        yield data(f"tickers.{raw}", {"symbol": raw, "bid1Price": "99", "bid1Size": "1", "ask1Price": "100", "ask1Size": ""}, cs=1)  # fmt: skip
        yield data(f"allLiquidation.{raw}", [{**row, "s": raw}])
    yield {
        "success": False,
        "ret_msg": "error:handler not found,topic:tickers.X",
        "req_id": "1",
        "op": "subscribe",
    }
    yield {"success": True, "ret_msg": "pong", "req_id": "ping", "op": "ping"}


FRAMES = [json.dumps(frame).encode() for frame in _frames()]
RECENT = json.dumps({"retCode": 0, "retMsg": "OK", "result": {"list": [
    {"execId": "1", "symbol": "BTCUSDT", "price": "1", "size": "1", "side": "Buy", "time": str(TS)}]}}).encode()  # fmt: skip
KLINES = json.dumps({"retCode": 0, "retMsg": "OK", "result": {"symbol": "BTCUSDT", "list": [
    ["1795168800000", "1", "2", "1", "2", "3", "4"]]}}).encode()  # fmt: skip
FRAGMENTS = [
    b"null",
    b"-1",
    b'""',
    b"[]",
    b"{}",
    b"1e999",
    b'"nan"',
    b'"x"',
    b"true",
    b"99999999999999999999",
    b",",
    b'"',
]
NAMES = {"BTCUSDT": "BTC_USDT.PERP", "BTCUSD": "BTC_USD.PERP"}


@st.composite
def damaged(draw, originals):
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(["cut", "byte", "insert", "replace", "drop"])):
            case "cut":
                del data[at:]
            case "byte" if data:
                data[at] = draw(st.integers(0, 255))
            case "insert":
                data[at:at] = draw(st.sampled_from(FRAGMENTS))
            case "replace":
                until = bytes(data).find(b",", at)
                colon = bytes(data).rfind(b":", 0, max(at, 1))
                data[colon + 1 : until if until > colon else len(data)] = draw(st.sampled_from(FRAGMENTS))
            case _:
                del data[at : at + draw(st.integers(1, 30))]
    return bytes(data)


def is_sound(one):
    match one:
        case Trade():
            return (
                0 < one.price < math.inf and 0 < one.size < math.inf and one.ts_event_ns > 0 and one.trade_id
            )
        case Liquidation():
            return 0 < one.price < math.inf and 0 < one.size < math.inf and one.side in (1, -1)
        case Quote():
            return (
                0 < one.bid < math.inf and 0 < one.ask < math.inf and one.bid_size >= 0 and one.ask_size >= 0
            )
        case BookImage() | BookChange():
            return one.last_id > 0 and all(p > 0 and 0 <= size < math.inf for p, size in one.bids + one.asks)
        case Reject():
            return one.reason in REASONS
        case Ignored():
            return len(one.type) <= 64
        case Refusal():
            return 0 <= one.request_id < 2**63
    return isinstance(one, Ack | Pong)


@given(st.sampled_from(Bybit.markets), st.lists(damaged(FRAMES), min_size=1, max_size=6))
@settings(max_examples=500, deadline=None)
def test_damaged_frames_never_raise_and_never_give_nonsense(market, frames):
    reader = Bybit().parser(market, NAMES, {}).reader()
    for frame in frames:
        assert all(is_sound(one) for one in reader.parse(frame, 1))
        BybitSniffer().sniff(frame, "")


@given(st.sampled_from(Bybit.markets), damaged([RECENT]), damaged([KLINES]))
@settings(max_examples=300, deadline=None)
def test_damaged_rest_answers_never_raise(market, recent, klines):
    parser = Bybit().parser(market, NAMES, {})
    trades, bars = (
        parser.parse_trades("BTC_USDT.PERP", recent, 1),
        parser.parse_klines("BTC_USDT.PERP", klines),
    )
    assert is_sound(trades) if isinstance(trades, Reject) else all(is_sound(trade) for trade in trades)
    assert is_sound(bars) if isinstance(bars, Reject) else not any(bar.validate() for bar in bars)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read(frame):
    assert all(is_sound(one) for one in Bybit().parser("linear", NAMES, {}).reader().parse(frame, 1))
