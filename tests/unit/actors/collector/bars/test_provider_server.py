"""The local providers over HTTP: pooled connections, and everything that can go wrong on the way of an answer."""

from __future__ import annotations

import gzip
import http.client
import json
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import pytest

from actors.collector.bars.settings import ProviderSettings
from tests.support.paths import ROOT
from tests.support.process import clean_environment
from tests.support.providers.apart import ProvidersApart
from tests.support.providers.faults import Fault
from tests.support.providers.market import Market
from tests.support.providers.server import ProviderServer, settings_of
from tests.support.providers.world import World
from tests.support.wait import until
from tests.unit.actors.collector.bars.provider_calls import HEADERS, NOW_NS, PROVIDERS, bars, call, finished

DEADLINE_S: Final = 40.0


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    """Its market stands still, its calls and faults do not."""
    with made() as found:
        yield found


def made(*faults: Fault, **options: Any) -> ProviderServer:
    clock = Clock()
    world = World(Market(), 0, faults=faults, limits={}, **options)
    server = ProviderServer(world, now_ns=lambda: NOW_NS, at_ns=clock.now_ns)
    server.clock = clock  # type: ignore[attr-defined]
    return server


class Clock:
    """Time of calls and faults, moved by the test."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def now_ns(self) -> int:
        return round(self.at_s * 1e9)


class Client:
    """One connection to one provider."""

    def __init__(
        self, server: ProviderServer | ProvidersApart, provider: str, timeout_s: float = DEADLINE_S
    ) -> None:
        self.provider = provider
        self.http = http.client.HTTPConnection(urlsplit(server.urls[provider]).netloc, timeout=timeout_s)

    def get(self, raw: str = "AAPL", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        path, params = call(self.provider, raw)
        try:
            self.http.request("GET", f"{path}?{urlencode(params)}", headers={**HEADERS, **headers})
            response = self.http.getresponse()
            return response, response.read()
        except Exception:
            self.http.close()  # the next one gets another connection
            raise

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *fault: object) -> None:
        self.http.close()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_it_answers_as_the_voice_does_over_one_connection(server, provider):
    expected = server.world.voices[provider].answer(*call(provider, "AAPL"), HEADERS, NOW_NS)
    with Client(server, provider) as client:
        for _ in range(3):
            response, body = client.get()
            assert (response.status, body) == (expected.status, expected.body)
            assert response.headers["Content-Type"] == expected.headers["Content-Type"]

    assert server.connections[provider] == 1
    assert server.report()[provider]["calls"] == 3


def test_long_answers_are_compressed_for_those_who_can_read_them(server):
    with Client(server, "twelvedata") as client:
        (_, plain), (response, packed) = client.get(), client.get(**{"Accept-Encoding": "gzip, deflate"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 3


def test_many_connections_at_once(server):
    together = threading.Barrier(16)
    found: list[int] = []

    def ask() -> None:
        with Client(server, "polygon") as client:
            together.wait(DEADLINE_S)
            for _ in range(5):
                found.append(len(bars("polygon", client.get()[1])))  # noqa: PERF401 - a thread

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert len(found) == 80
    assert len(set(found)) == 1
    assert server.connections["polygon"] == 16


def test_connections_are_refused_while_the_fault_lasts_and_the_others_stay(server):
    with Client(server, "yahoo") as yahoo, Client(server, "polygon") as polygon:
        assert yahoo.get()[0].status == 200
        server.add(Fault("yahoo", "refused", 10, 20))
        assert yahoo.get()[0].status == 200

        server.clock.at_s = 10.0
        until(lambda: not server._doors["yahoo"].is_open, DEADLINE_S, "the door to be shut")
        assert yahoo.http.sock.recv(1) == b"", "open connections end"
        yahoo.http.close()
        with pytest.raises(ConnectionRefusedError):
            yahoo.get()
        assert polygon.get()[0].status == 200

        server.clock.at_s = 20.0
        until(lambda: server._doors["yahoo"].is_open, DEADLINE_S, "the door to be open")
        assert yahoo.get()[0].status == 200


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("reset", ConnectionResetError),
        ("cut", http.client.IncompleteRead),
        ("hang", http.client.RemoteDisconnected),
    ],
)
def test_an_answer_that_does_not_come(server, kind, fault):
    server.add(Fault("yahoo", kind, calls=1, pause_s=0.05))
    with Client(server, "yahoo") as client:
        with pytest.raises(fault) as caught:
            client.get()
        assert type(caught.value) is fault, "a connection that ends in order is a reset too, by its class"
        assert client.get()[0].status == 200


def test_a_client_does_not_wait_for_ever_for_one_that_hangs():
    server = made(Fault("yahoo", "hang", pause_s=600.0))
    with server, Client(server, "yahoo", timeout_s=0.1) as client, pytest.raises(TimeoutError):
        client.get()
    assert not server._doors["yahoo"].is_open, "and its end does not wait either"


def test_an_answer_that_drips_is_whole_in_the_end(server):
    server.add(Fault("alphavantage", "slow", pause_s=0.2))
    with Client(server, "alphavantage") as client:
        _, body = client.get()
    assert len(finished("alphavantage", body)) == 100


def test_gzip_that_cannot_be_opened(server):
    server.add(Fault("twelvedata", "torn_gzip"))
    with Client(server, "twelvedata") as client:
        response, body = client.get()
    assert response.headers["Content-Encoding"] == "gzip"
    with pytest.raises((zlib.error, gzip.BadGzipFile, EOFError)):
        gzip.decompress(body)


def test_retry_after_is_on_the_wire(server):
    server.add(Fault("polygon", "throttle", retry_after_s=17))
    with Client(server, "polygon") as client:
        response, _ = client.get()
    assert (response.status, response.headers["Retry-After"]) == (429, "17")


def test_what_it_tells_fits_the_settings(server):
    found = server.settings({"polygon": [(5, 60.0)]})
    for name, settings in found.items():
        assert ProviderSettings(**{**settings, "limits": []}).url == server.urls[name]
    assert found["polygon"]["limits"] == [{"calls": 5, "per_s": 60.0}]


def test_a_process_of_its_own_tells_the_same_obeys_and_ends_with_its_stdin(server):
    """Started as a check does that kills the collector: commanded and asked over HTTP."""
    options = ("--now", "2026-11-20T15:30:35", "--frozen", "--limits", '{"polygon": [[2, 60]]}')
    with ProvidersApart(*options) as apart:
        for provider in PROVIDERS:
            with Client(apart, provider) as there, Client(server, provider) as here:
                assert there.get()[1] == here.get()[1]
        assert apart.violations() == []

        apart.add(Fault("twelvedata", "html", calls=1))
        with Client(apart, "twelvedata") as client:
            assert [client.get()[1].startswith(b"<html>") for _ in range(2)] == [True, False]
        with Client(apart, "polygon") as client:
            assert [client.get()[0].status for _ in range(2)] == [200, 429]

        report = apart.report()
        assert report["twelvedata"]["faults"] == {"html": 1}
        assert report["polygon"]["connections"] == 2
        (violation,) = apart.violations()
        assert (violation["provider"], violation["used"]) == ("polygon", 3)
        apart.clear()
        urls = apart.urls

    assert set(settings_of(urls)) == set(PROVIDERS)
    with Client(apart, "polygon") as client, pytest.raises(ConnectionRefusedError):
        client.get()


def test_the_command_line_says_where_they_are():
    program = [sys.executable, "-m", "tests.support.providers", "--listings", "3"]
    ended = subprocess.run(
        program, input="", capture_output=True, text=True, check=True, cwd=ROOT, env=clean_environment()
    )
    assert set(json.loads(ended.stdout)) == {*PROVIDERS, "control"}
    assert ended.stderr == ""


def test_a_wrong_command_is_told(server):
    control = http.client.HTTPConnection(urlsplit(server.control_url).netloc, timeout=DEADLINE_S)
    try:
        for body in ('[{"provider": "yahoo", "kind": "nonsense"}]', '[["yahoo", "plan"]]', "{"):
            control.request("POST", "/faults", body)
            answer = control.getresponse()
            assert (answer.status, "error" in json.loads(answer.read())) == (400, True)
        control.request("GET", "/elsewhere")
        answer = control.getresponse()
        assert (answer.status, answer.read()) == (404, b"null")
    finally:
        control.close()
    assert server.world.script.faults == []


def test_doors_shut_while_somebody_waits_for_an_answer(server):
    """A hanging request does not keep a provider from refusing the others, nor the server from ending."""
    server.add(Fault("yahoo", "hang", pause_s=600.0))
    with Client(server, "yahoo", timeout_s=0.1) as client, pytest.raises(TimeoutError):
        client.get()
    server.add(Fault("yahoo", "refused"))
    with Client(server, "yahoo") as client, pytest.raises(ConnectionRefusedError):
        client.get()
    server.clear()
    with Client(server, "yahoo") as client:
        assert client.get()[0].status == 200
