"""The server against real loopback sockets, with a loop and a clock that the test turns itself."""

import json
import socket
from collections.abc import Iterator

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from actors.simulator.channels import text_frame
from actors.simulator.refusals import Refusal
from tests.unit.actors.simulator.serving import Venue


@pytest.fixture
def venue() -> Iterator[Venue]:
    found = Venue()
    yield found
    found.close()


def test_subscribe_ack_then_data_in_envelopes(venue: Venue) -> None:
    peer = venue.peer("/spot/stream")
    peer.say('{"method":"SUBSCRIBE","params":["btcusdt@trade","btcusdt@depth@100ms"],"id":1}')
    assert peer.texts == [{"result": None, "id": 1}]
    venue.advance(1)
    streams = {message["stream"] for message in peer.texts[1:]}
    assert streams == {"btcusdt@trade", "btcusdt@depth@100ms"}
    peer.say('{"method":"UNSUBSCRIBE","params":["btcusdt@trade"],"id":2}')
    before = len(peer.texts)
    venue.advance(1)
    assert {message["stream"] for message in peer.texts[before:]} == {"btcusdt@depth@100ms"}
    assert venue.channels.sent().keys() == {"spot:btcusdt@depth@100ms"}


def test_raw_path_has_no_envelope(venue: Venue) -> None:
    peer = venue.peer("/usdm/public/ws/btcusdt@bookTicker")
    venue.advance(0.2)
    assert peer.texts[0]["e"] == "bookTicker"


@pytest.mark.parametrize(
    ("target", "is_heard"),
    [
        ("/usdm/public/ws/btcusdt@bookTicker", True),
        ("/usdm/public/ws/btcusdt@aggTrade", False),
        ("/usdm/market/ws/btcusdt@aggTrade", True),
        ("/usdm/market/ws/btcusdt@depth@100ms", False),
        ("/usdm/ws/btcusdt@aggTrade", False),
        ("/usdm/ws/btcusdt@trade", True),
        ("/spot/ws/btcusdt@kline_1m", True),
        ("/spot/ws/btcusdt@depth5", True),
        ("/spot/ws/BTCUSDT@trade", False),
        ("/spot/ws/nopeusdt@trade", False),
        ("/spot/ws/btcusdt@nonsense", False),
    ],
)
def test_wrong_paths_and_names_connect_and_stay_silent(venue: Venue, target: str, is_heard: bool) -> None:
    peer = venue.peer(target)
    assert peer.protocol.state is State.OPEN
    venue.advance(2)
    assert bool(peer.texts) == is_heard


def test_pings_are_sent_and_must_be_answered(venue: Venue) -> None:
    venue.exchange.rate_per_s = 0
    good = venue.peer("/spot/ws")
    deaf = venue.peer("/spot/ws")
    deaf.protocol.recv_frame = deaf.frames.append  # type: ignore[method-assign]
    venue.advance(19)
    assert not good.of(Opcode.PING)
    venue.advance(3)
    assert len(good.of(Opcode.PING)) == len(deaf.of(Opcode.PING)) == 1
    venue.advance(50)
    assert not deaf.is_gone
    venue.advance(15)
    assert deaf.is_gone
    assert not good.is_gone
    assert venue.counters["closed_no_pong"] == 1


def test_futures_ping_each_three_minutes(venue: Venue) -> None:
    venue.exchange.rate_per_s = 0
    peer = venue.peer("/usdm/public/ws")
    venue.advance(175)
    assert not peer.of(Opcode.PING)
    venue.advance(10)
    assert len(peer.of(Opcode.PING)) == 1


def test_connection_ends_after_its_day() -> None:
    venue = Venue(max_age_s=30.0)
    peer = venue.peer("/spot/ws/btcusdt@trade")
    venue.advance(29)
    assert peer.protocol.state is State.OPEN
    venue.advance(3)
    assert peer.protocol.close_rcvd is not None
    assert peer.protocol.close_rcvd.code == 1001
    venue.close()


@pytest.mark.parametrize(("target", "limit"), [("/spot/ws", 5), ("/usdm/market/ws", 10)])
def test_too_many_messages_in_a_second_end_the_connection(venue: Venue, target: str, limit: int) -> None:
    peer = venue.peer(target)
    for number in range(limit):
        peer.say(f'{{"method":"LIST_SUBSCRIPTIONS","id":{number}}}')
    assert len(peer.texts) == limit
    venue.advance(1)
    for number in range(limit):
        peer.say(f'{{"method":"LIST_SUBSCRIPTIONS","id":{number}}}')
    assert len(peer.texts) == 2 * limit
    peer.say('{"method":"LIST_SUBSCRIPTIONS","id":99}')
    assert peer.protocol.close_rcvd is not None
    assert peer.protocol.close_rcvd.code == 1008


def test_client_that_does_not_read_is_cut_off_and_others_go_on() -> None:
    venue = Venue(client_buffer_bytes=1 << 20)
    slow = socket.create_connection(("127.0.0.1", venue.server.port))
    request = ClientProtocol(parse_uri("ws://localhost/spot/ws")).connect()
    slow.sendall(request.serialize())
    good = venue.peer("/usdm/public/ws/btcusdt@bookTicker")
    assert len(venue.server.clients) == 2
    frame = text_frame(b" " * (1 << 20))
    for _ in range(64):
        venue.server.inject(frame, "/spot")
        if len(venue.server.clients) == 1:
            break
    assert venue.counters["closed_too_slow"] == 1
    venue.advance(0.1)
    assert good.texts
    slow.close()
    venue.close()


