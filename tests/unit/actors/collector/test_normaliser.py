"""Frames in, messages out, a gap before the message that revealed it."""

from collections import Counter

import pytest

from actors.collector.gaps import NO_REPAIR, Gaps
from actors.collector.intake.normaliser import Normaliser, Rules
from actors.collector.outcomes import Ack, Shutdown
from actors.collector.venues.binance import Binance
from protocol.messages import Book, Gap, Quote, Trade
from tests.unit.actors.collector.frames import NAMES, RECV_NS, T_MS, depth, frame, snapshot, ticker, trade

EVENT_NS = T_MS * 1_000_000


class Path:
    """The live path of one market with its output in lists."""

    def __init__(self, market: str = "spot", *symbols: str) -> None:
        self.out: list = []
        self.dropped: Counter[str] = Counter()
        parser = Binance().parser(market, NAMES, {})
        gaps = Gaps("binance", "c-1")
        self.normaliser = Normaliser(
            "binance", parser, gaps, self.out.append, self._drop, Rules(5_000_000_000)
        )
        for symbol in symbols or ("BTC_USDT",):
            self.normaliser.watch(symbol, book=True)

    def _drop(self, reason: str, _what: object) -> None:
        self.dropped[reason] += 1

    def take(self, *frames: bytes):
        for data in frames:
            self.normaliser.take(data, RECV_NS)
        taken, self.out[:] = list(self.out), []
        return taken


@pytest.fixture
def path() -> Path:
    return Path()


def test_trades_and_quotes_come_out_in_order(path):
    out = path.take(trade(1), ticker(5), trade(2), ticker(6))
    assert [type(message) for message in out] == [Trade, Quote, Trade, Quote]


def test_a_duplicate_is_dropped_and_counted(path):
    assert len(path.take(trade(1), trade(1), trade(2))) == 2
    assert path.dropped == {"duplicate_trade": 1}


def test_a_jump_is_announced_before_the_trade_that_revealed_it(path):
    path.take(trade(1, t_ms=T_MS))
    gap, revealed = path.take(trade(5, t_ms=T_MS + 10))
    assert (gap.kind, gap.state, gap.cause, gap.from_id, gap.to_id) == (
        "trade",
        "unfillable",
        "venue_jump",
        2,
        4,
    )
    assert (gap.from_ts_ns, gap.to_ts_ns, gap.reason) == (EVENT_NS, EVENT_NS + 10_000_000, NO_REPAIR)
    assert revealed.trade_id == 5


def test_late_trades_close_the_gap_they_left(path):
    path.take(trade(1), trade(4))
    gap_id = "c-1-1"
    assert [type(message) for message in path.take(trade(2))] == [Trade]
    late, gap = path.take(trade(3))
    assert (gap.gap_id, gap.state, gap.count, late.trade_id) == (gap_id, "filled", 2, 3)


def test_a_venue_that_counts_anew_goes_on_with_a_gap(path):
    path.take(trade(1000))
    gap, fresh = path.take(trade(1, t_ms=T_MS + 1))
    assert (gap.from_id, gap.to_id, gap.state, fresh.trade_id) == (0, 0, "unfillable", 1)
    assert len(path.take(trade(2, t_ms=T_MS + 2))) == 1


def test_an_excluded_execution_is_no_hole():
    path = Path("usdm")
    out = path.take(trade(1, X="MARKET"), trade(2, X="INSURANCE_FUND"), trade(3, X="MARKET"))
    assert [message.trade_id for message in out] == [1, 3]
    assert path.dropped == {"not_a_market_trade": 1}


def test_an_interruption_without_loss(path):
    path.take(trade(1), ticker(9))
    path.normaliser.interrupt("BTC_USDT", "trade", EVENT_NS + 5, "disconnect", "reset")
    path.normaliser.interrupt("BTC_USDT", "quote", EVENT_NS + 5, "disconnect", "reset")
    opened = path.take()
    assert [(gap.kind, gap.state, gap.to_ts_ns) for gap in opened] == [
        ("trade", "open", 0),
        ("quote", "open", 0),
    ]
    path.normaliser.resume("BTC_USDT", "trade", EVENT_NS + 50)
    path.normaliser.resume("BTC_USDT", "quote", RECV_NS + 50)
    resumed = path.take()
    assert [(gap.kind, gap.state) for gap in resumed] == [("trade", "open"), ("quote", "unfillable")]
    gap, following, quote = path.take(trade(2), ticker(3))
    assert (gap.state, gap.count, gap.to_ts_ns) == ("filled", 0, EVENT_NS + 50)
    assert following.trade_id == 2
    assert quote.update_id == 3, "after an interruption every quote is new"


