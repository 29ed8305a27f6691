"""Looking at venues: what is said of it is harmless, one bad probe silences no other, connections are spaced."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from actors.collector.ig.settings import IgSettings
from actors.collector.probing import exchange, survey
from actors.collector.probing.probe import Probe, named
from actors.collector.probing.reach import Place, place_of
from actors.collector.probing.refusals import meaning
from actors.collector.probing.turnstile import Turnstile
from actors.collector.settings import CollectorSettings
from actors.collector.venue import Allowance
from actors.runtime.clock import SystemClock
from protocol.instruments import Catalog, Instrument

CATALOG = Catalog(
    [
        Instrument(symbol="BTC_USDT", venues={"okx": "spot:BTC-USDT"}),
        Instrument(symbol="BTC_USDT.PERP", venues={"okx": "swap:BTC-USDT-SWAP"}),
    ]
)
SECONDS = 1_000_000_000


class HandClock:
    """Moves when the test says so."""

    def __init__(self) -> None:
        self.mono = 0

    def now_ns(self) -> int:
        return self.mono

    def mono_ns(self) -> int:
        return self.mono


def probe(clock: Any = None, until_ns: int = 10 * SECONDS, **ig: Any) -> Probe:
    return Probe(
        "collector.ig.1", "cfd", CollectorSettings(ig=IgSettings(**ig)), clock or HandClock(), until_ns
    )


@pytest.mark.parametrize("said", ["pass:w/rd", "pass%3Aw%2Frd", "the word pass:w/rd, twice: pass:w/rd"])
def test_no_secret_is_said_in_any_spelling(said: str) -> None:
    one = probe(password="pass:w/rd")
    one.begin("credentials")
    one.fail(f"the peer says {said}", fix=f"is {said} right?")
    assert "w/rd" not in str(one.found)
    assert "%2Frd" not in str(one.found)
    assert "***" in one.found[0].text


def test_a_secret_within_another_one_leaves_nothing_of_it() -> None:
    one = probe(password="abcd", api_key="abcdefgh")
    one.warn("abcdefgh")
    assert one.found[0].text == "***"


def test_what_a_peer_says_cannot_paint_the_terminal() -> None:
    one = probe()
    one.fail("line\r\none \x1b[31mred\x1b[0m \u202eback " + "x" * 5000)
    assert one.found[0].text.isprintable()
    assert "\x1b" not in one.found[0].text
    assert len(one.found[0].text) <= 400


def test_patience_is_what_is_left() -> None:
    one = probe(until_ns=3 * SECONDS)
    assert (one.left_s(10.0), one.left_s(2.0), one.is_late) == (3.0, 2.0, False)
    late = probe(until_ns=0)
    assert late.is_late
    assert 0 < late.left_s(10.0) < 0.2, "never zero, which a socket takes for `do not wait`"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 429, 451, 499, 500, 503])
def test_every_status_has_a_cure(status: int) -> None:
    words, cure = meaning(status, 3.4)
    assert words.startswith(f"HTTP {status}: ")
    assert cure.endswith("; it asks to wait 3 s")
    assert "it asks to wait" not in meaning(status)[1]


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("wss://a.b/x", Place("a.b", 443, is_encrypted=True)),
        ("ws://a.b", Place("a.b", 80, is_encrypted=False)),
        ("https://a.b:8443/y?z", Place("a.b", 8443, is_encrypted=True)),
        ("http://127.0.0.1", Place("127.0.0.1", 80, is_encrypted=False)),
        ("tcp://gate.way:13000", Place("gate.way", 13000, is_encrypted=False)),
    ],
)
def test_places(url: str, place: Place) -> None:
    assert place_of(url) == place


def test_many_names_are_not_all_told() -> None:
    assert named("abc") == "a, b, c"
    assert named("abcdefg") == "a, b, c, d, e and 2 more"


def test_connections_beyond_the_bound_wait_their_turn() -> None:
    clock = HandClock()
    gate = Turnstile(Allowance(2.0, 1.0), clock)
    assert [gate.enter(0) for _ in range(3)] == [True, True, False]
    clock.mono = SECONDS
    assert [gate.enter(0), gate.enter(0)] == [True, False]


class TestASurvey:
    @pytest.fixture
    def never(self) -> Iterator[threading.Event]:
        event = threading.Event()
        yield event
        event.set()

    def look(self, timeout_s: float) -> dict[str, list[str]]:
        section = CollectorSettings(symbols=["BTC_USDT", "BTC_USDT.PERP"])
        found: dict[str, list[str]] = {}
        for one in survey.survey({"collector.okx.1": section}, CATALOG, SystemClock(), timeout_s):
            found.setdefault(one.market, []).append(f"{one.word} {one.step} {one.text}")
        return found

    def test_a_probe_that_fails_silences_no_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def bad(probe: Probe, *_others: Any) -> None:
            probe.begin("clock")
            if probe.market == "spot":
                raise ZeroDivisionError("ours")
            probe.ok("fine")

        monkeypatch.setattr(exchange, "probe_exchange", bad)
        assert self.look(5.0) == {
            "spot": ["FAIL clock unexpected ZeroDivisionError: ours"],
            "swap": ["OK clock fine"],
            "futures": ["OK clock fine"],
        }

    def test_one_that_does_not_end_is_left_behind(
        self, monkeypatch: pytest.MonkeyPatch, never: threading.Event
    ) -> None:
        """What it has found until then is told, and at which step it hangs."""

        def hangs(probe: Probe, *_others: Any) -> None:
            probe.begin("connect")
            probe.ok("reached")
            probe.begin("handshake")
            if probe.market == "swap":
                never.wait()

        monkeypatch.setattr(exchange, "probe_exchange", hangs)
        monkeypatch.setattr(survey, "GRACE_S", 0.0)
        found = self.look(0.1)
        assert found["swap"] == ["OK connect reached", "FAIL handshake not finished within 0.1 s"]
        assert found["spot"] == ["OK connect reached"]

    def test_markets_without_a_symbol_are_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(exchange, "_MarketProbe", lambda *_args: _Nothing())
        assert self.look(5.0) == {"futures": ["SKIP symbols none of this market is configured"]}


class _Nothing:
    def run(self) -> None:
        """Look at nothing."""
