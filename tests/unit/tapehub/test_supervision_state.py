"""supervisord's view of an actor, joined with its own."""

import pytest

from actors.runtime.process_history import History, history_of
from actors.runtime.supervisord import Process, socket_path
from tapehub.supervision.roll_call import Answer
from tapehub.supervision.state import overall, rows_of

NOW = 1_700_000_000_000_000_000
LOG = """\
2026-11-21 06:00:00,000 INFO supervisord started with pid 7
2026-11-21 06:00:01,000 INFO spawned: 'hub.1' with pid 8
2026-11-21 06:10:00,000 INFO supervisord started with pid 17
2026-11-21 06:10:01,000 INFO spawned: 'hub.1' with pid 18
2026-11-21 06:10:01,001 INFO spawned: 'collector.binance.1' with pid 19
2026-11-21 06:10:02,000 INFO success: hub.1 entered RUNNING state, process has stayed up for > than 0 seconds (startsecs)
2026-11-21 06:11:00,000 WARN exited: hub.1 (terminated by SIGKILL; not expected)
2026-11-21 06:11:01,000 INFO spawned: 'hub.1' with pid 20
2026-11-21 06:12:00,000 INFO stopped: collector.binance.1 (exit status 0)
2026-11-21 06:12:01,000 INFO spawned: 'collector.binance.1' with pid 21
""".splitlines()


def process(**changes) -> Process:
    basis = {
        "name": "hub.1",
        "state": "RUNNING",
        "pid": 11,
        "uptime_s": 60.0,
        "exit_code": 0,
        "spawn_error": "",
    }
    return Process(**basis | changes)


def answer(**status) -> Answer:
    return Answer({"state": "RUNNING", "pid": 11, "uptime_s": 59.5, **status}, NOW - 200_000_000, "RUNNING")


def row(processes, answers, history=None, digest=""):
    (found,) = rows_of(["hub.1"], processes, history or {}, answers, NOW, digest)
    return found


def test_restarts_count_from_the_newest_start_of_supervisord():
    found = history_of(LOG)
    assert found["hub.1"] == History(starts=2, last_end="terminated by SIGKILL; not expected")
    assert found["hub.1"].restarts == 1
    assert found["collector.binance.1"] == History(starts=2, last_end="")


def test_exit_codes_are_put_in_words():
    assert History(2, "exit status 69; not expected").reason == "exit status 69: cannot have its address"
    assert History(2, "terminated by SIGKILL; not expected").reason == "terminated by SIGKILL"
    assert History(1, "").reason == ""


LAGGING = {
    "source": "collector.binance.1",
    "since_ns": NOW,
    "seconds": 12.0,
    "behind_s": 3.25,
    "worst_s": 4.0,
}


@pytest.mark.parametrize(
    ("told", "note"),
    [
        (LAGGING, "LAGGING for 12.0 s: 3.2 s behind collector.binance.1"),
        ({"seconds": "long"}, "LAGGING for ?: ? behind ?"),
        (None, ""),
        ("much", ""),
    ],
)
def test_who_lags_runs_and_is_noted(told, note):
    found = row([process()], {"hub.1": answer(lagging=told)})

    assert (found.state, found.note) == ("RUNNING", note)


def test_both_views_in_one_row():
    told = answer(
        frames_in_per_s=5.0, lag_p99_s=0.002, gaps_open=1, rss_bytes=26_000_000, dropped={"a": 2, "b": 3}
    )
    found = row([process()], {"hub.1": told}, history_of(LOG))
    assert (found.state, found.supervisor_state, found.pid, found.restarts) == ("RUNNING", "RUNNING", 11, 1)
    assert found.beat_age_s == pytest.approx(0.2)
    assert (found.in_per_s, found.out_per_s, found.gaps_open, found.dropped) == (5.0, None, 1, 5)
    assert found.note == "last end: terminated by SIGKILL"


@pytest.mark.parametrize(
    ("processes", "told", "state", "note"),
    [
        ([process()], Answer(), "SILENT", "runs but does not answer"),
        ([process(uptime_s=1.0)], Answer(), "STARTING", ""),
        ([process(state="EXITED", pid=0, exit_code=78)], Answer(), "EXITED", "bad configuration"),
        ([process(state="FATAL", pid=0, spawn_error="no such file")], Answer(), "FATAL", "no such file"),
        ([process(state="STOPPED", pid=0)], Answer(), "STOPPED", ""),
        ([process()], answer(state="DRAINING"), "DRAINING", ""),
        (None, answer(), "RUNNING", "not under supervisord"),
        (None, Answer(), "STOPPED", ""),
        (None, Answer(None, NOW, "RUNNING"), "SILENT", "runs but does not answer"),
    ],
)
def test_states(processes, told, state, note):
    found = row(processes, {"hub.1": told})
    assert found.state == state
    assert found.note.startswith(note)


def test_a_changed_configuration_is_noticed():
    assert "another configuration" in row([process()], {"hub.1": answer(config_digest="a")}, digest="b").note
    assert row([process()], {"hub.1": answer(config_digest="b")}, digest="b").note == ""


def test_a_provider_that_is_not_asked_is_the_note_and_the_row_goes_on_running():
    breakers = {"chart": {"state": "open", "failures": 3, "reason": "429 Too Many Requests", "until_s": 51.2}}
    yahoo = {
        "state": "open",
        "breakers": breakers,
        "limits": [],
        "rests_s": 0.0,
        "why": "breaker chart open: 429",
    }
    told = answer(markets={"bars": {"providers": {"yahoo": yahoo}}})
    found = row([process()], {"hub.1": told}, history_of(LOG))
    assert found.note == "yahoo breaker open: 429, retry in 00:52", (
        "what is so now is worse than how it ended once"
    )
    assert overall([found]) == "running"


def test_programs_outside_the_configuration_are_shown():
    old = process(name="hub.9", state="STOPPED", pid=0)
    rows = rows_of(["hub.1"], [process(), old], {}, {"hub.1": answer()}, NOW)
    assert [one.name for one in rows] == ["hub.1", "hub.9"]
    assert "not in the configuration" in rows[1].note


@pytest.mark.parametrize(
    ("states", "pids", "expected"),
    [
        (["RUNNING", "RUNNING"], [1, 2], "running"),
        (["RUNNING", "SILENT"], [1, 2], "degraded"),
        (["STARTING", "FATAL"], [1, 0], "degraded"),
        (["STOPPED", "FATAL"], [0, 0], "down"),
        ([], [], "down"),
    ],
)
def test_the_whole(states, pids, expected):
    rows = [row([process()], {"hub.1": answer()}) for _ in states]
    for one, state, pid in zip(rows, states, pids, strict=True):
        one.state, one.pid = state, pid
    assert overall(rows) == expected


def test_the_socket_of_a_deep_run_directory_is_elsewhere(tmp_path):
    assert socket_path(tmp_path) == tmp_path / "supervisor.sock"
    deep = tmp_path / ("x" * 100)
    assert not str(socket_path(deep)).startswith(str(deep))
    assert len(str(socket_path(deep))) < 90


def test_what_the_guardian_keeps_down_is_quarantined():
    told = {"hub.1": {"state": "QUARANTINED", "retry_in_s": 29.6}}
    answers = {"guardian.1": answer(programs=told)}
    found = row([process(state="STOPPED", pid=0, uptime_s=0.0)], answers)
    assert found.state == "QUARANTINED"
    assert "tried again in 30 s" in found.note
    assert "tapehub restart hub.1" in found.note
    assert row([process()], answers | {"hub.1": answer()}).state == "RUNNING", "somebody has started it"