def test_an_interruption_with_loss(path):
    path.take(trade(1))
    path.normaliser.interrupt("BTC_USDT", "trade", EVENT_NS, "disconnect")
    path.normaliser.resume("BTC_USDT", "trade", EVENT_NS + 50)
    path.take()
    gap, following = path.take(trade(4, t_ms=T_MS + 1))
    assert (gap.state, gap.from_id, gap.to_id, gap.reason) == ("unfillable", 2, 3, NO_REPAIR)
    assert following.trade_id == 4
    filled = [message for message in path.take(trade(2), trade(3)) if isinstance(message, Gap)]
    assert [(gap_.gap_id, gap_.state) for gap_ in filled] == [(gap.gap_id, "filled")]


def test_a_settled_interruption_is_over(path):
    path.take(trade(1))
    path.normaliser.interrupt("BTC_USDT", "trade", EVENT_NS, "disconnect")
    path.take(trade(2))
    gap, _ = path.take(trade(4))
    assert (gap.cause, gap.from_id, gap.to_id) == ("venue_jump", 3, 3)


def test_an_overlap_does_not_settle_an_interruption(path):
    path.take(trade(1), trade(2))
    path.normaliser.interrupt("BTC_USDT", "trade", EVENT_NS, "disconnect")
    path.take()
    assert path.take(trade(2)) == []
    gap, following = path.take(trade(3))
    assert (gap.state, following.trade_id) == ("filled", 3)


def test_a_feed_that_never_began_is_not_interrupted(path):
    for kind in ("trade", "quote", "book"):
        path.normaliser.interrupt("BTC_USDT", kind, EVENT_NS, "disconnect")
    assert path.take() == []


def test_a_book_comes_out_once_it_is_synced(path):
    assert path.take(depth(1, 3), depth(4, 6)) == []
    assert path.normaliser.unsynced == {"BTC_USDT"}
    assert path.normaliser.take_snapshot("BTC_USDT", snapshot(2), RECV_NS)
    (whole,) = path.take()
    (following,) = path.take(depth(7, 7))
    assert (whole.is_snapshot, whole.last_update_id, following.prev_update_id) == (True, 6, 6)
    assert path.normaliser.unsynced == set()


def test_a_lost_book_is_a_gap_until_its_snapshot():
    path = Path("spot", "BTC_USDT", "ETH_USDT")
    for symbol, raw in (("BTC_USDT", "BTCUSDT"), ("ETH_USDT", "ETHUSDT")):
        path.take(depth(1, 3, s=raw))
        path.normaliser.take_snapshot(symbol, snapshot(3), RECV_NS)
    path.take()
    (gap,) = path.take(depth(6, 7))
    assert (gap.kind, gap.symbol, gap.state, gap.from_id) == ("book", "BTC_USDT", "open", 4)
    assert path.normaliser.unsynced == {"BTC_USDT"}
    assert [type(message) for message in path.take(depth(4, 5, s="ETHUSDT"))] == [Book], "the other goes on"
    assert path.normaliser.take_snapshot("BTC_USDT", snapshot(6), RECV_NS)
    filled, whole = path.take()
    assert (filled.gap_id, filled.state, filled.filled_by) == (gap.gap_id, "filled", "snapshot")
    assert (whole.is_snapshot, whole.last_update_id) == (True, 7)


def test_a_snapshot_that_cannot_be_used_is_counted(path):
    path.take(depth(10, 12))
    assert not path.normaliser.take_snapshot("BTC_USDT", snapshot(3), RECV_NS)
    assert not path.normaliser.take_snapshot("BTC_USDT", b"<html>", RECV_NS)
    assert path.dropped == {"unusable_snapshot": 1, "invalid_snapshot": 1}


def test_a_whole_book_on_request(path):
    assert not path.normaliser.republish("BTC_USDT", RECV_NS)
    path.take(depth(1, 3))
    path.normaliser.take_snapshot("BTC_USDT", snapshot(3), RECV_NS)
    path.take(depth(4, 5))
    assert path.normaliser.republish("BTC_USDT", RECV_NS)
    (whole,) = path.take()
    (following,) = path.take(depth(6, 6))
    assert (whole.last_update_id, following.prev_update_id) == (5, 5)


def test_stale_quotes_are_dropped(path):
    assert [quote.update_id for quote in path.take(ticker(5), ticker(4), ticker(5), ticker(6))] == [5, 6]
    assert path.dropped == {"stale_quote": 2}


