"""No recording is left out silently: each file of the folder is decoded to its end and compared with what is known of it.

A file that no line of CHECKS fits makes this fail: add one, with its truth or the reason why there is none.
"""

import collections
import fnmatch
import json
from decimal import Decimal
from pathlib import Path

import pytest

from actors.collector.recorded.decoders import decoder_of, is_understood
from actors.collector.recorded.recordings import read_recording
from tests.support import data
from tests.support.paths import ROOT
from tests.unit.actors.collector import test_truth as binance_truth
from tests.unit.actors.collector.bars import recorded_truth as bars
from tests.unit.actors.collector.decoded import decoded, summary_of

pytestmark = pytest.mark.recording
FOLDERS = ("binance", "okx", "bybit", "coinbase", "liquidations", "databento", "ig", "fx", "news")
FOLDERS += bars.FOLDERS
SINGLE_FRAMES = {
    "binance/tardis_frames.jsonl": {"invalid_aggTrade", "snapshot_of_unknown_symbol"},
    "bybit/tardis_frames.jsonl": set(),
    "coinbase/tardis_frames.jsonl": set(),
    "okx/crypto_msg_parser_okx_frames.jsonl": {"retired_api", "stale_quote"},
    "okx/tardis_frames.jsonl": {"retired_api"},
}
"""Frames of many years without any order, quoted in test suites: nothing to sum up. To the reasons that they may be refused
for: shapes that the venue has retired, a book without its symbol."""
EQUAL_BARS = "minute_bars_from_trades_equal_databento_ohlcv"
OHLCV = "databento/esu4_ohlcv-1m_20240701.dbn.zst"
NOT_OF_THE_FILE = {"to_df_rows", "to_df", EQUAL_BARS}
"""What another program made of a DBN file."""


def files():
    folder = data.data_dir()
    if folder is None:
        return ["none/none"]
    return sorted(
        path.relative_to(folder).as_posix()
        for part in FOLDERS
        for path in (folder / part).rglob("*")
        if path.is_file()
    )


# checks


def check_binance(name):
    truth, summary = data.truth(name), summary_of(name)
    assert summary["rejects"] == {}
    by_raw = {row["venue_symbol"]: row for row in summary["symbols"].values()}
    assert set(by_raw) == set(truth["symbols"])
    for raw, expected in truth["symbols"].items():
        is_coinm = raw.endswith("USD_PERP")
        binance_truth.check_books(by_raw[raw], expected, is_coinm)
        binance_truth.check_quotes(by_raw[raw], expected, is_coinm)
        trades = expected.get("trades") or expected.get("aggTrades")
        if trades:
            binance_truth.check_trades(by_raw[raw]["trades"], trades, is_coinm)
    if "/hft_" in name:  # in the others, answers that nobody reads come first, and times are rounded
        assert summary["first_local_ns"] == truth["first_local_ns"]
        assert summary["last_local_ns"] == truth["last_local_ns"]


def check_bybit(name):
    truth, summary = data.truth(name), summary_of(name)
    kinds = collections.Counter()
    for kind, count in truth["by_kind"].items():
        kinds[kind.rpartition(" ")[2]] += count
    streams = {kind: count for kind, count in summary["by_stream"].items() if kind != "instruments"}
    assert streams == kinds
    for key, expected in truth["markets"].items():
        connection, raw = key.split(" ")
        suffix = "" if connection == "BYBIT.ws.3" else ".PERP"
        found = summary["symbols"][raw.replace("USDT", f"_USDT{suffix}")]
        check_trades(found["trades"], expected["trades"])
        images, changes = expected["book_snapshots_deltas"]
        assert (images, found["depth_events"]) == (1, changes)
        assert (found["depth_chain_breaks"], found["last_u"]) == (expected["u_breaks"], expected["last_u"])
        assert found["snapshot"]["lastUpdateId"] == expected["first_snapshot_u"]
        assert found["published"] == images + changes
        check_book(found, expected["final_book"])
        check_best(found, expected["last_ticker"], "bid1Price", "ask1Price")
        assert found["venue_symbol"] == raw
    assert len(summary["symbols"]) == len(truth["markets"])
    assert (summary["rejects"], summary["gaps"]) == ({}, [])


