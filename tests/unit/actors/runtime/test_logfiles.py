"""Log files: the end of them, and what comes after, over rotations."""

import pytest

from actors.runtime.logfiles import Entry, LogFile, parse_line

LINE = '{{"ts":"2026-11-21T12:00:{:02}.000Z","level":"{}","actor":"hub.1","msg":"{}","pid":1}}\n'


@pytest.fixture
def file(tmp_path):
    found = LogFile(tmp_path / "hub.1.log", "hub.1")
    yield found
    found.close()


def messages(entries):
    return [entry.msg for entry in entries]


def test_new_lines_follow_the_tail(file):
    file.path.write_text(LINE.format(1, "info", "a"))
    assert messages(file.tail()) == ["a"]
    assert file.new() == []
    with file.path.open("a") as out:
        out.write(LINE.format(2, "info", "b") + LINE.format(3, "info", "c")[:20])
        out.flush()
        assert messages(file.new()) == ["b"]
        out.write(LINE.format(3, "info", "c")[20:])
    assert messages(file.new()) == ["c"]


def test_rotation_loses_nothing(file):
    file.path.write_text(LINE.format(1, "info", "a"))
    file.tail()
    with file.path.open("a") as out:
        out.write(LINE.format(2, "info", "b"))
    file.path.rename(file.path.with_name("hub.1.log.1"))
    file.path.write_text(LINE.format(3, "info", "c"))
    assert messages(file.new()) == ["b", "c"]
    assert file.new() == []


def test_a_file_that_comes_later_is_read_from_its_beginning(file):
    assert file.tail() == []
    assert file.new() == []
    file.path.write_text(LINE.format(1, "info", "a"))
    assert messages(file.new()) == ["a"]


def test_a_long_file_begins_with_a_whole_line(file, monkeypatch):
    monkeypatch.setattr("actors.runtime.logfiles._TAIL_BYTES", 250)
    file.path.write_text("".join(LINE.format(n, "info", f"line {n}") for n in range(50)))
    assert messages(file.tail()) == ["line 48", "line 49"]


def test_lines_of_all_makes():
    ours = parse_line(LINE.format(5, "warning", "late"), "x")
    assert ours == Entry("2026-11-21T12:00:05.000Z", "hub.1", "late", "warning")
    theirs = parse_line("2026-11-21 12:00:05,250 WARN exited: hub.1 (x)", "supervisord")
    assert (theirs.level, theirs.msg, theirs.ts[-7:]) == ("warning", "exited: hub.1 (x)", "05.250Z")
    crash = parse_line("Fatal Python error: Segmentation fault", "hub.1", "2026-11-21T12:00:05.000Z")
    assert (crash.ts, crash.level) == ("2026-11-21T12:00:05.000Z", "")


@pytest.mark.parametrize("line", ["{", "{}", '{"ts": 1}', "[1]", '{"ts":"x","level":[],"err":[]}'])
def test_no_line_is_too_strange(line):
    assert parse_line(line, "hub.1").text()


def test_levels():
    warning = Entry("", "hub.1", "m", "warning")
    assert warning.is_at_least("info")
    assert not warning.is_at_least("error")
    assert Entry("", "hub.1", "Segmentation fault").is_at_least("error")


def test_an_error_shows_its_stack():
    entry = Entry("2026-11-21T12:00:05.000Z", "hub.1", "bug", "error", {"stack": "Traceback\n  x\n"})
    assert entry.text().splitlines() == ["12:00:05.000 ERROR   hub.1                bug", "Traceback", "  x"]