def test_a_wild_clock_is_refused_a_fast_one_is_not(path):
    now_ms = RECV_NS // 1_000_000
    assert len(path.take(trade(1, t_ms=now_ms + 2000), trade(2, t_ms=now_ms + 60_000))) == 1
    assert path.dropped == {"clock_ahead": 1}
    assert path.normaliser.times.newest_ns == (now_ms + 2000) * 1_000_000


def test_our_clock_may_be_the_one_that_is_wrong(path):
    now_ms = RECV_NS // 1_000_000
    path.normaliser.times.venue_now_ns = lambda: (now_ms + 3_600_000) * 1_000_000
    assert len(path.take(trade(1, t_ms=now_ms + 3_600_100), trade(2, t_ms=now_ms + 7_200_000))) == 1
    assert path.dropped == {"clock_ahead": 1}


def test_times_that_agree_with_each_other_are_believed(path):
    now_ms = RECV_NS // 1_000_000
    ahead = [trade(number, t_ms=now_ms + 60_000 + number) for number in range(1, 9)]
    assert len(path.take(*ahead)) == 4
    assert path.dropped == {"clock_ahead": 4}


def test_a_wild_time_between_true_ones_never_adds_up(path):
    now_ms = RECV_NS // 1_000_000
    for number in range(1, 40, 2):
        path.take(trade(number, t_ms=now_ms + number), trade(number + 1, t_ms=now_ms + 60_000))
    assert path.dropped["clock_ahead"] == 20


def test_quotes_without_time_do_not_move_the_venues_clock(path):
    path.take(ticker(1))
    assert (path.normaliser.times.newest_ns, path.normaliser.times.newest_local_ns) == (0, RECV_NS)


def test_control_messages_are_handed_back(path):
    assert path.normaliser.take(b'{"result":null,"id":4}', RECV_NS) == Ack(4)
    assert isinstance(path.normaliser.take(b'{"e":"serverShutdown","E":1}', RECV_NS), Shutdown)
    assert path.normaliser.take(trade(1), RECV_NS) is None


def test_bad_frames_are_counted_and_the_next_good_one_passes(path):
    bad = [
        b"",
        b"{",
        b"\xff",
        trade(1, p="NaN"),
        trade(1, p="-5"),
        trade(1, s="DOGEUSDT"),
        frame("x@kline_1m", e="kline"),
    ]
    assert [message.trade_id for message in path.take(*bad, trade(1))] == [1]
    assert path.dropped == {"malformed_json": 3, "invalid_trade": 2, "unmapped_symbol": 1}
    assert path.normaliser.ignored == {"kline_1m": 1}


def test_types_made_up_by_a_peer_are_bounded(path):
    path.take(*(frame(f"x@made_up_{number}") for number in range(500)))
    assert len(path.normaliser.ignored) <= 65
    assert sum(path.normaliser.ignored.values()) == 500


def test_what_nobody_subscribed_is_dropped(path):
    assert path.take(trade(1, s="ETHUSDT"), ticker(1, s="ETHUSDT"), depth(1, 2, s="ETHUSDT")) == []
    assert path.dropped == {"not_subscribed": 3}


def test_a_forgotten_symbol_ends_its_gaps(path):
    path.take(trade(1))
    path.normaliser.interrupt("BTC_USDT", "trade", EVENT_NS, "disconnect")
    path.take()
    path.normaliser.forget("BTC_USDT")
    (gap,) = path.take()
    assert (gap.state, gap.reason) == ("unfillable", "unsubscribed")
    assert path.normaliser.unsynced == set()


def forced(t_ms: int = T_MS, side: str = "SELL", z: str = "0.5", st: int = 1) -> bytes:
    order = {"s": "BTCUSDT", "S": side, "ap": "100", "z": z, "T": t_ms, "st": st}
    return frame("btcusdt@forceOrder", e="forceOrder", E=t_ms + 1000, o=order)


def test_liquidations_come_out_once():
    path = Path("usdm")
    out = path.take(forced(), forced(), forced(T_MS + 1000), forced(T_MS + 1000, "BUY"))
    assert [(one.ts_event_ns - EVENT_NS, one.side) for one in out] == [(0, -1), (10**9, -1), (10**9, 1)]
    assert path.dropped == {"duplicate_liquidation": 1}
    assert path.normaliser.tapes["BTC_USDT"].seen("liquidation") == 4


def test_a_liquidation_of_the_future_is_refused_and_moves_no_clock():
    path = Path("usdm")
    assert not path.take(forced(T_MS + 3_600_000))
    assert path.take(forced(T_MS + 1000))
    assert path.dropped == {"clock_ahead": 1}
    assert path.normaliser.times.newest_ns == 0
