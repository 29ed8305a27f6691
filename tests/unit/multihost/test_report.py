"""What the run of several hosts says of silence and of losses."""

from tests.chaos.checks import Check
from tests.multihost.course import Step
from tests.multihost.engine import Read, Silence, reads_in, silence
from tests.multihost.report import Run, text_of, verdicts


def test_the_longest_silence_counts_the_ends_too():
    reads = [Read(10.0, 0.1, ""), Read(10.5, 0.1, ""), Read(13.5, 3.0, "timeout"), Read(14.0, 0.1, "")]

    assert silence(reads, 9.0, 14.5) == Silence(3.5, 1, 4)
    assert silence(reads, 9.8, 10.6).seconds == 0.5
    assert silence([], 0.0, 7.0) == Silence(7.0, 0, 0)


def test_a_line_that_was_cut_off_is_left_out(tmp_path):
    path = tmp_path / "engine.reads"
    path.write_text("1.5 0.1 \n2.5 0.1 timeout\n3.")

    assert reads_in(path) == [Read(1.5, 0.1, ""), Read(2.5, 0.1, "timeout")]
    assert reads_in(tmp_path / "none") == []


def run(**changes) -> Run:
    step = Step("link cut", 30.0, 1.2, {"engine": Silence(0.2, 0, 100), "desk": None})
    basis = {
        "steps": [step],
        "checks": [Check(what="stored trades", expected=10)],
        "trouble": "",
        "strangers": {"no key": False},
        "deadline_s": 3.0,
        "took_s": 10.0,
    }
    return Run(**basis | changes)


def test_a_good_run_passes():
    assert verdicts(run()) == []
    assert "passed in 10 s" in text_of(run())
    assert "killed too" in text_of(run())


def test_every_broken_promise_fails_it():
    silent = Step("link cut", 30.0, 1.2, {"engine": Silence(3.6, 2, 100)})

    assert "no answer for 3.60 s" in verdicts(run(steps=[silent]))[0]
    assert "1 lost" in verdicts(run(checks=[Check(what="stored trades", expected=10, lost=1)]))[0]
    assert verdicts(run(strangers={"no key": True})) == ["a stranger with no key was answered"]
    assert verdicts(run(trouble="gaps are open")) == ["not settled: gaps are open"]
    assert "FAILED" in text_of(run(steps=[silent]))