def check_coinbase(name):
    truth, summary = data.truth(name), summary_of(name)
    streams = {kind: count for kind, count in summary["by_stream"].items() if kind != "instruments"}
    assert streams == truth.get("by_kind", truth.get("events_by_kind"))
    for raw, expected in truth["products"].items():
        found = summary["symbols"][raw.replace("-", "_")]
        check_trades(found["trades"], expected.get("matches") or expected["trades_in_updates"])
        if "trades_in_snapshot" in expected:
            check_trades(found["trades_before_subscription"], expected["trades_in_snapshot"])
        else:
            assert found["trades_before_subscription"]["n"] == expected["last_match_messages"]
        check_book(found, expected["final_book"])
        check_best(found, expected["last_ticker"], "best_bid", "best_ask")
        assert found["depth_chain_breaks"] == 0
    assert (summary["rejects"], summary["gaps"]) == ({}, [])


def check_okx(name):
    truth, summary = data.truth(name), summary_of(name)
    kinds = {"ack" if kind == "event subscribe" else kind: count for kind, count in truth["by_kind"].items()}
    streams = {kind: count for kind, count in summary["by_stream"].items() if kind != "instruments"}
    assert streams == kinds
    symbols = {"BTC-USDT": "BTC_USDT", "UNI-USD-SWAP": "UNI_USD.PERP"}
    for raw, expected in truth["instruments"].items():
        found = summary["symbols"][symbols[raw]]
        contract = found.get("contract", {"size": None})["size"]
        assert (contract is not None) == (expected["trade_size_unit"] == "contracts")
        check_trades(found["trades"], expected["trades"], contract)
        check_book(found, expected["final_book"], contract)
        check_best(found, expected["last_ticker"], "bidPx", "askPx")
        assert found["published"] == expected["checksums_equal"]
        assert found["depth_chain_breaks"] == expected["checksums_different"] == 0
    assert (summary["rejects"], summary["gaps"]) == ({}, [])


def check_trades(found, truth, contract=None):
    assert found["n"] == truth["n"]
    if not truth["n"]:
        return
    for key in ("first_price", "last_price", "low", "high"):
        assert found[key] == float(truth[key]), key
    for key in ("first_ts_ms", "last_ts_ms"):  # of microseconds, rounded there and cut here
        assert abs(found[key] - truth[key]) <= 1, key
    assert found["timestamps_going_back"] == truth["timestamps_going_back"]
    if "ids" in truth:
        assert found["ids"] == truth["ids"]
    if contract is not None:  # the truth counts contracts, which are USD here; our sizes are base units
        assert found["volume_contracts"] == float(truth["volume"])
        assert found["notional"] == pytest.approx(float(truth["volume"]) * contract, rel=1e-11)
    else:
        for key in ("volume", "notional", "taker_buy_volume", "taker_sell_volume"):
            assert found[key] == pytest.approx(float(truth[key]), rel=1e-11, abs=1e-15), key
        assert found["vwap"] == pytest.approx(float(truth["vwap"]), rel=1e-10)
    for bar, expected in zip(found["bars_1m"], truth["bars_1m"], strict=True):
        assert [bar[0], bar[6]] == [expected[0], expected[6]]
        assert bar[1:5] == [float(price) for price in expected[1:5]]
        assert contract is not None or bar[5] == pytest.approx(float(expected[5]), rel=1e-11)


def check_book(found, truth, contract=None):
    book = found["final_book"]
    assert book["levels"] == truth["levels"]
    assert not book["crossed"]
    for side in ("bids", "asks"):
        for (price, size), (expected, wanted) in zip(book[side], truth[side], strict=True):
            assert price == float(expected)
            assert size * (price / contract if contract else 1.0) == pytest.approx(float(wanted), rel=1e-12)


def check_best(found, truth, bid, ask):
    last = found["last_bookTicker"]
    if truth[bid] is None:  # spot tickers have no bid and ask
        assert last is None
    else:
        assert (last["b"], last["a"]) == (float(truth[bid]), float(truth[ask]))


def check_single_frames(name):
    summary = summary_of(name)
    assert summary["frames"] == sum(1 for _ in read_recording(data.recording(name)))
    assert set(summary["rejects"]) == SINGLE_FRAMES[name]
    assert is_understood(summary)


