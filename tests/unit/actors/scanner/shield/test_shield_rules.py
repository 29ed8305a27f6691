"""Each rule on its limit, beside it, and without its input."""

import math

import pytest

from actors.scanner.shield import Shield, parse_shield
from actors.scanner.shield.book import RuleBook
from tests.unit.actors.scanner.shield.rig import candidate, headline, is_open, judge, ns, said, surroundings


def test_shield_without_rules_lets_everything_pass():
    decision = Shield(RuleBook()).judge(candidate(), surroundings())
    assert decision == (False, 1.0, [])
    assert judge("") == decision


def test_shield_multiplies_penalties_and_keeps_all_reasons_worst_first():
    rules = """
rules:
  spread: [{max_pips: 1.5, penalty: 0.2}, {max_pips: 2, penalty: 0.5}, {max_pips: 1, penalty: 0}, {max_pips: 3, veto: true}]
  volatility: {least: 1, timeframe: 1h, if_unknown: pass}
"""
    passed = "volatility: atr_14 of 1h is not there (passed)"
    decision = judge(rules, candidate(spread=0.00024))
    assert decision.reasons == [
        "spread: 2.4 pips is above 2 (-0.5)",
        "spread: 2.4 pips is above 1.5 (-0.2)",
        "spread: 2.4 pips is above 1 (noted)",
        passed,
    ]
    assert (decision.is_vetoed, decision.score) == (False, 0.4)
    decision = judge(rules, candidate(spread=0.00031))
    assert (decision.is_vetoed, decision.score) == (True, 0.0)
    assert decision.reasons[0] == "spread: 3.1 pips is above 3 (veto)"
    assert len(decision.reasons) == 5


def test_shield_vetoes_what_is_below_the_least_score():
    rules = "{least_score: 0.5, rules: {spread: [{max_pips: 1, penalty: 0.5}, {max_pips: 2, penalty: 0.2}]}}"
    assert judge(rules, candidate(spread=0.00015)) == (False, 0.5, ["spread: 1.5 pips is above 1 (-0.5)"])
    decision = judge(rules, candidate(spread=0.00025))
    assert (decision.is_vetoed, decision.score) == (True, 0.0)
    assert decision.reasons[0] == "score: 0.4 is below 0.5 (veto)"


def test_shield_rule_that_is_off_or_for_others_says_nothing():
    wide = candidate(spread=1.0)
    for more in (
        "enabled: false",
        "only: {symbols: ['GBP_*', BTC_USDT]}",
        "only: {strategies: [scalp]}",
        "only: {calendars: [crypto]}",
        "only: {symbols: ['EUR_*'], strategies: [scalp]}",
    ):
        assert said(f"rules: {{spread: {{max_pips: 1, {more}}}}}", wide) == [], more
    only = "only: {symbols: ['GBP_*', 'EUR_*'], strategies: ['trend_*'], calendars: [fx]}"
    assert len(said(f"rules: {{spread: {{max_pips: 1, {only}}}}}", wide)) == 1


@pytest.mark.parametrize(
    ("if_unknown", "is_vetoed", "score", "mark"),
    [("veto", True, 0.0, "veto"), ("penalty", False, 0.6, "-0.4"), ("pass", False, 1.0, "passed")],
)
def test_shield_follows_if_unknown(if_unknown, is_vetoed, score, mark):
    rules = f"rules: {{volatility: {{veto: true, penalty: 0.4, least: 1, indicator: rsi_9, if_unknown: {if_unknown}}}}}"
    reason = f"volatility: rsi_9 of 5m is not there ({mark})"
    assert judge(rules) == (is_vetoed, score, [reason])


def test_spread_in_pips_at_its_limit_and_in_basis_points_without_pips():
    rules = "rules: {spread: {max_pips: 2, max_bp: 5}}"
    assert 1.10022 - 1.10002 != 0.0002
    assert (1.10024 - 1.10004) / 0.0001 > 2.0  # what subtraction leaves is not above the limit
    assert said(rules, candidate(spread=1.10024 - 1.10004)) == []
    assert said(rules, candidate(spread=0.000201)) == ["spread: 2.01 pips is above 2 (-0.3)"]
    coin = {"entry": 60_000.0, "stop": 59_000.0, "target": 62_000.0, "pip_size": 0.0}
    assert said(rules, candidate(spread=30.0, **coin)) == []
    assert said(rules, candidate(spread=33.0, **coin)) == ["spread: 5.5 bp is above 5 (-0.3)"]
    assert said("rules: {spread: {max_pips: 2}}", candidate(spread=33.0, **coin)) == []


def test_spread_against_the_stop():
    rules = "rules: {spread: {max_share_of_stop: 0.25}}"
    assert said(rules, candidate(spread=0.00025)) == []
    assert said(rules, candidate(spread=0.0003, side=-1, stop=1.101, target=1.098)) == [
        "spread: 0.3 of the stop's distance is above 0.25 (-0.3)"
    ]
    assert said(rules, candidate(stop=1.1)) == ["spread: the stop is not away from the entry (-0.3)"]


