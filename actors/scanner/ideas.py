"""What a strategy said, checked: it is somebody's code, and nothing that it returns may end the scanner. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from protocol.messages import BUY, SELL
from protocol.strategy import Idea

MOST_TEXT: Final = 200
"""Characters of what a strategy says in words."""
MOST_INPUTS: Final = 64
_NUMBERS: Final = (int, float)


def checked(said: object, entry_of: Mapping[int, float]) -> Idea | str:
    """The idea in plain numbers and texts, or what is wrong with it.

    Args:
        said: What came back, whatever it is.
        entry_of: Side to the price at which it would be entered.
    """
    if not isinstance(said, Idea):
        return f"it is a {type(said).__name__}, neither an Idea nor a text"
    side = said.side
    if not _is_number(side) or side not in (BUY, SELL):
        return f"side {_short(side)} is none of 1, -1"
    for name in ("stop", "target", "confidence"):
        if not _is_number(getattr(said, name)):
            return f"{name} {_short(getattr(said, name))} is no number"
    stop, target, confidence = float(said.stop), float(said.target), float(said.confidence)
    if not 0.0 <= confidence <= 1.0:
        return f"confidence {confidence:g} is not from 0 to 1"
    entry = entry_of[int(side)]
    if not (side * stop < side * entry < side * target and min(stop, target) > 0.0):
        return f"stop {stop:g}, entry {entry:g} and target {target:g} are not in that order"
    inputs = _inputs(said.inputs)
    if isinstance(inputs, str):
        return inputs
    text: object = said.text
    if not isinstance(text, str):
        return f"text {_short(text)} is none"
    return Idea(int(side), stop, target, confidence, inputs, _encodable(text)[:MOST_TEXT])


def words(said: str) -> str:
    """What a strategy says instead of an idea."""
    return _encodable(said)[:MOST_TEXT] or "no idea"


def _inputs(said: Any) -> dict[str, float] | str:
    if not isinstance(said, Mapping):
        return f"inputs {_short(said)} are no mapping"
    if len(said) > MOST_INPUTS:
        return f"{len(said)} inputs are more than {MOST_INPUTS}"
    found = {}
    for name, value in said.items():
        if not isinstance(name, str):
            return f"input {_short(name)} has no name"
        if not _is_number(value):
            return f"input {_encodable(name)[:MOST_TEXT]} is {_short(value)}, no number"
        found[_encodable(name)[:MOST_TEXT]] = float(value)
    return found


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, _NUMBERS) and math.isfinite(value)
    except OverflowError:  # an int that no float can hold
        return False


def _short(value: object) -> str:
    return _encodable(repr(value))[:40]


def _encodable(text: str) -> str:
    """Without halves of surrogate pairs, which UTF-8 has not; a plain text, of whatever class it was."""
    return str(text).encode("utf-8", "replace").decode()
