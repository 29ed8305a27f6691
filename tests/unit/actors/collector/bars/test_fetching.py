"""The fetcher against servers on this host: some are slow, cut off, too large, or lead elsewhere."""

import contextlib
import gzip
import logging
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from actors.collector.bars.providers.fetching import Fetcher, FetchFault, _redirected
from actors.collector.bars.providers.pooling import proxy_for
from actors.collector.bars.providers.provider import Call
from protocol.endpoints import is_loopback
from tests.docs.test_import_budget import loaded_by
from tests.support.wait import until

KEY = "SECRETKEY0123456789"
S = 1_000_000_000


class Clock:
    """The real one, unless a test moves it on."""

    def __init__(self):
        self.ahead_ns = 0

    def now_ns(self):
        return time.time_ns()

    def mono_ns(self):
        return time.monotonic_ns() + self.ahead_ns


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def get_request(self):
        self.connections += 1
        return super().get_request()

    def handle_error(self, request, client_address):
        """Clients hang up."""


class Host:
    """A server whose pages are functions of the test's."""

    def __init__(self):
        self.pages, self.seen, self.ended = {}, [], threading.Event()
        self.server = _Server(("127.0.0.1", 0), _handler(self))
        self.server.connections = 0
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def _handler(host):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            host.seen.append((self.path, dict(self.headers.items())))
            with contextlib.suppress(OSError):
                host.pages[urlsplit(self.path).path](self)

        def log_message(self, *args):
            """Say nothing."""

    return Handler


def send(body, status=200, **headers):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def host():
    with Host() as found:
        yield found


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def fetcher(clock):
    with contextlib.closing(Fetcher(clock, max_connections=2, max_body_bytes=100_000)) as found:
        yield found


def call(url, headers=None, **params):
    return Call(url, {"Authorization": f"apikey {KEY}"} | (headers or {}), params)


def fault(fetcher, asked, timeout_s=10.0):
    with pytest.raises(FetchFault) as raised:
        fetcher.fetch(asked, timeout_s)
    assert KEY not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.refusal().kind == raised.value.kind
    return raised.value


def test_an_answer_has_status_headers_body_and_time(host, fetcher):
    host.pages["/a"] = send(b"no", 429, Retry_After="5", X_Odd="1")
    before_ns = time.time_ns()
    answer = fetcher.fetch(call(host.url + "/a"), 10.0)
    assert (answer.status, answer.body) == (429, b"no")
    assert (answer.headers["retry-after"], answer.headers["x-odd"]) == ("5", "1")
    assert before_ns <= answer.at_ns <= time.time_ns()
    sent = host.seen[0][1]
    assert (sent["User-Agent"], sent["Accept-Encoding"]) == ("tapehub", "gzip")
    assert sent["Authorization"] == f"apikey {KEY}"


def test_one_connection_serves_calls_in_a_row(host, fetcher):
    host.pages["/a"] = send(b"yes")
    for _ in range(5):
        fetcher.fetch(call(host.url + "/a"), 10.0)
    assert (len(host.seen), host.server.connections) == (5, 1)


def test_threads_share_few_connections(host, fetcher):
    both_are_here = threading.Barrier(2)

    def answer(handler):
        both_are_here.wait(10.0)
        send(b"yes")(handler)

    host.pages["/a"] = answer
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(fetcher.fetch(call(host.url + "/a"), 20.0)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.body for one in answers] == [b"yes"] * 8
    assert host.server.connections == 2


def test_names_and_parameters_arrive_as_they_are(host, fetcher):
    host.pages["/chart/%5ENDX"] = host.pages["/chart/EURUSD%3DX"] = host.pages["/C:EURUSD"] = send(b"")
    fetcher.fetch(call(host.url + "/chart/%5ENDX", symbol="EUR/USD", start_date="2026-11-20 09:00:00"), 10.0)
    fetcher.fetch(call(host.url + "/chart/EURUSD%3DX"), 10.0)
    fetcher.fetch(call(host.url + "/C:EURUSD"), 10.0)
    assert parse_qs(urlsplit(host.seen[0][0]).query) == {
        "symbol": ["EUR/USD"],
        "start_date": ["2026-11-20 09:00:00"],
    }
    assert [path for path, _ in host.seen[1:]] == ["/chart/EURUSD%3DX", "/C:EURUSD"]


