"""Laws that hold for any rules and any idea."""

import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from actors.scanner.shield import Exposure, Headline, Shield, parse_shield
from tests.unit.actors.scanner.shield.rig import MINUTE_NS, NOW, candidate, surroundings

EVENTS = [
    {"name": "once", "at": "2026-11-18T12:10:00Z", "currencies": ["USD"]},
    {"name": "often", "weekly": "wed 07:00", "zone": "America/New_York"},
]
SESSIONS = {"london": {"zone": "Europe/London", "windows": [{"from": "08:00", "to": "16:30"}]}}
ANY = st.floats(width=32)
LEVELS = st.sampled_from([0.5, 1.0, 2.0, 5.0])
CONSEQUENCE = st.fixed_dictionaries(
    {
        "veto": st.sampled_from(["true", "false", "false", "false"]),
        "penalty": st.sampled_from([0, 1e-9, 0.1, 0.3, 1 / 3, 0.9, 1]),
        "if_unknown": st.sampled_from(["veto", "pass", "penalty"]),
    }
)


def entry(kind, **keys):
    return st.tuples(st.just(kind), st.fixed_dictionaries(keys), CONSEQUENCE).map(
        lambda parts: (parts[0], parts[1] | parts[2])
    )


ENTRIES = st.one_of(
    entry("spread", max_pips=LEVELS, max_bp=LEVELS, max_share_of_stop=LEVELS),
    entry("volatility", least=st.just(1), most=st.sampled_from([2, 50])),
    entry("exposure", max_open=st.integers(0, 3), max_per_currency=st.integers(0, 2)),
    entry("quality", max_quote_age_s=LEVELS, least_reward_risk=LEVELS),
    entry("news", before_min=st.integers(0, 60), headline_min=st.integers(0, 60), titles=st.just(["cut"])),
    entry("time_of_week", allow=st.just(["london"])),
    entry("time_of_week", refuse=st.just([{"from": "tue 12:00", "to": "thu 12:30"}])),
)
IDEAS = st.builds(
    candidate,
    symbol=st.sampled_from(["EUR_USD", "BTC_USDT"]),
    side=st.sampled_from([1, -1]),
    entry=ANY,
    stop=ANY | st.just(1.099),
    target=ANY,
    ts_ns=st.integers(-(10**4), 10**4).map(lambda minutes: NOW + minutes * MINUTE_NS),
    spread=ANY | LEVELS.map(lambda pips: pips / 1e4),
    pip_size=st.sampled_from([0.0, 0.0001]),
    features=st.one_of(st.just({}), ANY.map(lambda value: {"5m": {"atr_14": value}})),
    coverage=ANY,
    quote_age_s=ANY,
)
CURRENCIES = st.sampled_from(["EUR", "USD", "BTC", ""])
AROUND = st.builds(
    surroundings,
    open_signals=st.lists(
        st.builds(
            Exposure, st.just("EUR_USD"), CURRENCIES, CURRENCIES, st.sampled_from([1, -1]), st.just("x")
        ),
        max_size=4,
    ),
    headlines=st.lists(
        st.builds(
            Headline,
            st.integers(-60, 60).map(lambda minutes: NOW + minutes * MINUTE_NS),
            st.sampled_from([(), ("EUR_USD",)]),
            st.sampled_from(["Cut", "No news"]),
            st.just("wire"),
        ),
        max_size=3,
    ),
    base=CURRENCIES,
    quote=CURRENCIES,
)
LEAST = st.sampled_from([0, 0.2, 0.7])


def decide(entries, idea, around, least=0):
    rules = {}
    for kind, settings in entries:
        rules.setdefault(kind, []).append(settings)
    text = json.dumps({"sessions": SESSIONS, "events": EVENTS, "least_score": least, "rules": rules})
    return Shield(parse_shield(text, "F")).judge(idea, around)


@given(st.lists(ENTRIES, max_size=6), IDEAS, AROUND, LEAST)
def test_score_is_a_share_a_veto_is_nothing_and_nothing_is_without_a_reason(entries, idea, around, least):
    decision = decide(entries, idea, around, least)
    assert 0.0 <= decision.score <= 1.0
    assert decision.is_vetoed == any(reason.endswith("(veto)") for reason in decision.reasons)
    assert not (decision.is_vetoed and decision.score)
    assert decision.is_vetoed or decision.score >= least
    if decision.score < 1.0:
        assert decision.reasons
    first_kind = [reason.endswith("(veto)") for reason in decision.reasons]
    assert first_kind == sorted(first_kind, reverse=True)


@given(st.lists(ENTRIES, max_size=5), ENTRIES, IDEAS, AROUND, LEAST)
def test_one_rule_more_never_raises_the_score_or_lifts_a_veto(entries, another, idea, around, least):
    before, after = decide(entries, idea, around, least), decide([*entries, another], idea, around, least)
    assert after.score <= before.score
    assert after.is_vetoed or not before.is_vetoed
    assert len(after.reasons) >= len([one for one in before.reasons if not one.startswith("score:")])


@given(st.lists(ENTRIES, max_size=6), IDEAS, AROUND, LEAST, st.randoms(use_true_random=False))
def test_order_of_rules_headlines_and_signals_does_not_matter(entries, idea, around, least, random):
    shuffled, signals, headlines = (
        random.sample(rows, len(rows)) for rows in (entries, around.open_signals, around.headlines)
    )
    other = around._replace(open_signals=signals, headlines=headlines)
    assert decide(shuffled, idea, other, least) == decide(entries, idea, around, least)


@given(st.lists(ENTRIES, max_size=4), IDEAS, AROUND)
def test_what_comes_later_is_not_looked_at(entries, idea, around):
    later = Headline(idea.ts_ns + 1, (idea.symbol,), "Cut", "wire")
    other = around._replace(headlines=[*around.headlines, later])
    assert decide(entries, idea, other) == decide(entries, idea, around)


@given(st.lists(ENTRIES, max_size=4), IDEAS, AROUND)
def test_shield_remembers_nothing(entries, idea, around):
    rules = {}
    for kind, settings in entries:
        rules.setdefault(kind, []).append(settings)
    text = json.dumps({"sessions": SESSIONS, "events": EVENTS, "rules": rules})
    shield = Shield(parse_shield(text, "F"))
    first = shield.judge(idea, around)
    shield.judge(candidate(ts_ns=NOW + 7), surroundings())
    assert shield.judge(idea, around) == first


def test_score_does_not_hang_on_the_order_even_in_its_last_digit():
    scores = set()
    for penalties in itertools.permutations([0.01, 0.02, 0.05, 0.25]):
        entries = [("spread", {"max_pips": 1, "penalty": penalty}) for penalty in penalties]
        scores.add(decide(entries, candidate(spread=0.0005), surroundings()).score)
    assert scores == {0.691267}
