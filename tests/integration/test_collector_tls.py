"""A connection over TLS, where bytes may be decrypted before anybody polls for them, with each transport."""

import select
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from actors.collector.exchange.transports import socket_class
from tests.support.certificates import certificate
from tests.support.transports import TRANSPORTS

TEXTS = [f"{number:05d}" * (number % 200) for number in range(3000)]
DEADLINE_S = 40.0


class Venue:
    """Sends all texts, pings, and keeps what it hears."""

    def __init__(self, folder: Path) -> None:
        certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        self.heard: list[str | bytes] = []
        self.close_code: int | None = None
        self.was_answered = threading.Event()
        self.is_over = threading.Event()
        self.server = serve(self._serve, "localhost", 0, ssl=context, compression=None)
        self.url = f"wss://localhost:{self.server.socket.getsockname()[1]}/stream"

    def _serve(self, connection: ServerConnection) -> None:
        for text in TEXTS:
            connection.send(text)
        pong = connection.ping(b"now")
        try:
            self.heard += connection
        except ConnectionClosed:
            pass
        finally:
            self.close_code = connection.close_code
            if pong.is_set():
                self.was_answered.set()
            self.is_over.set()


@pytest.fixture
def venue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Venue]:
    found = Venue(tmp_path)
    monkeypatch.setenv("WEBSOCKET_CLIENT_CA_BUNDLE", str(tmp_path / "cert.pem"))
    thread = threading.Thread(target=found.server.serve_forever)
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_frame_comes_over_tls(venue, transport):
    stream = socket_class(transport)(1_000_000)
    stream.open(venue.url, DEADLINE_S)
    poll = select.poll()
    poll.register(stream.fd, select.POLLIN)
    texts: list[bytes] = []
    while len(texts) < len(TEXTS) or not stream.pings_received:
        assert poll.poll(DEADLINE_S * 1000)
        stream.fill()
        while stream.has_more and (frames := stream.take(256)):
            texts += frames
    assert texts == [text.encode() for text in TEXTS]
    stream.send("enough")
    stream.hang_up()
    assert venue.is_over.wait(DEADLINE_S)
    assert (venue.heard, venue.close_code) == (["enough"], 1000)
    assert venue.was_answered.is_set()
