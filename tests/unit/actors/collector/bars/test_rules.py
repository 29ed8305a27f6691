"""Settings as the orchestrator wants them."""

from __future__ import annotations

import pytest

from actors.collector.bars import making
from actors.collector.bars.memory import LineState
from actors.collector.bars.rules import (
    DEFAULT_TOLERANCE_BP,
    LAST_RANK,
    problems,
    rules_of,
    tier_of,
    tolerance_bp,
)
from actors.collector.bars.settings import LimitSettings, ProviderSettings, RestSettings, TierSettings
from protocol.instruments import Instrument

EUR = Instrument(symbol="EUR_USD", asset_class="fx", providers={"yahoo": "EURUSD=X", "polygon": "C:EURUSD"})
AAPL = Instrument(symbol="AAPL", asset_class="equity", providers={"yahoo": "AAPL"})
KNOWN = ("yahoo", "polygon")


def test_units_are_nanoseconds() -> None:
    rules = rules_of(
        RestSettings(
            settle_s=1.5, late_s=2.5, stale_after_s=3, demote_s=4, cross_check_s=5, page_pause_s=0.25
        )
    )

    assert rules[:6] == (1_500_000_000, 2_500_000_000, 3 * 10**9, 4 * 10**9, 5 * 10**9, 250_000_000)
    assert rules.quiet_minutes == RestSettings().quiet_minutes


def test_a_tier_that_names_it_comes_before_one_of_its_kind_and_the_rest_is_last() -> None:
    tiers = {
        "currencies": TierSettings(asset_classes=["fx"], rank=20, refresh_s=120),
        "best": TierSettings(symbols=["EUR_USD"], rank=1, refresh_s=1, providers=["polygon"]),
    }
    settings = RestSettings(order=["yahoo"], tiers=tiers, refresh_s=300)

    tier = tier_of(settings, EUR)
    assert (tier.rank, tier.refresh_ns, tier.order) == (1, 10**9, ("polygon",))
    other = tier_of(settings, Instrument(symbol="GBP_USD", asset_class="fx"))
    assert (other.rank, other.refresh_ns, other.order) == (20, 120 * 10**9, ("yahoo",))
    rest = tier_of(settings, AAPL)
    assert (rest.rank, rest.refresh_ns, rest.order) == (LAST_RANK, 300 * 10**9, ("yahoo",))


def test_tolerance_is_that_of_the_asset_class() -> None:
    settings = RestSettings(tolerance_bp={"fx": 3.0})

    assert tolerance_bp(settings, EUR) == 3.0
    assert tolerance_bp(settings, AAPL) == DEFAULT_TOLERANCE_BP


def test_every_mistake_is_told_with_its_place_at_once() -> None:
    settings = RestSettings(
        providers={"yaho": ProviderSettings()},
        order=["yahoo", "polygn"],
        tiers={"best": TierSettings(symbols=["EUR_USD", "EUR_UST"], providers=["yahooo"])},
        late_s=3.0,
        settle_s=3.0,
    )
    stranger = Instrument(symbol="QQQ", providers={"iex": "QQQ"})

    found = problems(settings, KNOWN, [EUR, AAPL, stranger])

    places = [mistake.split(":")[0] for mistake in found]
    assert places == [
        "rest.providers.yaho", "rest.order", "rest.tiers.best.providers", "rest.tiers.best.symbols", "symbols", "rest.late_s",
    ]  # fmt: skip
    assert sum("there are polygon, yahoo" in mistake for mistake in found) == 4
    assert "EUR_UST" in found[3]
    assert "QQQ.providers.iex" in found[4]


def test_good_settings_have_no_mistakes() -> None:
    tiers = {"best": TierSettings(symbols=["EUR_USD"], providers=["yahoo"])}
    assert problems(RestSettings(order=["yahoo"], tiers=tiers), KNOWN, [EUR, AAPL]) == []


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({}, ["yahoo"]),
        ({"providers": {"polygon": ProviderSettings(key="k")}}, ["yahoo", "polygon"]),
        ({"providers": {"yahoo": ProviderSettings(enabled=False)}}, []),
        ({"order": [], "tiers": {"a": TierSettings(providers=["yahoo"])}}, ["yahoo"]),
        (
            {"order": ["polygon", "yahoo"], "providers": {"polygon": ProviderSettings(key="k")}},
            ["polygon", "yahoo"],
        ),
    ],
)
def test_who_is_asked_is_enabled_named_and_has_its_key(changes, asked: list[str]) -> None:
    assert list(making.asked(RestSettings(**changes))) == asked


def test_limits_of_the_settings_replace_those_of_the_free_plan() -> None:
    limits = [LimitSettings(calls=3, per_s=7.0)]
    settings = RestSettings(
        providers={"yahoo": ProviderSettings(limits=limits)}, breaker_failures=1, history_share=0.5
    )
    market = making.market_of(settings, making.asked(settings), lambda: 0.0, 10**18)
    account = market.accounts["yahoo"]

    (limit,) = account.describe(10**18)["limits"]
    assert (limit["calls"], limit["per_s"]) == (3, 7.0)
    account.begin("chart", 1, 10**18, is_history=True)
    assert account.obstacle("chart", 1, 10**18, is_history=True) is not None
    assert account.obstacle("chart", 1, 10**18, is_history=False) is None


def test_a_line_knows_only_providers_that_are_asked_and_have_a_name_for_it() -> None:
    settings = RestSettings()
    line = making.line_of(settings, rules_of(settings), ["yahoo", "twelvedata"], EUR, "test", LineState())

    assert {name: one.raw for name, one in line.standings.items()} == {"yahoo": "EURUSD=X"}
    assert line.market.tolerance == settings.tolerance_bp["fx"] / 1e4
