"""YAML read as strings, with places, whatever is wrong with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.yaml_source import Source, dotted, parse_value


def test_every_scalar_stays_text():
    source = Source("a: [ON, NO, 005930, 0x1, 9:30, 1e3, true, 'null', ~]\nb: ''\nc:\n", "f")
    assert source.data == {
        "a": ["ON", "NO", "005930", "0x1", "9:30", "1e3", "true", "null", None],
        "b": "",
        "c": None,
    }
    assert not source.problems


def test_places_of_keys_and_values():
    source = Source("a:\n  b: [x, y]\n", "f.yaml")
    assert source.places["a", "b"].key == "f.yaml:2:3"
    assert source.places["a", "b"].value == "f.yaml:2:6"
    assert source.places["a", "b", 1].value == "f.yaml:2:10"


def test_duplicate_keys_are_named_with_the_first_place():
    source = Source("a: 1\nb: {c: 1, c: 2}\na: 3\n", "f")
    assert source.problems == ["f:2:11: b.c: is already set at f:2:5", "f:3:1: a: is already set at f:1:1"]
    assert source.data == {"a": "1", "b": {"c": "1"}}


def test_anchors_are_followed_but_not_in_circles():
    assert Source("a: &x {k: 1}\nb: *x\n", "f").data == {"a": {"k": "1"}, "b": {"k": "1"}}
    circle = Source("a: &x [1, *x]\n", "f")
    assert circle.problems == ["f:1:4: a[1]: an alias that holds itself"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [1\nb: 2", "f:2:2: not YAML: while parsing a flow sequence: did not find expected ',' or ']'"),
        ("a:\n\t- x", "f:2:1: not YAML: while scanning for the next token: "),
        ("a: 1\n---\nb: 2", "f:2:1: not YAML: expected a single document in the stream: "),
        ("a: \x01", "f: unacceptable character"),
        ("? [a]\n: b", "f:1:3: the file: a key must be a word, not a list or mapping"),
    ],
)
def test_what_is_not_yaml_has_a_place(text, problem):
    (found,) = Source(text, "f").problems
    assert found.startswith(problem)


@pytest.mark.parametrize("depth", [50, 5_000, 200_000])
def test_what_is_nested_too_deep_is_a_problem(depth):
    source = Source(f"a: {'[' * depth}{']' * depth}\n", "f")
    assert any("nested deeper than 40 levels" in problem for problem in source.problems)


@given(st.text())
def test_no_text_raises(text):
    source = Source(text, "f")
    assert source.problems or source.data is None or isinstance(source.data, str | list | dict)


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", "5"), ("[a, 1]", ["a", "1"]), ("{a: {b: 1}}", {"a": {"b": "1"}}), ("a: b", "a: b"), ("", "")],
)
def test_values_from_a_shell(text, value):
    assert parse_value(text) == value


def test_half_a_list_from_a_shell():
    with pytest.raises(ValueError, match="not YAML"):
        parse_value("[a")


def test_paths_read_as_people_write_them():
    assert dotted(("actors", "hub.1", "symbols", 2)) == "actors.hub.1.symbols[2]"