def test_a_packed_body_is_unpacked(host, fetcher):
    host.pages["/a"] = send(gzip.compress(b"x" * 50_000), Content_Encoding="gzip")
    assert fetcher.fetch(call(host.url + "/a"), 10.0).body == b"x" * 50_000
    host.pages["/a"] = send(b"", Content_Encoding="gzip")
    assert fetcher.fetch(call(host.url + "/a"), 10.0).body == b""


@pytest.mark.parametrize("is_head", [False, True])
def test_a_server_that_drips_is_left_at_the_deadline(host, fetcher, clock, is_head):
    """Each byte comes a second after the one before; patience for each piece would never end."""

    def answer(handler):
        handler.wfile.write(
            b"HTTP/1.1 200 OK\r\nX: " if is_head else b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"
        )
        while not host.ended.wait(0.001):
            clock.ahead_ns += S
            handler.wfile.write(b"x")

    host.pages["/a"] = answer
    found = fault(fetcher, call(host.url + "/a"), timeout_s=20.0)
    assert found.kind == "unavailable"
    assert found.text == "no whole answer within 20 s"


def say_nothing(host):
    def answer(handler):
        handler.close_connection = True
        host.ended.wait()

    return answer


def test_a_server_that_says_nothing_is_left_at_the_deadline(host, fetcher):
    host.pages["/a"] = say_nothing(host)
    assert fault(fetcher, call(host.url + "/a"), timeout_s=0.1).kind == "unavailable"


def test_whoever_waits_for_a_connection_waits_no_longer(host, fetcher):
    host.pages["/a"] = say_nothing(host)
    threads = [threading.Thread(target=lambda: fault(fetcher, call(host.url + "/a"), 20.0)) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: len(host.seen) == 2, 40.0, "both connections to be busy")
    assert fault(fetcher, call(host.url + "/a"), timeout_s=0.1).kind == "unavailable"
    host.ended.set()
    for thread in threads:
        thread.join()
    assert len(host.seen) == 2


CUTS = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{}",
    "gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
    + gzip.compress(b"{}")[:-3],
    "no gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\nhello hello hello",
    "other packing": b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("name", CUTS)
def test_half_an_answer_is_broken(host, fetcher, name):
    def answer(handler):
        handler.wfile.write(CUTS[name])
        handler.close_connection = True

    host.pages["/a"], host.pages["/b"] = answer, send(b"yes")
    assert fault(fetcher, call(host.url + "/a")).kind == "broken"
    assert fetcher.fetch(call(host.url + "/b"), 10.0).body == b"yes"


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 2", b"rubbish\r\n\r\n"])
def test_no_answer_is_unavailable(host, fetcher, raw):
    def answer(handler):
        handler.wfile.write(raw)
        handler.close_connection = True

    host.pages["/a"] = answer
    assert fault(fetcher, call(host.url + "/a")).kind == "unavailable"


@pytest.mark.parametrize("is_packed", [False, True])
def test_more_than_the_limit_is_broken(host, fetcher, is_packed):
    size = 10_000_000
    host.pages["/a"] = (
        send(gzip.compress(b"\0" * size), Content_Encoding="gzip") if is_packed else send(b"\0" * size)
    )
    host.pages["/b"] = send(b"y" * 100_000)
    assert "more than 100000 bytes" in fault(fetcher, call(host.url + "/a")).text
    assert len(fetcher.fetch(call(host.url + "/b"), 10.0).body) == 100_000


def test_a_redirect_on_the_same_host_is_followed(host, fetcher):
    host.pages["/a"], host.pages["/b"] = send(b"", 302, Location="/b?x=1"), send(b"yes")
    assert fetcher.fetch(call(host.url + "/a", apikey=KEY), 10.0).body == b"yes"
    assert host.seen[1][0] == "/b?x=1"
    assert host.seen[1][1]["Authorization"] == f"apikey {KEY}"


def test_a_redirect_elsewhere_gets_nothing(host, fetcher):
    with Host() as other:
        host.pages["/a"] = send(b"", 307, Location=f"{other.url}/b")
        found = fault(fetcher, call(host.url + "/a", apikey=KEY))
        assert (found.kind, found.status) == ("unavailable", 307)
        assert "to another host" in found.text
        assert (other.seen, other.server.connections) == ([], 0)


def test_circles_end(host, fetcher):
    host.pages["/a"] = send(b"", 302, Location="/a")
    assert "redirects" in fault(fetcher, call(host.url + "/a")).text
    assert len(host.seen) == 4


