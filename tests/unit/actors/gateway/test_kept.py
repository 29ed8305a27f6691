"""Encoded answers are made once per change, and memory for them is bounded."""

from __future__ import annotations

from actors.gateway.reading.kept import Kept
from protocol.requests import Reply, raw


def reply_of(value: object, age_s: float = 0.0) -> Reply:
    return Reply(id=1, ok=True, age_s=age_s, data=raw(value))


def test_equal_data_is_encoded_once_whatever_its_age() -> None:
    kept, calls = Kept(), []

    def make(reply: Reply) -> bytes:
        calls.append(reply)
        return bytes(reply.data).upper()

    first = kept.of_data("candles", reply_of([1, 2], 0.1), make)
    again = kept.of_data("candles", reply_of([1, 2], 0.2), make)
    assert again is first
    assert len(calls) == 1
    assert kept.of_data("candles", reply_of([1, 3], 0.2), make) != first
    assert len(calls) == 2


def test_what_holds_the_age_is_kept_for_one_reply_only() -> None:
    kept = Kept()
    reply = reply_of(1, 0.1)
    first = kept.of_reply("tick", reply, lambda one: b"%f" % one.age_s)
    assert kept.of_reply("tick", reply, lambda one: b"never") is first
    assert kept.of_reply("tick", reply_of(1, 0.2), lambda one: b"%f" % one.age_s) != first


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    kept = Kept(max_bytes=20_000)
    for number in range(100):
        kept.of_reply(number, reply_of(number), lambda _: b"x" * 1000)
        assert kept.size_bytes <= 20_000
    assert 5 < len(kept) < 20
    assert kept.reused == 0
    kept.of_reply(99, reply_of(0), lambda _: b"y" * 50_000)  # longer than all of it: not kept, still given
    assert kept.size_bytes <= 20_000
