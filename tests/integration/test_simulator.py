"""The venue simulator as a real process, spoken to with the client library that the collector uses."""

from __future__ import annotations

import gzip
import itertools
import json
import struct
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import websocket

from protocol.errors import HubError, error_from_code
from tests.support.config import write_config
from tests.support.data import truth
from tests.support.paths import short_folder
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess
from tests.support.wait import until

NAME = "simulator.1"
DEADLINE_S = 40.0


class Venue:
    """A running simulator."""

    def __init__(self, process: ActorProcess, peers: Peers) -> None:
        self.process = process
        self._peers = peers
        self.port: int = self.ctl("port")

    def ctl(self, op: str, **args: Any) -> Any:
        """Do a control operation; a refusal raises what the code names."""
        reply = self._peers.ask(NAME, op, args=args)
        if not reply.ok:
            raise error_from_code(reply.code, reply.message, reply.details)
        return msgspec.msgpack.decode(reply.data)

    @contextmanager
    def connect(self, path: str) -> Iterator[websocket.WebSocket]:
        url = f"ws://127.0.0.1:{self.port}{path}"
        socket = websocket.create_connection(url, timeout=DEADLINE_S, skip_utf8_validation=True)
        try:
            yield socket
        finally:
            socket.shutdown()

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=DEADLINE_S) as answer:
            return json.load(answer)


@contextmanager
def venue_of(run_dir: Path, **settings: Any) -> Iterator[Venue]:
    config = write_config(run_dir, {NAME: {"port": 0, "rate_per_s": 2_000, **settings}})
    with ActorProcess("simulator", NAME, config) as process, peers_of(run_dir) as peers:
        process.wait_for_text("RUNNING")
        yield Venue(process, peers)
        assert process.stop() == 0


@pytest.fixture
def venue(run_dir: Path) -> Iterator[Venue]:
    with venue_of(run_dir) as found:
        yield found


def messages(socket: websocket.WebSocket) -> Iterator[dict[str, Any]]:
    """What comes, until the deadline."""
    end_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < end_s:
        yield json.loads(socket.recv())
    raise AssertionError("what the test waits for has not come")


def apply(sides: dict[str, dict[str, str]], event: dict[str, Any]) -> None:
    for side, levels in sides.items():
        for price, size in event[side]:
            if float(size):
                levels[price] = size
            else:
                levels.pop(price, None)


def joined_book(
    venue: Venue, incoming: Iterator[dict[str, Any]], path: str, market: str
) -> tuple[dict[str, dict[str, str]], dict[str, Any]]:
    """A book put together by the venue's rules until the market has been stopped; it and the truth."""
    is_spot = market == "spot"
    early = [next(incoming)["data"] for _ in range(3)]
    snapshot = venue.get(f"{path}/depth?symbol=BTCUSDT&limit=1000")
    last = snapshot["lastUpdateId"]
    assert last >= early[0]["U"]
    sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
    events = itertools.chain(early, (message["data"] for message in incoming))
    first = next(event for event in events if event["u"] > last)
    assert first["U"] <= last + 1 <= first["u"] if is_spot else first["pu"] <= last
    apply(sides, first)
    last = first["u"]
    for count, event in enumerate(events, 1):
        assert event["U"] == last + 1 if is_spot else event["pu"] == last
        apply(sides, event)
        last = event["u"]
        if count == 5:
            venue.ctl("rate", per_s=0)
            (known,) = venue.ctl("truth", symbol="BTCUSDT", market=market, depth=50)
        if count >= 5 and last == known["update_id"]:
            return sides, known
    raise AssertionError("unreachable")


@pytest.mark.parametrize(
    ("stream", "rest", "market"),
    [("/spot/stream", "/spot/api/v3", "spot"), ("/usdm/public/stream", "/usdm/fapi/v1", "usdm")],
)
def test_a_book_joins_snapshot_and_stream_and_equals_the_truth(
    venue: Venue, stream: str, rest: str, market: str
) -> None:
    with venue.connect(stream) as socket:
        socket.send('{"method":"SUBSCRIBE","params":["btcusdt@depth@100ms"],"id":1}')
        assert json.loads(socket.recv()) == {"result": None, "id": 1}
        sides, known = joined_book(venue, messages(socket), rest, market)
    bids = sorted(sides["b"].items(), key=lambda level: -float(level[0]))[:50]
    asks = sorted(sides["a"].items(), key=lambda level: float(level[0]))[:50]
    assert [list(level) for level in bids] == known["bids"]
    assert [list(level) for level in asks] == known["asks"]


