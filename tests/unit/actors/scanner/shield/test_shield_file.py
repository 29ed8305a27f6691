"""`shield.yaml`: every mistake with its place, what counts as a change, and the file of the repository."""

import pkgutil
import re

import pytest

from actors.scanner.shield import RuleBook, Shield, parse_shield, rules
from actors.scanner.shield.catalogue import RULES, Rules
from protocol.errors import ConfigError
from tests.support.paths import ROOT
from tests.unit.actors.scanner.shield.rig import candidate, is_open, ns, surroundings

DEFAULT = (ROOT / "config" / "shield.yaml").read_text()
PAGE = (ROOT / "docs" / "howto" / "shield.md").read_text()


def problems(text):
    with pytest.raises(ConfigError) as caught:
        parse_shield(text, "F")
    return caught.value.problems


def test_file_names_every_mistake_with_place_and_suggestion():
    found = problems("""
session: {}
sessions:
  london: {zone: Europe/Londn, windows: [{from: 8:00, to: 16:30, day: [mon]}, {from: fri 16:00, to: 17:00}]}
  closed: {zone: UTC}
events:
  - {name: NFP, at: 2026-11-22T13:30:00, currencies: [usd]}
  - {name: CPI}
  - {at: 2026-11-22T13:30:00Z, weekly: "13:30"}
least_score: 2
rules:
  spred: {}
  spread: [{max_pip: 2}, {max_pips: -1, symbols: {"GBP_*": {max_pips: wide}}}, {veto: perhaps, max_bp: 1}]
  time_of_week: {allow: [londn, london], only: {calendars: [forex], symbol: [A]}}
  volatility: {least: 5, most: 4, timeframe: 7m, if_unknown: veto!}
  exposure: {currencies: {usd: 1}, groups: {a: {symbols: [X], max_open: -1}}}
  quality: 5
  news: {events: NFP}
""")
    near_places = [problem.replace("'", "") for problem in found]
    expected = [
        "F:2:1: session: unknown key; did you mean sessions?",
        "F:4:18: sessions.london.zone: no such time zone, like Europe/London (got Europe/Londn); did you mean Europe/London?",
        "F:4:49: sessions.london.windows[0].from: expected a time like 16:00 or fri 16:00 (got 8:00)",
        "F:4:66: sessions.london.windows[0].day: unknown key; did you mean days?",
        "F:4:79: sessions.london.windows[1]: from and to: give both a day (fri 16:00), or none",
        "F:5:11: sessions.closed: windows is missing: it has no default",
        "F:7:21: events[0].at: expected a time with its zone, like 2026-11-22T13:30:00Z (got 2026-11-22T13:30:00)",
        "F:7:55: events[0].currencies[0]: expected a currency in capitals, like USD (got usd)",
        "F:8:5: events[1]: an event has either `at` or `weekly`",
        "F:9:5: events[2]: name is missing: it has no default",
        "F:9:5: events[2]: an event has either `at` or `weekly`",
        "F:9:40: events[2].weekly: expected a day and a time, like fri 08:30 (got 13:30)",
        "F:10:14: least_score: expected a number >= 0 and <= 1 (got 2)",
        "F:12:3: rules.spred: unknown key; did you mean spread?",
        "F:13:12: rules.spread[0]: no limit: set one of max_pips, max_bp, max_share_of_stop",
        "F:13:13: rules.spread[0].max_pip: unknown key; did you mean max_pips?",
        "F:14:26: rules.time_of_week.allow[0]: no session londn under `sessions`; did you mean london?",
        "F:14:61: rules.time_of_week.only.calendars[0]: expected one of crypto, fx, cme, us_equity (got forex)",
        "F:14:69: rules.time_of_week.only.symbol: unknown key; did you mean symbols?",
        "F:15:15: rules.volatility: least 5 is above most 4: nothing is between them",
        "F:15:46: rules.volatility.timeframe: timeframe 7m does not divide a day",
        "F:15:62: rules.volatility.if_unknown: expected one of veto, pass, penalty (got veto!); did you mean veto?",
        "F:16:27: rules.exposure.currencies.usd: expected a currency in capitals, like USD (got usd)",
        "F:16:73: rules.exposure.groups.a.max_open: expected an integer >= 0 and <= 100000 (got -1)",
        "F:18:18: rules.news.events: expected a list of text (got NFP)",
    ]
    assert [line for line in expected if line not in near_places] == []
    assert [line for line in near_places if line in expected] == expected
    rest = [line for line in near_places if line not in expected]
    assert [re.match(r"F:\d+:\d+: [^:]+", line)[0] for line in rest] == [
        "F:13:37: rules.spread[1].max_pips",
        "F:13:71: rules.spread[1].symbols.GBP_*.max_pips",
        "F:13:87: rules.spread[2].veto",
        "F:17:12: rules.quality",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a", "F:1:1: expected a mapping"),
        ("word", "F:1:1: expected a mapping"),
        ("rules: {", "not YAML"),
        ("rules: {news: {}, news: {}}", "F:1:19: rules.news: is already set at F:1:9"),
        ("rules: [news]", "F:1:8: rules: expected a mapping"),
        ("rules: {spread: [[]]}", "F:1:18: rules.spread[0]: expected a mapping"),
        ("rules: {spread: {max_pips: nan}}", "rules.spread.max_pips: expected"),
        ("rules: {spread: {max_pips: 1, penalty: nan}}", "rules.spread.penalty: expected"),
        ("rules: {spread: {}}", "no limit"),
        ("rules: {exposure: {}}", "no limit"),
        ("rules: {volatility: }", "no limit"),
        ("rules: {time_of_week: {allow: []}}", "no hours"),
        ("rules: {time_of_week: {allow: [london]}}", "no session 'london' under `sessions`; there is none"),
        (
            "rules: {time_of_week: {refuse: [{from: 24:01, to: 1:00}]}}",
            "like 16:00 or fri 16:00 (got '24:01')",
        ),
        ("rules: {time_of_week: {refuse: [{days: [fri], from: fri 16:00, to: sat 16:00}]}}", "is enough"),
        ("rules: {time_of_week: {zone: ../etc, refuse: [{from: 16:00, to: 17:00}]}}", "no such time zone"),
        ("rules: {time_of_week: {zone: '', refuse: [{from: 16:00, to: 17:00}]}}", "no such time zone"),
        ("events: [{name: a, at: soon}]", "expected a time with its zone"),
        ("events: [{name: a, at: 2026-11-22T13:30:00Z, zone: UTC}]", "zone is for `weekly`"),
        ("sessions: [london]", "F:1:11: sessions: expected a mapping"),
        ("sessions: {a: {windows: [1]}}", "sessions.a.windows[0]: expected a mapping"),
    ],
)
def test_file_refuses(text, words):
    found = problems(text)
    assert any(words in problem for problem in found), found


