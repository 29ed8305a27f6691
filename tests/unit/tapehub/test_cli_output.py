"""Tables, colours and numbers for people."""

import io

import pytest

from tapehub.cli import output


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    yield
    output.set_colour(wanted=True)


def test_columns_line_up_and_nothing_is_cut():
    lines = output.table_lines(["NAME", "N"], [["a", "1"], ["long name", "1,000"]], right=("N",))
    assert lines == ["NAME           N", "a              1", "long name  1,000"]


def test_an_empty_table_is_its_titles():
    assert output.table_lines(["NAME", "N"], []) == ["NAME  N"]


def test_colour_only_where_somebody_looks(monkeypatch):
    assert not output.has_colour(io.StringIO())
    assert output.has_colour(Terminal())
    monkeypatch.setenv("TERM", "dumb")
    assert not output.has_colour(Terminal())
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert output.has_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.has_colour(Terminal())


def test_no_color_option_wins(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    output.set_colour(wanted=False)
    assert output.painted("x", "red", Terminal()) == "x"


def test_coloured_cells_keep_their_width(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    _, line = output.table_lines(["STATE", "X"], [["OK", "y"]])
    assert line == "\x1b[32mOK\x1b[0m     y"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00025, "250us"),
        (-0.0031, "-3.1ms"),
        (12, "12.0s"),
        (125, "2m05s"),
        (3600 * 3 + 60 * 7, "3h07m"),
        (3600 * 50, "2d02h"),
    ],
)
def test_lengths_of_time(seconds, text):
    assert output.seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (1023, "1023B"), (27_262_976, "26M"), (5 * 2**40, "5.0T")]
)
def test_sizes(size, text):
    assert output.bytes_text(size) == text


def test_times_are_utc_with_microseconds():
    assert output.utc_text(1_700_000_000_123_456_000) == "2023-11-14T22:13:20.123456Z"


def test_json_is_one_line_in_a_pipe(capsys):
    output.print_json({"b": 1, "a": [1.5, None]})
    assert capsys.readouterr().out == '{"b":1,"a":[1.5,null]}\n'
