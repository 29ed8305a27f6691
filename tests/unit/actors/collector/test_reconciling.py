"""Gaps that nobody accounts for any more come to an end."""

from actors.collector.reconciling import REASON, forgotten
from protocol.messages import Gap

NAME = "collector.binance.1"


def gap(gap_id, state="open", to_ts_ns=0):
    return Gap(gap_id, "binance", "BTC_USDT", "book", 1, 2, 5, to_ts_ns, "disconnect", state)


def ended(*gaps, knows=()):
    return {found.gap_id: found for found in forgotten(gaps, NAME, 9, set(knows).__contains__)}


def test_an_older_one_that_is_not_known_ends_and_says_why():
    found = ended(gap(f"{NAME}-8-3"), gap(f"{NAME}-7-1", "filling", 7))
    assert found[f"{NAME}-8-3"].state == found[f"{NAME}-7-1"].state == "unfillable"
    assert (found[f"{NAME}-8-3"].to_ts_ns, found[f"{NAME}-7-1"].to_ts_ns) == (5, 7)
    assert found[f"{NAME}-8-3"].reason == REASON


def test_what_is_known_or_ended_or_of_this_epoch_or_of_others_stays():
    known = f"{NAME}-8-3"
    others = [
        gap(known), gap(f"{NAME}-8-4", "filled", 7), gap(f"{NAME}-9-1"), gap(f"{NAME}-10-1"),
        gap("collector.binance.11-8-1"), gap("collector.binance-8-1"), gap("bus-x"), gap("nonsense"),
    ]  # fmt: skip
    assert ended(*others, knows=[known]) == {}