def test_digest_changes_with_what_is_in_force_only():
    digest = parse_shield("rules: {quality: {penalty: 0.5}}", "F").digest
    same = "# a remark\nrules:\n  quality:\n    penalty: 0.50\n    least_coverage:\n"
    assert parse_shield(same, "G").digest == digest
    others = [
        "rules: {quality: {penalty: 0.6}}",
        "rules: {quality: {penalty: 0.5}, news: }",
        "{least_score: 0.1, rules: {quality: {penalty: 0.5}}}",
        "{events: [{name: a, at: 2026-11-22T13:30:00Z}], rules: {quality: {penalty: 0.5}}}",
        "",
    ]
    digests = {parse_shield(text, "F").digest for text in others}
    assert len(digests | {digest}) == len(others) + 1
    assert parse_shield("", "F").digest == RuleBook().digest


def test_rule_of_every_file_is_in_the_catalogue_and_on_the_page():
    names = sorted(found.name for found in pkgutil.iter_modules(rules.__path__))
    assert [rule.name for rule in RULES] == names == sorted(Rules.__struct_fields__)
    for rule in RULES:
        assert f"### `{rule.name}`" in PAGE
        section = PAGE.partition(f"### `{rule.name}`")[2].partition("\n### ")[0]
        for field in rule.Settings.__struct_fields__:
            assert f"`{field}`" in (section + PAGE.partition("## 2")[2].partition("## 3")[0]), (
                rule.name,
                field,
            )


def test_file_of_the_repository_is_in_order():
    book = parse_shield(DEFAULT, "config/shield.yaml")
    assert {rule.name for rule in book.rules} == {rule.name for rule in RULES}
    good = Shield(book).judge(candidate(), surroundings())
    assert good == (False, 1.0, [])
    coin = candidate(
        symbol="BTC_USDT",
        entry=60_000.0,
        stop=59_800.0,
        target=60_400.0,
        spread=1.0,
        pip_size=0.0,
        features={},
    )
    of_coins = surroundings(base="BTC", quote="USDT", session="crypto")
    saturday = coin._replace(ts_ns=ns("2026-11-21T12:00:00Z"))
    assert Shield(book).judge(saturday, of_coins) == (
        False,
        1.0,
        ["volatility: atr_14 of 5m is not there (passed)"],
    )
    bad = Shield(book).judge(candidate(spread=0.001, ts_ns=ns("2026-11-21T12:00:00Z")), surroundings())
    assert bad.is_vetoed
    assert sum("(veto)" in reason for reason in bad.reasons) == 3


def test_file_of_the_repository_counts_dollars():
    book = parse_shield(DEFAULT, "config/shield.yaml")
    around = surroundings(open_signals=[is_open("GBP_USD", 1), is_open("AUD_USD", 1), is_open("USD_CHF", -1)])
    assert Shield(book).judge(candidate(), around).reasons == [
        "exposure: 3 signals are open with it in group dollar, the most is 3 (veto)"
    ]


def test_commented_events_of_the_file_are_right():
    events = "".join(re.findall(r"^#(  - \{name: .*\n)", DEFAULT, flags=re.MULTILINE))
    assert events.count("\n") == 3
    parse_shield(f"events:\n{events}", "F")


def test_yaml_of_the_page_is_right():
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        parse_shield(block, "F")
