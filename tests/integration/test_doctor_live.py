"""`tapehub doctor --live` against exchanges in every mood: what fails is named, with its cure."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, serve

from actors.collector.probing.offset import offset_of
from tapehub.cli import context
from tests.support.config import write_config
from tests.support.looking import looked, only, words
from tests.support.paths import free_port
from tests.support.probed_venue import ProbedVenue
from tests.support.tapehub_command import run
from tests.unit.tapehub.calls import call

NOWHERE = "no-such-host.invalid"


@pytest.fixture(autouse=True)
def _fresh_context() -> Iterator[None]:
    yield
    context.use(context.Context())


@pytest.fixture
def venue() -> Iterator[ProbedVenue]:
    with ProbedVenue() as server:
        yield server


def at(venue: ProbedVenue, *markets: str, **more: Any) -> dict[str, Any]:
    """Addresses of a venue for some markets."""
    return {
        "ws_url": dict.fromkeys(markets, venue.ws_url),
        "rest_url": dict.fromkeys(markets, venue.rest_url),
        "symbols": ["BTC_USDT"],
        **more,
    }


class TestAnExchange:
    def test_that_is_well(self, venue: ProbedVenue) -> None:
        found = looked("collector.binance.1", **at(venue, "spot"))
        assert {one.word for one in found} == {"OK"}, words(found)
        assert [one.step for one in found] == [
            "connect",
            "connect",
            "clock",
            "snapshot",
            "handshake",
            "subscribe",
            "data",
        ]
        assert words(found, "subscribe")[0].startswith("OK 3 streams acknowledged in ")
        assert words(found, "data")[0].startswith("OK trade, quote, book of 1 symbols within ")
        venue.wait(lambda: not venue.clients, "the end of the connection")

    def test_whose_two_addresses_are_both_asked(self, venue: ProbedVenue) -> None:
        """USD-M: the books come from one address, the trades from another; liquidations may be silent."""
        venue.silent = {"forceOrder"}
        found = looked("collector.binance.1", data_s=1.0, **at(venue, "usdm", symbols=["BTC_USDT.PERP"]))
        addresses = [text for text in words(found, "handshake") if text.startswith("OK ")]
        assert ["/public/stream" in text or "/market/stream" in text for text in addresses] == [True, True]
        assert only(found, "WARN").text == "liquidation: no data yet of BTC_USDT.PERP"
        assert "FAIL" not in {one.word for one in found}

    def test_whose_contracts_are_counted(self, venue: ProbedVenue) -> None:
        venue.silent = {"forceOrder"}
        found = looked("collector.binance.1", **at(venue, "coinm", symbols=["BTC_USD.PERP"]))
        assert words(found, "instruments") == ["OK 3 contracts; sizes of BTC_USD.PERP are known"]
        assert "FAIL" not in {one.word for one in found}, words(found)

    def test_that_does_not_list_the_contract(self, venue: ProbedVenue) -> None:
        venue.symbols.clear()
        found = looked("collector.binance.1", **at(venue, "coinm", symbols=["BTC_USD.PERP"]))
        assert words(found, "instruments") == ["FAIL the venue lists no BTCUSD_PERP"]
        assert words(found, "data") == [], "nothing can be said of data without sizes"

    @pytest.mark.parametrize(
        ("status", "said"),
        [
            (451, "geographic block"),
            (403, "geographic block, or its firewall"),
            (429, "rate limit"),
            (503, "venue itself"),
        ],
    )
    def test_that_refuses_the_handshake(self, venue: ProbedVenue, status: int, said: str) -> None:
        venue.refusal = (status, {"Retry-After": "7"})
        found = looked("collector.binance.1", **at(venue, "spot"))
        one = only(found, "FAIL")
        assert (one.step, one.collector, one.market) == ("handshake", "collector.binance.1", "spot")
        assert f"HTTP {status}: " in one.text
        assert said in one.text
        assert "wait 7 s" in one.fix

    def test_that_refuses_rest(self, venue: ProbedVenue) -> None:
        venue.rest_status = (451, {})
        found = looked("collector.binance.1", **at(venue, "spot"))
        assert [one.step for one in found if one.word == "FAIL"] == ["clock", "snapshot"]
        assert "restricted location" in words(found, "clock")[0]

    def test_whose_rest_address_is_another_site(self, venue: ProbedVenue) -> None:
        venue.has_rubbish = True
        found = looked("collector.binance.1", **at(venue, "spot"))
        failed = [one for one in found if one.word == "FAIL"]
        assert [(one.step, "cannot be read" in one.text) for one in failed] == [
            ("clock", True),
            ("snapshot", True),
        ]
        venue.silent = {"forceOrder"}
        found = looked("collector.binance.1", **at(venue, "coinm", symbols=["BTC_USD.PERP"]))
        assert words(found, "instruments")[0].startswith("FAIL contract sizes cannot be read")

    def test_that_refuses_a_stream(self, venue: ProbedVenue) -> None:
        venue.refused_words = {"aggTrade": (2, "Invalid request: unknown stream")}
        venue.silent = {"forceOrder"}
        found = looked(
            "collector.binance.1",
            data_s=1.0,
            **at(venue, "usdm", symbols=["BTC_USDT.PERP"], streams={"usdm": ["aggTrade", "bookTicker"]}),
        )
        one = only(found, "FAIL")
        assert one.step == "subscribe"
        assert one.text == "1 of 1 streams refused: btcusdt@aggTrade: 'Invalid request: unknown stream'"
        assert "OK quote of 1 symbols" in words(found, "data")[0]

    def test_that_takes_a_stream_and_says_nothing_on_it(self, venue: ProbedVenue) -> None:
        """Binance acknowledges streams that do not exist: the book says which name is wrong."""
        both = ["BTC_USDT", "DOGE_USDT"]
        found = looked("collector.binance.1", data_s=0.3, **at(venue, "spot", symbols=both))
        book = next(one for one in found if one.step == "snapshot" and one.word == "FAIL")
        assert "book of DOGE_USDT: HTTP 400: " in book.text
        assert "Invalid symbol" in book.text
        assert "symbols.yaml" in book.fix
        data = [one for one in found if one.step == "data"]
        assert [(one.word, one.text.partition(":")[0]) for one in data] == [
            ("WARN", "trade"), ("WARN", "quote"), ("WARN", "book"),
        ]  # fmt: skip

    def test_all_of_whose_quotes_are_silent(self, venue: ProbedVenue) -> None:
        venue.silent = {"bookTicker", "trade"}
        found = looked("collector.binance.1", data_s=0.3, **at(venue, "spot"))
        assert only(found, "FAIL").text.startswith("quote: no data of BTC_USDT within 0.3 s")
        assert only(found, "WARN").text == "trade: no data yet of BTC_USDT"

    def test_that_never_answers(self, venue: ProbedVenue) -> None:
        venue.is_mute = True
        found = looked("collector.binance.1", **at(venue, "spot", answer_timeout_s=0.3))
        one = only(found, "FAIL")
        assert one.step == "subscribe"
        assert re.match(r"no answer to 3 of 3 streams within 0\.[3-9] s: ", one.text)

    @pytest.mark.parametrize(
        ("ahead_s", "word"), [(10.0, "FAIL"), (-10.0, "FAIL"), (2.0, "WARN"), (0.0, "OK")]
    )
    def test_whose_clock_is_not_ours(self, venue: ProbedVenue, ahead_s: float, word: str) -> None:
        venue.ahead_s = ahead_s
        found = looked("collector.binance.1", **at(venue, "spot"))
        (one,) = [one for one in found if one.step == "clock"]
        assert one.word == word
        if ahead_s:
            found_s, side = re.findall(r"our clock is ([0-9.]+) s (ahead of|behind) the venue's", one.text)[0]
            assert float(found_s) == pytest.approx(abs(ahead_s), abs=0.3)
            assert side == ("behind" if ahead_s > 0 else "ahead of")
            assert "chrony" in one.fix

    def test_that_says_no_time(self, venue: ProbedVenue) -> None:
        venue.has_time = False
        found = looked("collector.binance.1", **at(venue, "spot"))
        assert only(found, "WARN").step == "clock"

    def test_whose_port_is_closed(self, venue: ProbedVenue) -> None:
        port = free_port()
        found = looked("collector.binance.1", **at(venue, "spot", ws_url={"spot": f"ws://127.0.0.1:{port}"}))
        one = only(found, "FAIL")
        assert one.step == "connect"
        assert "no TCP connection" in one.text
        assert words(found, "handshake") == [f"SKIP ws://127.0.0.1:{port}/stream cannot be reached"]

    def test_whose_name_does_not_resolve(self, venue: ProbedVenue, monkeypatch: pytest.MonkeyPatch) -> None:
        _without_proxies(monkeypatch)
        found = looked("collector.binance.1", **at(venue, "spot", rest_url={"spot": f"https://{NOWHERE}"}))
        one = only(found, "FAIL")
        assert one.text.startswith(f"the name {NOWHERE} does not resolve")

    def test_that_does_not_speak_tls(self, venue: ProbedVenue) -> None:
        url = venue.rest_url.replace("http://", "https://")
        found = looked("collector.binance.1", **at(venue, "spot", rest_url={"spot": url}))
        assert "TCP works, TLS does not" in only(found, "FAIL").text

    def test_behind_a_proxy_of_the_environment(
        self, venue: ProbedVenue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is named without its password, and the name is left to it."""
        _without_proxies(monkeypatch)
        monkeypatch.setenv("https_proxy", f"http://me:geheim@127.0.0.1:{free_port()}")
        found = looked("collector.binance.1", **at(venue, "spot", rest_url={"spot": f"https://{NOWHERE}"}))
        skipped = next(one for one in found if one.word == "SKIP")
        assert "through the proxy 127.0.0.1:" in skipped.text
        assert "geheim" not in str(found)

    def test_that_hangs_is_left_behind(self, venue: ProbedVenue) -> None:
        """A server that takes the connection and never says a word: the whole ends in time all the same."""
        with closing(socket.create_server(("127.0.0.1", 0))) as deaf:
            url = f"ws://127.0.0.1:{deaf.getsockname()[1]}"
            found = looked("collector.binance.1", timeout_s=1.0, **at(venue, "spot", ws_url={"spot": url}))
        one = only(found, "FAIL")
        assert one.step == "handshake"