def test_spread_limits_of_symbols_win_key_by_key():
    rules = """
rules:
  spread:
    max_pips: 1
    max_share_of_stop: 0.5
    symbols: {"*_USD": {max_pips: 9}, "EUR_*": {max_pips: 3}, "GBP_*": {max_pips: 99, max_share_of_stop: 9}}
"""
    assert said(rules, candidate(spread=0.0003)) == []
    assert said(rules, candidate(spread=0.0006)) == [
        "spread: 0.6 of the stop's distance is above 0.5 (-0.3)",
        "spread: 6 pips is above 3 (-0.3)",
    ]
    assert said(rules, candidate(symbol="NZD_USD", spread=0.0004)) == []
    assert said(rules, candidate(symbol="USD_JPY", spread=0.0002)) == ["spread: 2 pips is above 1 (-0.3)"]


@pytest.mark.parametrize("spread", [-0.0001, math.nan, math.inf])
def test_spread_that_is_none(spread):
    (reason,) = said("rules: {spread: {max_pips: 1, if_unknown: veto}}", candidate(spread=spread))
    assert reason == f"spread: a spread of {spread:g} tells nothing (veto)"


def test_volatility_at_its_limits():
    rules = "rules: {volatility: {least: 5, most: 10}}"

    def at(bp):
        return said(rules, candidate(entry=2.0, features={"5m": {"atr_14": bp * 2 / 1e4}}))

    assert at(5) == at(10) == []
    assert at(4.9) == ["volatility: atr_14 of 5m 4.9 bp is below 5 (-0.3)"]
    assert at(10.1) == ["volatility: atr_14 of 5m 10.1 bp is above 10 (-0.3)"]
    assert at(math.nan) == ["volatility: atr_14 of 5m is not there (-0.3)"]
    value = "rules: {volatility: {unit: value, timeframe: 1m, indicator: rsi_14, most: 70}}"
    assert said(value, candidate(features={"1m": {"rsi_14": 70.0}})) == []
    assert said(value, candidate(features={"1m": {"rsi_14": 70.5}})) == [
        "volatility: rsi_14 of 1m 70.5 is above 70 (-0.3)"
    ]


def test_exposure_by_currency_and_direction():
    rules = "rules: {exposure: {max_per_currency: 2, currencies: {USD: 3}}}"
    long_euro = [is_open("EUR_JPY", 1), is_open("GBP_EUR", -1)]
    assert said(rules, around=surroundings(open_signals=long_euro[:1])) == []
    assert said(rules, around=surroundings(open_signals=long_euro)) == [
        "exposure: 2 signals are long EUR, the most is 2 (-0.3)"
    ]
    assert said(rules, candidate(side=-1), surroundings(open_signals=long_euro)) == []
    short_dollar = [is_open("GBP_USD", 1), is_open("USD_CHF", -1), is_open("AUD_USD", 1)]
    other_way = [is_open("USD_JPY", 1), is_open("NZD_USD", -1)]
    assert said(rules, around=surroundings(open_signals=short_dollar[:2] + other_way)) == []
    assert said(rules, around=surroundings(open_signals=short_dollar)) == [
        "exposure: 3 signals are short USD, the most is 3 (-0.3)"
    ]
    only_usd = "rules: {exposure: {currencies: {USD: 3}}}"
    assert said(only_usd, around=surroundings(open_signals=long_euro)) == []


def test_exposure_without_currencies_cannot_be_told():
    rules = "rules: {exposure: {max_per_currency: 1}}"
    around = surroundings(quote="", open_signals=[is_open("EUR_JPY", 1)])
    assert said(rules, around=around) == [
        "exposure: 1 signal is long EUR, the most is 1 (-0.3)",
        "exposure: the currencies of EUR_USD are not known (-0.3)",
    ]
    assert said("rules: {exposure: {max_open: 2}}", around=around) == []


def test_exposure_of_groups_and_in_all():
    rules = """
rules:
  exposure: {max_open: 4, groups: {dollar: {symbols: ["EUR_*", GBP_USD, "-USD_*"], max_open: 2}}}
"""
    same = [is_open("GBP_USD", 1), is_open("USD_CHF", -1)]
    beside = [is_open("USD_CAD", 1), is_open("BTC_USDT", 1)]
    assert said(rules, around=surroundings(open_signals=same[:1] + beside)) == []
    assert said(rules, around=surroundings(open_signals=[*same, *beside])) == [
        "exposure: 2 signals are open with it in group dollar, the most is 2 (-0.3)",
        "exposure: 4 signals are open, the most is 4 (-0.3)",
    ]
    assert said(rules, candidate(symbol="ETH_USDT"), surroundings(open_signals=same)) == []
    assert said(
        "rules: {exposure: {groups: {none: {symbols: [EUR_USD], max_open: 0}}}}", candidate(side=-1)
    ) == ["exposure: 0 signals are open with it in group none, the most is 0 (-0.3)"]


