"""Frames made wrong in every way that a peer, a proxy or a bad disk can make them, for `fuzz_frames.py`. Pure.

Text is cut at its tokens (strings, numbers, words, brackets), so that a frame may stay JSON and say something absurd;
bytes are changed blindly. The same random numbers give the same frames.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|[A-Za-z_]+')
_MAX_KNOWN: Final = 50_000
MAX_FRAME_BYTES: Final = 200_000
ODD_VALUES: Final = (
    b"0", b"-0", b"-1", b"1", b"0.0", b"1e-320", b"1e308", b"1e309", b"-1e309", b"1e18", b"1e19", b"1e400",
    b"9223372036854775806", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775808",
    b"18446744073709551615", b"18446744073709551616", b"9" * 40, b"9" * 5000, b"0." + b"3" * 400, b"NaN", b"Infinity",
    b"-Infinity", b"nan", b"inf", b"null", b"true", b"false", b"{}", b"[]", b"[[]]", b"[{}]", b'""', b'" "', b'"0"',
    b'"-1"', b'"NaN"', b'"Infinity"', b'"-Infinity"', b'"1e309"', b'"1e400"', b'"0x10"', b'"1_000"', b'"+1"',
    b'"1,5"', b'"\xd9\xa1\xd9\xa2"', b'"9223372036854775808"', b'"\\u0000"', b'"\\ud800"', b'"\\udc00\\ud800"',
    b'"a\\u0022b"', b"[null]", b'[["1","1"],["1"]]', b"[[1,2,3,4,5]]", b'"0001-01-01T00:00:00Z"',
    b'"9999-12-31T23:59:60.999999999Z"', b'"2026-02-30T00:00:00Z"', b'"' + b"A" * 3000 + b'"', b"1791091175227",
    b"17910911752270000", b"4102444800000", b"99999999999999", b'"4102444800000"', b'"pong"', b"01", b"1.", b".5",
)  # fmt: skip
_ODD_BYTES: Final = (
    b"\x00", b"\xff", b"\xfe\xff", b"\xc3", b"\xc3\x28", b"\xe2\x82", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf",
    b"\r\n", b"\n", b'"', b"\\", b"\\u", b"\\ud83d", b"{", b"}", b"[", b"]", b",", b":", b"|", b"^", b"#", b"$", b"%", b"%zz",
    b"^T", b"^P", b"^999999999", b"^0", b"<", b">", b"&", b"&#0;", b"<![CDATA[", b"-->", b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
)  # fmt: skip
_DEPTHS: Final = (2, 2, 2, 30, 30, 30, 60, 60, 200, 1100, 20_000)
_SMALL_BYTES: Final = 2048
"""Larger frames are cut at their tokens only where these are known."""

Span = tuple[int, int]


class Mutator:
    """Makes frames wrong.

    Args:
        random: Decides everything.
        strangers: Frames of others, to take pieces of.
        is_text: Frames have tokens; else they are records of fixed fields.
    """

    def __init__(self, random: Random, strangers: Sequence[bytes] = (), *, is_text: bool = True) -> None:
        self._random = random
        self._strangers = list(strangers)
        self._tokens: dict[bytes, tuple[list[Span], list[Span]]] = {}
        blind = self._flip, self._flip, self._cut, self._cut_out, self._insert, self._repeat, self._splice
        self._blind: tuple[Callable[[bytes], bytes], ...] = blind
        self._ways: tuple[Callable[[bytes], bytes], ...] = (
            *blind, self._odd_value, self._odd_value, self._odd_value, self._odd_value, self._digit, self._digit,
            self._digit, self._digit, self._swap, self._delete, self._repeat_token, self._of_another, self._nest,
            self._duplicate_key, self._escape,
        )  # fmt: skip
        if not is_text:
            fields = self._field, self._field, self._field, self._field, self._whole_record
            self._blind = self._ways = (*fields, *blind)

    def mutate(self, frame: bytes) -> bytes:
        """A frame made from this one, wrong in one to three ways; now and then it stays equal."""
        random = self._random.random
        found = self._ways[int(random() * len(self._ways))](frame)
        while random() < 0.25:
            ways = self._ways if len(found) < _SMALL_BYTES else self._blind
            found = ways[int(random() * len(ways))](found)
        return found if len(found) <= MAX_FRAME_BYTES else found[:MAX_FRAME_BYTES]

    def rename(self, frame: bytes, name: bytes) -> bytes:
        """A frame with another text in the place of one that is no number, if it has one."""
        values, _ = self._tokens.get(frame) or _spans(frame)
        texts = [span for span in values if not frame[slice(*span)].strip(b'"-').replace(b".", b"").isdigit()]
        if not texts:
            return frame
        start, end = texts[int(self._random.random() * len(texts))]
        is_quoted = frame[start : start + 1] == b'"'
        return frame[:start] + (b'"%s"' % name if is_quoted else name) + frame[end:]

    # tokens

    def know(self, frames: Sequence[bytes]) -> None:
        """Find the tokens of these once; others are looked at each time."""
        for frame in frames[:_MAX_KNOWN]:
            self._tokens[frame] = _spans(frame)

    def _value(self, frame: bytes) -> Span:
        values, names = self._tokens.get(frame) or _spans(frame)
        if names and self._random.random() < 0.15:
            values = names
        if not values:
            at = self._at(frame)
            return at, min(len(frame), at + 1)
        return values[int(self._random.random() * len(values))]

    def _at(self, frame: bytes) -> int:
        return int(self._random.random() * (len(frame) + 1))

    def _odd_value(self, frame: bytes) -> bytes:
        start, end = self._value(frame)
        odd = self._random.choice(ODD_VALUES)
        if frame[start : start + 1] == b'"' and not odd.startswith(b'"') and self._random.random() < 0.6:
            odd = b'"' + odd.replace(b'"', b"") + b'"'
        return frame[:start] + odd + frame[end:]

    def _digit(self, frame: bytes) -> bytes:
        """Another digit in a number: it still reads, and says something else."""
        start, end = self._value(frame)
        for _ in range(8):
            if any(48 <= byte <= 57 for byte in frame[start:end]):
                break
            start, end = self._value(frame)
        digits = [at for at in range(start, end) if 48 <= frame[at] <= 57]
        if not digits:
            return self._flip(frame)
        at = self._random.choice(digits)
        return frame[:at] + b"%d" % self._random.randrange(10) + frame[at + 1 :]

    def _swap(self, frame: bytes) -> bytes:
        """Two values change places."""
        one, two = sorted((self._value(frame), self._value(frame)))
        if one[1] > two[0]:
            return frame
        return (
            frame[: one[0]]
            + frame[slice(*two)]
            + frame[one[1] : two[0]]
            + frame[slice(*one)]
            + frame[two[1] :]
        )

    def _delete(self, frame: bytes) -> bytes:
        """A value or a name is gone, or a name with its value and a comma."""
        start, end = self._value(frame)
        if self._random.random() < 0.7:
            comma = frame.find(b",", end)
            end = comma + 1 if 0 <= comma < end + 400 else end
        return frame[:start] + frame[end:]

    def _repeat_token(self, frame: bytes) -> bytes:
        start, end = self._value(frame)
        return frame[:end] + b"," * (self._random.random() < 0.5) + frame[start:end] + frame[end:]

    def _of_another(self, frame: bytes) -> bytes:
        """A value of another frame."""
        if not self._strangers:
            return self._swap(frame)
        other = self._random.choice(self._strangers)
        start, end = self._value(frame)
        return frame[:start] + other[slice(*self._value(other))] + frame[end:]

    def _nest(self, frame: bytes) -> bytes:
        start, end = self._value(frame)
        depth = self._random.choice(_DEPTHS)
        open_, close = self._random.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"<a>", b"</a>")))
        inner = frame[start:end] if self._random.random() < 0.5 else b""
        is_closed = self._random.random() < 0.7
        return frame[:start] + open_ * depth + inner + close * depth * is_closed + frame[end:]

    def _duplicate_key(self, frame: bytes) -> bytes:
        """The same name once more in its object, with an odd value."""
        brace = frame.find(b"{", self._at(frame))
        if brace < 0:
            brace = frame.find(b"{")
        if brace < 0:
            return self._repeat_token(frame)
        name_end = frame.find(b":", brace)
        if name_end < 0:
            return self._repeat_token(frame)
        odd = self._random.choice(ODD_VALUES)
        return frame[: brace + 1] + frame[brace + 1 : name_end] + b":" + odd + b"," + frame[brace + 1 :]

    def _escape(self, frame: bytes) -> bytes:
        """One character written as an escape, which says the same, or half of a pair, which says nothing."""
        start, end = self._value(frame)
        if end - start < 3 or frame[start : start + 1] != b'"':
            return self._odd_value(frame)
        at = self._random.randrange(start + 1, end - 1)
        code = frame[at] if self._random.random() < 0.7 else 0xD800 + self._random.randrange(0x800)
        return frame[:at] + b"\\u%04x" % code + frame[at + 1 :]

    # bytes

    def _field(self, frame: bytes) -> bytes:
        """An odd number where a record may have a field."""
        width = self._random.choice((1, 2, 4, 8))
        if len(frame) < width:
            return self._insert(frame)
        at = self._random.randrange(0, len(frame) - width + 1, width)
        value: int = self._random.choice(
            (0, 1, 2, -1, -2, 2 ** (8 * width - 1) - 1, 2 ** (8 * width - 1), 10**9, 10**18)
        )
        return frame[:at] + (value & ((1 << 8 * width) - 1)).to_bytes(width, "little") + frame[at + width :]

    def _whole_record(self, frame: bytes) -> bytes:
        """Twice, or followed by another one."""
        return frame + (self._random.choice(self._strangers) if self._strangers else frame)

    def _flip(self, frame: bytes) -> bytes:
        out = bytearray(frame)
        for _ in range(self._random.choice((1, 1, 1, 2, 8))):
            if out:
                out[int(self._random.random() * len(out))] = self._random.randrange(256)
        return bytes(out)

    def _cut(self, frame: bytes) -> bytes:
        return frame[: self._at(frame)]

    def _cut_out(self, frame: bytes) -> bytes:
        at = self._at(frame)
        return frame[:at] + frame[at + self._random.choice((1, 2, 7, 40, 300)) :]

    def _insert(self, frame: bytes) -> bytes:
        at = self._at(frame)
        odd = self._random.choice(_ODD_BYTES) if self._random.random() < 0.8 else self._random.randbytes(5)
        return frame[:at] + odd + frame[at:]

    def _repeat(self, frame: bytes) -> bytes:
        at = self._at(frame)
        piece = frame[at : at + self._random.choice((1, 3, 20, 60))]
        return frame[:at] + piece * self._random.choice((2, 2, 2, 3, 30)) + frame[at:]

    def _splice(self, frame: bytes) -> bytes:
        """The head of one frame, the tail of another."""
        other = self._random.choice(self._strangers) if self._strangers else frame
        return frame[: self._at(frame)] + other[self._at(other) :]


def _spans(frame: bytes) -> tuple[list[Span], list[Span]]:
    """Where values stand, and where names."""
    values: list[Span] = []
    names: list[Span] = []
    for match in _TOKEN.finditer(frame):
        (names if frame[match.end() : match.end() + 1] == b":" else values).append(match.span())
    return values, names
