"""Heads of replies put together by hand say what an encoded `Reply` says."""

from __future__ import annotations

import msgpack
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from actors.hub.heads import fixed_part, head_of
from protocol.requests import FRESHNESS_STATES, Reply, decode_reply, encode_reply, raw
from tests.unit.actors.hub.samples import Pen, quote

large = st.integers(0, 2**63 - 1)


@given(
    st.integers(-(2**63), 2**64 - 1),
    st.tuples(large, large),
    st.floats(allow_nan=False),
    st.sampled_from([state for state in FRESHNESS_STATES if state != "none"]),
    st.one_of(st.none(), st.tuples(large, st.integers(-(2**63), 2**63 - 1), large)),
)
def test_a_head_and_its_data_are_a_reply(
    request_id: int, clock: tuple[int, int], age_s: float, state: str, window: tuple[int, int, int] | None
) -> None:
    ts_ns, number = clock
    frame = Pen(epoch=2**40).frame("quote.binance.BTC_USDT", [quote()])
    frame = msgspec.structs.replace(frame, seq=number, topic_seq=number // 2)
    asked, from_ns, to_ns = window or (0, 0, 0)
    wanted = Reply(
        id=request_id, ok=True, publisher="hub.1", epoch=7, seq=number, source="collector.binance.1",
        source_epoch=2**40, topic=frame.topic, topic_seq=number // 2, ts_ns=ts_ns, age_s=age_s, state=state,
        asked=asked, covered_from_ns=from_ns, covered_to_ns=to_ns, data=raw([1, "x"]),
    )  # fmt: skip

    fixed = fixed_part("hub.1", 7, "collector.binance.1", frame)
    body = head_of(fixed, frame, request_id, ts_ns, age_s, state, window) + msgspec.msgpack.encode([1, "x"])

    reply = decode_reply(body)
    assert reply == wanted
    said = msgpack.unpackb(body)
    assert said == {**said, **msgpack.unpackb(encode_reply(wanted))}