def test_trades_heard_equal_the_truth_and_rest_has_the_rest(venue: Venue) -> None:
    venue.ctl("rate", per_s=0)
    with venue.connect("/spot/ws/btcusdt@trade") as socket:
        (before,) = venue.ctl("truth", symbol="BTC_USDT")
        venue.ctl("rate", per_s=3_000)
        trades: list[dict[str, Any]] = []
        known: dict[str, Any] = {}
        for trade in messages(socket):
            trades.append(trade)
            if len(trades) == 100:
                venue.ctl("rate", per_s=0)
                (known,) = venue.ctl("truth", symbol="BTC_USDT")
            if known and trade["t"] == known["last_trade_id"]:
                break
    first, last = before["last_trade_id"] + 1, known["last_trade_id"]
    assert [trade["t"] for trade in trades] == list(range(first, last + 1))
    rows = venue.get(f"/spot/api/v3/historicalTrades?symbol=BTCUSDT&fromId={first}&limit=1000")
    assert [(row["id"], row["price"], row["qty"], row["isBuyerMaker"]) for row in rows] == [
        (trade["t"], trade["p"], trade["q"], trade["m"]) for trade in trades[:1000]
    ]
    heard = sum(round(float(trade["q"]) * 1e8) for trade in trades)
    assert volume_of(known) - volume_of(before) == heard


def volume_of(known: dict[str, Any]) -> int:
    return sum(round(float(minute[5]) * 1e8) for minute in known["minutes"])


def test_faults_happen_as_told(venue: Venue) -> None:
    with venue.connect("/usdm/public/ws/btcusdt@trade") as socket:
        incoming = messages(socket)
        ids = [next(incoming)["t"]]
        venue.ctl("drop", symbol="BTC_USDT.PERP", kind="trade", n=3)
        ids = ids_until(incoming, ids, lambda ids: ids[-1] - ids[-2] == 4)
        assert [later - sooner for sooner, later in itertools.pairwise(ids[:-1])] == [1] * (len(ids) - 2)
        venue.ctl("duplicate", stream="btcusdt@trade")
        ids = ids_until(incoming, ids[-1:], lambda ids: ids[-1] == ids[-2])
        venue.ctl("reorder", market="usdm")
        ids_until(incoming, ids[-1:], lambda ids: ids[-1] == ids[-2] - 1)
        assert venue.ctl("status")["faults"]["hits"] == {"drop": 3, "duplicate": 1, "reorder": 1}


def ids_until(
    incoming: Iterator[dict[str, Any]], ids: list[int], is_seen: Callable[[list[int]], bool]
) -> list[int]:
    """Go on with trade ids until the newest are as wanted."""
    for message in incoming:
        ids.append(message["t"])
        if is_seen(ids):
            break
    return ids


def test_frozen_instrument_is_silent_while_another_talks_and_pings_go_on(run_dir: Path) -> None:
    with (
        venue_of(run_dir, futures_ping_s=0.3) as venue,
        venue.connect("/usdm/public/stream?streams=btcusdt@trade/ethusdt@trade") as socket,
    ):
        incoming = messages(socket)
        next(message for message in incoming if message["data"]["s"] == "BTCUSDT")
        venue.ctl("freeze", symbol="BTC_USDT.PERP")
        (frozen,) = venue.ctl("truth", symbol="BTC_USDT.PERP")
        pings = venue.ctl("status")["counters"].get("pings", 0)
        heard: Counter[str] = Counter()
        for message in incoming:
            heard[message["data"]["s"]] += message["data"].get("t", 0) > frozen["last_trade_id"] or (
                message["data"]["s"] == "ETHUSDT"
            )
            if heard["ETHUSDT"] > 50 and venue.ctl("status")["counters"].get("pings", 0) > pings + 1:
                break
        assert heard["BTCUSDT"] == 0
        venue.ctl("thaw")
        after = next(message["data"] for message in incoming if message["data"]["s"] == "BTCUSDT")
        while after["t"] <= frozen["last_trade_id"]:
            after = next(message["data"] for message in incoming if message["data"]["s"] == "BTCUSDT")
        assert after["t"] == frozen["last_trade_id"] + 1  # nothing was lost: nothing happened


