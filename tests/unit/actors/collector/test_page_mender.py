"""What becomes of a page that was asked for: taken, late, no longer wanted, refused."""

from collections import Counter
from types import SimpleNamespace

import pytest

from actors.collector.backoff import Backoff
from actors.collector.budget import Budget
from actors.collector.mending.page_mender import PageMender
from actors.collector.mending.repair import Repairs
from actors.collector.rest import RestError
from protocol.messages import Gap

SECOND_NS = 1_000_000_000
PATIENCE_S = 30.0
GAP = Gap("c-1-1", "binance", "BTC_USDT", "trade", 1, 5, 1, 2, "venue_jump", "filling")


class Mending(PageMender):
    """A mender on its own: the test plays the venue."""

    COUNTER = "pages_asked"

    def __init__(self) -> None:
        self.now_ns = 0
        self.asked = []
        self.dropped = []
        self.taken = []
        self.abandoned = []
        self.wrong = ""
        self.filling = {GAP.gap_id}
        budget = Budget(6000, 100, 0)
        repairs = Repairs(1, budget, lambda: Backoff(1.0, 30.0, lambda: 1.0), PATIENCE_S, 100)
        actor = SimpleNamespace(
            settings=SimpleNamespace(rest_url={"spot": "http://venue/"}, rest_timeout_s=10.0),
            counters=Counter(),
            clock=SimpleNamespace(mono_ns=lambda: self.now_ns),
            raw_name=lambda symbol: symbol.replace("_", ""),
            submit=lambda work, done: self.asked.append((work.args[0], done)),
            drop=lambda reason, what: self.dropped.append(what),
        )
        gaps = SimpleNamespace(is_filling=self.filling.__contains__)
        super().__init__(actor, None, "spot", SimpleNamespace(gaps=gaps), None, repairs)
        assert repairs.add(GAP) == ""

    def at(self, second: float) -> None:
        self.now_ns = round(second * SECOND_NS)
        self.tick(self.now_ns)

    def _path(self, page, raw):
        return f"/page?{raw}&{page.from_id}&{page.limit}"

    def _take(self, page, body):
        self.taken.append(body)
        if not self.wrong:
            self._repairs.took(page, page.from_id + page.limit - 1)
        return self.wrong

    def _named(self, page):
        return "a page"

    def _abandon(self, gap, reason):
        self.abandoned.append((gap, reason))


@pytest.fixture
def mending():
    found = Mending()
    found.at(0)
    return found


def test_a_page_is_asked_for_once_and_taken(mending):
    mending.at(1)
    ((url, done),) = mending.asked
    assert url == "http://venue/page?BTCUSDT&1&5"
    done(b"trades")
    assert (mending.taken, len(mending), mending.dropped) == ([b"trades"], 0, [])
    assert mending._actor.counters == {"pages_asked": 1}


def test_an_answer_that_takes_too_long_no_longer_counts(mending):
    mending.at(PATIENCE_S)
    assert mending.dropped == ["a page: no answer in time; again in 1.0 s"]
    mending.asked[0][1](b"late")
    assert mending.taken == []
    mending.at(PATIENCE_S + 1)
    assert len(mending.asked) == 2


def test_a_gap_that_was_filled_meanwhile_is_forgotten(mending):
    mending.filling.clear()
    mending.at(1)
    mending.asked[0][1](b"trades")
    assert (len(mending), mending.taken) == (0, [])


def test_what_is_wrong_with_an_answer_is_said_and_it_is_asked_for_again(mending):
    mending.wrong = "no trade in it"
    mending.asked[0][1](b"[]")
    assert mending.dropped == ["a page: no trade in it; again in 1.0 s"]
    assert len(mending) == 1


def test_a_final_refusal_gives_the_gap_up(mending):
    mending.asked[0][1](RestError("HTTP 400: no", 400))
    assert mending.abandoned == [(GAP, "HTTP 400: no")]
    assert mending.dropped == ["a page: HTTP 400: no; given up"]


def test_a_bug_in_the_thread_is_raised_in_the_loop(mending):
    with pytest.raises(ZeroDivisionError):
        mending.asked[0][1](ZeroDivisionError())
