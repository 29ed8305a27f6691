"""Frames with holes, wrong types and strange bytes: never an exception, never a name that a peer made up."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.outcomes import BookChange, BookImage, Ignored, PastTrade, Reject
from actors.collector.recorded.recordings import read_recording
from actors.collector.venues.coinbase import Coinbase
from protocol.codec import encode_events
from protocol.messages import Quote, Trade
from tests.support import data
from tests.unit.actors.collector import test_coinbase_advanced as advanced
from tests.unit.actors.collector import test_coinbase_exchange as exchange

RECV_NS = exchange.RECV_NS
REASONS = {
    "exchange": {
        "malformed_json", "invalid_frame", "unmapped_symbol", "invalid_match", "invalid_last_match", "invalid_ticker",
        "invalid_snapshot", "invalid_l2update", "invalid_heartbeat", "invalid_subscriptions", "invalid_error",
    },
    "advanced": {
        "malformed_json", "invalid_frame", "unmapped_symbol", "invalid_market_trades", "invalid_ticker",
        "invalid_l2_data", "invalid_heartbeats", "invalid_subscriptions", "side_looks_inverted",
    },
}  # fmt: skip


def numbered(channel: str, *events: dict[str, Any]) -> bytes:
    frame = {"channel": channel, "timestamp": advanced.SENT, "sequence_num": 0, "events": events}
    return json.dumps(frame).encode()


SEEDS = {
    "exchange": [
        exchange.match(),
        exchange.match("last_match"),
        exchange.ticker(best_bid_size="1"),
        exchange.image(),
        exchange.change(),
        exchange.said("heartbeat", last_trade_id=5),
        exchange.error("a", "BTC-USD"),
        b'{"type":"subscriptions","channels":[{"name":"matches","product_ids":["BTC-USD"]}]}',
    ],
    "advanced": [
        numbered("market_trades", advanced.prints(advanced.row())),
        numbered("market_trades", advanced.prints(advanced.row(), kind="snapshot")),
        numbered("ticker", advanced.best()),
        numbered("l2_data", advanced.image()),
        numbered("l2_data", advanced.CHANGE),
        numbered("heartbeats", {}),
        numbered("subscriptions", {"subscriptions": {"ticker": ["BTC-USD"]}}),
        b'{"type":"error","message":"BTC-USD"}',
    ],
}
STRANGE = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        2**63,
        2**70,
        1e308,
        -0.5,
        "",
        "NaN",
        "1e999",
        "-1",
        "x",
        [],
        {},
        [[]],
        "9999-12-31T23:59:59Z",
    ]
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, part in inner for found in paths(part, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


def check(market: str, frame: bytes) -> None:
    parser = Coinbase().parser(market, exchange.NAMES, {})
    for outcome in parser.reader().parse(frame, RECV_NS):
        match outcome:
            case Reject():
                assert outcome.reason in REASONS[market]
            case Ignored():
                assert len(outcome.type) <= 32
            case Trade() | Quote():
                assert not outcome.validate()
                encode_events([outcome])
            case PastTrade():
                assert not outcome.trade.validate()
            case BookImage() | BookChange():
                assert all(price > 0 and size >= 0 for price, size in (*outcome.bids, *outcome.asks))
                assert 0 < outcome.ts_event_ns < 2**63


@pytest.mark.parametrize("market", ["exchange", "advanced"])
@given(choice=st.data())
@settings(max_examples=400)
def test_wrong_values_in_any_place(market, choice):
    seed = json.loads(choice.draw(st.sampled_from(SEEDS[market])))
    path = choice.draw(st.sampled_from(paths(seed)))
    check(market, json.dumps(replaced(seed, path, choice.draw(STRANGE))).encode())


@pytest.mark.parametrize("market", ["exchange", "advanced"])
@given(choice=st.data())
@settings(max_examples=400)
def test_strange_bytes_in_any_place(market, choice):
    frame = bytearray(choice.draw(st.sampled_from(SEEDS[market])))
    for _ in range(choice.draw(st.integers(1, 4))):
        at = choice.draw(st.integers(0, len(frame) - 1))
        end = at + choice.draw(st.integers(0, 5))
        frame[at:end] = choice.draw(st.binary(max_size=3))
        if not frame:
            break
    check(market, bytes(frame))


@pytest.mark.recording
@pytest.mark.parametrize(
    ("market", "name"),
    [
        ("exchange", "coinbase/cryptofeed_COINBASE_exchange_2021.jsonl.zst"),
        ("advanced", "coinbase/cryptofeed_COINBASE_advanced_2026_first55pct.jsonl.zst"),
    ],
)
def test_recorded_frames_mutated(market, name):
    dice = random.Random(5)
    recorded = [
        one for one in read_recording(data.recording(name)) if not one.is_rest and len(one.data) < 4_000
    ]
    for _ in range(6_000):
        frame = bytearray(dice.choice(recorded).data)
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(frame))
            match dice.randrange(3):
                case 0:
                    frame[at] = dice.randrange(256)
                case 1:
                    del frame[at : at + dice.randint(1, 8)]
                case _:
                    frame[at:at] = dice.choice([b'"', b"[", b"}", b"null", b"-", b"9" * 30, b"e9"])
            frame = frame or bytearray(b" ")
        check(market, bytes(frame))