def test_okx_names_the_one_stream_that_it_refuses() -> None:
    """The venue refuses a request for one wrong name; the others are asked for again, and answered."""
    with okx_server() as url:
        found = looked(
            "collector.okx.1",
            data_s=0.2,
            ws_url={"spot": url},
            symbols=["BTC_USDT", "ETH_USDT"],
            streams={"spot": ["trades"]},
        )
    one = only(found, "FAIL")
    assert one.text == (
        '1 of 2 streams refused: trades:NO-SUCH: "Wrong URL or channel:trades,instId:NO-SUCH doesn\'t exist."'
    )
    assert only(found, "WARN").text == "trade: no data yet of BTC_USDT"


@contextmanager
def okx_server() -> Iterator[str]:
    """OKX's answers to subscriptions of trades, and nothing else."""

    def speak(socket_: ServerConnection) -> None:
        for text in socket_:
            args = json.loads(text)["args"]
            bad = [arg for arg in args if arg["instId"] == "NO-SUCH"]
            for arg in bad[:1]:
                said = f"Wrong URL or channel:{arg['channel']},instId:{arg['instId']} doesn't exist."
                socket_.send(json.dumps({"event": "error", "code": "60018", "msg": said, "connId": "a"}))
            for arg in [] if bad else args:
                socket_.send(json.dumps({"event": "subscribe", "arg": arg, "connId": "a"}))

    server = serve(speak, "127.0.0.1", 0, compression=None)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
    server.shutdown()
    thread.join(10.0)