def test_quality_at_its_limits():
    rules = "rules: {quality: }"
    on_limits = candidate(coverage=0.95, quote_age_s=5.0, target=1.101)
    assert said(rules, on_limits) == []
    beside = candidate(coverage=0.9467, quote_age_s=5.01, stop=1.101, target=1.0992, side=-1)
    assert said(rules, beside) == [
        "quality: coverage 0.9467 is below 0.95 (-0.3)",
        "quality: quote age 5.01 s is above 5 (-0.3)",
        "quality: reward/risk 0.8 is below 1 (-0.3)",
    ]
    assert judge(rules, beside).score == 0.343
    blind = candidate(coverage=math.nan, quote_age_s=math.nan, stop=1.1)
    assert said("rules: {quality: {if_unknown: veto}}", blind) == [
        "quality: no risk to measure the reward by (veto)",
        "quality: the coverage is not known (veto)",
        "quality: the quote's age is not known (veto)",
    ]
    off = "rules: {quality: {least_coverage: 0, least_reward_risk: 0, max_quote_age_s: 9}}"
    assert said(off, beside) == said(off, candidate(coverage=math.nan, stop=1.1)) == []
    assert said(off, candidate(quote_age_s=math.inf)) == ["quality: quote age inf s is above 9 (-0.3)"]


def test_quality_tells_near_numbers_apart():
    (reason,) = said("rules: {quality: }", candidate(quote_age_s=5.0000001))
    assert reason == "quality: quote age 5.0000001 s is above 5 (-0.3)"


NEWS = """
events: [{name: NFP, at: 2026-12-04T13:30:00Z, currencies: [USD]}]
rules: {news: {before_min: 10, after_min: 5}}
"""


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("13:19:59", None),
        ("13:20:00", "NFP in 10.0 min, kept free from 10 min before"),
        ("13:29:54", "NFP in 0.1 min, kept free from 10 min before"),
        ("13:30:00", "NFP 0.0 min ago, kept free until 5 min after"),
        ("13:35:00", "NFP 5.0 min ago, kept free until 5 min after"),
        ("13:35:01", None),
    ],
)
def test_news_around_an_event(at, words):
    idea = candidate(ts_ns=ns(f"2026-12-04T{at}Z"))
    assert said(NEWS, idea) == ([f"news: {words} (-0.3)"] if words else [])


def test_news_moves_those_whom_the_event_names():
    at = candidate(ts_ns=ns("2026-12-04T13:30:00Z"))
    assert said(NEWS, at, surroundings(base="EUR", quote="GBP")) == []
    assert len(said(NEWS, at, surroundings(base="USD", quote="CHF"))) == 1
    by_symbol = NEWS.replace("currencies: [USD]", "symbols: ['EUR_*']")
    assert len(said(by_symbol, at, surroundings(base="", quote=""))) == 1
    assert said(by_symbol, at._replace(symbol="USD_JPY")) == []
    of_all = NEWS.replace(", currencies: [USD]", "")
    assert len(said(of_all, at._replace(symbol="BTC_USDT"), surroundings(base="BTC", quote="USDT"))) == 1


def test_news_tells_the_nearest_of_the_chosen_events():
    text = """
events: [{name: far, at: 2026-11-18T12:09:00Z}, {name: near, at: 2026-11-18T11:57:30Z}, {name: x, at: 2026-11-18T12:00:00Z}]
rules: {news: {events: [far, "n*"]}}
"""
    assert said(text) == ["news: near 2.5 min ago, kept free until 15 min after (-0.3)"]
    assert said(text.replace('[far, "n*"]', "[]")) == []


def test_news_after_a_headline():
    rules = "rules: {news: {headline_min: 10, titles: ['rate  decision', 'halt*']}}"
    prefix = "news: headline of wire"

    def heard(*headlines):
        return said(rules, around=surroundings(headlines=headlines))

    mine = ("GBP_USD", "EUR_USD")
    assert heard(headline(10, symbols=mine)) == [f"{prefix} 10.0 min ago, kept free for 10 min: Talk (-0.3)"]
    assert heard(headline(10.01, symbols=mine), headline(-0.01, symbols=mine), headline(1)) == []
    assert heard(
        headline(9, symbols=mine), headline(3, "Trading HALTED\n in X"), headline(5, symbols=mine)
    ) == [f"{prefix} 3.0 min ago, kept free for 10 min: Trading HALTED in X (-0.3)"]
    assert heard(headline(1, "A Rate decision, at last")) != []
    assert (
        heard(headline(1, "Corporate decision"), headline(1, "asphalt"), headline(1, "rated decisions")) == []
    )
    off = "rules: {news: {headline_min: 0}}"
    assert said(off, around=surroundings(headlines=[headline(0, symbols=mine)])) == []
    (long,) = heard(headline(1, "halt " + "w" * 500))
    assert len(long) < 130
    assert long.endswith("w… (-0.3)")


def test_shield_repeats_itself_and_touches_nothing():
    text = NEWS + "  \n"
    book = parse_shield(text, "f")
    idea, around = candidate(ts_ns=ns("2026-12-04T13:30:00Z")), surroundings()
    assert Shield(book).judge(idea, around) == Shield(parse_shield(text, "g")).judge(idea, around)
