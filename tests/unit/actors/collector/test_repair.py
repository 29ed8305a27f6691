"""Which hole is asked for when, and how each of them ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.backoff import Backoff
from actors.collector.budget import Budget
from actors.collector.mending.repair import ATTEMPTS, GIVE_UP_S, Page, Repairs
from protocol.messages import Gap

SECOND_NS = 1_000_000_000


def gap(number: int, first: int, last: int, symbol: str = "BTC_USDT") -> Gap:
    return Gap(f"c-1-{number}", "binance", symbol, "trade", first, last, 1, 2, "venue_jump", "unfillable")


def repairs(per_min: float = 6000, max_trades: int = 5000, max_waiting: int = 4) -> Repairs:
    return Repairs(
        25, Budget(per_min, per_min / 60, 0), lambda: Backoff(1.0, 30.0, lambda: 1.0), 30.0, max_trades, max_waiting
    )  # fmt: skip


def test_pages_follow_each_other_in_the_order_of_ids():
    queue = repairs()
    assert queue.add(gap(1, 11, 2110)) == ""
    page = queue.due(0)
    assert page is not None
    assert page[1:] == (11, 1000)
    assert queue.due(0) is None, "one request at a time"
    assert not queue.took(page, 1010)
    page = queue.due(0)
    assert page[1:] == (1011, 1000)
    assert not queue.took(page, 2010)
    page = queue.due(0)
    assert page[1:] == (2011, 100)
    assert queue.took(page, 2110)
    assert len(queue) == 0
    assert queue.due(0) is None


def test_too_large_and_too_many_are_refused_with_a_reason():
    queue = repairs(max_trades=10, max_waiting=1)
    assert "repair_max_trades = 10" in queue.add(gap(1, 1, 11))
    assert queue.add(gap(2, 1, 10)) == ""
    assert "already waiting" in queue.add(gap(3, 1, 10))


def test_pages_wait_for_the_budget():
    queue = repairs(per_min=60)
    queue.add(gap(1, 1, 5000))
    taken = 0
    for second in range(120):
        page = queue.due(second * SECOND_NS)
        if page is not None:
            taken += 1
            queue.took(page, page.from_id)
    assert taken == (60 + 119) // 25


def test_the_venue_may_ask_us_to_wait_and_that_is_no_failure():
    queue = repairs()
    queue.add(gap(1, 1, 5))
    queue.add(gap(2, 1, 5, "ETH_USDT"))
    for turn in range(2 * ATTEMPTS):
        now_ns = turn * 8 * SECOND_NS * 60
        page = queue.due(now_ns)
        assert page is not None
        pause_s = queue.failed(page, now_ns, 429, 60.0)
        assert pause_s is not None
        assert pause_s >= 60.0
        assert queue.due(now_ns + 59 * SECOND_NS) is None, "nobody else asks either"
    assert len(queue) == 2


def test_failures_in_a_row_end_it_and_let_others_pass_meanwhile():
    queue = repairs()
    queue.add(gap(1, 1, 5))
    queue.add(gap(2, 1, 5, "ETH_USDT"))
    first = queue.due(0)
    assert queue.failed(first, 0) == 1.0
    second = queue.due(0)
    assert second.gap.symbol == "ETH_USDT"
    assert queue.took(second, 5)
    now_ns, pauses = 0, []
    while len(queue):
        now_ns += 40 * SECOND_NS
        pauses.append(queue.failed(queue.due(now_ns), now_ns, 200))
    assert pauses == [2.0, 4.0, 8.0, 16.0, 30.0, None]


@pytest.mark.parametrize("status", [0, 500, 503])
def test_a_venue_that_is_down_is_asked_for_a_quarter_of_an_hour(status):
    queue = repairs()
    queue.add(gap(1, 1, 5))
    now_ns = 0
    while len(queue):
        now_ns += 40 * SECOND_NS
        queue.failed(queue.due(now_ns), now_ns, status)
    assert now_ns == pytest.approx(GIVE_UP_S * 1e9, rel=0.1)


def test_an_answer_in_between_begins_the_patience_anew():
    queue = repairs()
    queue.add(gap(1, 1, 5))
    queue.failed(queue.due(40 * SECOND_NS), 40 * SECOND_NS, 503)
    queue.took(queue.due(80 * SECOND_NS), 3)
    late_ns = round((GIVE_UP_S + 60) * SECOND_NS)
    assert queue.failed(queue.due(late_ns), late_ns, 503) is not None


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_final_refusal_ends_it_at_once_and_hinders_nobody(status):
    queue = repairs()
    queue.add(gap(1, 1, 5))
    queue.add(gap(2, 7, 8))
    assert queue.failed(queue.due(0), 0, status) is None
    assert queue.due(0).from_id == 7


def test_an_answer_that_never_comes_is_a_failure_and_does_not_count_later():
    queue = repairs()
    queue.add(gap(1, 1, 5))
    page = queue.due(0)
    assert queue.overdue(29 * SECOND_NS) is None
    assert queue.overdue(30 * SECOND_NS) is page
    assert queue.failed(page, 30 * SECOND_NS) == 1.0
    assert not queue.is_awaited(page)
    assert not queue.took(page, 5)
    assert len(queue) == 1


def test_what_is_forgotten_while_it_is_asked_for_makes_room_for_the_next():
    queue = repairs()
    queue.add(gap(1, 1, 5))
    queue.add(gap(2, 7, 8))
    page = queue.due(0)
    queue.forget("c-1-1")
    assert not queue.is_awaited(page)
    assert queue.due(0).gap.gap_id == "c-1-2"


@given(
    holes=st.lists(st.integers(1, 3500), min_size=1, max_size=4),
    steps=st.lists(st.tuples(st.sampled_from(["page", "short", "late", "503", "429", "400"]), st.integers(1, 900))),
)  # fmt: skip
def test_every_hole_ends_and_is_asked_for_without_holes(holes, steps):
    queue = repairs()
    reached, ended = {}, set()
    for number, count in enumerate(holes):
        assert queue.add(gap(number, 1, count)) == ""
        reached[f"c-1-{number}"] = 1
    now_ns, script = 0, iter(steps)
    while len(queue):
        now_ns += 60 * SECOND_NS
        page = queue.due(now_ns)
        assert isinstance(page, Page)
        key = page.gap.gap_id
        assert key not in ended
        assert page.from_id == reached[key]
        what, count = next(script, ("page", 0))
        if what in ("page", "short"):
            last = page.from_id + (min(count, page.limit) if what == "short" else page.limit) - 1
            reached[key] = last + 1
            if queue.took(page, last):
                assert last == page.gap.to_id
                ended.add(key)
        elif what == "late":
            queue.failed(page, now_ns)
            assert not queue.took(page, page.gap.to_id)
        elif queue.failed(page, now_ns, int(what)) is None:
            ended.add(key)
        if what in ("late", "503") and all(job.gap_id != key for job in queue.gaps()):
            ended.add(key)
    assert ended == set(reached)
