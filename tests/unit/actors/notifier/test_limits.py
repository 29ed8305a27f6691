"""Telegram's limits: never more than they say, in any stretch of time."""

from __future__ import annotations

from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from actors.notifier.limits import MINUTE_NS, SECOND_NS, Limits, pause_s
from actors.notifier.settings import TelegramSettings

CHATS = ["1", "2", "-3", "@name"]


def played(asked: list[tuple[str, int]], limits: Limits) -> list[tuple[str, int]]:
    """When requests go out: each waits for its place, as one thread per chat would."""
    waiting = sorted((at_ns, number, chat) for number, (chat, at_ns) in enumerate(asked))
    sent = []
    while waiting:
        at_ns, number, chat = waiting.pop(0)
        again_ns = limits.take(chat, at_ns)
        if again_ns:
            assert again_ns > at_ns
            waiting = sorted([*waiting, (again_ns, number, chat)])
        else:
            sent.append((chat, at_ns))
    return sent


def most_within(times_ns: list[int], period_ns: int) -> int:
    times_ns = sorted(times_ns)
    return max((bisect_left(times_ns, one + period_ns) - at for at, one in enumerate(times_ns)), default=0)


@given(st.lists(st.tuples(st.sampled_from(CHATS), st.integers(0, 5 * SECOND_NS)), max_size=120))
def test_never_more_than_the_limits(asked: list[tuple[str, int]]) -> None:
    settings = TelegramSettings(per_bot_per_s=3)
    sent = played(asked, Limits(settings))
    assert len(sent) == len(asked)
    assert most_within([at for _, at in sent], SECOND_NS) <= 3
    for chat in CHATS:
        own = [at for one, at in sent if one == chat]
        assert most_within(own, SECOND_NS) <= 1
        if chat in ("-3", "@name"):
            assert most_within(own, MINUTE_NS) <= 20


def test_a_chat_that_must_wait_holds_up_no_other() -> None:
    limits = Limits(TelegramSettings(per_bot_per_s=1))
    limits.hold("1", 30 * SECOND_NS)
    assert limits.take("1", 0) == 30 * SECOND_NS
    assert limits.take("2", 0) == 0
    assert limits.take("2", 5) == SECOND_NS
    assert limits.take("1", 30 * SECOND_NS) == 0


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_pauses_grow_to_their_cap(failures: int, drawn: float) -> None:
    found = pause_s(failures, 1.0, 60.0, lambda: drawn)
    whole = min(60.0, 2.0 ** min(failures - 1, 16))
    assert whole / 2 <= found <= whole
