"""Every escape of a `U` line, alone and after others."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.ig import tlcp
from actors.collector.ig.updates import apply_diff, decode
from actors.collector.outcomes import Reject
from tests.support.data import data_dir, recording


@pytest.mark.skipif(data_dir() is None, reason="no recordings")
@pytest.mark.recording
def test_the_recorded_vectors():
    vectors = [json.loads(row) for row in recording("ig/tlcp_update_vectors.jsonl").read_text().splitlines()]
    assert len(vectors) == 7
    for vector in vectors:
        update = tlcp.parse(vector["line"])
        before = vector["prev"] or [None] * len(vector["fields"])
        assert decode(update.payload, before) == vector["fields"]


def test_a_sequence_of_four_fields():
    steps = [
        ("a|b|c|d", ["a", "b", "c", "d"]),
        ("%23x|%24|%5E9|", ["#x", "$", "^9", "d"]),
        ("a%7Cb|100%25|a+b|x,y", ["a|b", "100%", "a+b", "x,y"]),
        ("#|$|^2", [None, "", "a+b", "x,y"]),
        ("|||e", [None, "", "a+b", "e"]),
        ("^4", [None, "", "a+b", "e"]),
        ("#abc|$5|%E2%82%AC|z z", ["#abc", "$5", "\u20ac", "z z"]),
        ("^3|last", ["#abc", "$5", "\u20ac", "last"]),
        ("^1|q|^2", ["#abc", "q", "\u20ac", "last"]),
    ]
    values = [None] * 4
    for payload, expected in steps:
        before = list(values)
        after = decode(payload, values)
        assert after == expected, payload
        assert values == before, "the values before must stay"
        values = after


def test_diffs():
    # copy 3, add 2 "XY", delete 1, copy 2
    assert apply_diff("abcdef", "dcXYbc") == "abcXYef"
    assert apply_diff("abc", "d") == "abc"
    assert apply_diff("abc", "") == ""
    assert apply_diff("", "adnew") == "new"
    assert apply_diff("x" * 30, "Be") == "x" * 30  # two digits: 1 * 26 + 4
    assert decode("^Tdc%7CYbc|^1", ["abcdef", "k"]) == ["abc|Yef", "k"]


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        ("a|b|c", "3 fields of 4"),
        ("a|b|c|d|e", "more than 4 fields"),
        ("^5", "more unchanged"),
        ("a|^4", "more unchanged"),
        ("^0|a|b|c|d", "more unchanged"),
        ("^" + "9" * 5000, "more unchanged"),
        ("^|a|b|c", "unknown kind"),
        ("^X|a|b|c", "unknown kind"),
        ("^\u00b2|a|b|c", "unknown kind"),
        ('^P[{"op":"replace"}]|a|b|c', "JSON Patch was not negotiated"),
        ("^Tz|a|b|c", "beyond the value"),
        ("^Tab|a|b|c", "cut off"),
        ("^T1|a|b|c", "no count"),
        ("^TA|a|b|c", "no count"),
        ("^T" + "Z" * 5000 + "|a|b|c", "no count"),
        ("||^Ta|", "a diff of null"),
    ],
)
def test_what_cannot_be_decoded_is_refused(payload, fault):
    refused = decode(payload, ["p", "q", None, "s"])
    assert isinstance(refused, Reject)
    assert refused.reason == "invalid_update"
    assert fault in refused.detail


def _encode(before, after):
    """As a server would: the other direction of the table."""

    def token(old, new):
        if old == new:
            return ""
        if new is None:
            return "#"
        if new == "":
            return "$"
        escaped = new.replace("%", "%25").replace("|", "%7C").replace("\r", "%0D").replace("\n", "%0A")
        return f"%{ord(escaped[0]):02X}{escaped[1:]}" if escaped[0] in "#$^" else escaped

    return "|".join(token(old, new) for old, new in zip(before, after, strict=True))


_value = st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=8))
_row = st.lists(_value, min_size=3, max_size=3)


@settings(max_examples=300, deadline=None)
@given(_row, _row)
def test_whatever_a_server_writes_comes_out_again(before, after):
    assert decode(_encode(before, after), before) == after


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="abzABZ^TP|#$%0129+\u00e9"), st.lists(_value, max_size=4))
def test_nothing_raises(payload, before):
    decode(payload, before)