def check_liquidations(name):
    decoder = decoder_of("liquidations", None)
    found = {}
    for message in decoder.messages(data.recording(name)):
        found[message.venue, message.ts_event_ns // 1_000_000] = message
    summary = decoder.summary.to_dict()
    missing = 0
    for row in map(json.loads, data.recording(name).read_bytes().splitlines()):
        expect, venue = row["expect"], row["venue"].partition("_")[0]
        liquidation = found.get((venue, expect["ts_ms"]))
        if liquidation is None:  # contracts of an instrument that nobody tells the size of
            assert (venue, expect["size_unit"]) == ("okx", "contracts")
            missing += 1
            continue
        assert (liquidation.price, liquidation.size) == (float(expect["price"]), float(expect["size"]))
        assert liquidation.side == (-1 if expect["position"] == "long" else 1)
        assert (
            summary["venues"][row["venue"]]["symbols"][liquidation.symbol]["venue_symbol"] == expect["symbol"]
        )
    assert (len(found), missing, summary["rejects"]) == (8, 2, {"unknown_contract": 2})
    assert set(summary["venues"]) == {"binance_usdm", "bybit_linear", "okx"}


def check_databento(name):
    truth, summary = data.truth(name, "databento"), summary_of(name)
    assert truth
    wanted = {key: value for key, value in truth.items() if key not in NOT_OF_THE_FILE}
    assert {key: plain(key, summary.get(key)) for key in wanted} == {
        key: plain(key, value) for key, value in wanted.items()
    }
    if EQUAL_BARS in truth:
        published = {(row[0], row[1]): row[2:7] for row in summary_of(OHLCV)["ohlcv_records"]}
        ours = {(row[0], row[1]): row[2:7] for row in summary["bars_by_ts_event"]}
        for start_ms, is_equal in truth[EQUAL_BARS]:
            (key,) = (key for key in ours if key[1] == start_ms)
            assert (plain("", ours[key]) == plain("", published[key])) is is_equal


def plain(key, value):
    """Numbers written as text, by their value."""
    if isinstance(value, str) and key not in ("dataset", "schema", "stype_in", "stype_out"):
        try:
            return round(Decimal(value), 9)
        except ArithmeticError:
            return value
    if isinstance(value, list):
        return [plain(key, one) for one in value]
    if isinstance(value, dict):
        return {name: plain(name, one) for name, one in value.items()}
    return value


def check_fx(name):
    """The numbers are in `test_recorded_quotes.py`; here only that the name leads there."""
    kinds, summary = decoded(name)
    assert sum(kinds.values()) >= summary["frames"] > 0
    assert_named_in(name, "test_recorded_quotes.py")


def check_news(name):
    kinds, summary = decoded(name)
    assert kinds["news"] == summary["by_kind"]["news"]
    assert_named_in(name, "test_recorded_quotes.py")


def assert_named_in(name, test):
    text = (ROOT / "tests" / "unit" / "actors" / "collector" / test).read_text()
    assert name in text, f"{test} does not compare it with anything"


def check_ig_prices(name):
    truth, summary = data.truth(name, "rest_and_misc"), summary_of(name)
    found = summary["prices"]
    assert {key: found[key] for key in truth} == truth
    assert summary["by_kind"] == {"bar": truth["n"]}
    assert (found["timeframe"], found["times"]) == (
        ("1m", "utc") if truth["first_time_utc"] else ("1d", "local")
    )


def check_ig_vectors(name):
    assert summary_of(name)["vectors"] == {"n": 7, "equal": 7, "different": 0}


def check_ig_sessions(name):
    lines = collections.Counter(
        line.partition(",")[0]
        for session in json.loads(data.recording(name).read_bytes())
        for step in session["steps"]
        for line in step.get("lines", ())
    )
    summary = summary_of(name)
    assert summary["sessions"]["lines"] == lines
    assert summary["sessions"]["last_values"] == [
        {"1": ["Anduct", "11:04:29", "3.09"]},
        {"1": ["Anduct", "15:55:12", "3.16"], "2": ["Ations Europe", "15:55:14", "14.66"]},
    ]
    assert (summary["rejects"], summary["ignored"]) == ({}, {})


def check_ig_stream(name):
    quotes = list(decoder_of("ig", None).messages(data.recording(name)))
    rows = [(quote.symbol, quote.ts_event_ns, quote.bid, quote.ask) for quote in quotes]
    assert rows == [
        ("EUR_USD", 1_757_083_820_936_000_000, 1.17305, 1.17311),
        ("DAX", 1_779_350_670_231_000_000, 24745.5, 24747.3),
        ("DAX", 1_779_350_670_702_000_000, 24745.0, 24746.8),
        ("DAX", 1_779_350_670_831_000_000, 24744.8, 24746.6),
    ]


def check_ig_answer(name):
    """Answers to a login, an application, a market: no market data, and nothing was computed of them."""
    kinds, summary = decoded(name)
    answers = {
        "ig/rest_accounts.json": ("session", "account", "ABC123"),
        "ig/rest_session.json": ("session", "timezone_offset_h", 1.0),
        "ig/rest_application.json": ("applications", "n", 1),
        "ig/rest_markets_epic.json": ("market", "epic", "CO.D.CFI.Month2.IP"),
        "ig/rest_switch.json": ("switch", "dealingEnabled", True),
    }
    kind, key, value = answers[name]
    assert (summary["answer"], summary[kind][key], sum(kinds.values())) == (kind, value, 0)
    assert is_understood(summary)


CHECKS = {
    **dict.fromkeys(SINGLE_FRAMES, check_single_frames),
    "binance/*": check_binance,
    "bybit/*": check_bybit,
    "coinbase/*": check_coinbase,
    "okx/*": check_okx,
    "liquidations/frames_2026.jsonl": check_liquidations,
    "databento/*": check_databento,
    "fx/*": check_fx,
    "news/*": check_news,
    "ig/rest_historic_prices*.json": check_ig_prices,
    "ig/tlcp_update_vectors.jsonl": check_ig_vectors,
    "ig/tlcp_sessions.json": check_ig_sessions,
    "ig/ig_stream_observed.json": check_ig_stream,
    "ig/rest_*.json": check_ig_answer,
    **dict.fromkeys(bars.CHECKS, lambda name: bars.check(name, summary_of(name))),
}
"""Pattern to what is known of such files; the first one that fits counts."""


def check_of(name):
    return next((check for pattern, check in CHECKS.items() if fnmatch.fnmatch(name, pattern)), None)


def test_every_file_has_its_check():
    without = [name for name in files() if check_of(name) is None]
    assert not without, "add a line to CHECKS"
    unused = [pattern for pattern in CHECKS if not any(fnmatch.fnmatch(name, pattern) for name in files())]
    assert not unused, "no such file"


def test_every_truth_about_these_folders_is_used():
    folder = data.data_dir()
    for table in ("exchange_captures", "databento", "fx_ticks", "rest_and_misc", "bars"):
        names = json.loads((folder / "truth" / f"{table}.json").read_text())
        of_these = {name for name in names if name.partition("/")[0] in FOLDERS}
        assert of_these <= set(files())
        assert all(check_of(name) is not check_single_frames for name in of_these)


@pytest.mark.parametrize("name", files())
def test_a_file_holds_what_is_known_of_it(name: str):
    check_of(name)(name)


@pytest.mark.parametrize("name", files())
def test_the_summary_agrees_with_the_messages(name: str):
    if name.startswith("binance/hft"):  # large, and their counts are compared with the truth above
        return
    kinds, summary = decoded(name)
    assert {kind: count for kind, count in kinds.items() if count} == summary["by_kind"]
    assert is_understood(summary)


def test_a_new_file_is_noticed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(globals(), "files", lambda: ["ig/unheard_of.bin"])
    with pytest.raises(AssertionError, match="add a line"):
        test_every_file_has_its_check()


def test_a_wrong_number_is_noticed(monkeypatch: pytest.MonkeyPatch):
    name = "okx/cryptofeed_OKX_2022_BTC-USDT_UNI-USD-SWAP.jsonl.zst"
    truth = json.loads(json.dumps(data.truth(name)))
    truth["instruments"]["UNI-USD-SWAP"]["trades"]["volume"] = "101"
    monkeypatch.setattr(data, "truth", lambda *_: truth)
    with pytest.raises(AssertionError):
        check_okx(name)


def test_a_file_of_another_venue_is_not_understood(tmp_path: Path):
    for name, content in {
        "okx": b'{"stream":"btcusdt@trade","data":{"e":"trade"}}\n',
        "binance": b"no recording at all\n",
        "liquidations": b'{"venue":"nyse","raw":"{}"}\n',
        "databento": b"no recording at all\n",
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        decoder = decoder_of(name, None)
        assert list(decoder.messages(path)) == []
        assert not is_understood(decoder.summary.to_dict()), name
