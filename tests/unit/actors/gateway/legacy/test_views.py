"""Symbols, exchanges, detectors, storage, signals and the configuration in their old shapes."""

from __future__ import annotations

import json

from actors.gateway.legacy.views import (
    config_of,
    detectors_of,
    exchanges_of,
    signals_of,
    storage_of,
    symbols_of,
)
from actors.runtime.hiding import without_secrets
from protocol.fleet import Venue
from protocol.instruments import Catalog, Instrument
from tests.unit.actors.hub.samples import BASE_NS, SECOND_NS, signal


def venue_of(name: str, publisher: str, mark_ns: int, heard_ns: int) -> Venue:
    venue = Venue(name, publisher)
    venue.ts_event_ns, venue.heard_ns = mark_ns, heard_ns
    return venue


def test_symbols_name_their_venues_and_kinds() -> None:
    found = symbols_of({
        "BTC_USDT": {"session": "crypto", "mapped": ["binance"], "venues": {"okx": ["quote", "bar.1m"]}, "age_s": 0.5},
        "EUR_USD": {"session": "fx", "mapped": []},
    })  # fmt: skip
    assert (found["symbols"], found["count"]) == (["BTC_USDT", "EUR_USD"], 2)
    assert found["details"]["BTC_USDT"]["venues"] == ["binance", "okx"]
    assert found["details"]["EUR_USD"] == {"venues": [], "kinds": [], "session": "fx", "age_seconds": None}


def test_an_exchange_is_connected_if_one_of_its_collectors_is_and_unknown_if_none_was_heard() -> None:
    catalog = Catalog([
        Instrument(symbol="BTC_USDT", venues={"binance": "spot:BTCUSDT", "okx": "spot:BTC-USDT"})
    ])  # fmt: skip
    venues = [
        (venue_of("binance", "collector.binance.1", 5_000_000_000, 1_000_000_000), False),
        (venue_of("binance", "collector.binance.2", 6_000_000_000, 2_000_000_000), True),
    ]
    found = exchanges_of(venues, catalog, 8_000_000_000, 3_000_000_000)
    binance, okx = found["exchanges"]
    assert (binance["name"], binance["connected"], binance["status"]) == ("binance", True, "connected")
    assert (binance["behind_s"], [one["silent_s"] for one in binance["collectors"]]) == (2.0, [2.0, 1.0])
    assert (okx["status"], okx["last_update"], okx["symbols"]) == ("unknown", None, ["BTC_USDT"])
    alone = exchanges_of(venues[:1], catalog, 8_000_000_000, 3_000_000_000)["exchanges"][0]
    assert alone["status"] == "disconnected"


def test_a_detector_that_is_down_is_listed_as_not_running() -> None:
    detail = {
        "name": "detector.1",
        "pid": 7,
        "markets": 3,
        "rules": 9,
        "whale": {"x": 1},
        "counters": {"alerts": 4},
    }
    found = detectors_of(["detector.1", "detector.2"], {"detector.1": detail})
    up, down = found["detectors"]
    assert (up["running"], up["markets"], up["alerts"]) == (True, 3, 4)
    assert up["detail"] == {"whale": {"x": 1}, "markets": 3, "rules": 9}
    assert (down["name"], down["running"]) == ("detector.2", False)


def test_storage_says_how_far_behind_it_is_and_no_address() -> None:
    row = {
        "state": "failed",
        "rows": 7,
        "oldest_unflushed_s": 1.5,
        "trouble": "cannot reach db.example as me",
    }
    found = storage_of(
        {"persistence.1": {"targets": {"database": row, "parquet": {"state": "ok", "rows": 3}}}},
        {"journal.1": {"disk": "low", "disk_used_share": 0.9, "free_bytes": 5, "journals": {"hub.1": {}}}},
    )
    assert (found["status"], found["rows"], found["oldest_unflushed_s"]) == ("degraded", 10, 1.5)
    assert (found["disk"]["state"], found["journals"]) == ("low", ["hub.1"])
    assert "db.example" not in json.dumps(found)
    assert storage_of({}, {})["status"] == "disabled"
    assert storage_of({"persistence.1": {}}, {})["status"] == "down"


def test_signals_come_newest_first_in_the_old_words_and_the_new() -> None:
    found = signals_of([signal(1, "target"), signal(2, side=-1), signal(3, side=0)])
    assert (found["count"], [one["state"] for one in found["signals"]]) == (3, ["open", "open", "target"])
    assert [one["direction"] for one in found["signals"]] == ["NEUTRAL", "SELL", "BUY"]
    assert found["signals"][2]["timestamp"] == "2023-11-14T22:13:21.500000+00:00"
    assert found["signals"][2]["ts_opened_ns"] == BASE_NS + SECOND_NS
    assert signals_of([]) == {"signals": [], "count": 0}


def test_the_configuration_has_our_own_section_filled_in_and_no_secret() -> None:
    common = {
        "run_dir": "var",
        "actors": {
            "persistence.1": {"database": "postgresql://me:geheim@host/db"},
            "collector.ig.1": {"api_key": "geheim", "password": "geheim"},
            "gateway.1": {},
        },
    }
    own = {"port": 9800, "edge": {"tokens": {"desk": {"token": "geheim", "sha256": ""}}}}
    shown = without_secrets(config_of(common, "gateway.1", own))
    assert "geheim" not in json.dumps(shown)
    assert shown["actors"]["gateway.1"]["port"] == 9800
    assert shown["actors"]["collector.ig.1"]["api_key"] == "***"
    assert common["actors"]["gateway.1"] == {}
