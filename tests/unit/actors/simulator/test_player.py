"""Playing: its own timing, order, the snapshot's place in the stream, and listeners that are slow."""

import gzip
import json
from pathlib import Path

import pytest

from actors.simulator.channels import Channels
from actors.simulator.faults import Faults
from actors.simulator.played_book import PlayedBook
from actors.simulator.player import Player
from actors.simulator.recording import Recording
from actors.simulator.rest import Answer
from actors.simulator.streams import parse_stream
from tests.unit.actors.simulator.reading import texts_in

SECOND = 1_000_000_000


class Listener:
    """Keeps what it was given."""

    is_combined = True

    def __init__(self) -> None:
        self.is_backed_up = False
        self.data = b""

    def put(self, frame: bytes) -> None:
        self.data += frame

    @property
    def messages(self) -> list[dict]:
        return [json.loads(text) for text in texts_in(self.data)]


def depth(number: int) -> str:
    data = {
        "e": "depthUpdate",
        "s": "BTCUSDT",
        "U": number,
        "u": number,
        "pu": number - 1,
        "b": [["9", str(number)]],
        "a": [],
    }
    return json.dumps({"stream": "btcusdt@depth@0ms", "data": data}, separators=(",", ":"))


def trade(number: int) -> str:
    data = {"e": "trade", "s": "BTCUSDT", "t": number, "X": "MARKET"}
    return json.dumps({"stream": "btcusdt@trade", "data": data}, separators=(",", ":"))


SNAPSHOT = json.dumps({"lastUpdateId": 3, "bids": [["9", "3"], ["8", "1"]], "asks": [["10", "1"]]})
LINES = [depth(1), trade(1), depth(2), depth(3), SNAPSHOT, depth(4), trade(2), depth(5)]


