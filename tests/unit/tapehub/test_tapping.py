from pathlib import Path

import pytest

from protocol.record import FrameWriter
from protocol.transport import Wire
from tapehub.patterns import TopicPatterns
from tapehub.tapping import Tap, check_endpoint
from tests.support.peers import Source
from tests.unit.tapehub.frames import T0_NS, frame_of, trade


class Clock:
    """Steps a second at every look at its monotonic hand."""

    def __init__(self) -> None:
        self.mono_s = 0

    def now_ns(self) -> int:
        return T0_NS

    def mono_ns(self) -> int:
        self.mono_s += 1
        return self.mono_s * 10**9


@pytest.mark.parametrize("endpoint", ["ipc:///tmp/x", "tcp://127.0.0.1:5555", "tcp://[::1]:1", " ipc:///a "])
def test_an_endpoint_is_taken_as_typed(endpoint: str) -> None:
    assert check_endpoint(endpoint) == endpoint.strip()


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "x",
        "ipc://",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:0",
        "tcp://h:65536",
        "udp://a:1",
        f"ipc:///{'x' * 107}",
    ],
)
def test_a_wrong_endpoint_is_named(endpoint: str) -> None:
    with pytest.raises(ValueError, match="endpoint"):
        check_endpoint(endpoint)


def test_rubbish_without_end_does_not_outlast_the_deadline(run_dir: Path) -> None:
    with Wire() as wire:
        source = Source(wire.publisher(f"ipc://{run_dir}/p", "x.1", 1, lambda: T0_NS))
        tap = Tap(wire, [source.publisher.endpoint], TopicPatterns([]), Clock())
        source.wait_for_subscription("")
        for _ in range(50):
            source.publisher.send_raw(b"rubbish")

        heard = list(tap.listen(5.0))

    assert set(heard) <= {None}
    assert tap.bad_frames <= 5


def test_holes_are_told_before_the_frame_that_shows_them(run_dir: Path) -> None:
    told: list[int] = []
    writer = FrameWriter("x.1", 1)
    frames = [frame_of("trade.binance.BTC_USDT", [trade()], writer) for _ in range(4)]
    with Wire() as wire:
        source = Source(wire.publisher(f"ipc://{run_dir}/p", "x.1", 1, lambda: T0_NS))
        patterns = TopicPatterns(["trade.*.BTC_USDT$"])
        tap = Tap(
            wire, [source.publisher.endpoint], patterns, Clock(), lambda _, missing: told.append(missing)
        )
        source.wait_for_subscription("trade.")
        source.publisher.send_raw(frames[0].data)
        source.publisher.send_raw(frame_of("trade.binance.BTC_USDT.PERP", [trade()]).data)
        source.publisher.send_raw(frames[3].data)
        heard = []
        for one in tap.listen():
            if one is not None:
                heard.append((one.frame.topic_seq, list(told)))
            if len(heard) == 2:
                break

    assert heard == [(1, []), (4, [2])]
    assert tap.summary(2, 1.0) == "2 messages, 1 gaps (2 frames missing), 2.0/s"
