"""Raw quotes to real ones: the divisor is found once, checked always, and never guessed anew."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.ig.epic_tape import CHART_FIELDS, PLAIN_PRICE_FIELDS, PRICE_FIELDS, EpicTape
from actors.collector.ig.prices import (
    BANDS,
    DIVISORS,
    Scale,
    choose_divisor,
    known_divisor,
    number,
    pip_of,
    spread_pips,
    time_ns,
)
from protocol.messages import Quote
from protocol.sessions import session_named

NOW = 1_795_168_800_500_000_000
MS = "1795168800123"


@pytest.mark.parametrize("symbol", sorted(BANDS))
def test_no_band_lets_two_divisors_through(symbol):
    low, high = BANDS[symbol]
    assert 1 < high / low < 10


@pytest.mark.parametrize(
    ("epic", "divisor"),
    [("CS.D.EURUSD.CFD.IP", 1.0), ("CS.D.EURUSD.MINI.IP", 1.0), ("CS.D.EURUSD.CEEM.IP", 1e4), ("CS.D.GBPUSD.TODAY.IP", 1e4),
     ("CS.D.USDJPY.CEEM.IP", 100.0), ("IX.D.DAX.IFMM.IP", None), ("CS.D.EURUSD.NEW.IP", None)],
)  # fmt: skip
def test_what_is_known_of_kinds_of_contracts(epic, divisor):
    assert known_divisor(epic) == divisor


@pytest.mark.parametrize(
    ("symbol", "epic", "bid", "ask", "real"),
    [
        ("EUR_USD", "CS.D.EURUSD.CEEM.IP", 11515.4, 11516.0, (1.15154, 1.1516)),
        ("EUR_USD", "CS.D.EURUSD.CFD.IP", 1.15154, 1.1516, (1.15154, 1.1516)),
        ("GBP_USD", "CS.D.GBPUSD.MINI.IP", 1.313425, 1.313515, (1.313425, 1.313515)),
        ("USD_JPY", "CS.D.USDJPY.TODAY.IP", 15833.2, 15833.9, (158.332, 158.339)),
        ("EUR_USD", "CS.D.EURUSD.MINI.IP", 11515.4, 11516.0, (1.15154, 1.1516)),
    ],
)
def test_points_and_prices(symbol, epic, bid, ask, real):
    scale = Scale(epic, None, BANDS[symbol])
    assert scale.real(bid, ask) == pytest.approx(real, rel=1e-12)
    assert scale.verdict.is_surprising == (epic == "CS.D.EURUSD.MINI.IP" and bid > 2)


def test_a_wrong_setting_is_corrected_and_told():
    verdict = choose_divisor(11515.4, 1.0, BANDS["EUR_USD"])
    assert (verdict.divisor, verdict.is_verified, verdict.is_surprising) == (1e4, True, True)


def test_a_price_that_fits_nothing_is_not_published_and_not_remembered():
    scale = Scale("CS.D.EURUSD.CFD.IP", None, BANDS["EUR_USD"])
    assert scale.real(37.0, 37.1) == "ig_price_out_of_band"
    assert scale.verdict is None
    assert scale.real(1.1, 1.2) == (1.1, 1.2)


def test_the_divisor_stays_when_later_quotes_would_ask_for_another():
    scale = Scale("CS.D.EURUSD.CEEM.IP", None, BANDS["EUR_USD"])
    scale.real(11515.4, 11516.0)
    assert scale.real(1.15154, 1.1516) == "ig_price_out_of_band"
    assert scale.verdict.divisor == 1e4


def test_two_epics_of_different_scaling_at_once():
    points, plain = (
        Scale(epic, None, BANDS["EUR_USD"]) for epic in ("CS.D.EURUSD.CEEM.IP", "CS.D.EURUSD.CFD.IP")
    )
    for _ in range(3):
        assert points.real(11515.4, 11516.0) == pytest.approx(plain.real(1.15154, 1.1516))


def test_an_unknown_epic_waits_for_a_hint():
    scale = Scale("IX.D.DAX.IFMM.IP", None, None)
    assert scale.needs_hint
    assert scale.real(24745.5, 24747.3) == "ig_scale_unknown"
    scale.hint(1)
    assert scale.real(24745.5, 24747.3) == (24745.5, 24747.3)
    assert not scale.verdict.is_verified
    configured = Scale("IX.D.DAX.IFMM.IP", 1.0, None)
    assert not configured.needs_hint


@settings(deadline=None)
@given(st.sampled_from(sorted(BANDS)), st.floats(0, 1), st.sampled_from(DIVISORS), st.sampled_from(DIVISORS))
def test_any_price_in_its_band_comes_out_whatever_it_is_multiplied_with(symbol, share, factor, configured):
    low, high = BANDS[symbol]
    price = low + share * (high - low)
    scale = Scale("X", configured, (low * 0.999, high * 1.001))
    assert scale.real(price * factor, price * factor) == pytest.approx((price, price))


def test_pips():
    assert pip_of("EUR_USD", 0.0) == 0.0001
    assert pip_of("USD_JPY", 0.0) == 0.01
    assert pip_of("USD_JPY.FUT", 0.0) == 0.01
    assert pip_of("X_Y", 0.5) == 0.5
    assert spread_pips(1.15154, 1.1516, 0.0001) == pytest.approx(0.6)
    assert spread_pips(1.1516, 1.15154, 0.0001) == pytest.approx(-0.6)


@pytest.mark.parametrize("text", [None, "", "x", "nan", "inf", "-1", "1e13"])
def test_no_number(text):
    assert number(text) is None


@pytest.mark.parametrize(
    ("text", "ns"),
    [(MS, 1_795_168_800_123_000_000), ("2026-05-21T08:04:30.231Z", 1_779_350_670_231_000_000), ("", None), (None, None),
     ("0", None), ("9" * 15, None), ("9" * 9999, None), ("08:04:30", None), ("2026-05-21T08:04:30", None), ("x", None)],
)  # fmt: skip
def test_times(text, ns):
    assert time_ns(text) == ns


def tape(item="PRICE", epic="CS.D.EURUSD.CEEM.IP"):
    one = EpicTape("ig", "EUR_USD", epic, Scale(epic, None, BANDS["EUR_USD"]), session_named("fx"), 0.0001)
    one.subscription(item, "ABC12")
    return one


def values(bid="11515.4", ask="11516.0", time=MS, flag="DEAL", bid_size="5", ask_size=None):
    return [bid, ask, time, flag, bid_size, ask_size]


class TestTape:
    def test_a_quote(self):
        quote = tape().take(values(), NOW)
        assert quote == Quote("EUR_USD", "ig", 1_795_168_800_123_000_000, NOW, 1.15154, 1.1516, 5.0, 0.0, 0)
        assert quote.validate() == []

    def test_what_it_subscribes_to(self):
        price = tape().subscription("PRICE", "ABC12")
        assert price == ("MERGE", "PRICE:ABC12:CS.D.EURUSD.CEEM.IP", " ".join(PRICE_FIELDS), "Pricing")
        chart = tape("CHART").subscription("CHART", "ABC12")
        assert chart == ("DISTINCT", "CHART:CS.D.EURUSD.CEEM.IP:TICK", "BID OFR UTM", "")

    def test_a_refused_schema_stays_refused(self):
        one = tape()
        one.fields = PLAIN_PRICE_FIELDS
        assert one.subscription("PRICE", "A").schema == "BIDPRICE1 ASKPRICE1 TIMESTAMP DLG_FLAG"
        assert one.take(values()[:4], NOW).bid_size == 0.0

    @pytest.mark.parametrize("flag", ["DEAL", "DEALNOEDIT", "EDIT", " DEAL   "])
    def test_states_in_which_somebody_deals(self, flag):
        assert isinstance(tape().take(values(flag=flag), NOW), Quote)

    @pytest.mark.parametrize(
        "flag", ["CLOSED", "CALL", "CLOSINGONLY", "AUCTION", "AUCTIONNOEDIT", "SUSPEND", "CLOSED  "]
    )
    def test_states_in_which_nobody_does(self, flag):
        one = tape()
        assert one.take(values(flag=flag), NOW) == ""
        assert one.is_closed_by_venue

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"flag": "NEWSTATE"}, "ig_state_unknown"),
            ({"flag": None}, "ig_state_unknown"),
            ({"bid": None}, ""),
            ({"ask": ""}, ""),
            ({"bid": "nan"}, "invalid_price"),
            ({"ask": "0"}, "invalid_price"),
            ({"time": "yesterday"}, "invalid_time"),
            ({"bid": "370000"}, "ig_price_out_of_band"),
        ],
    )
    def test_what_is_no_quote(self, changes, reason):
        assert tape().take(values(**changes), NOW) == reason

    def test_without_a_time_it_is_ours(self):
        assert tape().take(values(time=None), NOW).ts_event_ns == NOW

    def test_older_ones_and_repeated_ones(self):
        one = tape()
        one.keep(one.take(values(), NOW))
        assert one.take(values(), NOW + 5) == ""
        assert one.take(values(time="1795168800122"), NOW) == "stale_quote"
        assert isinstance(one.take(values(bid="11515.5"), NOW), Quote)
        assert one.spread_pips == pytest.approx(0.6)
        assert one.updates == 4

    def test_a_chart_has_no_state(self):
        one = tape("CHART", "CS.D.EURUSD.MINI.IP")
        assert one.fields == CHART_FIELDS
        quote = one.take(["1.17305", "1.17311", "1757083820936"], NOW)
        assert (quote.bid, quote.ask, quote.bid_size) == (1.17305, 1.17311, 0.0)

    @settings(max_examples=300, deadline=None)
    @given(
        st.lists(
            st.one_of(st.none(), st.text(max_size=12), st.sampled_from(values())), min_size=6, max_size=6
        )
    )
    def test_nothing_raises(self, row):
        found = tape().take(row, NOW)
        assert isinstance(found, Quote | str)
