"""Faults on demand, and channels that turn one event into bytes for all who listen."""

import json

import pytest
from websockets.frames import Opcode

from actors.simulator.channels import Channel, Channels, frame_of, text_frame
from actors.simulator.faults import ENDLESS, Faults, Rule
from actors.simulator.refusals import Refusal, Refusals
from actors.simulator.streams import Stream
from tests.unit.actors.simulator.reading import frames_in, texts_in

TRADE = Stream("BTCUSDT", "trade")


class Listener:
    """Keeps the bytes it was given."""

    def __init__(self, is_combined: bool = False) -> None:
        self.is_combined = is_combined
        self.is_backed_up = False
        self.data = b""

    def put(self, frame: bytes) -> None:
        self.data += frame


class Source:
    """Lets a test send on the channels that are open."""

    def __init__(self) -> None:
        self.open_channels: dict[str, Channel] = {}

    def open(self, market: str, stream: Stream, channel: Channel):
        self.open_channels[channel.name] = channel
        return lambda: self.open_channels.pop(channel.name)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_frames_are_what_a_websocket_parser_reads(size: int) -> None:
    body = b"x" * size
    for is_text, opcode in ((True, Opcode.TEXT), (False, Opcode.BINARY)):
        assert frames_in(frame_of(body, is_text=is_text)) == [(opcode, body)]


def test_one_event_reaches_raw_and_combined_listeners() -> None:
    source = Source()
    channels = Channels(source, Faults())
    raw, combined = Listener(), Listener(is_combined=True)
    channels.join(raw, "spot", "btcusdt@trade", TRADE)
    channels.join(combined, "spot", "btcusdt@trade", TRADE)
    source.open_channels["btcusdt@trade"].send('{"p":1}')
    assert texts_in(raw.data) == ['{"p":1}']
    assert json.loads(texts_in(combined.data)[0]) == {"stream": "btcusdt@trade", "data": {"p": 1}}
    raw.is_combined = True
    channels.resort(raw)
    source.open_channels["btcusdt@trade"].send("{}")
    assert texts_in(raw.data)[1].startswith('{"stream"')
    channels.leave(raw, "spot", "btcusdt@trade")
    assert source.open_channels
    channels.leave(combined, "spot", "btcusdt@trade")
    assert not source.open_channels
    assert channels.events_sent == 2


def play(fault: str, rule: Rule, count: int = 6) -> list[str]:
    source, faults, listener = Source(), Faults(), Listener()
    channels = Channels(source, faults)
    channels.join(listener, "spot", "btcusdt@trade", TRADE)
    faults.add(fault, rule)
    for number in range(count):
        source.open_channels["btcusdt@trade"].send(str(number))
    return texts_in(listener.data)


def test_each_fault() -> None:
    assert play("drop", Rule(n=2)) == ["2", "3", "4", "5"]
    assert play("duplicate", Rule(n=2)) == ["0", "0", "1", "1", "2", "3", "4", "5"]
    assert play("reorder", Rule(n=2)) == ["1", "0", "3", "2", "4", "5"]


@pytest.mark.parametrize(
    ("rule", "is_hit"),
    [
        (Rule(symbol="BTCUSDT"), True),
        (Rule(symbol="ETHUSDT"), False),
        (Rule(kind="trade", market="spot"), True),
        (Rule(kind="depth"), False),
        (Rule(market="usdm"), False),
        (Rule(stream="btcusdt@trade"), True),
        (Rule(stream="btcusdt@aggTrade"), False),
        (Rule(n=0), False),
    ],
)
def test_faults_hit_what_they_name(rule: Rule, is_hit: bool) -> None:
    assert (play("drop", rule, 1) == []) == is_hit


def test_one_in_so_many_is_hit() -> None:
    assert play("drop", Rule(n=2, every=3), 9) == ["0", "1", "3", "4", "6", "7", "8"]


def test_a_fault_of_seconds_counts_no_events() -> None:
    faults = Faults()
    faults.add("drop", Rule(n=1, seconds=2.0), now_ns=10_000_000_000)

    def sent() -> list[bytes]:
        return faults.apply("spot", "BTCUSDT", "trade", "btcusdt@trade", b"0")

    assert [sent() for _ in range(50)] == [[]] * 50
    faults.tick(11_999_999_999)
    assert sent() == []
    faults.tick(12_000_000_000)
    assert sent() == [b"0"]
    assert not faults.is_active


def test_what_is_frozen_is_released_and_other_faults_stay() -> None:
    faults = Faults()
    faults.add("drop", Rule(n=ENDLESS, market="spot", symbol="BTCUSDT"))
    faults.add("drop", Rule(n=1))
    faults.add("duplicate", Rule(seconds=9.0, market="spot", symbol="BTCUSDT"))
    faults.release([("spot", "BTCUSDT")])
    assert [one["fault"] for one in faults.status()["waiting"]] == ["drop", "duplicate"]
    faults.clear()
    assert not faults.is_active


def test_spent_faults_leave_no_trace() -> None:
    faults = Faults()
    faults.add("drop", Rule(n=1))
    faults.add("reorder", Rule(n=1))
    bodies = [faults.apply("spot", "BTCUSDT", "trade", "btcusdt@trade", body) for body in (b"0", b"1", b"2")]
    assert bodies == [[], [], [b"2", b"1"]]
    assert not faults.is_active
    assert faults.hits == {"drop": 1, "duplicate": 0, "reorder": 1}


def test_refusals_hit_so_many_requests_of_their_kind() -> None:
    refusals = Refusals()
    refusals.add(Refusal(n=2, status=429, retry_after_s=3, what="rest", path="/spot/api"))
    refusals.add(Refusal(n=1, status=403))
    assert refusals.take("rest", "/usdm/fapi/v1/time") is None
    first = refusals.take("rest", "/spot/api/v3/time")
    assert first is not None
    assert (first.status, first.retry_after_s) == (429, 3)
    handshake = refusals.take("ws", "/spot/ws")
    assert handshake is not None
    assert handshake.status == 403
    assert refusals.take("ws", "/spot/ws") is None
    refusals.add(Refusal(n=0, what="rest"))
    assert refusals.take("rest", "/spot/api/v3/time") is None
    assert refusals.count == 2


def test_refusals_of_seconds_hit_all_until_they_are_over() -> None:
    now_ns = 5_000_000_000
    refusals = Refusals(lambda: now_ns)
    refusals.add(Refusal(seconds=2.0, status=500, what="rest"))
    taken = [refusals.take("rest", "/x") for _ in range(20)]
    assert [one.status for one in taken if one is not None] == [500] * 20
    assert refusals.take("tcp", "") is None
    now_ns = 7_000_000_000
    assert refusals.take("rest", "/x") is None
    assert refusals.waiting == []


def test_text_frame_header_is_the_shortest() -> None:
    assert text_frame(b"ab") == b"\x81\x02ab"
