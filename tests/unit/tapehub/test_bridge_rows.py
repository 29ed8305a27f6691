"""What a bridge's status means to a person."""

from __future__ import annotations

from typing import Any

import pytest

from tapehub.bridge_rows import bridge_hop, is_meant, trouble
from tapehub.hops import FAIL, OK, SKIP, WARN

GOOD: dict[str, Any] = {
    "state": "mirroring", "stream": "TAPEHUB", "server": "nats://a:4222", "topics": ["trade.binance.", "bar."],
    "is_live": True, "holes": 0, "oldest_unconfirmed_s": 0.002,
}  # fmt: skip


def test_trouble_is_told_only_of_bridges_that_mirror_nothing() -> None:
    assert not trouble({})
    assert not trouble({"mirror": GOOD})
    assert trouble({"mirror": {"state": "opening"}}) == "mirrors nothing: it is connecting"
    assert trouble({"mirror": {"state": "failed", "trouble": "refused"}}) == "mirrors nothing: refused"


@pytest.mark.parametrize(
    ("mirror", "error", "status", "says"),
    [
        (GOOD, "", OK, "mirrors trade.binance., bar. into TAPEHUB of nats://a:4222"),
        (GOOD | {"is_live": False}, "", WARN, "catching up"),
        (GOOD | {"holes": 2}, "", WARN, "2 holes"),
        (GOOD | {"topics": ["trade.binance.ETH_USDT"]}, "", SKIP, "nothing of this symbol"),
        (GOOD | {"state": "failed", "trouble": "no server"}, "", FAIL, "mirrors nothing: no server"),
        ({}, "no answer", FAIL, "no answer"),
    ],
)
def test_the_hop(mirror: dict[str, Any], error: str, status: str, says: str) -> None:
    hop = bridge_hop("bridge.1", {"mirror": mirror}, error, "BTC_USDT")
    assert (hop.place, hop.name, hop.status) == ("bridge", "bridge.1", status)
    assert says in hop.text


def test_a_prefix_means_every_symbol_that_it_does_not_exclude() -> None:
    assert is_meant("trade.", "BTC_USDT")
    assert is_meant("bar.binance.BTC_USDT.1m", "BTC_USDT")
    assert is_meant("trade.binance.BTC", "BTC_USDT.PERP")
    assert not is_meant("trade.binance.ETH_USDT", "BTC_USDT")
