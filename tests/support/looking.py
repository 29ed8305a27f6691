"""Looking at the venues of one collector as `tapehub doctor --live` does, and reading what was found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from actors.collector.probing.probe import DATA_S, Probed
from actors.collector.probing.survey import survey
from actors.collector.settings import CollectorSettings
from actors.runtime.clock import SystemClock
from protocol.instruments import Catalog, Instrument

CATALOG = Catalog(
    [
        Instrument(symbol="BTC_USDT", venues={"binance": "spot:BTCUSDT", "okx": "spot:BTC-USDT"}),
        Instrument(symbol="ETH_USDT", venues={"binance": "spot:ETHUSDT", "okx": "spot:NO-SUCH"}),
        Instrument(symbol="DOGE_USDT", venues={"binance": "spot:DOGEUSDT"}),
        Instrument(symbol="BTC_USDT.PERP", venues={"binance": "usdm:BTCUSDT"}),
        Instrument(symbol="BTC_USD.PERP", venues={"binance": "coinm:BTCUSD_PERP"}),
        Instrument(symbol="EUR_USD", venues={"ig": "cfd:CS.D.EURUSD.CFD.IP"}, session="fx"),
        Instrument(symbol="GBP_USD", venues={"ig": "cfd:CS.D.GBPUSD.CFD.IP"}, session="fx"),
        Instrument(symbol="6E.FUT", venues={"databento": "glbx:6E.v.0"}, session="cme"),
    ]
)


def looked(name: str, timeout_s: float = 8.0, data_s: float = DATA_S, **settings: Any) -> list[Probed]:
    """Findings of one collector."""
    patience = {"connect_timeout_s": 2.0, "rest_timeout_s": 2.0, "answer_timeout_s": 2.0}
    section = CollectorSettings(**{**patience, **settings})
    return survey({name: section}, CATALOG, SystemClock(), timeout_s, data_s)


def words(found: list[Probed], step: str = "") -> list[str]:
    """Word and text of the findings, of one step."""
    return [f"{one.word} {one.text}" for one in found if step in ("", one.step)]


def only(found: list[Probed], word: str) -> Probed:
    """The one finding of this word."""
    (one,) = [one for one in found if one.word == word]
    assert one.fix, f"nothing says what to do about {one.text}"
    return one


def part_of(name: str) -> Callable[..., Any]:
    """Makes the part of a collector's settings that is called so, from what a person would write."""
    kind = next(one.type for one in msgspec.structs.fields(CollectorSettings) if one.name == name)

    def make(**given: Any) -> Any:
        return msgspec.convert(given, kind)

    return make