class Room:
    """A player of the lines, one second apart, with whoever listens."""

    def __init__(self, folder: Path, lines: list[str] | None = None, **settings: object) -> None:
        path = folder / "recording.gz"
        rows = [f"{number * SECOND} {line}" for number, line in enumerate(LINES if lines is None else lines)]
        path.write_bytes(gzip.compress("\n".join(rows).encode()))
        given = {"speed": 1.0, "is_waiting": True, "settle_s": 1.0, "snapshot_wait_s": 3.0, **settings}
        self.player = Player(Recording(path), **given)  # type: ignore[arg-type]
        self.channels = Channels(self.player, Faults())
        self.answers: list[Answer] = []

    def listen(self, *names: str, market: str = "usdm") -> Listener:
        listener = Listener()
        for name in names:
            stream = parse_stream(market, name)
            assert stream is not None
            self.channels.join(listener, market, name, stream)
        return listener

    def ask(self) -> None:
        self.player.answer("usdm", "depth", {"symbol": "BTCUSDT"}, self.answers.append)

    def run(self, from_s: float, to_s: float) -> None:
        for tenth in range(round(from_s * 10), round(to_s * 10) + 1):
            self.player.advance(tenth * SECOND // 10)


def streams_of(listener: Listener) -> list[str]:
    return [message["stream"] for message in listener.messages]


def test_it_starts_with_its_listeners_and_keeps_its_own_time(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.run(0, 100)
    assert room.player.state == "waiting"
    listener = room.listen("btcusdt@depth@0ms", "btcusdt@trade")
    room.ask()
    room.run(100.1, 101)
    assert len(listener.messages) == 1
    room.run(101.1, 103.1)
    assert len(listener.messages) == 4
    assert room.answers == []  # held: the stream has not come to it
    room.run(103.2, 110)
    assert [json.loads(answer.body)["lastUpdateId"] for answer in room.answers] == [3]
    assert listener.messages == [json.loads(line) for line in LINES if line != SNAPSHOT]
    assert room.player.state == "done"
    assert room.player.status()["sent"] == {"depth": 5, "trade": 2}


def test_speed_zero_plays_as_fast_as_taken(tmp_path: Path) -> None:
    room = Room(tmp_path, [trade(number) for number in range(500)], speed=0.0)
    listener = room.listen("btcusdt@trade")
    listener.is_backed_up = True
    room.run(0, 1)
    assert listener.messages == []
    listener.is_backed_up = False
    room.run(1, 1)
    assert [message["data"]["t"] for message in listener.messages] == list(range(500))
    assert room.player.state == "done"


def test_nothing_is_lost_at_full_speed_while_nobody_listens(tmp_path: Path) -> None:
    room = Room(tmp_path, [trade(number) for number in range(2_000)], speed=0.0)
    first = room.listen("btcusdt@trade")
    room.player.advance(0)
    room.channels.leave(first, "usdm", "btcusdt@trade")
    room.run(0, 5)
    second = room.listen("btcusdt@trade")
    room.run(5, 6)
    taken = [message["data"]["t"] for message in first.messages + second.messages]
    assert taken == list(range(2_000))
    assert 0 < len(first.messages) < 2_000


def test_depth_of_another_speed_gets_the_recorded_one_under_its_name(tmp_path: Path) -> None:
    room = Room(tmp_path, speed=0.0, snapshot_wait_s=0.0)
    listener = room.listen("btcusdt@depth@100ms")
    room.run(0, 3)
    assert streams_of(listener) == ["btcusdt@depth@100ms"] * 5
    assert room.player.status()["unheard"] == {"trade": 2}


def test_it_waits_at_the_snapshot_for_the_one_who_needs_it(tmp_path: Path) -> None:
    room = Room(tmp_path, speed=0.0)
    listener = room.listen("btcusdt@depth@0ms", "btcusdt@trade")
    room.run(0, 2)
    assert len(listener.messages) == 4
    room.ask()
    assert room.answers == [Answer(SNAPSHOT.encode())]
    room.run(2, 2.1)
    assert len(listener.messages) == 7


def test_it_does_not_wait_for_ever_nor_for_those_who_want_no_depth(tmp_path: Path) -> None:
    room = Room(tmp_path, speed=0.0)
    listener = room.listen("btcusdt@depth@0ms", "btcusdt@trade")
    room.run(0, 2.9)
    assert len(listener.messages) == 4
    room.run(3, 3.1)
    assert len(listener.messages) == 7
    other = Room(tmp_path, speed=0.0)
    listener = other.listen("btcusdt@trade")
    other.run(0, 1.5)
    assert len(listener.messages) == 2


def test_later_questions_get_the_book_as_it_then_is(tmp_path: Path) -> None:
    room = Room(tmp_path, speed=0.0)
    room.listen("btcusdt@depth@0ms", "btcusdt@trade")
    room.ask()
    room.run(0, 1)
    room.ask()
    late = json.loads(room.answers[1].body)
    assert late == {"lastUpdateId": 5, "bids": [["9", "5"], ["8", "1"]], "asks": [["10", "1"]]}


@pytest.mark.parametrize(("pu", "is_applied"), [({"pu": 2}, True), ({}, False)])
def test_futures_count_a_message_that_ends_at_the_snapshot_as_newer(pu: dict, is_applied: bool) -> None:
    book = PlayedBook()
    book.apply(json.dumps({"u": 2, "b": [["5", "1"]], "a": [], **pu}).encode())
    book.apply(json.dumps({"u": 3, "b": [["6", "1"]], "a": [], **pu}).encode())
    book.load(SNAPSHOT.encode())
    assert book.body() == SNAPSHOT.encode()
    book.apply(json.dumps({"u": 4, "b": [["9", "0.00"]], "a": [], **pu}).encode())
    bids = [["8", "1"], ["6", "1"]] if is_applied else [["8", "1"]]
    assert json.loads(book.body()) == {"lastUpdateId": 4, "bids": bids, "asks": [["10", "1"]]}


def test_questions_that_a_recording_cannot_answer(tmp_path: Path) -> None:
    room = Room(tmp_path, [trade(1), depth(1)], speed=0.0)
    room.listen("btcusdt@trade", "btcusdt@depth@0ms")
    room.ask()
    assert room.answers == []
    room.run(0, 1)
    assert [answer.status for answer in room.answers] == [503]
    room.ask()
    room.player.answer("usdm", "depth", {"symbol": "NOPE"}, room.answers.append)
    room.player.answer("spot", "depth", {"symbol": "BTCUSDT"}, room.answers.append)
    room.player.answer("usdm", "depth", {}, room.answers.append)
    room.player.answer("usdm", "exchangeInfo", {}, room.answers.append)
    assert [answer.status for answer in room.answers[1:]] == [503, 400, 400, 400, 200]


def test_a_pause_moves_what_follows(tmp_path: Path) -> None:
    room = Room(tmp_path, [trade(number) for number in range(10)])
    listener = room.listen("btcusdt@trade")
    room.run(0, 2)
    room.player.is_frozen = True
    room.run(2.1, 50)
    assert len(listener.messages) == 3
    room.player.is_frozen = False
    room.run(50.1, 50.2)
    assert len(listener.messages) == 4
    room.player.speed = 2.0
    room.run(50.3, 51.4)
    assert len(listener.messages) == 7


def test_other_markets_hear_nothing(tmp_path: Path) -> None:
    room = Room(tmp_path, speed=0.0)
    listener = room.listen("btcusdt@trade", market="spot")
    room.run(0, 20)
    assert room.player.state == "waiting"
    assert listener.data == b""


def test_it_can_be_told_to_start(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.player.start()
    room.run(0, 10)
    assert room.player.state == "done"


@pytest.mark.parametrize("is_waiting", [True, False])
def test_waiting_is_a_choice(tmp_path: Path, is_waiting: bool) -> None:
    room = Room(tmp_path, is_waiting=is_waiting)
    room.run(0, 0)
    assert room.player.state == ("waiting" if is_waiting else "playing")
