"""Values of an item's fields from the payload of a `U` line and those before it. Pure.

A payload holds one token per field, separated by `|`:

    (empty)   unchanged               ^N        this field and the next N-1 unchanged
    #         null                    ^T...     TLCP-diff of the value before
    $         empty text              ^P...     JSON Patch of the value before: refused, we negotiate it away
    other     percent-encoded UTF-8; `+` is a plus

Source: the TLCP specification and its decoding vectors.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from actors.collector.outcomes import Reject

Values = list[str | None]
_RADIX: Final = 26
_LONGEST_VALUE: Final = 1_000_000
"""Characters; a diff cannot make more of a value."""


def decode(payload: str, before: Values) -> Values | Reject:
    """All fields after an update; `before` stays as it is.

    Args:
        payload: Behind the third comma of the line.
        before: Fields as they were; all null before the first update.
    """
    after = list(before)
    field, size = 0, len(before)
    for text in payload.split("|"):
        if field >= size:
            return Reject("invalid_update", f"more than {size} fields")
        if text == "":
            field += 1
        elif text[0] == "^":
            fault = _caret(text[1:], after, field)
            if fault:
                return Reject("invalid_update", fault)
            field += int(text[1:]) if text[1].isdigit() else 1
        else:
            after[field] = None if text == "#" else "" if text == "$" else unquote(text)
            field += 1
    return after if field == size else Reject("invalid_update", f"{field} fields of {size}")


def _caret(text: str, values: Values, field: int) -> str:
    """Apply what stands behind a caret; returns what is wrong with it."""
    if text.isascii() and text.isdigit():
        is_sound = len(text) < 7 and 0 < int(text) <= len(values) - field
        return "" if is_sound else "more unchanged fields than there are"
    base = values[field]
    if text[:1] == "T":
        if base is None:
            return "a diff of null"
        try:
            values[field] = apply_diff(base, unquote(text[1:]))
        except ValueError as fault:
            return f"TLCP-diff: {fault}"
        return ""
    return "JSON Patch was not negotiated" if text[:1] == "P" else "an unknown kind of diff"


def apply_diff(base: str, diff: str) -> str:
    """A text from the one before and a TLCP-diff: copy, add, delete, copy, ... until the diff ends.

    Each step is a count (base 26, digits A to Z, the last one a to z) of characters: taken over from `base`, taken
    from the diff behind the count, passed over in `base`.

    Raises:
        ValueError: it does not fit the base, or is no diff.
    """
    parts: list[str] = []
    at = base_at = length = 0
    step = 0
    while at < len(diff):
        count, at = _count(diff, at)
        if step == 1:
            if at + count > len(diff):
                raise ValueError("added text is cut off")
            parts.append(diff[at : at + count])
            at += count
        else:
            if base_at + count > len(base):
                raise ValueError("goes beyond the value before")
            if step == 0:
                parts.append(base[base_at : base_at + count])
            base_at += count
        length += count if step < 2 else 0
        if length > _LONGEST_VALUE:
            raise ValueError("value too long")
        step = (step + 1) % 3
    return "".join(parts)


def _count(diff: str, at: int) -> tuple[int, int]:
    """A count and where it ends."""
    number = 0
    while at < len(diff) and number <= _LONGEST_VALUE:
        digit = diff[at]
        at += 1
        if "a" <= digit <= "z":
            return number * _RADIX + ord(digit) - ord("a"), at
        if not "A" <= digit <= "Z":
            break
        number = number * _RADIX + ord(digit) - ord("A")
    raise ValueError("no count where one must be")
