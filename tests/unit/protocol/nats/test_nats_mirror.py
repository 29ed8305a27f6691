"""How frames lie in a stream: names that come back, filters that leave nothing out, consumers that notice a hole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.chain import Hole
from protocol.nats import mirror
from protocol.nats.faults import NatsGarbled
from protocol.nats.ordered import SILENT_NS, Ordered
from protocol.nats.wire import Delivered
from protocol.replay import Position
from protocol.topics import subscription

TOPICS = st.sampled_from(
    [
        "trade.binance.BTC_USDT", "trade.binance.BTC_USDT.PERP", "trade.binanceus.BTC_USDT", "bar.okx.ETH_USDT.1m",
        "mark.collector.binance.1", "news.rss", "trade.push.mt5.EUR_USD",
    ]
)  # fmt: skip


def fits(subject: str, wanted: str) -> bool:
    """Whether a filter takes a subject, as NATS has it."""
    head, tail = wanted.removesuffix(".>"), wanted.endswith(".>")
    return subject.startswith(head + ".") if tail else subject == wanted


@given(TOPICS, TOPICS, st.integers(0, 40), st.booleans())
def test_a_filter_leaves_out_nothing_that_a_pattern_wants(
    topic: str, of: str, cut: int, is_exact: bool
) -> None:
    pattern = of + "$" if is_exact else of[:cut]
    if (topic + "\0").encode().startswith(subscription(pattern)):
        assert fits(mirror.subject_of("tapehub", topic), mirror.filter_of("tapehub", pattern))


def test_filters_are_as_narrow_as_whole_tokens_allow() -> None:
    assert mirror.filter_of("t", "trade.binance.BTC_USDT$") == "t.trade.binance.BTC_USDT"
    assert mirror.filter_of("t", "trade.binance.") == "t.trade.binance.>"
    assert mirror.filter_of("t", "trade.bin") == "t.trade.>"
    assert mirror.filter_of("t", "") == "t.>"


@given(st.sampled_from(["collector.binance.1", "a", "x" * 32]), st.integers(0, 2**63), st.integers(0, 2**63))
def test_a_name_comes_back(publisher: str, epoch: int, seq: int) -> None:
    text = mirror.msg_id(publisher, epoch, seq)
    assert mirror.parse_msg_id(text) == mirror.Named(publisher, Position(epoch, seq))


@pytest.mark.parametrize("text", ["", "a:1", "A:1:2", "a:1:2:3", "a:-1:2", "a:1:" + "9" * 30])
def test_other_names_are_nobodys(text: str) -> None:
    assert mirror.parse_msg_id(text) is None


def test_what_a_bridge_says_of_itself_comes_back() -> None:
    said = mirror.encode_positions("bridge.1", 5, ["trade."], {"a": Position(1, 2)})
    assert mirror.decode_positions(said).positions == {"a": (1, 2)}
    hole = mirror.decode_hole(mirror.encode_hole("bridge.1", Hole("a", 1, 2, 3, "gone")))
    assert (hole.publisher, hole.epoch, hole.first_seq, hole.last_seq, hole.reason) == ("a", 1, 2, 3, "gone")
    for decode in (mirror.decode_positions, mirror.decode_hole):
        with pytest.raises(NatsGarbled):
            decode(b"{}")


def test_topics_that_are_no_subjects_are_refused() -> None:
    assert mirror.topic_of("t", "t.trade.a.B") == "trade.a.B"
    assert (
        mirror.topic_of("t", "t.hole.a")
        == mirror.topic_of("t", "t.position.b")
        == mirror.topic_of("t", "x.a")
        == ""
    )
    for bad in ("mark.a..b", "trade.a.", "trade.a b", "trade.*", "trade.>"):
        with pytest.raises(ValueError, match="no NATS subject"):
            mirror.subject_of("t", bad)


class World:
    """A consumer and what it answers."""

    def __init__(self) -> None:
        self.answered: list[str] = []
        self.reader = Ordered(3, lambda subject, _: self.answered.append(subject), 0)

    def message(self, stream_seq: int, consumer_seq: int) -> bool:
        reply = f"$JS.ACK.T.c.1.{stream_seq}.{consumer_seq}.1.0"
        return self.reader.take(Delivered("t", 3, reply, b"", b"x"), 1) is not None

    def control(self, text: str, reply: str = "") -> None:
        head = f"NATS/1.0 {text}\r\n\r\n".encode()
        assert self.reader.take(Delivered("i", 3, reply, head, b""), 2) is None


def test_messages_in_order_pass_and_a_hole_breaks_the_consumer() -> None:
    world = World()
    assert world.message(10, 1)
    assert world.message(15, 2)  # others lie between
    world.control("100 Idle Heartbeat\r\nNats-Last-Consumer: 2")
    assert not world.reader.broken
    assert not world.message(17, 4)
    assert "4 came behind 2" in world.reader.broken
    assert world.reader.stream_seq == 15


def test_a_lost_last_message_shows_in_the_heartbeat() -> None:
    world = World()
    assert world.message(10, 1)
    world.control("100 Idle Heartbeat\r\nNats-Last-Consumer: 2")
    assert "2 messages were delivered, 1 came" in world.reader.broken


def test_flow_control_is_answered_and_silence_noticed() -> None:
    world = World()
    world.control("100 FlowControl Request", reply="$JS.FC.1")
    world.control("100 Idle Heartbeat\r\nNats-Consumer-Stalled: $JS.FC.2\r\nNats-Last-Consumer: 0")
    assert world.answered == ["$JS.FC.1", "$JS.FC.2"]
    world.reader.tick(2 + SILENT_NS)
    assert not world.reader.broken
    world.reader.tick(3 + SILENT_NS)
    assert "not a word" in world.reader.broken
    other = World()
    other.control("409 Consumer Deleted")
    assert "409" in other.reader.broken
