"""Trades that REST brings: only what is missing counts, once, whoever is first."""

import json
from collections import Counter

from actors.collector.gaps import Gaps
from actors.collector.intake.normaliser import Normaliser, Rules
from actors.collector.outbox import Outbox
from actors.collector.outcomes import Reject
from actors.collector.venue import Wanted
from actors.collector.venues.binance import Binance
from protocol.messages import BUY, SELL, Trade
from protocol.record import FLAG_REPAIRED, RecordKind
from tests.unit.actors.collector.frames import NAMES, RECV_NS, T_MS, trade

LATER_NS = RECV_NS + 5_000_000_000


def rows(*ids: int) -> bytes:
    return json.dumps(
        [{"id": number, "price": "7", "qty": "2", "time": T_MS, "isBuyerMaker": True} for number in ids]
    ).encode()


def normaliser(refusal: str = "") -> tuple[Normaliser, list]:
    out: list = []
    gaps = Gaps("binance", "c-1")
    found = Normaliser(
        "binance", Binance().parser("spot", NAMES, {}), gaps, out.append, lambda *_: None, Rules(10**10)
    )
    found.trades.claim = lambda _gap: refusal
    found.watch("BTC_USDT", book=False)
    for number in (1, 6):
        found.take(trade(number), RECV_NS)
    return found, out


def test_a_hole_is_announced_as_filling_and_ends_filled():
    path, out = normaliser()
    (gap,) = out[1:-1]
    assert (gap.state, gap.reason, gap.from_id, gap.to_id) == ("filling", "", 2, 5)
    first = path.take_trades("BTC_USDT", rows(2, 3), LATER_NS)
    assert [found.trade_id for found in first.trades] == [2, 3]
    assert (first.gaps, first.last_id, path.gaps.missing) == ([], 3, 2)
    rest = path.take_trades("BTC_USDT", rows(3, 4, 5, 6), LATER_NS)
    assert [found.trade_id for found in rest.trades] == [4, 5], "3 has come before, 6 was never missing"
    (filled,) = rest.gaps
    assert (filled.gap_id, filled.state, filled.filled_by, filled.count) == (gap.gap_id, "filled", "rest", 4)
    assert (path.gaps.missing, path.gaps.is_filling(gap.gap_id)) == (0, False)


def test_live_trades_may_be_first():
    path, out = normaliser()
    path.take(trade(3), RECV_NS)
    found = path.take_trades("BTC_USDT", rows(2, 3, 4, 5), LATER_NS)
    assert [late.trade_id for late in found.trades] == [2, 4, 5]
    assert found.gaps[0].count == 4
    before = len(out)
    path.take(trade(4), RECV_NS)
    assert len(out) == before, "a live trade that REST brought before is a duplicate"


def test_a_refused_hole_says_why_and_what_cannot_be_had_too():
    path, out = normaliser("too large")
    assert (out[1].state, out[1].reason) == ("unfillable", "too large")
    path, out = normaliser()
    path.take_trades("BTC_USDT", rows(2, 5), LATER_NS)
    gap = path.gaps.abandon(out[1].gap_id, "not there")
    assert (gap.state, gap.reason, gap.count, path.gaps.missing) == ("unfillable", "not there", 2, 2)
    assert path.gaps.abandon(gap.gap_id, "again") is None


def test_a_fetched_trade_moves_neither_clock_nor_chain():
    path, _ = normaliser()
    newest_ns, seen = path.times.newest_ns, path.tapes["BTC_USDT"].trades_seen
    found = path.take_trades("BTC_USDT", rows(900), LATER_NS)
    assert (found.trades, found.last_id) == ([], 900)
    tape = path.tapes["BTC_USDT"]
    assert (path.times.newest_ns, tape.trades_seen, tape.trades.expected) == (newest_ns, seen, 7)


def test_both_shapes_of_the_venue_are_read():
    parser = Binance().parser("spot", NAMES, {})
    assert parser.parse_trades("BTC_USDT", rows(5), 9) == [
        Trade("BTC_USDT", "binance", T_MS * 1_000_000, 9, 7.0, 2.0, SELL, 5)
    ]
    row = {"a": 5, "p": "7", "q": "2", "f": 10, "l": 12, "T": T_MS, "m": False, "M": True}
    assert parser.parse_trades("BTC_USDT", json.dumps([row]).encode(), 9) == [
        Trade("BTC_USDT", "binance", T_MS * 1_000_000, 9, 7.0, 2.0, BUY, 5, 3)
    ]
    assert parser.parse_trades("BTC_USDT", b"[]", 9) == []
    for bad in (b"", b"{}", b"[1]", b"\xff", b'[{"a":1}]', rows(5).replace(b'"7"', b'"NaN"')):
        assert isinstance(parser.parse_trades("BTC_USDT", bad, 9), Reject)


def test_what_can_be_fetched_where():
    venue = Binance()
    assert venue.repair_path("spot", "trade", "BTCUSDT", Wanted(7, 9, 0, 0)) == (
        "/api/v3/historicalTrades?symbol=BTCUSDT&fromId=7&limit=9"
    )
    assert venue.repair_path("usdm", "aggTrade", "BTCUSDT", Wanted(7, 9, 0, 0)).startswith(
        "/fapi/v1/aggTrades?"
    )
    assert (venue.repair_weight("spot", "aggTrade"), venue.repair_weight("usdm", "aggTrade")) == (4, 20)
    assert "key" in venue.repair_refusal("usdm", "trade")
    assert venue.repair_path("coinm", "aggTrade", "BTCUSD_PERP", Wanted(7, 9, 0, 0)).startswith(
        "/dapi/v1/aggTrades?"
    )
    assert venue.repair_weight("coinm", "aggTrade") == 20
    assert venue.repair_refusal("coinm", "trade")


def test_fetched_trades_have_a_frame_of_their_own():
    sent: list = []
    counters: Counter[str] = Counter()
    path, _ = normaliser()
    outbox = Outbox(lambda *frame: sent.append(frame), counters)
    live = path.take_trades("BTC_USDT", rows(2), LATER_NS).trades
    outbox.add(live[0])
    outbox.add_repaired(live)
    outbox.add_repaired([])
    topic = "trade.binance.BTC_USDT"
    assert sent == [(topic, live, RecordKind.DATA), (topic, live, RecordKind.DATA, FLAG_REPAIRED)]
    assert (counters["trades_received"], counters["trades_repaired"]) == (1, 1)
