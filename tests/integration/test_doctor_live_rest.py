"""`tapehub doctor --live` against providers of bars in every mood: one call each, and no key is shown."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.collector.probing.probe import Probed
from actors.collector.probing.survey import survey
from actors.collector.settings import CollectorSettings
from actors.runtime.clock import SystemClock
from protocol.endpoints import Endpoints
from protocol.errors import ConfigError
from protocol.instruments import Catalog, Instrument
from protocol.requests import Reply, Request, raw
from tapehub.cli import context
from tests.support.config import write_config
from tests.support.false_actor import FalseActor
from tests.support.looking import only, part_of, words
from tests.support.paths import free_port
from tests.support.peers import peers_of
from tests.support.providers.faults import Fault
from tests.support.providers.market import Market
from tests.support.providers.server import ProviderServer
from tests.support.providers.voice import TEST_KEY
from tests.support.providers.world import World
from tests.unit.tapehub.calls import call

_rest = part_of("rest")
SATURDAY_NS = 1_795_262_400_000_000_000
"""2026-11-21T12:00:00Z."""
BTC = {"yahoo": "BTC-USD", "twelvedata": "BTC/USD", "polygon": "X:BTCUSD"}


class Telling(FalseActor):
    """An actor with a status of its own."""

    def __init__(self, endpoints: Endpoints, name: str, status: dict[str, Any]) -> None:
        self._status = status
        super().__init__(endpoints, name)

    def _reply(self, request: Request, last: dict[str, bytes]) -> Reply:
        if request.op == "status":
            return Reply(id=request.id, ok=True, publisher=self.name, data=raw(self._status))
        return super()._reply(request, last)


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    with ProviderServer(World(Market(), time.time_ns(), limits={})) as found:
        yield found


def look(server: ProviderServer, instruments: list[Instrument] | None = None, **rest: Any) -> list[Probed]:
    catalog = Catalog(instruments or [Instrument(symbol="BTC_USD", providers=BTC)])
    settings = {"providers": server.settings(), "order": ["yahoo", "twelvedata", "polygon"]} | rest
    section = CollectorSettings(rest=_rest(**settings), connect_timeout_s=2.0)
    found = survey({"collector.rest.1": section}, catalog, SystemClock(), 8.0)
    assert TEST_KEY not in str(found)
    return found


def test_all_is_well(server: ProviderServer) -> None:
    found = look(server)
    assert {one.word for one in found} == {"OK", "SKIP"}, words(found)
    assert words(found, "settings") == ["SKIP alphavantage is not asked: neither `order` nor a tier names it"]
    assert [text.partition(": ")[0] for text in words(found, "bars")] == [
        "OK yahoo",
        "OK twelvedata",
        "OK polygon",
    ]
    assert re.match(
        r"OK yahoo: BTC_USD \(BTC-USD\): (59|60) bars in \d+ ms, the newest \d+ s old",
        words(found, "bars")[0],
    )
    assert [one["calls"] for one in server.report().values() if one["calls"]] == [1, 1, 1]


@pytest.mark.parametrize(
    ("fault", "said", "cure"),
    [
        (Fault("yahoo", "throttle"), "yahoo: BTC_USD (BTC-USD): throttled: 429", "wait"),
        (Fault("twelvedata", "auth"), "twelvedata: BTC_USD (BTC/USD): auth: ", "correct the key"),
        (Fault("polygon", "plan"), "polygon: BTC_USD (X:BTCUSD): plan: ", "buy a plan"),
        (Fault("yahoo", "html"), "yahoo: BTC_USD (BTC-USD): ", "try again later"),
        (Fault("yahoo", "reset"), "yahoo: BTC_USD (BTC-USD): unavailable: ", "try again later"),
        (Fault("yahoo", "wrong_symbol"), "yahoo: BTC_USD (BTC-USD): wrong_symbol: ", "symbols.yaml"),
    ],
)
def test_what_fails_is_named(server: ProviderServer, fault: Fault, said: str, cure: str) -> None:
    server.add(fault)
    one = only(look(server), "FAIL")
    assert (one.step, one.market) == ("bars", "bars")
    assert one.text.startswith(said)
    assert cure in one.fix


@pytest.mark.parametrize("fault", [Fault("yahoo", "empty"), Fault("yahoo", "stale", minutes=30.0)])
def test_data_that_is_late_is_a_warning(server: ProviderServer, fault: Fault) -> None:
    server.add(fault)
    assert "late" in only(look(server), "WARN").fix or "behind" in only(look(server), "WARN").fix


def test_one_that_nobody_can_reach(server: ProviderServer) -> None:
    nowhere = {"yahoo": {"url": f"http://127.0.0.1:{free_port()}"}}
    one = only(look(server, providers=nowhere, order=["yahoo"]), "FAIL")
    assert one.step == "connect"


def test_one_without_a_key_is_skipped(server: ProviderServer) -> None:
    found = look(server, providers={"yahoo": {"url": server.urls["yahoo"]}}, order=["yahoo", "polygon"])
    assert "SKIP polygon is not asked: it needs a key" in words(found, "settings")
    assert server.report()["polygon"]["calls"] == 0


def test_one_without_an_instrument_is_skipped(server: ProviderServer) -> None:
    found = look(
        server, [Instrument(symbol="BTC_USD", providers={"yahoo": "BTC-USD"})], order=["yahoo", "polygon"]
    )
    assert words(found, "bars")[1] == "SKIP polygon: no instrument that is collected has a name there"


def test_a_closed_market_is_judged_by_its_last_hour() -> None:
    class Saturday(SystemClock):
        def now_ns(self) -> int:
            return SATURDAY_NS

    catalog = Catalog([Instrument(symbol="EUR_USD", session="fx", providers={"yahoo": "EURUSD=X"})])
    with ProviderServer(World(Market(), SATURDAY_NS, limits={}), now_ns=Saturday().now_ns) as server:
        section = CollectorSettings(rest=_rest(providers=server.settings(), order=["yahoo"]))
        found = survey({"collector.rest.1": section}, catalog, Saturday(), 8.0)
    (told,) = words(found, "bars")
    assert told.startswith("OK yahoo: EUR_USD (EURUSD=X): 60 bars in ")
    assert told.endswith("; the market is closed")


def test_mistakes_of_the_settings(server: ProviderServer) -> None:
    with pytest.raises(ConfigError, match=r"rest\.order: 'yahu': is no provider"):
        look(server, order=["yahoo", "yahu"])
    nobody = look(server, providers={"yahoo": {"enabled": False}}, order=["yahoo"])
    assert only(nobody, "FAIL").text == "no provider can be asked"


def test_a_collector_that_runs_is_asked_instead(
    server: ProviderServer, run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    breakers = {"chart": {"state": "open", "failures": 3, "reason": "429", "until_s": 51.2}}
    limits = [{"calls": 30, "per_s": 60.0, "used": 14}]
    yahoo = {"state": "open", "breakers": breakers, "limits": limits, "rests_s": 0.0, "why": ""}
    polygon = {"state": "closed", "breakers": {}, "limits": limits, "rests_s": 0.0, "why": ""}
    status = {
        "state": "RUNNING",
        "connected": True,
        "markets": {"bars": {"providers": {"yahoo": yahoo, "polygon": polygon}}},
    }
    settings = {"rest": {"providers": server.settings()}}
    config = write_config(run_dir, {"collector.rest.1": settings}, {"BTC_USD": {"providers": BTC}})
    with peers_of(run_dir) as peers, Telling(peers.endpoints, "collector.rest.1", status):
        result = call(capsys, "--config", str(config), "doctor", "--live")
    context.use(context.Context())
    assert result.code == 0, result.out
    assert "WARN  provider    yahoo breaker open: 429, retry in 00:52" in result.out
    assert "OK    provider    polygon: 14/30 per min, by the collector that runs" in result.out
    assert sum(one["calls"] for one in server.report().values()) == 0
