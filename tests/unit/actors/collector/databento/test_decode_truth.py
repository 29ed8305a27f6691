"""Every DBN file of the recordings, against what was computed about it independently of this project."""

from __future__ import annotations

import collections
import itertools
from typing import Any

import pytest
import zstandard

from actors.collector.databento.decode import DbnDecoder
from protocol.messages import Bar, Book, Quote, Trade
from tests.support.data import data_dir, recording, truth
from tests.support.databento_gateway import dbn

pytestmark = pytest.mark.recording
TABLE = "databento"
NOT_OURS = {"to_df", "to_df_rows", "minute_bars_from_trades_equal_databento_ohlcv"}
"""What the vendor's data frames say."""


def names() -> list[str]:
    """Every file of the folder and those below it: none is left out silently."""
    folder = data_dir()
    if folder is None:
        return ["databento/none"]
    return sorted(
        str(path.relative_to(folder)) for path in (folder / "databento").rglob("*") if path.is_file()
    )


def decoded(name: str) -> tuple[list[Any], dict[str, Any]]:
    """Messages of a file and its summary."""
    decoder = DbnDecoder()
    messages = list(decoder.messages(recording(name)))
    return messages, decoder.summary.to_dict()


@pytest.mark.parametrize("name", names())
def test_summary_equals_the_truth(name: str) -> None:
    known = truth(name, TABLE)
    assert known, f"nothing is known about {name}"
    messages, summary = decoded(name)

    wanted = {key: value for key, value in known.items() if key not in NOT_OURS}
    assert {key: summary.get(key) for key in wanted} == wanted
    assert all(message.validate() == [] for message in messages)
    assert summary["by_kind"] == dict(collections.Counter(message.KIND for message in messages))


def test_messages_of_the_trades_file_add_up_to_the_truth() -> None:
    messages, _ = decoded("databento/esu4_trades_20240701.dbn.zst")
    known = truth("databento/esu4_trades_20240701.dbn.zst", TABLE)["trades"]
    assert len(messages) == known["n"]
    assert sum(one.size for one in messages) == known["volume"]
    assert sum(one.size for one in messages if one.side == 1) == known["volume_by_side"]["B"]
    assert sum(one.size for one in messages if one.side == -1) == known["volume_by_side"]["A"]
    assert len({one.trade_id for one in messages}) == len(messages)
    assert {one.symbol for one in messages} == {"ESU4.FUT"}


def test_trades_inside_mbp_1_are_those_of_the_trades_file() -> None:
    """The same ids too: a reader of one schema and one of the other agree."""
    alone, _ = decoded("databento/esu4_trades_20240701.dbn.zst")
    inside, _ = decoded("databento/esu4_mbp-1_20240701.dbn.zst")
    assert [one for one in inside if isinstance(one, Trade)] == alone


def test_bars_of_trades_equal_the_vendors() -> None:
    """1-minute bars of `trades` by ts_event equal ohlcv-1m (README, surprise 14)."""
    trades, _ = decoded("databento/esu4_trades_20240701.dbn.zst")
    bars, _ = decoded("databento/esu4_ohlcv-1m_20240701.dbn.zst")
    minute_ns = 60 * 10**9
    checked = 0
    for bar in bars:
        inside = [one.price for one in trades if one.ts_event_ns // minute_ns * minute_ns == bar.ts_open_ns]
        if inside and bar.symbol == "ESU4.FUT":
            checked += 1
            assert (bar.open, bar.high, bar.low, bar.close) == (
                inside[0],
                max(inside),
                min(inside),
                inside[-1],
            )
    assert checked == 2


def test_live_recording_counts_each_trade_once() -> None:
    """Four prints are in it, in two schemas: two trades (README, surprise 17)."""
    messages, summary = decoded("databento/stubs/LIVE__test_data.live.dbn.zst")
    assert summary["trades"]["n"] == 4
    assert [one.size for one in messages if isinstance(one, Trade)] == [2.0, 1.0]
    assert sum(isinstance(one, Bar) for one in messages) == 4
    assert not [one for one in messages if isinstance(one, Book)], "orders without their snapshot are no book"


def test_tbbo_gives_the_quote_before_its_trade() -> None:
    messages, _ = decoded("databento/stubs/GLBX.MDP3__test_data.tbbo.dbn.zst")
    assert [type(one) for one in messages] == [Quote, Trade] * 4


def test_order_book_of_the_snapshot_equals_one_added_up_by_hand() -> None:
    path = recording("databento/esh4-glbx-mdp3-20231224.mbo.dbn.zst")
    decoder = dbn.DBNDecoder()
    with path.open("rb") as file:
        decoder.write(zstandard.ZstdDecompressor().stream_reader(file).read())
    sides: dict[str, collections.Counter[float]] = {"B": collections.Counter(), "A": collections.Counter()}
    for record in decoder.decode():
        if isinstance(record, dbn.MBOMsg):
            sides[str(record.side)][record.pretty_price] += record.size

    messages, _ = decoded("databento/esh4-glbx-mdp3-20231224.mbo.dbn.zst")
    (book,) = [one for one in messages if isinstance(one, Book)]
    assert book.is_snapshot
    assert book.bids == sorted(sides["B"].items(), reverse=True)
    assert book.asks == sorted(sides["A"].items())
    (quote,) = [one for one in messages if isinstance(one, Quote)]
    assert (quote.bid, quote.bid_size) == book.bids[0]
    assert (quote.ask, quote.ask_size) == book.asks[0]


def test_prices_and_times_are_those_of_the_vendors_decoder() -> None:
    path = recording("databento/esu4_mbp-1_20240701.dbn.zst")
    decoder = dbn.DBNDecoder()
    with path.open("rb") as file:
        decoder.write(zstandard.ZstdDecompressor().stream_reader(file).read())
    theirs = [
        record for record in decoder.decode() if isinstance(record, dbn.MBP1Msg) and int(record.flags) & 128
    ]
    messages, _ = decoded("databento/esu4_mbp-1_20240701.dbn.zst")
    ours = [one for one in messages if isinstance(one, Quote)]
    assert [
        (one.ts_event_ns, one.ts_recv_ns, one.bid, one.ask, one.bid_size, one.ask_size) for one in ours
    ] == [
        (
            record.ts_event,
            record.ts_recv,
            record.levels[0].pretty_bid_px,
            record.levels[0].pretty_ask_px,
            record.levels[0].bid_sz,
            record.levels[0].ask_sz,
        )
        for record in theirs
    ]
    assert all(before.update_id < after.update_id for before, after in itertools.pairwise(ours))