class TestTheCommand:
    def test_all_collectors_side_by_side_as_json(self, venue: ProbedVenue, run_dir: Path) -> None:
        venue.silent = {"forceOrder"}
        sections = {
            "collector.binance.1": at(venue, "spot"),
            "collector.binance.2": at(venue, "usdm", symbols=["BTC_USDT.PERP"]),
            "collector.ig.1": {"rest_url": {"cfd": "http://127.0.0.1:9"}},
        }
        config = write_config(run_dir, sections)
        done = run("--config", config, "doctor", "--live", "--json", "--timeout", "8s", cwd=run_dir)
        assert done.code == 1, done.err
        findings = done.document["findings"]
        assert {one["where"] for one in findings} == {
            "collector.binance.1 spot", "collector.binance.2 usdm", "collector.ig.1 cfd",
        }  # fmt: skip
        failed = [one for one in findings if one["word"] == "FAIL"]
        assert {one["where"] for one in failed} == {"collector.ig.1 cfd"}
        assert all(one["fix"] for one in failed)

    def test_one_venue_for_people(
        self, venue: ProbedVenue, run_dir: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        config = write_config(run_dir, {"collector.binance.1": at(venue, "spot"), "collector.okx.1": {}})
        result = call(capsys, "--config", str(config), "doctor", "--live", "--only", "binance")
        assert result.code == 0, result.out + result.err
        lines = result.out.splitlines()
        assert lines[0] == "collector.binance.1 spot"
        assert lines[-1] == "0 failed, 0 warnings."
        assert "okx" not in result.out

    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            (
                ["--live", "--only", "kraken"],
                5,
                "no collector or venue 'kraken'; there are: collector.binance.1",
            ),
            (["--only", "binance"], 2, "--only is for --live"),
        ],
    )
    def test_what_makes_no_sense(
        self, run_dir: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
    ) -> None:
        config = write_config(run_dir, {"collector.binance.1": {}})
        result = call(capsys, "--config", str(config), "doctor", *arguments)
        assert result.code == code
        assert said in result.err

    def test_a_configuration_without_collectors(
        self, run_dir: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        result = call(capsys, "--config", str(write_config(run_dir, {"hub.1": {}})), "doctor", "--live")
        assert result.code == 5
        assert "no collector" in result.err


@pytest.mark.parametrize(
    ("setup_s", "ahead_s", "least_s"), [(0.0, 0.0, 0.0), (0.4, 0.2, 0.0), (0.98, 0.49, 0.48), (2.0, 0.5, 0.5)]
)
def test_the_round_trip_is_halved_and_handshakes_are_no_part_of_it(
    setup_s: float, ahead_s: float, least_s: float
) -> None:
    """A second from question to answer, and the venue's clock says half a second after the question."""
    offset = offset_of(500_000_000, 0, 1_000_000_000, setup_s)
    assert offset.ours_ahead_s == pytest.approx(ahead_s)
    assert offset.least_s == pytest.approx(least_s)


def _without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