def test_connections_end_and_are_refused_as_told(venue: Venue) -> None:
    with venue.connect("/spot/ws/btcusdt@trade") as spot, venue.connect("/usdm/public/ws") as futures:
        assert venue.ctl("disconnect", path="/usdm") == {"disconnected": 1}
        with pytest.raises((ConnectionError, websocket.WebSocketException)):
            futures.recv()
        assert venue.ctl("shutdown_notice") == {"told": 1}
        notice = next(message for message in messages(spot) if message["e"] == "serverShutdown")
        assert notice.keys() == {"e", "E"}
        venue.ctl("disconnect", abrupt=False, code=1012)
        assert close_code(spot) == 1012
    venue.ctl("refuse", n=1, status=429, retry_after_s=9)
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal, venue.connect("/spot/ws"):
        pass
    assert refusal.value.status_code == 429
    assert refusal.value.resp_headers["retry-after"] == "9"
    venue.ctl("refuse", n=1, status=418, what="rest")
    with pytest.raises(urllib.error.HTTPError) as banned:
        venue.get("/spot/api/v3/ping")
    with banned.value as answer:
        assert answer.code == 418
    assert venue.get("/spot/api/v3/ping") == {}
    with venue.connect("/spot/ws/btcusdt@trade") as socket:
        assert json.loads(socket.recv())["e"] == "trade"


def close_code(socket: websocket.WebSocket) -> int:
    """Read up to the close frame; returns its code."""
    opcode, body = socket.recv_data()
    while opcode != websocket.ABNF.OPCODE_CLOSE:
        opcode, body = socket.recv_data()
    return int.from_bytes(body[:2], "big")


def test_it_can_send_anything_and_have_a_wrong_clock(venue: Venue) -> None:
    with venue.connect("/spot/ws") as socket:
        venue.ctl("inject", text='{"e":"trade","p":"NaN"')
        venue.ctl("inject", hex="00ff", opcode="binary")
        venue.ctl("inject", size_bytes=20_000_000)
        assert socket.recv_data() == (1, b'{"e":"trade","p":"NaN"')
        assert socket.recv_data() == (2, b"\x00\xff")
        assert len(socket.recv()) == 20_000_000
    before_ms = venue.get("/spot/api/v3/time")["serverTime"]
    venue.ctl("skew", ms=60_000)
    assert 60_000 <= venue.get("/spot/api/v3/time")["serverTime"] - before_ms < 120_000


@pytest.mark.parametrize(
    ("op", "args", "words"),
    [
        ("drop", {"many": 3}, "many"),
        ("rate", {"per_s": -1}, "per_s"),
        ("rate", {}, "per_s"),
        ("freeze", {"symbol": "NOPE"}, "NOPE"),
        ("fly", {}, "fly"),
        ("inject", {"hex": "zz"}, "hex"),
        ("drop", {"seconds": -1}, "seconds"),
        ("drop", {"every": 0}, "every"),
        ("outage", {}, "seconds"),
        ("truth_trades", {}, "symbol"),
        ("truth_trades", {"symbol": "NOPE"}, "NOPE"),
        ("truth_trades", {"symbol": "BTCUSDT"}, "several markets"),
        ("print", {}, "symbol"),
        ("print", {"symbol": "BTC_USDT", "side": 2}, "side"),
        ("sweep", {"symbol": "BTCUSDT"}, "several markets"),
        ("surge", {"symbol": "BTC_USDT", "at_s": 5}, "at_s"),
        ("liquidations", {"symbol": "NOPE"}, "NOPE"),
    ],
)
def test_a_wrong_control_request_is_refused_with_the_reason(
    refusing: Venue, op: str, args: dict[str, Any], words: str
) -> None:
    with pytest.raises(HubError, match=words):
        refusing.ctl(op, **args)
    assert refusing.ctl("ping") == "pong"


