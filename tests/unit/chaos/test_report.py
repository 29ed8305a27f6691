"""The verdict: passed only with zeros, enough faults and everybody fresh in time; the other way round without replay."""

from __future__ import annotations

import json

import msgspec

from protocol.messages import Gap
from tests.chaos.checks import Check, excuse_holes, gaps_check, holes_check
from tests.chaos.plan import Done, Fault
from tests.chaos.report import Run, complaints, count_of, document_of, is_passed, rows_of, text_of
from tests.chaos.topology import with_environment

S = 1_000_000_000


def fault(number: int, kind: str, begun_s: float, **fields) -> Done:
    what = Fault(number, kind, "hub.1", 0.0, 0.0, 0.0, is_measured="fresh_s" in fields)
    return Done(fault=what, begun_ns=round(begun_s * S), **fields)


def run_of(**fields) -> Run:
    given = {
        "settings": {"seed": 7},
        "actors": ["hub.1"],
        "skipped": [],
        "done": [fault(1, "kill", 10, fresh_s=1.5), fault(2, "stop", 20), fault(3, "kill", 30, fresh_s=2.5)],
        "crashes_ns": [25 * S],
        "crash_points": {"ack.after": 1},
        "storms_s": [1.0, 2.0],
        "troubles": [],
        "checks": [Check(what="storage trades", expected=5), Check(what="storage candles 1m", expected=2)],
        "events": 100,
        "skipped_ms": 0,
        "restarts": 3,
        "promised": 4,
        "is_without_replay": False,
    }
    return Run(**{**given, **fields})


def test_zeros_pass() -> None:
    run = run_of()
    assert count_of(run) == 4
    assert complaints(run) == []
    assert is_passed(run)
    assert text_of(run).endswith("PASSED")


def test_each_reason_fails() -> None:
    for broken in (
        {"checks": [Check(what="storage trades", expected=5, lost=1)]},
        {"checks": [Check(what="storage trades", expected=5, doubled=1)]},
        {"checks": [Check(what="storage candles 1m", expected=5, wrong=1)]},
        {"checks": [Check(what="storage trades")]},
        {"promised": 5},
        {"done": [*run_of().done, fault(4, "kill", 40, fresh_s=5.1)]},
        {"troubles": ["not settled"]},
    ):
        run = run_of(**broken)
        assert not is_passed(run), broken
        assert len(complaints(run)) == 1
        assert "FAILED" in text_of(run)


def test_what_only_is_told_decides_nothing() -> None:
    assert is_passed(run_of(checks=[Check(what="quotes", expected=5, lost=1, is_fatal=False)]))


def test_a_fault_that_could_not_be_done_does_not_count() -> None:
    run = run_of(done=[*run_of().done[:2], fault(3, "kill", 30, refusal="does not run", fresh_s=9.0)])
    assert count_of(run) == 3
    assert complaints(run) == ["3 faults, promised were 4"]
    assert "not done 1x kill: does not run" in text_of(run)


def test_without_replay_losses_must_be_found() -> None:
    clean, lossy = run_of(is_without_replay=True), run_of(is_without_replay=True)
    lossy.checks = [Check(what="storage trades", expected=5, lost=1, lost_ts_ns=[12 * S])]
    assert not is_passed(clean)
    assert is_passed(lossy)
    assert "found losses, as it must" in text_of(lossy)
    assert "the checker found nothing" in text_of(clean)


def test_losses_belong_to_the_last_fault_before_them() -> None:
    check = Check(what="storage trades", expected=9, lost=4, lost_ts_ns=[1 * S, 12 * S, 21 * S, 26 * S])
    bars = Check(what="storage candles 1m", expected=9, wrong=1, bad_bars_ns=[31 * S])
    hub = Check(what="hub candles 1m", expected=9, wrong=1, bad_bars_ns=[31 * S])
    rows = {row.kind: row for row in rows_of(run_of(checks=[check, bars, hub]))}
    assert {kind: row.lost for kind, row in rows.items()} == {
        "kill": 1,
        "stop": 1,
        "crash": 1,
        "(no fault)": 1,
    }
    assert rows["kill"].bad_candles == 1, "storage's, not the hub's as well"
    assert rows["kill"].fresh_s == [1.5, 2.5]
    assert (rows["kill"].times, rows["crash"].times) == (2, 1)


def test_the_document_is_json_and_holds_the_schedule() -> None:
    document = json.loads(json.dumps(document_of(run_of())))
    assert [one["kind"] for one in document["schedule"]] == ["kill", "stop", "kill"]
    assert document["passed"] is True
    assert document["faults"] == 4


def test_gaps_must_end_and_unfillable_ones_are_told() -> None:
    gap = Gap("g", "binance", "A", "trade", 1, 2, 1, 2, "restart", "filled")
    lost = msgspec.structs.replace(gap, gap_id="h", state="unfillable", reason="HTTP 503")
    check = gaps_check("ledger", [gap, lost])
    assert check.is_clean
    assert check.note == "2 gaps, 1 unfillable (1 of trades: 1x HTTP 503)"
    for state in ("open", "filling"):
        assert gaps_check("ledger", [gap, msgspec.structs.replace(lost, state=state)]).wrong == 1


def test_holes_and_dead_letters_are_losses() -> None:
    assert holes_check([], 0).is_clean
    assert not holes_check(["c.1 5 7 9 gone"], 0).is_clean
    assert not holes_check([], 1).is_clean


def test_a_full_disk_excuses_holes_and_nothing_else() -> None:
    found = [holes_check(["c.1 5 7 9 gone"], 0), Check(what="storage trades", expected=5, lost=1)]
    excuse_holes(found)
    assert [one.is_fatal for one in found] == [False, True]
    letters = holes_check([], 1)
    excuse_holes([letters])
    assert letters.is_fatal


def test_all_programs_but_the_spared_one_get_the_environment() -> None:
    conf = "[supervisord]\nx=1\n\n[program:simulator.1]\ncommand=a\n\n[program:hub.1]\ncommand=b\n"
    changed = with_environment(conf, {"B": "2", "A": "1:0.5,2"}, "simulator.1")
    assert changed.count("environment=") == 1
    assert '[program:hub.1]\nenvironment=A="1:0.5,2",B="2"\ncommand=b' in changed
    assert with_environment(conf, {}, "simulator.1") == conf