@pytest.mark.parametrize(
    ("here", "there", "is_followed"),
    [
        ("https://a.example/x", "/y", True),
        ("http://a.example/x", "https://a.example/y", True),
        ("https://a.example/x", "http://a.example/y", False),
        ("https://a.example/x", "https://a.example:444/y", False),
        ("https://a.example/x", "https://b.example/y", False),
        ("https://a.example/x", "//b.example/y", False),
        ("https://a.example/x", "https://a.example@b.example/y", False),
        ("https://a.example/x", "file:///etc/passwd", False),
    ],
)
def test_where_redirects_may_lead(here, there, is_followed):
    if is_followed:
        assert _redirected(httpx2.URL(here), there, 302).path == "/y"
    else:
        with pytest.raises(FetchFault, match="to another host"):
            _redirected(httpx2.URL(here), there, 302)


def test_no_log_line_has_a_query_or_a_key(host, fetcher, caplog):
    caplog.set_level(logging.DEBUG)
    host.pages["/a"] = send(b"yes")
    fetcher.fetch(call(host.url + "/a", apikey=KEY), 10.0)
    assert caplog.text == ""


@pytest.mark.parametrize("end", ["\n", "\r\nX: y", "é"])
def test_a_key_that_cannot_be_sent_is_not_quoted(host, fetcher, end):
    found = fault(fetcher, call(host.url + "/a", {"Authorization": f"sesame{end}"}))
    assert found.kind == "unavailable"
    assert "sesame" not in found.text
    assert host.seen == []


def test_a_host_that_is_not_there_is_unavailable(fetcher):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        found = fault(fetcher, call(f"http://127.0.0.1:{taken.getsockname()[1]}/a", apikey=KEY))
    assert found.kind == "unavailable"
    assert "ConnectError" in found.text
    assert fault(fetcher, call("http://[::1/a")).kind == "unavailable"
    assert fault(fetcher, call("gopher://127.0.0.1/a")).kind == "unavailable"


def test_the_next_address_of_a_host_is_tried(host, fetcher, monkeypatch):
    def addresses(name, port, *_, **__):
        ips = ("127.9.9.9", "127.0.0.1") if name == "localhost" else (name,)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ips]

    monkeypatch.setattr(socket, "getaddrinfo", addresses)
    host.pages["/a"] = send(b"yes")
    asked = call(host.url.replace("127.0.0.1", "localhost") + "/a")
    assert fetcher.fetch(asked, 10.0).body == b"yes"


def test_cookies_are_not_kept(host, fetcher):
    host.pages["/a"] = send(b"yes", Set_Cookie="A=1; Path=/")
    for _ in range(2):
        fetcher.fetch(call(host.url + "/a"), 10.0)
    assert "Cookie" not in host.seen[1][1]


def test_a_closed_fetcher_has_no_answers(host, fetcher):
    fetcher.close()
    assert fault(fetcher, call(host.url + "/a")).text == "the fetcher is closed"


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_this_host_is_never_behind_a_proxy(host, clock, monkeypatch, name):
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    host.pages["/a"] = send(b"yes")
    with contextlib.closing(Fetcher(clock)) as fetcher:
        assert fetcher.fetch(call(host.url + "/a"), 10.0).body == b"yes"


def test_another_host_is_asked_through_the_proxy(host, clock, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", host.url.replace("//", "//me:pass%40word@"))
    host.pages["/a"] = send(b"yes")
    with contextlib.closing(Fetcher(clock)) as fetcher:
        assert fetcher.fetch(call("http://quotes.example/a"), 10.0).body == b"yes"
    path, headers = host.seen[0]
    assert path == "http://quotes.example/a"
    assert headers["Proxy-Authorization"] == "Basic bWU6cGFzc0B3b3Jk"


def test_which_proxy_a_host_has():
    proxies = {"http": "http://p:1", "https": "http://p:2"}
    assert proxy_for("https", "api.example", proxies) == "http://p:2"
    assert proxy_for("http", "api.example", proxies) == "http://p:1"
    assert proxy_for("https", "api.example", {"all": "http://p:3"}) == "http://p:3"
    assert proxy_for("https", "api.example", {}) == ""
    for name in ("localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"):
        assert proxy_for("http", name, proxies) == ""
        assert is_loopback(name)
    assert not is_loopback("10.0.0.1")


def test_the_library_is_loaded_only_with_a_fetcher():
    module = "actors.collector.bars.providers.fetching"
    assert not {"httpx2", "httpcore2", module.replace("fetching", "pooling")} & loaded_by(f"import {module}")
