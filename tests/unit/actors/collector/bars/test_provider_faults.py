"""Local providers misbehave as a script says: whom, when, how often, and what then is wrong."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.providers.faults import KINDS, Fault
from tests.support.providers.market import Market
from tests.support.providers.script import Script
from tests.support.providers.world import World
from tests.unit.actors.collector.bars.provider_calls import (
    HEADERS,
    NOW_NS,
    NOW_S,
    PROVIDERS,
    Bar,
    answer,
    bars,
    call,
    finished,
    words,
)

SYMBOL: Final = "AAPL"


def world(*faults: Fault, start_ns: int = NOW_NS) -> World:
    return World(Market(), start_ns, limits={}, faults=faults)


def good(provider: str) -> list[Bar]:
    return finished(provider, answer(world(), provider, SYMBOL).body)


def told(provider: str, kind: Any, **options: Any) -> list[Bar]:
    delivery = answer(world(Fault(provider, kind, **options)), provider, SYMBOL)
    assert delivery.status == 200
    return bars(provider, delivery.body)


def floats(rows: list[Bar]) -> dict[int, tuple[float, ...]]:
    return {bar.ts_s: tuple(float(value) for value in bar[1:5]) for bar in rows}


def status_of(one: World, provider: str, after_s: float = 0.0, symbol: str = SYMBOL) -> int:
    path, params = call(provider, one.market.listings[symbol].raws[provider])
    return one.answer(provider, path, params, HEADERS, NOW_NS + round(after_s * 1e9)).status


# another answer, or none


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("retry_after_s", [None, 30])
def test_throttled(provider, retry_after_s):
    delivery = answer(world(Fault(provider, "throttle", retry_after_s=retry_after_s)), provider, SYMBOL)
    assert delivery.status == 429
    assert delivery.headers.get("Retry-After") == (None if retry_after_s is None else "30")


@pytest.mark.parametrize(
    ("provider", "kind", "status", "text"),
    [
        ("yahoo", "limit_note", 200, "too many requests"),
        (
            "alphavantage",
            "limit_note",
            200,
            '{"note":"thank you for using alpha vantage! our standard api call',
        ),
        ("twelvedata", "limit_note", 200, "you have run out of api credits"),
        ("polygon", "limit_note", 200, "exceeded the maximum requests per minute"),
        ("yahoo", "html", 200, "will be right back"),
        ("alphavantage", "html", 200, "<html>"),
        ("twelvedata", "html", 200, "<html>"),
        ("polygon", "html", 200, "<html>"),
        ("yahoo", "auth", 401, "invalid crumb"),
        ("alphavantage", "auth", 200, "apikey is invalid or missing"),
        ("twelvedata", "auth", 200, '"code":401'),
        ("polygon", "auth", 401, "unknown api key"),
        ("alphavantage", "plan", 200, "this is a premium endpoint"),
        ("twelvedata", "plan", 200, "not available with your plan"),
        ("polygon", "plan", 403, "not entitled to this data"),
    ],
)
def test_refused_in_the_words_of_the_provider(provider, kind, status, text):
    delivery = answer(world(Fault(provider, kind)), provider, SYMBOL)
    assert delivery.status == status
    assert text in words(delivery.body)


@pytest.mark.parametrize("status", [500, 503])
def test_errors(status):
    delivery = answer(world(Fault("polygon", "error", status=status)), "polygon", SYMBOL)
    assert (delivery.status, delivery.body) == (status, b"Service Unavailable")


@pytest.mark.parametrize("kind", ["refused", "reset", "hang"])
def test_no_answer(kind):
    one = world(Fault("yahoo", kind, pause_s=3.0))
    delivery = answer(one, "yahoo", SYMBOL)
    assert (delivery.status, delivery.body, delivery.act) == (0, b"", kind)
    assert len(one.accounts["yahoo"].calls) == (0 if kind == "refused" else 1)


@pytest.mark.parametrize("kind", ["slow", "cut", "torn_gzip"])
def test_a_good_answer_on_a_bad_way(kind):
    delivery = answer(world(Fault("yahoo", kind, pause_s=3.0)), "yahoo", SYMBOL)
    assert (delivery.status, delivery.act, delivery.pause_s) == (200, kind, 3.0)
    assert finished("yahoo", delivery.body) == good("yahoo")


def test_yahoo_sells_no_plans():
    with pytest.raises(ValueError, match="no plan"):
        Fault("yahoo", "plan")


# other bars


@pytest.mark.parametrize("provider", PROVIDERS)
def test_stale(provider):
    rows = told(provider, "stale", minutes=10)
    assert rows[-1].ts_s <= NOW_S - 600 < rows[-1].ts_s + 130
    assert set(rows[-20:-3]) <= set(good(provider))
    later = world(Fault(provider, "stale", minutes=10), start_ns=NOW_NS - 60 * 10**9)
    frozen = bars(provider, answer(later, provider, SYMBOL).body)
    assert frozen[-1].ts_s <= rows[-1].ts_s - 60, "it stands still from where the fault began"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_empty(provider):
    delivery = answer(world(Fault(provider, "empty")), provider, SYMBOL)
    if provider == "twelvedata":
        assert "no data is available on the specified dates" in words(delivery.body)
    else:
        assert (delivery.status, bars(provider, delivery.body)) == (200, [])
        assert b'"results":' not in delivery.body
        assert b'"timestamp"' not in delivery.body


@pytest.mark.parametrize("provider", PROVIDERS)
def test_wrong_symbol(provider):
    delivery = answer(world(Fault(provider, "wrong_symbol")), provider, SYMBOL)
    assert b"MSFT" in delivery.body
    assert b"AAPL" not in delivery.body
    price = Market().minute("MSFT", NOW_NS - 35 * 10**9 - 120 * 10**9).close
    assert floats(bars(provider, delivery.body))[NOW_S - 155][3] == pytest.approx(price, rel=1e-4)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_wrong_interval(provider):
    delivery = answer(world(Fault(provider, "wrong_interval")), provider, SYMBOL)
    starts = [bar.ts_s for bar in bars(provider, delivery.body) if bar.ts_s % 60 == 0]
    steps = {after - before for before, after in itertools.pairwise(starts)}
    assert steps - {63_300} == {300}, "or a night, in the newest hundred of Alpha Vantage"
    if provider != "polygon":
        assert any(name in delivery.body for name in (b'"5m"', b'"5min"', b"(5min)"))
        assert b"1min" not in delivery.body


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("kind", "factor", "some"), [("spike", 1.1, True), ("disagree", 1.05, False), ("spike", 0.5, True)]
)
def test_prices_that_are_wrong(provider, kind, factor, some):
    before, after = floats(good(provider)), floats(told(provider, kind, factor=factor))
    ratios = [after[ts_s][3] / price[3] for ts_s, price in before.items()]
    hit = [ratio for ratio in ratios if abs(ratio - 1) > 1e-4]
    assert hit == pytest.approx([factor] * len(hit), rel=1e-4)
    assert 0 < len(hit) < len(ratios) / 2 if some else len(hit) == len(ratios)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_shifted(provider):
    before, after = floats(good(provider)), floats(told(provider, "shifted"))
    assert {ts_s + 60 for ts_s in before} <= {*after}
    assert all(after[ts_s + 60] == prices for ts_s, prices in before.items())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_inconsistent(provider):
    after = floats(told(provider, "inconsistent", bars=0.5))
    upside_down = [ts_s for ts_s, (_, high, low, _) in after.items() if high < low]
    assert 5 < len(upside_down) < len(after)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_duplicated_and_missing(provider):
    before = good(provider)
    twice = [bar.ts_s for bar in told(provider, "duplicated", bars=0.5)]
    some = [bar.ts_s for bar in told(provider, "missing", bars=0.5)]
    times = [bar.ts_s for bar in before]
    assert len(twice) > len(set(twice)) > len(times) / 2
    assert 0 < len(set(times) - set(some)) < len(times)
    assert some == [bar.ts_s for bar in told(provider, "missing", bars=0.5)], "the same ones each time"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_split(provider):
    before, rows = floats(good(provider)), told(provider, "split", at_s=-600.0)
    for ts_s, prices in floats(rows).items():
        if ts_s in before:
            assert prices[3] == pytest.approx(
                before[ts_s][3] * (0.25 if ts_s >= NOW_S - 600 else 1), rel=1e-3
            )
    volumes = {bar.ts_s: float(bar.volume) for bar in good(provider)}
    split = {bar.ts_s: float(bar.volume) for bar in rows}
    assert split[NOW_S - 35 - 300] == 4 * volumes[NOW_S - 35 - 300] > 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_zero_volume(provider):
    assert {float(bar.volume) for bar in told(provider, "zero_volume")} == {0.0}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("text", ["NaN", "1,151", ""])
def test_garbage(provider, text):
    delivery = answer(world(Fault(provider, "garbage", text=text, bars=0.5)), provider, SYMBOL)
    rows = finished(provider, delivery.body)
    odd = [bar.close for bar in rows if isinstance(bar.close, str) or bar.close != bar.close]
    odd = [value for value in odd if str(value).lower() in (text.lower(), "nan")]
    assert 0 < len(odd) < len(rows)
    bare = provider in ("yahoo", "polygon") and text == "NaN"
    assert f'"{text}"'.encode() in delivery.body or bare
    assert all(isinstance(value, float) == bare for value in odd)


# when, how often, whom


def test_a_fault_has_its_time():
    one = world(Fault("polygon", "error", 60, 120))
    assert [status_of(one, "polygon", s) for s in (59.9, 60, 119.9, 120)] == [200, 500, 500, 200]


def test_a_fault_may_hit_only_the_next_calls_or_a_share_of_them():
    one = world(Fault("polygon", "error", calls=2))
    assert [status_of(one, "polygon") for _ in range(4)] == [500, 500, 200, 200]

    shares = [world(Fault("polygon", "error", share=0.3)) for _ in range(2)]
    hits = [[status_of(each, "polygon") for _ in range(200)] for each in shares]
    assert 40 < hits[0].count(500) < 80
    assert hits[0] == hits[1]


def test_a_fault_may_be_of_one_instrument_or_endpoint():
    one = world(
        Fault("polygon", "error", symbols=("EUR_USD",)), Fault("alphavantage", "error", where="FX_INTRADAY")
    )
    for provider in ("polygon", "alphavantage"):
        assert status_of(one, provider) == 200
        assert status_of(one, provider, symbol="EUR_USD") == 500


def test_the_first_answer_counts_and_changes_of_bars_add_up():
    assert status_of(world(Fault("*", "error"), Fault("*", "throttle")), "yahoo") == 500
    both = answer(world(Fault("*", "disagree"), Fault("*", "shifted"), Fault("*", "cut")), "polygon", SYMBOL)
    before, after = floats(good("polygon")), floats(bars("polygon", both.body))
    assert all(after[ts_s + 60][0] == pytest.approx(1.05 * prices[0]) for ts_s, prices in before.items())
    assert both.act == "cut"


def test_a_call_above_a_limit_uses_up_no_fault():
    one = World(
        Market(), NOW_NS, limits={"polygon": [(1, 60.0)]}, faults=[Fault("polygon", "html", 1, calls=1)]
    )
    assert [status_of(one, "polygon", s) for s in (0, 1)] == [200, 429]
    path, params = call("polygon", SYMBOL)
    assert one.answer("polygon", path, params, HEADERS, NOW_NS + 60 * 10**9).body.startswith(b"<html>")


def test_what_hit_is_told():
    one = world(Fault("polygon", "spike"), Fault("yahoo", "error", calls=1))
    for provider in ("polygon", "yahoo", "yahoo"):
        status_of(one, provider)

    assert [(asked.provider, asked.symbols, asked.status, asked.faults) for asked in one.asked] == [
        ("polygon", (SYMBOL,), 200, ("spike",)),
        ("yahoo", (SYMBOL,), 500, ("error",)),
        ("yahoo", (SYMBOL,), 200, ()),
    ]
    assert one.report()["yahoo"]["statuses"] == {"500": 1, "200": 1}
    assert one.report()["polygon"]["faults"] == {"spike": 1}
    assert one.script.hits == {0: 1, 1: 1}


def test_a_script_can_be_ended():
    script = Script([Fault("*", "refused")])
    assert script.is_refusing("yahoo", 5.0)
    script.clear()
    assert not script.is_refusing("yahoo", 5.0)


def test_every_kind_is_looked_at_here():
    text = Path(__file__).read_text()
    assert not [kind for kind in KINDS if f'"{kind}"' not in text]
