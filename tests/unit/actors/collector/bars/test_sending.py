"""What was gathered goes out in its order, neighbours of one topic together."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.collector.bars.candidate import closed
from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.sending import PER_FRAME, send
from protocol.messages import Alert, Bar, Gap, Message, Verdict
from protocol.record import RecordKind
from tests.support.bars_timeline import candidate

T0 = 1_767_657_600_000_000_000


class Bus:
    """Frames, in order."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, list[Message], RecordKind]] = []

    def publish(self, topic: str, events: list[Message], kind: RecordKind) -> None:
        assert len({event.__class__ for event in events}) == 1
        self.frames.append((topic, list(events), kind))


def bar(symbol: str, minute: int) -> Bar:
    return replace(closed(symbol, candidate(T0 + minute * MINUTE_NS), 1), symbol=symbol)


def gap(symbol: str, minute: int) -> Gap:
    return Gap(
        f"gap-{minute}", "rest", symbol, "bar", minute, 0, T0 + minute * MINUTE_NS, 0, "silence", "open"
    )


def verdict(symbol: str, minute: int) -> Verdict:
    return Verdict(symbol, "rest", T0, "1m", T0, "amber", "quarantine", [f"spike: {minute}"], 1, 1, 1, 1, 0)


def alert(symbol: str, minute: int) -> Alert:
    return Alert(symbol, "rest", "provider_breaker", "info", T0, str(minute), {})


MAKERS = (bar, gap, verdict, alert)


@given(st.lists(st.tuples(st.sampled_from(MAKERS), st.sampled_from(("EUR_USD", "AAPL"))), max_size=30))
def test_order_is_kept_over_all_kinds_and_instruments(chosen) -> None:
    sent = [make(symbol, at) for at, (make, symbol) in enumerate(chosen)]
    bus = Bus()

    assert send(sent, bus.publish) == len(sent)

    assert [event for _, events, _ in bus.frames for event in events] == sent
    for (topic, _, _), (next_topic, next_events, _) in pairwise(bus.frames):
        assert topic != next_topic or isinstance(next_events[0], Gap), "neighbours are apart"
    assert all(len(events) == 1 for _, events, _ in bus.frames if isinstance(events[0], Gap))


def test_gaps_are_records_of_their_own_kind() -> None:
    bus = Bus()
    send([bar("EUR_USD", 0), gap("EUR_USD", 1), gap("EUR_USD", 5), bar("EUR_USD", 1)], bus.publish)

    assert [(topic, len(events), kind) for topic, events, kind in bus.frames] == [
        ("bar.rest.EUR_USD.1m", 1, RecordKind.DATA),
        ("gap.rest.EUR_USD", 1, RecordKind.UPSTREAM_GAP),
        ("gap.rest.EUR_USD", 1, RecordKind.UPSTREAM_GAP),
        ("bar.rest.EUR_USD.1m", 1, RecordKind.DATA),
    ]


def test_a_long_history_is_cut_into_frames() -> None:
    bus = Bus()
    sent = [bar("EUR_USD", at) for at in range(2 * PER_FRAME + 1)]
    send([*sent, bar("AAPL", 0)], bus.publish)

    assert [len(events) for _, events, _ in bus.frames] == [PER_FRAME, PER_FRAME, 1, 1]
    assert PER_FRAME == 500


def test_verdicts_and_alerts_have_topics_of_their_venue() -> None:
    bus = Bus()
    send([verdict("EUR_USD", 0), alert("YAHOO", 0)], bus.publish)

    assert [topic for topic, _, _ in bus.frames] == ["verdict.rest.EUR_USD", "alert.rest.YAHOO"]


def test_nothing_makes_no_frame() -> None:
    bus = Bus()
    assert send([], bus.publish) == 0
    assert bus.frames == []
