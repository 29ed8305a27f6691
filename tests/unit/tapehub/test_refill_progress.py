"""Backfills in one line: how far, how fast, how long still, and why they wait."""

from typing import Any

import pytest

from protocol.sessions import session_named
from tapehub.refill_progress import (
    CANCELLED,
    DONE,
    FORGOTTEN,
    RUNNING,
    History,
    Pace,
    bar,
    history_of,
    history_text,
    many_text,
    merged_jobs,
    progress_text,
    sums,
)

S = 1_000_000_000
M = 60 * S
DAY = 86_400 * S


def job(job_id: str = "c-1-1", **changes: Any) -> dict[str, Any]:
    basis = {
        "job_id": job_id, "symbol": "EUR_USD", "provider": "", "from_ns": 0, "to_ns": 18 * DAY, "reached_ns": 0,
        "share": 0.0, "minutes": 0, "missing": 0, "calls": 0, "why": "", "state": RUNNING,
    }  # fmt: skip
    return basis | changes


def test_the_line() -> None:
    pace = Pace(0)
    pace.see(0.0, 0)
    found = sums([job(reached_ns=13 * DAY, minutes=41_200, calls=12, why="yahoo: 30 of 30 calls per minute")])
    assert progress_text(found, 18, 300.0, pace, 10 * S) == (
        "EUR_USD  #################-------  72%  13/18 days  4,120 minutes/s  calls 12 of ~18  eta 00:04  "
        "(yahoo: 30 of 30 calls per minute)"
    )


def test_the_time_it_takes_at_least_stands_until_something_moves() -> None:
    pace = Pace(0)
    pace.see(0.5, 900)
    found = sums([job(reached_ns=9 * DAY, minutes=900)])
    assert "eta 05:00" in progress_text(found, 2, 300.0, pace, 3 * S)
    assert "eta" not in progress_text(found, 2, 0.0, pace, 3 * S)
    assert "  0 minutes/s  " in progress_text(found, 2, 0.0, pace, 3 * S), (
        "what was there before is not its pace"
    )


def test_more_calls_than_expected_are_not_hidden() -> None:
    assert "calls 5 of ~5" in progress_text(sums([job(calls=5)]), 2, 0.0, Pace(0), S)


def test_a_short_stretch_has_no_days() -> None:
    assert "days" not in progress_text(sums([job(to_ns=DAY)]), 1, 0.0, Pace(0), S)


def test_several_are_one() -> None:
    jobs = [
        job("a", reached_ns=18 * DAY, state=DONE, minutes=5, missing=1, calls=2),
        job("b", symbol="XAU_USD", reached_ns=9 * DAY, minutes=7, calls=3, why="waits"),
    ]
    found = sums(jobs)
    assert (found.label, found.running, found.share, found.days, found.of_days) == (
        "2 symbols",
        1,
        0.75,
        27,
        36,
    )
    assert (found.minutes, found.missing, found.calls, found.why) == (12, 1, 5, "waits")


def test_one_that_is_over_says_no_reason() -> None:
    assert sums([job(state=DONE, why="waited"), job("b")]).why == ""


@pytest.mark.parametrize(
    ("state", "share"), [(DONE, 1.0), (FORGOTTEN, 1.0), (CANCELLED, 0.5), (RUNNING, 0.5)]
)
def test_what_ended_early_did_not_reach_its_end(state: str, share: float) -> None:
    assert sums([job(reached_ns=9 * DAY, state=state)]).share == share


def test_after_a_restart_of_the_collector_minutes_count_anew() -> None:
    pace = Pace(0)
    pace.see(0.2, 1000)
    pace.see(0.3, 100)
    assert pace.per_s(300, 10 * S) == 20.0
    assert pace.eta_s(0.6, 10 * S) == pytest.approx(10.0)


def test_what_a_collector_knows_no_longer_is_over() -> None:
    known = {"a": job("a"), "b": job("b", state=DONE)}
    merged_jobs(known, ["a", "b", "c"], {"x": job("x")})
    assert {name: one["state"] for name, one in known.items()} == {"a": FORGOTTEN, "b": DONE, "c": FORGOTTEN}
    assert sums(list(known.values())).running == 0
    merged_jobs(known, ["a"], {"a": job("a", minutes=9)})
    assert known["a"]["minutes"] == 9


@pytest.mark.parametrize(
    ("share", "filled"), [(-1.0, 0), (0.0, 0), (0.5, 12), (0.999, 23), (1.0, 24), (2.0, 24)]
)
def test_a_full_bar_is_the_end(share: float, filled: int) -> None:
    assert bar(share) == "#" * filled + "-" * (24 - filled)


SESSIONS = {name: session_named("crypto") for name in ("A", "B")}


class TestHistory:
    def found(self, **changes: Any) -> dict[str, Any]:
        told = {
            "waiting": 0,
            "loading": 1,
            "share": 0.4,
            "minutes": 1000,
            "calls": 7,
            "why": ["yahoo: rests"],
        }
        instruments = {
            "A": {"begin_ns": 1000 * M, "next_ns": 3000 * M},
            "B": {"begin_ns": 1000 * M, "next_ns": 5000 * M},
        }
        return {"history": told | changes, "instruments": instruments}

    def test_of_two_instruments(self) -> None:
        history = history_of(self.found(), SESSIONS, 10.0, 5000 * M)
        assert (history.minutes, history.of_minutes, history.share) == (6000, 8000, 0.75)
        assert history.eta_s == 20.0, "2,000 minutes at 100 a second since the start"
        assert history_text(history) == (
            "history 75%, 6,000 of 8,000 minutes, 1 instrument loading, eta 00:20  (yahoo: rests)"
        )

    def test_nothing_moved_yet(self) -> None:
        assert history_of(self.found(minutes=0), SESSIONS, 10.0, 5000 * M).eta_s is None

    def test_one_whose_beginning_nobody_knows_yet(self) -> None:
        found = self.found(waiting=1)
        found["instruments"]["B"] = {"begin_ns": 0, "next_ns": 0}
        history = history_of(found, SESSIONS, 10.0, 5000 * M)
        assert (history.loading, history.minutes, history.of_minutes) == (2, 2000, 4000)

    def test_an_instrument_that_the_configuration_has_no_longer(self) -> None:
        assert history_of(self.found(), {}, 10.0, 5000 * M).share == 0.4, "what the collector says"

    def test_it_is_there(self) -> None:
        assert (
            history_text(History(0, 2_600_000, 2_600_000, 1.0, 3, "", None))
            == "history is there: 2.6 M minutes"
        )
        assert history_text(History(0, 0, 0, 0.0, 0, "", None)) == "history is there"


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (43_200, "43,200"), (2_600_000, "2.6 M")])
def test_many(number: int, text: str) -> None:
    assert many_text(number) == text
