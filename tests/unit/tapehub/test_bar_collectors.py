"""Collectors of bars in a configuration: who has what, and what history costs there."""

from pathlib import Path

import pytest

from actors.collector.bars.jobs import Order
from actors.collector.bars.settings import LimitSettings, ProviderSettings, RestSettings, TierSettings
from actors.runtime.settings import load
from protocol.errors import ConfigError
from protocol.instruments import Catalog, Instrument
from tapehub.bar_collectors import (
    SOURCES,
    BarCollector,
    bar_collectors,
    collector_of,
    page_ns,
    shared_out,
)
from tapehub.cli import refill
from tests.support.config import write_config

DAY = 86_400_000_000_000
NOW = 1_795_168_800_000_000_000
EUR = Instrument(symbol="EUR_USD", session="fx", providers={"yahoo": "EURUSD=X", "polygon": "C:EURUSD"})
SYMBOLS = {
    "EUR_USD": {"session": "fx", "providers": {"yahoo": "EURUSD=X"}},
    "XAU_USD": {"session": "fx", "providers": {"polygon": "C:XAUUSD"}},
    "BTC_USDT": {"venues": {"binance": "spot:BTCUSDT"}},
}


def collector(**rest) -> BarCollector:
    return BarCollector("collector.rest.1", RestSettings(**rest), ("EUR_USD",))


def test_commands_are_sources() -> None:
    assert tuple(refill.SOURCES) == SOURCES


def test_those_of_venue_rest(run_dir: Path) -> None:
    actors = {
        "collector.binance.1": {},
        "collector.rest.1": {"symbols": ["XAU_USD"], "rest": {"history_share": 0.25}},
        "collector.other": {"venue": "rest"},
        "hub.1": {},
    }
    loaded = load(write_config(run_dir, actors, SYMBOLS), (), {})
    found = bar_collectors(loaded, Catalog(loaded.instruments))
    assert [(one.name, one.symbols) for one in found] == [
        ("collector.rest.1", ("XAU_USD",)),
        ("collector.other", ("EUR_USD", "XAU_USD")),
    ]
    assert found[0].settings.history_share == 0.25
    assert shared_out(found, ["EUR_USD", "XAU_USD"]) == {
        "collector.other": ["EUR_USD"], "collector.rest.1": ["XAU_USD"],
    }  # fmt: skip


def test_what_nobody_collects_is_named() -> None:
    with pytest.raises(LookupError, match=r"BTC_USDT, SOL_USDT: not collected by collector\.rest\.1"):
        shared_out([collector()], ["EUR_USD", "BTC_USDT", "SOL_USDT"])


def test_a_wrong_section_is_told(run_dir: Path) -> None:
    loaded = load(write_config(run_dir, {"collector.rest.1": {"rest": {"ordr": []}}}, SYMBOLS), (), {})
    with pytest.raises(ConfigError, match="ordr"):
        bar_collectors(loaded, Catalog(loaded.instruments))


@pytest.mark.parametrize(
    ("settings", "source", "why"),
    [
        ({}, "rest", ""),
        ({}, "yahoo", ""),
        ({}, "polygon", "it needs a key"),
        ({"providers": {"yahoo": ProviderSettings(enabled=False)}}, "yahoo", "it is not enabled"),
        ({"order": ["polygon"]}, "yahoo", "no `order` and no tier names it"),
        ({"order": [], "tiers": {"fx": TierSettings(providers=["yahoo"])}}, "yahoo", ""),
    ],
)
def test_who_is_not_asked(settings: dict, source: str, why: str) -> None:
    assert collector(**settings).lack_of(source) == why


def test_costs_and_limits_without_a_collector() -> None:
    limits = [LimitSettings(calls=5, per_s=1.0)]
    found = collector(providers={"polygon": ProviderSettings(key="k", limits=limits)})
    cost = found.cost(Order("EUR_USD", "", NOW - 10 * DAY, NOW), EUR, NOW)
    assert (cost.provider, cost.calls) == ("yahoo", 2)
    assert found.cost(Order("EUR_USD", "", NOW - 60 * DAY, NOW), EUR, NOW).provider == "polygon", (
        "it goes back farther"
    )
    assert found.cost(Order("EUR_USD", "twelvedata", NOW - DAY, NOW), EUR, NOW).provider == ""
    assert found.limits()["polygon"] == ((5, 1.0),)
    assert found.limits()["yahoo"] == ((30, 60.0),)


def test_pages() -> None:
    assert page_ns("yahoo") == 7 * DAY
    assert page_ns("twelvedata") < page_ns("polygon")


def test_the_collector_of_a_backfill() -> None:
    assert collector_of("collector.rest-eu.1-1795168800000000000-12") == "collector.rest-eu.1"
    for text in ("", "x", "collector.rest.1-3", "collector.rest.1-a-3", "-1-2"):
        with pytest.raises(ValueError, match="is not the id of a backfill"):
            collector_of(text)
