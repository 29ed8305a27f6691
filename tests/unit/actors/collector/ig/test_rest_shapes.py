"""IG's recorded REST answers against numbers computed elsewhere; and answers that cannot be read."""

from datetime import timedelta, timezone

import pytest

from actors.collector.ig.rest_shapes import Application, Market, SessionBody, decode, error_code, parse_prices
from actors.collector.outcomes import Reject
from tests.support.data import data_dir, recording, truth

pytestmark = [
    pytest.mark.recording,
    pytest.mark.skipif(data_dir() is None, reason="no recordings"),
]
BST = timezone(timedelta(hours=1))


def body(name):
    return recording(f"ig/{name}.json").read_bytes()


def test_candles_of_version_3_are_in_utc():
    history = parse_prices("ig", "XAU_USD", body("rest_historic_prices"), "1m")
    told = truth("ig/rest_historic_prices.json", "rest_and_misc")
    bars = history.bars
    assert len(bars) == told["n"]
    assert sum(bar.count for bar in bars) == told["volume"]
    assert bars[0].close == told["first_mid_close"]
    assert bars[0].ts_open_ns == 1_602_535_800 * 10**9  # 2020-10-12T20:50:00Z, an hour before the local time
    assert bars[-1].ts_event_ns == 1_602_536_400 * 10**9
    assert history.allowance.remainingAllowance == told["allowance"]["remainingAllowance"]
    assert (history.skipped, {bar.volume for bar in bars}) == (0, {0.0})


def test_candles_of_version_1_need_the_accounts_time_zone():
    data = body("rest_historic_prices_v1")
    refused = parse_prices("ig", "XAU_USD", data, "1d")
    assert isinstance(refused, Reject)
    assert refused.reason == "local_time"
    told = truth("ig/rest_historic_prices_v1.json", "rest_and_misc")
    history = parse_prices("ig", "XAU_USD", data, "1d", zone=BST)
    assert len(history.bars) == told["n"]
    assert sum(bar.count for bar in history.bars) == told["volume"]
    assert history.bars[0].close == told["first_mid_close"]
    assert history.bars[0].ts_open_ns == 1_598_932_800 * 10**9  # 2020-09-01T04:00:00Z
    assert history.allowance.allowanceExpiry == told["allowance"]["allowanceExpiry"]


def test_points_become_prices():
    data = body("rest_historic_prices").replace(b"19", b"119")
    plain, points = (parse_prices("ig", "X_Y", data, "1m", divisor) for divisor in (1.0, 1e4))
    assert points.bars[0].close == pytest.approx(plain.bars[0].close / 1e4)


def test_a_candle_without_a_side_is_left_out():
    data = body("rest_historic_prices").replace(b'"bid": 1927.3', b'"bid": null', 1)
    history = parse_prices("ig", "X_Y", data, "1m")
    assert (len(history.bars), history.skipped) == (9, 1)


def test_the_other_answers():
    assert decode(body("rest_accounts"), SessionBody).account == "ABC123"
    session = decode(body("rest_session"), SessionBody)
    assert (session.account, session.timezoneOffset) == ("ABC123", 1.0)
    assert session.lightstreamerEndpoint == "https://demo-apd.marketdatasystems.com"
    market = decode(body("rest_markets_epic"), Market)
    assert (market.instrument.epic, market.snapshot.scalingFactor) == ("CO.D.CFI.Month2.IP", 1)
    (application,) = decode(body("rest_application"), list[Application])
    assert (application.concurrentSubscriptionsLimit, application.allowanceAccountOverall) == (40, 30)
    assert decode(body("rest_switch"), SessionBody).account == ""


def test_words_of_refusals():
    assert error_code(b'{"errorCode":"error.security.invalid-details"}') == "error.security.invalid-details"
    for rubbish in (
        b"",
        b"{}",
        b"[]",
        b'{"errorCode":7}',
        b'{"errorCode":"a b\\n"}',
        b'{"errorCode":"' + b"x" * 500 + b'"}',
    ):
        assert error_code(rubbish) == ""


@pytest.mark.parametrize(
    "change",
    [(b"1926.4", b"-1"), (b"1926.4", b'"x"'), (b"2020-10-12T20:50:00", b"soon"), (b'"prices"', b'"p"'), (b"]", b""),
     (b'"snapshotTimeUTC": "2020-10-12T20:50:00"', b'"snapshotTimeUTC": "0001-01-01T00:00:00+23:59"')],
)  # fmt: skip
def test_malformed_candles_are_refused(change):
    refused = parse_prices("ig", "X_Y", body("rest_historic_prices").replace(*change), "1m")
    assert isinstance(refused, Reject)
    assert refused.reason == "invalid_rest_answer"
