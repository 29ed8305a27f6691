"""Frames made wrong: always the same for the same numbers, of every sort, and never too long."""

import json
from random import Random

from scripts.mutations import MAX_FRAME_BYTES, Mutator

FRAME = b'{"stream":"btcusdt@trade","data":{"e":"trade","s":"BTCUSDT","t":5,"p":"100.5","q":"2","b":[["1","2"]],"m":false}}'


def made(seed, count, **options):
    mutator = Mutator(Random(seed), [FRAME, b'{"arg":{"channel":"trades"}}'], **options)
    mutator.know([FRAME])
    return [mutator.mutate(FRAME) for _ in range(count)]


def is_json(frame):
    try:
        json.loads(frame)
    except (ValueError, RecursionError):
        return False
    return True


def test_the_same_numbers_give_the_same_frames():
    assert made(1, 500) == made(1, 500)
    assert made(1, 500) != made(2, 500)


def test_many_sorts_come():
    frames = made(1, 20_000)
    good = [frame for frame in frames if is_json(frame)]
    assert 0.3 < len(good) / len(frames) < 0.8, "some must get past the first look, some must not"
    assert sum(frame == FRAME for frame in frames) < 1000
    assert max(map(len, frames)) <= MAX_FRAME_BYTES
    for sign in (
        b"NaN",
        b"Infinity",
        b"\xff",
        b"\\ud8",
        b"[[[[",
        b"1e309",
        b"9" * 40,
        b"\x00",
        b'"channel"',
        b'"trades"',
    ):
        assert any(sign in frame for frame in frames), sign
    pairs = [json.loads(frame, object_pairs_hook=list) for frame in good[:3000]]
    assert any(len({key for key, _ in pair}) < len(pair) for pair in pairs if isinstance(pair, list) and pair)
    assert any(b'"t":' not in frame for frame in good), "names go missing"


def test_anything_can_be_made_wrong():
    mutator = Mutator(Random(1), [b""])
    for frame in (b"", b"{", b'"', b"pong", b"\x00\xff", b"[]", b"5", b"a|b|^3"):
        for _ in range(300):
            assert isinstance(mutator.mutate(frame), bytes)


def test_records_are_changed_in_their_fields():
    record = bytes(range(48))
    mutator = Mutator(Random(1), [record], is_text=False)
    frames = [mutator.mutate(record) for _ in range(3000)]
    assert any((2**63 - 1).to_bytes(8, "little") in frame for frame in frames)
    assert record + record in frames
    assert any(len(frame) == len(record) and frame != record for frame in frames)


def test_a_name_takes_the_place_of_a_text_and_never_of_a_number():
    mutator = Mutator(Random(1), [FRAME])
    frames = {mutator.rename(FRAME, b"NEW") for _ in range(300)}
    assert all(b"NEW" in frame and b'"100.5"' in frame and b'"t":5' in frame for frame in frames)
    assert any(b'"s":"NEW"' in frame for frame in frames)
    assert any(b'"stream":"NEW"' in frame for frame in frames)
    assert mutator.rename(b"[1,2]", b"NEW") == b"[1,2]"