def test_what_the_kernel_does_not_take_at_once_arrives_later_and_whole(venue: Venue) -> None:
    venue.exchange.rate_per_s = 0
    peer = venue.peer("/spot/ws")
    bodies = [str(number).encode() * 1_000_000 for number in range(10, 20)]
    for body in bodies:
        venue.server.inject(text_frame(body))
    (client,) = venue.server.sessions()
    assert client.queued_bytes > 0
    peer.pump()
    assert [bytes(frame.data) for frame in peer.frames] == bodies
    assert client.queued_bytes == 0
    assert not venue.loop.turn(0.01)  # nobody waits for room any more


def test_close_frame_is_answered_and_bad_frames_end_only_their_connection(venue: Venue) -> None:
    polite, rude, other = (venue.peer("/spot/ws/btcusdt@trade") for _ in range(3))
    polite.protocol.send_close(1000)
    polite.pump()
    rude.sock.sendall(b"\xff\xff\xff\xff")
    rude.pump()
    venue.advance(1)
    assert polite.of(Opcode.CLOSE)
    assert polite.is_gone
    assert rude.is_gone
    assert other.texts
    venue.advance(6)  # the two have not closed their sockets: their time is over
    assert len(venue.server.clients) == 1


def test_message_and_close_in_one_packet_do_no_harm(venue: Venue) -> None:
    peer = venue.peer("/spot/ws")
    peer.protocol.send_text(b'{"method":"LIST_SUBSCRIPTIONS","id":1}')
    peer.protocol.send_close(1000)
    peer.pump()
    assert peer.is_gone
    assert len(peer.of(Opcode.CLOSE)) == 1


def test_large_message_is_refused(venue: Venue) -> None:
    peer = venue.peer("/spot/ws")
    peer.say("x" * 70_000)
    assert peer.protocol.close_rcvd is not None
    assert peer.protocol.close_rcvd.code == 1009


def test_rest_on_the_same_port(venue: Venue) -> None:
    status, headers, body = venue.get("/spot/api/v3/depth?symbol=BTCUSDT&limit=5")
    assert status == 200
    assert headers["x-mbx-used-weight-1m"] == "5"
    assert headers["content-type"].startswith("application/json")
    assert len(json.loads(body)["bids"]) == 5
    assert venue.get("/spot/api/v3/depth?symbol=X")[0] == 400
    assert venue.get("/spot/ws")[0] == 426
    assert not venue.server.clients


def test_garbage_instead_of_http_ends_only_that_connection(venue: Venue) -> None:
    for rubbish in (
        b"\x00\x01\x02\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST /spot/api/v3/ping HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
    ):
        with socket.create_connection(("127.0.0.1", venue.server.port)) as sock:
            sock.sendall(rubbish)
            for _ in range(5):
                venue.loop.turn(0.02)
    assert venue.get("/spot/api/v3/ping")[0] == 200
    with socket.create_connection(("127.0.0.1", venue.server.port)):
        while venue.loop.turn(0.05):
            pass
        assert len(venue.server.clients) == 1
        venue.advance(11)  # it never said a word
        assert not venue.server.clients


def test_refused_handshake_carries_status_and_patience(venue: Venue) -> None:
    venue.server.refusals.add(Refusal(n=1, status=429, retry_after_s=7))
    refused = venue.peer("/spot/ws")
    assert refused.response is not None
    assert refused.response.status_code == 429
    assert refused.response.headers["Retry-After"] == "7"
    assert venue.peer("/spot/ws").protocol.state is State.OPEN


def test_too_many_streams_in_the_path_are_refused(venue: Venue) -> None:
    for count, status in ((1_024, 426), (1_025, 400)):  # 426: no upgrade was asked for, else it is fine
        names = "/".join(f"{number}@t" for number in range(count))
        assert venue.get(f"/spot/ws/{names}")[0] == status


def test_disconnect_by_path_abrupt_or_in_order(venue: Venue) -> None:
    spot, public, market = (venue.peer(path) for path in ("/spot/ws", "/usdm/public/ws", "/usdm/market/ws"))
    assert venue.server.disconnect("/usdm/public") == 1
    assert venue.server.disconnect("/usdm", is_abrupt=False, code=1012, reason="restart") == 1
    for peer in venue.peers:
        peer.pump()
    assert public.is_gone
    assert public.protocol.close_rcvd is None
    assert market.protocol.close_rcvd is not None
    assert (market.protocol.close_rcvd.code, market.protocol.close_rcvd.reason) == (1012, "restart")
    assert spot.protocol.state is State.OPEN


def test_connections_are_refused_for_so_many_seconds_and_then_taken(venue: Venue) -> None:
    venue.server.refusals.add(Refusal(seconds=3.0, what="tcp"))
    for _ in range(2):
        refused = venue.peer("/spot/ws")
        assert refused.is_gone
        assert refused.response is None
    assert venue.counters["refused"] == 2
    venue.advance(3.0)
    assert venue.peer("/spot/ws").protocol.state is State.OPEN