@pytest.fixture(scope="module")
def refusing() -> Iterator[Venue]:
    with short_folder() as folder, venue_of(folder) as found:
        yield found


def test_an_outage_ends_with_calm(venue: Venue) -> None:
    with venue.connect("/spot/ws/btcusdt@trade") as socket:
        assert venue.ctl("outage", seconds=60.0) == {"disconnected": 1}
        with pytest.raises((ConnectionError, websocket.WebSocketException)):
            close_code(socket)
    with pytest.raises(websocket.WebSocketBadStatusException), venue.connect("/spot/ws"):
        pass
    with pytest.raises(urllib.error.HTTPError) as refused:
        venue.get("/spot/api/v3/ping")
    refused.value.close()
    venue.ctl("drop", seconds=60.0)
    venue.ctl("freeze", symbol="BTC_USDT")
    assert venue.ctl("calm")["waiting"] == []
    with venue.connect("/spot/ws/btcusdt@trade") as socket:
        first = json.loads(socket.recv())
    page = venue.ctl("truth_trades", symbol="BTC_USDT", from_id=first["t"], limit=1)
    (price, lots, t_ms, is_buyer_maker) = struct.unpack("<4q", page["rows"])
    assert (price / page["price_scale"], lots / page["lot_scale"]) == (float(first["p"]), float(first["q"]))
    assert (page["first_id"], t_ms, bool(is_buyer_maker)) == (first["t"], first["T"], first["m"])


def test_a_taken_port_and_an_unreadable_recording_say_so(run_dir: Path, venue: Venue) -> None:
    taken = write_config(run_dir, {"simulator.2": {"port": venue.port}})
    with ActorProcess("simulator", "simulator.2", taken) as process:
        assert process.wait(DEADLINE_S) == 69
        assert "another simulator" in process.stderr_text
    nowhere = write_config(run_dir, {"simulator.2": {"port": 0, "play": str(run_dir / "none.gz")}})
    with ActorProcess("simulator", "simulator.2", nowhere) as process:
        assert process.wait(DEADLINE_S) == 78
        assert "none.gz" in process.stderr_text


@pytest.mark.recording
@pytest.mark.parametrize(
    ("name", "path", "rest"),
    [
        ("binance/hft_usdm_btcusdt_20240808.gz", "/usdm/public/stream", "/usdm/fapi/v1"),
        ("binance/hft_spot_ethusdt_20240808.gz", "/spot/stream", "/spot/api/v3"),
        ("binance/hft_cm_btcusd_perp_20240808_first8000.gz", "/coinm/stream", "/coinm/dapi/v1"),
    ],
)
def test_a_recording_is_played_whole_and_in_order(
    run_dir: Path, recording: Callable[[str], Path], name: str, path: str, rest: str
) -> None:
    known = truth(name)
    with gzip.open(recording(name), "rb") as lines:
        recorded = [line.rstrip().partition(b" ")[2].decode() for line in lines]
    (snapshot,) = (line for line in recorded if line.startswith('{"lastUpdateId"'))
    (symbol,) = known["symbols"]
    streams = "/".join(sorted({json.loads(line)["stream"] for line in recorded if line is not snapshot}))
    with (
        venue_of(run_dir, play=str(recording(name)), play_speed=0) as venue,
        venue.connect(f"{path}?streams={streams}") as socket,
    ):
        heard = [socket.recv()]
        assert venue.get(f"{rest}/depth?symbol={symbol}&limit=1000") == json.loads(snapshot)
        while len(heard) < len(recorded) - 1:
            heard.append(socket.recv())
        assert heard == [line for line in recorded if line is not snapshot]
        until(lambda: venue.ctl("status")["feed"]["play_done"], DEADLINE_S, "the recording to be done")
        feed = venue.ctl("status")["feed"]
        counts = {
            key.split(" ")[0].partition("@")[0]: count
            for key, count in known["by_kind"].items()
            if not key.startswith("depth snapshot")
        }
        assert feed["sent"] == counts
        assert feed["unheard"] == {}
